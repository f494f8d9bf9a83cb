#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan: a tree changed at random, on each file system. SCAN_SEED=7 makes it
# another one, SCAN_STEPS=500 longer; rigs/scan_random.py says how to run many.

load helper
load scan

setup() {
	bk_setup
	need_root
	need_program python3 unshare
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	export T
}

# once FSTYPE GRAIN: on $T/image, in a mount namespace of its own.
once() {
	# shellcheck disable=SC2016
	GRAIN=$2 unshare -m bash -euc '
		if [ "$1" = tmpfs ]; then
			mount -t tmpfs x m
		else
			export IMAGE=$T/image
			mount -t "$1" -o loop image m 2>mount.log || exit 99
		fi
		rm -rf m/tree s c
		python3 "$2" "$T/m" "$3" "$4" mounts' bash "$1" \
		"$BATS_TEST_DIRNAME/../rigs/scan_random.py" \
		"${SCAN_STEPS:-120}" "${SCAN_SEED:-$BATS_TEST_NUMBER}" \
		>result 2>errors || {
		[ $? != 99 ] || skip "$1 cannot be mounted: $(cat mount.log)"
		diff full fresh >>result || :
		fail "$(tail -n 30 result errors)"
	}
	sed 's/^/# /' result >&3
}

# vary FSTYPE GRAIN MKFS...: on an image made by this command. Once as it is, and
# once where what changed is known by its times as soon as these can tell.
vary() {
	local fstype=$1 grain=$2
	shift 2
	if [ "$fstype" != tmpfs ]; then
		need_program "$1"
		truncate -s 320M image
		"$@" image >mkfs.log 2>&1 || fail "$(cat mkfs.log)"
	fi
	mkdir m
	once "$fstype" 0
	need_program "${CC:-cc}"
	once "$fstype" "$grain"
	# how many depends on how fast this machine makes the steps
	grep -q "[1-9][0-9]* % of those known" result
}

@test "ext4" {
	vary ext4 .01 mkfs.ext4 -q -F -I 256
}

@test "ext4, inodes of 128 bytes: time stamps of a second" {
	vary ext4 .51 mkfs.ext4 -q -F -I 128
}

@test "xfs" {
	vary xfs .01 mkfs.xfs -q
}

@test "btrfs" {
	vary btrfs .01 mkfs.btrfs -q
}

@test "tmpfs" {
	vary tmpfs .01
}

@test "a user who denies himself folders" {
	local grain python
	need_program setpriv "${CC:-cc}"
	# one that this user may run
	for python in $(type -ap python3) ""; do
		! as_user "$python" -c "" 2>/dev/null || break
	done
	[ "$python" ] || skip "no python3 for other users"
	mkdir m
	for grain in 0 .01; do
		rm -rf m/tree s c
		GRAIN=$grain as_user env BK_BIN="$T/bin" "$python" \
			"$BATS_TEST_DIRNAME/../rigs/scan_random.py" "$T/m" \
			"${SCAN_STEPS:-120}" "${SCAN_SEED:-$BATS_TEST_NUMBER}" \
			>result 2>errors || {
			diff full fresh >>result || :
			fail "$(tail -n 30 result errors)"
		}
		sed 's/^/# /' result >&3
	done
}

@test "btrfs: subvolumes, snapshots and a rollback" {
	need_program mkfs.btrfs btrfs
	truncate -s 320M image
	mkfs.btrfs -q image >/dev/null
	mkdir m
	scan_conf "$T/m"
	# shellcheck disable=SC2016
	unshare -m bash -euc '
		mount -t btrfs -o loop image m || exit 99
		same() {
			bk-scan -n --full >want
			bk-scan -v >got 2>err
			diff want got
		}
		btrfs -q subvolume create m/s
		mkdir -p m/s/a/{1..50} m/b
		touch m/s/a/1/.backup
		same
		sleep 3.2
		same
		sync
		same
		btrfs -q subvolume snapshot m/s m/old
		touch m/s/a/2/.backup
		same
		mv m/s m/new && mv m/old m/s
		same
		btrfs -q subvolume delete m/new
		same
		btrfs -q subvolume create m/b/n
		touch m/b/n/.backup
		same
		sleep 3.2
		same
		bk-scan >/dev/null
		bk-scan -v >got 2>err
		umount m' || {
		[ $? != 99 ] || skip "btrfs cannot be mounted"
		fail "$(cat want got err)"
	}
	grep -q "were proved, [0-9] read again" err
}
