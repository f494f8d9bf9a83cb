#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What was once found by attacking bk-secret.
# shellcheck disable=SC2154

load helper
load secret

setup() { secret_setup; }

@test "a newline that a file or credential would lose is refused" {
	printf old >pw
	run_bk 65 bk-secret set --exact "file:$T/pw" < <(printf 'new\n')
	assert_has "$err" 'ends in a newline'
	assert_is "$(cat pw)" old
	run_bk 65 bk-secret set "file:$T/pw" < <(printf 'new\n\n')
	assert_is "$(cat pw)" old
	run_bk 65 bk-secret set -n --exact credential:x < <(printf 'new\n')
}

@test "one broken entry does not condemn those behind it" {
	store -- s a A s b B s c C
	python3 "$rig/cryptfile.py" harm ring.cfg s b data >harmed
	# no reference tells which is wrong, the master or the entry
	python3 - harmed ring.cfg <<-'END'
		import configparser, sys
		ini = configparser.RawConfigParser()
		ini.read(sys.argv[1])
		ini.remove_option("keyring_2Dsetting", "password_20reference")
		with open(sys.argv[2], "w") as f:
		    ini.write(f)
	END
	{ request one keyring:s/b; request two keyring:s/c; } >in
	run_bk 0 bk-secret get --batch <in
	assert_is "$(replies | cut -d ' ' -f 1)" $'77\n0'
	# the reference is harmed too, but the master was seen to be right
	python3 "$rig/cryptfile.py" harm harmed keyring-setting \
		'password reference' data >ring.cfg
	{ request one keyring:s/a; cat in; } >all
	run_bk 0 bk-secret get --batch <all
	assert_is "$(replies | cut -d ' ' -f 1)" $'0\n77\n0'
}

# during COMMAND: what happens while the keyring is about to be changed.
during() {
	printf '#!/bin/sh\n%s\nprintf "correct horse"\n' "$1" >unlock
	chmod 700 unlock
	printf '[keyring]\npath = %s\nunlock = command:%s\n' \
		"$T/ring.cfg" "$T/unlock" >"$BK_CONFIG"
}

@test "what another program writes meanwhile is not lost" {
	store -- s a A
	during "printf '# theirs\n' >>'$T/ring.cfg'"
	run_bk 75 bk-secret set keyring:s/b <<<B
	assert_has "$err" 'another program has written'
	assert_has ring.cfg '# theirs'
	during "rm '$T/ring.cfg'"
	run_bk 75 bk-secret set keyring:s/b <<<B
	[ ! -e ring.cfg ]
	alone ring.cfg
}

@test "of two first keyrings one stays, and nobody claims the other" {
	store -- s a A
	mv ring.cfg first
	during "cp '$T/first' '$T/ring.cfg'"
	run_bk 75 bk-secret set keyring:s/b <<<B
	assert_hasnt "$err" 'a new keyring'
	cmp first ring.cfg
	alone ring.cfg
}

@test "a damaged nonce is told with the file and the line" {
	store -- s a A
	python3 - <<-'END'
		import base64, configparser, json
		ini = configparser.RawConfigParser()
		ini.read("ring.cfg")
		entry = json.loads(base64.b64decode(ini["s"]["a"]))
		entry["nonce"] = ""
		ini["s"]["a"] = base64.b64encode(json.dumps(entry).encode()).decode()
		with open("ring.cfg", "w") as f:
		    ini.write(f)
	END
	run_bk 65 bk-secret get keyring:s/a
	assert_has "$err" "'$T/ring.cfg', line "
}

# at_prompt KEY...: in the foreground of a terminal, KEY... are typed at the
# prompt; prints how it ended and whether there is an echo. As a session of
# its own with "none": without a controlling terminal.
at_prompt() {
	timeout 30 python3 - "$@" <<-'END'
		import fcntl, os, pty, select, signal, sys, termios, time
		command = ["bk-secret", "set", "-n", "file:" + os.getcwd() + "/pw"]
		bare = sys.argv[1] == "none"
		keys = sys.argv[2:] if bare else sys.argv[1:]
		ours, theirs = pty.openpty()
		tell, told = os.pipe()[::-1]
		if os.fork() == 0:
		    os.setsid()
		    if not bare:
		        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
		    for fd in range(3):
		        os.dup2(theirs, fd)
		    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
		    child = os.fork()
		    if child == 0:
		        if not bare:
		            os.setpgid(0, 0)
		            os.tcsetpgrp(0, os.getpid())
		        os.execvp(command[0], command)
		    status = os.waitpid(child, os.WUNTRACED)[1]
		    echo = termios.tcgetattr(0)[3] & termios.ECHO
		    how = ("stopped" if os.WIFSTOPPED(status) else
		           "signal" if os.WIFSIGNALED(status) else
		           "exit %d" % os.WEXITSTATUS(status))
		    if os.WIFSTOPPED(status):
		        os.kill(child, 9)
		    os.write(tell, (how + (", echo" if echo else ", none")).encode())
		    os._exit(0)
		seen, end, result = b"", time.monotonic() + 20, b""
		while not result and time.monotonic() < end:
		    ready = select.select([ours, told], [], [], 0.02)[0]
		    if ours in ready:
		        seen += os.read(ours, 4096)
		    late = time.monotonic() > end - 15
		    if seen.endswith(b": ") and keys and (
		            late or not termios.tcgetattr(theirs)[3] & termios.ECHO):
		        os.write(ours, keys.pop(0).encode().decode(
		            "unicode_escape").encode())
		        seen += b"|"
		    if told in ready:
		        result = os.read(told, 99)
		print(result.decode())
		print("shown" if b"tea for two" in seen else "hidden")
	END
}

@test "^Z and ^\\ at a prompt leave a terminal that echoes" {
	local key
	for key in 'tea\x1a\n' 'tea\x1c\n' '\x03'; do
		at_prompt "$key" >got
		assert_has got ', echo'
	done
}

@test "a terminal that is stdin alone, as of su -c, does not show what is typed" {
	at_prompt none 'tea for two\n' 'tea for two\n' >got
	assert_is "$(cat got)" $'exit 0, echo\nhidden'
}

# answering SCRIPT: bk-restic with that for a bk-secret.
answering() {
	mkdir -p bin
	cp "$BK_BIN/bk-restic" bin/
	printf '#!/bin/sh\necho restic 0.18.0 compiled\n' >bin/restic
	printf '#!/bin/sh\ncat >/dev/null\n%s\n' "$1" >bin/bk-secret
	chmod 700 bin/*
	printf '[repo main]\nurl = %s\nprogram = %s\npassword = file:/x\n' \
		"$T/repo" "$T/bin/restic" >"$BK_CONFIG"
}

@test "replies that are no replies are not taken for any" {
	local reply
	for reply in '-1 1 3\nabc' '256 1 3\nabc' '0 -1 3\nabc' '0 1 3\nabcd'; do
		answering "printf -- '$reply'"
		run_bk 76 bin/bk-restic key list main
		assert_hasnt "$err" abc
	done
}
