#!/bin/sh
# Installs Debian packages, as root: apt.sh PACKAGE...  Repeatable after being killed at any point.
# The services that packages bring (Debian's own redis on port 6379) are not started: we need programs only.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
mark="Yihaotong's set-up"
if [ ! -e "$policy" ] || grep -q "$mark" "$policy"; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    # Should this be killed before it cleans up, the policy says yes to everything again.
    printf '#!/bin/sh\n# %s is installing packages.\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' \
        "$mark" "$$" >"$policy"
    chmod 755 "$policy"
fi

install() {
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install "$@"
}

if ! install "$@"; then
    echo "apt.sh: refreshing the package lists and trying again"
    dpkg --configure -a
    apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
    install "$@"
fi
# Nor at the next boot: the platform and its tests run private ones on unix sockets.
if [ -d /run/systemd/system ]; then
    for package in "$@"; do
        case $package in
            redis-server | postgresql) systemctl disable "$package" || true ;;
        esac
    done
fi
