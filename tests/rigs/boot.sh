#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A small Debian in a folder, really booted: its own systemd, journal, loopback.
#   boot.sh root SUITE DIR [PACKAGE...]
#       makes DIR, the file system of a fresh Debian SUITE (bookworm), with
#       all that bk's tools need; fetched, which takes a minute. With
#       BK_ROOTS=FOLDER what was fetched is kept there, and taken from there.
#   boot.sh bare SUITE DIR
#       makes DIR one that boots and can install packages, with nothing else
#   boot.sh install DIR B
#       installs the tools and units as built in B into it, see Makefile
#   boot.sh up DIR RUN [OPTION...]
#       boots it (options: of systemd-nspawn) and waits until it is up. In RUN:
#       leader (its process 1), pid (that of systemd-nspawn), console (a log).
#       With --volatile=overlay DIR itself stays as it is.
#   boot.sh in RUN COMMAND...
#       runs a command in it; nothing of the environment gets there.
#   boot.sh down RUN
#       ends it in order. Exit 0 too where it is not up.
#   boot.sh kill RUN
#       ends it at once, as a power cut does.
#
# Needs root, mmdebstrap and systemd-nspawn. Exit 69 where something needed
# is missing, or nothing can be fetched.
set -eu

usage() {
	sed -n 's/^#   \(boot.sh .*\)/usage: \1/p' "$0" >&2
	exit 64
}
[ $# -ge 2 ] || usage
top=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

# what bk's tools need; names that hold in all releases: the newer ones provide
# them
needs=(systemd systemd-sysv dbus openssh-client restic ca-certificates
	libinih1 libjansson4 libargon2-1 libssl3 libcurl4 libsqlite3-0)

# fetch VARIANT SUITE TO PACKAGE...
# Without a network the first try takes long: it is told, and not repeated.
fetch() {
	local variant=$1 suite=$2 to=$3 lean=()
	shift 3
	[ "$variant" = minbase ] ||
		lean=(--dpkgopt='path-exclude=/usr/share/doc/*'
			--dpkgopt='path-exclude=/usr/share/man/*'
			--dpkgopt='path-exclude=/usr/share/locale/*')
	timeout -k 10 600 mmdebstrap --quiet --variant="$variant" \
		--aptopt='Acquire::Retries "2"' --dpkgopt=force-unsafe-io "${lean[@]}" \
		--include="$(IFS=, && echo "$*")" "$suite" "$to" \
		</dev/null >"$to.log" 2>&1 && rm -f "$to.log"
}

# make_root VARIANT SUITE DIR PACKAGE...
make_root() {
	local variant=$1 suite=$2 dir=$3 tar
	shift 3
	command -v mmdebstrap >/dev/null || {
		echo "boot.sh: mmdebstrap is not installed" >&2
		exit 69
	}
	mkdir -p "$dir"
	if [ -n "${BK_ROOTS:-}" ]; then
		tar=$BK_ROOTS/$suite.$variant$extra.tar
		if [ ! -e "$tar" ]; then
			mkdir -p "$BK_ROOTS"
			fetch "$variant" "$suite" "$BK_ROOTS/new.$$.tar" "$@" ||
				fetch_failed "$suite" "$BK_ROOTS/new.$$.tar"
			mv "$BK_ROOTS/new.$$.tar" "$tar"
		fi
		tar -xf "$tar" -C "$dir" --exclude='./dev/*'
	else
		fetch "$variant" "$suite" "$dir" "$@" || fetch_failed "$suite" "$dir"
	fi
	# this is not a first boot, which would enable all units
	tr -d - </proc/sys/kernel/random/uuid >"$dir/etc/machine-id"
	echo booted >"$dir/etc/hostname"
}

fetch_failed() {
	echo "boot.sh: no root of $1 can be had: $(sed -n '/^E: /{s///p;q}' "$2.log")" >&2
	rm -rf "$2" "$2.log"
	exit 69
}

# As built: a make that is asked for less must not build anew.
install_build() {
	local dir=$1 b=$2
	make -s -C "$top" -o all install B="$b" DESTDIR="$dir" \
		UNITDIR=/usr/lib/systemd/system >/dev/null
}

# The folders in which a control group must be made: one, or with the old
# hierarchies two.
groups() {
	local d
	for d in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
		[ ! -w "$d" ] || [ ! -e "$d/cgroup.procs" ] || echo "$d"
	done
}

alive() {
	[ -r "/proc/$1/stat" ] && ! grep -qs ') Z ' "/proc/$1/stat"
}

# until_done TENTHS COMMAND...
until_done() {
	local n=$1
	shift
	for _ in $(seq "$n"); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# In RUN/leader: the process 1 of the container, once it is systemd.
find_leader() {
	local pid
	for pid in $(pgrep -P "$(cat "$run/pid")"); do
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd ]; then
			echo "$pid" >"$run/leader"
			return
		fi
	done
	return 1
}

inside() {
	nsenter -t "$(cat "$run/leader")" -m -u -i -n -p -C env -i LC_ALL=C \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root "$@"
}

is_up() {
	[ -s "$run/leader" ] || find_leader || return 1
	case $(inside systemctl is-system-running 2>/dev/null) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

is_down() { ! alive "$(cat "$run/pid")"; }

# What a run that was killed left behind: groups, minutes old, of no process.
sweep() {
	local d
	for d in $(groups); do
		find "$d" -maxdepth 1 -type d -name 'bk-boot.*' -mmin +2
	done | while read -r d; do
		find "$d" -name cgroup.procs -exec cat {} + 2>/dev/null |
			grep -q . || remove_group "$d"
	done
}

remove_group() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || :
}

# A group of its own: two containers in one would end each other.
up() {
	local dir=$1 name=bk-boot.$$ d
	shift
	command -v systemd-nspawn >/dev/null || {
		echo "boot.sh: systemd-nspawn is not installed" >&2
		exit 69
	}
	mkdir -p "$run"
	rm -f "$run/leader"
	: >"$run/groups"
	sweep
	for d in $(groups); do
		mkdir "$d/$name" && echo "$d/$name" >>"$run/groups"
	done
	[ -s "$run/groups" ] || {
		echo "boot.sh: no control group can be made here" >&2
		exit 69
	}
	(
		while read -r d; do
			echo "$BASHPID" >"$d/cgroup.procs"
		done <"$run/groups"
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		# whatever it leaves in /run goes with the mounts
		# shellcheck disable=SC2016
		exec setsid unshare -m sh -c 'mkdir -p /run/systemd/nspawn &&
			mount -t tmpfs -o mode=755 none /run/systemd/nspawn &&
			exec systemd-nspawn "$@"' sh \
			--quiet --directory="$dir" --machine="$name" --boot \
			--register=no --keep-unit --private-network \
			--console=pipe --link-journal=no --resolv-conf=off \
			--timezone=off "$@" 3>&- 4>&- 9>&-
	) </dev/null >"$run/console" 2>&1 &
	echo $! >"$run/pid"
	until_done 600 is_up_or_gone
	if ! is_up; then
		echo "boot.sh: does not boot:" >&2
		tail -n 20 "$run/console" >&2
		end
		exit 1
	fi
}

is_up_or_gone() { is_down || is_up; }

# What is killed is this container's process 1, or what was to start it.
end() {
	local d
	if [ -s "$run/pid" ] && ! is_down; then
		kill -9 "$(cat "$run/leader" 2>/dev/null ||
			cat "$run/pid")" 2>/dev/null || :
		until_done 100 is_down || kill -9 "$(cat "$run/pid")" || :
	fi
	if [ -e "$run/groups" ]; then
		while read -r d; do
			remove_group "$d"
		done <"$run/groups"
	fi
	rm -f "$run/pid" "$run/leader" "$run/groups"
}

case $1 in
root)
	[ $# -ge 3 ] || usage
	shift
	extra=$(printf '+%s' "${@:3}")
	extra=${extra#+} extra=${extra:++$extra}
	make_root essential "$1" "$2" "${needs[@]}" "${@:3}"
	;;
bare)
	[ $# = 3 ] || usage
	extra=
	make_root minbase "$2" "$3" systemd systemd-sysv dbus
	;;
install)
	[ $# = 3 ] || usage
	install_build "$2" "$3"
	;;
up)
	[ $# -ge 3 ] || usage
	dir=$2 run=$3
	shift 3
	up "$dir" "$@"
	;;
in)
	[ $# -ge 3 ] || usage
	run=$2
	shift 2
	inside "$@"
	;;
down)
	run=$2
	if [ -s "$run/leader" ] && ! is_down; then
		inside systemctl poweroff 2>/dev/null || :
		until_done 200 is_down || :
	fi
	end
	;;
kill)
	run=$2
	end
	;;
*) usage ;;
esac
