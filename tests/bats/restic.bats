#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-restic with the real restic: what it promises on a good day.

load helper
load restic

setup_file() { restic_setup_file; }
setup() { restic_setup; }

@test "init makes a repository; a second one finds that it opens" {
	rm -r repo
	run_bk 0 bk-restic init
	[ -f repo/config ]
	run_bk 0 bk-restic init main
	assert_has "$err" 'exists already, and its password opens it'
	echo wrong >pw
	run_bk 77 bk-restic init main
	assert_has "$err" 'wrong password'
}

@test "backup stores what the plan says, and tells it in all three forms" {
	backup 0 -- "root $T/src/a" "root $T/src/b"
	assert_has "$out" $'home\tok\t'
	assert_has "$out" '3 files'
	assert_is "$(state backup-home .result)" ok
	assert_is "$(state backup-home .counts.files)" 3
	assert_is "$(state backup-home .host)" testhost
	assert_is "$(stat -c %a "$BK_STATE_DIR/state/bk-restic.backup-home.json")" 600
	backup 0 --json -- "root $T/src/a" "root $T/src/b"
	assert_json "$out" '.[0].type == "backup" and .[0].set == "home" and
		.[0].result == "ok" and .[0].files == 3 and .[0].files_new == 0'
	assert_json "$out" 'last == {v: 1, type: "end", status: 0, count: 1}'
	run_bk 0 bk-restic snapshots
	assert_is "$(wc -l <"$out")" 2
	run_bk 0 bk-restic --json snapshots home
	assert_json "$out" '.[0].host == "testhost" and (.[0].paths | length) == 2'
	[ -d "$BK_CACHE_DIR/restic" ]
}

@test "a set ends and begins anew at any depth" {
	mk_tree src/n <<-END
		in = 1
		out/file = 2
		out/in/file = 3
		out/in/out/file = 4
		out/in/out/in/file = 5
	END
	backup 0 -- "root $T/src/n" "out $T/src/n/out" "nested $T/src/n/out/in" \
		"out $T/src/n/out/in/out" "nested $T/src/n/out/in/out/in"
	run_bk 0 bk-restic restore home --target back
	(cd "back$T/src/n" && find . -type f | sort) >got
	printf '%s\n' ./in ./out/in/file ./out/in/out/in/file >want
	diff -u want got
}

@test "a new root does not have the old ones read again" {
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		rm -rf repo state cache && cp -r "$REPO0" repo
		backup 0 -- "root $T/src/a"
		backup 0 --json -- "root $T/src/a" "root $T/src/b"
		assert_json "$out" '.[0].files == 3 and .[0].files_new == 1'
		# the record of the last snapshot is lost: it is looked up
		rm -r state
		backup 0 --json -- "root $T/src/a" "root $T/src/b" "root $T/src/c"
		assert_json "$out" '.[0].files == 4 and .[0].files_new == 1'
		# and so it is where that snapshot is gone
		run_bk 0 bk-restic --json snapshots
		id=$(jq -r 'select(.type == "snapshot").id' "$out" | tail -1)
		run_bk 0 bk-restic exec main -- -q forget "$id"
		backup 0 --json -- "root $T/src/a" "root $T/src/b" "root $T/src/c"
		assert_json "$out" '.[0].files == 4 and .[0].files_new == 1'
	done < <(restic_versions)
}

@test "forget thins snapshots whose roots differ as one" {
	conf_repo 'keep=daily 2'
	for day in 01:b 02:c 03:b 04:c; do
		run_bk 0 bk-restic exec main -- -q backup --host testhost \
			--tag bk,home --time "2026-01-${day%:*} 12:00:00" \
			"$T/src/a" "$T/src/${day#*:}"
	done
	run_bk 0 bk-restic exec main -- -q backup --host other --tag bk,home \
		--time "2026-01-01 12:00:00" "$T/src/a"
	run_bk 0 bk-restic -n forget
	assert_has "$out" '2 snapshots kept, 2 would be removed'
	assert_is "$(snapshots)" 5
	run_bk 0 bk-restic --json forget home
	assert_json "$out" '.[0].kept == 2 and .[0].removed == 2'
	assert_is "$(snapshots)" 3
	assert_is "$(state forget-home .result)" ok
	run_bk 0 bk-restic prune
	assert_is "$(state prune-main .result)" ok
}

