#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold check, status: is on the boxes what the catalog says?

load helper
load coldbox

setup() {
	coldbox_setup
	mk_tree "$P" <<-END
		one = 1
		two = 22
		sub/three = 333
	END
	push
}

teardown() {
	coldbox_teardown
}

# catalog SQL: what the catalog answers.
catalog() {
	sqlite3 "$BK_STATE_DIR/cold/catalog.db" "$1"
}

# boxes FIELDS: of the lines of status that are about boxes.
boxes() {
	grep -v '^push	\|^check	' "$out" | cut -f "$1"
}

# older PATH SECONDS: its proofs were so long ago.
older() {
	catalog "UPDATE copy SET last = last - $2, first = first - $2,
		pushed = pushed - $2 WHERE content IN (SELECT id FROM content
		WHERE path = CAST('$1' AS BLOB))" >/dev/null
}

@test "all is well" {
	older "$P/one" 500
	run_bk 0 bk-cold check --json
	assert_json "$out" '[.[] | select(.type == "proof")] | length == 6 and
		all(.result == "ok")'
	assert_json "$out" '[.[] | select(.type == "manifest")] | length == 6'
	# oldest proofs first
	assert_json "$out" "[.[] | select(.type == \"proof\")][0].path ==
		\"$P/one\""
	assert_json "$out" '[.[] | select(.type == "check")] |
		.[0].box == "a" and .[0].proved == 3 and .[1].reached'
	assert_json "$out" 'last.status == 0'
	assert_json state/state/bk-cold.cold-check.json \
		'.[0] | .result == "ok" and .counts.proved == 6'
	assert_is "$(catalog 'SELECT count(*) FROM copy WHERE last - first > 400')" 2
	run_bk 0 bk-cold check
	assert_is "$stdout" ''
	assert_has "$err" 'box a: 3 copies proved (9 B)'
	run_bk 0 bk-cold status
	assert_is "$(grep -c '^check	ok	' "$out")" 1
	run_bk 0 bk-cold status --json
	assert_json "$out" '[.[] | select(.type == "job") | .job, .result] ==
		["push", "ok", "check", "ok"]'
}

@test "a byte that was turned" {
	flip "a/$(object "$P/one")"
	run_bk 1 bk-cold check
	assert_is "$(cut -f 1-4 "$out")" "a	wrong	$(object "$P/one")	$P/one"
	assert_has "$out" 'the next push copies it again'
	assert_json state/state/bk-cold.cold-check.json \
		'.[0] | .result == "failed" and .exit == 1 and
		(.message | test("box a: .*/one is wrong"))'
	run_bk 1 bk-cold status
	assert_is "$(grep -c "wrong	$(object "$P/one")	$P/one" "$out")" 1
	run_bk 0 bk-cold list "$P/one"
	assert_is "$(cut -f 4 "$out")" 'a!,b'
	# it stays wrong until it is copied anew
	run_bk 1 bk-cold check a --json
	assert_json "$out" '[.[] | select(.result == "wrong")] | length == 1'
	push
	run_bk 0 bk-cold check
	run_bk 0 bk-cold status
	run_bk 0 bk-cold get "$P" --box a --to out
	assert_is "$(diff -r "$P" "out$P")" ''
	# what is wrong is still there, for a person to look at
	run_bk 0 bk-cold check a --json
	assert_json "$out" "[.[] | select(.type == \"extra\")] |
		length == 1 and .[0].object == \"$(object "$P/one")\""
	[ -e "a/$(object "$P/one")" ]
}

