#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold release of files whose copies are encrypted: a copy that nobody can
# open is none.

load helper
load cold
load release

setup() {
	bk_setup
	need_root
	need_program age age-keygen
	# shellcheck disable=SC2034
	one=$T/one two=$T/two host=$(uname -n)
	disk "$one"
	disk "$T/src" 128m
	age-keygen -o key 2>/dev/null
	age-keygen -o other 2>/dev/null
	age-keygen -y key >to
	mk_marker src/a/.coldstorage_delete
	echo hello >src/a/hello
	head -c 200000 /dev/urandom >src/a/big
	cp -a src saved
	conf
	bk-cold -q init one >/dev/null
	bk-cold -q push >/dev/null
	days_pass 8
}

teardown() { release_teardown; }

conf() {
	cold_conf one 'max-percent = 100' 'release-age = 0' 'quarantine = 0' \
		"encrypt = age:$T/to" "$@"
}

@test "nobody who can open the copies: nothing is released" {
	run_bk 3 bk-cold release --yes --json
	assert_has "$err" '--identity FILE'
	[ -e src/a/hello ] && [ -e src/a/big ]
	jq -es 'map(select(.type == "left")) | length >= 2' "$out" >/dev/null
	run_bk 3 bk-cold release --yes --json --identity other
	assert_has "$err" 'encrypted for others'
	[ -e src/a/hello ] && [ -e src/a/big ]
	printf 'age-encryption.org/v1\n' >locked
	run_bk 77 bk-cold release --yes --identity locked
	assert_has "$err" passphrase
	run_bk 66 bk-cold release --yes --identity none
	conf "identity = command:cat $T/none"
	run_bk 3 bk-cold release --yes
	assert_has "$err" identity
	[ -e src/a/hello ] && [ -e src/a/big ]
	# the reason is the true one: the key could not be had
	assert_has "$out" "is encrypted, and was not opened: "
	assert_hasnt "$out" 'a manifest on a box'
	mkdir bin
	for p in bk-cold bk-scan; do cp "$(command -v $p)" bin/; done
	printf '#!/bin/sh\nexit 70\n' >bin/bk-secret
	chmod +x bin/bk-secret
	run_bk 3 bin/bk-cold release --yes
	assert_has "$out" 'was not opened: '
	assert_has "$out" 'bk-secret ended with status 70'
	[ -e src/a/hello ] && [ -e src/a/big ]
	assert_is "$(holds)" ''
}

@test "with the key, once it was seen to open them" {
	run_bk 0 bk-cold release --json --identity key
	assert_json "$out" '[.[] | select(.type == "release")][0] | .released == 2'
	[ -e src/a/hello ]
	run_bk 0 bk-cold release --yes --identity key
	[ ! -e src/a/hello ] && [ ! -e src/a/big ]
	! LC_ALL=C grep -ra hello "$one" || fail "a name or a content is seen"
	run_bk 0 bk-cold get --in-place --yes --identity key "$T/src"
	diff -r saved/a/ src/a/ -x .bk-quarantine -x .coldstorage-index
	[ -e src/a/big ]
}

@test "by the configuration" {
	conf "identity = command:cat $T/key"
	run_bk 0 bk-cold release --yes
	[ ! -e src/a/hello ] && [ ! -e src/a/big ]
}

@test "other recipients need a proof of their own" {
	age-keygen -y other >to
	echo new >src/a/new
	run_bk 0 bk-cold push
	days_pass 8
	run_bk 3 bk-cold release --yes --json --identity key
	[ ! -e src/a/hello ]
	left new ''
	run_bk 0 bk-cold release --yes --identity other
	[ ! -e src/a/new ]
}

# is_now OBJECT FILE: this lies there, and catalog and lists say so.
is_now() {
	cat "$2" >"$one/$1"
	ask "update copy set sealed = '$(sum_of "$2")', sealed_size =
		$(stat -c %s "$2") where object = '$1';
		delete from listed; insert or ignore into pending(box, file)
		select 1, id from file where until is null"
	run_bk 0 bk-cold push
}

@test "a copy that opens to other bytes stops all of it" {
	need_program sqlite3
	local f
	for f in $(ask 'select object from copy'); do
		echo other | age -R to >sealed
		is_now "$f" sealed
	done
	run_bk 1 bk-cold release --yes --identity key
	assert_has "$err" 'it opens to other bytes'
	[ -e src/a/hello ] && [ -e src/a/big ]
	# of the right hash, and no file of age
	head -c 300 /dev/zero >sealed
	for f in $(ask 'select object from copy'); do is_now "$f" sealed; done
	run_bk 1 bk-cold release --yes --identity key
	assert_has "$err" 'no file of age'
	[ -e src/a/hello ] && [ -e src/a/big ]
}

@test "a list that says another hash of what lies there lists nothing" {
	need_program sqlite3
	local f
	f=$(ask "select object from copy where content in (select id from
		content where path = cast('$T/src/a/hello' as blob))")
	[ -f "$one/$f" ]
	echo hello | age -R to >sealed
	cat sealed >"$one/$f"
	ask "update copy set sealed = '$(sum_of sealed)', sealed_size =
		$(stat -c %s sealed) where object = '$f'"
	run_bk 0 bk-cold release --yes --json --identity key
	assert_has "$out" 'does not list it as it is'
}
