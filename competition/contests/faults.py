"""What is wrong with a form, gathered, so that everything is told at once and each beside its field."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from competition.shared.errors import DomainError


class Faults:
    """Sentences by the place they are about: `name`, or `rows.2.name` in the third row of a list."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, place: str, sentence: Any) -> None:
        self.found.append({"place": place, "sentence": str(sentence)})

    def text(self, place: str, value: str, *, most: int = 200, required: bool = True) -> str:
        """A text without spaces at its ends, at most `most` characters long."""
        value = value.strip()
        if required and not value:
            self.add(place, _("请填写"))
        elif len(value) > most:
            self.add(place, _("最多 %(most)s 个字，现有 %(now)s 个。", most=most, now=len(value)))
        elif "\x00" in value:
            self.add(place, _("含有不能保存的字符"))
        return value

    def whole(self, place: str, value: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number from `least` to `most`; `default` where nothing is written."""
        value = value.strip()
        if not value and default is not None:
            return default
        if value.isascii() and value.isdigit() and len(value) <= 9 and least <= int(value) <= most:
            return int(value)
        self.add(place, _("请填 %(least)s 到 %(most)s 之间的整数。", least=least, most=most))
        return least

    def chosen(self, place: str, value: str, known: Any) -> str:
        """One of the words of a list."""
        if value not in known:
            self.add(place, _("请从列表中选择。"))
        return value

    def check(self) -> None:
        """Raises what was found, if anything was."""
        if self.found:
            first = self.found[0]
            raise DomainError("bad_request", first["sentence"], first["place"], problems=self.found)
