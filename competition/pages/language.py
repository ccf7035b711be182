"""The language of a page: Chinese, or English where someone chose it."""

from __future__ import annotations

from flask import Response, g, has_request_context, request

LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "leitai_lang"


def chosen_language() -> str:
    """`?lang=` first, then the cookie, else Chinese; what a browser merely prefers is not asked."""
    if not has_request_context():
        return "zh"
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return str(wanted)
    return "zh"


def other_language() -> str:
    return "zh" if chosen_language() == "en" else "en"


def remember_language(response: Response) -> Response:
    wanted = request.args.get("lang")
    if wanted in LANGUAGES and request.cookies.get(COOKIE) != wanted:
        response.set_cookie(
            COOKIE,
            str(wanted),
            max_age=365 * 86400,
            samesite="Lax",
            httponly=True,
            secure=g.get("secure_cookies", False),
        )
    return response
