"""Signing in through an OpenID Connect service; off unless LEITAI_OIDC_URL, _ID and _SECRET name one.

The browser goes there by links, never by a form of ours, so that the pages' policy (`form-action 'self'`) holds.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client.errors import MismatchingStateError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App, OAuthError
from flask import Blueprint, Response, abort, flash, render_template, request, session, url_for
from flask_babel import gettext as _
from joserfc.errors import JoseError

from competition.accounts import identities
from competition.accounts.browser import browser_secret, sign_browser_in
from competition.accounts.entering import SecondStep
from competition.accounts.identities import Identity
from competition.accounts.service import hash_secret
from competition.accounts.views import agent, go, own_address, remote, start_page
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

log = logging.getLogger(__name__)
blueprint = Blueprint("external", __name__)

LIFE: Final = timedelta(minutes=10)
"""From the start until the return, and from there until the link is confirmed."""
SIGNED_BY: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures by a key that the service alone has: never one by a shared secret, never none."""
STATUS: Final = {"unreachable": 503, "conflict": 409, "unknown": 404}


@blueprint.app_context_processor
def offered() -> dict[str, Any]:
    """For the sign-in page: the service's host, or nothing."""
    return {"external_service": urlsplit(services().config.oidc_url or "").hostname or ""}


@blueprint.get("/external/start")
@limiter.limit("30 per minute")
@allow("everyone")
def start() -> Any:
    """Off to the service; with `link` to link the account to whoever is signed in, else to sign in by it."""
    outside = _client()
    linking = request.args.get("link") == "1"
    if linking:
        try:
            _check_own_sign_in()
        except DomainError as error:
            return _refused(error)
    _forget()
    try:
        _read_metadata(outside)
        answer = outside.authorize_redirect(services().config.public_url + url_for("external.come_back"))
    except DomainError as error:
        return _refused(error)
    session["external"] = {
        "until": (clock.now() + LIFE).isoformat(),
        "next": own_address(request.args.get("next", "")),
        "link": actor().person_id if linking else None,
    }
    answer.status_code = 303
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/external/return")
@limiter.limit("30 per minute")
@allow("everyone")
def come_back() -> Any:
    outside = _client()
    begun = session.pop("external", None)
    try:
        identity = _identity(outside, begun)
        if begun["link"] is not None:
            return _ask_to_link(identity, begun["link"])
    except DomainError as error:
        return _refused(error)
    finally:
        _forget(found=False)
    own, wanted, browser = services(), own_address(begun["next"]), browser_secret()
    with own.db.transaction() as db:
        result = identities.sign_in(db, identity, now=clock.now(), agent=agent(), address=remote())
    if result is None:
        return _refused(
            DomainError(
                "forbidden",
                _(
                    "这个外部账号还没有关联到擂台的账号，不能用它登录。请先用密码登录，再到“登录与安全”关联；"
                    "还没有账号的，请先注册。"
                ),
            )
        )
    if isinstance(result, SecondStep):
        session["second_step"], session["second_next"] = result.token, wanted
        return go(url_for("security.second_step"))
    return sign_browser_in(go(wanted or start_page(result.actor)), result.secret, browser)


@blueprint.post("/external/link")
@limiter.limit("30 per minute")
@allow("signed_in")
def link() -> Any:
    """The yes to what the return showed: nobody's account is linked by an address they only opened."""
    found, now = session.pop("external_found", None), clock.now()
    try:
        if not found or found["person"] != actor().person_id or _over(found["until"], now):
            raise DomainError("forbidden", _("关联的请求已过期。请重新开始。"))
        _check_own_sign_in()
        with services().db.transaction() as db:
            identity = Identity(found["issuer"], found["subject"], found["label"])
            identities.link(db, actor().person_id, identity, actor=actor(), now=now)
    except DomainError as error:
        return _refused(error)
    flash(_("已关联，以后可以用它登录。"))
    return go(url_for("security.index"))


@blueprint.post("/external/<key>/unlink")
@limiter.limit("30 per minute")
@allow("signed_in")
def unlink(key: str) -> Any:
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0
    try:
        with services().db.transaction() as db:
            identities.unlink(db, actor().person_id, number, actor=actor(), now=clock.now())
    except DomainError as error:
        abort(404, error.message)
    flash(_("已解除关联，不能再用它登录。"))
    return go(url_for("security.index"))


def _client() -> FlaskOAuth2App:
    """A client for this one request: what the service says of itself (its keys, its addresses) is read each time."""
    config = services().config
    if not config.oidc_url:
        abort(404)
    return FlaskOAuth2App(
        FlaskIntegration("external"),
        "external",
        client_id=config.oidc_id,
        client_secret=config.oidc_secret,
        server_metadata_url=f"{config.oidc_url}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": 10,
            "leeway": 0,
        },
    )


