"""The form of the sign-in page."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length


class SignInForm(FlaskForm):
    login = StringField(
        _l("登录名、手机号或邮箱"),
        validators=[InputRequired(_l("请填写登录名、手机号或邮箱")), Length(max=254)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("密码"),
        validators=[InputRequired(_l("请填写密码")), Length(max=1000)],
        render_kw={"autocomplete": "current-password"},
    )

    def to_command(self) -> dict[str, str]:
        return {"login": self.login.data or "", "password": self.password.data or ""}
