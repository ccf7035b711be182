"""The settings: one frozen `Config` from the environment, and the table they are documented by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit


class ConfigError(Exception):
    """Settings that cannot be used; `problems` is one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _text(value: str) -> str:
    return value


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError("must be an address beginning with " + " or ".join(f"{scheme}:" for scheme in schemes))
        return value

    return parse


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in (("https", "http") if near else ("https",)):
        raise ValueError("must be an address beginning with https:")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be an issuer's address, without user name, query or fragment")
    return value.rstrip("/")


def _keys(value: str) -> str:
    if not all(key.strip() for key in value.split(",")):
        raise ValueError("must be one key, or several divided by commas, none of them empty")
    return value


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ValueError("must be a whole number of 0 or more")
    return int(value)


def _yes_or_no(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 1 or 0")
    return value == "1"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: the field of Config it fills, its default as written, what it is for."""

    name: str
    field: str
    default: str
    help: str
    parse: Callable[[str], Any] = _text
    secret: bool = False


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "LEITAI_DATABASE_URL",
        "database_url",
        "",
        "The database: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. Default: DATA/leitai.db.",
        _url("sqlite", "postgresql", "postgresql+psycopg"),
        secret=True,
    ),
    Setting("LEITAI_DATA_DIR", "data_dir", "./var", "The folder of uploads, job files and the SQLite database.", Path),
    Setting(
        "LEITAI_REDIS_URL",
        "redis_url",
        "",
        "Redis, needed by more than one worker. Default: none.",
        _url("redis", "rediss", "unix"),
        secret=True,
    ),
    Setting("LEITAI_SECRET_KEY", "secret_key", "", "Signs sessions; `leitai serve` refuses without it.", secret=True),
    Setting(
        "LEITAI_DATA_KEY",
        "data_key",
        "",
        "Encrypts ID and phone numbers; never in a backup. Several, divided by commas: the newest first, the older "
        "ones are still read (leitai rekey). Default: one made once, in DATA/data.key.",
        _keys,
        secret=True,
    ),
    Setting(
        "LEITAI_PUBLIC_URL",
        "public_url",
        "http://127.0.0.1:8000",
        "The address in links and QR codes.",
        _url("http", "https"),
    ),
    Setting("LEITAI_TRUSTED_PROXIES", "trusted_proxies", "0", "How many proxies in front set X-Forwarded-*.", _count),
    Setting(
        "LEITAI_SMTP_URL",
        "smtp_url",
        "",
        "The mail server: smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&name=NAME, or smtps://. STARTTLS where it is "
        "offered; from: else USER, else leitai@ the public address's host. Default: no mail is sent.",
        _url("smtp", "smtps"),
        secret=True,
    ),
    Setting(
        "LEITAI_REQUIRE_TOTP",
        "require_totp",
        "1",
        "1: admins, organisers, chiefs, coders and supervisors need a one-time code beside a password. 0: they may.",
        _yes_or_no,
    ),
    Setting(
        "LEITAI_SMS_URL",
        "sms_url",
        "",
        "Where text messages are posted as JSON (phone, text); a user name or password in it goes as Basic. "
        "Default: none are sent.",
        _url("https", "http"),
        secret=True,
    ),
    Setting(
        "LEITAI_OIDC_URL",
        "oidc_url",
        "",
        "The issuer of an OpenID Connect service by which people may sign in, too; its return address is "
        "LEITAI_PUBLIC_URL/external/return. Default: none.",
        _issuer,
    ),
    Setting("LEITAI_OIDC_ID", "oidc_id", "", "What that service calls Leitai (client id)."),
    Setting("LEITAI_OIDC_SECRET", "oidc_secret", "", "The secret it gave for that (client secret).", secret=True),
    Setting("LEITAI_MAX_BUNDLE_MB", "max_bundle_mb", "128", "The largest bundle that is read, in megabytes.", _count),
    Setting(
        "LEITAI_DEMO_LINKS",
        "demo_links",
        "",
        "Set by leitai demo: the file of the sign-ins that its home page offers to anyone. Never for a real contest.",
    ),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting in force; an empty text or None: not set."""

    database_url: str
    data_dir: Path
    redis_url: str | None
    secret_key: str | None
    data_key: str | None
    public_url: str
    trusted_proxies: int
    smtp_url: str | None
    max_bundle_mb: int
    demo_links: str | None = None
    require_totp: bool = True
    sms_url: str | None = None
    oidc_url: str | None = None
    oidc_id: str | None = None
    oidc_secret: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Reads every setting; raises ConfigError with all that is wrong. An empty variable counts as absent."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for setting in SETTINGS:
            given = environ.get(setting.name) or setting.default
            try:
                values[setting.field] = setting.parse(given) if given else None
            except ValueError as error:
                problems.append(f"{setting.name}: {error}")
        known = {setting.name for setting in SETTINGS}
        strangers = sorted(name for name in environ if name.startswith("LEITAI_") and name not in known)
        problems += [f"{name}: there is no such setting" for name in strangers if not name.startswith("LEITAI_TEST_")]
        door = [values.get(name) for name in ("oidc_url", "oidc_id", "oidc_secret")]
        if any(door) and not all(door) and not problems:
            problems.append("LEITAI_OIDC_URL, LEITAI_OIDC_ID and LEITAI_OIDC_SECRET are set all three, or none")
        if problems:
            raise ConfigError(problems)
        if values["database_url"] is None:
            values["database_url"] = f"sqlite:///{values['data_dir'].resolve() / 'leitai.db'}"
        values["public_url"] = values["public_url"].rstrip("/")
        return cls(**values)

    @property
    def uploads(self) -> Path:
        return self.data_dir / "uploads"


def masked(setting: Setting, value: str) -> str:
    """`value` as it may be shown: a secret only by what names no password."""
    if not setting.secret or not value:
        return value
    parts = urlsplit(value)
    if parts.scheme and (parts.hostname or parts.scheme == "sqlite"):
        if parts.password is None and not parts.query:
            return value
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        user = f"{parts.username or ''}:***@" if parts.password is not None else ""
        return f"{parts.scheme}://{user}{host}{parts.path}" + ("?***" if parts.query else "")
    return "***"


def in_force(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, value (secrets masked) and origin of every setting, for `leitai config`."""
    config = Config.from_env(environ)
    rows = []
    for setting in SETTINGS:
        value = getattr(config, setting.field)
        origin = "environment" if environ.get(setting.name) else "default"
        rows.append((setting.name, masked(setting, "" if value is None else str(value)), origin))
    return rows
