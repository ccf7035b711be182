"""Extension objects, unbound until `create_app` binds them to an application, and the door to its services."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect

socketio = SocketIO()
babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address)


def services() -> Any:
    """The `competition.app.Services` of the application in force (its type stands above this module)."""
    return current_app.extensions["leitai"]
