#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-restic on bad days, each made to happen.
# shellcheck disable=SC2094

load helper
load restic

setup_file() { restic_setup_file; }
setup() { restic_setup; }
teardown() {
	[ ! -d "$T/b" ] || "$BATS_TEST_DIRNAME/../rigs/box.sh" down "$T/b" one
	! mountpoint -q "$T/tiny" || umount "$T/tiny"
}

# held: the set's old snapshots are kept.
held() {
	assert_is "$(state backup-home .result) $(state backup-home .held)" \
		"partial true"
	run_bk 1 bk-restic forget home
	assert_has "$err" 'held'
	assert_is "$(state forget-home .result)" failed
}

@test "a root that does not exist: the rest is saved, and forget is held" {
	backup 3 -- "root $T/src/a" "missing $T/src/nix"
	assert_has "$err" 'src/nix does not exist'
	assert_has "$out" '2 files'
	assert_is "$(snapshots)" 1
	held
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic forget home
	assert_is "$(state backup-home .held)" false
}

@test "a root whose folder is gone since the last good run" {
	backup 0 -- "root $T/src/a" "root $T/src/b"
	last=$(state backup-home .last_ok)
	mv src/b elsewhere
	backup 3 -- "root $T/src/a"
	assert_has "$err" 'src/b is gone'
	assert_is "$(state backup-home .last_ok)" "$last"
	held
	# once more: it does not become ordinary by repetition
	backup 3 -- "root $T/src/a"
	backup 0 --accept -- "root $T/src/a"
	run_bk 0 bk-restic forget home
	backup 0 -- "root $T/src/a"
}

@test "a root that is merely no longer chosen is no alarm" {
	echo 'shrink-alarm = 100%' >>"$BK_CONFIG"
	backup 0 -- "root $T/src/a" "root $T/src/c"
	backup 0 -- "root $T/src/a"
	assert_has "$err" 'src/c is no longer chosen'
}

@test "a file system that is not mounted" {
	backup 0 -- "on $T/src/b $T/src/b"
	rm src/b/three
	backup 3 -- "on / $T/src/b"
	assert_has "$err" "$T/src/b is not mounted"
	held
}

@test "a plan that became empty stores nothing and holds forget" {
	run_bk 66 bk-restic backup home - < <(plan)
	assert_has "$err" 'nothing to back up'
	assert_is "$(state backup-home .result)" failed
	backup 0 -- "root $T/src/a"
	run_bk 66 bk-restic backup home - < <(plan)
	assert_is "$(snapshots)" 1
	run_bk 1 bk-restic forget home
	run_bk 0 bk-restic backup --accept home - < <(plan)
	run_bk 0 bk-restic forget home
	assert_is "$(snapshots)" 1
	backup 0 -- "root $T/src/a"
	run_bk 66 bk-restic backup home - < <(plan "missing $T/src/nix")
	assert_has "$err" 'src/nix does not exist'
}

@test "a set that shrank by more than shrink-alarm" {
	echo 'shrink-alarm = 50%' >>"$BK_CONFIG"
	head -c 100000 /dev/urandom >src/a/big
	backup 0 -- "root $T/src/a"
	rm src/a/big
	backup 3 -- "root $T/src/a"
	assert_has "$err" 'shrank from 97.6 KiB to 5 B'
	held
	backup 0 --accept -- "root $T/src/a"
	rm src/a/two
	backup 3 -- "root $T/src/a"
	sed -i 's/^shrink-alarm.*/shrink-alarm = 100%/' "$BK_CONFIG"
	backup 0 -- "root $T/src/a"
	run_bk 64 bk-restic backup --accept
}