@test "without keep nothing is forgotten; a keep of the set goes first" {
	sed -i '/^keep/d' "$BK_CONFIG"
	for n in 1 2 3; do backup 0 -- "root $T/src/a"; done
	run_bk 0 bk-restic forget
	assert_is "$(snapshots)" 3
	conf_repo 'keep=last 3'
	echo 'keep = last 1' >>"$BK_CONFIG"
	run_bk 0 bk-restic forget
	assert_is "$(snapshots)" 1
}

@test "prune --due waits for prune-every" {
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic prune --due
	first=$(state prune-main .end)
	run_bk 0 bk-restic -v prune --due
	assert_has "$err" 'less than prune-every ago'
	assert_is "$(state prune-main .end)" "$first"
	conf_repo 'prune-every=0'
	run_bk 0 bk-restic prune --due
	assert_hasnt "$err" 'less than'
}

@test "mistakes of a beginner: the message says what to do" {
	run_bk 66 bk-restic backup home - < <(plan)
	assert_has "$err" 'bk-scan mark backup FOLDER'
	echo wrong >pw
	run_bk 77 bk-restic snapshots
	assert_has "$err" 'bk-secret check'
	conf_repo 'url=box:restic'
	run_bk 1 bk-restic init
	assert_has "$err" 'sftp:HOST:FOLDER'
	# a timer would make another one in another folder
	conf_repo 'url=backups'
	run_bk 78 bk-restic init
	assert_has "$err" "bk.conf:"
	assert_has "$err" "'backups' depends on where the tool is started"
	[ ! -e backups ]
	# what goes wrong is told before it is tried again
	conf_repo 'url=sftp:nobody.invalid:r'
	conf_repo 'retries=1'
	conf_repo 'retry-pause=1s'
	run_bk 75 bk-restic init
	assert_has "$err" 'unable to start the sftp session'
	assert_has "$err" 'trying again in 1 s'
}

@test "what a newer bk wrote is not overwritten" {
	backup 0 -- "root $T/src/a"
	echo '{"v":2}' >"$BK_STATE_DIR/restic/home.json"
	backup 3 -- "root $T/src/a"
	assert_has "$out" 'was written by a newer bk: install that one'
	run_bk 1 bk-restic forget
	assert_is "$(cat "$BK_STATE_DIR/restic/home.json")" '{"v":2}'
}

@test "an option with commas and quotes reaches restic as it is" {
	conf_repo 'option=sftp.command=ssh -J a,b -o "User c" box -s sftp'
	run_bk 0 bk-restic snapshots
	conf_repo 'option=local.connections=3,4'
	run_bk 1 bk-restic snapshots
	assert_has "$err" '3,4'
}

