#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-notify and a real Uptime Kuma, where there is one:
#	tests/rigs/kuma-real.sh install DIR
#	BK_KUMA=DIR tests/run.sh tests/bats/notify-kuma.bats

load helper
load notify

# Its first start takes minutes on a slow disk.
setup_file() {
	[ -n "${BK_KUMA:-}" ] || return 0
	export rig=$BATS_TEST_DIRNAME/../rigs/kuma-real.sh
	export kuma=$BATS_FILE_TMPDIR/kuma SRV=$BATS_FILE_TMPDIR TOKEN=canary7
	URL=$("$rig" up "$BK_KUMA" "$kuma")
	export URL
}

teardown_file() { [ -z "${kuma:-}" ] || "$rig" down "$kuma"; }

setup() {
	[ -n "${BK_KUMA:-}" ] || skip "BK_KUMA names no installed Uptime Kuma"
	need_program node
	notify_setup
}

last() { "$rig" beats "$kuma" | tail -n 1; }

@test "beats arrive as they were sent" {
	run_bk 1 bk-notify test
	run_bk 0 "$rig" monitor "$BK_KUMA" "$kuma" home "$TOKEN" 60
	run_bk 0 bk-notify test
	assert_has "$out" '200 {"ok":true}'
	assert_is "$(last | cut -f1,3)" $'1\ttest from testhost'
	run_bk 0 bk-notify push home down 'schön & gut = 100% #1' --ping 1500
	assert_is "$(last)" $'0\t1500\tschön & gut = 100% #1'
	job 'backup home' 0 720
	run_bk 0 bk-notify state
	assert_has "$out" 'recovered'
	run_bk 0 bk-notify state
	assert_is "$(last | cut -d';' -f1)" \
		$'1\t90000\tok: 2 jobs, last backup home 12 min ago'
	job 'backup home' 1 60 'wrong password'
	run_bk 0 bk-notify state
	assert_is "$(last)" $'0\t90000\tbackup home failed: wrong password'
	run_bk 7 bk-notify run home -- sh -c 'exit 7'
	assert_is "$(last | cut -f1,3)" \
		$'0\tsh failed with status 7 after 0 s'
	printf wrong >token
	run_bk 1 bk-notify push home
	assert_has "$err" 'Uptime Kuma says: Monitor not found or not active.'
}