@test "a file that cannot be read makes it partial, but holds nothing" {
	need_root
	chmod 755 "$T" "$BATS_RUN_TMPDIR" 2>/dev/null || :
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		[[ " $* " == *" backup "* ]] || exec "$RESTIC" "$@"
		echo '{"message_type":"error","error":{"message":"open /x/s: permission denied"},"during":"archival","item":"/x/s"}' >&2
		"$RESTIC" "$@" || exit
		exit 3
	END
	backup 3 -- "root $T/src/a"
	assert_has "$err" 'open /x/s: permission denied'
	assert_is "$(state backup-home .held)" false
	run_bk 0 bk-restic forget home
}

@test "a damaged record of the last good run fails closed" {
	backup 0 -- "root $T/src/a"
	echo '{"v":1,"held":fal' >state/restic/home.json
	run_bk 1 bk-restic forget home
	assert_has "$err" 'cannot be read'
	backup 3 -- "root $T/src/a"
	held
	backup 0 --accept -- "root $T/src/a"
	run_bk 0 bk-restic forget home
}

@test "streams of one set are thinned each on its own" {
	for n in 1 2; do
		run_bk 0 bk-restic backup home --stdin one.sql -- echo 1
		run_bk 0 bk-restic backup home --stdin two.sql -- echo 2
	done
	conf_repo 'keep=last 1'
	run_bk 0 bk-restic --json forget home
	assert_json "$out" '.[0].kept == 2 and .[0].removed == 2'
	sed 's/^\[backup home\]/[backup stdin]/' "$BK_CONFIG" >bad.conf
	run_bk 78 bk-restic -c bad.conf snapshots
}

@test "a run with faults is no measure, and releases nothing" {
	fake_restic <<-'END'
		[[ " $* " == *" backup "* && -e fault ]] || exec "$RESTIC" "$@"
		"$RESTIC" "$@" || exit
		exit 3
	END
	for n in 1 2 3 4 5 6 7 8; do echo $n >src/a/$n; done
	backup 0 -- "root $T/src/a"
	touch fault
	rm src/a/[1-4]
	backup 3 -- "root $T/src/a"
	assert_is "$(jq .good.files state/restic/home.json)" 10
	rm src/a/[5-6]
	backup 3 -- "root $T/src/a"
	held
	rm fault
	backup 3 -- "root $T/src/a"
	held
	backup 0 --accept -- "root $T/src/a"
	run_bk 0 bk-restic forget home
}

@test "a snapshot that nobody judged is no reason to forget others" {
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic exec main -- -q backup --host testhost \
		--tag bk,home "$T/src/b"
	run_bk 1 bk-restic forget home
	assert_has "$err" 'back up first'
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic forget home
}

@test "forget waits for a backup, and then asks whether it may" {
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || until [ -e $T/go ]; do sleep 0.05; done
		exec "\$RESTIC" "\$@"
	END
	conf_repo 'keep=last 1'
	conf_repo 'lock-wait=60s'
	touch go
	backup 0 -- "root $T/src/a" "root $T/src/b"
	rm -r go src/b
	plan "root $T/src/a" >plan
	bk-restic backup home - <plan >o.txt 2>&1 3>&- &
	one=$!
	wait_for 30 pgrep -f 'files-from-raw' >/dev/null
	bk-restic forget home >f.txt 2>&1 3>&- &
	two=$!
	wait_for 30 grep -q waiting f.txt
	touch go
	wait $one || status=$?
	assert_is "$status" 3
	status=0
	wait $two || status=$?
	assert_is "$status" 1
	assert_is "$(snapshots)" 2
}

@test "forget finds nothing to do in a set without snapshots" {
	run_bk 0 bk-restic forget
	assert_has "$out" '0 snapshots kept'
}

@test "no URL with a password in what restic says" {
	conf_repo 'url=s3:http://us:canary7@127.0.0.1:1/bucket'
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		echo "Fatal: unable to open s3:http://us:canary7@127.0.0.1:1/bucket: broken" >&2
		exit 1
	END
	backup 1 -v -v -- "root $T/src/a"
	assert_has "$err" 'http://us:***@127.0.0.1:1/bucket: broken'
	assert_hasnt "$err" canary7
	run ! grep -r canary7 "$BK_STATE_DIR"
}

