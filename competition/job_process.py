"""`leitai jobs`: the process beside the server that hashes, sends, reads and writes what takes long."""

from __future__ import annotations

from collections.abc import Mapping

from competition.config import Config


def main(config: Config, environ: Mapping[str, str]) -> int:
    """Works until ended."""
    raise NotImplementedError
