#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold release and boxes that do not have what they had.

load helper
load cold
load release

setup() { release_setup; }
teardown() { release_teardown; }

@test "a copy of the right size with other bytes stops everything" {
	echo jello >"$(object "$one" src/a/hello)"
	run_bk 1 bk-cold release --yes
	assert_has "$err" 'has other bytes; nothing more is released'
	assert_is "$(holds)" ''
	assert_is "$(cat src/a/hello)" hello
}

@test "so does one that vanished between the proofs" {
	rm "$(object "$one" src/a/hello)"
	run_bk 1 bk-cold release --yes
	assert_has "$err" 'is not there; nothing more is released'
	assert_is "$(cat src/a/hello)" hello
}

@test "and a list that is damaged" {
	local list
	for list in "$one/$host"/FILES.*; do echo x >>"$list"; done
	run_bk 1 bk-cold release --yes
	assert_is "$(holds)" ''
}

@test "what is lost on the box stays in quarantine, and comes back" {
	run_bk 0 bk-cold release --yes
	days_pass 8
	rm "$(object "$one" src/a/hello)"
	run_bk 1 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
	run_bk 0 bk-cold undo
	assert_is "$(cat src/a/hello)" hello
}

@test "another box in its place proves nothing" {
	echo 0123456789abcdef0123456789abcdef >"$one/.bk-box-id"
	run_bk 3 bk-cold release --yes
	assert_is "$(holds)" ''
}

@test "a copy that vanished stays known once its name is used again" {
	local sum
	sum=$(sum_of src/a/hello)
	cold_conf one 'release-age = 0' 'max-percent = 100' 'quarantine = 0'
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" "gone $T/src/a/hello"
	rm "$(object "$one" src/a/hello)"
	echo another >src/a/hello
	run_bk 0 bk-cold push
	assert_is "$(cat "$(object "$one" src/a/hello)")" another
	run_bk 1 bk-cold check
	assert_has "$out" "hello~${sum:0:16}"
}
