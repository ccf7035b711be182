"""The names of the roles (contract.md, Roles); what each is for stands in `accounts.policy.ROLE_TABLE`."""

from __future__ import annotations

from typing import Final

ROLES: Final = (
    "admin",
    "organiser",
    "unit",
    "contestant",
    "coder",
    "recorder",
    "judge",
    "chief",
    "supervisor",
    "arbiter",
    "awards",
)
