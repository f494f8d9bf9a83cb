#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config init, on a host of its own where no systemd runs.

load helper
load notify
load config

setup() { host_setup; }
teardown() {
	service_end "$T/srv"
	host_teardown
}

person() { there python3 "$rig/answer.py" "$@"; }

@test "by options: from nothing to a first backup, and again: all is kept" {
	init_file 0
	step 'done' configuration
	step 'done' 'password main'
	step 'done' 'repository main'
	step 'done' 'first backup'
	step skipped timers
	step 'to do' 'kit main'
	assert_has "$out" 'bk-restic init main'
	assert_has "$out" 'all is well'
	assert_is "$(stat -c %a etc/bk/bk.conf)" 640
	assert_is "$(stat -c %a etc/bk/pw)" 600
	pw=$(cat etc/bk/pw)
	assert_hasnt "$out" "$pw"
	assert_hasnt "$err" "$pw"
	run_bk 0 there bk-restic restore files --target "$T/back" "$T/src/b"
	cmp "back$T/src/b/three" src/b/three
	sha256sum etc/bk/bk.conf etc/bk/pw >sums
	init_file 0
	step kept configuration
	step kept 'password main'
	step kept 'repository main'
	step kept 'first backup'
	assert_hasnt "$out" 'done	'
	sha256sum -c --quiet sums
	# what the options say now is not what holds
	init_file 0 --path "$T/etc"
	assert_has "$err" 'options say otherwise'
	sha256sum -c --quiet sums
	run_bk 3 there bk-config check
	assert_hasnt "$out" 'error	'
}

@test "--json: a record for each step, and an end" {
	init_file 0 --json --no-backup
	assert_json "$out" 'last | .type == "end" and .status == 0'
	assert_json "$out" 'map(select(.type == "step")) |
		any(.step == "first backup" and .state == "skipped")'
	assert_json "$out" 'map(select(.step == "repository main"))[0] |
		.state == "done" and .command == "bk-restic init main"'
}

@test "-n says what would be done, and does nothing" {
	init_file 0 -n
	step would configuration
	step would 'repository main'
	assert_has "$out" "url = $T/repo"
	assert_has "$out" 'bk-restic backup files'
	[ ! -e etc/bk ] && [ ! -e repo ]
	assert_is "$(find state | wc -l)" 1
}

@test "the sample configuration stays below; a section is added later" {
	mkdir etc/bk
	cp "$BATS_TEST_DIRNAME/../../lib/conf/examples/bk.conf" etc/bk/
	init_file 0 --no-backup --keep '' --root "$T/src"
	run_bk 0 there bk-config show backup
	assert_has "$out" "path = $T/src"
	assert_has "$out" 'markers = yes'
	assert_hasnt "$out" 'keep ='
	assert_has etc/bk/bk.conf '#[cold photos]'
	echo s3cret >token
	init_file 1 --no-backup --monitor-url http://127.0.0.1:9/ \
		--monitor-token-from token
	step 'done' configuration
	step 'done' 'monitor main'
	step failed 'monitor main'
	assert_is "$(cat etc/bk/kuma.token)" s3cret
	assert_hasnt "$out" s3cret
	assert_hasnt "$err" s3cret
	run_bk 0 there bk-config show monitor
	assert_has "$out" "token = file:/etc/bk/kuma.token"
	# what is there needs no file any more
	rm token
	init_file 1 --monitor-token-from token
	step kept 'monitor main'
}

@test "a configuration by hand is used, and not touched" {
	mkdir etc/bk
	(umask 077 && echo open-sesame >pw)
	cat >etc/bk/bk.conf <<-END
		[repo mine]
		url = $T/repo
		password = file:$T/pw
		[backup all]
		repo = mine
		path = $T/src
	END
	cp etc/bk/bk.conf before
	init 0
	step kept configuration
	step kept 'password mine'
	step 'done' 'repository mine'
	step 'done' 'first backup'
	cmp before etc/bk/bk.conf
	init 78 --monitor-url http://127.0.0.1:9/ --monitor-token-from pw
	step failed configuration
	assert_has "$out" '[monitor main]'
	step kept 'repository mine'
	cmp before etc/bk/bk.conf
}

@test "a configuration with problems: all are said, nothing is done" {
	mkdir etc/bk
	printf '[repo main]\nurll = x\n[bakup x]\n' >etc/bk/bk.conf
	init_file 78
	assert_has "$err" "did you mean 'url'"
	assert_has "$err" 'bakup'
	[ ! -e repo ]
}

