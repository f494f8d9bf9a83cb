#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold rebuild, and a person who has no bk-cold: what lies on a box is
# enough.

load helper
load coldbox

setup() {
	coldbox_setup
}

teardown() {
	coldbox_teardown
}

# All that the catalog knows, its proofs left out.
known() {
	bk-cold list --all --json | jq -S 'del(.copies[]?.first_proof,
		.copies[]?.last_proof, .copies[]?.pushed, .copies[]?.how)'
}

# Three pushes, in which files come, change, and change back.
history() {
	mk_tree "$P" <<-END
		same = same
		changes = one
		dir/x = x
		file = file
		folder/y = y
	END
	mk_hostile "$P/names"
	push
	echo two >"$P/changes"
	chmod 600 "$P/same"
	rm "$P/file"
	mkdir "$P/file"
	echo below >"$P/file/below"
	rm -r "$P/folder"
	echo now a file >"$P/folder"
	push
	echo one >"$P/changes"
	push
}

@test "a catalog that was lost" {
	history
	known >before
	rm -r state/cold
	run_bk 66 bk-cold list
	run_bk 0 bk-cold rebuild a
	assert_is "$(cut -f 1,2 "$out")" '00000001	ok
00000002	ok
00000003	ok'
	run_bk 0 bk-cold status
	assert_is "$(cut -f 2 "$out" | head -n 1)" ok
	assert_has "$out" 'never proved'
	run_bk 0 bk-cold rebuild b --json
	assert_json "$out" '[.[] | select(.type == "generation")] |
		length == 3 and all(.new == 0)'
	known >after
	diff before after
	run_bk 0 bk-cold check
	run_bk 0 bk-cold status
	assert_hasnt "$out" 'never proved'
	# nothing is copied again
	run_bk 0 bk-cold push --json
	assert_json "$out" '.[0] | .copied == 0 and .failed == 0'
	run_bk 0 bk-cold get "$P" --to out
	assert_is "$(picture "out$P")" "$(picture "$P")"
}

@test "what the catalog knows stays" {
	history
	flip "a/$(object "$P/dir/x")"
	run_bk 1 bk-cold check
	bk-cold list --all --json >before
	run_bk 0 bk-cold rebuild a
	run_bk 0 bk-cold rebuild b
	bk-cold list --all --json >after
	diff <(jq 'del(.copies[]?.listed)' before) \
		<(jq 'del(.copies[]?.listed)' after)
	push
	run_bk 0 bk-cold check
}

@test "a damaged generation is told and passed over" {
	history
	run_bk 0 bk-cold list --json
	cp "$out" before
	head -c 700 a/h1/FILES.00000002 >part
	cp part a/h1/FILES.00000002
	rm -r state/cold
	run_bk 3 bk-cold rebuild a
	assert_is "$(cut -f 1,2 "$out")" '00000001	ok
00000002	damaged
00000003	ok'
	run_bk 0 bk-cold list "$P/dir/x" "$P/changes"
	run_bk 66 bk-cold list "$P/file/below"
	# the other box has it whole
	run_bk 0 bk-cold rebuild b
	run_bk 0 bk-cold list --json
	diff <(jq .path before) <(jq .path "$out")
	run_bk 0 bk-cold list --all --json "$P/changes"
	assert_json "$out" 'length == 4'
}

@test "a push that was interrupted left half a generation" {
	history
	cp a/h1/FILES.00000003 spare
	rm a/h1/SHA256SUMS.00000003 a/h1/MTREE.00000003
	rm -r state/cold
	run_bk 0 bk-cold rebuild a
	run_bk 0 bk-cold list --all "$P/changes"
	assert_is "$(wc -l <"$out")" 3
	rm -r state/cold
	: >a/h1/FILES.00000003
	run_bk 3 bk-cold rebuild a
}

@test "no manifests, another host, nothing written" {
	run_bk 66 bk-cold rebuild a
	assert_has "$err" 'it has some of: nobody'
	history
	sed -i 's/^name = h1/name = h2/' "$BK_CONFIG"
	rm -r state/cold
	run_bk 66 bk-cold rebuild a
	assert_has "$err" 'box a has no manifests of h2; it has some of: h1'
	sed -i 's/^name = h2/name = h1/' "$BK_CONFIG"
	run_bk 0 bk-cold rebuild a -n
	assert_is "$(cut -f 2 "$out" | sort -u)" ok
	[ ! -e state/cold/catalog.db ]
	run_bk 64 bk-cold rebuild
	run_bk 64 bk-cold rebuild a b
	run_bk 66 bk-cold rebuild c
}

@test "a person checks and restores by README.txt alone" {
	history
	echo again >"$P/same"
	push
	(
		# nothing but what lies on the box
		cd a
		LC_ALL=C.UTF-8 sha256sum --quiet -c h1/SHA256SUMS.*
		sed -n '/^---8<---$/,//p' README.txt | grep -v '^---' >"$T/restore.sh"
		rm -r h1/DATA/none 2>/dev/null || :
		bash "$T/restore.sh" h1 "$T/person" 2>"$T/person.err" || :
		cp -a h1/DATA/srv/photos/dir "$T/plain" 2>/dev/null ||
			cp -a "h1/DATA$P/dir" "$T/plain"
	)
	assert_is "$(cat plain/x)" x
	# a folder now where a file was: it says so, the rest is there
	rm -rf "person$P/file" "$P/file" "person$P/folder" "$P/folder"
	assert_is "$(diff -r "$P" "person$P")" ''
	flip "a/$(object "$P/dir/x")"
	cd a
	run sha256sum --quiet -c h1/SHA256SUMS.00000001
	assert_is "$status" 1
	[[ $output == *dir/x* ]]
}
