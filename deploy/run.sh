#!/bin/sh
# What `make run` does once everything is set up: the platform, the demo call, and staying up until Ctrl-C.
set -eu
checkout=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd)
cd "$checkout"

stop() {
    trap '' INT TERM HUP
    echo
    ./yht down
    exit "$1"
}
trap 'stop 0' INT TERM HUP

./yht up --detach
if ! ./yht demo; then
    echo
    echo "The demo call did not end as it should (above); the platform is up. Logs: ${YHT_HOME:-var}/log/"
fi
cat <<'TEXT'

The platform is up. In another terminal:
  ./yht status            processes, links, how long they are up
  ./yht call list         what happened; ./yht call show ID tells one contact
  ./yht line list         every hotline of the city
  ./yht demo              the call again
Ctrl-C here stops it.
TEXT
# Ends too when the platform is stopped elsewhere (./yht down). `wait` is what a signal can interrupt at once.
while ./yht status >/dev/null 2>&1; do
    sleep 10 &
    wait $!
done
echo "The platform is no longer up."
