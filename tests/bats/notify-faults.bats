#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-notify when something is in the way.

load helper
load notify
load secret

setup_file() {
	notify_setup_file
	authority
	service "$BATS_FILE_TMPDIR/tls" --token "$TOKEN" \
		--tls "$BATS_FILE_TMPDIR/good.pem" "$BATS_FILE_TMPDIR/key.pem"
	service "$BATS_FILE_TMPDIR/name" --token "$TOKEN" \
		--tls "$BATS_FILE_TMPDIR/name.pem" "$BATS_FILE_TMPDIR/key.pem"
}

teardown_file() {
	service_end "$BATS_FILE_TMPDIR/tls"
	service_end "$BATS_FILE_TMPDIR/name"
	notify_teardown_file
}

setup() { notify_setup; }

teardown() {
	if mountpoint -q "$T/state" 2>/dev/null; then umount "$T/state"; fi
}

# A private authority, and certificates of it: for 127.0.0.1, for another.
authority() {
	local name new=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1)
	cd "$BATS_FILE_TMPDIR" || return
	openssl req -x509 "${new[@]}" -nodes -days 2 -subj '/CN=Rig' \
		-keyout ca-key.pem -out ca.pem 2>/dev/null
	openssl req -x509 "${new[@]}" -nodes -days 2 -subj '/CN=Other' \
		-keyout other-key.pem -out other.pem 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out key.pem
	for name in good:IP:127.0.0.1 name:DNS:kuma.example.org; do
		openssl req -new -key key.pem -subj '/CN=kuma' -out "csr.pem"
		openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca-key.pem \
			-CAcreateserial -days 2 -out "${name%%:*}.pem" \
			-extfile <(echo "subjectAltName=${name#*:}") 2>/dev/null
	done
}

# point URL: the monitor "home" is there.
point() { sed -i "/^\[monitor home/,/^token/s|^url = .*|url = $1|" "$BK_CONFIG"; }

# Nobody listens there.
away() { point http://127.0.0.1:1; }

home_again() { point "$URL"; }

@test "certificates: of a private authority, of another one, for another name" {
	point "https://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/tls/port")"
	run_bk 1 bk-notify test
	assert_has "$err" 'certificate problem'
	assert_has "$err" 'the key ca can name its authority'
	echo "ca = $BATS_FILE_TMPDIR/other.pem" >>"$BK_CONFIG"
	run_bk 1 bk-notify test
	sed -i "s|^ca = .*|ca = $BATS_FILE_TMPDIR/ca.pem|" "$BK_CONFIG"
	run_bk 0 bk-notify test
	assert_is "$(jq -r .msg "$BATS_FILE_TMPDIR/tls/log")" \
		'test from testhost'
	point "https://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/name/port")"
	run_bk 1 bk-notify push home down
	assert_has "$err" 'kept for later: SSL'
	point "http://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/tls/port")"
	run_bk 1 bk-notify test
	sed -i "s|^ca = .*|ca = /no/such.pem|" "$BK_CONFIG"
	point "https://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/tls/port")"
	run_bk 1 bk-notify test
	assert_has "$err" '/no/such.pem'
	assert_no_token
}

@test "a proxy, as the environment has it" {
	point http://kuma.example.org
	http_proxy=$URL run_bk 0 bk-notify test
	assert_has "$SRV/log" 'http://kuma.example.org/api/push/'
	printf 'url = http://x.invalid\n' >"$HOME/.curlrc"
	http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 \
		run_bk 1 bk-notify test
	home_again
	http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 \
		run_bk 0 bk-notify test
}

@test "a service that is away: tried three times, kept, the newest alone" {
	away
	run_bk 75 bk-notify push home down first
	assert_has "$err" 'not delivered, kept for later: Failed to connect'
	assert_is "$(monitor_state home '.result, .exit, .counts.undelivered,
		.last_ok' | xargs)" 'failed 75 1 null'
	home_again
	fault paused
	run_bk 0 bk-notify state
	assert_is "$(kept home)" 1
	assert_is "$(monitor_state home '.exit, .counts.undelivered' | xargs)" \
		'1 1'
	assert_no_token
	fault
	job 'backup home' 0
	run_bk 0 bk-notify state
	assert_is "$(kept home)" 0
	assert_is "$(told | cut -c1-10)" 'up ok: 2 j'
	assert_is "$(monitor_state home '.result, .counts.undelivered' |
		xargs)" 'ok 0'
	[ "$(monitor_state home .last_ok)" != null ]
}

@test "a monitor without jobs: what is kept goes out with the next state" {
	echo 'watch = none' >>"$BK_CONFIG"
	fault paused
	run_bk 1 bk-notify push home up one
	run_bk 1 bk-notify push home down two
	fault
	run_bk 0 bk-notify state
	assert_is "$(told)" 'down two'
	assert_is "$(kept home)" 0
	run_bk 0 bk-notify state
	assert_is "$(told)" 'down two'
}

@test "events wait in their order, at most 32, none twice" {
	local i
	monitor hook webhook "$URL/hook" 'watch = none'
	fault status 404
	for i in $(seq 34); do
		run_bk 1 bk-notify push hook down "event $i"
	done
	assert_is "$(kept hook)" 32
	assert_has "$err" 'too many messages wait for it, the oldest is dropped'
	: >"$SRV/log"
	fault
	run_bk 0 bk-notify push hook up last
	assert_is "$(told)" "$(for i in $(seq 3 34); do
		echo "down event $i"; done; echo up last)"
	assert_is "$(kept hook)" 0
}

