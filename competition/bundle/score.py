"""`leitai score`: bundles recomputed from their marks alone, without database and server."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from typing import IO, Final

from competition.bundle.rules import BundleProblems, read_bundle, results

DONE: Final = 0
BAD_INPUT: Final = 2
MEGABYTE: Final = 1024 * 1024


def read_file(path: str, most: int) -> bytes:
    """The bytes of a file, or of the standard input for "-"; no more than one byte beyond `most`. Raises `OSError`."""
    if path == "-":
        return sys.stdin.buffer.read(most + 1)
    with open(path, "rb") as file:
        return file.read(most + 1)


def main(paths: Sequence[str], *, max_mb: int = 128, stdout: IO[str], stderr: IO[str]) -> int:
    """Prints the results of each bundle, and gives the exit status: 0, or 2 where any file is bad.

    One file is printed indented; of several each is a compact line, in order. With a bad file nothing is printed on
    `stdout`, and every problem of every bad file on `stderr`. "-" is the standard input; `max_mb` is the largest size
    of a file.
    """
    # The records of a bundle form no cycles, and looking for some among half a million of them takes longer than
    # scoring.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _score(paths, max_mb * MEGABYTE, stdout, stderr)
    finally:
        if collecting:
            gc.enable()


def _score(paths: Sequence[str], most: int, stdout: IO[str], stderr: IO[str]) -> int:
    printed: list[str] = []
    problems: list[str] = []
    for path in paths:
        label = f"{path}: " if len(paths) > 1 else ""
        try:
            found = results(read_bundle(read_file(path, most), max_bytes=most))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror or error}")
        except BundleProblems as bad:
            problems.extend(label + line for line in bad.lines())
        else:
            indent = 1 if len(paths) == 1 else None
            separators = None if indent else (",", ":")
            printed.append(json.dumps(found, ensure_ascii=False, indent=indent, separators=separators))
    if problems:
        stderr.writelines(f"{_plain(line)}\n" for line in problems)
        return BAD_INPUT
    stdout.writelines(f"{text}\n" for text in printed)
    return DONE


def _plain(line: str) -> str:
    """A line that any stream takes: a file's name may hold bytes that are no text."""
    return line.encode("utf-8", "backslashreplace").decode("utf-8")
