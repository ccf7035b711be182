"""Whether a registration can be handed in: what is missing, each with a sentence and the field beside which it stands.

The same look is taken while somebody types, on every save, and at the moment of submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Consent, ConsentText, Person, Unit
from competition.contests.models import Contest, Track
from competition.registration import attachments
from competition.registration.answers import check_answers
from competition.registration.eligibility import Failure
from competition.registration.entrants import bounds_of
from competition.registration.facts import eligibility_of
from competition.registration.models import Registration
from competition.registration.own import fields_of, groups_of
from competition.registration.unit_search import UNIONS

Typed = Mapping[int, Mapping[str, Any]] | None
"""Profile values by person id that are typed and not yet saved."""
WORKS = frozenset(("digital", "achievement", "challenge", "suggestion"))
"""Kinds of contest in which a work is judged, so that it needs a title."""


@dataclass(frozen=True, slots=True)
class Missing:
    """`field` is the name of an input, or the id of a part of the page; `person` the place of a member."""

    sentence: str
    field: str
    person: int | None = None
    rule: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"sentence": self.sentence, "field": self.field, "person": self.person, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Look:
    """`failures`: all that eligibility says; those that stop a submission are among the missing, too."""

    missing: tuple[Missing, ...]
    failures: tuple[Failure, ...]

    @property
    def notes(self) -> tuple[Failure, ...]:
        """What does not stop a submission, but the unit's confirmation."""
        return tuple(one for one in self.failures if one.stops != "submit")


def look(
    session: Session,
    registration: Registration,
    contest: Contest,
    track: Track,
    *,
    now: datetime,
    typed: Typed = None,
    consents: bool = True,
) -> Look:
    """What is missing. `typed`: profile values by person id. `consents` False: they come with the submission."""
    failures = eligibility_of(session, registration, contest, track, now=now, typed=typed)
    several = len(registration.people) > 1
    missing = [
        *_people(registration, track),
        *_own(session, registration, contest, track, typed),
        *(
            Missing(
                f"{one.name}：{one.sentence}" if several and one.person is not None else str(one.sentence),
                one.field, one.person, one.rule,
            )
            for one in failures
            if one.stops == "submit"
        ),
    ]  # fmt: skip
    missing += [
        Missing(_("请上传“%(title)s”。", title=rule.title), "attachments")
        for rule in attachments.missing(session, registration)
    ]
    if consents:
        missing += _consents(session, registration)
    # A rule about the unit or group repeats what the form itself asks for.
    first: dict[tuple[str, int | None, str], Missing] = {}
    for one in missing:
        first.setdefault((one.field, one.person, "" if one.field in ("unit", "group") else one.sentence), one)
    return Look(tuple(first.values()), tuple(failures))


def needs_title(contest: Contest, registration: Registration) -> bool:
    return registration.kind == "team" or contest.kind in WORKS


def needs_unit(contest: Contest) -> bool:
    """Whether somebody of a unit reviews: without such a step nobody need recommend."""
    steps = contest.review_chain or [{"by": "unit"}]
    return any(step.get("by") in ("unit", "county") for step in steps)


def _platform(session: Session, registration: Registration, typed: Typed) -> list[Missing]:
    """A platform worker has no employer's union: the union of a county or an industry recommends them."""
    missing = []
    profiles = _profiles(session, registration, typed)
    for place, person in enumerate(one for one in registration.people if one.part == "member"):
        profile = profiles.get(person.person_id or 0, {})
        if profile.get("employment") != "platform":
            continue
        if not profile.get("platform"):
            missing.append(Missing(_("请填写所在平台，如外卖、网约车平台的名称。"), "platform", place))
        if person.lead and registration.unit_id is not None:
            kind = session.scalar(select(Unit.kind).where(Unit.id == registration.unit_id))
            if kind not in UNIONS:
                words = _("没有单位工会的新就业形态劳动者，请选所在区市总工会或行业工会作为推荐单位。")
                missing.append(Missing(words, "unit"))
    return missing


def _profiles(session: Session, registration: Registration, typed: Typed) -> dict[int, dict[str, Any]]:
    ids = [person.person_id for person in registration.people if person.person_id is not None]
    rows = session.execute(select(Person.id, Person.profile).where(Person.id.in_(ids)))
    return {row.id: {**(row.profile or {}), **(typed or {}).get(row.id, {})} for row in rows}


def _own(session: Session, registration: Registration, contest: Contest, track: Track, typed: Typed) -> list[Missing]:
    missing = []
    if needs_title(contest, registration) and not registration.title.strip():
        words = _("请填写作品名称。") if contest.kind in WORKS else _("请填写团队名称。")
        missing.append(Missing(words, "title"))
    if registration.unit_id is None and needs_unit(contest):
        missing.append(Missing(_("请选择推荐单位。"), "unit"))
    missing += _platform(session, registration, typed)
    groups = groups_of(contest, track)
    if groups and registration.group not in dict(groups):
        missing.append(Missing(_("请选择组别。"), "group"))
    fields = fields_of(session, contest.id, track.id)
    missing += [
        Missing(str(sentence), name) for name, sentence in check_answers(fields, registration.answers or {}).items()
    ]
    return missing


def _people(registration: Registration, track: Track) -> list[Missing]:
    bounds = bounds_of(track.entrants or {})
    members = [person for person in registration.people if person.part == "member"]
    advisers = len(registration.people) - len(members)
    missing = []
    if registration.kind == "team":
        if len(members) < bounds.least:
            words = _("团队至少 %(least)s 人，现在 %(now)s 人：请邀请成员加入。", least=bounds.least, now=len(members))
            missing.append(Missing(words, "people"))
        if len(members) > bounds.most:
            words = _("团队最多 %(most)s 人，现在 %(now)s 人：请移出多余的成员。", most=bounds.most, now=len(members))
            missing.append(Missing(words, "people"))
    if advisers > bounds.advisers:
        words = _("指导教师最多 %(most)s 人，现在 %(now)s 人。", most=bounds.advisers, now=advisers)
        missing.append(Missing(words, "people"))
    missing += [
        Missing(_("%(name)s 还没有接受邀请：请本人登录后确认，或移出团队。", name=person.name), "people")
        for person in registration.people
        if person.accepted_at is None
    ]
    return missing


def consented(session: Session, registration: Registration, kind: str = "registration") -> set[int]:
    """The people who have agreed for this registration and not taken it back."""
    return set(
        session.scalars(
            select(Consent.person_id)
            .join(ConsentText, ConsentText.id == Consent.consent_text_id)
            .where(
                Consent.registration_id == registration.id,
                ConsentText.kind == kind,
                Consent.withdrawn_at.is_(None),
            )
        )
    )


def _consents(session: Session, registration: Registration) -> list[Missing]:
    given = consented(session, registration)
    lacking = [person for person in registration.people if person.person_id not in given]
    return [
        Missing(
            _("请勾选同意个人信息处理说明。")
            if person.lead
            else _("%(name)s 还没有同意个人信息处理说明：请本人打开这份报名确认。", name=person.name),
            "consent" if person.lead else "people",
        )
        for person in lacking
    ]
