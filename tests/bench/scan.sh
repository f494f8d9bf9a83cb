#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-scan on a tree of a million entries against fd, bfs and find with the
# marker names: full, again with nothing, 1 % and all of it changed, warm; and
# from the cache alone. In turns; what is compared is taken from the same
# round, and the median of these ratios is printed, so that a machine which
# others use as well does little harm. The tree is made once, in $BK_BENCH_DIR
# (/var/tmp/bk-bench); ROUNDS=7. As root, COLD=1 drops the caches of the
# machine and measures that as well, and BTRFS=1 the tree on an image of btrfs
# beside it. BFS=PROGRAM is another bfs than the one in $PATH.
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
bfs=${BFS:-$(command -v bfs || :)}

make_tree() {
	"${CC:-cc}" -O2 -D_GNU_SOURCE -o "$scratch/mktree" "$here/mktree.c"
	rm -rf "$1.new"
	"$scratch/mktree" "$1.new"
	mv "$1.new" "$1"
}
[ -e "$tree" ] || make_tree "$tree"

configure() {
	cat >"$scratch/bk.conf" <<-END
		[scan]
		root = $1
		[repo main]
		url = $scratch/repo
		password = file:$scratch/password
		[backup home]
		repo = main
		markers = yes
	END
	chmod 600 "$scratch/bk.conf"
}
configure "$tree"
export BK_STATE_DIR=$scratch/state BK_CACHE_DIR=$scratch/cache
export BK_CONFIG=$scratch/bk.conf
mkdir -m 700 "$BK_STATE_DIR" "$BK_CACHE_DIR"
scan=$bin/bk-scan
cache=$BK_CACHE_DIR/scan/tree

# measure NAME COMMAND...: a line "wall cpu blocks" to NAME; milliseconds.
measure() {
	local name=$1
	shift
	python3 - "$scratch/$name" "$@" <<'END'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL, check=True)
wall = time.monotonic() - start
u = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "a") as f:
    f.write(f"{wall * 1e3:.3f} {(u.ru_utime + u.ru_stime) * 1e3:.3f} "
            f"{u.ru_inblock}\n")
END
}

middle() {
	sort -g | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : 0 }'
}

# median NAME COLUMN
median() {
	[ -e "$scratch/$1" ] || { echo 0; return; }
	cut -d' ' -f"$2" "$scratch/$1" | middle
}

# report WHAT VALUE GOAL UNIT
report() {
	awk -v what="$1" -v v="$2" -v goal="$3" -v unit="$4" 'BEGIN {
		printf "%-48s %8.3f %-4s goal %-5s %s\n", what, v, unit, goal,
			v <= goal ? "met" : "missed" }'
}

# ratio NAME COLUMN NAME GOAL WHAT: of the same rounds, where both were.
ratio() {
	[ -e "$scratch/$1" ] && [ -e "$scratch/$3" ] || return 0
	report "$5" "$(paste -d' ' "$scratch/$1" "$scratch/$3" |
		awk -v a="$2" '$(a + 3) > 0 { print $a / $(a + 3) }' | middle)" \
		"$4" ""
}

# settle: what a re-scan knows is old enough to be believed.
settle() {
	sleep 3.5
	"$scan" list >/dev/null
}

# cold NAME HOW COMMAND...: with that much of the machine's caches dropped.
cold() {
	local name=$1 how=$2
	shift 2
	sync
	echo "$how" >/proc/sys/vm/drop_caches
	measure "$name" "$@"
}

# mib OPTION...: of the program alone, by a parent that is smaller than it.
mib() {
	/usr/bin/time -f %M -o "$scratch/kib" "$scan" "$@" list >/dev/null
	awk -v b="$(stat -c %s "$cache")" \
		'{ print $1 / 1024 - b / 1048576 }' "$scratch/kib"
}

names='^\.(backup|nobackup|coldstorage|coldstorage_redundant|coldstorage_delete)$'
or=()
for n in backup nobackup coldstorage coldstorage_redundant coldstorage_delete; do
	or+=(${or:+-o} -name ".$n")
done
find "$tree" -type d -print0 >"$scratch/dirs"
dirs=$(tr -dc '\0' <"$scratch/dirs" | wc -c)
awk 'BEGIN { RS = ORS = "\0" } NR % 100 == 50' "$scratch/dirs" >"$scratch/few"

"$scan" list >/dev/null
for _ in $(seq "$rounds"); do
	measure fd "$fd" -uu "$names" "$tree"
	measure full "$scan" --full list
	[ -z "$bfs" ] || measure bfs "$bfs" "$tree" "${or[@]}"
	measure find find "$tree" "${or[@]}"
	measure full2 "$scan" --full list
	xargs -0 touch <"$scratch/dirs"
	measure all "$scan" list
	settle
	"$scan" list >/dev/null
	measure again "$scan" list
	measure fd2 "$fd" -uu "$names" "$tree"
	measure again2 "$scan" list
	xargs -0 touch <"$scratch/few"
	measure some "$scan" list
	measure version "$scan" -V