@test "a copy that is gone, one that was cut off" {
	rm "b/$(object "$P/two")"
	: >"b/$(object "$P/sub/three")"
	rm "$P/two"
	run_bk 1 bk-cold check b --json
	assert_json "$out" "[.[] | select(.result == \"missing\")] |
		length == 1 and .[0].path == \"$P/two\" and .[0].box == \"b\" and
		(.[0].message | test(\"box a has it: bk-cold get\"))"
	assert_json "$out" "[.[] | select(.result == \"wrong\")][0].path ==
		\"$P/sub/three\""
	# and where nobody has it any more
	rm "a/$(object "$P/two")"
	run_bk 1 bk-cold check --json
	assert_json "$out" '[.[] | select(.result == "missing")] | length == 2 and
		(.[1].message | test("no good copy of it is known"))'
	run_bk 3 bk-cold get "$P" --to out
	assert_is "$(cd "out$P" && find . -type f)" './one
./sub/three'
}

@test "a local file that rotted" {
	local t
	run_bk 0 bk-cold check --json
	assert_json "$out" '[.[] | select(.type == "local" and
		.result == "ok")] | length == 3'
	assert_json "$out" '[.[] | select(.type == "check") | .local] == [3, 0]'
	# a disk that turns a bit says nothing of it to the inode; so we tell
	# the catalog that the inode was like this
	flip "$P/one"
	t=$(stat -c '%Y %.9Y %Z %.9Z' "$P/one")
	# shellcheck disable=SC2086
	set -- $t
	catalog "UPDATE file SET mtime = $1, mtime_ns = ${2#*.}+0,
		ctime = $3, ctime_ns = ${4#*.}+0, meta = json_set(meta,
		'\$.mtime', json_array($1, ${2#*.}+0),
		'\$.ctime', json_array($3, ${4#*.}+0))
		WHERE path = CAST('$P/one' AS BLOB)"
	run_bk 1 bk-cold check
	assert_is "$(cut -f 1-4 "$out")" "-	wrong	-	$P/one"
	assert_has "$out" 'is the disk failing?'
	assert_json state/state/bk-cold.cold-check.json \
		'.[0].message | test("here: .*/one is wrong")'
	# a file that was changed is none of its business
	echo changed >"$P/one"
	run_bk 0 bk-cold check
}

@test "unknown objects are told and left alone" {
	mkdir -p a/h1/DATA/other
	echo x >a/h1/DATA/other/x
	echo y >"a/h1/DATA/other/not safe"
	echo z >a/unrelated
	run_bk 0 bk-cold check a --json
	assert_json "$out" '[.[] | select(.type == "extra") | .object] | sort ==
		["h1/DATA/other/not safe", "h1/DATA/other/x"]'
	[ -e a/h1/DATA/other/x ]
	run_bk 0 bk-cold check a
	assert_has "$err" '2 unknown objects'
}

@test "manifests that are damaged or gone are made again" {
	echo new >"$P/new"
	push
	flip a/h1/FILES.00000001
	rm a/h1/SHA256SUMS.00000002
	run_bk 1 bk-cold check a
	assert_is "$(cut -f 1-3 "$out" | sort)" "a	missing	h1/SHA256SUMS.00000002
a	wrong	h1/FILES.00000001"
	run_bk 1 bk-cold status --offline
	push
	[ -e a/h1/SHA256SUMS.00000003 ]
	run_bk 0 bk-cold check
	run_bk 0 bk-cold status
	# a catalog made of what is left lists all
	bk-cold list --json | jq -S 'del(.copies[]?.first_proof,
		.copies[]?.last_proof, .copies[]?.pushed, .copies[]?.how)' >before
	rm -r state/cold
	run_bk 3 bk-cold rebuild a
	run_bk 0 bk-cold rebuild b
	bk-cold list --json | jq -S 'del(.copies[]?.first_proof,
		.copies[]?.last_proof, .copies[]?.pushed, .copies[]?.how)' >after
	diff before after
}

@test "a box that cannot be reached is not a bad one" {
	umount b
	rmdir b
	run_bk 75 bk-cold check --json
	assert_json "$out" '[.[] | select(.type == "check")] |
		(.[0] | .reached and .proved == 3) and (.[1].reached | not)'
	assert_json "$out" '[.[] | select(.result == "missing")] == []'
	run_bk 75 bk-cold status
	assert_is "$(boxes 1,2)" 'a	ok
b	unreachable'
	run_bk 0 bk-cold status --offline
	assert_is "$(boxes 1,2)" 'a	offline
b	offline'
	mkdir b
	mount -t tmpfs tmpfs b
}

@test "an empty mount point is not a box without copies" {
	umount b
	run_bk 78 bk-cold check b
	assert_has "$err" 'is it mounted?'
	run_bk 1 bk-cold status
	assert_is "$(boxes 1,2 | tail -n 1)" 'b	wrong'
	mount -t tmpfs tmpfs b
	run_bk 0 bk-cold list "$P/one"
	assert_is "$(cut -f 4 "$out")" 'a,b'
}

@test "another box than it was" {
	tr 0-9 1-90 <a/.bk-box-id >id
	cp id a/.bk-box-id
	run_bk 77 bk-cold check
	assert_has "$err" 'box a is another one than it was'
	run_bk 1 bk-cold status
	run_bk 77 bk-cold rebuild a
}

@test "limits: the oldest first, the rest another time" {
	older "$P/two" 300
	older "$P/sub/three" 200
	older "$P/one" 100
	run_bk 0 bk-cold check a --max-bytes 7 --json
	assert_json "$out" "[.[] | select(.type == \"proof\") | .path] ==
		[\"$P/two\", \"$P/sub/three\"]"
	assert_json "$out" '[.[] | select(.type == "check")][0].left == 1'
	run_bk 0 bk-cold check a --max-bytes 1 --json
	assert_json "$out" "[.[] | select(.type == \"proof\") | .path] ==
		[\"$P/one\"]"
	# one limit for both boxes
	run_bk 0 bk-cold check --max-bytes 4 --json
	assert_json "$out" '[.[] | select(.type == "proof") | .box] | sort ==
		["a", "b"]'
	run_bk 0 bk-cold check --max-time 1h
	run_bk 64 bk-cold check --max-time soon
	run_bk 64 bk-cold check --max-bytes 0
}

@test "read back" {
	run_bk 0 bk-cold check a --read-back --json
	assert_json "$out" '[.[] | select(.type == "proof")] | length == 3'
	run_bk 0 bk-cold list --json "$P/one"
	assert_json "$out" '.[0].copies | .[0].how == "read" and .[1].how == "hash"'
}

@test "a dry run records nothing" {
	flip "a/$(object "$P/one")"
	run_bk 1 bk-cold check -n
	assert_has "$out" "$P/one"
	run_bk 0 bk-cold status
	[ ! -e state/state/bk-cold.cold-check.json ]
}

@test "files that are still to come are told" {
	echo 4444 >"$P/four"
	mount -o remount,ro b || skip "cannot remount"
	run_bk 3 bk-cold push
	run_bk 0 bk-cold check a --json
	assert_json "$out" '[.[] | select(.type == "check")][0].proved == 4'
	run_bk 3 bk-cold check --json
	assert_json "$out" "[.[] | select(.type == \"lacking\")] |
		length == 1 and .[0].box == \"b\" and .[0].path == \"$P/four\""
	run_bk 1 bk-cold status --offline
	assert_has "$out" '1 file still to come'
}

@test "another bk-cold that writes: results wait for it" {
	flip "a/$(object "$P/one")"
	(
		exec 9<>run/cold.lock
		flock 9
		touch locked
		sleep 3
	) 3>&- &
	pid=$!
	wait_for 30 [ -e locked ]
	run_bk 1 bk-cold check
	assert_has "$out" "$P/one"
	wait $pid
	run_bk 1 bk-cold status --offline
}

@test "boxes and catalogs that are not there" {
	run_bk 66 bk-cold check c
	run_bk 64 bk-cold status a
	cat >>"$BK_CONFIG" <<-END
		[box c]
		url = dir:$T/c
	END
	run_bk 0 bk-cold status
	assert_is "$(boxes 1,2,6 | tail -n 1)" \
		'c	unknown	not initialised: bk-cold init c'
	echo junk >state/cold/catalog.db
	run_bk 65 bk-cold check
	run_bk 65 bk-cold status
	rm -r state/cold
	run_bk 66 bk-cold check
	run_bk 66 bk-cold status
}
