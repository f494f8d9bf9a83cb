#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-status: this host. Most states are made by hand, for their ages.

load helper
load status
load restic

setup() { status_setup; }

@test "all is well" {
	all_well
	run_bk 0 bk-status
	assert_is "$(line 1)" 'web1: all is well. 3 jobs, last backup 12 min ago.'
	assert_is "$(line 4)" 'ok       backup home  12 min ago    3 h  2.5 MiB   4 s'
	assert_is "$(line 5)" 'ok       backup etc   60 min ago    3 h            4 s'
	assert_fits
	[ -z "$stderr" ]
	run_bk 0 bk-status -q
	assert_is "$stdout" 'web1: all is well. 3 jobs, last backup 12 min ago.'
}

@test "a fresh host is not safe" {
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup home never ran; 1 more.'
	assert_has "$out" 'todo     kit main'
	assert_fits
}

@test "no job at all is not safe" {
	sed -i '/^\[backup/,$d' "$BK_CONFIG"
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: nothing is backed up.'
	: >"$BK_CONFIG"
	run_bk 1 bk-status --json
	assert_json "$out" '.[0].safe == false and .[0].health == "unknown"'
}

@test "each way to be wrong, in the first line and in the row" {
	local state text
	all_well
	state_of bk-restic 'backup etc' 2400 1 'wrong password' 7200
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup etc failed 40 min ago.'
	assert_is "$(line 4 | cut -c-22)" 'failed   backup etc   '
	assert_is "$(line 5)" '         40 min ago: wrong password'
	state_of bk-restic 'backup etc' 2400 3 '/srv is gone' 7200
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup etc was partial 40 min ago.'
	assert_is "$(line 5)" '         40 min ago: /srv is gone'
	state_of bk-restic 'backup etc' 12000 0
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup etc is late, last good 3 h ago.'
	assert_is "$(line 5)" '         last good 3 h 20 min ago, limit 3 h 0 min'
	echo '{"v":1,"tool":"bk-r' >"$BK_STATE_DIR/state/bk-restic.backup-etc.json"
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup etc is in an unknown state.'
	assert_has "$out" 'is damaged'
	state_of bk-restic 'backup etc' -7200 0
	run_bk 1 bk-status
	assert_has "$out" 'is from the future, check the clock'
	state_of bk-restic 'backup etc' 60 75 'no connection' 3600
	run_bk 0 bk-status
	assert_is "$(line 1)" \
		'web1: all is well. 3 jobs, last backup 12 min ago; 1 delayed.'
	assert_has "$out" 'tries again: no connection'
}

@test "the worst first, then what is to do, then the good ones" {
	conf 'repo main' 'keep=daily 3'
	state_of bk-restic 'backup etc' 60 0
	state_of bk-restic 'backup home' 12000 0 '' '' '.since="2026-01-01T00:00:00Z"'
	state_of bk-restic 'forget home' 60 1 'no space left'
	run_bk 1 bk-status
	assert_is "$(awk 'NR > 3 && /^[a-z]/ { printf "%s,", $1 }' "$out")" \
		never,failed,late,todo,ok,ok,
	assert_is "$(line 1)" 'web1: NOT SAFE: prune main never ran; 2 more.'
}

@test "a unit that was killed" {
	all_well
	state_of unit bk-restic 60 1 'killed by signal KILL'
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup home failed 60 s ago; 1 more.'
	assert_has "$out" '60 s ago: killed by signal KILL'
}

@test "colours on a terminal only, and not under NO_COLOR" {
	need_program script
	all_well
	state_of bk-restic 'backup etc' 60 1 'no'
	run_bk 1 bk-status
	assert_hasnt "$out" $'\e'
	run_bk 1 env TERM=xterm script -qec bk-status /dev/null
	assert_has "$out" $'\e[1;31mweb1: NOT SAFE'
	assert_has "$out" $'\e[1;31mfailed'
	assert_has "$out" $'\e[32mok'
	run_bk 1 env TERM=xterm NO_COLOR=1 script -qec bk-status /dev/null
	mv "$out" out1
	run_bk 1 grep $'\e\[[0-9]' out1
	run_bk 1 env TERM=dumb script -qec bk-status /dev/null
	mv "$out" out1
	run_bk 1 grep $'\e\[[0-9]' out1
}

