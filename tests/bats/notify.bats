#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-notify: services, messages, push, run, test.

load helper
load notify

setup_file() { notify_setup_file; }
teardown_file() { notify_teardown_file; }
setup() { notify_setup; }

# request FILTER: over the last request.
request() { tail -n 1 "$SRV/log" | jq -r "$1"; }

@test "push: up, down, a message, how long it took" {
	run_bk 0 bk-notify push home
	assert_is "$stdout" $'home\tup\tdelivered\tok'
	run_bk 0 bk-notify push home down
	run_bk 0 bk-notify push home up 'all is well' --ping 1234
	run_bk 0 bk-notify push home down 'schön & gut = 100% #1 +?'
	assert_is "$(told)" "up ok
down down
up all is well
down schön & gut = 100% #1 +?"
	assert_is "$(jq -r .ping "$SRV/log" | xargs)" 'null null 1234 null'
	assert_no_token
	run_bk 0 bk-notify --json push home up
	assert_json "$out" '.[0].type == "push" and .[0].monitor == "home" and
		.[0].result == "delivered" and .[0].status == "up" and
		.[1].type == "end" and .[1].count == 1'
}

@test "push: every byte, and no more than 200 of them" {
	local all
	all=$(printf '\\%03o' $(seq 1 255))
	# shellcheck disable=SC2059
	run_bk 0 bk-notify push home down "$(printf "$all")"
	request .msg >msg
	[ "$(head -c -1 msg | wc -c)" -le 200 ]
	assert_has msg '\x01\x02'
	! grep -qP '[\x00-\x1f\x7f]' msg || fail "control bytes"
	# shellcheck disable=SC2059
	run_bk 0 bk-notify push home down \
		"$(printf "$(printf '\\%03o' $(seq 128 255))")"
	request .msg >msg
	assert_has msg '\x80\x81'
	# cut between two characters, never in one
	local n
	for n in 0 1 2 3; do
		run_bk 0 bk-notify push home down \
			"$(printf 'x%.0s' $(seq $n))$(printf '€%.0s' $(seq 100))"
		request .msg >msg
		assert_has msg '€...'
		iconv -f UTF-8 -t UTF-8 msg >/dev/null
		[ "$(head -c -1 msg | wc -c)" -ge 196 ]
	done
}

@test "push: the address may be written in four ways, and lie deeper" {
	local url
	for url in "$URL" "$URL/" "$URL/api/push" "$URL/api/push/" \
		"$URL/kuma/" "$URL/kuma/api/push"; do
		sed -i "/^\[monitor/,\$s|^url = .*|url = $url|" "$BK_CONFIG"
		run_bk 0 bk-notify push home
	done
	assert_is "$(told | wc -l)" 6
	assert_is "$(request .path | cut -d'?' -f1)" \
		/kuma/api/push/canary%2Ftok%2B7
	sed -i "/^\[monitor/,\$s|^url = .*|url = $URL/api/push/x|" "$BK_CONFIG"
	run_bk 1 bk-notify push home
	assert_has "$err" 'a token belongs into the key token'
	printf %s "$URL/api/push/abc" >token
	sed -i "/^\[monitor/,\$s|^url = .*|url = $URL|" "$BK_CONFIG"
	run_bk 1 bk-notify push home
	assert_has "$err" 'the token is a whole address'
}

@test "three releases of Uptime Kuma" {
	local v
	for v in 1.23 2.0; do
		service "$T/$v" --version $v --token "$TOKEN"
		sed -i "/^\[monitor/,\$s|^url = .*|url = http://127.0.0.1:$(
			cat "$T/$v/port")|" "$BK_CONFIG"
		run_bk 0 bk-notify push home down broken --ping 5000000000000
		assert_json "$T/$v/log" '.[0].method == "GET" and
			.[0].up == false and .[0].msg == "broken"'
		service_end "$T/$v"
	done
	sed -i "/^\[monitor/,\$s|^url = .*|url = $URL|" "$BK_CONFIG"
	# 2.1 and later refuse a ping of more than 1e11
	run_bk 0 bk-notify push home down broken --ping 5000000000000
	assert_is "$(request .ping)" 99999999999
}

