"""Commands beside the contest's own: the job process, the data key, a draw told again."""

from __future__ import annotations

import os
from typing import Final

import click

from competition.cli_base import NO, open_database, settings


@click.command()
@click.option("--beside", is_flag=True, hidden=True, help="End when the standard input closes.")
def jobs(beside: bool) -> int:
    """Run the job process: hashes, files, mail, imports, exports. `serve` starts one unless --no-jobs."""
    from competition.job_process import main as run
    from competition.terminal import in_sentences
    from judges import sections as _tables_of_judges  # noqa: F401  (others point at them)

    with in_sentences():
        return run(settings(), os.environ, beside=beside)


@click.command()
def rekey() -> int:
    """Seal ID and phone numbers anew with the first key of LEITAI_DATA_KEY; the older ones stand after it."""
    from competition.accounts.rekeying import rekey as reseal
    from competition.draw import models as _tables_of_draws  # noqa: F401  (their seeds are sealed, too)
    from competition.shared import clock
    from competition.shared.errors import Refused
    from competition.shared.vault import SealError, open_vault

    config = settings()
    with open_database() as opened:
        try:
            count = reseal(opened, open_vault(config.data_key, config.data_dir), now=clock.now())
        except SealError as error:
            raise Refused(NO, f"{error}.") from None
    click.echo(f"{count} values sealed with the newest key.")
    return 0


@click.command()
@click.argument("track", metavar="CONTEST/TRACK|FILE")
@click.option("--replay", is_flag=True, required=True, help="Draw again from the published seed and compare.")
def draw(track: str, replay: bool) -> int:
    """Tell a draw again from its published seed; exit 1 where it does not come out the same.

    A FILE is what /contests/CONTEST/draw/TRACK.json gave; it needs no database.
    """
    from pathlib import Path

    from competition.draw.replay import replay as tell
    from competition.draw.replay import replay_file
    from competition.terminal import in_sentences

    file = Path(track)
    if file.suffix == ".json" and file.is_file():
        lines, same = replay_file(file.read_text(encoding="utf-8", errors="replace"))
    else:
        with open_database() as opened, in_sentences(), opened.reading() as session:
            lines, same = tell(session, track)
    for line in lines:
        click.echo(line)
    return 0 if same else 1


COMMANDS: Final = (jobs, rekey, draw)
