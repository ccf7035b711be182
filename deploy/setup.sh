#!/bin/sh
# Makes the environment in .venv and installs the program into it, at .venv/bin/leitai. Called by `make setup`.
set -eu
python=${1:-python3}
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "Python 3.11 or newer is needed; install it (Debian: apt-get install python3) or name it: make PYTHON=/path/to/python3"
    exit 2
fi
if ! "$python" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))'; then
    say "Python 3.11 or newer is needed; $python is $("$python" -V 2>&1)."
    exit 2
fi

# An environment whose Python has gone (moved folder, upgraded system) is made anew.
if [ -e .venv ] && ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
fi
if [ ! -e .venv ]; then
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv .venv
    elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -c 'import venv' >/dev/null 2>&1; then
        # Debian's Python without python3-venv, but with pip: pip puts itself into the new environment.
        "$python" -m venv --without-pip .venv
        "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check 'pip>=25.1'
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "This Python has no ensurepip: installing python3-venv."
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y -qq python3-venv >/dev/null 2>&1 ||
            { apt-get update -qq >/dev/null && apt-get install -y -qq python3-venv >/dev/null; }
        "$python" -m venv .venv
    else
        say "This Python has no ensurepip: install it (Debian: sudo apt-get install python3-venv) and call make again."
        exit 2
    fi
fi

say "Installing what Leitai needs into .venv (the first time takes a minute or two) ..."
pip=".venv/bin/python -m pip --disable-pip-version-check"
$pip install --quiet --upgrade 'pip>=25.1'   # knows dependency groups
$pip install --quiet --editable . --group dev
.venv/bin/leitai --help >/dev/null
say "Ready: .venv/bin/leitai"
