"""What happened to people, told after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """Somebody took a consent back; `contest_id` None: of a general text."""

    person_id: int
    kind: str
    contest_id: int | None
    registration_id: int | None


@dataclass(frozen=True, slots=True)
class PersonErased:
    """A person's data was erased."""

    person_id: int
