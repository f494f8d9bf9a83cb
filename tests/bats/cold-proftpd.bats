#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2016
# bk-cold and a second implementation of SFTP: ProFTPD's mod_sftp. It runs no
# commands, so that copies are read back.

load helper
load cold
load boxes
load sshd

setup() {
	bk_setup
	need_root
	need_program proftpd
	mod=$(find /usr/lib*/proftpd /usr/libexec/proftpd -name mod_sftp.so \
		-printf %h -quit 2>/dev/null) || :
	[ -n "$mod" ] || skip "no mod_sftp"
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	mkdir -p r/home src/a
	one=$T/r/home/cold host=$(uname -n)
	start_server
	mk_marker src/a/.coldstorage
	echo hello >src/a/hello
	url_one=sftp://pro/cold
	cold_conf one
	ssh_setup
	boxed 0 bk-cold -q init one
}

teardown() {
	[ ! -s "$T/r/pid" ] || stop_server
	! mountpoint -q "$T/r/home" || umount -l "$T/r/home"
}

stop_server() {
	local pid
	pid=$(cat "$T/r/pid")
	kill "$pid" 2>/dev/null || :
	wait_for 30 gone "$pid"
	rm -f "$T/r/pid"
}

# The folders above $T are for root alone: the data are at /srv/home for it.
run_server() {
	unshare -m sh -c "mount -t tmpfs -o mode=755 tmpfs /srv &&
		mkdir /srv/home && mount --bind $T/r/home /srv/home &&
		exec proftpd -c $T/r/conf" >r/start 2>&1 3>&- 4>&- ||
		fail "proftpd does not start: $(cat r/start)"
	wait_for 30 test -s r/pid
}

gone() { ! kill -0 "$1" 2>/dev/null; }

start_server() {
	local port=$((20000 + RANDOM % 12000))
	chown 20001:20001 r/home
	ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f r/hostkey
	ssh-keygen -q -t rsa -b 2048 -N '' -C client -f r/client
	ssh-keygen -e -m RFC4716 -f r/client.pub >r/keys
	echo "u1:!:20001:20001::/srv/home:/bin/false" >r/passwd
	echo "u1:x:20001:" >r/group
	chmod 600 r/passwd r/group
	cat >r/conf <<-END
		ModulePath $mod
		LoadModule mod_sftp.c
		ServerType standalone
		DefaultServer on
		DefaultAddress 127.0.0.1
		Port $port
		User nobody
		Group root
		UseReverseDNS off
		PidFile $T/r/pid
		ScoreboardFile $T/r/scoreboard
		DelayTable none
		SystemLog $T/r/log
		WtmpLog off
		AuthOrder mod_auth_file.c
		AuthUserFile $T/r/passwd
		AuthGroupFile $T/r/group
		RequireValidShell off
		DefaultRoot ~
		SFTPEngine on
		SFTPLog $T/r/sftp.log
		SFTPHostKey $T/r/hostkey
		SFTPAuthMethods publickey
		SFTPAuthorizedUserKeys file:$T/r/keys
	END
	run_server
	sshd_host pro "$port" u1
}

@test "push, check and get: all is proved by reading it back" {
	local i
	mk_hostile src/a/h
	head -c 3000000 /dev/urandom >src/a/big
	: >src/a/empty
	mkdir src/a/many
	for i in {1..100}; do echo "$i" >"src/a/many/$i"; done
	boxed 0 bk-cold push
	(cd r/home && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(objects "$one" | wc -l)" \
		"$(find src -type f -printf x | wc -c)"
	assert_is "$(ask 'select distinct how from copy')" r
	# of two it would mix up what came in part
	assert_is "$(grep -c "'subsystem' channel request" r/sftp.log)" \
		"$(grep -c 'authenticated via' r/sftp.log)"
	boxed 0 bk-cold check
	boxed 0 bk-cold get "$T/src" --to out
	diff -r src "out$T/src"
	boxed 0 bk-cold push
	assert_hasnt "$out" copied
}

@test "what lies there is not overwritten, a turned byte is found" {
	local there
	boxed 0 bk-cold push
	there=$(object "$one" src/a/hello)
	echo other >src/a/hello
	boxed 0 bk-cold push
	assert_is "$(cat "$there")" hello
	assert_is "$(cat "$there"~*)" other
	printf H | dd of="$there" conv=notrunc bs=1 status=none
	boxed 1 bk-cold check
	assert_has "$out" $'one\twrong'
}

@test "a connection too many: the server's reason is told" {
	stop_server
	echo MaxClientsPerUser 1 >>r/conf
	: >r/sftp.log
	run_server
	mkfifo r/hold
	unshare -m sh etc.sh sftp -F r/ssh_config pro <r/hold >/dev/null 2>&1 3>&- &
	exec 8>r/hold
	wait_for 20 logged_in
	boxed 75 bk-cold status
	assert_has "$out" 'Maximum connections for host/user reached'
	exec 8>&-
	wait $! || :
	boxed 0 bk-cold push
}

logged_in() { grep -q 'authenticated via' r/sftp.log; }

@test "the server ends in the middle: the next push ends it" {
	local i
	mkdir src/a/many
	for i in {1..200}; do head -c 20000 /dev/urandom >"src/a/many/$i"; done
	boxed_later
	wait_for 20 some_there
	stop_server
	wait "$later" || :
	run_server
	boxed 0 bk-cold push
	(cd r/home && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(objects "$one" | wc -l)" 202
}

@test "the connection ends in the middle: that took no room" {
	stop_server
	disk "$T/r/home"
	chown 20001:20001 r/home
	run_server
	rm -rf "$BK_STATE_DIR"
	boxed 0 bk-cold -q init one
	# twice that is more than there is
	head -c 30000000 /dev/urandom >src/a/big
	boxed_later
	wait_for 20 half_sent
	pkill -9 -P "$(cat r/pid)"
	wait "$later" || fail "$(cat later.out)"
	cmp src/a/big "$(object "$one" src/a/big)"
}

half_sent() { [ -n "$(find "$one" -path '*/.partial/*' -size +1000k)" ]; }

boxed_later() {
	timeout 100 unshare -m sh etc.sh bk-cold -q push >later.out 2>&1 3>&- &
	later=$!
}

some_there() { [ "$(objects "$one" 2>/dev/null | wc -l)" -gt 5 ]; }
