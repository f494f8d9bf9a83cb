#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-verify: bytes on the wire to prove a repository on a box, against
# `restic check --read-data`; and a drill of MIB=1024 MiB, against `restic
# restore` and cmp; and the memory of bk-verify itself. Needs root and sshd.
set -euo pipefail

BK_BIN=$(realpath "${BK_BIN:-${B:-build}}")
rigs=$(realpath "$(dirname "$0")/../rigs")
[ "$(id -u)" = 0 ] || { echo "verify: needs root"; exit 0; }
for p in sshd restic jq; do
	PATH=$PATH:/usr/sbin command -v $p >/dev/null ||
		{ echo "verify: $p is not installed"; exit 0; }
done
mib=${MIB:-1024}

# What the box counts is of this run alone.
if [ -z "${BK_BENCH_INNER:-}" ]; then
	mkdir -p /etc/bk
	BK_BENCH_INNER=1 exec unshare -mn "$0" "$@"
fi
ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o mode=700 tmpfs /etc/bk

top=$(mktemp -d /var/tmp/bk-bench.XXXXXX)
# shellcheck disable=SC2317
finish() {
	"$rigs/box.sh" down "$top/r" one || :
	rm -rf "$top"
}
trap finish EXIT
export PATH=$BK_BIN:$PATH:/usr/sbin LC_ALL=C BK_CONFIG=$top/bk.conf \
	BK_STATE_DIR=$top/state BK_CACHE_DIR=$top/cache BK_RUN_DIR=$top/run \
	RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$top/peer-cache
mkdir -m 700 "$top/state" "$top/cache" "$top/run" "$top/peer-cache"
"$rigs/box.sh" up "$top/r" one >"$top/ports"
cp "$top/r/ssh_config" /etc/bk/ssh_config
(umask 077 && echo bench >"$top/pw")
mkdir "$top/src"
for n in $(seq 16); do
	head -c $((mib << 16)) /dev/urandom >"$top/src/large$n"
done
mkdir "$top/src/small"
for n in $(seq 500); do head -c 3000 /dev/urandom >"$top/src/small/$n"; done

# configure URL
configure() {
	(umask 077 && cat >"$BK_CONFIG") <<-END
		[scan]
		root = $top/src
		[repo main]
		url = $1
		password = file:$top/pw
		[backup home]
		repo = main
		path = $top/src
		[verify]
		budget-bytes = 0
		drill-size = 2G
	END
	rm -rf "$top/state" "$top/cache"
	mkdir -m 700 "$top/state" "$top/cache"
}
# watch COMMAND...: the most memory of that process alone into $memory, in KiB.
watch() {
	local pid now
	"$@" >/dev/null &
	pid=$! memory=0
	while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) &&
		[ -n "$now" ]; do
		memory=$now
		sleep 0.02
	done
	wait $pid
}
now() { echo "${EPOCHREALTIME/./}"; }
# Bytes that came in on loopback, both ways, as it counts each of them once.
wire() { awk -F'[: ]+' '$2 == "lo" { print $3 }' /proc/net/dev; }

# On a box: what goes over the wire.
configure sftp:one-shell:repo
bk-restic -q init
bk-restic -q backup >/dev/null
sftp=(-r sftp:one-shell:repo -o
	"sftp.command=ssh -F $top/r/ssh_config one-shell -s sftp")
a=$(wire)
restic -q "${sftp[@]}" check --read-data >/dev/null
peer=$(($(wire) - a))
bk-verify -q run packs >/dev/null # its first look asks restic for snapshots
a=$(wire) b=$(now)
watch bk-verify -q run --all packs
ours=$(($(wire) - a)) took=$(($(now) - b))
awk -v p=$peer -v o=$ours -v t=$took -v m="$mib" -v r="$memory" '
	BEGIN { printf "proof of %d MiB on a box: peer %.1f MB on the wire, " \
		"bk-verify %.2f MB, 1/%.0f (goal 1/500), %.1f s, %.1f MiB memory\n",
		m, p / 1e6, o / 1e6, p / o, t / 1e6, r / 1024 }'

# On a disk: a drill of all of it.
configure "$top/repo"
bk-restic -q init
bk-restic -q backup >/dev/null
a=$(now)
restic -q -r "$top/repo" restore latest --target "$top/out" >/dev/null
(cd "$top/out$top/src" && find . -type f -exec cmp {} "$top/src/{}" \;)
peer=$(($(now) - a))
rm -rf "$top/out"
a=$(now)
watch bk-verify -q run --all drill
ours=$(($(now) - a))
awk -v p=$peer -v o=$ours -v m="$mib" -v r="$memory" 'BEGIN {
	printf "drill of %d MiB: peer %.2f s, bk-verify %.2f s, ratio %.2f " \
		"(goal 1.0), %.1f MiB memory\n",
		m, p / 1e6, o / 1e6, o / p, r / 1024 }'