@test "a long message is cut, and in full with -v" {
	local text
	all_well
	text=$(printf 'word%03d ' {1..100})
	state_of bk-restic 'backup etc' 60 1 "$text"
	run_bk 1 bk-status
	assert_fits
	assert_has "$out" word020
	assert_hasnt "$out" word035
	assert_has "$out" '...'
	run_bk 1 bk-status -v
	assert_fits
	assert_has "$out" word100
	assert_has "$out" '16 files'
}

@test "names and messages that a terminal would obey" {
	local evil=$'backup home:a\e[31m\nb\xe2\x80\xae long long long long long name'
	all_well
	cp "$BK_STATE_DIR/state/bk-restic.backup-home.json" s.json
	jq --arg j "$evil" '.job=$j | .message="x\u001b]0;t\u0007y\nz" | .exit=1 |
		.result="failed"' s.json \
		>"$BK_STATE_DIR/state/bk-restic.${evil// /-}.json"
	run_bk 1 bk-status -v
	[ "$(tr -d '\n' <"$out" | LC_ALL=C grep -c '[[:cntrl:]]')" = 0 ]
	assert_has "$out" 'home:a\x1b[31m\nb\x'
	assert_has "$out" 'x\x1b]0;t\x07y\nz'
	run_bk 1 bk-status --json
	assert_json "$out" "map(select(.job? // \"\" | startswith(\"backup home:a\"))) |
		length == 1 and .[0].message == \"x\u001b]0;t\u0007y\nz\""
	run_bk 0 bk-status --prom
	assert_has "$out" '{job="backup home:a'
	assert_is "$(grep -cv '^\(# \(HELP\|TYPE\) bk_\|bk_[a-z_]*\({.*}\)\? -\?[0-9]*$\)' "$out")" 0
}

@test "one job, in full" {
	all_well
	run_bk 0 bk-status 'backup home'
	assert_is "$(line 1)" 'backup home: ok'
	assert_has "$out" '  took       4 s'
	assert_has "$out" '  message    16 files'
	assert_has "$out" '  counts     bytes_added 2621440, files 16'
	assert_has "$out" '(12 min ago)'
	assert_hasnt "$out" 'backup etc'
	cp "$out" quoted
	run_bk 0 bk-status backup home
	assert_is "$stdout" "$(cat quoted)"
	run_bk 0 bk-status backup
	assert_has "$out" 'backup etc: ok'
	assert_has "$out" 'backup home: ok'
	state_of bk-restic 'backup etc' 60 1 'no luck'
	run_bk 0 bk-status 'backup home'
	run_bk 1 bk-status backup
	assert_has "$out" 'why        failed: no luck'
	run_bk 66 bk-status nothing
	assert_has "$err" "there is no job 'nothing'"
	run_bk 66 bk-status 'backup home' 'forget nothing'
	[ ! -s "$out" ]
}

@test "when it runs next, by systemd" {
	local now=$EPOCHSECONDS
	all_well
	conf 'repo main' 'keep=daily 3'
	fake_systemctl <<-END
		case "\$*" in
		*list-timers*) echo '[{"next":$((now + 1845))000000,"left":1,"last":null,
			"passed":null,"unit":"bk-restic.timer","activates":"bk-restic.service"},
			{"next":$((now + 605))123456,"unit":"bk-restic@etc.timer",
			"activates":"bk-restic@etc.service"},
			{"next":null,"unit":"bk-x.timer","activates":"bk-forget.service"}]' ;;
		*list-units*) echo '[]' ;;
		*) exit 1 ;;
		esac
	END
	run_bk 0 bk-status
	assert_fits
	assert_is "$(line 3 | awk '{ print $NF }')" NEXT
	assert_has <(grep 'backup home' "$out") ' 30 min'
	assert_has <(grep 'backup etc' "$out") ' 10 min'
	assert_has <(grep 'forget home' "$out") 'no timer'
	run_bk 0 bk-status --json
	assert_json "$out" "map(select(.job == \"backup home\"))[0].next |
		fromdate == $((now + 1845))"
	assert_json "$out" 'map(select(.job == "forget home"))[0] |
		has("next") and .next == null'
	run_bk 0 bk-status 'forget home'
	assert_has "$out" 'systemctl enable --now bk-forget.timer'
	rm "$BK_STATE_DIR/state/bk-restic.backup-home.json"
	fake_systemctl <<<"echo '[]'"
	run_bk 1 bk-status
	assert_has "$out" 'no timer starts it: systemctl enable --now'
}

