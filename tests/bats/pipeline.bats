#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan and bk-restic together, with every restic that can be had.

load helper
load restic

setup_file() { restic_setup_file; }
setup() { restic_setup; }
teardown() {
	! mountpoint -q "$T/src/m" || umount "$T/src/m"
}

# restored: the relative names of all files below back$T/$1, sorted.
restored() {
	(cd "back$T/$1" && find . -type f -print0 | sort -z | tr '\0\n' '\n?')
}

# each_restic FUNCTION: with every release, each from an empty state.
each_restic() {
	local version program
	while IFS=$'\t' read -r version program; do
		echo "# restic $version"
		conf_repo "program=$program"
		rm -rf repo state cache back
		cp -r "$REPO0" repo
		"$1"
	done < <(restic_versions)
}

@test "a nest of four levels with hostile names comes back exactly" {
	# every level has a hostile name, and hostile files; "yes" are wanted
	# shellcheck disable=SC2016
	names=($'new\nline' $'tab\there' $'esc\e[31m' -dash ' lead' 'trail ' '*'
		'[a-z]' '!bang' '#hash' 'back\slash' $'bad\xff\xfe' '$HOME' '?'
		$'nbsp\xc2\xa0' '{a,b}' '**' '.' 'a]')
	mkdir nest
	for n in "${names[@]}"; do
		[ "$n" != . ] || n=.dot
		d=src/$n
		mkdir -p "$d/$n/$n/$n"
		touch "$d/.backup" "$d/$n/.nobackup" "$d/$n/$n/.backup" \
			"$d/$n/$n/$n/.nobackup"
		for l in "$d" "$d/$n" "$d/$n/$n" "$d/$n/$n/$n"; do
			echo "$l" >"$l/file $n"
		done
		# what a careless pattern for one name would hit as well
		mkdir -p "$d/newxline" "$d/xx" "$d/HOME" "$d/trail" "$d/back/slash"
		echo "$n" | tee "$d/newxline/f" "$d/xx/f" "$d/HOME/f" \
			"$d/trail/f" "$d/back/slash/f" >/dev/null
	done
	(cd src && find . -type f ! -path './[abc]/*' -print0 |
		grep -zvxE '\./([^/]*)/\1/[^/]*|\./([^/]*)/\2/\2/\2/.*' |
		sort -z | tr '\0\n' '\n?') >want
	nest() {
		run_bk 0 bk-restic backup
		run_bk 0 bk-restic restore home --target back
		restored src >got
		diff -u want got
		for n in "${names[@]}"; do
			[ "$n" != . ] || n=.dot
			cmp "src/$n/file $n" "back$T/src/$n/file $n"
			cmp "src/$n/$n/$n/file $n" "back$T/src/$n/$n/$n/file $n"
		done
	}
	each_restic nest
}

@test "by a pipe and plain: the same snapshot" {
	mk_marker src/a/.backup src/b/.backup src/b/x/.nobackup
	echo no >src/b/x/file
	run_bk 0 bk-restic backup
	bk-scan --json list restic >plan
	run_bk 0 bk-restic backup home - <plan
	run_bk 0 bk-restic exec main -- snapshots --json
	jq -e 'length == 2 and .[0].paths == .[1].paths and
		.[0].tags == .[1].tags and .[0].excludes == .[1].excludes' "$out"
	# the times of what is above $T/src are not this test's alone
	mapfile -t ids < <(jq -r '.[].id' "$out")
	run_bk 0 bk-restic exec main -- diff --metadata "${ids[@]}"
	assert_has "$out" "comparing snapshot"
	assert_hasnt "$out" "$T/src"
}

@test "patterns of markers and of the set mean what bk-scan says" {
	mk_tree src/p <<-END
		keep.c = 1
		drop.o = 2
		build/x = 3
		sub/build/y = 4
		sub/z.o = 5
		inner/w.o = 6
		inner/v.tmp = 7
		sub/\$x/u.q = 8
		s p/t.q = 9
	END
	# shellcheck disable=SC2016
	printf 'exclude = *.o\nexclude = /build\nexclude = $x/*.q\n' >src/p/.backup
	mk_marker src/p/inner/.backup
	echo 'exclude = *.tmp' >>"$BK_CONFIG"
	patterns() {
		run_bk 0 bk-restic backup
		run_bk 0 bk-restic restore home --target back
		restored src/p >got
		bk-scan files restic | sed "s:^$T/src/p:.:" | sort >said
		diff -u said got
		printf '%s\n' ./.backup ./inner/.backup ./inner/w.o ./keep.c \
			'./s p/t.q' ./sub/build/y | diff -u - got
	}
	each_restic patterns
}

