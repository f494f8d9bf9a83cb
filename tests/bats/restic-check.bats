#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-restic check: what it says of repositories that are whole, and are not.

load helper
load restic

setup_file() {
	restic_setup_file
	mkdir -p "$BATS_FILE_TMPDIR/files"
	head -c 300000 /dev/urandom >"$BATS_FILE_TMPDIR/files/f"
	RESTIC_PASSWORD=open-sesame restic -q -r "$REPO0" backup --host testhost \
		--tag bk,home "$BATS_FILE_TMPDIR/files"
}
setup() { restic_setup; }

# flip FILE: one bit of the byte in its middle.
flip() {
	local at=$(($(stat -c %s "$1") / 2)) byte
	chmod u+w "$1"
	byte=$(od -An -tu1 -j $at -N 1 "$1")
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" |
		dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

# one KIND: a file of the repository; of data the biggest.
one() { find "repo/$1" -type f -printf '%s\t%p\n' | sort -rn | sed -n '1s/.*\t//p'; }

@test "a repository that is whole, with each release" {
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		run_bk 0 bk-restic check
		assert_is "$stdout" $'main\tok\t'
		run_bk 0 bk-restic check --json --subset 1/1 --no-lock main
		assert_json "$out" '.[0].type == "check" and .[0].repo == "main"
			and .[0].result == "ok" and .[0].errors == [] and
			.[0].packs == []'
		run_bk 0 bk-restic check --subset 200/256 --with-cache
		assert_is "$stdout" $'main\tok\t200/256'
	done < <(restic_versions)
	assert_is "$(find cache/check -mindepth 2)" ''
}

@test "damage is 65, and named, with each release" {
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		rm -rf repo && cp -r "$REPO0" repo
		f=$(one data)
		flip "$f"
		run_bk 65 bk-restic check --json --subset 1/1
		assert_json "$out" '.[0].result == "damaged" and
			(.[0].errors | length) > 0'
		assert_json "$out" ".[0].packs == [\"${f##*/}\"]"
		assert_has "$err" '[repo main] is damaged: '
		run_bk 65 bk-restic check --subset 1/1
		assert_has "$out" $'main\tdamaged\t'
		for kind in index snapshots keys; do
			rm -rf repo && cp -r "$REPO0" repo
			flip "$(one $kind)"
			run_bk 65 bk-restic check --no-lock
			assert_has "$out" $'main\tdamaged\t'
		done
		rm -rf repo && cp -r "$REPO0" repo
		rm -f "$(one data)"
		run_bk 65 bk-restic check --json --no-lock
		assert_json "$out" ".[0].packs == [\"${f##*/}\"]"
	done < <(restic_versions)
}

@test "what is no damage is told as for any command" {
	echo wrong >pw
	run_bk 77 bk-restic check --json
	assert_json "$out" 'length == 1 and .[0].status == 77'
	echo open-sesame >pw
	rm repo/config
	run_bk 66 bk-restic check
	run_bk 66 bk-restic check nosuch
	for subset in 0/4 5/4 1/3 1/512 x 1 1/ /2; do
		run_bk 64 bk-restic check --subset $subset
	done
	conf_repo program=/nonexistent
	run_bk 69 bk-restic check
}

@test "what a run that was killed left of metadata is removed by the next" {
	mkdir -p cache/check/main/restic-check-cache-123/x
	: >cache/check/main/restic-check-cache-123/x/y
	run_bk 0 bk-restic check -n
	assert_has "$out" ' check --quiet'
	[ -e cache/check/main/restic-check-cache-123/x/y ]
	run_bk 0 bk-restic check
	[ ! -e cache/check/main ]
}