@test "wrong options: nothing is done" {
	init 64
	assert_has "$err" '--repo-url'
	init_file 64 --path "$T/no"
	assert_has "$err" "--path: '$T/no'"
	init_file 64 --keep 'hourly x'
	init_file 64 --path rel
	init_file 64 --monitor-url ftp://x
	init_file 64 --monitor-url http://x --monitor-type xyz
	init_file 64 --box nowhere
	init 64 --repo-url "$T/repo" --password-ref hunter2 --path "$T/src"
	assert_hasnt "$err" hunter2
	run_bk 64 there bk-config init --repo-url "$T/repo" </dev/null
	assert_has "$err" 'terminal'
	run_bk 64 there bk-config init x --yes
	run_bk 64 there bk-config check --yes
	assert_has "$err" '--yes is no option of check'
	[ ! -e etc/bk ]
}

@test "a repository with another password is not given a new one" {
	RESTIC_PASSWORD=old restic -q -r "$T/repo" init
	init_file 66
	step failed 'password main'
	assert_has "$out" "bk-secret set file:$T/etc/bk/pw"
	step skipped repositories
	[ ! -e etc/bk/pw ]
	(umask 077 && echo wrong >etc/bk/pw)
	init_file 77
	step failed 'repository main'
	step skipped 'first backup'
	step skipped timers
	echo old >etc/bk/pw
	init_file 0
	step kept 'repository main'
	step 'done' 'first backup'
}

@test "markers: made, looked for, and named when there is none" {
	init 0 --repo-url "$T/repo" --password-ref "file:$T/etc/bk/pw" \
		--mark "$T/src/a"
	step 'done' marker
	step 'done' 'first backup'
	[ -e src/a/.backup ]
	run_bk 1 there bk-restic find files three
	assert_is "$stdout" ''
	rm src/a/.backup state/state/bk-restic.backup-files.json
	init 0
	step 'to do' choice
	step skipped 'first backup'
	assert_has "$out" 'bk-scan mark backup FOLDER'
}

@test "a repository inside what is backed up is excluded" {
	init 0 --repo-url "$T/src/repo" --password-ref "file:$T/etc/bk/pw" \
		--path "$T/src"
	assert_has etc/bk/bk.conf "exclude = $T/src/repo"
	run_bk 1 there bk-restic find files config
	assert_is "$stdout" ''
}

@test "at a terminal: little is asked, wrong answers are asked again" {
	run_bk 0 person \
		'URL of restic:' 'somewhere' \
		'URL of restic:' '' \
		'URL of restic:' "$T/repo" \
		'/srv]:' 'nothing/whole' \
		'/srv]:' "$T/absent" \
		'/srv]:' "$T/src $T/etc/hosts" \
		'/srv]:' '-' \
		'[nobody]:' 'kuma' \
		'[nobody]:' '' \
		-- bk-config init --password-ref "file:$T/etc/bk/pw"
	assert_has "$out" 'is no whole path'
	assert_has "$out" 'is not an absolute path'
	assert_has "$out" 'No such file'
	assert_has "$out" 'is not an address'
	assert_has "$out" 'all is well'
	run_bk 0 there bk-config show backup
	assert_has "$out" "path = $T/etc/hosts"
	assert_has "$out" 'markers = no'
	# nothing is left to ask but who is told
	run_bk 0 person '[nobody]:' '' -- bk-config init
	assert_has "$out" 'has all that is needed'
}

@test "another configuration than that of the timers enables none" {
	fake_systemctl
	mkdir etc/bk
	init_file 0 --no-backup -c "$T/other.conf"
	step skipped timers
	assert_has "$out" 'they read /etc/bk/bk.conf'
	assert_has "$out" "bk-restic -c $T/other.conf init main"
	assert_hasnt systemctl.log enable
	[ ! -e etc/bk/bk.conf ]
	BK_CONFIG=$T/other.conf init_file 0 --no-backup
	step skipped timers
}

@test "what bk.conf cannot hold is not written into it" {
	mkdir $'src/new\nline' 'src/a ;b'
	init_file 64 --path "$T/src/"$'new\nline'
	assert_has "$err" 'must not hold'
	init_file 64 --path "$T/src/a ;b"
	init 64 --path "$T/src" --repo-url $'x:y\n[repo two]'
	[ ! -e etc/bk ]
}

