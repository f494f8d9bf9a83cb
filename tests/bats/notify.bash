# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-notify share, beside helper.bash.
# shellcheck disable=SC2034,SC2154

# service DIR [OPTION...]: starts a stand-in; its files are port, log, control
# and pid in DIR.
service() {
	local dir=$1
	shift
	mkdir -p "$dir"
	rm -f "$dir/port"
	python3 "$BATS_TEST_DIRNAME/../rigs/kuma.py" --port-file "$dir/port" \
		--log "$dir/log" --control "$dir/control" "$@" \
		</dev/null >"$dir/out" 2>&1 3>&- &
	echo $! >"$dir/pid"
	wait_for 30 [ -s "$dir/port" ]
}

service_end() {
	local pid
	pid=$(cat "$1/pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || :
}

# One for the tests of a file: $SRV and, once there, $URL. TOKEN is its token.
notify_setup_file() {
	export SRV=$BATS_FILE_TMPDIR/srv TOKEN=canary/tok+7
	service "$SRV" --token "$TOKEN"
	export URL
	URL=http://127.0.0.1:$(cat "$SRV/port")
}

notify_teardown_file() { service_end "$SRV"; }

# A monitor "home" and a set "home" that is backed up.
notify_setup() {
	bk_setup
	: >"$SRV/log"
	: >"$SRV/control"
	umask 077
	printf %s "$TOKEN" >token
	cat >"$BK_CONFIG" <<-END
		[host]
		name = testhost
		[repo main]
		url = $T/repo
		password = file:$T/token
		[backup home]
		repo = main
		path = /etc
	END
	monitor home kuma "$URL"
}

# monitor NAME TYPE URL [LINE...]: adds one.
monitor() {
	printf '[monitor %s]\ntype = %s\nurl = %s\ntoken = file:%s\n' \
		"$1" "$2" "$3" "$T/token" >>"$BK_CONFIG"
	shift 3
	[ $# = 0 ] || printf '%s\n' "$@" >>"$BK_CONFIG"
}

fault() { echo "$*" >"$SRV/control"; }

stamp() { date -u -d "@$1" +%FT%TZ; }

# job "backup home" EXIT [AGE [MESSAGE]]: its state; it ended AGE seconds ago
# after 90 seconds. It was good 1000 seconds before, where it is not now.
job() {
	local now end good result=failed
	now=$(date +%s)
	end=$((now - ${3:-60})) good=$((end - 1000))
	case $2 in
	0) result=ok good=$end ;;
	3) result=partial ;;
	esac
	mkdir -p "$BK_STATE_DIR/state"
	jq -n --arg job "$1" --arg r "$result" --arg m "${4:-}" --arg x "$2" \
		--arg s "$(stamp $((end - 90)))" --arg e "$(stamp $end)" \
		--arg g "$(stamp $good)" '{v: 1, tool: "bk-restic", job: $job,
		host: "testhost", start: $s, end: $e, result: $r,
		exit: ($x | tonumber), message: $m, last_ok: $g, since: $g}' \
		>"$BK_STATE_DIR/state/bk-restic.${1// /-}.json"
}

# told: what the stand-in was told, a line each: "up TEXT".
told() {
	jq -r "select(.service and (.refused | not)) |
		(if .up == false or .json.status == \"down\" then \"down\"
		elif .service == \"ntfy\" then .headers.title
		else \"up\" end) + \" \" + (.msg // .json.text)" "$SRV/log"
}

# monitor_state NAME FILTER: jq's answer over its state file.
monitor_state() {
	jq -r "$2" "$BK_STATE_DIR/state/bk-notify.monitor-$1.json"
}

# kept NAME: how many messages wait.
kept() { find "$BK_STATE_DIR/notify/$1" -name '*.json' 2>/dev/null | wc -l; }

# The token is nowhere but where it was put.
assert_no_token() {
	! grep -rlaF -e 'canary' "$BK_STATE_DIR" "$BK_RUN_DIR" "$out" "$err" ||
		fail "the token got out"
}
