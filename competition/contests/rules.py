"""The definition of a contest as the rules see it: contest, track, stage, rubric, prizes, schemes.

Plain frozen records of bundle.md, "Shape", with the defaults that page gives. They hold what a checked file holds and
check nothing themselves: `competition.bundle` refuses what does not fit before one of these is made. Amounts are
exact `Decimal`s, counts are `int`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

ContestKind = Literal["skill", "digital", "achievement", "challenge", "suggestion", "practice"]
Level = Literal["enterprise", "county", "city", "province"]
Phase = Literal["draft", "registration", "draw", "scoring", "review", "notice", "final", "archived"]
Identity = Literal["number", "entry"]
Counts = Literal["submitted", "saved"]
OrganisationKind = Literal["enterprise", "district", "system", "union", "school", "platform", "studio", "department"]
CriterionKind = Literal["judgement", "measurement", "grade"]
Over = Literal["judge", "criterion"]
Method = Literal["mean", "median", "trimmed_mean"]
Rounding = Literal["half_up", "half_even"]
Attempts = Literal["best", "last", "mean", "sum"]
Normalise = Literal["none", "panel_ratio", "panel_zscore", "judge_zscore"]
AdvanceBy = Literal["total", "stage"]
RankTies = Literal["shared", "dense"]
PrizeTies = Literal["extend", "pass"]
PrizeRound = Literal["up", "down", "half_up"]
Scalar = str | bool | int | Decimal

CONTEST_KINDS: Final[tuple[ContestKind, ...]] = (
    "skill",
    "digital",
    "achievement",
    "challenge",
    "suggestion",
    "practice",
)
LEVELS: Final[tuple[Level, ...]] = ("enterprise", "county", "city", "province")
PHASES: Final[tuple[Phase, ...]] = ("draft", "registration", "draw", "scoring", "review", "notice", "final", "archived")
IDENTITIES: Final[tuple[Identity, ...]] = ("number", "entry")
COUNTS: Final[tuple[Counts, ...]] = ("submitted", "saved")
ORGANISATION_KINDS: Final[tuple[OrganisationKind, ...]] = (
    "enterprise",
    "district",
    "system",
    "union",
    "school",
    "platform",
    "studio",
    "department",
)
CRITERION_KINDS: Final[tuple[CriterionKind, ...]] = ("judgement", "measurement", "grade")
OVERS: Final[tuple[Over, ...]] = ("judge", "criterion")
METHODS: Final[tuple[Method, ...]] = ("mean", "median", "trimmed_mean")
ROUNDINGS: Final[tuple[Rounding, ...]] = ("half_up", "half_even")
ATTEMPTS: Final[tuple[Attempts, ...]] = ("best", "last", "mean", "sum")
NORMALISES: Final[tuple[Normalise, ...]] = ("none", "panel_ratio", "panel_zscore", "judge_zscore")
ADVANCE_BYS: Final[tuple[AdvanceBy, ...]] = ("total", "stage")
RANK_TIES: Final[tuple[RankTies, ...]] = ("shared", "dense")
PRIZE_TIES: Final[tuple[PrizeTies, ...]] = ("extend", "pass")
PRIZE_ROUNDS: Final[tuple[PrizeRound, ...]] = ("up", "down", "half_up")

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A leaf that takes marks or, exactly when `criteria` is not empty, a heading over others.

    A leaf has a `max` above `min`; a judgement goes in whole steps of `step` counted from `min` (None: any value); a
    grade is a whole number 0 to 3 worth grade / 3 × `max`. `factor` is above 0. A heading has a code, a title and a
    note alone.
    """

    code: str
    title: str = ""
    note: str | None = None
    kind: CriterionKind = "judgement"
    min: Decimal = ZERO
    max: Decimal | None = None
    step: Decimal | None = None
    factor: Decimal = ONE
    descriptors: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()

    @property
    def heading(self) -> bool:
        """Whether this is a heading, which carries no marks."""
        return bool(self.criteria)

    @property
    def top(self) -> Decimal:
        """The maximum of a leaf; 0 for a heading."""
        return ZERO if self.max is None else self.max


