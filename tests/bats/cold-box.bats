#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold init and probe: boxes, what they can do, and what they answer wrongly.

load helper
load cold
load boxes

setup() {
	bk_setup
	host=$(uname -n)
	boxes_up b1
	one=$T/r/b1/data/cold two=$T/two
	mk_marker src/a/.coldstorage
	url_one=sftp://b1-shell/cold
	cold_conf one
	boxed 0 bk-cold -q init one
}

teardown() {
	boxes_down
	! mountpoint -q "$two" || umount -l "$two"
}

@test "probe tells what a box with commands can do, and leaves nothing" {
	boxed 0 bk-cold probe one
	assert_has "$out" "host-key	SHA256:"
	assert_has "$out" "sha256sum	yes	copies are proved on the box"
	assert_has "$out" "sha256sum-many	yes	100 names in one command"
	assert_has "$out" "sha256sum-absent	told	exit 1: "
	assert_has "$out" "sha256sum-check	yes"
	assert_has "$out" "unknown-command	refused	exit 8: Command not found."
	assert_has "$out" "fsync@openssh.com	yes"
	assert_has "$out" "rename-onto-file	refused"
	assert_has "$out" "name-255	yes"
	find r/b1/data -name '.bk-probe*' >left
	[ ! -s left ] || fail "left: $(cat left)"
}

@test "probe of a server of SFTP alone: copies are read back" {
	url_one=sftp://b1/cold
	cold_conf one
	boxed 0 bk-cold probe one
	assert_has "$out" "sha256sum	no	copies are proved by reading them back"
	assert_has "$out" "sent, and read back here"
	[ -z "$(find r/b1/data -name '.bk-probe*')" ]
}

@test "probe of a disk" {
	disk "$two"
	run_bk 0 bk-cold probe two
	assert_has "$out" "disk	dev:"
	assert_has "$out" "rename-onto-file	refused"
	[ -z "$(ls -A "$two")" ]
}

@test "probe as records" {
	boxed 0 bk-cold --json probe one
	jq -es 'map(select(.type == "probe" and .what == "sha256sum")) |
		length == 1 and .[0].value == "yes" and .[0].box == "one"' "$out"
	jq -es 'last | .type == "end" and .status == 0' "$out"
}

@test "probe: of no box, of one without a folder, of one that is away" {
	run_bk 64 bk-cold probe
	run_bk 66 bk-cold probe nowhere
	mv "$one" r/b1/data/warm
	boxed 66 bk-cold probe one
	assert_has "$err" "bk-cold init one"
	"$rig/box.sh" down "$T/r" b1
	boxed 75 bk-cold probe one
}

@test "probe -n only says what it would do" {
	run_bk 0 bk-cold -n probe one
	assert_has "$err" "would try what box one"
}
