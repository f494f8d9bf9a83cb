#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-verify and a repository on a box: hashed there, or read by restic.

load helper
load restic
load verify

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	verify_setup_file
}
setup() {
	need_program sshd
	verify_setup repo packs
	box=$BATS_TEST_DIRNAME/../rigs/box.sh
	"$box" up "$T/b" one >/dev/null
	mv repo b/one/data/repo
	ln -s b/one/data/repo repo
	chown -R 20001:20001 b/one/data
	on_box one-shell
	# the path of a socket must be short
	BK_RUN_DIR=$(mktemp -d /var/tmp/bkv.XXXXXX)
}
teardown() {
	"$box" down "$T/b" one
	rm -rf "$BK_RUN_DIR"
}

# on_box HOST: the repository is reached so.
on_box() {
	conf_repo "url=sftp:$1:repo"
	conf_repo "option=sftp.command=ssh -F $T/b/ssh_config $1 -s sftp"
}

# logins: how often somebody logged in to the box with a shell.
logins() { grep -c 'Accepted publickey' b/one/shell.log || :; }

# shell_first LINE: of its shell's list of commands.
shell_first() {
	nsenter -t "$(cat b/one/shell.pid)" -m \
		sed -i "s/^\\*\\[/$1\\n&/" /run/box/shell
}

@test "files are hashed there, all on one connection" {
	conf_verify skip=repo
	before=$(logins)
	run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok\t100 %'
	assert_has b/one/commands.log 'sha256sum repo/data/'
	# restic's own two, and one for all commands
	assert_is $(($(logins) - before)) 3
	assert_is "$(ls "$BK_RUN_DIR")" lock
	# the same without a socket
	rm -rf state
	BK_RUN_DIR=$T/run-$(printf %0100d 0) run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok\t100 %'
}

@test "damage on the box is found there" {
	conf_verify skip=repo
	run_bk 0 bk-verify run
	data=$(cd b/one/data && find repo/data -type f | sort -R | sed -n 1p)
	gone=$(cd b/one/data && find repo/data -type f | sort -R | grep -v "$data" | sed -n 1p)
	index=$(cd b/one/data && find repo/index -type f | sed -n 1p)
	flip "b/one/data/$data"
	flip "b/one/data/$index"
	rm "b/one/data/$gone"
	echo >'b/one/data/repo/snapshots/a b'
	run_bk 1 bk-verify run --all
	failures packs:main >got
	sort >want <<-END
		damaged ${data#repo/}
		damaged ${index#repo/}
		missing ${gone#repo/}
		extra snapshots/a b
	END
	diff -u want got
}

@test "a box without a shell: restic reads all of it instead" {
	on_box one
	run_bk 0 bk-verify run
	assert_has "$out" $'repo:main\tok\t100 %'
	assert_has "$out" 'restic reads all of it instead'
	run_bk 0 bk-verify status
	assert_has "$out" $'packs:main\tnone\t0 %'
	flip "$(cd b/one/data && find "$PWD/repo/data" -type f | sed -n 1p)"
	run_bk 1 bk-verify run --all
	assert_has "$out" $'repo:main\tfailed'
}

@test "a box whose sha256sum takes one file at a time" {
	conf_verify skip=repo
	shell_first 'sha256sum*repo*repo*) no ;;'
	run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok\t100 %'
	flip "$(cd b/one/data && find "$PWD/repo/data" -type f | sed -n 1p)"
	run_bk 1 bk-verify run --all
	# and one that has none
	rm -rf state
	shell_first 'sha256sum*) no ;;'
	run_bk 0 bk-verify run
	assert_has "$out" 'restic reads all of it instead'
}

@test "a box that cannot be reached is unknown; one that refuses is not" {
	run_bk 0 bk-verify run
	age packs:main $((20 * 86400))
	"$box" down "$T/b" one
	run_bk 75 bk-verify run packs
	assert_has "$err" 'the box cannot be reached'
	assert_is "$(state packs:main .exit)" 75
	assert_is "$(failures packs:main)" ''
	"$box" up "$T/b" one >/dev/null
	on_box one-shell
	run_bk 0 bk-verify run packs
	ssh-keygen -q -t ed25519 -N '' -f other
	sed -i "s,^one .*,one $(cut -d' ' -f1,2 other.pub)," b/known_hosts
	run_bk 77 bk-verify run packs
	assert_has "$err" 'the box does not let us in'
	assert_is "$(state packs:main .result)" failed
}

@test "the connection breaks in the midst of it: what was proved stays so" {
	conf_verify skip=repo
	run_bk 0 bk-verify run
	jq '.parts |= map_values(0)' state/verify/packs:main.json >p
	cat p >state/verify/packs:main.json
	# sha256sum hangs, and the box goes away
	shell_first 'sha256sum*) touch hangs; sleep 60 ;;'
	bk-verify run packs --all >out 2>err &
	wait_for 30 [ -e b/one/data/hangs ]
	"$box" down "$T/b" one
	status=0
	wait $! || status=$?
	assert_is $status 75
	run_bk 0 bk-verify status
	assert_has "$out" $'packs:main\tdue\t0 %'
}
