#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold and servers of SFTP that are not OpenSSH: rclone's, which renames
# onto what is there, and dropbear, which takes short commands only.

load helper
load cold
load boxes
load sshd

setup() {
	bk_setup
	need_root
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	host=$(uname -n)
	sshd_keys
	mk_marker src/a/.coldstorage
	echo hello >src/a/hello
	ssh_setup
}

teardown() { sshd_down; }

@test "dropbear: as many names in a command as it takes" {
	local i
	need_program dropbear
	sshd_dropbear
	one=$T/r/drop/cold
	url_one=sftp://drop/cold
	cold_conf one
	boxed 0 bk-cold -q init one
	mkdir src/a/many
	for i in {1..400}; do echo "$i" >"src/a/many/$i"; done
	boxed 0 bk-cold push
	(cd r/drop && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(ask 'select distinct how from copy')" h
	boxed 0 bk-cold check
	assert_has "$err" '402 copies proved'
	! grep 'String too long' r/drop.log || fail "it is cut off"
}

@test "rclone: what comes to a name meanwhile is not overwritten" {
	local there
	need_program rclone
	sshd_rclone --dir-cache-time 1ms
	one=$T/r/clone/cold
	url_one=sftp://clone/cold
	cold_conf one
	boxed 0 bk-cold -q init one
	head -c 150000000 /dev/urandom >src/a/big
	there=$(object "$one" src/a/big)
	timeout 100 unshare -m sh etc.sh bk-cold -q push >later.out 2>&1 3>&- &
	wait_for 30 half_sent
	kill -STOP "$(cat r/clone.pid)"
	mkdir -p "${there%/*}"
	echo theirs >"$there"
	kill -CONT "$(cat r/clone.pid)"
	wait $! || fail "$(cat later.out)"
	assert_is "$(head -c 6 "$there")" theirs
	cmp "$there"~* src/a/big
	boxed 0 bk-cold check
	boxed 0 bk-cold get "$T/src" --to out
	diff -r src "out$T/src"
	boxed 0 bk-cold probe one
	assert_has "$out" $'rename-onto-file\toverwrites'
}

# some of big is there: its name was looked at before
half_sent() { [ -n "$(find "$one" -path '*/.partial/*' -size +1000k)" ]; }