def _read_metadata(outside: FlaskOAuth2App) -> None:
    """The service's discovery document; refuses one that speaks for another issuer."""
    issuer = services().config.oidc_url
    try:
        metadata = outside.load_server_metadata()
    except (requests.RequestException, ValueError, TypeError, AttributeError) as error:
        raise _unreachable(error) from None
    if str(metadata.get("issuer", "")).rstrip("/") != issuer:
        raise _unreachable(f"the document names the issuer {metadata.get('issuer')!r}, the setting {issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if urlsplit(str(metadata.get(name, ""))).scheme not in ("https", urlsplit(issuer).scheme):
            raise _unreachable(f"the document has no {name} that may be used")
    said = metadata.get("id_token_signing_alg_values_supported")
    named = [one for one in said if one in SIGNED_BY] if isinstance(said, list) else []
    metadata["id_token_signing_alg_values_supported"] = named or ["RS256"]


def _identity(outside: FlaskOAuth2App, begun: Any) -> Identity:
    """Whom the service vouches for; DomainError with what to do where it does not, or not to this browser."""
    if not begun or f"_state_external_{request.args.get('state', '')}" not in session:
        raise DomainError("forbidden", _("这次登录不是从这个浏览器开始的，或者已经用过。请重新开始。"))
    if _over(begun["until"], clock.now()):
        raise DomainError("forbidden", _("登录等待得太久，已过期。请重新开始。"))
    if request.args.get("error") == "access_denied":
        raise DomainError("forbidden", _("外部服务没有同意这次登录，或者你取消了。请重新开始，或用密码登录。"))
    _read_metadata(outside)
    config = services().config
    try:
        token = outside.authorize_access_token(
            claims_options={
                "iss": {"essential": True, "values": [outside.server_metadata["issuer"]]},
                "aud": {"essential": True, "value": config.oidc_id},
                "sub": {"essential": True},
            }
        )
        claims = dict(token.get("userinfo") or {})
        if claims and "email" not in claims and outside.server_metadata.get("userinfo_endpoint"):
            # Without it the account counts all the same; there is no address then.
            with suppress(OAuthError, requests.RequestException, ValueError):
                more = outside.userinfo(token=token)
                claims |= more if more.get("sub") == claims.get("sub") else {}
    except MismatchingStateError:
        raise DomainError("forbidden", _("这次登录不是从这个浏览器开始的，或者已经用过。请重新开始。")) from None
    except (OAuthError, JoseError) as error:
        # What the service sent may hold a token: the kind of the error says enough.
        log.warning("the sign-in service's answer was refused: %s", getattr(error, "error", type(error).__name__))
        raise DomainError(
            "forbidden", _("外部服务的登录凭据没有通过核对。请重新开始；若仍不行，请用密码登录。")
        ) from None
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise _unreachable(error) from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _not_good()
    email = claims.get("email")
    email = email if isinstance(email, str) and len(email) <= 254 and email.isprintable() else ""
    label = email or str(claims.get("preferred_username") or claims.get("name") or subject)
    verified = email if claims.get("email_verified") is True and email else None
    return Identity(config.oidc_url or "", subject, label[:254], verified)


def _ask_to_link(identity: Identity, person_id: int) -> Response | str:
    """Shows which account would be linked to whom; the yes is a form's."""
    if actor().person_id != person_id:
        raise DomainError("forbidden", _("登录的人已经换了。请重新登录，再关联。"))
    _check_own_sign_in()
    session["external_found"] = {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "label": identity.label,
        "person": person_id,
        "until": (clock.now() + LIFE).isoformat(),
    }
    return render_template("accounts/external.html", label=identity.label, name=actor().name, error="")


def _check_own_sign_in() -> None:
    with services().db.reading() as db:
        if not identities.may_link(db, hash_secret(session.get("sid", ""))):
            raise DomainError("forbidden", _("关联外部账号前，请先用密码登录；用登录链接进来的不能关联。"))


def _forget(*, found: bool = True) -> None:
    """Of several starts in one browser the last one counts, and nothing of it stays in the cookie."""
    for key in [key for key in session if key.startswith("_state_external_")]:
        session.pop(key)
    if found:
        session.pop("external_found", None)


def _over(until: str, now: datetime) -> bool:
    return now >= datetime.fromisoformat(until)


def _not_good() -> DomainError:
    return DomainError("forbidden", _("外部服务的登录凭据没有通过核对。请重新开始；若仍不行，请用密码登录。"))


def _unreachable(error: Exception | str) -> DomainError:
    log.warning("the sign-in service cannot be used: %s", error if isinstance(error, str) else type(error).__name__)
    return DomainError("unreachable", _("现在连不上外部登录服务。请过几分钟再试，或用密码登录。"))


def _refused(error: DomainError) -> Any:
    page = render_template("accounts/external.html", error=error.message, label="", name="")
    return page, STATUS.get(error.code, 403), {"Cache-Control": "no-store"}
