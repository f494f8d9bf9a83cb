#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-notify state and unit: from state files and the clock to up and down.

load helper
load notify

setup_file() { notify_setup_file; }
teardown_file() { notify_teardown_file; }
setup() { notify_setup; }

state() { run_bk 0 bk-notify state "$@"; }

# again LINE: what was told since the last time is this one line, or none.
again() {
	assert_is "$(told)" "$1"
	: >"$SRV/log"
}

# A systemctl that says of each unit what is in $T/show.
fake_systemctl() {
	mkdir -p bin
	printf '#!/bin/sh\nexec cat %s/show\n' "$T" >bin/systemctl
	chmod 755 bin/systemctl
	: >show
	PATH=$T/bin:$PATH
}

@test "never ran, good, partial, failed, late: down and up again" {
	state
	again 'down backup home never ran'
	job 'backup home' 0 720
	state
	assert_is "$(jq .ping "$SRV/log")" 90000
	: >"$SRV/log"
	state
	again 'up ok: 2 jobs, last backup home 12 min ago; to do: no recovery sheet: run bk-secret kit'
	job 'backup home' 3 60 '2 files cannot be read'
	state
	again 'down backup home partial: 2 files cannot be read'
	job 'backup home' 1 60 'wrong password'
	state
	again 'down backup home failed: wrong password'
	job 'backup home' 75 60 'no connection'
	state
	assert_has "$out" 'recovered: backup home'
	: >"$SRV/log"
	state
	assert_has "$out" 'ok, but backup home tries again: no connection'
	: >"$SRV/log"
	job 'backup home' 75 20000 'no connection'
	state
	again 'down backup home failed: no connection'
	job 'backup home' 0 20000
	state
	again 'down backup home late: last good 5 h 33 min ago, limit 3 h 0 min'
}

@test "several are wrong: the worst first, the number of the others last" {
	printf '[backup %s]\nrepo = main\npath = /etc\n' b c >>"$BK_CONFIG"
	job 'backup home' 0 20000
	job 'backup b' 1 60 "$(printf 'a long reason %.0s' $(seq 30))"
	job 'backup c' 3 60 x
	state
	told >list
	assert_has list 'down backup b failed: a long reason'
	assert_has list '...; +2 more'
	[ "$(wc -c <list)" -le 206 ]
}

@test "a monitor hears of what it watches, by its own limit" {
	sed -i '/^\[monitor/,$d' "$BK_CONFIG"
	printf '[backup b]\nrepo = main\npath = /etc\n' >>"$BK_CONFIG"
	monitor one kuma "$URL" 'watch = backup home'
	monitor all kuma "$URL" 'watch = backup' 'max-age = 1h'
	monitor typo kuma "$URL" 'watch = backup home' 'watch = backup hoem'
	monitor mute kuma "$URL" 'watch = none'
	job 'backup home' 0 5000
	job 'backup b' 0 60
	state
	assert_has "$out" $'one\tup\tdelivered\tok: 1 job, last backup home 83 min ago'
	assert_has "$out" $'all\tdown\tdelivered\tbackup home late:'
	assert_has "$out" \
		$'typo\tdown\tdelivered\twatch \'backup hoem\' matches no job'
	assert_has "$out" $'mute\t-\tunchanged\t'
	assert_is "$(told | wc -l)" 3
	sed -i '/^\[backup/,/^path/d' "$BK_CONFIG"
	sed -i '/^\[repo/,/^password/d;/^watch/d' "$BK_CONFIG"
	state one
	assert_has "$out" $'one\tdown\tdelivered\tnothing is configured'
}

@test "ntfy and webhook hear of changes alone, and are reminded" {
	sed -i '/^\[monitor/,$d' "$BK_CONFIG"
	monitor hook webhook "$URL/hook" 'remind = 1h'
	job 'backup home' 0
	state
	again ''
	job 'backup home' 1 60 'wrong password'
	state
	again 'down backup home failed: wrong password'
	state
	again ''
	# the same cause by another text is no news
	job 'backup home' 1 30 'another reason'
	state
	again ''
	# another cause is
	job 'backup home' 3 30 'two files'
	state
	again 'down backup home partial: two files'
	# so is one more, but not one less
	printf '[backup b]\nrepo = main\npath = /etc\n' >>"$BK_CONFIG"
	state
	again 'down backup b never ran; +1 more'
	job 'backup b' 0
	state
	again ''
	rm "$BK_STATE_DIR/state/bk-restic.backup-b.json"
	state
	again 'down backup b never ran; +1 more'
	# an hour goes by
	sed -i -E "s/(told_at\": \")[^\"]*/\1$(stamp $(($(date +%s) - 3700)))/" \
		"$BK_STATE_DIR/state/bk-notify.monitor-hook.json"
	state
	again 'down backup b never ran; +1 more'
	state
	again ''
	sed -i -E "s/(down_since\": \")[^\"]*/\1$(stamp $(($(date +%s) - 10830)))/" \
		"$BK_STATE_DIR/state/bk-notify.monitor-hook.json"
	job 'backup b' 0
	job 'backup home' 0
	state
	assert_has "$SRV/log" 'recovered: backup b after 3 h 0 min'
	: >"$SRV/log"
	state
	again ''
	assert_is "$(monitor_state hook '.result, .status' | xargs)" 'ok up'
}