done
if [ -n "${COLD:-}" ]; then
	settle
	for _ in 1 2 3; do
		cold cold-fd 3 "$fd" -uu "$names" "$tree"
		cold cold-full 3 "$scan" -n --full list
		cold cold-fd32 3 "$fd" -j32 -uu "$names" "$tree"
		cold cold-again 3 "$scan" list
		cold slab-fd 2 "$fd" -uu "$names" "$tree"
		cold slab-again 2 "$scan" list
	done
fi

echo "scan: $dirs folders, $rounds rounds, ms: fd $(median fd 1)," \
	"${bfs:+bfs $(median bfs 1), }find $(median find 1)," \
	"full $(median full 1), again $(median again 1)"
# where others use the machine, these ratios are those of fewer processors
paste -d' ' "$scratch/fd" "$scratch/full" | awk -v n="$(nproc)" '
	{ fd += $2 / $1; full += $5 / $4 } END {
	printf "processors, of %d: fd had %.2f, full %.2f\n", n, fd / NR,
		full / NR }'
ratio full 1 fd 0.5 "full, warm: wall time, of fd's"
ratio full 2 fd 0.55 "full, warm: CPU time, of fd's"
if [ -n "$bfs" ]; then
	# one thread until version 3
	case $("$bfs" --version) in
	bfs\ [12].*) goal=0.33 ;;
	*) goal=0.55 ;;
	esac
	ratio full 1 bfs $goal "full, warm: wall time, of bfs's"
	ratio full 2 bfs 1 "full, warm: CPU time, of bfs's"
fi
ratio full 1 find 0.2 "full, warm: wall time, of find's"
ratio again2 1 fd2 0.1 "again, nothing changed: wall time, of fd's"
ratio again2 2 fd2 0.1 "again, nothing changed: CPU time, of fd's"
ratio again 2 full 0.3 "again, nothing changed: CPU time, of full's"
ratio some 1 again2 1.3 "again, 1 % changed: wall time, of nothing's"
ratio all 1 full2 1.25 "again, all changed: wall time, of full's"
ratio cold-full 1 cold-fd 0.5 "full, cold: wall time, of fd's"
ratio cold-full 1 cold-fd32 1 "full, cold: wall time, of fd -j32's"
ratio cold-full 3 cold-fd 1.02 "full, cold: blocks read, of fd's"
ratio cold-again 1 cold-fd 0.25 "again, cold: wall time, of fd's"
ratio cold-again 3 cold-full 0.42 "again, cold: blocks read, of full's"
ratio slab-again 1 slab-fd 0.25 "again, inodes cold: wall time, of fd's"

"$scan" --full list >/dev/null
report "cache: bytes a folder" \
	"$(awk "BEGIN { print $(stat -c %s "$cache") / $dirs }")" 56 B
"${CC:-cc}" -O2 -D_GNU_SOURCE -iquote "$here/../../lib" \
	-iquote "$here/../../bin/bk-scan" -o "$scratch/scanload" \
	"$here/scanload.c" "$here/../../bin/bk-scan/"{hash,image}.c \
	"$bin/libbk.a"
report "cache: load, nanoseconds a folder" \
	"$("$scratch/scanload" "$cache")" 30 ns
if [ -x /usr/bin/time ]; then
	report "full: memory besides the cache" "$(mib --full)" 4 MiB
	"$scan" list >/dev/null
	report "again: memory besides the cache" "$(mib)" 6 MiB
fi
if command -v strace >/dev/null; then
	settle
	"$scan" list >/dev/null
	strace -f -c -o "$scratch/calls" "$scan" list >/dev/null
	report "again: system calls a folder" "$(awk -v n="$dirs" \
		'$NF == "total" { print $4 / n }' "$scratch/calls")" 1.05 ""
fi
"$scan" show >/dev/null
for _ in $(seq "$rounds"); do
	for what in show uncovered diff; do
		measure $what "$scan" --cached $what
	done
done
for what in show uncovered diff; do
	report "$what from the cache" "$(median $what 1)" 100 ms
done
report "start (-V)" "$(median version 1)" 5 ms

# The same on btrfs, which says itself what changed.
if [ -n "${BTRFS:-}" ]; then
	image=$tree.btrfs at=$scratch/at
	mkdir "$at"
	if [ ! -e "$image" ]; then
		rm -f "$image.new"
		truncate -s 8G "$image.new"
		mkfs.btrfs -q "$image.new" 2>/dev/null
		mount -o loop "$image.new" "$at"
		make_tree "$at/tree"
		umount "$at"
		mv "$image.new" "$image"
	fi
	mount -o loop "$image" "$at"
	trap 'umount "$at"; rm -rf "$scratch"' EXIT
	configure "$at/tree"
	"$scan" list >/dev/null
	sync -f "$at"
	settle
	"$scan" list >/dev/null
	for _ in $(seq "$rounds"); do
		measure btrfs-fd "$fd" -uu "$names" "$at/tree"
		measure btrfs-again "$scan" list
	done
	ratio btrfs-again 1 btrfs-fd 0.01 "again, btrfs: wall time, of fd's"
	report "again, btrfs" "$(median btrfs-again 1)" 20 ms
fi
