#!/bin/sh
# What `make run` does once everything is set up: the platform, the demo call, and staying up until Ctrl-C.
set -eu
checkout=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd)
cd "$checkout"

# Prints the pid of the supervisor that runs on this home, nothing where none does.
supervisor() {
    state=${YHT_HOME:-var}/run/supervisor.json
    if pid=$(.venv/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' "$state" 2>/dev/null) &&
        kill -0 "$pid" 2>/dev/null; then
        echo "$pid"
    fi
}

stop() {
    trap '' INT TERM HUP
    echo
    ./yht down
    exit "$1"
}

before=$(supervisor)
trap 'stop 130' INT TERM HUP
if ! ./yht up --detach; then
    # Somebody else's platform is theirs to stop.
    if [ "$(supervisor)" = "$before" ]; then exit 1; fi
    stop 1
fi
# From here on a signal that ends a command must lead to the trap, not out of the script.
set +e
trap 'stop 0' INT TERM HUP
running=$(supervisor)
if ! ./yht demo; then
    echo "make run: the demo call did not end as it should (see above); the platform stays up" >&2
fi
cat <<'TEXT'

The platform is up. In another terminal:
  ./yht status            processes, links, how long they are up
  ./yht call list         what happened; ./yht call show ID tells one contact
  ./yht line list         every hotline of the city
  ./yht demo              the call again
Ctrl-C here stops it.
TEXT
# Ends too when the platform is stopped elsewhere (./yht down). `wait` is what a signal interrupts at once.
while [ -n "$running" ] && kill -0 "$running" 2>/dev/null; do
    sleep 2 &
    wait $!
done
echo "The platform was stopped."