@test "a clock behind the newest snapshot forgets nothing" {
	run_bk 0 bk-restic exec main -- -q backup --host testhost --tag bk,home \
		--time '2099-01-01 00:00:00' "$T/src/a"
	conf_repo 'keep=last 1'
	backup 0 -- "root $T/src/a"
	run_bk 1 bk-restic forget home
	assert_has "$err" 'clock is behind the newest snapshot'
	assert_is "$(snapshots)" 2
}

@test "no repository, wrong password, no restic, an old one, none at all" {
	mv repo away
	backup 66 -- "root $T/src/a"
	assert_has "$err" 'bk-restic init main'
	[ ! -e repo ]
	mv away repo
	echo wrong >pw
	backup 77 -- "root $T/src/a"
	assert_has "$err" 'wrong password'
	assert_is "$(state backup-home .exit)" 77
	conf_repo "program=$T/nix"
	backup 69 -- "root $T/src/a"
	fake_restic <<<'echo restic 0.13.1 compiled with go1.18 on linux/amd64'
	backup 69 -- "root $T/src/a"
	assert_has "$err" 'older than restic 0.14.0'
	fake_restic <<<'echo hello'
	backup 69 -- "root $T/src/a"
	assert_has "$err" 'is no restic'
}

@test "restic killed, crashed, or silent is a failure" {
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		kill -9 $$
	END
	backup 1 -- "root $T/src/a"
	assert_has "$err" 'killed by signal 9'
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		echo panic >&2; exit 2
	END
	backup 1 -- "root $T/src/a"
	assert_has "$err" 'panic'
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		exit 0
	END
	backup 76 -- "root $T/src/a"
	fake_restic <<-'END'
		[ "$1" != version ] || exec "$RESTIC" version
		echo '{"message_type":"never heard of","x":['$(printf '1,%.0s' {1..50000})'1]}'
		echo 'not json at all'
		exec "$RESTIC" "$@"
	END
	backup 0 -- "root $T/src/a"
}

