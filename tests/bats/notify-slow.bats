#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-notify and services that take their time: half a minute is what they get.

load helper
load notify

setup_file() { notify_setup_file; }
teardown_file() { notify_teardown_file; }
setup() { notify_setup; }
teardown() { service_end "$T/fast"; }

@test "40 s are too long, 20 s are not; nobody waits for the slow ones" {
	service "$T/fast" --token "$TOKEN"
	service "$T/hang" --token "$TOKEN"
	service "$T/slow" --token "$TOKEN"
	echo 'slow 20' >"$T/slow/control"
	echo hang >"$T/hang/control"
	fault slow 40
	monitor fast kuma "http://127.0.0.1:$(cat "$T/fast/port")"
	monitor hang kuma "http://127.0.0.1:$(cat "$T/hang/port")"
	monitor slow kuma "http://127.0.0.1:$(cat "$T/slow/port")"
	job 'backup home' 0
	bk-notify state >out.txt 2>err.txt 3>&- &
	local pid=$! began=$SECONDS status=0
	wait_for 30 grep -qs ok: "$T/fast/log"
	[ $((SECONDS - began)) -lt 10 ]
	# by hand, while the first is at it
	out=$T/by-hand
	bk-notify push slow down "by hand" >by-hand 2>&1 3>&- &
	local second=$!
	wait $pid || status=$?
	assert_is $status 0
	[ $((SECONDS - began)) -lt 50 ]
	assert_has out.txt $'fast\tup\tdelivered'
	assert_has out.txt $'slow\tup\tdelivered'
	assert_has out.txt $'home\tup\tkept'
	assert_has out.txt $'hang\tup\tkept'
	assert_has err.txt 'monitor hang: not delivered, kept for later: no answer within 30 s'
	wait $second
	assert_has by-hand $'slow\tdown\tdelivered'
	assert_is "$(jq -r .msg "$T/slow/log" | cut -c1-7 | xargs)" \
		'ok: 2 j by hand'
	service_end "$T/hang"
	service_end "$T/slow"
}

@test "a signal ends the waiting, and the message is kept" {
	fault hang
	bk-notify push home down broken >out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 30 grep -qs . "$BK_RUN_DIR/lock/notify-home"
	sleep 0.5
	kill -TERM $pid
	wait $pid || status=$?
	assert_is $status 143
	assert_is "$(kept home)" 1
	assert_has err.txt 'it was stopped by a signal'
}

@test "the lock is with another: what is pushed is kept, state comes again" {
	monitor hook webhook "$URL/hook"
	mkdir -p "$BK_RUN_DIR/lock"
	flock "$BK_RUN_DIR/lock/notify-hook" sleep 60 3>&- &
	local holder=$! pid status=0
	wait_for 30 pgrep -P "$holder" sleep
	bk-notify push hook down first >out.txt 2>err.txt 3>&- &
	pid=$!
	bk-notify state hook >out2.txt 2>err2.txt 3>&- &
	local second=$!
	sleep 0.5
	kill -TERM $pid $second
	wait $pid || status=$?
	assert_is $status 143
	wait $second || status=$?
	assert_has err.txt 'is locked by process'
	assert_is "$(kept hook)" 1
	kill "$(pgrep -P "$holder" sleep)"
	wait "$holder" || :
	job 'backup home' 0
	run_bk 0 bk-notify state hook
	run_bk 0 bk-notify state hook
	assert_is "$(told | cut -c1-12)" 'down first
up recovered'
}
