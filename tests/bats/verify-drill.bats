#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-verify: drills, which restore for real and compare.
#
# What a restore is spoiled by is a program of its own.
# shellcheck disable=SC2016

load helper
load restic
load verify

setup_file() { restic_setup_file; }

# A set of 60 files with names of all kinds, backed up.
setup() {
	restic_setup
	cat >>"$BK_CONFIG" <<-END
		[verify]
		skip = repo
		skip = packs
		skip = age
	END
	for n in $(seq 50); do
		head -c $((n * 700)) /dev/urandom >"src/f$n"
	done
	mk_hostile src/odd
	: >src/empty
	ln -s f1 src/link
	chmod 4711 src/f2
	chmod 000 src/c
	: >src/.backup
	bk-restic -q backup home >/dev/null 2>&1
}

total() { find src \( -type f -o -type l \) -printf x | wc -c; }

@test "every file comes back, and nothing of it stays" {
	run_bk 0 bk-verify run -v
	assert_has "$out" $'drill:home\tok\t100 % proved'
	assert_has "$err" "$(total) files are as the live ones, byte by byte, 0"
	assert_is "$(ls cache)" "$(printf '%s\n' restic restic.version scan tmp)"
	assert_is "$(state drill:home '[.result, .how] | @csv')" \
		'"ok","restored and compared"'
	echo more >>src/f3
	rm src/f4
	chmod 600 src/f5
	touch src/f6
	run_bk 0 bk-verify run --all -v
	assert_has "$err" "$(($(total) - 2)) files are as the live ones, byte by byte, 3"
	run_bk 0 bk-verify status
	assert_has "$out" $'drill:home\tok\t100 %'
	run_bk 0 bk-verify run
	[ -z "$stdout" ]
}

@test "a small budget drills each file in its turn, and each once" {
	fake_restic <<-'END'
		for a; do
			case $a in --include=*) echo "${a#*=}" >>"${0%/*}/asked" ;; esac
		done
		exec "$RESTIC" "$@"
	END
	rm -r src/odd src/c
	bk-restic -q backup --accept home >/dev/null 2>&1
	conf_verify budget-bytes=100k
	runs=0
	until [ "$(progress drill:home '[.parts[] | select(. == 0)] | length')" = 0 ]; do
		run_bk 0 bk-verify run drill
		runs=$((runs + 1))
		[ $runs -lt 60 ]
	done
	[ $runs -gt 5 ] || fail "only $runs runs: $(cat "$BK_CONFIG")"
	find "$PWD/src" \( -type f -o -type l \) | sort >want
	sort asked | diff - want
}

@test "what is damaged in the repository does not come back, and is named" {
	run_bk 0 bk-verify run
	rm -rf cache/restic
	# the packs of the files, not those of the folders
	find repo/data -type f -size +20k >packs
	while read -r f; do cp "$f" "good-${f##*/}"; flip "$f"; flip "$f"; done <packs
	run_bk 1 bk-verify run --all
	assert_has "$out" $'drill:home\tfailed'
	assert_has "$err" '[backup home] '
	assert_has "$err" 'did not come back'
	assert_has "$err" 'see "A drill that failed" under REPAIR'
	failures drill:home | grep -q "^file $T/src/f"
	[ ! -e cache/drill ]
	# it stays failed until it is proved
	run_bk 1 bk-verify run
	while read -r f; do cat "good-${f##*/}" >"$f"; done <packs
	run_bk 1 bk-verify status
	run_bk 0 bk-verify run
	run_bk 0 bk-verify status
	assert_is "$(state drill:home .result)" ok
}

# spoil COMMAND...: what a restore does to a file that it brought, $1.
spoil() {
	fake_restic <<-END
		"\$RESTIC" "\$@"
		status=\$?
		t=\$(printf '%s\n' "\$@" | sed -n 's/^--target=//p')
		set -- "\$t$T/src/f20"
		if [ -n "\$t" ] && [ -e "\$1" ]; then $1; fi
		exit \$status
	END
}

