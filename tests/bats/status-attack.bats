#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-status: what must never be called safe.

load helper
load status

setup() {
	status_setup
	all_well
}

@test "states of another host, under another name, that contradict themselves" {
	local states=$BK_STATE_DIR/state
	state_of bk-restic 'backup home' 60 0 '' '' '.host="web2"'
	run_bk 1 bk-status
	assert_has "$out" 'its state is that of another host: web2'
	state_of bk-restic 'backup home' 60 0
	cp "$states/bk-restic.backup-home.json" "$states/0.json"
	state_of bk-restic 'backup home' 60 1 'no space left'
	run_bk 1 bk-status -q
	assert_has "$out" 'backup home failed'
	cp "$states/bk-restic.backup-etc.json" "$states/bk-restic.backup-home.json"
	run_bk 1 bk-status
	assert_has "$out" 'backup-home.json'
	assert_has "$out" 'is damaged: it is about another job'
	state_of bk-restic 'backup home' 60 0 '' '' '.exit=1'
	run_bk 1 bk-status
	assert_has "$out" 'its state says not how it ended'
}

# Whatever stands in a member in place of what belongs there.
@test "members of another type are not taken for good" {
	local key bad
	for key in end result exit tool job; do
		for bad in null true 1e300 9223372036854775807 '"x"' '[]' '{}' \
			'"9999-12-31T23:59:59Z"' '"2026-11-22T17:00:00"'; do
			state_of bk-restic 'backup home' 60 0 '' '' ".$key=$bad"
			run_bk 1 bk-status -q
		done
	done
	printf '{"v":1,"a":%s' "$(printf '[%.0s' {1..5000})" \
		>"$BK_STATE_DIR/state/bk-restic.backup-home.json"
	run_bk 1 bk-status -q
	rm "$BK_STATE_DIR/state/bk-restic.backup-home.json"
	mkfifo "$BK_STATE_DIR/state/bk-restic.backup-home.json"
	run_bk 1 timeout 20 bk-status -q
	assert_has "$out" 'backup home is in an unknown state'
}

@test "a stream whose state is damaged, and retention of streams alone" {
	sed -i '/^\[backup etc\]/,$d' "$BK_CONFIG"
	printf '%s\n' '[backup db]' 'repo = main' 'keep = daily 3' >>"$BK_CONFIG"
	state_of bk-restic 'backup db:shop.sql' 60 0
	run_bk 0 bk-status
	assert_has "$out" 'not due yet'
	echo '{' >"$BK_STATE_DIR/state/bk-restic.backup-db:wiki.sql.json"
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: backup db:wiki.sql is in an unknown state.'
	rm "$BK_STATE_DIR/state/bk-restic.backup-db:wiki.sql.json"
	state_of bk-restic 'backup db:shop.sql' 60 0 '' '' \
		".since=\"$(ago $((9 * 86400)))\""
	run_bk 1 bk-status
	assert_is "$(line 1)" 'web1: NOT SAFE: forget db never ran.'
}

@test "how the unit ended is damaged" {
	echo '{' >"$BK_STATE_DIR/state/unit.bk-restic.json"
	run_bk 1 bk-status --json
	assert_json "$out" 'map(select(.job == "backup home")) |
		.[0].health == "unknown" and (.[0].why | contains("unit.bk-restic.json"))'
}

@test "a fleet of which this host is no part is told so" {
	mkdir "$T/disk"
	on_box "dir:$T/disk"
	run_bk 0 bk-status --fleet
	assert_has "$err" 'box fsn: there is no status of this host'
	run_bk 0 bk-status --publish
	run_bk 0 bk-status --fleet
	[ -z "$stderr" ]
}
