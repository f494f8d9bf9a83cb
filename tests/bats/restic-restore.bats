#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-restic restore and find: what they say before, meanwhile and after.

load helper
load restic

setup_file() { restic_setup_file; }
setup() { restic_setup; }

# each_restic FUNCTION: with each release that is here.
each_restic() {
	local version program
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		"$1" "$version"
	done < <(restic_versions)
}

# Files of all kinds, in src/k.
all_kinds() {
	mk_hostile src/k/names
	mk_tree src/k <<-END
		d/one = 1
		d/link -> one
	END
	ln src/k/d/one src/k/hard
	truncate -s 20M src/k/sparse
	echo end >>src/k/sparse
	mkfifo src/k/fifo
	chmod 2750 src/k/d
	chmod 4711 src/k/hard
	find src/k -exec touch -h -d '2020-01-01 12:00:00.5' {} +
	backup 0 -- "root $T/src/k"
}

shape() {
	(cd "$1" && find . -printf '%P|%y|%m|%U:%G|%s|%T@|%n|%l\0' | sort -z |
		tr '\0' '\n')
}

@test "what is there, what it takes, and that it came back whole" {
	all_kinds
	whole() {
		rm -rf back
		run_bk 0 bk-restic --json restore home --target back
		assert_json "$out" '.[0].type == "restore" and .[0].lost == [] and
			.[0].verified and .[0].files == 17 and
			.[0].bytes > 20000000'
		assert_has "$err" ', the newest'
		assert_has "$err" "into $T/back"
		assert_has "$err" '17 files, '
		assert_has "$err" ' are free in '
		assert_has "$err" 'restored, and read back: 17 files, 20.0 MiB'
		diff <(shape src/k) <(shape "back$T/src/k")
		diff -r --no-dereference -x fifo src/k "back$T/src/k"
		case $1 in 0.14.*) return ;; esac
		[ "$(stat -c %b "back$T/src/k/sparse")" -lt 1000 ]
	}
	each_restic whole
}

@test "a snapshot that is not the newest is told apart" {
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic -0 snapshots
	id=$(head -c 8 "$out")
	sleep 1.1
	backup 0 -- "root $T/src/a"
	run_bk 0 bk-restic restore home --snapshot "$id" --target back
	assert_has "$err" "snapshot $id of set home"
	assert_has "$err" 'the newest is '
	assert_hasnt "$err" ', the newest'
}

