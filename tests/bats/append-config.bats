#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config append-only: there and back, and what it refuses.

load helper
load config
load append

setup() { append_setup; }
teardown() { append_teardown; }

# as_full COMMAND...: in the folder that was carried away, on a machine that
# has nothing else.
as_full() {
	sed -i 's,^password = ask,password = file:/etc/bk/pw,' away/bk.conf
	there env BK_STATE_DIR= away/bk-restic.sh "$@"
}

@test "there and back" {
	cp etc/bk/bk.conf conf.old
	cp "$keys" keys.old
	sums before
	# a dry run says all of it, and does nothing
	append_only 0 -n --full-key-to carry
	assert_has "$out" 'append-only r/'
	[ ! -e carry ]
	cmp etc/bk/bk.conf conf.old
	cmp "$keys" keys.old
	append_only 64 --full-key-to src/carry
	assert_has "$out" 'backups could hold the full key'
	# without a place for the full key nothing begins
	append_only 64
	append_only 64 --full-key etc/bk/ssh/box
	append_only 0 --full-key-to carry
	step 'done' 'repository main'
	assert_has "$out" 'proved: the new key adds a file'
	assert_has "$out" "rm -r $T/carry"
	assert_has "$out" 'other keys can delete there'
	unharmed before
	sums after
	cmp before after
	assert_is "$(stat -c %a carry carry/key | xargs)" '700 600'
	assert_is "$(grep -c ^ssh-ed25519 "$keys")" 2
	assert_hasnt "$keys" "$(cut -d' ' -f2 etc/bk/ssh/box.pub)"
	assert_has etc/bk/bk.conf 'url = sftp:append-main:r/%H'
	run_bk 0 there bk-restic backup
	# whoever forgets to carry it away hears of it until it is gone
	run_bk 0 there bk-status
	assert_has "$out" 'todo     full-key main'
	run_bk 0 there bk-status --json
	assert_json "$out" '[.[] | select(.job == "full-key main")][0].why |
		test("still on this host, .*/carry/key")'
	run_bk 3 there bk-config check
	found warning 'full-key main' "still on this host, '$T/carry/key'"
	mv carry away
	run_bk 0 there bk-status
	assert_hasnt "$out" full-key
	run_bk 3 there bk-config check
	assert_hasnt "$out" 'error	'
	assert_hasnt "$out" full-key
	# again: all is as it should be
	cp etc/bk/bk.conf conf.new
	cp "$keys" keys.new
	append_only 0
	append_only 0 --full-key away/key
	cmp etc/bk/bk.conf conf.new
	cmp "$keys" keys.new
	# elsewhere, with the full key
	echo 'keep = last 1' >>away/bk.conf
	run_bk 0 as_full forget --prune
	assert_has "$out" '1 removed'
	run_bk 0 there bk-restic check
	# back
	append_only 64 --undo
	append_only 77 --undo --full-key etc/bk/ssh/box
	append_only 0 --undo --full-key away/key
	cmp etc/bk/bk.conf conf.old
	assert_hasnt "$keys" 'restrict,'
	run_bk 0 there bk-restic backup
	run_bk 0 there bk-restic forget
	append_only 0 --undo --full-key away/key
	step kept 'repository main'
}

@test "others on the same account keep the old key" {
	printf '[box cold]\nurl = sftp://box/cold\n' >>etc/bk/bk.conf
	# by a detour over another machine, which here is the same one
	sed 's/^Host .*/Host far/' etc/bk/ssh_config >far
	sed -i 's/^Host .*/&\n\tProxyJump far/' etc/bk/ssh_config
	cat far >>etc/bk/ssh_config
	append_only 3 --full-key-to carry
	assert_has "$out" 'nothing is gained yet: [box cold] is on the same'
	assert_has carry/ssh_config "ProxyJump u100001@127.0.0.1:$port"
	sed -i '/ProxyJump/d' etc/bk/ssh_config
	assert_has "$keys" "$(cut -d' ' -f2 etc/bk/ssh/box.pub)"
	run_bk 0 there bk-restic backup
	# the box has gone elsewhere; but there is no way to the full key
	sed -i '/^\[box cold\]/,$d' etc/bk/bk.conf
	run_bk 1 there bk-config check
	found error '[repo main]' "the key '/etc/bk/ssh/box' of this host gets in"
	append_only 1
	assert_has "$out" "the key '/etc/bk/ssh/box' of this host still gets in"
	append_only 0 --full-key carry/key
	assert_hasnt "$keys" "$(cut -d' ' -f2 etc/bk/ssh/box.pub)"
}
