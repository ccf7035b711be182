"""The definition in a bundle: contest, organisations, judges, tracks, team points, schemes, read and checked."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, get_args

from competition.bundle.reading import quoted
from competition.bundle.record import Codes, Record, amount_of
from competition.contests import rules as c

# Deeper headings than these could exhaust the stack of whoever walks them, and nobody could read them.
MAX_DEPTH: Final = 100
MAX_PLACES: Final = 6


def read_contest(top: Record) -> Record | None:
    """The record `contest` of the file, None where it is missing or no object, which is noted."""
    value = top.raw("contest", required=True)
    record = None if value is None else Record(value, "contest", top.problems)
    return record if record is not None and record.sound else None


def contest_of(
    record: Record | None,
    identity: c.Identity,
    tracks: tuple[c.Track, ...],
    team_points: c.TeamPoints | None,
    schemes: tuple[c.Scheme, ...],
) -> c.Contest:
    """The contest that its record and the rest of the file make; `identity` is the board's if the file names none."""
    if record is None:
        return c.Contest("", "", "skill", "city", 0)
    code, title = record.code(), record.title()
    kind, level = record.chosen("kind", c.CONTEST_KINDS, required=True), record.chosen("level", c.LEVELS, required=True)
    year, phase = record.whole("year", required=True), record.word("phase", c.PHASES, "scoring")
    value = record.raw("board")
    board = Record({} if value is None else value, record.at("board"), record.problems)
    identity = board.word("identity", c.IDENTITIES, identity)
    public, counts = board.flag("public", True), board.word("counts", c.COUNTS, "submitted")
    board.close()
    rehearsal = record.flag("rehearsal", False)
    record.close()
    return c.Contest(
        code,
        title,
        kind or "skill",
        level or "city",
        year or 0,
        phase,
        identity,
        public,
        counts,
        rehearsal,
        tracks,
        team_points,
        schemes,
    )


def read_organisations(top: Record) -> tuple[c.Organisation, ...]:
    """The units, whose parents are units of the list and form no loop."""
    found: list[tuple[Record, c.Organisation]] = []
    codes = Codes()
    for record in top.records("organisations"):
        code = record.code()
        codes.add(record, code)
        name, kind = record.title("name"), record.chosen("kind", c.ORGANISATION_KINDS, required=True)
        unit = c.Organisation(code, name, kind or "enterprise", record.text("parent"))
        record.close()
        found.append((record, unit))
    parents = {unit.code: unit.parent for _, unit in found}
    done: set[str] = set()
    for record, unit in found:
        if unit.parent is not None and unit.parent not in parents:
            record.wrong("parent", f"{quoted(unit.parent)} names no organisation")
        trail: dict[str, None] = {}
        step: str | None = unit.code
        while step is not None and step in parents and step not in done and step not in trail:
            trail[step] = None
            step = parents[step]
        # Each loop is told once: a trail that ends in what an earlier one has walked is done.
        if step is not None and step in trail:
            loop = list(trail)[list(trail).index(step) :]
            record.wrong("parent", f"the parents of {', '.join(quoted(code) for code in loop[:10])} form a loop")
        done.update(trail)
    return tuple(unit for _, unit in found)


def read_judges(top: Record, organisations: frozenset[str]) -> tuple[c.Judge, ...]:
    """The judges, whose organisations are those of the file."""
    judges, codes = [], Codes()
    for record in top.records("judges"):
        code = record.code()
        codes.add(record, code)
        judges.append(c.Judge(code, record.title("name"), reference(record, "organisation", organisations)))
        record.close()
    return tuple(judges)


def reference(record: Record, key: str, known: frozenset[str], what: str = "") -> str | None:
    """A code that must be among `known`, None where it is absent."""
    code = record.text(key)
    if code is not None and code not in known:
        record.wrong(key, f"{quoted(code)} names no {what or key}")
    return code


def read_tracks(top: Record) -> tuple[c.Track, ...]:
    """The tracks with their stages, rankings and prizes."""
    tracks, codes = [], Codes()
    for record in top.records("tracks", required=True):
        code = record.code()
        codes.add(record, code)
        title, phase = record.title(), record.chosen("phase", c.PHASES)
        stages, stage_codes = [], Codes()
        listed = record.items("stages", required=True)
        for stage_record in record.records("stages"):
            stage = _stage(stage_record)
            stage_codes.add(stage_record, stage.code)
            stages.append(stage)
        if listed == []:
            record.wrong("stages", "must hold at least one stage")
        ranking = _ranking(record, stages)
        prizes, prize_codes = [], Codes()
        for prize_record in record.records("prizes"):
            prize = _prize(prize_record)
            prize_codes.add(prize_record, prize.code)
            prizes.append(prize)
        record.close()
        tracks.append(c.Track(code, title, tuple(stages), ranking, tuple(prizes), phase))
    return tuple(tracks)