@test "what runs right now" {
	all_well
	fake_systemctl <<-'END'
		case "$*" in
		*list-timers*) echo '[]' ;;
		*) echo '[{"unit":"bk-restic@home.service","active":"activating","sub":"start"}]' ;;
		esac
	END
	run_bk 0 bk-status
	assert_has <(grep 'backup home' "$out") ' running'
	assert_hasnt <(grep 'backup etc' "$out") ' running'
	run_bk 0 bk-status 'backup home'
	assert_has "$out" 'it is running right now'
}

@test "a systemctl that is missing, broken, talks nonsense or hangs" {
	local nonsense
	all_well
	for nonsense in 'exit 1' 'echo nonsense' 'echo "{}"' 'echo "[1,{},null]"' \
		'echo "[{\"next\":\"x\",\"activates\":5}]"' \
		'head -c 3000000 /dev/zero' 'kill -9 $$'; do
		fake_systemctl <<<"$nonsense"
		run_bk 0 bk-status
		[ -z "$stderr" ] || fail "$nonsense: $stderr"
	done
	rm "$T/bin/systemctl"
	mkdir "$T/only"
	ln -s "$(command -v env)" "$T/only/env"
	run_bk 0 env PATH="$T/only" "$BK_BIN/bk-status"
	fake_systemctl <<<'exec sleep 60'
	SECONDS=0
	run_bk 0 bk-status
	[ "$SECONDS" -lt 15 ]
	assert_is "$(line 1)" 'web1: all is well. 3 jobs, last backup 12 min ago.'
}

@test "monitors that cannot be reached, and those that nobody tells" {
	all_well
	printf '%s\n' '[monitor kuma]' 'url = https://kuma.example.org' \
		"token = file:$T/t" >>"$BK_CONFIG"
	run_bk 0 bk-status
	assert_is "$(line 1)" \
		'web1: all is well. 3 jobs, last backup 12 min ago; 1 to do.'
	assert_has "$out" 'was never told anything: does bk-notify.timer run?'
	state_of bk-notify 'monitor kuma' 60 0
	run_bk 0 bk-status
	assert_has "$out" 'ok       monitor kuma'
	assert_hasnt "$out" 'to do'
	state_of bk-notify 'monitor kuma' 60 75 'connection refused' 7200 \
		'.counts={"undelivered":2}'
	run_bk 0 bk-status
	assert_has "$out" 'todo     monitor kuma'
	assert_has "$out" 'not reached: connection refused; 2 messages wait'
	assert_has <(grep 'monitor kuma' "$out") ' 2 h ago'
	run_bk 0 bk-status --json
	assert_json "$out" 'map(select(.type == "monitor")) | length == 1 and
		.[0].job == "monitor kuma" and .[0].health == "todo"'
	state_of bk-notify 'monitor kuma' 7200 0
	run_bk 0 bk-status
	assert_has "$out" 'was last told 2 h 0 min ago'
}

@test "records" {
	all_well
	run_bk 0 bk-status --json
	assert_json "$out" '.[0].type == "status" and .[0].host == "web1" and
		.[0].safe and .[0].health == "ok" and
		.[0].text == "all is well. 3 jobs, last backup 12 min ago."'
	assert_json "$out" 'map(select(.type == "job")) | map(.job) ==
		["backup home", "backup etc", "kit main"]'
	assert_json "$out" '.[1] | .health == "ok" and .why == "" and .exit == 0 and
		.result == "ok" and .duration == 4 and .bytes_added == 2621440 and
		.limit == 10800 and .unit == "bk-restic" and .counts.files == 16 and
		.message == "16 files" and (has("next") | not)'
	assert_json "$out" 'last == {"v":1,"type":"end","status":0,"count":4}'
	rm "$BK_STATE_DIR"/state/bk-restic.*
	run_bk 1 bk-status --json
	assert_json "$out" 'last.status == 1 and .[1].health == "never"'
	run_bk 1 bk-status --json backup home
	assert_json "$out" 'map(.type) == ["job", "end"] and .[0].job == "backup home"'
	run_bk 1 bk-status -0
	assert_is "$(tr '\0' ',' <"$out")" 'backup home,backup etc,kit main,'
}

@test "for Prometheus: the answer is 0 whatever is wrong" {
	all_well
	state_of bk-restic 'backup etc' 60 1 'no'
	run_bk 0 bk-status --prom
	assert_has "$out" 'bk_status_safe 0'
	assert_has "$out" 'bk_job_health{job="backup etc",health="failed"} 1'
	assert_has "$out" 'bk_job_last_run_bytes_added{job="backup home"} 2621440'
	run_bk 64 bk-status --prom 'backup home'
	run_bk 64 bk-status --prom --fleet
}

