#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The proofs of safety of bk-cold release in their short form, each of another
# part in every run; a seed that fails is told, and make check-release is the
# long form.

load helper

setup() {
	need_root
	need_program strace mkfs.ext4 losetup python3
	[ -e /dev/loop-control ] || skip "no loop devices"
	cd "$BATS_TEST_DIRNAME/../rigs" || return 1
}

# rig STEPS NAME...: with a seed of today's, told where it fails.
rig() {
	local seed=$((EPOCHSECONDS / 3600))
	echo "seed $seed"
	# on a machine that is busy, what can be done
	LIMIT=25 timeout 110 python3 "$1" "$2" $seed
}

@test "calls that fail or are the last: a sample" { rig release_fault.py 40; }

@test "power cuts: a sample" { rig release_crash.py 15; }

@test "random lives: a thousand steps" { rig release_random.py 1000; }

@test "enemies: thirty rounds" { rig release_enemy.py 30; }
