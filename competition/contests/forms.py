"""Forms of the year's plan."""

from __future__ import annotations

import re
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DecimalField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from competition.contests.planning import Proposal

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SeasonForm(FlaskForm):
    code = StringField(
        _l("代码"),
        validators=[
            InputRequired(_l("请填写代码")),
            Regexp(CODE, message=_l("代码只能用字母、数字和 . _ -，以字母或数字开头")),
            Length(max=64),
        ],
        render_kw={"autocapitalize": "none", "spellcheck": "false"},
    )
    title = StringField(_l("名称"), validators=[InputRequired(_l("请填写名称")), Length(max=200)])
    year = IntegerField(
        _l("年度"), validators=[InputRequired(_l("请填写年度")), NumberRange(2000, 2100, _l("年度形如 2026"))]
    )
    theme = StringField(_l("主题"), validators=[Length(max=200)])


class ProposalForm(FlaskForm):
    """Its choices of kind, level and unit are set by the view, in the words of the pages."""

    title = StringField(_l("竞赛名称"), validators=[InputRequired(_l("请填写竞赛名称")), Length(max=200)])
    kind = SelectField(_l("类别"))
    level = SelectField(_l("级别"))
    unit = SelectField(_l("申报单位"), coerce=int)
    occupation = StringField(_l("工种"), validators=[Length(max=100)])
    occupation_code = StringField(
        _l("职业编码"), validators=[Length(max=20)], description=_l("形如 6-18-02-04，可不填")
    )
    scope = TextAreaField(_l("应用范围"), validators=[Length(max=1000)], description=_l("哪些行业、企业用到这个工种"))
    workers = IntegerField(
        _l("从业人员数"),
        validators=[Optional(), NumberRange(0, 10**8, _l("请填 0 以上的整数"))],
        description=_l("全市大约多少人"),
    )
    technology = TextAreaField(
        _l("技术含量"), validators=[Length(max=1000)], description=_l("难在哪里，水平怎样分高低")
    )
    months = StringField(_l("举办时间"), validators=[Length(max=100)], description=_l("如 9 月至 10 月"))
    budget = DecimalField(
        _l("经费预算（元）"),
        places=None,
        validators=[Optional(), NumberRange(Decimal(0), Decimal(10**12), _l("请填 0 以上的金额"))],
    )
    funding = StringField(_l("经费来源"), validators=[Length(max=300)])
    note = TextAreaField(_l("补充说明"), validators=[Length(max=2000)])

    def to_command(self) -> Proposal:
        return Proposal(
            title=(self.title.data or "").strip(),
            kind=self.kind.data or "",
            level=self.level.data or "",
            unit_id=self.unit.data or None,
            occupation=(self.occupation.data or "").strip(),
            occupation_code=(self.occupation_code.data or "").strip(),
            scope=(self.scope.data or "").strip(),
            workers=self.workers.data,
            technology=(self.technology.data or "").strip(),
            months=(self.months.data or "").strip(),
            budget=self.budget.data,
            funding=(self.funding.data or "").strip(),
            note=(self.note.data or "").strip(),
        )