@test "test: what the service answered, in plain words" {
	run_bk 0 bk-notify test
	assert_is "$stdout" $'home\tok\t200 {"ok":true}'
	assert_is "$(told)" 'up test from testhost'
	fault setup
	run_bk 1 bk-notify test home
	assert_has "$err" 'Uptime Kuma is not set up there, or this is not its'
	fault paused
	run_bk 1 bk-notify test
	assert_has "$err" 'Uptime Kuma says: Monitor not found or not active.'
	fault echo
	run_bk 1 bk-notify test
	assert_has "$err" 'nothing is at this address (404)'
	assert_has "$out" 'Cannot GET /api/push/***?status=up'
	assert_no_token
	fault status 500
	run_bk 1 bk-notify test
	assert_has "$err" 'it answered with status 500'
	fault redirect https://other.example.org
	run_bk 1 bk-notify test
	assert_has "$err" 'it redirects to https://other.example.org (302)'
	assert_no_token
	fault endless
	run_bk 1 bk-notify test
	fault drop
	run_bk 1 bk-notify test
	fault half
	run_bk 1 bk-notify test
	[ ! -e "$BK_STATE_DIR/state" ] && [ ! -e "$BK_STATE_DIR/notify" ]
	run_bk 66 bk-notify test nobody
	sed -i '/^\[monitor/,$d' "$BK_CONFIG"
	run_bk 78 bk-notify test
}

@test "healthchecks: up, down, start and end of a run have one id" {
	monitor hc healthchecks "$URL/ping/"
	run_bk 0 bk-notify push hc up fine
	assert_is "$(request '.method, .path, .body' | xargs)" \
		'POST /ping/canary/tok%2B7 fine'
	run_bk 0 bk-notify push hc down 'not fine'
	assert_is "$(request .action)" fail
	: >"$SRV/log"
	run_bk 5 bk-notify run hc -- sh -c 'exit 5'
	assert_json "$SRV/log" 'length == 2 and .[0].action == "start" and
		.[1].action == "fail" and .[0].rid == .[1].rid and
		(.[0].rid | length) == 36'
	fault unknown
	run_bk 1 bk-notify test hc
	assert_has "$err" 'it knows no such check'
	fault html
	run_bk 1 bk-notify test hc
	assert_has "$err" 'is not from healthchecks'
}

@test "ntfy: title, priority, bearer token" {
	monitor phone ntfy "$URL/ntfy/topic"
	run_bk 0 bk-notify push phone down 'not fine'
	assert_is "$(request '.body, .headers.title, .headers.priority,
		.headers.authorization' | paste -sd'|')" \
		"not fine|backups of testhost: down|high|Bearer $TOKEN"
	printf 'other' >token
	run_bk 1 bk-notify test phone
	assert_has "$err" 'it refuses the token (403)'
	printf 'a\r\nX-Evil: b' >token
	run_bk 1 bk-notify test phone
	assert_has "$err" 'bytes that no bearer token has'
	fault html
	printf %s "$TOKEN" >token
	run_bk 1 bk-notify test phone
	assert_has "$err" 'is not from ntfy'
}

@test "webhook: one JSON object" {
	monitor hook webhook "$URL/hook"
	run_bk 0 bk-notify push hook down 'said "no"' --ping 12
	assert_is "$(request '.json | .host, .monitor, .status, .text, .ping' |
		paste -sd'|')" 'testhost|hook|down|said "no"|12'
	fault echo
	run_bk 1 bk-notify test hook
	assert_has "$out" 'Cannot POST ***'
	fault status 400
	run_bk 1 bk-notify push hook down x
	assert_has "$err" 'it refuses the message (400)'
	assert_is "$(kept hook)" 0
}

@test "a dry run sends nothing and shows no token" {
	monitor hook webhook "$URL/hook"
	run_bk 0 bk-notify -n push home down 'a b'
	assert_is "$stdout" "home	down	GET	$URL/api/push/***?status=down&msg=a%20b&ping=	"
	run_bk 0 bk-notify -n push hook down 'a b'
	assert_has "$out" "POST	$URL/***	{"
	run_bk 0 bk-notify -n state
	assert_has "$out" 'backup%20home%20never%20ran'
	run_bk 0 bk-notify -n --json test
	assert_json "$out" '.[0].type == "request" and
		(.[0].url | contains("/***?"))'
	run_bk 0 bk-notify -n run home -- touch 'a file'
	assert_has "$out" "touch 'a file'"
	run_bk 0 bk-notify -n unit bk-restic.service
	[ ! -e 'a file' ] && [ ! -s "$SRV/log" ] && [ ! -e "$BK_STATE_DIR/state" ]
	assert_no_token
}

