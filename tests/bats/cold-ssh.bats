#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2016
# bk-cold push, to real sshd: as a Storage Box's port 23 and its port 22.

load helper
load cold
load boxes

setup() {
	bk_setup
	host=$(uname -n)
	boxes_up b1
	one=$T/r/b1/data/cold
	mk_marker src/a/.coldstorage
	echo hello >src/a/hello
	url_one=sftp://b1-shell/cold url_two=sftp://b2/cold
	cold_conf one
	ssh_setup
}

teardown() {
	boxes_down
}

init() { boxed 0 bk-cold -q init "$1"; }

second_box() {
	boxes_up b2
	two=$T/r/b2/data/cold
}

# liar TEXT: on box one sha256sum is a script with this text.
liar() {
	printf '#!/bin/bash\n%s\n' "$1" >liar
	chmod 755 liar
	cp /usr/bin/sha256sum r/b1/data/real
	cp liar r/b1/liar
	nsenter -m -t "$(cat r/b1/shell.pid)" \
		mount --bind "$T/r/b1/liar" /usr/bin/sha256sum
}

@test "a box with commands hashes itself, one without is read back" {
	local name
	head -c 3000000 /dev/urandom >src/a/big
	mk_hostile src/a/h
	for name in b1-shell b1; do
		rm -rf "$one" "$BK_STATE_DIR/cold"
		url_one=sftp://$name/cold
		cold_conf one
		init one
		: >r/b1/commands.log
		boxed 0 bk-cold push
		(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
		[ "$(objects "$one" | wc -l)" = \
			"$(find src -type f -printf x | wc -c)" ]
		if [ $name = b1 ]; then
			assert_is "$(ask 'select distinct how from copy')" r
		else
			assert_is "$(ask 'select distinct how from copy')" h
			assert_has r/b1/commands.log 'sha256sum cold/'
		fi
		boxed 0 bk-cold push
		assert_hasnt "$out" copied
	done
}

@test "a push with nothing to do makes no connection" {
	init one
	boxed 0 bk-cold push
	"$rig/box.sh" down "$T/r" b1
	boxed 0 bk-cold push
}

@test "one connection is enough, and nothing of it is left" {
	init one
	: >r/b1/shell.log
	boxed 0 bk-cold push
	assert_is "$(grep -c 'Accepted publickey' r/b1/shell.log)" 1
	[ -z "$(find run -name 'ssh.*')" ]
	! pgrep -f "ssh .*$T/run/ssh" >left || fail "left: $(cat left)"
}

many() {
	local i
	mkdir src/a/many
	for i in {1..300}; do echo "$i" >"src/a/many/$i"; done
}

@test "many files go by many channels, of one connection" {
	many
	init one
	: >r/b1/shell.log
	: >r/b1/commands.log
	boxed 0 bk-cold push
	assert_is "$(grep -c 'Accepted publickey' r/b1/shell.log)" 1
	(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(objects "$one" | wc -l)" 302
	[ "$(grep -c sftp-server r/b1/commands.log)" -ge 4 ] ||
		fail "one channel alone"
	[ "$(grep -c ^sha256sum r/b1/commands.log)" -le 15 ] ||
		fail "many commands: $(grep -c ^sha256sum r/b1/commands.log)"
}

# A box with few channels for a connection: as many as there are, no more
# connections, and a proof all the same.
few_channels() { # N HOW
	many
	init one
	"$rig/box.sh" down "$T/r" b1
	# shellcheck disable=SC2046
	BOX_SESSIONS=$1 "$rig/box.sh" up "$T/r" b1 $(cat ports.b1) >/dev/null ||
		fail "no box"
	cp r/ssh_config etc-ssh_config
	: >r/b1/shell.log
	boxed 0 bk-cold push
	(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(objects "$one" | wc -l)" 302
	assert_is "$(ask 'select count(*) from copy')" 302
	assert_is "$(ask 'select distinct how from copy')" "$2"
	[ "$(grep -c 'Accepted publickey' r/b1/shell.log)" -le 3 ] ||
		fail "$(grep -c 'Accepted publickey' r/b1/shell.log) connections"
}

@test "a box with one channel for each connection: read back" {
	few_channels 1 r
}

@test "a box with two channels for each connection" {
	few_channels 2 h
}

@test "a box with four channels for each connection" {
	few_channels 4 h
}

@test "a box that takes no more connections is for later" {
	init one
	# as the eleventh is refused: closed before a word is said
	"$rig/box.sh" down "$T/r" b1
	python3 - "$(cut -d' ' -f2 ports.b1)" 3>&- <<-'END' &
		import socket, sys
		s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
		while True:
		    s.accept()[0].close()
	END
	echo $! >proxy.pid
	wait_for 30 bash -c ": <>/dev/tcp/127.0.0.1/$(cut -d' ' -f2 ports.b1)" 2>/dev/null
	boxed 75 timeout 100 bk-cold push
	assert_has "$err" 'it will be tried again'
	assert_is "$(ask 'select count(*) from copy')" 0
	kill "$(cat proxy.pid)"
	: >proxy.pid
	# shellcheck disable=SC2046
	"$rig/box.sh" up "$T/r" b1 $(cat ports.b1) >/dev/null || fail "no box"
	boxed 0 bk-cold push
	(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
}

@test "killed at any moment: the next push ends it, and nothing wrong is good" {
	local n at
	many
	init one
	for at in 0.2 0.5 0.8 1.1 1.5 2.0 3.0; do
		echo "$at" >"src/a/many/$at"
		timeout -s KILL $at unshare -m sh etc.sh bk-cold -q push \
			>killed.out 2>&1 3>&- || :
		# what the catalog calls good is so
		n=$(ask 'select count(*) from copy k join content n on
			n.id = k.content where k.state = 0')
		ask "select n.sha256 || '  ' || k.object from copy k join content n
			on n.id = k.content where k.state = 0" >sums
		[ "$n" = 0 ] || (cd "$one" && sha256sum --quiet -c "$T/sums") ||
			fail "killed after $at s"
	done
	boxed 0 bk-cold push
	(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
	assert_is "$(ask 'select count(*) from copy where state = 0')" 309
	assert_is "$(objects "$one" | wc -l)" 309
	[ -z "$(ls -A "$one/$host/.partial")" ] || fail "rests"
}

@test "two boxes get one reading, both proved" {
	mv src/a/.coldstorage src/a/.coldstorage_redundant
	head -c 5000000 /dev/urandom >src/a/big
	second_box
	init one
	init two
	boxed 0 bk-cold push
	cmp src/a/big "$(object "$one" src/a/big)"
	cmp src/a/big "$(object "$two" src/a/big)"
	assert_is "$(ask 'select count(*) from copy')" 6
}

@test "two names for one machine are refused" {
	url_two=sftp://b1-shell/elsewhere
	cold_conf one
	init one
	boxed 77 bk-cold init two
	assert_has "$err" 'box two is on the same machine or disk as box one'
}

@test "a connection that is cut, anywhere, is made again" {
	local n
	head -c 2000000 /dev/urandom >src/a/big
	init one
	for n in 3000 5000 9000 50000 400000 1500000; do
		rm -rf "$one"/*/DATA "$one"/*/*.0* "$BK_STATE_DIR/cold"
		boxed 0 bk-cold -q init one
		through --cut $n --conns 1
		boxed 0 bk-cold push
		straight
		(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*) ||
			fail "cut at $n"
		cmp src/a/big "$(object "$one" src/a/big)" || fail "cut at $n"
		[ -z "$(ls -A "$one/$host/.partial")" ] || fail "cut at $n: rests"
	done
}

@test "a connection that is always cut is given up, and nothing is lost" {
	head -c 2000000 /dev/urandom >src/a/big
	init one
	through --cut 300000
	boxed 75 bk-cold push
	assert_has "$err" 'lost again and again'
	state_says '.exit == 75'
	straight
	boxed 0 bk-cold push
	cmp src/a/big "$(object "$one" src/a/big)"
}

@test "a box that cannot be reached is for later" {
	init one
	"$rig/box.sh" down "$T/r" b1
	echo new >src/a/new
	boxed 75 bk-cold push
	state_says '.exit == 75'
}

@test "a wrong host key ends it before a byte is sent" {
	init one
	second_box
	echo "b1 $(cut -d' ' -f1,2 r/b2/hostkey.pub)" >r/known_hosts
	echo new >src/a/new
	boxed 3 bk-cold push
	assert_has "$err" 'HOST IDENTIFICATION HAS CHANGED'
	[ ! -e "$one/$host/DATA" ]
}

@test "without the right key nobody is let in" {
	init one
	ssh-keygen -q -t ed25519 -N '' -f r/client2
	sed -i 's,IdentityFile .*,IdentityFile '"$T"'/r/client2,' r/ssh_config
	echo new >src/a/new
	boxed 3 bk-cold push
	assert_has "$err" 'Permission denied'
}

@test "a byte that is flipped on the box is found, and the file sent again" {
	init one
	liar 'for f; do [ -e /home/cold/flipped ] || { : >/home/cold/flipped
		printf X | dd of="$f" conv=notrunc status=none; }; done
		exec /home/real "$@"'
	chmod 777 r/b1/data/cold
	boxed 3 bk-cold push
	assert_has "$err" 'other bytes arrived than were sent'
	boxed 0 bk-cold push
	(cd r/b1/data && sha256sum --quiet -c cold/*/SHA256SUMS.*)
}

@test "answers that are not exactly right are no proof" {
	local lie
	init one
	for lie in 'exit 0' \
		'for f; do echo "0123  $f"; done' \
		'real=$(/home/real "$@"); echo "${real:1}"' \
		'real=$(/home/real "$@"); echo "$real" | head -c 60' \
		'/home/real "$@" | sed "s/  .*/  other/"' \
		'/home/real "$@"; echo more' \
		'/home/real "$@"; exit 2' \
		'echo "sha256sum: it hurts" >&2; exit 1'; do
		# it is known to have the command
		rm -rf "$one/$host/DATA"
		liar "$lie"
		echo "$lie" >src/a/hello
		status=0
		unshare -m sh etc.sh bk-cold push >o 2>e || status=$?
		nsenter -m -t "$(cat r/b1/shell.pid)" umount /usr/bin/sha256sum
		# either it was read back, or it is not good
		if [ $status = 0 ]; then
			assert_is "$(ask "select distinct how from copy")" r
		fi
	done
	boxed 0 bk-cold push
}

@test "a full box takes what fits, says so, and is no good copy" {
	mkdir small
	disk "$T/small" 3m
	chown 20001:20001 small
	"$rig/box.sh" down "$T/r" b1
	rm -rf r/b1/data
	ln -s "$T/small" r/b1/data
	"$rig/box.sh" up "$T/r" b1 >ports.b1
	init one
	head -c 5000000 /dev/urandom >src/a/large
	boxed 3 bk-cold push
	grep -q 'src/a/large: box one' "$err" || fail "$stderr"
	umount -l "$T/small"
}
