#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A private MariaDB in DIR: socket DIR/sock, process id in DIR/pid, messages in
# DIR/err.log, data in DIR/data. It has no TCP port and writes a binary log.
# Who starts it is its root, known by the socket: mariadb -S DIR/sock.
#   mdb.sh up DIR [OPTION...]   starts it and prints the socket; OPTIONS are
#                               mariadbd's (--skip-log-bin, --port=N ...)
#   mdb.sh down DIR             ends it, its data on disk and whole
#   mdb.sh kill DIR             ends it as a power cut does
# Works as root, by the user mysql or nobody, and as any other user. DIR must be
# an absolute path without blanks, short enough for a socket. Where DIR/data is
# there it is taken as it is; else a copy of $MDB_TEMPLATE, which the first one
# that needs it makes; else a new one. Nothing is flushed to the disk: this is
# for tests. Exit 69: no MariaDB server here.
set -eu
PATH=$PATH:/usr/sbin:/usr/libexec

usage() {
	echo "usage: mdb.sh up DIR [OPTION...] | down DIR | kill DIR" >&2
	exit 64
}
[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2
case $dir in /*) ;; *) usage ;; esac
me=$(id -un)

# The server's user, where we are root, and what runs a program as it.
user=$me as=()
if [ "$me" = root ]; then
	user=nobody
	! id mysql >/dev/null 2>&1 || user=mysql
	as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups --)
fi

# The server that runs in $dir: $pid. A pid file may outlive its server.
running() {
	[ -s "$dir/pid" ] && pid=$(cat "$dir/pid") &&
		tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
		grep -qxF -e "--datadir=$dir/data"
}

# Scratch directories are private; the server's user must get through.
open_way() {
	local d=$dir
	while ! "${as[@]}" test -x "$dir"; do
		d=${d%/*}
		case $d in
		/tmp/?* | /var/tmp/?* | /dev/shm/?*) chmod o+x "$d" ;;
		*)
			echo "mdb.sh: $user cannot get at $dir" >&2
			exit 77
			;;
		esac
	done
}

# install DATA: a new data directory.
install_data() {
	mkdir -p "$1"
	[ "$user" = "$me" ] || chown "$user" "$1"
	TMPDIR=$dir/tmp "${as[@]}" mariadb-install-db --no-defaults --datadir="$1" \
		--auth-root-authentication-method=socket \
		--auth-root-socket-user="$me" --skip-test-db \
		--skip-name-resolve --innodb-log-file-size=16M \
		--innodb-flush-log-at-trx-commit=0 --debug-no-sync \
		>"$dir/install.log" 2>&1 </dev/null || {
		echo "mdb.sh: mariadb-install-db failed:" >&2
		tail -n 20 "$dir/install.log" >&2
		exit 1
	}
}

# The template is made in DIR, and appears whole or not at all.
take_template() {
	exec 9>"$MDB_TEMPLATE.lock"
	flock -w 100 9
	if [ ! -d "$MDB_TEMPLATE" ]; then
		install_data "$dir/new"
		cp -a "$dir/new" "$MDB_TEMPLATE.new"
		mv "$MDB_TEMPLATE.new" "$MDB_TEMPLATE"
		rm -rf "$dir/new"
	fi
	exec 9>&-
	cp -a --reflink=auto "$MDB_TEMPLATE" "$dir/data"
}

up() {
	if ! command -v mariadbd >/dev/null ||
		! command -v mariadb-install-db >/dev/null; then
		echo "mdb.sh: MariaDB's server is not installed" >&2
		exit 69
	fi
	if running; then
		echo "mdb.sh: it runs already, as $pid" >&2
		exit 75
	fi
	mkdir -p "$dir/tmp"
	rm -f "$dir/pid" "$dir/sock"
	[ "$user" = "$me" ] || chown "$user" "$dir" "$dir/tmp"
	open_way
	if [ ! -d "$dir/data" ] && [ -n "${MDB_TEMPLATE:-}" ]; then
		take_template
	elif [ ! -d "$dir/data" ]; then
		install_data "$dir/data"
	fi
	"${as[@]}" mariadbd --no-defaults --datadir="$dir/data" \
		--socket="$dir/sock" --pid-file="$dir/pid" --tmpdir="$dir/tmp" \
		--log-error="$dir/err.log" --log-bin=bin --sync-binlog=0 \
		--server-id=1 --event-scheduler=OFF --performance-schema=0 \
		--skip-name-resolve --max-allowed-packet=1G \
		--innodb-log-file-size=16M --innodb-buffer-pool-size=64M \
		--innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
		--loose-innodb-flush-method=nosync \
		--loose-innodb-log-file-buffering=ON \
		--debug-no-sync --skip-networking "$@" \
		</dev/null >/dev/null 2>&1 3>&- &
	local server=$!
	for _ in $(seq 600); do
		if [ -S "$dir/sock" ] && mariadb-admin --no-defaults --skip-ssl \
			-S "$dir/sock" ping >/dev/null 2>&1; then
			echo "$dir/sock"
			return
		fi
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	echo "mdb.sh: the server did not start:" >&2
	tail -n 20 "$dir/err.log" >&2
	kill -9 $server 2>/dev/null || :
	exit 1
}

# Signals the server and waits until it is gone.
end() {
	running || return 0
	kill "$1" "$pid"
	for _ in $(seq 600); do
		[ -e "/proc/$pid" ] || break
		! grep -qs ') Z ' "/proc/$pid/stat" || break
		sleep 0.05
	done
	! running || kill -9 "$pid"
	rm -f "$dir/pid"
}

case $verb in
up) up "$@" ;;
down) end -TERM ;;
kill) end -KILL ;;
*) usage ;;
esac
