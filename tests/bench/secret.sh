#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bk-secret adds to the one Argon2 derivation that an entry of a keyring
# costs: against the argon2 program with the same parameters, in turn. And
# four secrets of one keyring for a run of bk-restic.
set -euo pipefail

BK_BIN=$(realpath "${BK_BIN:-${B:-build}}")
top=$(mktemp -d /var/tmp/bk-bench.XXXXXX)
trap 'rm -rf "$top"' EXIT
runs=${RUNS:-15}
export PATH=$BK_BIN:$PATH LC_ALL=C BK_CONFIG=$top/bk.conf
command -v argon2 >/dev/null || {
	echo "secret: the argon2 program is not installed, skipped"
	exit 0
}
umask 077
echo 'correct horse battery staple' >"$top/master"
cat >"$BK_CONFIG" <<END
[keyring]
path = $top/keyring
unlock = file:$top/master
END
for n in 1 2 3 4; do
	echo "secret $n" | bk-secret -q set keyring:bench/$n
done

now() { echo "${EPOCHREALTIME/./}"; }
plain() {
	argon2 saltsaltsaltsalt -id -t 15 -m 16 -p 2 -l 16 -r \
		<"$top/master" >/dev/null
}
one() { bk-secret get keyring:bench/1 >/dev/null; }
four() {
	for n in 1 2 3 4; do printf 'x\0keyring:bench/%s\0\0' $n; done |
		bk-secret get --batch >/dev/null
}
absent() { bk-secret -q get keyring:bench/5 2>/dev/null || :; }
plain; one; four; absent
for _ in $(seq "$runs"); do
	a=$(now); plain; b=$(now); one; c=$(now); four; d=$(now); absent
	e=$(now)
	echo "$((b - a)) $((c - b)) $((d - c)) $((e - d)) $((c - b - b + a))"
done >"$top/times"
median() {
	cut -d' ' -f"$1" "$top/times" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
awk -v p="$(median 1)" -v o="$(median 2)" -v f="$(median 3)" \
	-v n="$(median 4)" -v d="$(median 5)" -v r="$runs" 'BEGIN {
	printf "keyring, median of %d: argon2 %.0f ms, bk-secret get %.0f ms\n", r, p/1e3, o/1e3
	printf "  added: %.1f ms (goal: under 10), ratio %.3f\n", d/1e3, o/p
	printf "  four in one process: %.2f of four argon2 (goal: 1.0)\n", f/(4*p)
	printf "  an entry that is not there: %.1f ms\n", n/1e3
}'
