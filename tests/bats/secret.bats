#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-secret: what each source gives and refuses, which of a list decides, and
# what the commands print.

load helper
load secret

setup() { secret_setup; }

# Bytes.

@test "a secret comes out byte for byte, with nothing added" {
	printf 'a\0b\n\n\303\244' >pw
	run_bk 0 bk-secret get "file:$T/pw"
	cmp pw "$out"
	assert_is "$(wc -c <"$err")" 0
	# one newline at the end belongs to the file, not to the secret
	printf 'secret\n' >pw
	run_bk 0 bk-secret get "file:$T/pw"
	assert_is "$(od -An -c "$out" | tr -d ' ')" secret
	printf 'secret\n\n' >pw
	run_bk 0 bk-secret get "file:$T/pw"
	assert_is "$(od -An -c "$out" | tr -d ' ')" 'secret\n'
}

@test "a newline at the end of a keyring's secret stays" {
	store --version 1.4.1 -- a b $'abc\n'
	run_bk 0 bk-secret get keyring:a/b
	assert_is "$(od -An -c "$out" | tr -d ' ')" 'abc\n'
}

@test "no secret goes to a terminal unless -f says so" {
	echo hunter2 >pw
	run_bk 64 person -- bk-secret get "file:$T/pw"
	assert_has "$out" 'stdout is a terminal'
	assert_hasnt "$out" hunter2
	run_bk 0 person -- bk-secret get -f "file:$T/pw"
	assert_has "$out" hunter2
}

# file:

@test "a file must be private, and a file" {
	echo hunter2 >pw
	for mode in 644 640 604 660; do
		chmod $mode pw
		run_bk 77 bk-secret get "file:$T/pw"
		assert_has "$err" "'$T/pw' holds a secret and is not private"
	done
	chmod 400 pw
	run_bk 0 bk-secret get "file:$T/pw"
	ln -s pw link
	run_bk 77 bk-secret get "file:$T/link"
	assert_has "$err" 'symbolic link'
	mkfifo fifo
	run_bk 77 timeout 10 bk-secret get "file:$T/fifo"
	assert_has "$err" 'not a regular file'
	mkdir -m 700 dir
	run_bk 77 bk-secret get "file:$T/dir"
	run_bk 77 bk-secret get file:/dev/zero
	run_bk 66 bk-secret get "file:$T/none"
	run_bk 66 bk-secret get "file:$T/pw/below"
	assert_hasnt "$err" hunter2
}

@test "a stranger's file" {
	need_root
	echo hunter2 >pw
	chown nobody pw
	run_bk 77 bk-secret get "file:$T/pw"
}

@test "an empty file, and one that is too long" {
	: >pw
	run_bk 65 bk-secret get "file:$T/pw"
	assert_has "$err" "'$T/pw' is empty"
	echo >pw
	run_bk 65 bk-secret get "file:$T/pw"
	printf '\0\n' >pw
	run_bk 0 bk-secret get "file:$T/pw"
	assert_is "$(wc -c <"$out")" 1
	head -c 32768 /dev/zero >pw
	run_bk 0 bk-secret get "file:$T/pw"
	cmp pw "$out"
	echo >>pw
	run_bk 65 bk-secret get "file:$T/pw"
	assert_has "$err" 'longer than 32768 bytes'
}

# credential:

@test "a unit's credential, which has no mode of its own" {
	mkdir given
	echo hunter2 >given/pw
	chmod 644 given/pw
	export CREDENTIALS_DIRECTORY=$T/given
	run_bk 0 bk-secret get credential:pw
	assert_is "$stdout" hunter2
	run_bk 66 bk-secret get credential:other
	assert_has "$err" 'this unit was given no credential'
	assert_has "$err" 'LoadCredentialEncrypted=other'
	ln -s pw given/link
	run_bk 77 bk-secret get credential:link
	mkfifo given/fifo
	run_bk 77 timeout 10 bk-secret get credential:fifo
	: >given/empty
	run_bk 65 bk-secret get credential:empty
	for name in ../given/pw .. . .pw a/b ''; do
		run_bk 64 bk-secret get "credential:$name"
	done
}

@test "a unit looks nowhere else for its credentials" {
	mkdir given
	export CREDENTIALS_DIRECTORY=$T/nowhere
	run_bk 66 bk-secret get credential:pw
	assert_has "$err" 'this unit was given no'
}

# command:

# program: a script from stdin, as $T/prog.
program() {
	{ echo '#!/bin/bash'; cat; } >prog
	chmod 700 prog
}

