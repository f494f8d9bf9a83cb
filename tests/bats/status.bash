# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-status share, beside helper.bash.

# Two sets on host web1, and a systemctl that knows nothing.
status_setup() {
	bk_setup
	need_program jq
	mkdir "$T/bin"
	PATH=$T/bin:$PATH
	fake_systemctl <<<'exit 1'
	cat >"$BK_CONFIG" <<-END
		[host]
		name = web1
		[repo main]
		url = $T/repo
		password = file:$T/pw
		[backup home]
		repo = main
		path = /home
		[backup etc]
		repo = main
		path = /etc
	END
	mkdir -m 700 "$BK_STATE_DIR/state"
}

# after SECTION KEY=VALUE: adds a line below "[SECTION]".
conf() {
	sed -i "/^\[$1\]/a ${2%%=*} = ${2#*=}" "$BK_CONFIG"
}

# A program in place of systemctl: a shell script from stdin.
fake_systemctl() {
	{ echo '#!/bin/bash'; cat; } >"$T/bin/systemctl"
	chmod 755 "$T/bin/systemctl"
}

# ago SECONDS: such a time, as states have it.
ago() {
	date -u -d "@$((EPOCHSECONDS - $1))" +%Y-%m-%dT%H:%M:%SZ
}

# state_of TOOL JOB SECONDS_AGO EXIT [MESSAGE [LAST_OK_AGO [FILTER]]]: the
# state of a run of four seconds that ended then; jq's FILTER changes it.
state_of() {
	local file="$1.$2.json" result=failed last=null
	case $4 in 0) result=ok ;; 3) result=partial ;; esac
	[ "$4" != 0 ] || last="\"$(ago "$3")\""
	[ -z "${6:-}" ] || last="\"$(ago "$6")\""
	jq -n --arg tool "$1" --arg job "$2" --arg start "$(ago $(($3 + 4)))" \
		--arg until "$(ago "$3")" --arg result "$result" \
		--argjson exit "$4" --arg message "${5:-}" --argjson last_ok "$last" \
		'{v:1,tool:$tool,job:$job,host:"web1",start:$start,end:$until,
		result:$result,exit:$exit,message:$message,last_ok:$last_ok,
		since:$start}'" | ${7:-.}" >"$BK_STATE_DIR/state/${file//[ \/]/-}"
}

# Both sets were backed up, and the sheet was proved.
all_well() {
	state_of bk-restic 'backup home' 720 0 '16 files' '' \
		'.counts={"bytes_added":2621440,"files":16}'
	state_of bk-restic 'backup etc' 3600 0 '9 files'
	state_of bk-secret 'kit main' 86400 0
}

# line N: of the output.
# shellcheck disable=SC2154
line() {
	sed -n "${1}p" "$out"
}

# No line of the output is wider than a screen, nor ends with a blank.
# shellcheck disable=SC2154
assert_fits() {
	local wide
	wide=$(LC_ALL=C.UTF-8 awk 'length($0) > 80 || / $/' "$out")
	[ -z "$wide" ] || fail "does not fit:" "$wide"
}

# on_box URL: the fleet meets there.
on_box() {
	conf host fleet=fsn
	printf '%s\n' '[box fsn]' "url = $1" >>"$BK_CONFIG"
}

# as_host NAME SECONDS_AGO FILE [FILTER]: what web1 published, as if from there.
# shellcheck disable=SC2154
as_host() {
	jq -c --arg h "$1" --arg t "$(ago "$2")" ".host=\$h | .time=\$t | ${4:-.}" \
		"$fleet/web1.json" >"$fleet/$3"
}
