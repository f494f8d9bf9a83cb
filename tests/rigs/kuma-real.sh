#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A real Uptime Kuma, on loopback.
#   kuma-real.sh install FOLDER   from npm into FOLDER, once (240 MB, minutes);
#                                 then BK_KUMA=FOLDER has the tests use it
#   kuma-real.sh up FOLDER DIR    starts one with its data in DIR; prints its
#                                 URL. It is not set up yet
#   kuma-real.sh monitor FOLDER DIR NAME TOKEN INTERVAL
#                                 sets it up, and makes a push monitor
#   kuma-real.sh beats DIR        "status<TAB>ping<TAB>message" of each beat
#   kuma-real.sh down DIR
# install needs npm, gcc and, for the binding to SQLite, Debian's apt.
set -eu

version=2.0.0-dev.0
rig=$(cd "$(dirname "$0")" && pwd)
die() { echo "kuma-real.sh: $*" >&2; exit 1; }

install_binding() {
	local to=node_modules/@louislam/sqlite3/lib/binding/napi-v6-linux-x64
	local from
	apt-get -qq download node-sqlite3 || return
	dpkg-deb -x node-sqlite3_*.deb binding || return
	from=$(find binding -name node_sqlite3.node | head -n 1)
	mkdir -p "$to" lib || return
	cp "$from" "$to/" || return
	# What it takes from this library, node itself has.
	gcc -shared -o lib/libnode.so.108 -x c /dev/null || return
	rm -rf binding node-sqlite3_*.deb
}

install() {
	mkdir -p "$1"
	cd "$1"
	[ ! -e ./done ] || return 0
	echo '{"private":true}' >package.json
	npm install "uptime-kuma@$version" --ignore-scripts --omit=dev \
		--no-audit --no-fund --legacy-peer-deps >npm.log 2>&1 ||
		die "npm failed: $(tail -n 3 npm.log)"
	install_binding || die "there is no binding to SQLite"
	# The package has six migrations in the wrong place.
	cp node_modules/uptime-kuma/db/patch-*.sql \
		node_modules/uptime-kuma/db/old_migrations/
	touch ./done
}

free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

up() {
	local folder=$1 dir=$2 port end
	[ -e "$folder/done" ] || die "$folder is no folder of install"
	mkdir -p "$dir/data"
	echo '{"type":"sqlite"}' >"$dir/data/db-config.json"
	port=$(free_port)
	# No proxy is there: it shall not look for updates.
	(cd "$folder/node_modules/uptime-kuma" &&
		exec env LD_LIBRARY_PATH="$folder/lib" NODE_ENV=production \
			UPTIME_KUMA_HOST=127.0.0.1 UPTIME_KUMA_PORT="$port" \
			https_proxy=http://127.0.0.1:9 DATA_DIR="$dir/data/" \
			setsid node server/server.js) \
		</dev/null >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	end=$((SECONDS + 240))
	until grep -q 'Listening on' "$dir/log"; do
		kill -0 "$(cat "$dir/pid")" 2>/dev/null ||
			die "it ended: $(tail -n 5 "$dir/log")"
		[ $SECONDS -lt $end ] || die "it does not come up"
		sleep 0.2
	done
	echo "http://127.0.0.1:$port" | tee "$dir/url"
}

monitor() {
	local folder=$1 dir=$2
	shift 2
	cp "$rig/kuma-real.js" "$folder/setup.js"
	no_proxy=127.0.0.1 node "$folder/setup.js" "$(cat "$dir/url")" "$@"
}

beats() {
	python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1] + "/data/kuma.db").execute(
        "select status, ping, msg from heartbeat order by id"):
    print(*row, sep="\t")' "$1"
}

down() {
	local pid
	pid=$(cat "$1/pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || return 0
	timeout 20 tail -f --pid="$pid" /dev/null || kill -9 "$pid"
}

case ${1:-} in
install | up | monitor | beats | down) "$@" ;;
*) sed -n '4,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
