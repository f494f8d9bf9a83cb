#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold and bk-verify on a host that proves and restores what another one
# pushed, with a login that can only read.

load helper
load cold
load boxes

# The host that pushes logs in at port 23; the one that proves at port 22,
# where nobody writes, and has a state of its own.
setup() {
	bk_setup
	host=$(uname -n)
	BOX_SFTP=-R boxes_up b1
	one=$T/r/b1/data/cold
	mk_marker src/a/.coldstorage
	echo hello >src/a/hello
	seq 100000 >src/a/numbers
	url_one=sftp://b1-shell/cold
	cold_conf one
	boxed 0 bk-cold -q init one
	boxed 0 bk-cold push
	url_one=$'sftp://b1/cold\nread-only = yes'
	cold_conf one 'boxes = one' '[verify]'
	sed -i -e '/^redundant/d' -e '0,/^boxes = one/{//d}' "$BK_CONFIG"
	export BK_STATE_DIR=$T/state2 BK_CACHE_DIR=$T/cache2
	mkdir -m 700 state2 cache2
	(cd r/b1/data && find . -type f -exec sha256sum {} + | sort) >before
}

teardown() {
	(cd r/b1/data && find . -type f -exec sha256sum {} + | sort) |
		cmp - before
	boxes_down
}

@test "it proves, lists and restores, and writes nothing" {
	boxed 0 bk-cold init one
	boxed 0 bk-cold rebuild one
	boxed 0 bk-cold check
	boxed 0 bk-cold status
	assert_has "$out" 'one	ok	'
	boxed 0 bk-cold get --to back "$T/src/a"
	cmp "back$T/src/a/numbers" src/a/numbers
	boxed 0 bk-verify run
	assert_has "$out" 'cold:one'
	# what would write says why not, in a line
	for c in push 'release --yes'; do
		# shellcheck disable=SC2086
		boxed 77 bk-cold $c
		assert_is "$stderr" "bk-cold: error: [box one] is read-only: this host writes nothing there"
	done
	boxed 77 bk-cold probe one
	# no push is late, and no timer is asked for
	boxed 0 bk-status
	assert_hasnt "$out" 'cold push'
	[ -e src/a/hello ]
}

@test "snapshots of the box are shown, and restored from as they lie" {
	local old=r/b1/data/.zfs/snapshot/daily-2
	boxed 0 bk-cold init one
	boxed 0 bk-cold status
	assert_hasnt "$out" snapshots
	echo geheim >pw && chmod 600 pw
	restic -q -r r/b1/data/repo --password-file pw init
	restic -q -r r/b1/data/repo --password-file pw backup "$T/src/a" \
		--tag bk,home
	mkdir -p $old r/b1/data/.zfs/snapshot/daily-1
	mv r/b1/data/repo r/b1/data/cold $old
	touch r/b1/data/.zfs/snapshot/file
	chown -R --reference=r/b1/data r/b1/data/.zfs
	(cd r/b1/data && find . -type f -exec sha256sum {} + | sort) >before
	# the box is empty, which is another matter; but they are there
	mkdir "$one"
	cp $old/cold/.bk-box-id "$one"
	(cd r/b1/data && find . -type f -exec sha256sum {} + | sort) >before
	boxed 0 bk-cold status
	assert_has "$out" "one	snapshots	2 snapshots of the box	daily-1 to daily-2	.zfs/snapshot"
	boxed 0 bk-cold status --json
	assert_json "$out" 'any(.[]; .type == "box" and
		.snapshots == ["daily-1", "daily-2"] and
		.snapshot_folder == ".zfs/snapshot")'
	cat >old.conf <<-END
		[box old]
		url = sftp://b1/.zfs/snapshot/daily-2/cold
		read-only = yes
		[repo main]
		url = sftp:b1:.zfs/snapshot/daily-2/repo
		password = file:$T/pw
		[backup home]
		repo = main
	END
	export BK_STATE_DIR=$T/state3
	mkdir -m 700 state3
	boxed 0 bk-cold -c old.conf rebuild old
	boxed 0 bk-cold -c old.conf get --to back "$T/src/a"
	cmp "back$T/src/a/numbers" src/a/numbers
	boxed 0 bk-restic -c old.conf snapshots --no-lock
	boxed 0 bk-restic -c old.conf restore home --no-lock --yes \
		--target there
	cmp "there$T/src/a/numbers" src/a/numbers
}

@test "a box that nobody initialised is not one" {
	sed -i 's,/cold$,/other,' "$BK_CONFIG"
	boxed 77 bk-cold init one
	assert_has "$err" '[box one] is read-only'
}
