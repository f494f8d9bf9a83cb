#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A session bus of its own, and a real gnome-keyring-daemon on it, for the
# user who runs this; without a display, so that nothing can ask.
#   keyring.sh bus DIR [SOCKET]       the bus alone
#   keyring.sh unlocked DIR [SOCKET]  a daemon whose keyring is open, and is
#                                     made where there is none
#   keyring.sh locked DIR [SOCKET]    the same, locked: as after a login
#                                     without a password
#   keyring.sh empty DIR [SOCKET]     a daemon without any keyring
#   keyring.sh off DIR                the daemon ends, the bus remains
#   keyring.sh down DIR               both end
# A daemon that runs ends first, the keyring remains; the bus starts where it
# does not run. SOCKET: default DIR/bus. In DIR: env (to be sourced: HOME,
# XDG_*, DBUS_SESSION_BUS_ADDRESS), home/, bus.pid, keyring.pid, *.log.
#
# DIR and SOCKET must be absolute, plain, and short: the kernel takes 107
# bytes.
set -eu

usage() {
	echo "usage: keyring.sh bus|unlocked|locked|empty|off|down" \
		"DIR [SOCKET]" >&2
	exit 64
}
[ $# -ge 2 ] || usage
verb=$1 dir=$2 socket=${3:-$2/bus}
case $dir:$socket in
*[!/:A-Za-z0-9._-]* | [!/]* | *:[!/]*) usage ;;
esac
rig=$(realpath "$0")
rig=${rig%.sh}-service.py

alive() {
	[ -r "/proc/$1/stat" ] && ! grep -qs ') Z ' "/proc/$1/stat"
}

# end NAME PROGRAM: what NAME.pid says, where it still is that program
end() {
	local pid
	[ -s "$dir/$1.pid" ] || return 0
	pid=$(cat "$dir/$1.pid")
	rm -f "$dir/$1.pid"
	case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
	"$2 "*) kill "$pid" 2>/dev/null || return 0 ;;
	*) return 0 ;;
	esac
	for _ in $(seq 100); do
		alive "$pid" || return 0
		sleep 0.05
	done
	kill -9 "$pid" 2>/dev/null || :
}

off() {
	end keyring gnome-keyring-daemon
	rm -rf "$dir/run/keyring"
}

# No <servicedir>: what is not there is not started.
write_conf() {
	cat <<E
<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=$socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
E
}

write_env() {
	cat <<E
export HOME=$dir/home XDG_RUNTIME_DIR=$dir/run
export XDG_DATA_HOME=$dir/home/.local/share
export XDG_CONFIG_HOME=$dir/home/.config
export DBUS_SESSION_BUS_ADDRESS=unix:path=$socket
unset DISPLAY WAYLAND_DISPLAY
E
}

# wait_until WHAT COMMAND...: up to 10 s
wait_until() {
	local what=$1
	shift
	for _ in $(seq 200); do
		! "$@" || return 0
		sleep 0.05
	done
	cat "$dir"/*.log >&2
	echo "keyring.sh: $what does not start" >&2
	exit 1
}

bus() {
	mkdir -p "$dir/home" "$dir/run"
	chmod 700 "$dir" "$dir/home" "$dir/run"
	write_conf >"$dir/bus.conf"
	write_env >"$dir/env"
	rm -f "$socket"
	dbus-daemon --config-file="$dir/bus.conf" --nofork --nopidfile \
		</dev/null >"$dir/bus.log" 2>&1 3>&- 4>&- &
	echo $! >"$dir/bus.pid"
	wait_until "the bus" test -S "$socket"
}

# daemon PASSWORD ARGUMENT...
daemon() {
	local password=$1
	shift
	gnome-keyring-daemon --foreground --components=secrets \
		--control-directory="$dir/run/keyring" "$@" \
		< <(printf %s "$password") >"$dir/keyring.log" 2>&1 3>&- 4>&- &
	echo $! >"$dir/keyring.pid"
	wait_until gnome-keyring-daemon python3 "$rig" owned
}

case $verb in
bus | unlocked | locked | empty) ;;
off)
	off
	exit
	;;
down)
	off
	end bus dbus-daemon
	exit
	;;
*) usage ;;
esac
[ -s "$dir/bus.pid" ] || bus
# shellcheck source=/dev/null
. "$dir/env"
off
case $verb in
unlocked)
	daemon secret --unlock
	wait_until "the keyring" python3 "$rig" unlocked
	;;
locked) daemon '' --start ;;
empty)
	rm -rf "$XDG_DATA_HOME/keyrings"
	daemon '' --start
	;;
esac
