#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Repositories to which this host can add, and nothing else: real sshd, the
# forced command of its key, real rclone.

load helper
load config
load append

setup() { append_setup; }
teardown() { append_teardown; }

@test "backups go on, nothing is removed, timers are at peace" {
	by_hand
	sed -i 's/^append-only.*/&\nkeep = last 1/' etc/bk/bk.conf
	echo new >src/new
	run_bk 0 there bk-restic backup
	assert_hasnt "$err" 'Config file'
	run_bk 0 there bk-restic snapshots
	assert_is "$(grep -c . "$out")" 2
	sums before
	# as the timer runs it
	run_bk 0 there bk-restic forget --prune
	assert_has "$err" '[repo main] is append-only'
	assert_has "$err" 'bk-restic -c FILE forget files'
	run_bk 0 there bk-restic prune --due
	# who names it is told
	run_bk 77 there bk-restic prune main
	assert_has "$err" 'its full key is kept: bk-restic -c FILE prune'
	run_bk 77 there bk-restic key remove main 00
	# what would be forgotten can be seen
	run_bk 0 there bk-restic forget -n
	assert_has "$out" '1 would be removed'
	unharmed before
	# what only reads, works
	run_bk 0 there bk-restic check
	run_bk 0 there bk-restic restore files --target "$T/back" --yes
	run_bk 0 cmp "back$T/src/new" src/new
	# nothing is late for want of a forget or prune
	run_bk 0 there bk-status
	assert_hasnt "$out" 'forget'
	assert_hasnt "$out" 'prune'
}

@test "locks of the dead can be removed" {
	by_hand
	mkfifo fifo
	restic -q -r "$repo" --password-file etc/bk/pw backup --stdin \
		<fifo 3>&- >/dev/null 2>&1 &
	local pid=$!
	exec 9>fifo
	wait_for 20 locked
	kill -9 $pid
	wait $pid || :
	exec 9>&-
	chown -R --reference="$repo" "$repo"
	run_bk 0 there bk-restic unlock
	[ -z "$(ls "$repo/locks")" ]
}

locked() { [ -n "$(ls "$repo/locks")" ]; }
