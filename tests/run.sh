#!/usr/bin/env bash
# `make test`: gets what the tests need beside Python, then runs them all; pytest's closing line is the last one.
#
# As root on Debian it installs what is missing (a browser with Chinese type, PostgreSQL, Redis, nginx) and starts it.
# Elsewhere it takes what is there and says what is skipped, and why. What the tests are told:
#   LEITAI_TEST_POSTGRES   a database they may make others beside
#   LEITAI_TEST_REDIS      a Redis they may empty
#   LEITAI_TEST_CHROMIUM       the browser's program
# With LEITAI_TEST_NOTHING_SKIPPED=1 a skipped test is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

say() { printf 'tests: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
debian_root=no
if [ "$(id -u)" = 0 ] && has apt-get && has dpkg-query; then debian_root=yes; fi

if [ $debian_root = yes ]; then
    missing=()
    has chromium || has google-chrome || missing+=(chromium)
    for package in fonts-noto-cjk postgresql redis-server nginx-light; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        say "installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >/dev/null 2>&1
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
            say "could not install ${missing[*]}"
    fi
fi

# -- the browser
if [ -z "${LEITAI_TEST_CHROMIUM:-}" ]; then
    for program in chromium chromium-browser google-chrome; do
        if has "$program"; then LEITAI_TEST_CHROMIUM=$(command -v "$program"); export LEITAI_TEST_CHROMIUM; break; fi
    done
    [ -n "${LEITAI_TEST_CHROMIUM:-}" ] || say "no Chromium here: the browser tests are skipped (LEITAI_TEST_CHROMIUM names one)"
fi

# -- PostgreSQL: the cluster of the system, a role and a password of the tests' own
postgres_of_system() {
    has pg_lsclusters || return 1
    local version name port status
    read -r version name port status _ < <(pg_lsclusters -h | head -n 1)
    [ -n "${version:-}" ] || return 1
    [ "${status%%,*}" = online ] || pg_ctlcluster "$version" "$name" start >/dev/null 2>&1
    for _ in $(seq 100); do pg_isready -q -h 127.0.0.1 -p "$port" && break; sleep 0.1; done
    local sql="DO \$\$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'leitai_test') THEN
        CREATE ROLE leitai_test LOGIN CREATEDB PASSWORD 'leitai_test'; END IF; END \$\$"
    (cd / && runuser -u postgres -- psql -q -p "$port" -c "$sql") >/dev/null || return 1
    export LEITAI_TEST_POSTGRES="postgresql://leitai_test:leitai_test@127.0.0.1:$port/postgres"
}
if [ -z "${LEITAI_TEST_POSTGRES:-}" ]; then
    if [ "$(id -u)" != 0 ] || ! postgres_of_system; then
        say "no PostgreSQL of the tests' own here: the services are tested on SQLite alone (LEITAI_TEST_POSTGRES names one)"
    fi
fi

# -- Redis: one of the tests' own, without a file, gone with them
redis_folder=
if [ -z "${LEITAI_TEST_REDIS:-}" ]; then
    if has redis-server; then
        redis_folder=$(mktemp -d)
        port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$redis_folder" \
            --pidfile "$redis_folder/pid" --daemonize yes >/dev/null
        export LEITAI_TEST_REDIS="redis://127.0.0.1:$port/0"
    else
        say "no Redis here: what needs it is skipped (LEITAI_TEST_REDIS names one)"
    fi
fi
cleanup() {
    if [ -n "$redis_folder" ]; then
        [ -f "$redis_folder/pid" ] && kill "$(cat "$redis_folder/pid")" 2>/dev/null
        rm -rf "$redis_folder"
    fi
}
trap cleanup EXIT

.venv/bin/python -m pytest "$@"
