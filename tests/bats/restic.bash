# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-restic share, beside helper.bash.

# Making a repository takes seconds, so that each file makes one: $REPO0. To
# open it costs nothing.
restic_setup_file() {
	export REPO0=$BATS_FILE_TMPDIR/repo RESTIC_CACHE_DIR=$BATS_FILE_TMPDIR/c
	RESTIC_PASSWORD=open-sesame restic -q -r "$REPO0" init
	cheap_key "$REPO0" open-sesame
}

# cheap_key REPO PASSWORD: of a new one; where Cryptodome is missing, it stays.
cheap_key() {
	local status=0
	printf %s "$2" | python3 "$BATS_TEST_DIRNAME/../rigs/restic_key.py" \
		reseal "$1" || status=$?
	[ $status = 0 ] || [ $status = 69 ] || [ $status = 127 ]
}

# quick_restic: makes $QUICK, restic but for the keys that it adds: to open
# them costs nothing.
quick_restic() {
	export QUICK=$BATS_FILE_TMPDIR/restic
	local rig=$BATS_TEST_DIRNAME/../rigs/restic_key.py
	cat >"$QUICK" <<-END
		#!/bin/bash
		case "\$*" in
		*"key add"*)
			status=0
			python3 "$rig" "\$@" || status=\$?
			[ \$status = 69 ] || [ \$status = 127 ] || exit \$status
			;;
		esac
		exec $(command -v restic) "\$@"
	END
	chmod 755 "$QUICK"
}

# A repository "main" in $T/repo, a set "home", and a small tree $T/src.
restic_setup() {
	bk_setup
	unset RESTIC_CACHE_DIR
	[ -z "${REPO0:-}" ] || cp -r "$REPO0" "$T/repo"
	(umask 077 && echo open-sesame >"$T/pw")
	cat >"$BK_CONFIG" <<-END
		[host]
		name = testhost
		[scan]
		root = $T/src
		[repo main]
		url = $T/repo
		password = file:$T/pw
		keep = hourly 48
		lock-wait = 2s
		retries = 0
		[backup home]
		repo = main
		markers = yes
	END
	mk_tree "$T/src" <<-END
		a/one = 1
		a/two = 22
		b/three = 333
		c/four = 4444
	END
}

# conf KEY=VALUE: adds a line to [repo main]; a key that is there is replaced.
conf_repo() {
	sed -i -e "/^${1%%=*} = /d" -e "/^\[repo main\]/a ${1%%=*} = ${1#*=}" \
		"$BK_CONFIG"
}

# plan LINE...: a plan on stdout. A line is "root PATH", "nested PATH", "out
# PATH", "missing PATH" or "on MOUNT PATH" (a root on that mount point).
plan() {
	local n=2 line kind path mount state
	echo '{"v":1,"type":"plan","host":"testhost","time":"2026-11-22T17:00:00Z","scanned":["/"]}'
	echo '{"v":1,"type":"set","class":"restic","name":"home","repo":"main","exclude":[]}'
	for line; do
		kind=${line%% *} path=${line#* } mount=/ state=ok
		case $kind in
		on) mount=${path%% *} path=${path#* } kind=root ;;
		missing) state=missing kind=root ;;
		esac
		jq -cn --arg p "$path" --arg k "$kind" --arg m "$mount" --arg s "$state" \
			'{v:1,type:(if $k=="out" then "out" else "root" end),class:"restic",
			set:"home",path:$p,state:$s,mount:$m,nested:($k=="nested"),exclude:[]}'
		n=$((n + 1))
	done
	echo '{"v":1,"type":"end","status":0,"count":'$n'}'
}

# backup STATUS [OPTION...] -- LINE...: back up set home by that plan.
backup() {
	local want=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	plan "$@" >"$T/plan"
	run_bk "$want" bk-restic backup "${options[@]}" home - <"$T/plan"
}

# snapshots: how many the repository has.
snapshots() {
	find "$T/repo/snapshots" -type f | wc -l
}

# state JOB FILTER: jq's answer over the state file of a job.
state() {
	jq -r "$2" "$BK_STATE_DIR/state/bk-restic.$1.json"
}

# A program in place of restic: a shell script from stdin; $RESTIC is real.
fake_restic() {
	RESTIC=${QUICK:-$(command -v restic)}
	export RESTIC
	{ echo '#!/bin/bash'; cat; } >"$T/fake"
	chmod 755 "$T/fake"
	conf_repo "program=$T/fake"
}
