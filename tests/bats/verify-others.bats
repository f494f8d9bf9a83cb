#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-verify and a repository on a server that is not OpenSSH: dropbear, which
# takes short commands only, or rclone, which takes none.

load helper
load restic
load verify
load sshd

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	verify_setup_file
}
setup() {
	verify_setup repo packs
	sshd_keys
	# the path of a socket must be short
	BK_RUN_DIR=$(mktemp -d /var/tmp/bkv.XXXXXX)
}
teardown() {
	sshd_down
	rm -rf "$BK_RUN_DIR"
}

# on_host HOST DIR: the repository is reached so.
on_host() {
	conf_repo "url=sftp:$1:$2"
	conf_repo "option=sftp.command=ssh -F $T/r/ssh_config $1 -s sftp"
}

@test "dropbear: as many names in a command as it takes" {
	local deep i
	need_program dropbear
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	sshd_dropbear
	for i in 1 2 3; do
		RESTIC_PASSWORD=open-sesame restic -q -r repo backup "$SRC1/small$i"
	done
	# seven of a kind are no command that it takes
	deep=$(printf 'a-folder-of-a-name-that-is-not-short-at-all-%d/' {1..34})
	mkdir -p "r/drop/$deep"
	mv repo "r/drop/$deep"
	on_host drop "${deep}repo"
	conf_verify skip=repo
	run_bk 0 bk-verify run
	assert_has "$out" $'packs:main\tok\t100 %'
	flip "$(find "$PWD/r/drop" -path '*/data/*' -type f | sed -n 1p)"
	run_bk 1 bk-verify run --all
	assert_has "$out" $'packs:main\tfailed'
	! grep 'String too long' r/drop.log || fail "it is cut off"
}

@test "rclone: restic reads all of it instead" {
	need_program rclone
	mkdir r/clone
	mv repo r/clone
	sshd_rclone
	on_host clone repo
	run_bk 0 bk-verify run
	assert_has "$out" $'repo:main\tok\t100 %'
	assert_has "$out" 'restic reads all of it instead'
}
