"""What a track still lacks before it may go on: a sentence, and where it can be put right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """`link` is a path of ours, "" where there is none; as text it is the sentence alone.

    What is `firm` no signed-in person passes over by force: a second person's part in a decision is not one person's
    to leave out.
    """

    sentence: str
    link: str = ""
    firm: bool = False

    def __str__(self) -> str:
        return self.sentence