@test "find prints the command that brings a file back" {
	mk_hostile src/h
	backup 0 -- "root $T/src/h"
	commands() {
		local f line names=("$T"/src/h/*)
		# one that no release can name, and two that are patterns
		[ "$1" = "$(restic version | cut -d' ' -f2)" ] ||
			names=("$T"/src/h/{bad*,'*',new*})
		for f in "${names[@]}"; do
			rm -rf back
			# a name is no pattern
			run_bk 0 bk-restic find home \
				"$(printf %s "$f" | sed 's/[][*?\\]/\\&/g')"
			line=$(sed -n 's/^    //p' "$err")
			assert_is "$(wc -l <<<"$line")" 1
			assert_is "$(tr -d '[:print:]\n\200-\377' <<<"$line")" ''
			eval "run_bk 0 $line --target back"
			cmp "$f" "back$f"
		done
		assert_is "$(find src/h -type f -printf x)" xxxxxxxxxxxxxx
	}
	each_restic commands
}

@test "find: the newest of each path, no more than five, and as JSON" {
	mk_tree src/m <<-END
		1.x
		2.x
		3.x
		4.x
		5.x
		6.x
	END
	backup 0 -- "root $T/src/m"
	sleep 1.1
	echo new >src/m/1.x
	backup 0 -- "root $T/src/m"
	run_bk 0 bk-restic find home 1.x
	assert_is "$(wc -l <"$out")" 2
	assert_is "$(grep -c '^    bk-restic restore' "$err")" 1
	eval "run_bk 0 $(grep '^    bk-restic restore' "$err") --target back"
	assert_is "$(cat "back$T/src/m/1.x")" new
	run_bk 0 bk-restic find home '*.x'
	assert_is "$(grep -c '^    bk-restic restore' "$err")" 5
	assert_has "$err" 'and so on'
	run_bk 0 bk-restic --json find home 1.x
	assert_json "$out" '.[0].restore | startswith("bk-restic restore home --snapshot ")'
	assert_hasnt "$err" 'bk-restic restore'
	run_bk 0 bk-restic -q find home 1.x
	assert_is "$(cat "$err")" ''
	run_bk 0 bk-restic -c "$BK_CONFIG" find home --host testhost 1.x
	assert_has "$err" "    bk-restic -c $BK_CONFIG restore home --host testhost"
}

@test "what does not fit is not begun" {
	need_root
	all_kinds
	mkdir m
	# shellcheck disable=SC2016
	small() {
		run_bk "$1" unshare -m sh -ec 'mount -t tmpfs -o "$1" none m
			shift; status=0
			"$@" || status=$?
			ls m >left; exit $status' sh "${@:2}"
	}
	small 73 size=4m bk-restic restore home --target m/back
	assert_has "$err" "there is no room in '$T/m'"
	assert_is "$(cat left)" ''
	small 73 size=4m bk-restic -n restore home --target m/back
	small 73 size=64m,nr_inodes=9 bk-restic restore home --target m/back
	assert_has "$err" 'it can take'
	small 0 size=64m bk-restic restore home --target m/back
	small 0 size=4m bk-restic restore home "$T/src/k/d" --target m/back
	conf_repo "program=$(restic_versions | head -n 1 | cut -f 2)"
	small 1 size=4m bk-restic restore home --target m/back --no-space-check
	assert_has "$err" 'no space left on device'
	assert_has "$err" "what is in $T/m/back is not all of it"
	assert_is "$(grep -c 'src/k/sparse: write' "$err")" 1
}

@test "in place: what is there already needs no room" {
	need_root
	mkdir m
	# shellcheck disable=SC2016
	run_bk 0 unshare -m bash -ec 'mount -t tmpfs -o size=8m none m
		head -c 5M /dev/urandom >m/file
		"$@" backup --host testhost --tag bk,home "$PWD/m"
		echo damaged | dd of=m/file conv=notrunc
		bk-restic restore home --in-place --yes
		"$@" restore latest --target there; cmp m/file "there$PWD/m/file"' \
		sh bk-restic exec main -- -q
}

@test "owners that only root can give are told" {
	need_root
	all_kinds
	chown -h 1000:1000 src/k/d/one
	backup 0 -- "root $T/src/k"
	# where others can come
	printf '%s\n' '[repo main]' 'url = /mnt/repo' 'password = file:/mnt/pw' \
		'[backup home]' 'repo = main' '[host]' 'name = testhost' >conf
	# shellcheck disable=SC2016
	owners() {
		run_bk 3 unshare -m sh -ec 'mount -t tmpfs -o mode=755 none /mnt
			cp "$BK_BIN"/bk-restic "$BK_BIN"/bk-secret "$1" /mnt
			[ -e /mnt/restic ] || mv "/mnt/${1##*/}" /mnt/restic
			cp -r repo conf pw /mnt; chmod go-w /mnt/conf
			chown -R 1234:1234 /mnt; cd /mnt
			exec env -i HOME=/mnt PATH=/mnt:/usr/bin:/bin \
				setpriv --reuid 1234 --regid 1234 --clear-groups \
				bk-restic -c conf --json restore home \
				--target back' sh "$(sed -n 's/^program = //p' "$BK_CONFIG")"
		assert_json "$out" '.[0].lost | index("owners")'
		assert_has "$err" 'owner not set, which only root can: '
	}
	each_restic owners
}

@test "attributes that a file system does not keep are told" {
	need_root
	all_kinds
	mkdir m
	# shellcheck disable=SC2016
	run_bk 0 unshare -m sh -ec 'mount -t ramfs none m; exec "$@"' sh \
		bk-restic --json restore home --target m/back
	assert_json "$out" '.[0].lost | index("acls")'
	assert_has "$err" 'keeps no extended attributes and no ACLs'
}

@test "a terminal sees how far it is" {
	need_program script
	backup 0 -- "root $T/src/a"
	fake_restic <<-'END'
		case " $* " in *" restore "*) sleep 1.2 ;; esac
		exec "$RESTIC" "$@"
	END
	run_bk 0 script -qec 'bk-restic restore home --target back' /dev/null
	assert_has "$out" 'home: restoring '
	run_bk 0 bk-restic restore home --target again
	assert_hasnt "$err" 'restoring '
}
