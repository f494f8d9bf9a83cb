#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-cold push, proof included, against sftp or rsync and then sha256sum over
# ssh, on a box behind loopback: one large file, eight at once, 5000 small ones
# at 25 ms round trip; and a push with nothing to do over 100,000 files. Needs
# root, sshd and rsync. MIB=1024 is the size of the large file. bk-cold has each
# file flushed to the disk of the box, and connects once; the others do neither,
# so that a slow disk tells in what it needs for one large file.
set -euo pipefail

BK_BIN=$(realpath "${BK_BIN:-${B:-build}}")
rigs=$(realpath "$(dirname "$0")/../rigs")
[ "$(id -u)" = 0 ] || { echo "cold: needs root"; exit 0; }
for p in sshd sftp rsync python3; do
	PATH=$PATH:/usr/sbin command -v $p >/dev/null ||
		{ echo "cold: $p is not installed"; exit 0; }
done
mib=${MIB:-1024}

# bk's ssh reads /etc/bk/ssh_config: a folder over it, for this run alone.
if [ -z "${BK_BENCH_INNER:-}" ]; then
	mkdir -p /etc/bk
	BK_BENCH_INNER=1 exec unshare -m "$0" "$@"
fi
mount --make-rprivate /
mount -t tmpfs -o mode=700 tmpfs /etc/bk

top=$(mktemp -d /var/tmp/bk-bench.XXXXXX)
relay=
# shellcheck disable=SC2317
finish() {
	[ -z "$relay" ] || kill "$relay" 2>/dev/null || :
	"$rigs/box.sh" down "$top/r" one || :
	! mountpoint -q "$top/disk" || umount -l "$top/disk"
	rm -rf "$top"
}
trap finish EXIT
export PATH=$BK_BIN:$PATH:/usr/sbin LC_ALL=C BK_CONFIG=$top/bk.conf \
	BK_STATE_DIR=$top/state BK_CACHE_DIR=$top/cache BK_RUN_DIR=$top/run
mkdir -m 700 "$top/state" "$top/cache" "$top/run"
"$rigs/box.sh" up "$top/r" one >"$top/ports"
ssh_config=$top/r/ssh_config

url=sftp://one-shell/cold
configure() { # FOLDER
	cp "$ssh_config" /etc/bk/ssh_config
	(umask 077 && cat >"$BK_CONFIG") <<-END
		[scan]
		root = $1
		[box one]
		url = $url
		[cold]
		boxes = one
		[cold bench]
		path = $1
	END
	rm -rf "$top/state/cold"
	bk-cold -q init one >/dev/null
}
now() { echo "${EPOCHREALTIME/./}"; }
sh_box() { ssh -F "$ssh_config" one-shell "$@"; }

# report WHAT GOAL PEER OURS: microseconds
report() {
	awk -v what="$1" -v goal="$2" -v p="$3" -v o="$4" 'BEGIN {
		printf "%s: peer %.2f s, bk-cold %.2f s, ratio %.2f (goal %s)\n",
			what, p / 1e6, o / 1e6, o / p, goal }'
}

push() { # FOLDER: time into $took, memory into $memory
	local a
	configure "$1"
	bk-scan -q --full list cold >/dev/null || :
	a=$(now)
	/usr/bin/env time -f %M -o "$top/rss" bk-cold -q push >/dev/null
	took=$(($(now) - a))
	memory=$(tail -n 1 "$top/rss")
}

put_and_hash() { # FILE...
	local f
	for f; do
		echo "put $f peer-${f##*/}" |
			sftp -q -F "$ssh_config" -b - one-shell >/dev/null
		sh_box sha256sum "peer-${f##*/}" >/dev/null
	done
}

mkdir "$top/large" "$top/eight" "$top/small"
head -c $((mib << 20)) /dev/urandom >"$top/large/f"
a=$(now)
put_and_hash "$top/large/f"
peer=$(($(now) - a))
push "$top/large"
report "one file of $mib MiB" 1.0 $peer $took
echo "  memory of bk-cold: $memory KiB (goal 32 MiB)"
rm -f "$top/r/one/data"/peer-* "$top/large/f"

for i in 1 2 3 4 5 6 7 8; do
	head -c $((mib << 17)) /dev/urandom >"$top/eight/$i"
done
a=$(now)
put_and_hash "$top/eight"/*
peer=$(($(now) - a))
push "$top/eight"
report "eight files of $((mib / 8)) MiB" 0.6 $peer $took
rm -rf "$top/r/one/data"/peer-* "$top/eight"

for d in $(seq 50); do
	mkdir "$top/small/$d"
	for f in $(seq 100); do
		head -c 4096 /dev/urandom >"$top/small/$d/$f"
	done
done
port=$(cut -d' ' -f2 "$top/ports")
python3 "$rigs/delayrelay.py" $((port + 1)) "$port" 0.0125 &
relay=$!
sed -i "/^Host one-shell\$/,/Port/s/Port .*/Port $((port + 1))/" "$ssh_config"
sleep 1
a=$(now)
rsync -a -e "ssh -F $ssh_config" "$top/small/" one-shell:peer/
find "$top/small" -type f -printf 'peer/%P\n' | xargs -n 500 \
	ssh -F "$ssh_config" one-shell sha256sum >/dev/null
peer=$(($(now) - a))
push "$top/small"
report '5000 files of 4 KiB, 25 ms round trip' 0.7 $peer $took

mkdir "$top/many"
for d in $(seq 100); do
	mkdir "$top/many/$d"
	(cd "$top/many/$d" && seq 1000 | xargs touch)
done
kill $relay
relay=
# where they lie makes no odds, for nothing is asked there
mkdir "$top/disk"
mount -t tmpfs tmpfs "$top/disk"
url=dir:$top/disk
push "$top/many"
a=$(now)
bk-cold -q push >/dev/null
took=$(($(now) - a))
awk -v o=$took 'BEGIN { printf "nothing to do, 100,000 files: %.2f s (goal 1.5 s)\n", o / 1e6 }'