@test "run: the command's status, output and input; how it ended is told" {
	run_bk 0 bk-notify run home -- sh -c 'cat; echo err >&2' <<<hello
	assert_is "$stdout" hello
	assert_has "$err" err
	run_bk 7 bk-notify run home -- sh -c 'exit 7' secret-argument
	run_bk -s 137 bk-notify run home -- sh -c 'kill -9 $$'
	run_bk 69 bk-notify run home -- /no/such/program -n -c x
	told >list
	assert_is "$(sed -n 1p list)" 'up ok: sh took 0 s'
	assert_is "$(sed -n 2p list)" 'down sh failed with status 7 after 0 s'
	assert_is "$(sed -n 3p list)" \
		'down sh was killed by signal KILL after 0 s'
	assert_has list "cannot execute '/no/such/program'"
	assert_hasnt "$SRV/log" secret-argument
	assert_json "$SRV/log" '.[0].ping < 10000'
	run_bk 64 bk-notify run home echo
	run_bk 64 bk-notify run home --
	run_bk 66 bk-notify run nobody -- touch ran
	[ ! -e ran ]
}

@test "run: what cannot be told does not change the status" {
	fault paused
	run_bk 0 bk-notify run home -- true
	assert_has "$err" 'not delivered, kept for later'
	run_bk 4 bk-notify run home -- sh -c 'exit 4'
	printf '' >token
	run_bk 0 bk-notify run home -- true
}

@test "run: a signal goes on to the command" {
	bk-notify run home -- sh -c 'trap "echo got >got; exit 9" TERM
		echo >ready; while :; do sleep 0.1; done' 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 30 [ -e ready ]
	kill -TERM $pid
	wait $pid || status=$?
	[ -e got ]
	assert_is $status 143
	assert_is "$(kept home)" 1
}

@test "push -: the end of a stream decides" {
	local end='{"v":1,"type":"end","status":0,"count":1}'
	local rec='{"v":1,"type":"backup","set":"home","result":"ok","message":"12 files"}'
	run_bk 0 bk-notify push home - <<<"$rec"$'\n'"$end"
	run_bk 0 bk-notify push home - <<<"$rec"
	run_bk 0 bk-notify push home - <<<"$rec"$'\n'"${end/0,/3,}"
	run_bk 0 bk-notify push home - <<<"$rec"$'\n'"${end/0,/1,}"
	run_bk 0 bk-notify push home - </dev/null
	run_bk 0 bk-notify push home - <<<'not JSON'
	run_bk 0 bk-notify push home - <<<'{"v":1,"type":"end","status":0,"count":0}'
	told >list
	assert_is "$(cut -d' ' -f1 list | xargs)" 'up down down down down down up'
	assert_is "$(sed -n 1p list)" 'up ok: 12 files'
	assert_has list 'cut off'
	assert_is "$(sed -n 3p list)" 'down partial: 12 files'
	assert_is "$(tail -n 1 list)" 'up ok: 0 records'
}

@test "push -: from a tool of the suite" {
	mkdir src
	echo "[scan]
root = $T/src" >>"$BK_CONFIG"
	bk-scan --json list restic >plan
	run_bk 0 bk-notify push home - <plan
	assert_is "$(told | cut -c1-2)" up
}

@test "run: the command runs whatever is wrong with the configuration" {
	echo '[monitor x]' >>"$BK_CONFIG"
	run_bk 5 bk-notify run home -- sh -c 'echo done; exit 5'
	assert_is "$stdout" 'done'
	assert_has "$err" '[monitor x] has no url'
	assert_is "$(told)" 'down sh failed with status 5 after 0 s'
	: >"$SRV/log"
	run_bk 0 bk-notify run x -- echo "done"
	assert_is "$stdout" 'done'
	assert_has "$err" 'no [monitor x] in the configuration that can be'
	run_bk 69 bk-notify run x -- ./absent
	run_bk 78 bk-notify -n run home -- touch ran
	run_bk 78 bk-notify -n run x -- touch ran
	[ ! -e ran ]
	rm "$BK_CONFIG"
	run_bk 0 bk-notify run home -- echo "done"
	assert_is "$stdout" 'done'
	assert_is "$(told)" ''
}

@test "usage" {
	run_bk 64 bk-notify
	run_bk 64 bk-notify frob
	run_bk 64 bk-notify push
	run_bk 64 bk-notify push home sideways
	run_bk 64 bk-notify push home up one two
	run_bk 64 bk-notify --ping x push home
	run_bk 64 bk-notify --ping 5 test
	run_bk 64 bk-notify unit
	run_bk 66 bk-notify push nobody
	run_bk 66 bk-notify state nobody
	echo '[monitor x]' >>"$BK_CONFIG"
	run_bk 78 bk-notify test
	run_bk 78 bk-notify push home
	run_bk 0 bk-notify -h
	run_bk 0 bk-notify -V
	[ ! -s "$SRV/log" ]
}
