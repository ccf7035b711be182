"""What `judges` keeps of a bundle, in the order in which it is written."""

from __future__ import annotations

from typing import Final

from competition.scoring.evidence import BundleSection
from judges.ballots.section import BallotsSection
from judges.panels.section import PanelsSection
from judges.roster.section import RosterSection

SECTIONS: Final[tuple[BundleSection, ...]] = (RosterSection(), PanelsSection(), BallotsSection())
