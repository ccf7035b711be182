"""What stands in the way of other rules: marks, rulings, entries and panels that would lose their place.

Evidence is never touched for a rule's sake, so a rule that it does not fit is refused, with what holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import JSON, BigInteger, Boolean, Integer, String, column, func, select, table
from sqlalchemy.orm import Session

from competition.bundle.editing import Problem
from competition.contests import models, rules
from competition.contests.queries import stage_definition
from competition.registration.models import Entry, Registration
from competition.scoring.rules import check_mark

# These tables belong to judges, who stand above; only their names are known here.
_mark = table(
    "mark",
    column("seq", BigInteger()),
    column("sheet_id", Integer()),
    column("criterion_id", Integer()),
    column("revision", Integer()),
    column("value", String()),
)
_sheet = table(
    "sheet",
    column("id", Integer()),
    column("seat_id", Integer()),
    column("attempt", Integer()),
    column("submitted_seq", BigInteger()),
)
_seat = table("seat", column("id", Integer()), column("stage_id", Integer()))
_ruling = table("ruling", column("track_id", Integer()), column("stage_id", Integer()), column("payload", JSON()))
_panel = table("panel", column("id", Integer()), column("stage_id", Integer()), column("all_entries", Boolean()))
_panel_entry = table("panel_entry", column("panel_id", Integer()), column("entry_id", Integer()))


def misfits(session: Session, contest: models.Contest, new: rules.Contest) -> list[Problem]:
    """Every reason why `new` cannot become the definition of a contest that has come so far."""
    found: list[Problem] = []
    # A record is found again as the writer finds it: by its code, ignoring case.
    places = {track.code.casefold(): (place, track) for place, track in enumerate(new.tracks)}
    for row in session.scalars(select(models.Track).where(models.Track.contest_id == contest.id)):
        if row.code.casefold() not in places:
            found += _gone_track(session, row)
        else:
            place, record = places[row.code.casefold()]
            found += _track(session, row, record, f"tracks[{place}]")
    return found


def _gone_track(session: Session, row: models.Track) -> Iterator[Problem]:
    entries = session.scalar(select(func.count()).select_from(Entry).where(Entry.track_id == row.id)) or 0
    entries += (
        session.scalar(select(func.count()).select_from(Registration).where(Registration.track_id == row.id)) or 0
    )
    if entries:
        yield Problem("tracks", _("赛项“%(track)s”已有报名或参赛项目，不能删除。", track=row.title))


def _track(session: Session, row: models.Track, new: rules.Track, at: str) -> Iterator[Problem]:
    places = {stage.code.casefold(): (place, stage) for place, stage in enumerate(new.stages)}
    for stage in session.scalars(select(models.Stage).where(models.Stage.track_id == row.id)):
        if stage.code.casefold() not in places:
            if _has_evidence(session, row, stage):
                sentence = _("环节“%(stage)s”已有评分或裁定，不能删除。", stage=stage.title)
                yield Problem(f"{at}.stages", sentence)
            continue
        place, record = places[stage.code.casefold()]
        yield from _stage(session, stage, record, f"{at}.stages[{place}]")


def _has_evidence(session: Session, track: models.Track, stage: models.Stage) -> bool:
    """Whether the stage has marks or rulings, or is named by the standing of an entry."""
    marks = (
        select(_mark.c.seq).join(_sheet, _sheet.c.id == _mark.c.sheet_id).join(_seat, _seat.c.id == _sheet.c.seat_id)
    )
    if session.execute(marks.where(_seat.c.stage_id == stage.id).limit(1)).first() is not None:
        return True
    rulings = session.execute(select(_ruling.c.stage_id, _ruling.c.payload).where(_ruling.c.track_id == track.id))
    return any(key == stage.id or (payload or {}).get("status_from") == stage.code for key, payload in rulings)


def _stage(session: Session, row: models.Stage, new: rules.Stage, at: str) -> Iterator[Problem]:
    attempts = session.scalar(
        select(func.max(_sheet.c.attempt))
        .join(_seat, _seat.c.id == _sheet.c.seat_id)
        .join(_mark, _mark.c.sheet_id == _sheet.c.id)
        .where(_seat.c.stage_id == row.id)
    )
    if attempts is not None and attempts > new.attempt_count:
        sentence = _("环节“%(stage)s”已评到第 %(n)s 轮，轮数不能再少。", stage=row.title, n=attempts)
        yield Problem(f"{at}.attempt_count", sentence)
    if new.normalise.startswith("panel") and _in_two_panels(session, row.id):
        sentence = _("环节“%(stage)s”有参赛项目在两个评审组里，不能按组换算。", stage=row.title)
        yield Problem(f"{at}.normalise", sentence)
    yield from _criteria(session, row, new, at)


def _in_two_panels(session: Session, stage_id: int) -> bool:
    panels = session.execute(select(_panel.c.id, _panel.c.all_entries).where(_panel.c.stage_id == stage_id)).all()
    if len(panels) < 2:
        return False
    if any(everyone for _key, everyone in panels):
        return True
    own = select(_panel.c.id).where(_panel.c.stage_id == stage_id)
    twice = (
        select(_panel_entry.c.entry_id)
        .where(_panel_entry.c.panel_id.in_(own))
        .group_by(_panel_entry.c.entry_id)
        .having(func.count() > 1)
        .limit(1)
    )
    return session.execute(twice).first() is not None


def _criteria(session: Session, row: models.Stage, new: rules.Stage, at: str) -> Iterator[Problem]:
    """Marks on leaves that would be gone, of another kind, or too narrow for them."""
    old = {leaf.code.casefold(): leaf for leaf in stage_definition(row).leaves}
    then = {leaf.code.casefold(): leaf for leaf in new.leaves}
    changed = {
        code
        for code, leaf in old.items()
        if code not in then
        or (leaf.kind, leaf.min, leaf.max, leaf.step)
        != (then[code].kind, then[code].min, then[code].max, then[code].step)
    }
    ids = {criterion.id: criterion.code.casefold() for criterion in row.criteria}
    wanted = [key for key, code in ids.items() if code in changed]
    values: dict[str, list[Decimal]] = {}
    for key, value in _values(session, wanted):
        values.setdefault(ids[key], []).append(value)
    for code in sorted(values, key=list(old).index):
        leaf, marks = old[code], values[code]
        said = {"stage": row.title, "criterion": leaf.title, "n": len(marks)}
        record = then.get(code)
        if record is None:
            sentence = _("环节“%(stage)s”的“%(criterion)s”已有 %(n)s 个评分，不能删除或改为分组。", **said)
            yield Problem(f"{at}.criteria", sentence)
        elif record.kind != leaf.kind:
            sentence = _("环节“%(stage)s”的“%(criterion)s”已有 %(n)s 个评分，不能改评分方式。", **said)
            yield Problem(f"{at}.criteria", sentence)
        else:
            yield from _too_narrow(record, marks, said, at)


def _too_narrow(record: rules.Criterion, marks: list[Decimal], said: dict[str, object], at: str) -> Iterator[Problem]:
    wrong = [value for value in marks if check_mark(value, record) is not None]
    if wrong:
        shown = "、".join(f"{value:f}" for value in sorted(set(wrong), reverse=True)[:5])
        sentence = _(
            "环节“%(stage)s”的“%(criterion)s”已有评分 %(values)s，不合新的分值范围或步长。", values=shown, **said
        )
        yield Problem(f"{at}.criteria", sentence)


def _values(session: Session, criteria: Iterable[int]) -> Iterator[tuple[int, Decimal]]:
    """Of each cell of these criteria the value that stands, and the one last submitted where it is another."""
    query = (
        select(_mark.c.criterion_id, _mark.c.sheet_id, _mark.c.seq, _mark.c.value, _sheet.c.submitted_seq)
        .join(_sheet, _sheet.c.id == _mark.c.sheet_id)
        .where(_mark.c.criterion_id.in_(list(criteria)))
        .order_by(_mark.c.revision)
    )
    latest: dict[tuple[int, int], str | None] = {}
    counted: dict[tuple[int, int], str | None] = {}
    for criterion, sheet, seq, value, submitted in session.execute(query):
        latest[criterion, sheet] = value
        if submitted is not None and seq <= submitted:
            counted[criterion, sheet] = value
    for cells in (latest, {key: value for key, value in counted.items() if latest[key] != value}):
        for (criterion, _sheet_id), value in cells.items():
            if value is not None:
                yield criterion, Decimal(value)