@test "what a command prints" {
	program <<<'printf "%s|" "$@"; cat'
	# shellcheck disable=SC2016
	run_bk 0 bk-secret get 'command:'"$T"'/prog  a "b c" $HOME * ; x' <<<stdin
	# shellcheck disable=SC2016
	assert_is "$stdout" 'a|"b|c"|$HOME|*|;|x|'
	program <<<'printf "a\0b\n\n"'
	run_bk 0 bk-secret get "command:$T/prog"
	printf 'a\0b\n' | cmp - "$out"
	program <<<'echo talk >&2; echo secret'
	run_bk 0 bk-secret get "command:$T/prog"
	assert_is "$stdout" secret
	assert_is "$stderr" talk
}

@test "a command that fails, or prints nothing" {
	program <<<'echo half a secret; exit 1'
	run_bk 1 bk-secret get "command:$T/prog"
	assert_has "$err" "'$T/prog' ended with status 1"
	assert_is "$(wc -c <"$out")" 0
	assert_hasnt "$err" half
	program <<<'echo secret; kill -9 $$'
	run_bk 1 bk-secret get "command:$T/prog"
	run_bk 65 bk-secret get command:true
	assert_has "$err" "'true' printed nothing"
	run_bk 65 bk-secret get command:echo
	run_bk 69 bk-secret get "command:$T/none"
	run_bk 69 bk-secret get command:no-such-program-here
	assert_has "$err" 'not installed'
}

@test "a command that prints without end" {
	run_bk 65 timeout 10 bk-secret get 'command:head -c 1G /dev/zero'
	assert_has "$err" "'head'"
	assert_is "$(wc -c <"$out")" 0
	run_bk 65 timeout 10 bk-secret get 'command:cat /dev/zero'
}

@test "a command that hangs ends with bk-secret" {
	program <<<'echo $$ >pid; trap "" HUP; while :; do sleep 1 & wait; done'
	bk-secret get "command:$T/prog" >o.txt 2>e.txt 3>&- &
	local pid=$!
	wait_for 30 test -s pid
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	wait_for 30 gone "$(cat pid)"
	assert_is "$(wc -c <o.txt)" 0
}