@test "at a terminal: who leaves finds it as it was" {
	run_bk -s 130 person 'URL of restic:' '^C' -- bk-config init
	run_bk 1 person 'URL of restic:' '^D' -- bk-config init
	assert_has "$out" 'there was no answer'
	run_bk 1 person 'URL of restic:' "$T/repo" '/srv]:' '^D' -- \
		bk-config init
	[ ! -e etc/bk ] && [ ! -e repo ]
}

@test "at a terminal: the token of a monitor is typed, and not shown" {
	run_bk 1 person 'URL of restic:' "$T/repo" '/srv]:' "$T/src" \
		'/srv]:' - '[nobody]:' http://127.0.0.1:9 '[kuma]:' '' \
		'kuma.token:' s3cret '(again):' s3cret \
		-- bk-config init --password-ref "file:$T/etc/bk/pw" \
		--no-backup
	assert_is "$(cat etc/bk/kuma.token)" s3cret
	assert_hasnt "$out" s3cret
}

@test "a monitor hears a test, and its timer is enabled" {
	need_program python3
	service "$T/srv" --token abc
	fake_systemctl
	echo abc >token
	init_file 0 --no-backup --monitor-token-from - --monitor-url \
		"http://127.0.0.1:$(cat srv/port)" <token
	step 'done' 'monitor main'
	assert_has "$out" 'a test has arrived'
	assert_has srv/log abc
	assert_has systemctl.log 'bk-forget.timer bk-verify.timer bk-notify.timer'
	run_bk 3 there bk-config check --push
	assert_hasnt "$out" 'error	'
	echo wrong >etc/bk/kuma.token
	init_file 1 --no-backup
	step kept 'monitor main'
	step failed 'monitor main'
	run_bk 3 there bk-config check
	run_bk 1 there bk-config check --push
	found error '[monitor main]' 'a test did not arrive'
}

# bats test_tags=long
@test "with a keyring: made, its master shown once, opened by the host" {
	need_program systemd-creds
	init 64 --repo-url "$T/repo" --path "$T/src"
	step failed keyring
	assert_has "$out" '--master-to'
	init 0 --master-to master
	step kept configuration
	step 'done' keyring
	step 'done' 'password main'
	step 'done' 'first backup'
	assert_is "$(stat -c %a master)" 600
	[ "$(wc -c <master)" -gt 20 ]
	assert_hasnt "$out" "$(cat master)"
	assert_hasnt "$err" "$(cat master)"
	init 0
	step kept keyring
	step kept 'password main'
}

# bats test_tags=long
@test "a keyring that the host no longer opens is enrolled again" {
	need_program systemd-creds
	init 0 --repo-url "$T/repo" --path "$T/src" --master-to master \
		--no-backup
	rm etc/credstore.encrypted/bk.keyring
	init 75
	step failed keyring
	assert_has "$out" 'bk-secret enroll'
	run_bk 1 there bk-config check --offline
	found error '[repo main]' 'keyring:restic/main'
	run_bk 0 person '[nobody]:' '' 'of the keyring:' "$(cat master)" -- \
		bk-config init --no-backup
	run_bk 3 there bk-config check --offline
	# a master is not written over what is there
	rm etc/credstore.encrypted/bk.keyring etc/bk/cryptfile_pass.cfg
	init 73 --master-to master
	assert_has "$out" "cannot create 'master'"
}

# bats test_tags=long
@test "at a terminal: the master of a keyring stays until it is written down" {
	need_program systemd-creds
	run_bk 0 person 'URL of restic:' "$T/repo" '/srv]:' "$T/src" \
		'/srv]:' - '[nobody]:' '' 'keyring? [no]:' '' \
		'keyring? [no]:' maybe 'keyring? [no]:' yes \
		-- bk-config init --no-backup
	assert_has "$out" 'write it down'
	assert_has "$out" 'please answer yes or no'
	run_bk 0 there bk-secret check
}

@test "killed at each step, it goes on from there" {
	local n=0
	while :; do
		start bk-config init --yes --repo-url "$T/repo" \
			--path "$T/src" --root "$T/src" \
			--password-ref "file:$T/etc/bk/pw"
		wait_for 60 ended_or_said $n
		kill -9 "$pid" 2>/dev/null || break
		wait "$pid" || :
		wait_for 20 nobody_left
		n=$((n + 1))
		[ $n -lt 12 ] || break
	done
	[ $n -ge 4 ] || fail "only $n steps were killed"
	init_file 0 --root "$T/src"
	assert_hasnt "$out" 'failed	'
	run_bk 0 there bk-restic restore files --target "$T/back" "$T/src/b"
	cmp "back$T/src/b/three" src/b/three
	assert_is "$(find etc/bk -name '*.??????' | wc -l)" 0
}