@test "two sets share a tree as their markers say" {
	cat >>"$BK_CONFIG" <<-END
		[backup work]
		repo = main
		path = $T/src/b
	END
	mk_tree src/a <<-END
		deep/one = 1
		deep/er/two = 2
	END
	mk_marker src/a/.backup
	echo 'set = work' >src/a/deep/.backup
	run_bk 0 bk-restic backup
	run_bk 0 bk-restic restore work --target back
	assert_is "$(restored src | tr '\n' ' ')" \
		'./a/deep/.backup ./a/deep/er/two ./a/deep/one ./b/three '
	rm -r back
	run_bk 0 bk-restic restore home --target back
	assert_is "$(restored src | tr '\n' ' ')" './a/.backup ./a/one ./a/two '
	run_bk 0 bk-restic forget
}

@test "a set that only markers name is backed up; accepting is for one set" {
	need_root
	cat >>"$BK_CONFIG" <<-END
		[backup photos]
		repo = main
	END
	printf 'fstype = tmpfs\ncross-mounts = yes\n' |
		sed -i '/^\[scan\]/r /dev/stdin' "$BK_CONFIG"
	mkdir src/m
	mount -t tmpfs tmpfs src/m || skip "cannot mount"
	mkdir src/m/x src/m/y
	echo 'set = photos' >src/m/x/.backup
	mk_marker src/m/y/.backup src/a/.backup
	head -c 1000 /dev/urandom | tee src/m/x/f src/b/f >src/m/y/f
	echo 'set = photos' >src/b/.backup
	run_bk 0 bk-restic backup
	assert_is "$(state backup-photos .result)" ok
	umount src/m
	mkdir src/m/x src/m/y
	run_bk 3 bk-restic backup
	run_bk 64 bk-restic backup --accept home photos
	run_bk 0 bk-restic backup --accept home
	run_bk 3 bk-restic backup
	assert_is "$(state backup-home .held) $(state backup-photos .held)" \
		'false true'
	run_bk 1 bk-restic forget photos
}

@test "a stream in a set does not make its folders be read again" {
	mk_marker src/a/.backup
	again() {
		run_bk 0 bk-restic backup
		run_bk 0 bk-restic backup home --stdin s -- echo hello
		run_bk 0 bk-restic --json backup
		assert_json "$out" '.[0].files == 3 and .[0].files_new == 0'
	}
	each_restic again
}

@test "a root that its own set's patterns leave out is told" {
	mk_marker src/a/.backup
	echo 'exclude = a' >>"$BK_CONFIG"
	run_bk 3 bk-restic backup
	assert_has "$err" "'exclude = a' of [backup home] leaves it out"
}

@test "one set fails, the other does not: partial" {
	cat >>"$BK_CONFIG" <<-END
		[backup work]
		repo = main
		path = $T/src/nix
	END
	mk_marker src/a/.backup
	run_bk 3 bk-restic backup
	assert_is "$(state backup-home .result)" ok
	assert_is "$(state backup-work .result)" failed
}

@test "a warning of the scan makes the run partial, and is shown" {
	mk_marker src/a/.backup
	echo 'frobnicate = yes' >src/a/.backup
	run_bk 3 bk-restic backup
	assert_has "$err" "$T/src/a/.backup:1"
	assert_is "$(state backup-home .result)" partial
	run_bk 0 bk-restic forget
}

@test "a mounted file system that vanishes is not a smaller backup" {
	need_root
	mkdir src/m
	mount -t tmpfs tmpfs src/m || skip "cannot mount"
	printf 'fstype = tmpfs\n' | sed -i '/^\[scan\]/r /dev/stdin' "$BK_CONFIG"
	echo 5 >src/m/five
	mk_marker src/m/.backup src/a/.backup
	printf 'cross-mounts = yes\n' | sed -i '/^\[scan\]/r /dev/stdin' "$BK_CONFIG"
	run_bk 0 bk-restic backup
	assert_is "$(state backup-home .counts.files)" 5
	umount src/m
	run_bk 3 bk-restic backup
	assert_is "$(state backup-home .held)" true
	mk_marker src/m/.backup
	run_bk 3 bk-restic backup
	assert_has "$err" "$T/src/m is not mounted"
	run_bk 1 bk-restic forget
}

@test "a broken configuration is told once, by every command" {
	echo 'frobnicate = 1' >>"$BK_CONFIG"
	for c in backup snapshots forget init; do
		run_bk 78 bk-restic $c
		assert_has "$err" "$BK_CONFIG:"
		assert_has "$err" 'frobnicate'
		assert_is "$(grep -c error "$err")" 1
	done
}

@test "SIGTERM during the scan ends both, and nothing is stored" {
	mk_marker src/a/.backup
	mkdir bin
	printf '#!/bin/sh\nexec sleep 60\n' >bin/bk-scan
	cp "$(command -v bk-restic)" bin/
	chmod 755 bin/*
	bin/bk-restic backup >o.txt 2>&1 3>&- &
	pid=$!
	wait_for 30 pgrep -P $pid sleep
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	assert_is "$(snapshots)" 0
	run ! pgrep -f 'sleep 60'
}