def leaves_of(criteria: tuple[Criterion, ...]) -> Iterator[Criterion]:
    """The leaves under `criteria`, at any depth, in the order in which they are written."""
    for criterion in criteria:
        if criterion.criteria:
            yield from leaves_of(criterion.criteria)
        else:
            yield criterion


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How judges' values become one (bundle.md, From marks to a stage score, 3 and 4).

    `drop_low`, `drop_high` and `trim_from` (above their sum) matter to `trimmed_mean` alone.
    """

    over: Over = "judge"
    method: Method = "mean"
    drop_low: int = 0
    drop_high: int = 0
    trim_from: int = 1


@dataclass(frozen=True, slots=True)
class Advance:
    """The cut after a stage: `top` (1 or more), `min` or both (bundle.md, From stage scores to ranks, 1)."""

    by: AdvanceBy = "total"
    top: int | None = None
    min: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a track. `places` 0 to 6, `weight` 0 or more, `attempt_count` 1 or more."""

    code: str
    title: str = ""
    weight: Decimal = ONE
    criteria: tuple[Criterion, ...] = ()
    aggregate: Aggregate = Aggregate()
    places: int = 2
    rounding: Rounding = "half_up"
    attempts: Attempts = "best"
    attempt_count: int = 1
    normalise: Normalise = "none"
    advance: Advance | None = None
    leaves: tuple[Criterion, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for with every mark, so it is found once.
        object.__setattr__(self, "leaves", tuple(leaves_of(self.criteria)))

    def leaf(self, code: str) -> Criterion | None:
        """The leaf of that code, or None where the stage has none."""
        return next((leaf for leaf in self.leaves if leaf.code == code), None)

    @property
    def has_measurements(self) -> bool:
        """Whether a recorder has a seat in this stage."""
        return any(leaf.kind == "measurement" for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How totals become ranks: `places` 0 to 6; keys `stage:S`, `criterion:S/C`, `elapsed:S`, `draw`."""

    places: int = 2
    rounding: Rounding = "half_up"
    tie_break: tuple[str, ...] = ()
    ties: RankTies = "shared"


@dataclass(frozen=True, slots=True)
class Prize:
    """A prize with a number of places: exactly one of `count` and `share` is given."""

    code: str
    title: str = ""
    count: int | None = None
    share: Decimal | None = None
    round: PrizeRound = "up"
    min_score: Decimal | None = None
    ties: PrizeTies = "extend"


@dataclass(frozen=True, slots=True)
class Track:
    """One competition with a ranking of its own. `phase` None: that of the contest."""

    code: str
    title: str = ""
    stages: tuple[Stage, ...] = ()
    ranking: Ranking = Ranking()
    prizes: tuple[Prize, ...] = ()
    phase: Phase | None = None

    def stage(self, code: str) -> Stage | None:
        """The stage of that code, or None."""
        return next((stage for stage in self.stages if stage.code == code), None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an attribute of an entry must be for a scheme; `equals` None: no such condition."""

    attribute: str
    min: Decimal | None = None
    max: Decimal | None = None
    equals: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """An award of the level above and how many it takes. None: no limit; an empty tuple lets nobody through."""

    code: str
    title: str = ""
    quota: int | None = None
    requires: tuple[Requirement, ...] = ()
    kinds: tuple[ContestKind, ...] | None = None
    prizes: tuple[str, ...] | None = None
    per_track: int | None = None
    per_organisation: int | None = None


@dataclass(frozen=True, slots=True)
class TeamPoints:
    """Points for the ranks 1, 2, 3, … and for all ranks past the end of the list."""

    points: tuple[Decimal, ...]
    others: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Contest:
    """A contest whole: its definition, without entries and evidence. `phase` is that of its slowest track."""

    code: str
    title: str
    kind: ContestKind
    level: Level
    year: int
    phase: Phase = "scoring"
    identity: Identity = "entry"
    public: bool = True
    counts: Counts = "submitted"
    rehearsal: bool = False
    tracks: tuple[Track, ...] = ()
    team_points: TeamPoints | None = None
    schemes: tuple[Scheme, ...] = ()

    def track(self, code: str) -> Track | None:
        """The track of that code, or None."""
        return next((track for track in self.tracks if track.code == code), None)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A unit. `parent` is the code of the unit above it; parents form no loop."""

    code: str
    name: str
    kind: OrganisationKind
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge of the contest and the unit that sent them."""

    code: str
    name: str
    organisation: str | None = None
