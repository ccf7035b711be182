"""Errors for people. Bugs are ordinary exceptions and are not caught."""

from __future__ import annotations

CODES = (
    "bad_request",
    "bad_number",
    "above_max",
    "below_min",
    "off_step",
    "unknown",
    "forbidden",
    "signed_out",
    "not_open",
    "locked",
    "conflict",
    "incomplete",
    "not_expected",
    "op_reused",
    "too_many",
)
"""The error codes of the judging protocol (contract.md); other doors may use codes of their own beside these."""


class DomainError(Exception):
    """Something a person asked for that cannot be done: a code, a sentence that says what to do, the field it is about.

    `details` carries what a client needs beside the sentence (a conflict's stored value and revision, what is missing).
    """

    def __init__(self, code: str, message: str, field: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.details = details

    def as_dict(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "field": self.field, **self.details}


class Refused(Exception):
    """A command that ends here: its exit code (1 the answer is no, 2 bad input) and what to tell on stderr."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code
        self.lines = lines