@test "the password is in no argument and no environment" {
	cat >"$T/give" <<-'END'
		#!/bin/sh
		cat "${0%/*}/pw"
	END
	chmod 700 give
	conf_repo "password=command:$T/give"
	conf_repo "url=rest:http://user:canary-url@127.0.0.1:1/"
	fake_restic <<-END
		[ "\$1" != version ] || exec "\$RESTIC" version
		{ tr '\\0' '\\n' </proc/\$\$/cmdline; cat /proc/\$\$/environ; } >>$T/seen
		for a; do case \$a in --*-file=/dev/fd/*) cat "\${a#*=}" >>$T/given;; esac; done
		exit 1
	END
	echo canary-password >pw
	backup 1 -v -v -- "root $T/src/a"
	assert_has seen password-file
	assert_has given canary-password
	assert_has given canary-url
	assert_hasnt seen canary
	assert_hasnt "$err" canary
	run_bk 0 grep -rc '' "$BK_STATE_DIR"
	run ! grep -r canary "$BK_STATE_DIR" "$BK_CACHE_DIR"
}

@test "where the password comes from, and where it stops" {
	chmod 640 pw
	run_bk 77 bk-restic snapshots
	assert_has "$err" 'mode 0600'
	conf_repo "password=command:false"
	run_bk 1 bk-restic snapshots
	conf_repo "password=command:true"
	run_bk 65 bk-restic snapshots
	conf_repo "password=command:head -c 1000000 /dev/zero"
	run_bk 65 bk-restic snapshots
	conf_repo "password=command:$T/nix"
	run_bk 69 bk-restic snapshots
	conf_repo "password=credential:bk.x"
	run_bk 66 bk-restic snapshots
	mkdir -m 700 creds
	echo open-sesame >creds/bk.x
	CREDENTIALS_DIRECTORY=$T/creds run_bk 0 bk-restic snapshots
	sed -i '/^password/a password = command:echo wrong' "$BK_CONFIG"
	CREDENTIALS_DIRECTORY=$T/creds run_bk 0 bk-restic snapshots
	run_bk 77 bk-restic snapshots
	conf_repo "password=ask"
	run_bk 66 setsid -w bk-restic snapshots
	assert_has "$err" 'there is no terminal'
}

@test "a lock of a dead process is removed, one of a living is waited for" {
	mkfifo hang
	RESTIC_PASSWORD=open-sesame restic -q -r repo backup --stdin \
		<hang 3>&- &
	pid=$!
	exec 9>hang
	wait_for 20 bash -c 'ls repo/locks | grep -q .'
	backup 0 -- "root $T/src/a"
	conf_repo 'lock-wait=0'
	run_bk 75 bk-restic prune
	assert_has "$err" 'locked'
	assert_is "$(state prune-main .exit)" 75
	kill -9 $pid
	exec 9>&-
	wait $pid || :
	run_bk 0 bk-restic prune
	assert_has "$err" 'removing the stale lock'
	assert_is "$(find repo/locks -type f | wc -l)" 0
}

@test "two runs at once: the second waits, or says who is running" {
	fake_restic <<-END
		[ "\$1" != version ] || exec "\$RESTIC" version
		until [ -e $T/go ]; do sleep 0.05; done
		exec "\$RESTIC" "\$@"
	END
	plan "root $T/src/a" >plan
	bk-restic backup home - <plan >one.txt 2>&1 3>&- &
	one=$!
	wait_for 30 test -s run/lock/repo.main
	conf_repo 'lock-wait=0'
	run_bk 75 bk-restic backup home - <plan
	assert_has "$err" "locked by process $one"
	conf_repo 'lock-wait=60s'
	bk-restic backup home - <plan >two.txt 2>&1 3>&- &
	wait_for 30 grep -q 'locked by process .* waiting' two.txt
	touch go
	wait $one $!
	grep -q $'^home\tok' one.txt
	grep -q $'^home\tok' two.txt
	assert_is "$(snapshots)" 2
}

@test "SIGTERM stops restic, records it, and passes on" {
	mkfifo hang
	bk-restic backup home --stdin x <hang >o.txt 2>&1 3>&- &
	pid=$!
	exec 9>hang
	# restic shows its lock a little before it knows that it has it
	wait_for 20 pgrep -f 'stdin-filename x' >/dev/null
	wait_for 20 bash -c 'ls repo/locks | grep -q .'
	sleep 1
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 9>&-
	assert_is $status 143
	assert_is "$(state backup-home:x .result)" failed
	assert_is "$(find repo/locks -type f | wc -l)" 0
	assert_is "$(snapshots)" 0
	# while it waits for a lock
	fake_restic <<-END
		[ "\$1" != version ] || exec "\$RESTIC" version
		exec sleep 60
	END
	plan "root $T/src/a" >plan
	bk-restic backup home - <plan >o.txt 2>&1 3>&- &
	first=$!
	wait_for 30 test -s run/lock/repo.main
	bk-restic backup home - <plan >p.txt 2>&1 3>&- &
	second=$!
	sleep 0.3
	kill -TERM $second
	status=0
	wait $second || status=$?
	assert_is $status 143
	kill -TERM $first
	status=0
	wait $first || status=$?
	assert_is $status 143
}

@test "a lost connection is tried again; a dead one is told" {
	need_root
	need_program sshd python3
	run_bk 0 "$BATS_TEST_DIRNAME/../rigs/box.sh" up "$T/b" one
	port=$(cut -f 1 -d ' ' "$out")
	proxy=$((port + 12345))
	cp -r repo b/one/data/repo
	chown -R --reference=b/one/data b/one/data/repo
	mkdir -p "$HOME/.ssh"
	sed "s/Port $port/Port $proxy/" b/ssh_config >ssh_config
	conf_repo 'url=sftp:one:repo'
	conf_repo 'retries=2'
	conf_repo 'retry-pause=1s'
	conf_repo "option=sftp.command=ssh -F $T/ssh_config one -s sftp"
	head -c 3000000 /dev/urandom >src/a/big
	python3 "$BATS_TEST_DIRNAME/../rigs/faultproxy.py" $proxy "$port" \
		--cut 1000000 --conns 3 3>&- &
	pid=$!
	wait_for 30 bash -c ": <>/dev/tcp/127.0.0.1/$proxy" 2>/dev/null
	backup 0 -- "root $T/src/a"
	assert_has "$err" 'lost the connection; trying again in 1 s'
	kill $pid
	wait $pid || :
	backup 75 -- "root $T/src/a"
	assert_has "$err" 'trying again in 3 s'
	assert_is "$(state backup-home .exit)" 75
	run_bk 75 bk-restic snapshots
}

@test "a full disk under the repository fails, and loses nothing" {
	need_root
	mkdir tiny
	mount -t tmpfs -o size=600k tmpfs tiny || skip "cannot mount"
	cp -r repo/. tiny/
	conf_repo "url=$T/tiny"
	backup 0 -- "root $T/src/a"
	head -c 2000000 /dev/urandom >src/a/big
	timeout 100 bk-restic backup home - <plan >o.txt 2>&1 && return 1
	assert_is "$(state backup-home .result)" failed
	rm src/a/big
	mount -o remount,size=60m tiny
	backup 0 -- "root $T/src/a"
}

@test "a repository on a read-only file system is told at once" {
	need_root
	mkdir tiny
	mount -t tmpfs tmpfs tiny || skip "cannot mount"
	cp -r repo/. tiny/
	mount -o remount,ro tiny
	conf_repo "url=$T/tiny"
	SECONDS=0
	backup 74 -- "root $T/src/a"
	assert_has "$err" 'ReadWritePaths='
	[ $SECONDS -lt 10 ]
}

@test "a full disk under the state is told" {
	need_root
	mkdir tiny
	mount -t tmpfs -o size=100k tmpfs tiny || skip "cannot mount"
	head -c 1000000 /dev/zero >tiny/fill 2>/dev/null || :
	BK_STATE_DIR=$T/tiny backup 3 -- "root $T/src/a"
	assert_has "$err" 'No space left'
}

@test "a plan that is cut off, foreign, or of another version" {
	plan "root $T/src/a" >plan
	head -n 3 plan >cut.json
	run_bk 76 bk-restic backup home - <cut.json
	run_bk 76 bk-restic backup home - </dev/null
	run_bk 76 bk-restic backup home - <<<'hello'
	run_bk 76 bk-restic backup home - <<<'{"v":2,"type":"plan"}'
	sed 's/"status":0/"status":74/' plan >bad
	run_bk 76 bk-restic backup home - <bad
	sed 's/"count":3/"count":4/' plan >bad
	run_bk 76 bk-restic backup home - <bad
	sed 's/testhost/stranger/' plan >bad
	run_bk 76 bk-restic backup home - <bad
	assert_is "$(snapshots)" 0
	assert_is "$(state backup-home .exit)" 76
}

@test "usage, unknown sets, and output that cannot be written" {
	run_bk 64 bk-restic
	run_bk 64 bk-restic frobnicate
	run_bk 64 bk-restic backup --frobnicate
	run_bk 66 bk-restic backup nix
	run_bk 66 bk-restic forget nix
	run_bk 66 bk-restic init nix
	run_bk 0 bk-restic -V
	run_bk 0 bk-restic -h
	run_bk 66 bk-restic -c "$T/nix.conf" snapshots
	run_bk 78 bk-restic -c <(echo) snapshots
	plan "root $T/src/a" >plan
	status=0
	bk-restic backup home - <plan >/dev/full 2>e.txt || status=$?
	assert_is $status 74
	status=0
	bk-restic backup home - <plan >&- 2>e.txt || status=$?
	assert_is $status 74
	assert_is "$(state backup-home .result)" ok
}
