#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# From the keyring into restic: one process for all secrets, and none of them
# where others look.

load helper
load restic
load secret

setup_file() { restic_setup_file; }

# Repositories "one" to "four", whose passwords lie in the keyring.
setup() {
	restic_setup
	argon2_memo
	rm -r repo pw
	rig=$BATS_TEST_DIRNAME/../rigs
	umask 077
	printf %s 'canary horse battery' >master
	printf '%s\n' '[host]' 'name = testhost' '[keyring]' \
		"path = $T/ring.cfg" "unlock = file:$T/master" >"$BK_CONFIG"
	local n
	for n in one two three four; do
		cp -r "$REPO0" "$T/$n"
		cat >>"$BK_CONFIG" <<-END
			[repo $n]
			url = $T/$n
			password = keyring:restic/$n
			lock-wait = 2s
			retries = 0
			[backup $n]
			repo = $n
			path = $T/src/a
		END
	done
	store --version 1.4.1 -- restic one open-sesame restic two open-sesame \
		restic three open-sesame restic four open-sesame
}

teardown() { touch "$T/stop"; }

# snapshots NAME...: how many each has.
counts() {
	local n
	for n; do find "$T/$n/snapshots" -type f | wc -l; done | xargs
}

# Puts copies of the tools into bin/, and a bk-secret there that keeps count:
# a line in runs for each process, its large mappings in maps.*
counted() {
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	export ASAN_OPTIONS=detect_leaks=0 # which cannot be traced
	mkdir bin
	cp "$BK_BIN"/bk-{scan,restic} bin
	cat >bin/bk-secret <<-END
		#!/bin/sh
		echo "\$*" >>$T/runs
		exec strace -qq -e trace=mmap -o $T/maps.\$\$ \
			$BK_BIN/bk-secret "\$@"
	END
	chmod 755 bin/bk-secret
}

@test "four repositories: one process, one derivation for each" {
	counted
	unset LD_PRELOAD # which would save derivations
	run_bk 0 bin/bk-restic backup
	assert_is "$(counts one two three four)" '1 1 1 1'
	assert_is "$(cat runs)" 'get --batch'
	assert_is "$(cat maps.* | grep -c 'mmap(NULL, 67[01][0-9]*,')" 4
	rm runs maps.*
	run_bk 0 bin/bk-restic snapshots
	assert_is "$(wc -l <runs)" 1
	# only what is needed
	rm runs maps.*
	run_bk 0 bin/bk-restic -c "$BK_CONFIG" backup two
	assert_is "$(cat runs)" "-c $BK_CONFIG get --batch"
	assert_is "$(cat maps.* | grep -c 'mmap(NULL, 67[01][0-9]*,')" 1
}

@test "what is wrong with one secret harms no other repository" {
	python3 "$rig/cryptfile.py" harm ring.cfg restic two mac >r && mv r ring.cfg
	sed -i 's|keyring:restic/three|keyring:restic/none|' "$BK_CONFIG"
	status=0
	bk-restic backup >o.txt 2>e.txt || status=$?
	assert_is "$status $(counts one two three four)" '3 1 0 0 1'
	assert_has e.txt "seal of service 'restic', user 'two' is broken"
	assert_has e.txt "[repo two] password"
	assert_has e.txt "no entry for service 'restic', user 'none'"
	assert_is "$(state backup-two .exit)" 65
	assert_is "$(state backup-three .exit)" 66
	assert_is "$(state backup-four .result)" ok
}

@test "a keyring that does not open" {
	printf wrong >master
	run_bk 77 bk-restic backup one two
	assert_has "$err" 'is wrong'
	assert_is "$(state backup-one .exit) $(state backup-two .exit)" '77 77'
	rm master
	run_bk 75 bk-restic backup one
	assert_has "$err" 'locked'
	rm ring.cfg
	run_bk 66 bk-restic backup one
	assert_is "$(counts one two)" '0 0'
}

@test "a password that restic would misread" {
	local bad
	for bad in ' open-sesame' 'open-sesame ' $'open-sesame\n'; do
		store --version 1.4.1 -- restic one "$bad"
		run_bk 65 bk-restic backup one
		assert_has "$err" 'begins or ends with white space'
	done
	store --version 1.4.1 -- restic one ''
	run_bk 65 bk-restic backup one
	assert_has "$err" 'it is empty'
	assert_is "$(counts one)" 0
}

@test "a repository is made with a password that nobody has seen" {
	rm -r one
	run_bk 0 bk-secret set --generate keyring:restic/new
	sed -i 's|keyring:restic/one|keyring:restic/new|' "$BK_CONFIG"
	run_bk 0 bk-restic init one
	run_bk 0 bk-restic backup one
	assert_is "$(counts one)" 1
}

@test "bk-secret that breaks off" {
	mkdir bin
	cp "$BK_BIN"/bk-{scan,restic} bin
	printf '#!/bin/sh\nprintf "0 1 11\\nopen-"\n' >bin/bk-secret
	chmod 755 bin/bk-secret
	run_bk 76 bin/bk-restic backup one
	assert_has "$err" 'bk-secret broke off'
	printf '#!/bin/sh\nexit 71\n' >bin/bk-secret
	run_bk 71 bin/bk-restic backup one
	assert_is "$(counts one)" 0
}

@test "SIGTERM while secrets are read" {
	mkfifo fifo
	sed -i "s|keyring:restic/one|command:cat $T/fifo|" "$BK_CONFIG"
	bk-restic backup one >o.txt 2>e.txt 3>&- &
	local pid=$!
	wait_for 30 opened
	kill $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	wait_for 30 gone cat "$T/fifo"
	assert_is "$(counts one)" 0
}

opened() { pgrep -f "^cat $T/fifo" >/dev/null; }
gone() { ! pgrep -f "^$*" >/dev/null; }

# look FILE: adds to FILE what shows one of the canaries, until "stop" is
# there; "looks" counts.
look() {
	local n=0
	until [ -e stop ]; do
		grep -laFf canaries /proc/[0-9]*/cmdline /proc/[0-9]*/environ \
			>>"$1" 2>/dev/null || :
		n=$((n + 1))
		echo $n >looks.new
		mv looks.new looks
	done
}

@test "no secret in an argument, the environment, a message or a state" {
	mkdir given
	cp master given/bk.keyring
	sed -i 's|^unlock = .*|unlock = credential:bk.keyring|' "$BK_CONFIG"
	printf '%s\n' 'canary horse' open-sesame >canaries
	: >seen
	look seen 3>&- &
	local looker=$! decoy
	CREDENTIALS_DIRECTORY=$T/given run_bk 0 bk-restic -v backup
	assert_is "$(cat seen)" ''
	[ "$(cat looks)" -ge 10 ]
	cat "$out" "$err" >messages
	# what it would have looked like
	DECOY=$(head -1 canaries) sleep 60 3>&- &
	decoy=$!
	wait_for 30 grep -q "/proc/$decoy/environ" seen
	kill $decoy
	touch stop
	wait $looker
	assert_is "$(counts one two three four)" '1 1 1 1'
	status=0
	grep -raFf canaries messages state cache run src one || status=$?
	assert_is $status 1
}
