#!/bin/sh
# Finds a Python for set-up, installs Debian's where there is none, and hands over to deploy/setup/__main__.py.
set -eu
checkout=$(CDPATH='' cd -P -- "$(dirname -- "$0")/../.." && pwd)
cd "$checkout"

find_python() {
    for python in "${YHT_PYTHON:-}" python3.11 python3 /usr/bin/python3; do
        if [ -n "$python" ] && "$python" -c \
            'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return 0
        fi
    done
    return 1
}

if ! find_python; then
    need="python3 python3-venv"
    if ! command -v apt-get >/dev/null; then
        echo "set-up: Python 3.11 or newer with its venv module is missing, and so is apt-get: install Python" >&2
        exit 1
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        as_root=sudo
    else
        echo "set-up: $need are missing and this user may not install them; as root: apt-get install $need" >&2
        exit 1
    fi
    echo "Setting up: installing $need first"
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! $as_root sh deploy/setup/apt.sh $need >"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        echo "set-up: $need could not be installed; the whole log: $log" >&2
        exit 1
    fi
    rm -f "$log"
    if ! find_python; then
        echo "set-up: the Python of this system is older than 3.11; Debian 12 has what is needed" >&2
        exit 1
    fi
fi
# -B: nothing of ours may be left behind by whichever user ran it first.
exec "$python" -B -m deploy.setup "$@"