def _stage(record: Record) -> c.Stage:
    code, title = record.code(), record.title()
    weight = record.amount("weight", least=0)
    listed = record.items("criteria", required=True)
    codes = Codes()
    criteria = _criteria(record, codes, 1)
    if listed == []:
        record.wrong("criteria", "must hold at least one criterion")
    aggregate = _aggregate(record)
    places = record.whole("places", most=MAX_PLACES)
    rounding = record.word("rounding", c.ROUNDINGS, "half_up")
    attempts = record.word("attempts", c.ATTEMPTS, "best")
    count = record.whole("attempt_count", least=1)
    normalise = record.word("normalise", c.NORMALISES, "none")
    if normalise == "judge_zscore" and aggregate.over == "criterion":
        record.wrong("normalise", "judge_zscore needs an aggregate over judge")
    if normalise == "judge_zscore" and count is not None and count > 1:
        record.wrong("normalise", "judge_zscore needs an attempt_count of 1")
    advance = _advance(record)
    record.close()
    return c.Stage(
        code,
        title,
        c.ONE if weight is None else weight,
        criteria,
        aggregate,
        2 if places is None else places,
        rounding,
        attempts,
        1 if count is None else count,
        normalise,
        advance,
    )


def _criteria(parent: Record, codes: Codes, depth: int) -> tuple[c.Criterion, ...]:
    criteria = []
    for record in parent.records("criteria"):
        code, title = record.code(), record.title()
        codes.add(record, code)
        note = record.text("note")
        if record.has("criteria"):
            below: tuple[c.Criterion, ...] = ()
            if depth >= MAX_DEPTH:
                record.wrong("criteria", f"headings stand more than {MAX_DEPTH} deep")
            else:
                below = _criteria(record, codes, depth + 1)
            if record.raw("criteria") == []:
                record.wrong("criteria", "must hold at least one criterion")
            for key in ("kind", "min", "max", "step", "factor", "descriptors"):
                if record.has(key):
                    record.wrong(key, "does not belong to a heading, which has a code, a title and a note alone")
            criteria.append(c.Criterion(code, title, note, criteria=below))
        else:
            criteria.append(_leaf(record, code, title, note))
        record.close()
    return tuple(criteria)


def _leaf(record: Record, code: str, title: str, note: str | None) -> c.Criterion:
    kind = record.word("kind", c.CRITERION_KINDS, "judgement")
    if kind == "grade":
        for key in ("min", "step"):
            if record.has(key):
                record.wrong(key, "does not belong to a grade, which goes from 0 to 3")
    least = record.amount("min")
    most = record.amount("max", required=True)
    floor = c.ZERO if least is None or kind == "grade" else least
    if most is not None and most <= floor and not (record.has("min") and least is None):
        record.wrong("max", "must be above 0" if floor == 0 else "must be above min")
    step = record.amount("step", above=0)
    factor = record.amount("factor", above=0)
    descriptors = record.texts("descriptors") or ()
    return c.Criterion(
        code,
        title,
        note,
        kind,
        floor,
        # None marks a maximum that is not to be trusted; no bundle with one comes out of the reading.
        most,
        None if kind == "grade" else step,
        c.ONE if factor is None else factor,
        descriptors,
    )


def _aggregate(stage: Record) -> c.Aggregate:
    value = stage.raw("aggregate")
    if value is None:
        return c.Aggregate()
    record = Record(value, stage.at("aggregate"), stage.problems)
    over = record.word("over", c.OVERS, "judge")
    method = record.chosen("method", c.METHODS, required=True) or "mean"
    usual = 1 if method == "trimmed_mean" else 0
    low, high, least = record.whole("drop_low"), record.whole("drop_high"), record.whole("trim_from")
    drop_low, drop_high = usual if low is None else low, usual if high is None else high
    trim_from = drop_low + drop_high + 1 if least is None else least
    if trim_from <= drop_low + drop_high:
        record.wrong("trim_from", f"must be above drop_low + drop_high, {drop_low + drop_high}")
    record.close()
    return c.Aggregate(over, method, drop_low, drop_high, trim_from)


def _advance(stage: Record) -> c.Advance | None:
    value = stage.raw("advance")
    if value is None:
        return None
    record = Record(value, stage.at("advance"), stage.problems)
    by, top, least = record.word("by", c.ADVANCE_BYS, "total"), record.whole("top", least=1), record.amount("min")
    if record.sound and not record.has("top") and not record.has("min"):
        stage.wrong("advance", "must have top, min or both")
    record.close()
    return c.Advance(by, top, least)