@test "an event that is old says of when it is" {
	monitor hook webhook "$URL/hook"
	fault status 404
	run_bk 1 bk-notify push hook down "$(printf 'long %.0s' $(seq 60))"
	sed -i -E 's/"time":"[^"]*"/"time":"2026-01-02T03:04:05Z"/' \
		"$BK_STATE_DIR"/notify/hook/*.json
	fault
	: >"$SRV/log"
	job 'backup home' 0
	run_bk 0 bk-notify state hook
	head -n 1 "$SRV/log" | jq -r .json.text >text
	assert_has text '... (of 2026-01-02T03:04:05Z)'
	assert_is "$(head -c -1 text | wc -c)" 200
}

@test "a message that is kept and damaged, or refused for good, stops none" {
	monitor hook webhook "$URL/hook" 'watch = none'
	fault status 404
	run_bk 1 bk-notify push hook down one
	run_bk 1 bk-notify push hook down two
	local first
	first=$(find "$BK_STATE_DIR/notify/hook" -name '*.json' | sort | head -n 1)
	head -c 20 "$first" >half
	cp half "$first"
	: >"$SRV/log"
	fault
	run_bk 0 bk-notify state hook
	assert_has "$err" 'a message that was kept is lost'
	assert_is "$(told)" 'down two'
	fault status 404
	run_bk 1 bk-notify push hook down three
	fault status 413
	run_bk 0 bk-notify state
	assert_has "$err" 'a message is lost: it refuses the message (413)'
	assert_is "$(kept hook)" 0
}

@test "the disk is full: said, and delivered all the same" {
	need_root
	mount -t tmpfs -o size=100k tmpfs state || skip "cannot mount"
	monitor hook webhook "$URL/hook"
	dd if=/dev/zero of=state/fill bs=4k 2>/dev/null || :
	run_bk 0 bk-notify push hook down yes
	assert_has "$err" 'No space left'
	assert_is "$(told)" 'down yes'
	fault status 404
	run_bk 1 bk-notify push hook down no
	assert_has "$err" 'the message cannot be kept'
	assert_has "$err" 'error: monitor hook: not delivered: nothing is at'
	# a change that could not be noted is told again, not forgotten
	fault
	: >"$SRV/log"
	run_bk 0 bk-notify state hook
	run_bk 0 bk-notify state hook
	assert_is "$(told | sort -u)" 'down backup home never ran'
	umount state
}

@test "no folder for locks: said, and delivered all the same" {
	rmdir run
	: >run
	run_bk 0 bk-notify push home
	assert_has "$err" 'warning: monitor home: '
	assert_is "$(told)" 'up ok'
}

@test "many at once: no message is lost, none is told twice" {
	local i pids=()
	monitor hook webhook "$URL/hook"
	for i in $(seq 12); do
		bk-notify push hook down "event $i" >"out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	assert_is "$(told | sort)" \
		"$(for i in $(seq 12); do echo "down event $i"; done | sort)"
	# a change that all of them see
	: >"$SRV/log"
	rm "$BK_STATE_DIR"/state/bk-notify.*
	pids=()
	for i in 1 2 3 4 5; do
		bk-notify state hook >"out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	assert_is "$(told)" 'down backup home never ran'
}

@test "a token that is not there, one that is empty" {
	rm token
	run_bk 1 bk-notify push home
	assert_has "$err" "$BK_CONFIG:12: [monitor home] token:"
	assert_is "$(kept home)" 1
	: >token
	run_bk 1 bk-notify test
	monitor hook webhook "$URL/hook"
	printf 'a b' >token
	run_bk 1 bk-notify push hook down 'not lost'
	assert_has "$err" 'bytes that no bearer token has'
	assert_is "$(kept hook)" 1
	: >token
	job 'backup home' 0
	run_bk 0 bk-notify state
	assert_is "$(monitor_state home .result)" failed
	[ ! -s "$SRV/log" ]
}

@test "a locked keyring: kept, told once it opens" {
	rig=$BATS_TEST_DIRNAME/../rigs
	printf '%s\n' '[keyring]' "path = $T/ring.cfg" \
		'unlock = credential:bk.keyring' >>"$BK_CONFIG"
	sed -i 's|^token = .*|token = keyring:kuma/home|' "$BK_CONFIG"
	printf %s 'correct horse' >master
	store -- kuma home "$TOKEN"
	run_bk 75 bk-notify push home down 'the disk fails' </dev/null
	assert_has "$err" 'kept for later'
	assert_is "$(monitor_state home '.exit, .counts.undelivered' | xargs)" \
		'75 1'
	mkdir creds
	cp master creds/bk.keyring
	CREDENTIALS_DIRECTORY=$T/creds run_bk 0 bk-notify push home
	assert_is "$(told)" 'up ok'
	assert_is "$(kept home)" 0
}

@test "the token is in no argv and no environment" {
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	export ASAN_OPTIONS=detect_leaks=0
	run_bk 0 strace -f -qq -s 10000 -v -e trace=execve \
		-o trace env -u TOKEN bk-notify run home -- true
	sed -i '/"-u"/d' trace
	assert_has trace bk-secret
	assert_hasnt trace canary
}
