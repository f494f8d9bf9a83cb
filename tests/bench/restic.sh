#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bk-restic adds to plain restic with the same paths, when nothing has
# changed, in turn: time, and memory of its own. And how fast the tools start.
set -euo pipefail

BK_BIN=$(realpath "${BK_BIN:-${B:-build}}")
top=$(mktemp -d /var/tmp/bk-bench.XXXXXX)
trap 'rm -rf "$top"' EXIT
runs=${RUNS:-15}
export PATH=$BK_BIN:$PATH LC_ALL=C BK_CONFIG=$top/bk.conf \
	BK_STATE_DIR=$top/state BK_CACHE_DIR=$top/cache BK_RUN_DIR=$top/run
unset "${!RESTIC_@}"

mkdir "$top/src"
for d in $(seq 100); do
	mkdir "$top/src/$d"
	for f in $(seq 50); do echo "$d $f" >"$top/src/$d/$f"; done
done
touch "$top/src/.backup"
(umask 077 && echo bench >"$top/pw")
cat >"$BK_CONFIG" <<END
[scan]
root = $top/src
[repo main]
url = $top/repo
password = file:$top/pw
[backup home]
repo = main
markers = yes
END
bk-restic -q init
bk-restic -q backup >/dev/null

now() { echo "${EPOCHREALTIME/./}"; }
plain() {
	restic -q -r "$top/repo" --cache-dir "$top/cache/restic" \
		--password-file "$top/pw" backup --json --host "$(uname -n)" \
		--tag bk,home "$top/src" >/dev/null
}
ours() { bk-restic -q backup >/dev/null; }
for _ in 1 2; do plain; ours; done
for _ in $(seq "$runs"); do
	a=$(now); plain; b=$(now); ours; c=$(now)
	echo "$((b - a)) $((c - b))"
done >"$top/times"
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
p=$(cut -d' ' -f1 "$top/times" | median)
o=$(cut -d' ' -f2 "$top/times" | median)
d=$(awk '{ print $2 - $1 }' "$top/times" | median)
awk -v p="$p" -v o="$o" -v d="$d" -v n="$runs" 'BEGIN {
	printf "unchanged, 5000 files, median of %d: restic %.0f ms, bk-restic %.0f ms\n", n, p/1e3, o/1e3
	printf "  added: %.1f ms (goal: under 50), ratio %.3f\n", d/1e3, o/p
}'
# The peak of bk-restic itself, restic not among it.
cat >"$top/restic" <<'END'
#!/bin/bash
[ "$1" = version ] || grep VmHWM "/proc/$PPID/status" >"${0%/*}/rss"
exec restic "$@"
END
chmod 755 "$top/restic"
sed -i "/^url/a program = $top/restic" "$BK_CONFIG"
ours
awk '{ printf "memory of bk-restic itself: %.1f MiB (goal: under 8)\n", $2 / 1024 }' "$top/rss"
for tool in bk-scan bk-restic; do
	for _ in $(seq 50); do
		a=$(now); "$tool" -V >/dev/null; b=$(now)
		echo $((b - a))
	done | median | awk -v t=$tool '{ printf "%s -V: %.1f ms (goal: under 5)\n", t, $1 / 1e3 }'
done
