#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config init and check with a box behind a real sshd: the key of the host
# is pinned, ours is put there.

load helper
load config

setup() {
	host_setup
	need_program sshd ssh-keyscan
	box=$rig/box.sh
	run_bk 0 "$box" up "$T/b" one
	read -r port shell_port <"$out"
	print=$(ssh-keygen -l -f b/one/hostkey.pub | cut -d' ' -f2)
}

teardown() {
	"$box" down "$T/b" one
	host_teardown
}

person() { there python3 "$rig/answer.py" "$@"; }

# accept FILE: that public key may log in, from now on.
accept() {
	cat "$1" >>"/proc/$(cat b/one/sftp.pid)/root/run/box/authorized_keys"
}

# init_box STATUS [OPTION...]
init_box() {
	local want=$1
	shift
	init "$want" --repo-url "sftp://u100001@127.0.0.1:$port/r/%H" \
		--password-ref "file:$T/etc/bk/pw" --path "$T/src" \
		--box "sftp://u100001@127.0.0.1:$port/cold" "$@"
}

@test "step by step without a person" {
	# nobody has seen the key of the host
	init_box 77
	step 'done' configuration
	step 'done' 'ssh box'
	step failed 'ssh box'
	assert_has "$out" "$print"
	assert_has "$out" '--host-key SHA256:'
	step skipped 'repository main'
	step skipped 'first backup'
	assert_is "$(stat -c %a etc/bk/ssh)" 700
	assert_is "$(stat -c %a etc/bk/ssh/box)" 600
	assert_has etc/bk/bk.conf 'url = sftp:box:r/%H'
	assert_has etc/bk/bk.conf 'url = sftp://box/cold'
	[ ! -e etc/bk/ssh/known_hosts ]
	cp etc/bk/ssh/box key
	# it is another
	init_box 77 --host-key SHA256:AAAA
	assert_has "$out" 'it has another key than SHA256:AAAA'
	[ ! -e etc/bk/ssh/known_hosts ]
	init_box 64 --host-key "$print" --box "sftp://u@other/cold"
	assert_has "$err" '--box was given before'
	# it is one of these; ours is not there
	init_box 77 --host-key SHA256:AAAA --host-key "$print"
	assert_has "$out" 'pinned the key'
	assert_has "$out" 'Permission denied'
	assert_has "$out" "ssh-copy-id -s -i /etc/bk/ssh/box.pub"
	assert_is "$(grep -c '^box ' etc/bk/ssh/known_hosts)" 1
	run_bk 1 there bk-config check
	found error 'ssh box' 'Permission denied'
	accept etc/bk/ssh/box.pub
	init_box 0
	step kept 'ssh box'
	step 'done' 'repository main'
	step 'done' 'first backup'
	cmp key etc/bk/ssh/box
	assert_is "$(grep -c '^Host box$' etc/bk/ssh_config)" 1
	[ -e "b/one/data/r/$(uname -n)/config" ]
	run_bk 3 there bk-config check
	found warning '[box box]' 'its folder "cold" is not there'
	assert_hasnt "$out" 'error	'
	mkdir b/one/data/cold
	run_bk 3 there bk-config check
	found_no '[box box]'
	# the public key is made again
	rm etc/bk/ssh/box.pub
	init_box 0
	cmp <(cut -d' ' -f1,2 etc/bk/ssh/box.pub) <(ssh-keygen -y -f key |
		cut -d' ' -f1,2)
}

@test "at a terminal: the fingerprint is shown, the key put there by hand" {
	auth=/proc/$(cat b/one/sftp.pid)/root/run/box/authorized_keys
	run_bk 0 person 'URL of restic:' "u100001@127.0.0.1:$port" \
		'restic/%H]:' '' '/srv]:' "$T/src" '/srv]:' - \
		'[nobody]:' '' 'right? [no]:' yes \
		"'skip' [done]:" '' \
		"'skip' [done]:" "!cat $T/etc/bk/ssh/box.pub >>$auth" \
		-- bk-config init --password-ref "file:$T/etc/bk/pw"
	assert_has "$out" "$print"
	assert_has "$out" 'this host can log in now'
	assert_has "$out" 'all is well'
	[ -e "b/one/data/restic/$(uname -n)/config" ]
}

@test "at a terminal: a key that is not accepted, a login that is left out" {
	run_bk 77 person 'URL of restic:' "u100001@127.0.0.1:$port" \
		'restic/%H]:' r '/srv]:' "$T/src" '/srv]:' - \
		'[nobody]:' '' 'right? [no]:' '' \
		-- bk-config init --password-ref "file:$T/etc/bk/pw"
	assert_has "$out" 'its key was not accepted'
	[ ! -e etc/bk/ssh/known_hosts ]
	run_bk 77 person '[nobody]:' '' 'right? [no]:' yes \
		"'skip' [done]:" skip -- bk-config init
	assert_has "$out" 'Permission denied'
	assert_has etc/bk/ssh/known_hosts 'box ssh-ed25519'
}

@test "the box has another key than before: nothing is sent there" {
	init_box 77 --host-key "$print"
	accept etc/bk/ssh/box.pub
	ssh-keygen -q -t ed25519 -N '' -f other
	echo "box $(cut -d' ' -f1,2 other.pub)" >etc/bk/ssh/known_hosts
	init_box 77 --host-key "$print"
	assert_has "$out" 'another key than the one that is known'
	assert_has "$out" 'ssh-keygen -R box'
	step skipped 'repository main'
	run_bk 1 there bk-config check
	found error 'ssh box' 'another host key'
	run_bk 3 there bk-config check --offline
	found_no 'another host key'
}

