#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold get, check and rebuild, killed or failed at every call that writes:
# nothing half is found, and the next run ends it.

load helper
load coldbox

setup() {
	coldbox_setup
	need_program strace
	(
		cd "$P" || exit
		mkdir sub
		echo one >one
		head -c 70000 /dev/urandom >sub/two
		chmod 4711 sub/two
		chown 1234:4321 sub/two
		ln one sub/hard
		ln -s ../one sub/link
		touch -d '2001-02-03 04:05:06.789' one sub
	)
	push
}

teardown() {
	coldbox_teardown
}

# each STATUS CALLS AFTER COMMAND...: COMMAND killed, and another time failing, at the
# first, second and so on of CALLS until it makes no more and ends with STATUS;
# AFTER each time.
each() {
	local call how n status ends=$1 calls=$2 after=$3
	shift 3
	runs=0
	for call in ${calls//,/ }; do
		for how in signal=KILL error=ENOSPC; do
			for ((n = 1; n < 200; n++)); do
				at="$call $n $how"
				status=0
				{ strace -f -qq -o trace -e trace="$call" \
					-e inject="$call:$how:when=$n" "$@" \
					>each.out; } 2>each.err || status=$?
				grep -q 'INJECTED\|+++ killed' trace || break
				$after || fail "$at: status $status"
				runs=$((runs + 1))
			done
			assert_is "$at $status" "$at $ends"
		done
	done
}

# What is there under its name is whole.
nothing_half() {
	local f
	while IFS= read -r -d '' f; do
		[ ! -f "out$P/$f" ] || [ -h "out$P/$f" ] ||
			cmp "$P/$f" "out$P/$f" || return
	done < <(cd "$P" && find . -type f -print0)
}

# times: but for those of folders, where a run gave up: it gave them their times,
# and the next one put more into them.
times() {
	case $at in
	*KILL) cat ;;
	*) sed '/\td /s/[0-9.-]* $//' ;;
	esac
}

get_again() {
	nothing_half || return
	bk-cold -q get "$P" --to out >again.out 2>&1 || {
		cat again.out
		return 1
	}
	diff <(picture "$P" | times) <(picture "out$P" | times) || return
	[ -z "$(find out -name '.bk*')" ] || return
	rm -rf out
}

@test "get" {
	each 0 pwrite64,write,fsync,mkdirat,symlinkat,renameat2,linkat,fchown,fchownat,fchmod,utimensat \
		get_again bk-cold get "$P" --to out
	[ $runs -gt 20 ] || fail "only $runs runs"
}

sound() {
	[ "$(sqlite3 "$BK_STATE_DIR/cold/catalog.db" 'PRAGMA integrity_check')" = ok ]
}

# The flipped one was never called good, the others are well.
check_again() {
	sound || return
	status=0
	bk-cold check >again.out 2>again.err || status=$?
	[ $status = 1 ] || { cat again.out again.err; return 1; }
	grep -q "$P/one" again.err again.out
}

@test "check" {
	flip "a/$(object "$P/one")"
	each 1 pwrite64,fdatasync,unlink check_again bk-cold check
	[ $runs -gt 20 ] || fail "only $runs runs"
}

rebuild_again() {
	if ! bk-cold -q rebuild a >again.out 2>&1 ||
		! bk-cold -q rebuild b >>again.out 2>&1 || ! sound ||
		! bk-cold -q check >>again.out 2>&1; then
		cat again.out
		return 1
	fi
	rm -rf "$BK_STATE_DIR/cold"
}

@test "rebuild" {
	rm -rf "$BK_STATE_DIR/cold"
	each 0 pwrite64,fdatasync,rename,renameat2,unlink rebuild_again \
		bk-cold rebuild a
	[ $runs -gt 20 ] || fail "only $runs runs"
}
