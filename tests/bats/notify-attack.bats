#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-notify: what must never be told, what must not be lost, and who was
# reached.

load helper
load notify

setup_file() { notify_setup_file; }
teardown_file() { notify_teardown_file; }

setup() { notify_setup; }

# A field of the state of "backup home" is another one.
edit() {
	local f=$BK_STATE_DIR/state/bk-restic.backup-home.json
	jq "$1" "$f" >edited
	cp edited "$f"
}

@test "no recovery is told where a failure was followed by bad luck" {
	job 'backup home' 1 60 'wrong password'
	run_bk 0 bk-notify state
	job 'backup home' 75 30 'no connection'
	edit '.broken = true'
	: >"$SRV/log"
	run_bk 0 bk-notify state
	assert_is "$(told)" 'down backup home failed: no connection'
	job 'backup home' 75 30 'no connection'
	run_bk 0 bk-notify state
	assert_has <(told) 'up recovered: backup home'
}

@test "what another host did is not told as done" {
	job 'backup home' 0
	edit '.host = "web2"'
	run_bk 0 bk-notify state
	assert_is "$(told)" \
		'down backup home unknown: its state is that of another host: web2'
}

@test "a copy of a good state hides no failure" {
	local states=$BK_STATE_DIR/state
	job 'backup home' 0
	cp "$states/bk-restic.backup-home.json" "$states/a.json"
	cp "$states/bk-restic.backup-home.json" "$states/bk-restic.backup-etc.json"
	job 'backup home' 1 60 'wrong password'
	run_bk 0 bk-notify state
	assert_is "$(told)" 'down backup home failed: wrong password'
}

@test "a limit of nothing would be none" {
	echo 'max-age = 0s' >>"$BK_CONFIG"
	run_bk 78 bk-notify state
	assert_has "$err" "'0s' is not a time with its unit s m h d w or y, more than 0"
	sed -i 's/^max-age.*/remind = 0/' "$BK_CONFIG"
	job 'backup home' 0
	run_bk 0 bk-notify state
}

@test "a message that is lost is told anew" {
	monitor hook webhook "$URL/hook"
	job 'backup home' 0
	run_bk 0 bk-notify state hook
	# the down: damaged, then refused
	local how
	for how in damaged refused; do
		job 'backup home' 1 60 'wrong password'
		fault status 404
		run_bk 0 bk-notify state hook
		assert_is "$(kept hook)" 1
		if [ $how = damaged ]; then
			fault
			echo '{' >"$(echo "$BK_STATE_DIR"/notify/hook/*.json)"
		else
			fault status 400
		fi
		run_bk 0 bk-notify state hook
		assert_is "$(kept hook)" 0
		: >"$SRV/log"
		fault
		run_bk 0 bk-notify state hook
		assert_is "$(told)" 'down backup home failed: wrong password'
		job 'backup home' 0
		run_bk 0 bk-notify state hook
		assert_has <(told) 'up recovered: backup home'
	done
	# the recovery
	job 'backup home' 1 60 'wrong password'
	run_bk 0 bk-notify state hook
	job 'backup home' 0
	fault status 404
	run_bk 0 bk-notify state hook
	fault
	echo '{' >"$(echo "$BK_STATE_DIR"/notify/hook/*.json)"
	run_bk 0 bk-notify state hook
	: >"$SRV/log"
	run_bk 0 bk-notify state hook
	assert_has <(told) 'up recovered'
	run_bk 0 bk-notify state hook
	assert_is "$(told | wc -l)" 1
}

@test "a message that cannot be read now is not thrown away" {
	[ "$(id -u)" != 0 ] || need_program setpriv
	monitor hook webhook "$URL/hook" 'watch = none'
	fault status 404
	run_bk 1 bk-notify push hook down one
	run_bk 1 bk-notify push hook down two
	fault
	local first as=() caps=-dac_override,-dac_read_search
	first=$(find "$BK_STATE_DIR/notify/hook" -name '*.json' | sort | head -n 1)
	chmod 000 "$first"
	[ "$(id -u)" != 0 ] ||
		as=(setpriv --bounding-set "$caps" --inh-caps "$caps")
	: >"$SRV/log"
	run_bk 0 "${as[@]}" bk-notify state hook
	assert_has "$err" 'a message waits on: '
	assert_is "$(told)" 'down two'
	chmod 600 "$first"
	run_bk 0 bk-notify state hook
	assert_is "$(told)" "$(printf 'down two\ndown one')"
}

