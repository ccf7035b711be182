"""A draw told again from its published seed."""

from __future__ import annotations

from sqlalchemy.orm import Session


def replay(session: Session, track: str) -> tuple[list[str], bool]:
    """The lines that tell the draws of CONTEST/TRACK again, and whether each comes out as it is stored."""
    raise NotImplementedError