@test "nobody answers: said at once, and the rest goes on" {
	"$box" down "$T/b" one
	init_box 75 --host-key "$print"
	assert_has "$out" "does not answer on port $port"
	step 'done' 'password main'
	step skipped 'repository main'
	echo "box $(cut -d' ' -f1,2 b/one/hostkey.pub)" >etc/bk/ssh/known_hosts
	init_box 75
	assert_has "$out" 'Connection refused'
	run_bk 1 there bk-config check
	found error 'ssh box' 'Connection refused'
	found_no '[repo main]	it does not open'
	# an address that does not exist
	rm -r etc/bk
	init 75 --repo-url "sftp://u@no.such.host.invalid/r" \
		--password-ref "file:$T/etc/bk/pw" --path "$T/src"
	assert_has "$out" 'does not answer'
}

@test "two servers, two aliases; an alias of one's own is used as it is" {
	init 77 --repo-url "sftp://u100001@127.0.0.1:$port/r" \
		--password-ref "file:$T/etc/bk/pw" --path "$T/src" \
		--box "sftp://other@localhost:$shell_port/x"
	assert_has etc/bk/bk.conf 'sftp:box:r'
	assert_has etc/bk/bk.conf 'sftp://box2/x'
	assert_has etc/bk/ssh_config 'Host box2'
	rm -r etc/bk
	mkdir etc/bk
	sed "s,^Host one\$,Host mine," b/ssh_config |
		sed "s,^Host one one-shell,Host mine," >etc/bk/ssh_config
	cp etc/bk/ssh_config before
	init 0 --repo-url sftp:mine:r --password-ref "file:$T/etc/bk/pw" \
		--path "$T/src"
	assert_has etc/bk/bk.conf 'url = sftp:mine:r'
	cmp before etc/bk/ssh_config
	[ ! -e etc/bk/ssh ]
	step kept 'ssh mine'
	# keys in a place of one's own are no fault, others reading them is
	run_bk 3 there bk-config check
	chmod 644 b/client
	run_bk 1 there bk-config check --offline
	found error 'ssh mine' 'others can read the key'
	chmod 600 b/client
	ssh-keygen -q -p -N secret -f b/client
	run_bk 1 there bk-config check --offline
	found error 'ssh mine' 'passphrase'
	rm b/client b/client.pub
	run_bk 1 there bk-config check --offline
	found error 'ssh mine' 'there is no key for it'
}

@test "a name of a server that is none is refused" {
	init 64 --repo-url "sftp://u x@host/r" --password-ref "file:$T/pw" \
		--path "$T/src"
	init 64 --repo-url $'sftp://u@ho"st/r' --password-ref "file:$T/pw" \
		--path "$T/src"
	[ ! -e etc/bk ]
}

# passwords: from now on the shell of the box takes one, "letmein".
passwords() {
	local pid root
	pid=$(cat b/one/shell.pid)
	root=/proc/$pid/root
	cp "$root/run/box/shadow" shadow
	sed "s,^u100001:[*]:,u100001:$(openssl passwd -6 letmein):," shadow \
		>"$root/run/box/shadow"
	chown 20001 "$root/run/box/authorized_keys"
	# shellcheck disable=SC2016
	sed -i 's,^case $1 in$,&\ninstall-ssh-key) exec tee -a /run/box/authorized_keys ;;,' \
		"$root/run/box/shell"
	sed -i 's,^PasswordAuthentication no,PasswordAuthentication yes,
		s,^AuthorizedKeysFile.*,& .ssh/authorized_keys,' \
		b/one/shell.conf
	: >b/one/shell.log
	kill -HUP "$pid"
	wait_for 30 grep -q 'listening on 127.0.0.1 port' b/one/shell.log
}

@test "another port: the key comes there by sftp, for a password" {
	need_program openssl ssh-copy-id
	passwords
	rm -rf "$HOME/.ssh"
	run_bk 0 person 'URL of restic:' "u100001@127.0.0.1:$shell_port" \
		'restic/%H]:' '' '/srv]:' "$T/src" '/srv]:' - \
		'[nobody]:' '' 'right? [no]:' yes \
		'password:' letmein \
		-- bk-config init --password-ref "file:$T/etc/bk/pw"
	assert_has "$out" 'this host can log in now'
	assert_has "$out" 'all is well'
	cmp etc/bk/ssh/box.pub b/one/data/.ssh/authorized_keys
}

# A storage box takes keys by a command of its own, on port 23.
@test "port 23: the password is typed once, and the key is there" {
	need_program ip openssl
	"$box" down "$T/b" one
	unshare -n sleep 1000 3>&- &
	net=$!
	wait_for 30 other_net
	nsenter -t "$net" -n ip link set lo up
	run_bk 0 nsenter -t "$net" -n "$box" up "$T/b" one 2022 23
	passwords
	run_bk 0 nsenter -t "$net" -n nsenter -t "$ns" -m --wd="$T" \
		python3 "$rig/answer.py" 'URL of restic:' \
		u100001@127.0.0.1:23 'restic/%H]:' '' '/srv]:' "$T/src" \
		'/srv]:' - '[nobody]:' '' 'right? [no]:' yes \
		'password:' letmein \
		-- bk-config init --password-ref "file:$T/etc/bk/pw"
	kill "$net"
	assert_has "$out" 'this host can log in now'
	assert_has "$out" 'all is well'
	assert_hasnt "$out" letmein
	assert_has b/one/commands.log install-ssh-key
}

other_net() {
	[ "$(readlink "/proc/$net/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