@test "unit: how it ended is noted and told at once" {
	fake_systemctl
	job 'backup home' 0 600
	export MONITOR_UNIT=bk-restic.service MONITOR_SERVICE_RESULT=signal \
		MONITOR_EXIT_CODE=killed MONITOR_EXIT_STATUS=KILL
	echo "InactiveExitTimestamp=@$(($(date +%s) - 100))" >show
	run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: killed by signal KILL'
	assert_is "$(jq -r '.job, .exit, .result, .message' \
		"$BK_STATE_DIR/state/unit.bk-restic.json" | paste -sd'|')" \
		'bk-restic|1|failed|killed by signal KILL'
	# the job wrote down itself how it ended: that is better
	job 'backup home' 1 10 'wrong password'
	MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited \
		MONITOR_EXIT_STATUS=1 run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: wrong password'
	job 'backup home' 0 1
	MONITOR_SERVICE_RESULT=success MONITOR_EXIT_CODE=exited \
		MONITOR_EXIT_STATUS=0 run_bk 0 bk-notify unit bk-restic.service
	assert_has "$out" 'recovered: backup home'
}

# ended RESULT CODE STATUS WANTED
ended() {
	MONITOR_SERVICE_RESULT=$1 MONITOR_EXIT_CODE=$2 MONITOR_EXIT_STATUS=$3 \
		run_bk 0 bk-notify unit bk-restic
	again "down backup home failed: $4"
}

@test "unit: the words for each way to fail" {
	fake_systemctl
	ended exit-code exited 243 'a credential cannot be loaded (243)'
	ended exit-code exited 203 'the program cannot be started (203)'
	ended exit-code exited 226 'the sandbox cannot be set up (226)'
	ended exit-code exited 78 'configuration (78)'
	ended exit-code exited 75 'locked, or no connection (75)'
	ended exit-code exited 42 'exit status 42'
	ended timeout killed TERM 'took too long'
	ended oom-kill killed KILL 'out of memory'
	ended core-dump dumped SEGV crashed
	ended watchdog killed ABRT hung
	ended start-limit-hit '' '' 'was started too often'
	ended resources '' '' 'no resources to start it'
	ended protocol '' '' 'systemd says: protocol'
	assert_is "$(jq .exit "$BK_STATE_DIR/state/unit.bk-restic.json")" 1
	# one that was skipped has not failed
	rm "$BK_STATE_DIR/state/unit.bk-restic.json"
	MONITOR_SERVICE_RESULT=exec-condition run_bk 0 bk-notify unit bk-restic
	[ ! -e "$BK_STATE_DIR/state/unit.bk-restic.json" ]
}

@test "unit: systemctl is asked where \$MONITOR_* is not there" {
	fake_systemctl
	printf '%s\n' Result=signal ExecMainCode=2 ExecMainStatus=9 \
		InactiveExitTimestamp=@1795300000 >show
	run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: killed by signal KILL'
	assert_is "$(jq -r .start "$BK_STATE_DIR/state/unit.bk-restic.json")" \
		"$(stamp 1795300000)"
	# what is about another unit does not count
	MONITOR_UNIT=x.service MONITOR_SERVICE_RESULT=success \
		run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: killed by signal KILL'
	printf '#!/bin/sh\nexit 1\n' >bin/systemctl
	run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: it failed, systemd says not how'
}

