"""Winners on their way up a layer (层层): the first of a lower track, and the signed package between two servers.

Pure: a package is canonical JSON, signed with Ed25519 over its bytes without the signature. Whoever holds the public
key can tell that this server wrote it and that nothing in it was changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask_babel import gettext as _

FORMAT: Final = "leitai.promotion/1"
MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ENTRIES: Final = 2_000
MAX_TEXT: Final = 2_000
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PackageError(Exception):
    """A package that is not taken; `problems` is one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Winner:
    """An entry of a lower track with what it brings: rank as printed, total as printed, prize, and who agreed.

    `consent`: person (each member agreed here), paper (the lower contest's organiser answers for it), or none.
    """

    entry: str
    title: str
    rank: int
    score: str
    prize: str = ""
    kind: str = "individual"
    group: str = ""
    organisation: str = ""
    organisation_name: str = ""
    members: tuple[str, ...] = ()
    advisers: tuple[str, ...] = ()
    consent: str = "none"


@dataclass(frozen=True, slots=True)
class Source:
    """The lower contest and track, with what its result rests on: SHA-256 of the results and of the rule pack."""

    contest: str
    contest_title: str
    level: str
    year: int
    track: str
    track_title: str
    standing: str
    results_hash: str
    rules_hash: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """What goes from one server to another."""

    source: Source
    made_at: str
    server: str
    winners: tuple[Winner, ...]
    public_key: str = ""
    signature: str = field(default="", compare=False)


def first(ranked: Sequence[tuple[str, int]], top: int) -> list[str]:
    """The entries of the first `top` places of a track, `ranked` as (entry, rank as printed) in board order.

    Who ties with the last of them comes too, as in a cut (bundle.md, From stage scores to ranks, 1).
    """
    if top < 1 or not ranked:
        return []
    last = ranked[min(top, len(ranked)) - 1][1]
    return [entry for entry, rank in ranked if rank <= last]


def hash_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document's canonical bytes."""
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(document: Mapping[str, Any]) -> bytes:
    """One way to write a document: keys in order, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(package: Package, key: Ed25519PrivateKey) -> bytes:
    """The package as a file, signed."""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    document = _document(package) | {"public_key": public}
    signature = base64.b64encode(key.sign(canonical(document))).decode()
    return json.dumps(document | {"signature": signature}, ensure_ascii=False, sort_keys=True, indent=1).encode()


def read(data: bytes) -> Package:
    """A package whose signature fits the key in it and whose content is whole; whether that key is believed is for the
    caller to say. Raises PackageError with every problem."""
    if len(data) > MAX_BYTES:
        raise PackageError([_("上报包超过 %(n)s MB。", n=MAX_BYTES // 1024 // 1024)])
    try:
        document = json.loads(data.decode("utf-8"), parse_float=_refuse, object_pairs_hook=_once)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise PackageError([_("这不是上报包文件。请让下级主办方重新导出。")]) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PackageError([_("这不是上报包文件。请让下级主办方重新导出。")])
    _check_signature(document)
    return _package(document)


def fingerprint(public_key: str) -> str:
    """The key as two people compare it on the telephone: eight groups of four hexadecimal digits of its SHA-256."""
    digest = hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:32]
    return " ".join(digest[place : place + 4] for place in range(0, 32, 4))


def _document(package: Package) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": package.made_at,
        "server": package.server,
        "source": asdict(package.source),
        "winners": [
            {**asdict(winner), "members": list(winner.members), "advisers": list(winner.advisers)}
            for winner in package.winners
        ],
    }


def _refuse(_text: str) -> None:
    raise ValueError("scores are strings")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _check_signature(document: Mapping[str, Any]) -> None:
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(str(document.get("public_key")), validate=True))
        key.verify(base64.b64decode(str(document.get("signature")), validate=True), canonical(unsigned))
    except (InvalidSignature, ValueError, UnicodeEncodeError):
        raise PackageError([_("签名不符：文件被改动过，或没有下载完整。请让下级主办方重新导出。")]) from None


def _package(document: Mapping[str, Any]) -> Package:
    problems: list[str] = []
    known = {"format", "made_at", "server", "source", "winners", "public_key", "signature"}
    problems += [f"{name}: " + _("不认识的项") for name in document if name not in known]
    source = _record(document.get("source"), Source, "source", problems)
    given = document.get("winners")
    if not isinstance(given, list) or not 0 < len(given) <= MAX_ENTRIES:
        raise PackageError([*problems, "winners: " + _("须为 1 至 %(n)s 项", n=MAX_ENTRIES)])
    winners = [_record(each, Winner, f"winners[{place}]", problems) for place, each in enumerate(given)]
    whole = [winner for winner in winners if winner is not None]
    for place, winner in enumerate(whole):
        if not CODE.fullmatch(winner.entry):
            problems.append(f"winners[{place}].entry: " + _("不是代码"))
        if winner.rank < 1:
            problems.append(f"winners[{place}].rank: " + _("须为 1 以上的整数"))
        if winner.kind not in ("individual", "team") or winner.consent not in ("person", "paper", "none"):
            problems.append(f"winners[{place}]: " + _("kind 或 consent 的值不认识"))
        try:
            Decimal(winner.score)
        except InvalidOperation:
            problems.append(f"winners[{place}].score: " + _("须为十进制数"))
    if len({winner.entry for winner in whole}) != len(whole):
        problems.append("winners: " + _("同一项目出现两次"))
    if source is not None and not (CODE.fullmatch(source.contest) and CODE.fullmatch(source.track)):
        problems.append("source: " + _("不是代码"))
    if problems or source is None:
        raise PackageError(problems)
    return Package(
        source,
        str(document["made_at"])[:40],
        str(document["server"])[:200],
        tuple(whole),
        str(document["public_key"]),
        str(document["signature"]),
    )


def _record(given: Any, kind: type[Any], place: str, problems: list[str]) -> Any:
    """A record of `kind` from JSON: every key known, every value of its type, texts not endless."""
    if not isinstance(given, dict):
        problems.append(f"{place}: " + _("须为对象"))
        return None
    wanted = {name: spec.type for name, spec in kind.__dataclass_fields__.items()}
    count = len(problems)
    problems += [f"{place}.{name}: " + _("不认识的项") for name in given if name not in wanted]
    values: dict[str, Any] = {}
    for name, type_ in wanted.items():
        value = given.get(name)
        if str(type_).startswith("tuple") and isinstance(value, list) and all(_name(each) for each in value):
            values[name] = tuple(value)
        elif _plain(str(type_), value):
            values[name] = value
        else:
            problems.append(f"{place}.{name}: " + _("缺少，或类型不对"))
    return kind(**values) if len(problems) == count else None


def _plain(type_: str, value: Any) -> bool:
    if type_ == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return type_ == "str" and isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value


def _name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and "\0" not in value
