#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# The storage-box rig itself.

load helper

setup() {
	bk_setup
	need_root
	need_program sshd restic
	box=$BATS_TEST_DIRNAME/../rigs/box.sh
}

teardown() {
	"$box" down "$T/b" one
	"$box" down "$T/b" two
}

@test "restic makes a repository on a box over sftp, in both modes" {
	run_bk 0 "$box" up "$T/b" one
	read -r p q <"$out"
	[ "$p" -gt 1024 ] && [ "$q" -gt 1024 ]
	export RESTIC_PASSWORD=x
	run_bk 0 restic -o "sftp.command=ssh -F $T/b/ssh_config one -s sftp" \
		-r sftp:one:repo init
	[ -f b/one/data/repo/config ]
	run_bk 0 restic \
		-o "sftp.command=ssh -F $T/b/ssh_config one-shell -s sftp" \
		-r sftp:one:repo2 init
	[ -f b/one/data/repo2/config ]
	run_bk 0 restic -o "sftp.command=ssh -F $T/b/ssh_config one -s sftp" \
		-r sftp:one:repo backup /etc/hostname
}

@test "a box runs its few commands, and no others" {
	run_bk 0 "$box" up "$T/b" one
	echo hello >b/one/data/f
	run_bk 0 ssh -F b/ssh_config one-shell sha256sum f
	assert_has "$out" "$(sha256sum <b/one/data/f | cut -c1-64)"
	run_bk 8 ssh -F b/ssh_config one-shell 'cat f | wc'
	run_bk 8 ssh -F b/ssh_config one-shell bash
	assert_has b/one/commands.log 'cat f | wc'
	run_bk 1 ssh -F b/ssh_config one cat f
}

@test "two boxes have keys and ports of their own; down ends all of it" {
	run_bk 0 "$box" up "$T/b" one
	run_bk 0 "$box" up "$T/b" two
	assert_is "$(sort -u b/known_hosts | wc -l)" 2
	run_bk 0 ssh -F b/ssh_config two-shell pwd
	pid=$(cat b/one/sftp.pid)
	run_bk 0 "$box" down "$T/b" one
	[ ! -e "/proc/$pid" ]
	run_bk -s 255 ssh -F b/ssh_config one-shell pwd
	run_bk 0 ssh -F b/ssh_config two-shell pwd
	run_bk 0 "$box" up "$T/b" one
	run_bk 0 ssh -F b/ssh_config one-shell pwd
}

@test "faultproxy cuts a connection after so many bytes" {
	need_program python3
	run_bk 0 "$box" up "$T/b" one
	read -r p q <"$out"
	python3 "$BATS_TEST_DIRNAME/../rigs/faultproxy.py" $((p + 12345)) "$p" \
		--cut 20000 3>&- &
	proxy=$!
	wait_for 30 bash -c ": <>/dev/tcp/127.0.0.1/$((p + 12345))"
	head -c 1000000 /dev/urandom >big
	status=0
	echo "put big" | sftp -q -F b/ssh_config -P $((p + 12345)) \
		-b - one >"$T/o" 2>&1 || status=$?
	kill "$proxy"
	[ "$status" -ne 0 ]
	[ "$(stat -c %s b/one/data/big 2>/dev/null || echo 0)" -lt 1000000 ]
}
