#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-verify: cold copies on boxes, proved against the catalog.

load helper
load coldbox
load verify

setup() {
	coldbox_setup
	for n in $(seq 9); do
		mk_tree "$P" <<<"sub/f$n = number $n"
	done
	push
	printf '[verify]\n' >>"$BK_CONFIG"
}

teardown() { coldbox_teardown; }

# older SECONDS [PATH]: proofs of all copies, or those of one file, in the catalog.
older() {
	sqlite3 "$BK_STATE_DIR/cold/catalog.db" "UPDATE copy SET last = last - $1,
		first = first - $1, pushed = pushed - $1 WHERE content IN (SELECT id
		FROM content WHERE '${2:-}' IN ('', CAST(path AS TEXT)))"
}

@test "all copies are proved, and their age is that of the catalog" {
	run_bk 0 bk-verify run --json
	assert_json "$out" '[.[] | select(.type == "proof")] |
		map(.subject) == ["cold:a", "cold:b"] and
		all(.result == "ok" and .share == 1)'
	older $((40 * 86400)) "$P/sub/f3"
	older $((20 * 86400)) "$P/sub/f4"
	run_bk 0 bk-cold status --offline --json
	assert_json "$out" '[.[] | select(.type == "box")][0].proofs |
		length == 64 and .[0] + 9999 < .[10] and
		.[10] + 9999 < .[63] and .[20] + 9999 > .[63]'
	age cold:a 80000
	run_bk 0 bk-verify run
	assert_has "$out" $'cold:a\tok\t100 % proved within 30 d'
	run_bk 0 bk-verify status
	assert_has "$out" $'cold:a\tok\t100 %\thashed again'
	run_bk 0 bk-status --json || :
	run_bk 0 bk-verify run
	[ -z "$stdout" ]
}

@test "wrong, missing, cut off, unknown: all told, until they are right" {
	run_bk 0 bk-verify run
	flip "a/$(object "$P/sub/f1")"
	rm "a/$(object "$P/sub/f2")"
	truncate -s 3 "b/$(object "$P/sub/f3")"
	echo x >"b/h1/DATA$P/strange"
	list=$(cd b && ls h1/SHA256SUMS.*)
	flip "b/$list"
	run_bk 1 bk-verify run --all
	printf 'proof %s\n' "$(object "$P/sub/f1")" "$(object "$P/sub/f2")" |
		diff - <(failures cold:a)
	{
		echo "extra h1/DATA$P/strange"
		echo "manifest $list"
		echo "proof $(object "$P/sub/f3")"
	} | sort | diff - <(failures cold:b)
	assert_has "$out" '[box a] '
	assert_has "$err" 'the next push copies it again'
	assert_has "$err" 'see "A damaged cold copy" under REPAIR'
	assert_is "$(state cold:a .result)" failed
	run_bk 1 bk-verify run
	assert_is "$(failures cold:a | wc -l)" 2
	push
	rm "b/h1/DATA$P/strange"
	run_bk 0 bk-verify run
	assert_has "$out" $'cold:b\tok'
	assert_is "$(state cold:a .result)" ok
}

@test "a box that is away is unknown; another one in its place is not it" {
	run_bk 0 bk-verify run
	umount b
	age cold:b 100000
	run_bk 75 bk-verify run cold:b
	assert_has "$out" $'cold:b\tunknown'
	mount -t tmpfs tmpfs b
	cp -a a/. b/
	run_bk 77 bk-verify run cold:b
	assert_has "$out" $'cold:b\terror'
	assert_is "$(progress cold:b '.failures | length')" 0
}

@test "files that no push brings are told after two days" {
	run_bk 0 bk-verify run
	echo new >"$P/new"
	mv a away
	mkdir a
	bk-cold push >/dev/null 2>&1 || :
	rmdir a
	mv away a
	run_bk 0 bk-verify run cold:a
	assert_is "$(progress cold:a '.own.lacking > 0')" true
	jq '.own.lacking -= 200000' state/verify/cold:a.json >p
	cat p >state/verify/cold:a.json
	run_bk 1 bk-verify run cold:a
	assert_is "$(failures cold:a)" lacking
	push
	run_bk 0 bk-verify run cold:a
}

@test "a small budget proves the oldest copies first" {
	run_bk 0 bk-verify run cold:a
	older $((40 * 86400))
	conf_verify budget-bytes=20
	age cold:a $((40 * 86400))
	run_bk 1 bk-verify status cold:a
	assert_has "$out" $'cold:a\tbehind\t0 %'
	runs=0
	until bk-verify run cold:a >/dev/null && bk-verify status cold:a | grep -q '100 %'; do
		age cold:a 80000
		runs=$((runs + 1))
		[ $runs -lt 20 ]
	done
	[ $runs -gt 1 ]
}

@test "nothing was pushed yet, or the catalog is gone" {
	rm -r "$BK_STATE_DIR/cold"
	bk-verify run >out 2>err && status=0 || status=$?
	[ $status != 0 ]
	run_bk 0 bk-cold rebuild a
	run_bk 0 bk-verify run cold:a --all
}

@test "kill -9 at any time, in a read-back too: nothing is taken for proved" {
	head -c 20M /dev/urandom >"$P/large"
	push
	for n in $(seq 10); do
		bk-verify run --all cold >/dev/null 2>&1 &
		sleep "0.$((n * 37 % 100))"
		kill -9 $! 2>/dev/null || :
		wait $! 2>/dev/null || :
		[ ! -e state/verify/cold:a.json ] ||
			jq -e .v state/verify/cold:a.json >/dev/null
	done
	flip "a/$(object "$P/large")"
	run_bk 1 bk-verify run --all cold
	assert_is "$(failures cold:a)" "proof $(object "$P/large")"
	push
	run_bk 0 bk-verify run --all cold
	assert_has "$out" $'cold:a\tok'
}
