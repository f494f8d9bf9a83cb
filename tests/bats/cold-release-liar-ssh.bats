#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# shellcheck disable=SC2016
# bk-cold release and boxes behind ssh that lie: "one" as a Storage Box's port
# 23, which hashes itself, "two" as its port 22, from which all is read back.

load helper
load cold
load boxes
load release

setup() {
	bk_setup
	host=$(uname -n)
	boxes_up b1 b2
	one=$T/r/b1/data/cold two=$T/r/b2/data/cold
	disk "$T/src"
	mk_marker src/a/.coldstorage_delete src/a/.coldstorage_redundant
	echo hello >src/a/hello
	url_one=sftp://b1-shell/cold url_two=sftp://b2/cold
	cold_conf one 'max-percent = 100' 'release-age = 0'
	boxed 0 bk-cold -q init one
	boxed 0 bk-cold -q init two
	boxed 0 bk-cold -q push
	days_pass 8
}

teardown() {
	boxes_down
	! mountpoint -q "$T/src" || umount -l "$T/src"
}

# liar TEXT: box one looks for sha256sum there first: a script with this text.
liar() {
	printf '#!/bin/bash\n%s\n' "$1" >r/b1/bin/sha256sum
	chmod 755 r/b1/bin/sha256sum
}

# stays STATUS TEXT: a release that ends so, and says so, takes nothing.
stays() {
	boxed "$1" bk-cold --json release --yes
	cat "$out" "$err" >said
	assert_has said "$2"
	all_stay
}

all_stay() {
	assert_is "$(holds)" ''
	assert_is "$(cat src/a/hello)" hello
}

# goes: once nobody lies any more, it does.
goes() {
	rm -f r/b1/bin/sha256sum
	boxed 0 bk-cold push
	boxed 0 bk-cold -q check
	days_pass 8
	boxed 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "honest boxes: it goes, and comes back" {
	boxed 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
	days_pass 8
	boxed 0 bk-cold release --yes
	assert_is "$(holds)" "gone $T/src/a/hello"
	boxed 0 bk-cold -q get --yes --in-place "$T/src/a/hello"
	assert_is "$(cat src/a/hello)" hello
}

@test "right size and wrong bytes where hashes are made" {
	echo jello >"$(object "$one" src/a/hello)"
	stays 1 'has other bytes; nothing more is released'
}

@test "right size and wrong bytes where it is read back" {
	echo jello >"$(object "$two" src/a/hello)"
	stays 1 'has other bytes; nothing more is released'
}

@test "vanished after the first proof" {
	rm "$(object "$one" src/a/hello)"
	stays 1 'is not there; nothing more is released'
}

@test "vanished after the first proof where it is read back" {
	rm "$(object "$two" src/a/hello)"
	stays 1 'is not there; nothing more is released'
}

# remembers: box one says the hash that hello had, whatever lies there.
remembers() {
	liar 'for f; do [ "$f" = -- ] || printf "%s  %s\n" "$(case $f in
		*hello) echo '"$(sum_of src/a/hello)"' ;;
		*) /usr/bin/sha256sum <"$f" | cut -c1-64 ;; esac)" "$f"; done'
}

@test "a cached hash of what is lost" {
	remembers
	rm "$(object "$one" src/a/hello)"
	stays 1 'nothing more is released'
}

@test "a cached hash of what has other bytes by now" {
	remembers
	echo jello >"$(object "$one" src/a/hello)"
	stays 1 'nothing more is released'
}

@test "the hash of another file, and a stale one" {
	liar 'for f; do [ "$f" = -- ] ||
		printf "%s  %s\n" "$(echo other | /usr/bin/sha256sum | cut -c1-64)" \
			"$f"; done'
	stays 1 'nothing more is released'
	goes
}

@test "no hash, half of one, one too many, another name: no proof" {
	local sum text
	sum=$(sum_of src/a/hello)
	cp -a "$BK_STATE_DIR" before
	echo jello >"$(object "$one" src/a/hello)"
	for text in 'exit 0' 'exit 8' \
		'for f; do echo "'"${sum:0:60}"'  $f"; done' \
		'for f; do echo "'"${sum^^}"'  $f"; done' \
		'for f; do echo "'"$sum"'  other"; done' \
		'for f; do echo "'"$sum"' $f"; done' \
		'for f; do echo "'"$sum"'  $f"; done; exit 1'; do
		liar "$text"
		status=0
		unshare -m sh etc.sh bk-cold release --yes >said 2>&1 ||
			status=$?
		case $status in
		1) assert_has said 'has other bytes; nothing more is' ;;
		75) ;;
		*) fail "$text: status $status" "$(cat said)" ;;
		esac
		all_stay
		rm -r "$BK_STATE_DIR"
		cp -a before "$BK_STATE_DIR"
	done
	liar 'exit 255'
	stays 75 'the connection was lost'
	# all the more where it is right
	rm r/b1/bin/sha256sum
	echo hello >"$(object "$one" src/a/hello)"
	boxed 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "the id of the other box, and each that of the other" {
	cp "$two/.bk-box-id" id2
	cp "$one/.bk-box-id" id1
	cp id2 "$one/.bk-box-id"
	stays 3 'is another one than it was'
	cp id1 "$two/.bk-box-id"
	stays 3 'is another one than it was'
	cp id1 "$one/.bk-box-id"
	cp id2 "$two/.bk-box-id"
	goes
}
