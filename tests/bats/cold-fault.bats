#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-cold push to a box whose SFTP server, or sha256sum, does what it should
# not: nothing wrong is called good, and the next push ends with all proved.

load helper
load cold
load boxes

setup() {
	bk_setup
	need_program python3
	host=$(uname -n)
	boxes_up b1
	box=$T/r/b1 one=$T/r/b1/data/cold
	mk_marker src/a/.coldstorage
	mkdir src/a/d
	echo hello >src/a/d/hello
	: >src/a/empty
	head -c 600000 /dev/urandom >src/a/big
	url_one=sftp://b1-shell/cold
	cold_conf one
	boxed 0 bk-cold -q init one
	cp -a "$BK_STATE_DIR" state.0
	cp -a "$one" box.0
	cp "$rig/sftpfault.py" "$box/bin/sftpfault.py"
	printf '#!/bin/sh\nexec python3 /run/box/bin/sftpfault.py /run/box/faults "$@"\n' \
		>"$box/bin/sftp-server"
	chmod 755 "$box"/bin/*
}

teardown() {
	boxes_down
}

# faults [RULE...]: from now on these.
faults() {
	rm -f "$box/faults/count"
	printf '%s\n' "$@" >"$box/faults/rules"
}

# anew: as if nothing had been pushed.
anew() {
	rm -rf "$one" "$BK_STATE_DIR"
	cp -a state.0 "$BK_STATE_DIR"
	cp -a box.0 "$one"
}

# pushed STATUS: a push ends so.
pushed() { boxed "$1" bk-cold push; }

# good: without faults the next push ends well, with all proved, and nothing
# left.
good() {
	faults
	boxed 0 bk-cold push
	(cd "$box/data" && sha256sum --quiet --strict -c cold/"$host"/SHA256SUMS.*) ||
		fail "not as listed"
	cmp src/a/big "$(object "$one" src/a/big)" || fail "big differs"
	cmp src/a/d/hello "$(object "$one" src/a/d/hello)" || fail "hello differs"
	[ -f "$(object "$one" src/a/empty)" ] || fail "empty is not there"
	[ -z "$(ls -A "$one/$host/.partial")" ] || fail "rests in .partial"
	assert_is "$(ask 'select count(*) from copy where state = 0')" 4
}

@test "the server with faults, without faults" {
	faults
	pushed 0
	good
}

@test "a request that fails fails its file, and no other" {
	local r n
	# before them the id file is opened and closed, and .partial listed
	for r in 'open 2' 'write 1' 'fsync 1' 'close 3' 'rename 1'; do
		anew
		faults "$r fail 4"
		boxed 3 bk-cold push || fail "$r"
		assert_has "$err" 'box one: cannot '
		assert_is "$(ask 'select count(*) from copy where state = 0')" 3
		good
	done
}

@test "what is done, but reported as failed, is found out" {
	local r
	for r in 'write 1' 'fsync 1' 'close 3'; do
		anew
		faults "$r late 4"
		boxed 3 bk-cold push || fail "$r"
		good
	done
	# a rename that worked is seen to have worked
	anew
	faults "rename 1 late 4"
	pushed 0
	good
}

@test "a server that only says that it did so" {
	local r
	for r in write rename; do
		anew
		faults "$r 1 lie"
		pushed 3
		assert_is "$(ask 'select count(*) from copy where state = 0')" 3
		good
	done
	# then its name is taken by the folder that is not there
	anew
	faults "mkdir * lie"
	boxed 3 bk-cold push
	good
}

@test "a bit that is turned on its way is found" {
	anew
	faults "write 1 flip"
	pushed 3
	assert_has "$err" 'other bytes arrived than were sent'
	good
}

# senseless HOW STATUS...: an answer of each kind is like that; a push ends so.
senseless() {
	local how=$1 r
	shift
	for r in open write close rename lstat; do
		anew
		faults "$r 2 $how"
		status=0
		unshare -m sh etc.sh bk-cold push >o 2>e || status=$?
		case " $* " in
		*" $status "*) ;;
		*) fail "$r $how: status $status" "$(cat e)" ;;
		esac
		good || fail "$r $how"
	done
}

@test "answers that are no packets end the connection, and it is made again" {
	senseless garbage 0
	senseless short 0
}

@test "answers to nobody, or too short, as well" {
	senseless badid 0
	senseless empty 0 3
}

@test "answers of a type that does not exist are no success" {
	senseless badtype 0 3
}

# ends HOW FIRST: the connection does so at every fourth request from there.
ends() {
	local n=$2 total=$2
	while [ "$n" -le "$total" ]; do
		anew
		faults "any $n $1"
		boxed 0 bk-cold push || fail "$1 at $n"
		[ "$n" != "$2" ] || total=$(jq .any "$box/faults/count")
		good || fail "$1 at $n"
		n=$((n + 4))
	done
	echo "# requests: $total"
}

@test "the connection ends before a request is done" { ends cut 1; }
@test "the connection ends before another is done" { ends cut 3; }
@test "the connection ends after a request was done" { ends cutafter 2; }
@test "the connection ends after another was done" { ends cutafter 4; }

@test "a box that offers less is good enough" {
	local e
	for e in fsync statvfs limits hardlink; do
		anew
		faults "version 1 strip $e@openssh.com"
		pushed 0
		good
	done
}

@test "a full box: its quota is used up at any point" {
	local r
	for r in open write fsync close mkdir; do
		anew
		faults "$r * fail 4" "statvfs * fail 4"
		boxed 3 bk-cold push || fail "$r"
		# two are empty
		assert_is "$(ask 'select count(*) from copy where state = 0')" \
			"$([ $r = write ] && echo 2 || echo 0)"
		good || fail "$r"
	done
	anew
	faults "write * fail 14"
	boxed 3 bk-cold push
	assert_has "$err" 'there is no room left'
	good
}

@test "read back: less at a time is fine, a turned bit is not" {
	printf '#!/bin/sh\necho "Command not found. Use help." >&2\nexit 8\n' \
		>"$box/bin/sha256sum"
	chmod 755 "$box/bin/sha256sum"
	anew
	: >"$box/commands.log"
	faults "read * half"
	pushed 0
	assert_is "$(ask 'select distinct how from copy')" r
	# that it has none is remembered
	assert_is "$(grep -c '^sha256sum' "$box/commands.log")" 1
	anew
	# the first one is of the id file
	faults "read 2 flip"
	pushed 3
	assert_has "$err" 'other bytes arrived than were sent'
	good
	anew
	faults "read 2 fail 4"
	pushed 3
	good
}