@test "a command that does not hear SIGTERM is killed" {
	program <<<'trap "" TERM; echo $$ >pid; while :; do sleep 1; done'
	bk-secret get "command:$T/prog" 2>e.txt 3>&- &
	local pid=$!
	wait_for 30 test -s pid
	kill -INT $pid 2>/dev/null || :
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	wait_for 30 gone "$(cat pid)"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# ask

@test "ask, with and without a terminal" {
	run_bk 66 bk-secret get ask </dev/null
	assert_has "$err" 'there is no terminal'
	run_bk 0 person 'Secret:' ' hunter 2 ' -- \
		sh -c "bk-secret get ask >$T/got"
	assert_is "$(cat got)" ' hunter 2 '
	assert_hasnt "$out" hunter
	run_bk 65 person 'Secret:' '' -- bk-secret get -f ask
	assert_has "$out" 'nothing was typed'
	run_bk -s 130 person 'Secret:' ^C -- bk-secret get -f ask
	# stdin is not where it asks
	run_bk 66 bk-secret get ask <<<hunter2
}

@test "a keyring whose master nobody can type is locked" {
	store --version 1.4.1 -- a b secret
	sed -i 's/^unlock = .*/unlock = ask/' "$BK_CONFIG"
	run_bk 75 bk-secret get keyring:a/b
	assert_has "$err" 'the keyring is locked'
	assert_has "$err" 'there is no terminal'
	run_bk 0 person 'keyring:' 'correct horse' -- \
		bk-secret get -f keyring:a/b
	assert_has "$out" secret
	assert_hasnt "$out" horse
	# what is not there needs no master
	run_bk 66 bk-secret get keyring:a/none
}

# Lists.

@test "the next of a list only where one does not apply" {
	echo first >one
	echo second >two
	run_bk 0 bk-secret get "file:$T/none" credential:none keyring:a/b ask \
		"file:$T/two" "file:$T/one"
	assert_is "$stdout" second
	run_bk 66 bk-secret get "file:$T/none" credential:none keyring:a/b ask
	for why in "'$T/none'" 'no credential' 'no keyring' 'no terminal'; do
		assert_has "$err" "$why"
	done
	run_bk 0 bk-secret -vv get "file:$T/none" "file:$T/one"
	assert_has "$err" "'file:$T/none' does not apply"
	assert_is "$stdout" first
}

@test "what applies and fails ends the list" {
	echo good >good
	echo bad >bad
	chmod 644 bad
	run_bk 77 bk-secret get "file:$T/bad" "file:$T/good"
	: >empty
	run_bk 65 bk-secret get "file:$T/empty" "file:$T/good"
	run_bk 1 bk-secret get command:false "file:$T/good"
	store --version 1.4.1 -- a b secret
	python3 "$rig/cryptfile.py" harm ring.cfg a b data >r && mv r ring.cfg
	run_bk 65 bk-secret get keyring:a/b "file:$T/good"
	echo 'a wrong one' >master
	run_bk 77 bk-secret get keyring:a/b "file:$T/good"
	rm master
	run_bk 75 bk-secret get keyring:a/b "file:$T/good"
	assert_has "$err" 'locked'
	ln -s good master
	run_bk 77 bk-secret get keyring:a/b "file:$T/good"
	assert_has "$err" 'the keyring cannot be opened: [keyring] unlock'
}

@test "what opens the keyring is a list as well" {
	store --version 1.4.1 -- a b secret
	sed -i "/^unlock/i unlock = credential:none\nunlock = file:$T/none" \
		"$BK_CONFIG"
	run_bk 0 bk-secret get keyring:a/b
	assert_is "$stdout" secret
	sed -i "s|^unlock = credential:none|unlock = file:$T/wrong|" "$BK_CONFIG"
	echo 'a wrong one' >wrong
	run_bk 77 bk-secret get keyring:a/b
	sed -i "s|^unlock = file:$T/wrong|unlock = keyring:a/c|" "$BK_CONFIG"
	run_bk 78 bk-secret get keyring:a/b
	assert_has "$err" 'what opens the keyring cannot lie in it'
}

# --batch

@test "requests of other tools" {
	echo one >one
	printf 'a\nb\0' >two
	{
		request '[x] a' "file:$T/one"
		request '[x] b' "file:$T/none" "file:$T/two"
		request '[x] c' "file:$T/none" ask
		request '[x] d' "file:$T/none" command:false "file:$T/one"
		request '[x] e' rubbish "file:$T/one"
		request '[x] f'
		request '[x] g' "file:$T/one"
	} >requests
	run_bk 0 bk-secret get --batch <requests
	replies >got
	assert_is "$(sed -n 1p got)" "0 1 $(hex one)"
	assert_is "$(sed -n 2p got)" "0 2 610a6200"
	assert_is "$(sed -n 3p got | cut -d' ' -f1,2)" '66 0'
	assert_is "$(sed -n 4p got | cut -d' ' -f1,2)" '1 2'
	assert_is "$(sed -n 5p got | cut -d' ' -f1,2)" '78 1'
	assert_is "$(sed -n 6p got | cut -d' ' -f1,2)" '66 0'
	assert_is "$(sed -n 7p got)" "0 1 $(hex one)"
	assert_is "$(wc -l <got)" 7
	# what went wrong is in the replies, and not on stderr too
	assert_is "$(wc -c <"$err")" 0
}

@test "requests that are cut off: those before are answered" {
	echo one >one
	run_bk 0 bk-secret get --batch </dev/null
	assert_is "$(wc -c <"$out")" 0
	request a "file:$T/one" >requests
	request b "file:$T/one" >>requests
	local whole size n
	whole=$(wc -c <requests)
	size=$((whole / 2))
	for ((n = 1; n < whole; n++)); do
		[ $n != $size ] || continue
		head -c $n requests >part
		run_bk 76 bk-secret get --batch <part
		replies >got
		assert_is "$(wc -l <got)" $((n / size))
		assert_has "$err" 'cut off'
	done
}

@test "more requests than there can be" {
	head -c 1048577 /dev/zero >requests
	run_bk 74 timeout 20 bk-secret get --batch <requests
	run_bk 64 bk-secret get --batch ask </dev/null
	request x ask >requests
	# nobody takes the answers
	run_bk 74 sh -c 'bk-secret get --batch <requests >/dev/full'
}

@test "a wrong master is found out once for all" {
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	export ASAN_OPTIONS=detect_leaks=0 # which cannot be traced
	unset LD_PRELOAD # which would save derivations
	store --version 1.4.1 -- a b secret a c secret a d secret
	echo 'a wrong one' >master
	for user in b c d; do request x keyring:a/$user; done >requests
	run_bk 0 strace -qq -e trace=mmap -o trace bk-secret get --batch <requests
	replies | cut -d' ' -f1,2 >got
	assert_is "$(xargs <got)" '77 1 77 1 77 1'
	# the entry, and the reference that tells what is wrong
	assert_is "$(grep -c 'mmap(NULL, 67[01][0-9]*,' trace)" 2
}

# list

@test "list shows names without any master" {
	rm master
	printf 'x' >master
	store --version 1.4.1 -- a b s 'x/y z' 'U%1' s $'\303\234' $'n\nl' s
	rm master
	run_bk 0 bk-secret list
	printf 'keyring:%s\n' a/b 'x%2Fy%20z/u%251' $'\303\234/n%0Al' >want
	diff -u want "$out"
	run_bk 0 bk-secret -0 list keyring
	tr '\n' '\0' <want | cmp - "$out"
	run_bk 0 bk-secret --json list
	assert_json "$out" 'map(select(.type == "secret").ref) | length == 3'
	assert_json "$out" 'last == {v: 1, type: "end", status: 0, count: 3}'
	# each one is a reference that the other commands take
	echo x >master
	sed -i 's/^u_251 =/u_251 = no base64/' ring.cfg
	while read -r ref; do
		status=0
		bk-secret get "$ref" >o.txt 2>e.txt || status=$?
		[ $status = 0 ] || [ $status = 65 ]
	done <want
}

@test "list of what is not there, and of no such kind" {
	run_bk 66 bk-secret list
	assert_has "$err" 'there is no keyring'
	run_bk 66 bk-secret --json list
	assert_json "$out" 'last == {v: 1, type: "end", status: 66, count: 0}'
	run_bk 64 bk-secret list nonsense
	mkdir given
	: >given/one
	: >given/.hidden
	CREDENTIALS_DIRECTORY=$T/given run_bk 0 bk-secret list credential
	assert_has "$out" $'credential:one\tgiven to this unit'
	assert_hasnt "$out" hidden
	printf '[_zz]\na = b\n[a]\n_00 = b\nok = b\n' >ring.cfg
	run_bk 0 bk-secret list
	assert_is "$stdout" keyring:a/ok
	assert_has "$err" 'line 2: not the name of an entry'
}

# set, del

@test "set and del of a file" {
	run_bk 0 bk-secret set "file:$T/new" <<<hunter2
	assert_has "$err" "stored: file:$T/new"
	assert_is "$(stat -c %a new) $(cat new)" '600 hunter2'
	assert_hasnt "$err" hunter2
	run_bk 0 bk-secret -n set "file:$T/new" <<<other
	run_bk 0 bk-secret -n del "file:$T/new"
	assert_is "$(cat new)" hunter2
	# what would not come back as it is, is not taken
	run_bk 65 bk-secret set --exact "file:$T/new" <<<other
	assert_has "$err" 'ends in a newline'
	run_bk 0 bk-secret set --exact "file:$T/new" < <(printf 'a\0b\nc')
	run_bk 0 bk-secret get "file:$T/new"
	assert_is "$(od -An -c "$out" | tr -d ' ')" 'a\0b\nc'
	run_bk 65 bk-secret set "file:$T/new" </dev/null
	run_bk 65 bk-secret set "file:$T/new" < <(head -c 32769 /dev/zero)
	assert_is "$(wc -c <new)" 5
	run_bk 73 bk-secret set "file:$T/none/new" <<<x
	run_bk 0 bk-secret del "file:$T/new"
	[ ! -e new ]
	run_bk 66 bk-secret del "file:$T/new"
}

@test "a secret that is made up" {
	run_bk 0 bk-secret set --generate "file:$T/one" </dev/null
	run_bk 0 bk-secret set --generate "file:$T/two" </dev/null
	assert_is "$(wc -c <"$out")" 0
	grep -qxE '([0-9A-HJKMNP-TV-Z]{5}-){6}[0-9A-HJKMNP-TV-Z]{5}' one
	run_bk 1 cmp -s one two
	assert_hasnt "$err" "$(cat two)"
}

@test "a secret that is typed, twice" {
	run_bk 0 person "one:" pass "(again):" word "one:" pass "(again):" pass \
		-- bk-secret set "file:$T/one"
	assert_has "$out" 'These two differ'
	assert_is "$(cat one)" pass
	assert_hasnt "$out" pass
	run_bk 65 person "one:" '' -- bk-secret set "file:$T/one"
	run_bk -s 130 person "one:" pass "(again):" ^C -- \
		bk-secret set "file:$T/one"
	assert_is "$(cat one)" pass
}

@test "SIGTERM while it waits for a secret on stdin" {
	mkfifo fifo
	bk-secret set "file:$T/one" <fifo 2>e.txt 3>&- &
	local pid=$!
	exec 8>fifo
	printf half >&8
	wait_for 30 sleeps $pid
	kill $pid
	status=0
	wait $pid || status=$?
	exec 8>&-
	assert_is $status 143
	[ ! -e one ]
}

sleeps() {
	grep -q bk-secret "/proc/$1/comm" && grep -q '^State:.S' "/proc/$1/status"
}

@test "a secret that is no UTF-8 is stored, with a warning" {
	run_bk 0 bk-secret set keyring:a/b < <(printf '\377\376')
	assert_has "$err" 'no UTF-8'
	run_bk 0 bk-secret get keyring:a/b
	assert_is "$(od -An -tx1 "$out")" ' ff fe'
}

@test "a new keyring wants a master of some length" {
	sed -i 's/^unlock = .*/unlock = ask/' "$BK_CONFIG"
	echo secret >secret
	run_bk 65 person 'new keyring:' short '(again):' short -- \
		sh -c 'bk-secret set keyring:a/b <secret'
	assert_has "$out" '12 characters'
	[ ! -e ring.cfg ]
	run_bk 0 person 'new keyring:' 'long enough 1' '(again):' \
		'long enough 1' -- sh -c 'bk-secret set keyring:a/b <secret'
	assert_is "$(bk-secret list)" keyring:a/b
	run_bk 75 bk-secret set keyring:a/c <secret
}

# check

# repo NAME REF...: a section of the configuration.
repo() {
	printf '[repo %s]\nurl = /x\n' "$1" >>"$BK_CONFIG"
	shift
	printf 'password = %s\n' "$@" >>"$BK_CONFIG"
}

@test "check: what the timers would find" {
	store --version 1.4.1 -- a b secret
	echo plain >plain
	repo one keyring:a/b "file:$T/other"
	run_bk 0 bk-secret check
	assert_is "$stdout" $'found\tkeyring:a/b\t'"$BK_CONFIG"$':6: [repo one] password\t'
	repo two credential:none "file:$T/plain"
	run_bk 0 bk-secret check
	assert_has "$out" $'absent\tcredential:none\t'
	assert_has "$out" $'found\tfile:'"$T"$'/plain\t'
	assert_has "$out" 'a keyring is safer'
	run_bk 0 bk-secret --json check
	assert_json "$out" '[.[] | select(.type == "check").state] ==
		["found", "absent", "found"]'
	assert_json "$out" '.[0].ref == "keyring:a/b"'
	assert_json "$out" 'last == {v: 1, type: "end", status: 0, count: 3}'
	assert_hasnt "$out" secret
	repo three ask
	run_bk 66 person -- bk-secret check
	assert_has "$out" asked
	repo four "file:$T/none" ask
	run_bk 66 bk-secret check
	run_bk 0 bk-secret check keyring:a/b
	run_bk 66 bk-secret check keyring:a/b keyring:a/c
	run_bk 64 bk-secret check rubbish
}

@test "check: each state has its status, several are 1" {
	store --version 1.4.1 -- a b secret
	: >empty
	run_bk 65 bk-secret check "file:$T/empty"
	assert_has "$out" $'damaged\t'
	run_bk 1 bk-secret check command:false
	assert_has "$out" $'failed\t'
	run_bk 1 bk-secret check command:false "file:$T/empty"
	chmod 644 ring.cfg
	run_bk 77 bk-secret check keyring:a/b
	assert_has "$out" $'denied\tkeyring:a/b'
	chmod 600 ring.cfg
	rm master
	run_bk 75 bk-secret check keyring:a/b
	assert_has "$out" $'locked\tkeyring:a/b'
	run_bk 75 bk-secret check --unlock
	run_bk 1 bk-secret check keyring:a/b "file:$T/none"
	echo wrong >master
	run_bk 77 bk-secret check --unlock
	assert_has "$out" $'denied\t'
	printf %s 'correct horse' >master
	run_bk 0 bk-secret check --unlock
	assert_has "$out" $'opens\t'
	rm ring.cfg
	run_bk 66 bk-secret check --unlock
}

@test "check warns of a backup that holds the host's key and what it seals" {
	repo main "file:$T/master"
	printf '[backup all]\nrepo = main\npath = /etc\npath = /var\n' \
		>>"$BK_CONFIG"
	run_bk 0 bk-secret check
	assert_has "$err" '[backup all] holds both'
	sed -i '/^path = .var/d' "$BK_CONFIG"
	run_bk 0 bk-secret check
	assert_hasnt "$err" 'holds both'
}

# Standing cases.

@test "usage" {
	run_bk 64 bk-secret
	run_bk 64 bk-secret nonsense
	run_bk 64 bk-secret get
	run_bk 64 bk-secret get --generate ask
	run_bk 64 bk-secret list -f
	run_bk 64 bk-secret set
	run_bk 64 bk-secret set "file:$T/a" "file:$T/b"
	run_bk 64 bk-secret set ask
	run_bk 64 bk-secret del command:true
	run_bk 64 bk-secret check --unlock ask
	run_bk 0 bk-secret -h
	assert_has "$out" 'Usage: bk-secret'
	run_bk 0 bk-secret -V
	# what is no reference may be the secret itself
	for ref in hunter2 keyring:hunter2 file:hunter2 'command: ' "$(printf 'file:/hunter2\n\tx')"; do
		run_bk 64 bk-secret get "$ref"
		assert_hasnt "$err" hunter2
	done
}

@test "a configuration with errors" {
	echo 'unlock = hunter2' >>"$BK_CONFIG"
	run_bk 78 bk-secret get ask
	assert_has "$err" "$BK_CONFIG:4"
	assert_hasnt "$err" hunter2
	run_bk 66 bk-secret -c "$T/none" get ask
}

@test "without any configuration, and without a home" {
	unset BK_CONFIG
	echo secret >pw
	run_bk 0 env -i PATH="$PATH" XDG_CONFIG_HOME="$T/c" \
		bk-secret get "file:$T/pw"
	assert_is "$stdout" secret
	run_bk 0 env -i PATH="$PATH" BK_CONFIG="$T/bk.conf" \
		bk-secret get "file:$T/pw"
	[ "$(id -u)" = 0 ] ||
		run_bk 78 env -i PATH="$PATH" bk-secret get keyring:a/b
}

@test "a user's keyring is that of the Python tool" {
	[ "$(id -u)" != 0 ] || skip "root has /etc/bk/cryptfile_pass.cfg"
	sed -i '/^path/d' "$BK_CONFIG"
	store --version 1.4.1 -- a b secret
	mkdir -p data/python_keyring
	cp ring.cfg data/python_keyring/cryptfile_pass.cfg
	XDG_DATA_HOME=$T/data run_bk 0 bk-secret get keyring:a/b
	KEYRING_CRYPTFILE_PATH=$T/ring.cfg run_bk 0 bk-secret get keyring:a/b
}

@test "closed descriptors, and nowhere to write" {
	echo secret >pw
	status=0
	bk-secret get "file:$T/pw" >&- 2>e.txt || status=$?
	assert_is $status 74
	assert_has e.txt 'cannot write'
	bk-secret get "file:$T/pw" 0<&- 2>&- >o.txt
	assert_is "$(cat o.txt)" secret
	status=0
	bk-secret set "file:$T/new" 0<&- 1>&- 2>&- || status=$?
	assert_is $status 65
	for command in "get file:$T/pw" list '--json list' '-h' "check file:$T/pw"; do
		store --version 1.4.1 -- a b secret
		status=0
		# shellcheck disable=SC2086
		bk-secret $command >/dev/full 2>e.txt || status=$?
		assert_is "$command $status" "$command 74"
	done
}

@test "no core, whatever it dies of" {
	ulimit -c unlimited 2>/dev/null || skip "cores cannot be allowed here"
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0
	unset LD_PRELOAD # it is to take its time
	store --version 1.4.1 -- a b secret
	local signal pid
	for signal in ABRT SEGV; do
		bk-secret get keyring:a/b >o.txt 2>e.txt 3>&- &
		pid=$!
		wait_for 30 derives $pid
		assert_is "$(awk '/^Max core file size/ { print $5, $6 }' \
			/proc/$pid/limits)" '0 0'
		# its memory is nobody else's
		assert_is "$(stat -c %U /proc/$pid/mem)" root
		kill -$signal $pid
		status=0
		wait $pid 2>wait.txt || status=$?
		[ $status = 134 ] || [ $status = 139 ]
		assert_hasnt wait.txt 'core dumped'
		assert_is "$(find . -name '*core*')" ''
	done
}

derives() {
	local kib
	kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status")
	[ "${kib:-0}" -gt 40000 ]
}
