"""Writes docs/reference.md from the code: commands, settings, roles. `--check` only compares (a test does)."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import Flask
from flask_babel import Babel, force_locale

from competition.accounts.policy import ROLE_TABLE
from competition.cli import leitai as program
from competition.config import SETTINGS

REFERENCE = Path(__file__).with_name("reference.md")


def cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def commands() -> list[str]:
    lines = ["## Commands", ""]
    context = click.Context(program, info_name="leitai")
    for path, command in walk(program, context, ()):
        usage = command.get_usage(click.Context(command, info_name=" ".join(("leitai", *path))))
        lines += [f"### `leitai {' '.join(path)}`", "", command.help or command.short_help or "", ""]
        lines += ["```", usage.removeprefix("Usage: "), "```", ""]
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        for option in options:
            default = option.to_info_dict().get("default")
            shown = (
                f" (default {default})"
                if default not in (None, "", False, ()) and "Sentinel" not in str(default)
                else ""
            )
            lines.append(f"- `{', '.join(option.opts)}`: {cell(option.help or '')}{shown}")
        lines += [""] if options else []
    return lines


def walk(
    group: click.Command, context: click.Context, path: tuple[str, ...]
) -> list[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        return [(path, group)]
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            found += walk(command, context, (*path, name))
    return found


def settings() -> list[str]:
    lines = ["## Settings", "", "| variable | default | what it is |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {f'`{row.default}`' if row.default else ''} | {cell(row.help)} |" for row in SETTINGS]
    return [*lines, ""]


def roles() -> list[str]:
    lines = [
        "## Roles",
        "",
        "| role | 名称 | scope | 职责 | never together with, in one contest |",
        "|---|---|---|---|---|",
    ]
    app = Flask("leitai")
    Babel(app)
    with app.app_context(), force_locale("zh"):
        for role in ROLE_TABLE.values():
            never = ", ".join(sorted(role.never))
            lines.append(f"| {role.name} | {cell(role.title)} | {role.scope} | {cell(role.may)} | {never} |")
    return [*lines, ""]


def reference() -> str:
    head = [
        "# Reference: commands, settings, roles",
        "",
        "Written from the code by `make docs`. Addresses and messages: [protocol.md](protocol.md).",
        "Exit codes: 0 done, 1 the answer is no, 2 bad input (every problem on stderr, nothing changed).",
        "",
    ]
    return "\n".join([*head, *commands(), *settings(), *roles()]).rstrip() + "\n"


if __name__ == "__main__":
    text = reference()
    if "--check" in sys.argv[1:]:
        raise SystemExit(REFERENCE.read_text(encoding="utf-8") != text)
    REFERENCE.write_text(text, encoding="utf-8")
