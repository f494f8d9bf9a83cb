#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-scan on a tree of a million entries against fd with the marker names as
# a pattern: warm, in turns, medians. The tree is made once, in
# $BK_BENCH_DIR (/var/tmp/bk-bench).
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
export BK_STATE_DIR=$scratch/state BK_CONFIG=$scratch/bk.conf

# measure NAME COMMAND...: a line "wall cpu KiB" to NAME; milliseconds.
measure() {
	local name=$1
	shift
	python3 - "$scratch/$name" "$@" <<'END'
import os, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=True)
wall = time.monotonic() - start
u = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "a") as f:
    f.write(f"{wall * 1e3:.2f} {(u.ru_utime + u.ru_stime) * 1e3:.2f} "
            f"{u.ru_maxrss}\n")
END
}

# median NAME COLUMN
median() {
	cut -d' ' -f"$2" "$scratch/$1" | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

names='^\.(backup|nobackup|coldstorage|coldstorage_redundant|coldstorage_delete)$'
"$fd" -uu "$names" "$tree" >/dev/null
for _ in $(seq "$rounds"); do
	measure fd "$fd" -uu "$names" "$tree"
	measure scan "$bin/bk-scan" -n list
	measure version "$bin/bk-scan" -V
done

# report WHAT VALUE GOAL UNIT
report() {
	awk -v what="$1" -v v="$2" -v goal="$3" -v unit="$4" 'BEGIN {
		printf "%-44s %8.2f %-4s goal %s  %s\n", what, v, unit, goal,
			v <= goal ? "met" : "missed" }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

echo "scan: $(median fd 1) ms fd, $(median scan 1) ms bk-scan, $rounds rounds"
report "full scan, warm: wall time, of fd's" \
	"$(ratio "$(median scan 1)" "$(median fd 1)")" 0.6 ""
report "full scan, warm: CPU time, of fd's" \
	"$(ratio "$(median scan 2)" "$(median fd 2)")" 0.6 ""
report "full scan: memory, what measures it included" "$(ratio "$(median scan 3)" 1024)" 64 MiB
report "start (-V)" "$(median version 1)" 5 ms