ended_or_said() {
	[ "$(wc -l <"$T/steps")" -gt "$1" ] || ! kill -0 "$pid" 2>/dev/null
}

@test "stopped by a signal, it says so" {
	mkfifo never
	start bk-config init --yes --repo-url "$T/repo" --path "$T/src" \
		--password-ref "command:/bin/cat $T/never"
	wait_for 20 grep -q configuration "$T/steps"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	assert_is "$status" 143
	assert_has "$T/said" 'goes on where it stopped'
}

@test "two at once: the second goes" {
	mkfifo never
	start bk-config init --yes --repo-url "$T/repo" --path "$T/src" \
		--password-ref "command:/bin/cat $T/never"
	wait_for 20 grep -q configuration "$T/steps"
	init_file 75
	assert_has "$err" 'is locked by process'
	kill -TERM "$pid"
	wait "$pid" || :
}

@test "timers: those that are needed, once, and what they may write" {
	fake_systemctl
	init_file 0
	step 'done' units
	step 'done' timers
	assert_has systemctl.log \
		'enable --now bk-restic.timer bk-forget.timer bk-verify.timer'
	assert_hasnt systemctl.log bk-notify.timer
	assert_is "$(grep -v '^#' \
		etc/systemd/system/bk-restic.service.d/repo-main.conf | xargs)" \
		"[Service] ReadWritePaths=$T/repo"
	[ -e etc/systemd/system/bk-forget.service.d/repo-main.conf ]
	assert_has systemctl.log daemon-reload
	: >systemctl.log
	init_file 0
	step kept timers
	assert_hasnt systemctl.log enable
	init_file 0 --no-timers
	step skipped timers
}

@test "systemctl fails: so does the step" {
	fake_systemctl
	sed -i 's/^enable)/enable) echo no such luck >\&2; exit 5;;\nx)/' \
		bin/systemctl
	init_file 1
	step failed timers
	assert_has "$out" 'no such luck'
}

@test "a full disk, a folder that cannot be made: said, and no half file" {
	mkdir etc/bk
	there mount -t tmpfs -o size=4k,mode=755 none /etc/bk
	there sh -c 'head -c 4096 /dev/zero >/etc/bk/full'
	init_file 74
	step failed configuration
	run_bk 0 there ls /etc/bk
	assert_is "$stdout" full
	there umount /etc/bk
	rmdir etc/bk
	: >etc/bk
	init_file 78
	assert_has "$err" 'Not a directory'
}

@test "a password that cannot be stored, no restic: said" {
	init 73 --repo-url "$T/repo" --password-ref "file:$T/no/such/pw" \
		--path "$T/src"
	step failed 'password main'
	step skipped repositories
	sed -i "s,^password.*,password = file:$T/pw2\nprogram = /no/restic," \
		etc/bk/bk.conf
	init 75
	step failed 'repository main'
	assert_has "$out" '/no/restic'
}

@test "as an ordinary user, beside the user's own configuration" {
	need_program setpriv
	# where others can come
	there mount -t tmpfs -o mode=755 none /mnt
	there mkdir /mnt/bin /mnt/u
	there cp "$BK_BIN"/bk-{config,restic,scan,secret,status} /mnt/bin
	there chown 20009:20009 /mnt/u
	run_bk 0 there env -u BK_STATE_DIR -u BK_CACHE_DIR -u BK_RUN_DIR \
		HOME=/mnt/u XDG_CONFIG_HOME=/mnt/u/c XDG_STATE_HOME=/mnt/u/s \
		XDG_CACHE_HOME=/mnt/u/k XDG_RUNTIME_DIR=/mnt/u/r \
		PATH="/mnt/bin:$PATH" setpriv --reuid 20009 --regid 20009 \
		--clear-groups bk-config init --yes --repo-url /mnt/u/repo \
		--password-ref file:/mnt/u/c/bk/pw
	step 'done' 'first backup'
	assert_has "$out" "they are root's"
	run_bk 0 there cat /mnt/u/c/bk/bk.conf
	assert_has "$out" 'path = /mnt/u'
	assert_has "$out" 'exclude = /mnt/u/repo'
	[ ! -e etc/bk ]
}