def _ranking(track: Record, stages: list[c.Stage]) -> c.Ranking:
    value = track.raw("ranking")
    if value is None:
        return c.Ranking()
    record = Record(value, track.at("ranking"), track.problems)
    places = record.whole("places", most=MAX_PLACES)
    rounding = record.word("rounding", c.ROUNDINGS, "half_up")
    tie_break: list[str] = []
    known = {stage.code: {leaf.code for leaf in stage.leaves} for stage in stages}
    for place, key in enumerate(record.items("tie_break") or ()):
        where = f"{record.at('tie_break')}[{place}]"
        if not isinstance(key, str):
            record.problems.add(where, "must be a text")
            continue
        wrong = _tie_break(key, known)
        if wrong is not None:
            record.problems.add(where, wrong)
        tie_break.append(key)
    ties = record.word("ties", c.RANK_TIES, "shared")
    record.close()
    return c.Ranking(2 if places is None else places, rounding, tuple(tie_break), ties)


def _tie_break(key: str, known: dict[str, set[str]]) -> str | None:
    """What is wrong with a tie-break key where `known` has the leaves of each stage."""
    kind, colon, rest = key.partition(":")
    if key == "draw":
        return None
    if not colon or kind not in ("stage", "criterion", "elapsed"):
        return f"{quoted(key)} is none of stage:STAGE, criterion:STAGE/CRITERION, elapsed:STAGE, draw"
    if kind != "criterion":
        return None if rest in known else f"{quoted(key)} names no stage of the track"
    stage, _, leaf = rest.partition("/")
    if stage not in known:
        return f"{quoted(key)} names no stage of the track"
    return None if leaf in known[stage] else f"{quoted(key)} names no criterion that carries marks"


def _prize(record: Record) -> c.Prize:
    code, title = record.code(), record.title()
    count, share = record.whole("count"), record.amount("share", least=0)
    if record.has("count") and record.has("share"):
        record.wrong("share", "must not stand beside count")
    elif not record.has("count") and not record.has("share"):
        record.problems.add(record.path, "must have a count or a share")
    rounding = record.word("round", c.PRIZE_ROUNDS, "up")
    prize = c.Prize(
        code, title, count, share, rounding, record.amount("min_score"), record.word("ties", c.PRIZE_TIES, "extend")
    )
    record.close()
    return prize


def read_team_points(top: Record) -> c.TeamPoints | None:
    """The points of the team ranking, None where there is none."""
    value = top.raw("team_points")
    if value is None:
        return None
    record = Record(value, "team_points", top.problems)
    points: list[Decimal] = []
    for place, item in enumerate(record.items("points", required=True) or ()):
        amount = amount_of(item)
        if isinstance(amount, str):
            record.problems.add(f"{record.at('points')}[{place}]", amount)
        else:
            points.append(amount)
    others = record.amount("others")
    record.close()
    return c.TeamPoints(tuple(points), c.ZERO if others is None else others)


def read_schemes(top: Record, prizes: frozenset[str]) -> tuple[c.Scheme, ...]:
    """The schemes; `prizes` are the prize codes of all tracks."""
    schemes, codes = [], Codes()
    for record in top.records("schemes"):
        code = record.code()
        codes.add(record, code)
        title, quota = record.title(), record.whole("quota")
        requires = tuple(_requirement(one) for one in record.records("requires"))
        kinds = _kinds(record)
        wanted = record.texts("prizes")
        for place, prize in enumerate(record.items("prizes") or ()):
            if isinstance(prize, str) and prize not in prizes:
                record.problems.add(f"{record.at('prizes')}[{place}]", f"{quoted(prize)} names no prize")
        per_track, per_organisation = record.whole("per_track"), record.whole("per_organisation")
        record.close()
        schemes.append(c.Scheme(code, title, quota, requires, kinds, wanted, per_track, per_organisation))
    return tuple(schemes)


def _requirement(record: Record) -> c.Requirement:
    attribute = record.title("attribute")
    least, most = record.amount("min"), record.amount("max")
    if "equals" in record.data and record.data["equals"] is None:
        record.wrong("equals", "must not be null")
    requirement = c.Requirement(attribute, least, most, record.scalar("equals"))
    record.close()
    return requirement


def _kinds(record: Record) -> tuple[c.ContestKind, ...] | None:
    values = record.items("kinds")
    if values is None:
        return None
    known = {kind: kind for kind in get_args(c.ContestKind)}
    kinds: list[c.ContestKind] = []
    for place, value in enumerate(values):
        if isinstance(value, str) and value in known:
            kinds.append(known[value])
        else:
            record.problems.add(f"{record.at('kinds')}[{place}]", f"must be one of {', '.join(c.CONTEST_KINDS)}")
    return tuple(kinds)