@test "unit: which run it was, so that a good one just before is no answer" {
	local run=0123456789abcdef0123456789abcdef f
	fake_systemctl
	echo "InvocationID=$run" >show
	f=$BK_STATE_DIR/state/unit.bk-restic.json
	export MONITOR_UNIT=bk-restic.service INVOCATION_ID=${run//0/f}
	run_bk 0 bk-notify unit --record bk-restic.service
	assert_is "$(jq -r .invocation "$f")" $run
	export MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited \
		MONITOR_EXIT_STATUS=5
	run_bk 0 bk-notify unit --record bk-restic.service
	assert_is "$(jq -r .invocation "$f")" null
	export MONITOR_INVOCATION_ID=${run//0/e}
	job 'backup home' 0 0
	run_bk 0 bk-notify unit bk-restic.service
	again 'down backup home failed: exit status 5'
	assert_is "$(jq -r .invocation "$f")" "${run//0/e}"
}

@test "unit: those that watch it hear of it; of an unknown one, all" {
	fake_systemctl
	printf '[backup b]\nrepo = main\npath = /etc\n' >>"$BK_CONFIG"
	monitor other kuma "$URL" 'watch = kit'
	job 'backup home' 0
	job 'backup b' 0
	export MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited
	MONITOR_EXIT_STATUS=1 run_bk 0 bk-notify unit bk-restic@b.service
	assert_is "$(cut -f1,4 "$out")" \
		$'home\tbackup b failed: the job failed (1)'
	job 'backup b' 0 -1
	MONITOR_EXIT_STATUS=1 run_bk 0 bk-notify unit my-own.service
	assert_is "$(cut -f1 "$out" | xargs)" 'home'
	assert_has "$out" 'unit my-own failed: the job failed (1)'
	MONITOR_SERVICE_RESULT=success run_bk 0 bk-notify unit strange.service
	assert_is "$(cut -f1 "$out" | xargs)" 'home other'
}

@test "unit: noted also where the configuration is what is broken" {
	fake_systemctl
	echo '[nonsense]' >>"$BK_CONFIG"
	MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited \
		MONITOR_EXIT_STATUS=78 run_bk 78 bk-notify unit bk-restic.service
	assert_is "$(jq -r .message "$BK_STATE_DIR/state/unit.bk-restic.json")" \
		'configuration (78)'
	told >list
	assert_has list 'down configuration is broken: '
}

@test "a broken configuration is told to those who can still be found" {
	local conf=$BK_CONFIG
	job 'backup home' 0 60
	monitor hook webhook "$URL/hook" 'watch = backup home'
	monitor mute kuma "$URL" 'watch = none'
	state
	: >"$SRV/log"
	cp "$conf" good
	sed -i '/^\[backup/a pth = /etc' "$conf"
	run_bk 78 bk-notify state
	assert_has "$err" "$conf:7: [backup home] has no key 'pth'"
	assert_has "$out" $'home\tdown\tdelivered\tconfiguration is broken: '
	assert_has "$out" $'hook\tdown\tdelivered\tconfiguration is broken: '
	assert_has "$out" $'mute\t-\tunchanged'
	told >list
	assert_is "$(wc -l <list)" 2
	assert_has list "down configuration is broken: $conf:7: [backup home]"
	# a heartbeat each time, news once
	: >"$SRV/log"
	run_bk 78 bk-notify --json state
	assert_is "$(told | wc -l)" 1
	assert_json "$out" 'last | .type == "end" and .status == 78'
	: >"$SRV/log"
	MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited \
		MONITOR_EXIT_STATUS=78 run_bk 78 bk-notify unit bk-restic.service
	assert_is "$(told | cut -d: -f1)" 'down configuration is broken'
	: >"$SRV/log"
	cp good "$conf"
	rm "$BK_STATE_DIR"/state/unit.*
	state
	told >list
	assert_is "$(grep -c '^up recovered: configuration' list)" 2
	assert_no_token
}

@test "a broken configuration: what is wrong with a monitor itself" {
	local conf=$BK_CONFIG
	monitor two kuma "$URL"
	cp "$conf" good
	# each of these is about [monitor two], which is the last
	while read -r who lines; do
		echo "case: $lines"
		cp good "$conf"
		printf '%b\n' "$lines" >>"$conf"
		: >"$SRV/log"
		run_bk 78 bk-notify state
		assert_is "$(cut -f 1 "$out" | xargs)" "${who//,/ }"
		assert_is "$(told | sed 's/broken: .*/broken/' | sort -u)" \
			'down configuration is broken'
	done <<-'END'
		home,two max-age = long
		home,two watch = -x
		home,two tokn = keyring:a/b
		home,two remind = 1h\nremind = 2h
		home type = kumma
		home type = kuma\ntype = ntfy
		home url = http://127.0.0.1:1
		home token = secret
		home token =
		home,two \x20 token = file:/x
		home ca = a.pem
		home,two [monitor x y]
		home,two [monitor three]\nurl = http://127.0.0.1:1
		home,two [monitor three]\ntype = ntfy
	END
	assert_has "$out" '+1 more' || assert_has "$err" 'has no url'
	# no one is left
	sed -i 's|^url = http.*|url = ftp:x|' "$conf"
	run_bk 78 bk-notify state
	assert_is "$stdout" ''
	assert_has "$err" 'that is told to nobody'
	run_bk 78 bk-notify state home
	assert_has "$err" 'that can be understood'
	run_bk 78 bk-notify push two up
}

@test "a broken configuration: tokens come from the keyring all the same" {
	need_program jq
	argon2_memo
	local conf=$BK_CONFIG
	printf 'a master of a keyring' >master
	sed -i "/^\[monitor/,\$d" "$conf"
	cat >>"$conf" <<-END
		[keyring]
		path = $T/ring.cfg
		unlock = file:$T/master
		[monitor home]
		url = $URL
		token = keyring:kuma/home
	END
	printf %s "$TOKEN" | run_bk 0 bk-secret set keyring:kuma/home
	echo '[nonsense]' >>"$conf"
	run_bk 78 bk-notify state
	assert_has "$out" $'home\tdown\tdelivered\tconfiguration is broken: '
	# it was said once
	assert_is "$(grep -c nonsense "$err")" 1
	run_bk 78 bk-secret get keyring:kuma/home
	# no other keyring is opened in place of this one
	sed -i 's|^path = .*ring.cfg|path = ring.cfg|' "$conf"
	run_bk 78 bk-notify state
	assert_has "$out" $'home\tdown\tkept\tconfiguration is broken: '
	assert_no_token
}

@test "no configuration, or one that is not trusted" {
	chmod 666 "$BK_CONFIG"
	run_bk 78 bk-notify state
	assert_has "$err" 'is not trusted'
	assert_is "$(told)" ''
	rm "$BK_CONFIG"
	run_bk 66 bk-notify state
	assert_is "$(told)" ''
}

@test "unit --record: noted, told to nobody, with any configuration" {
	fake_systemctl
	job 'backup home' 0 600
	export MONITOR_SERVICE_RESULT=signal MONITOR_EXIT_CODE=killed \
		MONITOR_EXIT_STATUS=KILL
	run_bk 0 bk-notify unit --record bk-restic.service
	assert_is "$stdout" ''
	[ ! -s "$SRV/log" ]
	echo '[nonsense]' >>"$BK_CONFIG"
	rm -r "$BK_STATE_DIR"
	run_bk 0 bk-notify unit --record bk-restic.service
	assert_is "$(jq -r .message "$BK_STATE_DIR/state/unit.bk-restic.json")" \
		'killed by signal KILL'
	rm -r "$BK_STATE_DIR"
	: >"$BK_STATE_DIR"
	run_bk 73 bk-notify unit --record bk-restic.service
	run_bk 64 bk-notify state --record
}

@test "the clock goes back, and on by years" {
	job 'backup home' 0
	sed -i 's/2026/2041/g;s/2027/2041/g' \
		"$BK_STATE_DIR/state/bk-restic.backup-home.json"
	state
	told >list
	assert_has list 'down backup home unknown: is from the future'
	monitor hook webhook "$URL/hook"
	job 'backup home' 0
	state
	sed -i -E 's/("(told_at|down_since|start|end|last_ok|since)": ")[0-9]*/\12041/' \
		"$BK_STATE_DIR"/state/bk-notify.*.json
	job 'backup home' 1 5 x
	state
	assert_has "$out" $'hook\tdown\tdelivered\tbackup home failed: x'
	job 'backup home' 0 90000000
	state
	assert_has "$out" $'home\tdown\tdelivered\tbackup home late: last good 1041 d'
}

@test "state files half written, or no folder of states" {
	job 'backup home' 0
	local f=$BK_STATE_DIR/state/bk-restic.backup-home.json
	head -c 40 "$f" >half
	cp half "$f"
	state
	told >list
	assert_has list 'down backup home unknown:'
	# the monitor's own
	job 'backup home' 0
	head -c 40 half >"$BK_STATE_DIR/state/bk-notify.monitor-home.json"
	state
	assert_has "$err" 'what it was told last is not known'
	assert_has "$out" $'home\tup\tdelivered\tok:'
	: >"$SRV/log"
	rm -r "$BK_STATE_DIR/state"
	: >"$BK_STATE_DIR/state"
	run_bk 1 bk-notify state
	assert_has "$err" 'how the jobs are cannot be told'
	assert_has "$out" $'home\tdown\tdelivered\tno state: cannot read'
}

@test "no monitors: nothing to tell, and no failure" {
	sed -i '/^\[monitor/,$d' "$BK_CONFIG"
	state
	assert_is "$stdout" ''
	fake_systemctl
	run_bk 0 bk-notify unit bk-restic.service
	[ -e "$BK_STATE_DIR/state/unit.bk-restic.json" ]
}