@test "published for Prometheus: whole, and readable for its exporter" {
	all_well
	mkdir -m 755 prom
	conf host "prometheus=$T/prom/bk.prom"
	run_bk 0 bk-status --publish
	[ -z "$stdout$stderr" ]
	assert_is "$(stat -c %a prom/bk.prom)" 644
	assert_is "$(ls -A prom)" bk.prom
	assert_has prom/bk.prom 'bk_status_safe 1'
	rm "$BK_STATE_DIR"/state/bk-restic.*
	run_bk 0 bk-status --publish -v
	assert_has prom/bk.prom 'bk_status_safe 0'
	assert_has "$err" 'written: '
	rm prom/bk.prom
	run_bk 0 bk-status --publish -n
	assert_is "$stdout" "write $T/prom/bk.prom"
	[ ! -e prom/bk.prom ]
	rmdir prom
	run_bk 73 bk-status --publish
	ln -s /dev/full prom
	run_bk 73 bk-status --publish
}

@test "nothing to publish is no failure" {
	run_bk 0 bk-status --publish
	assert_has "$err" 'nothing to publish'
}

@test "an answer that cannot be written is an error" {
	all_well
	local way
	for way in '' --json --prom -0; do
		# shellcheck disable=SC2086
		run_bk 74 bash -c "bk-status $way >/dev/full"
	done
	run_bk 74 bash -c 'bk-status >&-'
	run_bk 0 bash -c 'bk-status <&- 2>&-'
	run_bk 0 env -u HOME bk-status
}

@test "usage, and a configuration with mistakes" {
	run_bk 0 bk-status -h
	assert_has "$out" 'bk-status --fleet'
	run_bk 0 bk-status -V
	run_bk 64 bk-status --nonsense
	run_bk 64 bk-status --fleet backup
	run_bk 64 bk-status --fleet --publish
	run_bk 64 bk-status --forget-host
	run_bk 66 bk-status -c "$T/none"
	echo 'nonsense' >>"$BK_CONFIG"
	run_bk 78 bk-status
	[ -z "$stdout" ]
}

@test "who may not read the states is told so" {
	need_root
	need_program setpriv
	local d=$T user
	all_well
	while [ "$d" ] && [ "$d" != /tmp ] && [ "$d" != /var/tmp ]; do
		chmod a+x "$d"
		d=${d%/*}
	done
	chmod 755 "$BK_STATE_DIR" "$BK_STATE_DIR/state"
	chmod 600 "$BK_STATE_DIR"/state/*
	chmod 644 "$BK_CONFIG"
	cp "$BK_BIN/bk-status" as-user
	user=(setpriv --reuid 65534 --regid 65534 --clear-groups ./as-user)
	run_bk 77 "${user[@]}"
	assert_has "$err" 'Permission denied'
	chmod 644 "$BK_STATE_DIR"/state/*
	run_bk 0 "${user[@]}"
	assert_is "$(line 1)" 'web1: all is well. 3 jobs, last backup 12 min ago.'
	chmod 700 "$BK_STATE_DIR/state"
	run_bk 77 "${user[@]}"
}

@test "the truth about real backups" {
	need_program restic
	local want
	rm -rf "$BK_STATE_DIR" "$BK_CACHE_DIR" "$BK_RUN_DIR" bk.conf
	restic_setup
	sed -i '/^keep/d' "$BK_CONFIG"
	run_bk 1 bk-status
	assert_is "$(line 1)" 'testhost: NOT SAFE: backup home never ran.'
	run_bk 0 bk-scan mark backup src/a src/b
	run_bk 0 bk-restic init
	run_bk 0 bk-restic backup
	want=$(jq .counts.bytes_added "$BK_STATE_DIR/state/bk-restic.backup-home.json")
	run_bk 0 bk-status
	assert_has <(line 1) 'testhost: all is well. 2 jobs, last backup '
	run_bk 0 bk-status --json
	assert_json "$out" "map(select(.job == \"backup home\"))[0] |
		.result == \"ok\" and .bytes_added == $want"
	echo wrong >pw
	run_bk 77 bk-restic backup
	run_bk 1 bk-status
	assert_has <(line 1) 'testhost: NOT SAFE: backup home failed '
	echo open-sesame >pw
	rm -r src/b
	run_bk 3 bk-restic backup
	run_bk 1 bk-status
	assert_has <(line 1) 'testhost: NOT SAFE: backup home was partial '
}