@test "messages with the last number there is" {
	monitor hook webhook "$URL/hook" 'watch = none'
	fault status 404
	run_bk 1 bk-notify push hook down one
	mv "$BK_STATE_DIR"/notify/hook/*.json \
		"$BK_STATE_DIR/notify/hook/9999999999-1.json"
	run_bk 1 bk-notify push hook down two
	fault
	: >"$SRV/log"
	run_bk 0 bk-notify state hook
	assert_is "$(told)" "$(printf 'down one\ndown two')"
}

@test "what was never sent, or failed, is not called reached" {
	monitor hook webhook "$URL/hook"
	job 'backup home' 0
	run_bk 0 bk-notify state
	assert_is "$(monitor_state home .reached)" "$(monitor_state home .end)"
	assert_is "$(monitor_state hook .reached)" null
	run_bk 0 bk-status
	assert_has "$out" 'nothing was sent to it yet: try bk-notify test hook'
	run_bk 0 bk-status --prom
	assert_has "$out" 'bk_monitor_reached{monitor="hook"} 0'
	assert_has "$out" 'last_success_timestamp_seconds{monitor="hook"} 0'
	fault status 404
	run_bk 1 bk-notify test hook
	fault
	run_bk 0 bk-notify state
	run_bk 0 bk-status
	assert_has "$out" 'not reached: nothing is at this address (404)'
	run_bk 0 bk-notify test hook
	run_bk 0 bk-status monitor hook
	assert_has "$out" 'monitor hook: ok'
	run_bk 0 bk-notify state
	run_bk 0 bk-status --prom
	assert_has "$out" 'bk_monitor_reached{monitor="hook"} 1'
	# nothing to tell, and nothing to tell it with
	sed -i 's|^token = .*|token = file:/nonexistent|' "$BK_CONFIG"
	run_bk 0 bk-notify state hook
	assert_is "$stdout" "$(printf 'hook\tup\tunchanged\t')$(cut -f 4 "$out")"
	run_bk 0 bk-status
	assert_has "$out" 'todo     monitor hook'
}

@test "run: what stands before -- is no part of the command" {
	local args
	for args in 'home touch -- made' 'home -- ' 'home touch made' \
		'-- home touch made' '-- home'; do
		# shellcheck disable=SC2086
		run_bk 64 bk-notify run $args
	done
	[ ! -e made ]
	run_bk 0 bk-notify run home -- touch -- made -n
	[ -e made ] && [ -e -n ]
	run_bk 0 bk-notify run -q home -- true
}

@test "a token is hidden where the answer is cut in the middle of it" {
	local n
	cat >evil.py <<-'END'
		import http.server, sys
		class H(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        pad = open("pad").read()
		        b = b'{"ok":false,"msg":"%s"}' % (
		            pad.encode() + b"canary/tok+7" * 3)
		        self.send_response(404)
		        self.send_header("Content-Length", str(len(b)))
		        self.end_headers()
		        self.wfile.write(b)
		s = http.server.HTTPServer(("127.0.0.1", 0), H)
		open("port", "w").write(str(s.server_port))
		s.serve_forever()
	END
	printf x >pad
	python3 evil.py </dev/null >/dev/null 2>&1 3>&- &
	echo $! >pid
	wait_for 30 [ -s port ]
	monitor evil kuma "http://127.0.0.1:$(cat port)" 'watch = none'
	for n in 960 975 985 990 1005; do
		printf "%${n}s" x >pad
		run_bk 1 bk-notify test evil
		assert_no_token
		! grep -rla can "$BK_STATE_DIR" "$err" || fail "a part of it, $n"
	done
	kill "$(cat pid)"
}

@test "a test does not change what was told" {
	monitor hook webhook "$URL/hook"
	job 'backup home' 1 60 'wrong password'
	run_bk 0 bk-notify state hook
	run_bk 0 bk-notify test hook
	: >"$SRV/log"
	run_bk 0 bk-notify state hook
	assert_is "$(told)" ''
	job 'backup home' 0
	run_bk 0 bk-notify state hook
	assert_has <(told) 'up recovered: backup home'
}
