#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-status --publish, --fleet, --forget-host on a real box behind ssh.

load helper
load status
load boxes

setup() {
	status_setup
	all_well
}

teardown() {
	boxes_down
}

# A real box "one", to which ssh goes by /etc/bk/ssh_config.
real_box() {
	need_program sftp
	boxes_up one
	fleet=$T/r/one/data/bk-fleet
}

@test "a real box, by its port 22 and by its port 23" {
	local name
	real_box
	on_box sftp://one
	for name in one one-shell; do
		sed -i "s|^url = sftp:.*|url = sftp://$name/deep/down|" "$BK_CONFIG"
		fleet=$T/r/one/data/deep/down/bk-fleet
		boxed 0 bk-status --fleet
		assert_is "$(line 1)" 'fleet: all is well. 1 host.'
		boxed 0 bk-status --publish
		[ -z "$stdout$stderr" ] || fail "$stderr"
		assert_is "$(ls -A "$fleet")" web1.json
		as_host db1 60 db1.json '.jobs[0].health="failed"'
		as_host 'a b' 60 'a%20b.json'
		ln -s /etc/passwd "$fleet/link.json"
		mkdir "$fleet/dir.json"
		head -c 300000 /dev/zero >"$fleet/big.json"
		chmod -R a+rX "$fleet"
		boxed 1 bk-status --fleet
		assert_fits
		assert_is "$(awk 'NR > 2 && /^[a-z]/ { printf "%s ", $1 }' "$out")" \
			'unknown unknown unknown failed ok ok '
		assert_has "$out" 'failed   db1   backup home failed'
		assert_has "$out" 'ok       a b   all is well'
		assert_is "$(find "$BK_RUN_DIR" -name 'fleet.*')" ''
		boxed 0 bk-status --publish
		boxed 0 bk-status --forget-host db1
		[ ! -e "$fleet/db1.json" ]
		boxed 66 bk-status --forget-host db1
		rm -r "$T/r/one/data/deep"
	done
}

@test "user, port and a folder with blanks, from the URL alone" {
	local user
	real_box
	read -r sftp shell <ports.one
	user=$(sed -n 's/^	User //p' r/ssh_config)
	sed -i -e '/^	User /d' -e 's/^	Port .*/	Port 1/' r/ssh_config
	on_box "sftp://$user@one:$sftp/a \"b\\\\c [x]* d"
	sed -i 's|\\\\|\\|' "$BK_CONFIG"
	boxed 78 bk-status -q --publish
	assert_has "$err" 'is not a box'
	sed -i '/^url = sftp/d' "$BK_CONFIG"
	printf '%s\n' "url = sftp://$user@one:$sftp/a\"b\\c[x]*d" >>"$BK_CONFIG"
	boxed 0 bk-status --publish
	[ -s "$T/r/one/data/a\"b\\c[x]*d/bk-fleet/web1.json" ]
	boxed 0 bk-status --fleet
	assert_has "$out" 'ok       web1'
}

@test "a box with another key, without ours, or that is away" {
	local pid
	real_box
	on_box sftp://one/x
	cp r/known_hosts known
	ssh-keygen -q -t ed25519 -N '' -f other
	echo "one $(cut -d' ' -f1,2 other.pub)" >r/known_hosts
	boxed 77 bk-status --publish
	assert_has "$err" 'box fsn: Host key verification failed'
	: >r/known_hosts
	sed -i 's/StrictHostKeyChecking yes/StrictHostKeyChecking no/' r/ssh_config
	boxed 77 bk-status --publish
	assert_has "$err" 'Host key verification failed'
	assert_is "$(cat r/known_hosts)" ''
	cp known r/known_hosts
	cp r/ssh_config good
	sed -i "s|IdentityFile .*|IdentityFile $T/other|" r/ssh_config
	boxed 77 bk-status --fleet
	assert_has "$err" 'Permission denied'
	cp good r/ssh_config
	"$rig/box.sh" down "$T/r" one
	boxed 75 bk-status --publish
	assert_has "$err" 'Connection refused'
	boxed 75 bk-status --fleet
	sed -i 's/HostName .*/HostName none.invalid/' r/ssh_config
	boxed 75 bk-status --fleet
}

@test "a box that is full, and one that forbids" {
	local pid
	real_box
	on_box sftp://one-shell
	boxed 0 bk-status --publish
	cp "$fleet/web1.json" before
	read -r pid <"$T/r/one/shell.pid"
	nsenter -m -t "$pid" mount -t tmpfs -o size=4k,mode=777 tmpfs \
		/home/bk-fleet || skip "cannot mount in there"
	boxed 0 bk-status --publish
	boxed 74 bk-status --publish
	assert_has "$err" 'box fsn: '
	nsenter -m -t "$pid" cat /home/bk-fleet/web1.json >full
	assert_json full '.[0].type == "status"'
	nsenter -m -t "$pid" umount /home/bk-fleet
	chmod 555 "$fleet"
	chown 0 "$fleet"
	boxed 77 bk-status --publish
	boxed 77 bk-status --forget-host web1
	cmp before "$fleet/web1.json"
}

@test "a server that does not rename over what is there" {
	local in
	real_box
	read -r pid <"$T/r/one/shell.pid"
	in=(nsenter -m -t "$pid")
	"${in[@]}" sed -i 's/^\([[:blank:]]*exec [^ ]*sftp-server\)/\1 -P posix-rename/' \
		/run/box/shell || skip "cannot enter its namespace"
	"${in[@]}" grep -q posix-rename /run/box/shell
	on_box sftp://one-shell
	boxed 0 bk-status --publish
	cp "$fleet/web1.json" before
	rm "$BK_STATE_DIR/state/bk-restic.backup-etc.json"
	boxed 0 bk-status --publish
	assert_is "$(ls -A "$fleet")" web1.json
	run_bk 1 cmp before "$fleet/web1.json"
	assert_json "$fleet/web1.json" '.[0].safe == false'
}

@test "two at once" {
	local a b
	real_box
	on_box sftp://one
	boxed 0 true
	unshare -m sh etc.sh bk-status --publish 3>&- 2>one.err &
	a=$!
	unshare -m sh etc.sh bk-status --publish 3>&- 2>two.err &
	b=$!
	wait "$a"
	wait "$b"
	assert_is "$(ls -A "$fleet")" web1.json
	assert_json "$fleet/web1.json" '.[0].type == "status"'
}
