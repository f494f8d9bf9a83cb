#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-scan on a tree of a million entries against fd, bfs and find with the
# marker names: full, again with nothing, 1 % and all of it changed, warm; and
# from the cache alone. In turns, medians, as ratios. The tree is made once,
# in $BK_BENCH_DIR (/var/tmp/bk-bench); ROUNDS=7. COLD=1, as root, drops the
# caches of the machine and measures that as well.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
bin=${BK_BIN:-$here/../../build}
tree=${BK_BENCH_DIR:-/var/tmp/bk-bench}
rounds=${ROUNDS:-7}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fd=$(command -v fdfind || command -v fd) ||
	{ echo "skip: fd is not installed"; exit 0; }

if [ ! -e "$tree" ]; then
	"${CC:-cc}" -O2 -D_GNU_SOURCE -o "$scratch/mktree" "$here/mktree.c"
	rm -rf "$tree.new"
	"$scratch/mktree" "$tree.new"
	mv "$tree.new" "$tree"
fi
cat >"$scratch/bk.conf" <<END
[scan]
root = $tree
[repo main]
url = $scratch/repo
password = file:$scratch/password
[backup home]
repo = main
markers = yes
END
chmod 600 "$scratch/bk.conf"
export BK_STATE_DIR=$scratch/state BK_CACHE_DIR=$scratch/cache
export BK_CONFIG=$scratch/bk.conf
mkdir -m 700 "$BK_STATE_DIR" "$BK_CACHE_DIR"
scan=$bin/bk-scan

# measure NAME COMMAND...: a line "wall cpu KiB" to NAME; milliseconds.
measure() {
	local name=$1
	shift
	python3 - "$scratch/$name" "$@" <<'END'
import os, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL, check=True)
wall = time.monotonic() - start
u = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "a") as f:
    f.write(f"{wall * 1e3:.2f} {(u.ru_utime + u.ru_stime) * 1e3:.2f} "
            f"{u.ru_maxrss}\n")
END
}

# median NAME COLUMN
median() {
	[ -e "$scratch/$1" ] || { echo 0; return; }
	cut -d' ' -f"$2" "$scratch/$1" | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

names='^\.(backup|nobackup|coldstorage|coldstorage_redundant|coldstorage_delete)$'
or=()
for n in backup nobackup coldstorage coldstorage_redundant coldstorage_delete; do
	or+=(${or:+-o} -name ".$n")
done
search() {
	measure "$1fd" "$fd" -uu "$names" "$tree"
	measure "$1fd32" "$fd" -j32 -uu "$names" "$tree"
	! command -v bfs >/dev/null || measure "$1bfs" bfs "$tree" "${or[@]}"
	measure "$1find" find "$tree" "${or[@]}"
}

find "$tree" -type d -print0 >"$scratch/dirs"
dirs=$(tr -dc '\0' <"$scratch/dirs" | wc -c)
awk 'BEGIN { RS = ORS = "\0" } NR % 100 == 50' "$scratch/dirs" >"$scratch/few"

"$scan" list >/dev/null
for _ in $(seq "$rounds"); do
	search ''
	measure full "$scan" --full list
	xargs -0 touch <"$scratch/dirs"
	measure all "$scan" list
	sleep 3.5
	"$scan" list >/dev/null
	"$scan" list >/dev/null
	measure again "$scan" list
	measure cached "$scan" --cached show
	xargs -0 touch <"$scratch/few"
	measure some "$scan" list
	measure version "$scan" -V
done
if [ -n "${COLD:-}" ]; then
	sleep 3.5
	"$scan" list >/dev/null
	for _ in 1 2 3; do
		for way in fd fd32 full again; do
			sync
			echo 3 >/proc/sys/vm/drop_caches
			case $way in
			fd) measure cold-fd "$fd" -uu "$names" "$tree" ;;
			fd32) measure cold-fd32 "$fd" -j32 -uu "$names" "$tree" ;;
			full) measure cold-full "$scan" -n --full list ;;
			again) measure cold-again "$scan" list ;;
			esac
		done
	done
fi

# report WHAT VALUE GOAL UNIT
report() {
	awk -v what="$1" -v v="$2" -v goal="$3" -v unit="$4" 'BEGIN {
		printf "%-48s %8.3f %-4s goal %-5s %s\n", what, v, unit, goal,
			v <= goal ? "met" : "missed" }'
}

# ratio NAME COLUMN NAME GOAL WHAT
ratio() {
	local b
	b=$(median "$3" "$2")
	[ "$b" != 0 ] || return 0
	report "$5" "$(awk -v a="$(median "$1" "$2")" -v b="$b" \
		'BEGIN { print a / b }')" "$4" ""
}

echo "scan: $dirs folders, $rounds rounds, ms: fd $(median fd 1)," \
	"fd -j32 $(median fd32 1), bfs $(median bfs 1), find $(median find 1)," \
	"full $(median full 1), again $(median again 1)"
ratio full 1 fd 0.5 "full, warm: wall time, of fd's"
ratio full 2 fd 0.55 "full, warm: CPU time, of fd's"
ratio full 1 bfs 0.55 "full, warm: wall time, of bfs's"
ratio full 1 find 0.2 "full, warm: wall time, of find's"
ratio again 1 fd 0.1 "again, nothing changed: wall time, of fd's"
ratio again 2 full 0.3 "again, nothing changed: CPU time, of full's"
ratio some 1 again 1.3 "again, 1 % changed: wall time, of nothing's"
ratio all 1 full 1.25 "again, all changed: wall time, of full's"
ratio cold-full 1 cold-fd 0.5 "full, cold: wall time, of fd's"
ratio cold-full 1 cold-fd32 1 "full, cold: wall time, of fd -j32's"
ratio cold-again 1 cold-fd 0.25 "again, cold: wall time, of fd's"
report "show from the cache" "$(median cached 1)" 100 ms
size=$(stat -c %s "$BK_CACHE_DIR/scan/tree")
report "cache: bytes a folder" "$(awk "BEGIN { print $size / $dirs }")" 56 B
# mib OPTION...: of the program alone, by a parent that is smaller than it.
mib() {
	/usr/bin/time -f %M -o "$scratch/kib" "$scan" "$@" list >/dev/null
	awk -v b="$size" '{ print $1 / 1024 - b / 1048576 }' "$scratch/kib"
}
if [ -x /usr/bin/time ]; then
	report "full: memory besides the cache" "$(mib --full)" 4 MiB
	"$scan" list >/dev/null
	report "again: memory besides the cache" "$(mib)" 6 MiB
fi
if command -v strace >/dev/null; then
	sleep 3.5
	"$scan" list >/dev/null
	"$scan" list >/dev/null
	strace -f -c -o "$scratch/calls" "$scan" list >/dev/null
	report "again: system calls a folder" "$(awk -v n="$dirs" \
		'$NF == "total" { print $4 / n }' "$scratch/calls")" 1.05 ""
fi
report "start (-V)" "$(median version 1)" 5 ms