@test "other bytes, size, mode, time; or none: nothing passes" {
	while IFS=: read -r why what; do
		spoil "$what"
		run_bk 1 bk-verify run --all
		assert_has "$out" "$T/src/f20 $why"
		assert_is "$(failures drill:home)" "file $T/src/f20"
	done <<-'END'
		came back with other bytes:touch -r "$1" r; printf X | dd of="$1" bs=1 seek=99 conv=notrunc status=none; touch -r r "$1"
		came back with another size:touch -r "$1" r; echo >>"$1"; touch -r r "$1"
		came back with another mode:chmod 600 "$1"
		came back with another time:touch -d 2001-01-01 "$1"
		is no file any more:rm "$1"; ln -s f1 "$1"
		did not come back:rm "$1"
	END
	spoil :
	run_bk 0 bk-verify run
	# one that changed since is compared with the snapshot
	echo more >>src/f20
	spoil 'chmod 600 "$1"'
	run_bk 1 bk-verify run --all
	assert_has "$out" "$T/src/f20 came back with another mode"
}

@test "a file with its old time put back is not called damaged" {
	touch -r src/f7 r
	head -c $((7 * 700)) /dev/urandom >src/f7
	touch -r r src/f7
	run_bk 0 bk-verify run --all
}

@test "larger files than drill-size are compared as they come" {
	conf_verify drill-size=20k
	fake_restic <<-'END'
		case " $* " in
		*' dump '*) echo "${@: -1}" >>"${0%/*}/dumped"; [ ! -e "${0%/*}/bad" ] ||
			{ "$RESTIC" "$@" | tr A B; exit 0; } ;;
		esac
		exec "$RESTIC" "$@"
	END
	run_bk 0 bk-verify run -v
	assert_has "$err" "$(total) files are as the live ones, byte by byte, 0"
	[ "$(wc -l <dumped)" = "$(find src -type f -size +20480c | wc -l)" ]
	touch bad
	run_bk 1 bk-verify run --all
	assert_has "$out" 'came back with other bytes'
	rm bad
	run_bk 0 bk-verify run
}

@test "owners that cannot be set are no damage" {
	fake_restic <<-'END'
		"$RESTIC" "$@" || exit
		case " $* " in *' restore '*)
			echo "ignoring error for /x: lchown /x: operation not permitted" >&2
			echo "Fatal: There were 1 errors" >&2
			exit 1 ;;
		esac
	END
	run_bk 0 bk-verify run
	fake_restic <<-'END'
		"$RESTIC" "$@" || exit
		case " $* " in *' restore '*)
			echo "ignoring error for /x: something else" >&2
			exit 1 ;;
		esac
	END
	run_bk 1 bk-verify run --all
	assert_has "$out" 'it cannot be restored'
}

@test "no room for a drill is no failure of the backup" {
	need_root
	mkdir cache/small
	mount -t tmpfs -o size=200k tmpfs cache/small
	echo "umount $T/cache/small" >>cleanup
	mkdir cache/small/cache
	BK_CACHE_DIR=$T/cache/small/cache run_bk 0 bk-verify run
	head -c 150k /dev/zero >cache/small/full
	BK_CACHE_DIR=$T/cache/small/cache bk-verify run --all >out 2>err && status=0 || status=$?
	umount cache/small
	[ $status = 0 ] || [ $status = 74 ]
	run_bk 0 bk-verify run --all
	assert_is "$(state drill:home .result)" ok
}

@test "kill -9 at any time: the next run leaves nothing behind" {
	for n in $(seq 12); do
		bk-verify run --all >/dev/null 2>&1 &
		sleep "$((n / 4)).$((n * 37 % 100))"
		kill -9 $! 2>/dev/null || :
		wait $! 2>/dev/null || :
	done
	run_bk 0 bk-verify run --all
	[ ! -e cache/drill ]
	run_bk 0 bk-verify status
	assert_has "$out" $'drill:home\tok\t100 %'
}

@test "a set without a snapshot, a repository that is away: unknown" {
	cat >>"$BK_CONFIG" <<-END
		[backup other]
		repo = main
		path = $T/src/b
	END
	run_bk 3 bk-verify run
	assert_has "$out" $'drill:other\tunknown\t[backup other] there is no snapshot yet'
	assert_has "$out" $'drill:home\tok'
	mv repo away
	run_bk 75 bk-verify run drill
	assert_hasnt "$out" failed
}
