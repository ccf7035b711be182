"""What the registration form sends: the draft, the profile fields of whoever fills it in, consents.

The form's inputs: `title`, `group`, `unit`, `f-CODE` for each field of the contest's own, `p-CODE` for each profile
field. They are read leniently, since a draft is saved as it stands; what is wrong is said beside its input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from competition.accounts.profile import FIELDS, ProfileField
from competition.registration.answers import Field, read_answers
from competition.registration.drafting import Draft
from competition.registration.eligibility import Rule
from competition.registration.facts import ASKED

PROFILE: Final = "p-"
ALWAYS: Final = ("id_number", "phone", "employment", "platform")
"""Asked of every member: who they are, how they are told, who speaks for them."""
CONSENTS: Final = ("registration", "publication")
"""Asked at submission: the first is needed, the second is free."""


class Typed(Protocol):
    """A form, or JSON of the same shape."""

    def get(self, name: str, default: str) -> str: ...

    def getlist(self, name: str) -> list[str]: ...

    def __contains__(self, name: object) -> bool: ...


class JsonTyped:
    """JSON `{name: text | [text]}` as a form."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {
            name: [str(one) for one in (value if isinstance(value, list) else [value]) if one is not None]
            for name, value in values.items()
        }

    def get(self, name: str, default: str) -> str:
        values = self._values.get(name)
        return values[0] if values else default

    def getlist(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def __contains__(self, name: object) -> bool:
        return name in self._values


def profile_fields(rules: Sequence[Rule]) -> list[ProfileField]:
    """The fields of a person that this track asks for, in the profile's order: no more than its rules need."""
    codes = set(ALWAYS)
    for rule in rules:
        codes.update(ASKED.get(rule.kind, ()))
    return [one for code, one in FIELDS.items() if code in codes]


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent; `errors`: a sentence by input name for answers that cannot be read."""

    draft: Draft
    profile: dict[str, str]
    errors: dict[str, Any]


def read_form(typed: Typed, fields: Sequence[Field], person: Sequence[ProfileField]) -> Sent:
    answers, errors = read_answers(fields, typed.getlist)
    draft = Draft(
        title=typed.get("title", "") if "title" in typed else None,
        group=typed.get("group", "") if "group" in typed else None,
        unit=typed.get("unit", "") if "unit" in typed else None,
        answers=answers,
    )
    return Sent(draft, read_profile(typed, person), errors)


def read_profile(typed: Typed, person: Sequence[ProfileField]) -> dict[str, str]:
    """Profile values that the form sends. An empty sealed number leaves the one on record as it is."""
    values = {}
    for one in person:
        name = PROFILE + one.code
        if name in typed and (typed.get(name, "").strip() or not one.sealed):
            values[one.code] = typed.get(name, "")
    return values