@test "restore: a new folder, a time, a snapshot, one path" {
	mk_hostile src/h
	backup 0 -- "root $T/src/a" "root $T/src/h"
	sleep 1.1
	then=$(date '+%Y-%m-%d %H:%M:%S')
	sleep 1.1
	echo changed >src/a/one
	backup 0 -- "root $T/src/a" "root $T/src/h"
	mkdir here
	(cd here && run_bk 0 bk-restic restore home)
	back=$(tail -1 "$out")
	[[ "$back" == "$T/here/restore-home-"* ]]
	diff -r src/a "$back$T/src/a"
	diff -r src/h "$back$T/src/h"
	assert_is "$(stat -c %a "$back")" 700
	run_bk 0 bk-restic restore home --at "$then" --target old "$T/src/a/one"
	assert_is "$(cat "old$T/src/a/one")" 1
	[ ! -e "old$T/src/a/two" ]
	run_bk 0 bk-restic --json snapshots
	id=$(jq -r 'select(.type == "snapshot").id' "$out" | head -1)
	run_bk 0 bk-restic restore home --snapshot "${id:0:10}" --target byid src/a
	assert_is "$(cat "byid$T/src/a/one")" 1
	for f in src/h/*; do
		rm -rf t
		run_bk 0 bk-restic restore home --target t "$T/$f"
		assert_is "$(find t -type f -printf x)" x
		cmp "$f" "t$T/$f"
	done
}

@test "restore refuses to guess, and to write where it was not told to" {
	backup 0 -- "root $T/src/a"
	run_bk 66 bk-restic restore home --target t "$T/src/nix"
	assert_has "$err" 'src/nix is not in the snapshot'
	run_bk 3 bk-restic restore home --target u "$T/src/nix" "$T/src/a/one"
	[ -f "u$T/src/a/one" ]
	run_bk 73 bk-restic restore home --target src
	run_bk 0 bk-restic restore home --target src --overwrite "$T/src/a/one"
	run_bk 64 bk-restic restore home --at yesterdayish
	run_bk 66 bk-restic restore home --at 2020-01-01
	run_bk 66 bk-restic restore home --snapshot ffffffffff
	run_bk 66 bk-restic restore home --host stranger
	run_bk 66 bk-restic restore nobody
	run_bk 64 bk-restic restore
	run_bk 64 bk-restic restore home --in-place
	rm src/a/one
	echo mine >src/a/two
	run_bk 0 bk-restic restore home --in-place --yes "$T/src/a/one"
	assert_is "$(cat src/a/one)" 1
	assert_is "$(cat src/a/two)" mine
	run_bk 0 bk-restic -n restore home --target v
	assert_has "$out" "restore"
	[ ! -e v ]
}

@test "find says in which snapshots a name is" {
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic find home 'tw*'
	assert_has "$out" "$T/src/a/two"
	assert_is "$(wc -l <"$out")" 1
	run_bk 0 bk-restic --json find home one
	assert_json "$out" ".[0].path == \"$T/src/a/one\" and .[0].size == 2"
	run_bk 1 bk-restic find home nothing-of-that-name
	run_bk 64 bk-restic find home
}

@test "exec runs restic with everything set, and passes on its end" {
	run_bk 0 bk-restic exec main -- cat config
	assert_json "$out" '.[0].version == 2'
	run_bk 1 bk-restic exec main -- no-such-command
	run_bk 64 bk-restic exec main
	run_bk 66 bk-restic exec nix -- version
	echo data | run_bk 0 bk-restic exec main -- -q backup --stdin
}

@test "-n shows the commands and stores nothing" {
	backup 0 -n -- "root $T/src/a" "out $T/src/a/two"
	assert_has "$out" " backup --json "
	assert_has "$err" "pattern: $T/src/a/two"
	assert_is "$(snapshots)" 0
	[ ! -e "$BK_STATE_DIR/state" ]
	rm -r repo
	run_bk 0 bk-restic -n init
	[ ! -e repo ]
	run_bk 0 bk-restic -n unlock
}

@test "a stream is stored when it is whole" {
	{ printf 'create table t;\n'; printf -- '-- bk-dbdump: complete v=1 bytes=16\n'; } >dump
	run_bk 0 bk-restic backup home --stdin db.sql <dump
	assert_has "$out" $'home\tok\t'
	run_bk 0 bk-restic backup home --stdin host -- cat /etc/hostname
	assert_is "$(snapshots)" 2
	run_bk 0 bk-restic exec main -- dump --tag bk,home,stdin latest /host
	cmp "$out" /etc/hostname
	assert_is "$(state backup-home:db.sql .result)" ok
	# a stream is no parent, and no restore, of the set's folders
	run_bk 66 bk-restic restore home
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic restore home --target t
	[ -f "t$T/src/a/one" ]
}

@test "a stream that was cut off leaves nothing behind" {
	run_bk 65 bk-restic backup home --stdin db.sql <<<'create table'
	assert_has "$err" 'cut off'
	printf 'abc\n-- bk-dbdump: complete v=1 bytes=5\n' >dump
	run_bk 65 bk-restic backup home --stdin db.sql <dump
	printf 'abc\n-- bk-dbdump: complete v=1 bytes=4' >dump
	run_bk 65 bk-restic backup home --stdin db.sql <dump
	run_bk 65 bk-restic backup home --stdin db.sql </dev/null
	assert_has "$err" 'empty'
	run_bk 65 bk-restic backup home --stdin x -- bash -c 'echo data; exit 4'
	assert_has "$err" 'status 4'
	run_bk 65 bk-restic backup home --stdin x -- true
	run_bk 69 bk-restic backup home --stdin x -- no-such-program
	# shellcheck disable=SC2016
	run_bk 65 bk-restic backup home --stdin x -- bash -c 'echo data; kill -9 $$'
	run_bk 64 bk-restic backup --stdin x
	run_bk 64 bk-restic backup home -- true
	run_bk 64 bk-restic snapshots --accept
	run_bk 66 bk-restic backup nix --stdin x
	assert_is "$(snapshots)" 0
	assert_is "$(state backup-home:x .result)" failed
	assert_is "$(find repo/locks -type f | wc -l)" 0
}
