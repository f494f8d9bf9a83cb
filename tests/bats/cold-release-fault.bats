#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold release that fails or is killed at a system call: no byte is lost,
# and the catalog says where each file is.

load helper
load cold
load release

setup() { release_setup; }
teardown() { release_teardown; }

# whole: hello is where it was, in quarantine, or on the box, as the last line
# of the journal says.
whole() {
	local last
	last=$(holds | tail -n 1)
	case $last in
	'' | back*) assert_is "$(cat src/a/hello)" hello ;;
	held*) assert_is "$(cat src/a/.bk-quarantine/????????????????)" hello ;;
	gone*) assert_is "$(cat "$(object "$one" src/a/hello)")" hello ;;
	*) fail "$1: unsettled: $last" ;;
	esac || fail "lost: $1: $last"
}

@test "killed or failing at a call: nothing is lost, and undo settles it" {
	local call when how runs=0
	need_program strace
	cold_conf one 'release-age = 0' 'max-percent = 100' "quarantine = 0"
	for call in renameat2 unlinkat fsync; do
		for when in 1 2 3; do
			for how in signal=KILL error=EIO; do
				strace -f -qq -o /dev/null -e trace=$call \
					-e inject=$call:$how:when="$when" \
					bk-cold release --yes >/dev/null 2>&1 || :
				bk-cold -q undo >/dev/null 2>&1 || :
				whole "$call $when $how"
				[ -e src/a/hello ] || bk-cold -q get --yes \
					--in-place "$T/src/a/hello" >/dev/null 2>&1
				assert_is "$(cat src/a/hello)" hello
				bk-cold -q push >/dev/null 2>&1
				days_pass 1
				runs=$((runs + 1))
			done
		done
	done
	assert_is $runs 18
}

@test "a run that calls itself good leaves no step open" {
	local when open
	need_program strace
	for when in {9..20}; do
		status=0
		strace -qq -o /dev/null -e trace=statx \
			-e inject=statx:error=ENOENT:when="$when" \
			bk-cold release --yes >/dev/null 2>&1 || status=$?
		open=$(holds | grep -E '^(moving|deleting|returning)') || :
		[ $status != 0 ] || assert_is "$when: $open" "$when: "
		bk-cold -q undo
		whole "statx $when"
		bk-cold -q push
		days_pass 8
	done
}

@test "what a failing disk left open is settled by the next run" {
	local when
	need_program strace
	cold_conf one 'release-age = 0' 'max-percent = 100' 'quarantine = 0'
	for when in {1..12}; do
		strace -qq -o /dev/null -e trace=fsync \
			-e inject=fsync:error=EIO:when="$when" \
			bk-cold release --yes >/dev/null 2>&1 || :
		bk-cold -q undo
		whole "fsync $when"
		[ -e src/a/hello ] || bk-cold -q get --yes \
			--in-place "$T/src/a/hello" >/dev/null 2>&1
		bk-cold -q push
		days_pass 1
	done
}

@test "what cannot be looked at is not taken for gone" {
	local when
	need_program strace
	cold_conf one 'release-age = 0' 'max-percent = 100' 'quarantine = 0'
	strace -qq -o /dev/null -e trace=unlinkat \
		-e inject=unlinkat:signal=KILL:when=1 \
		bk-cold release --yes >/dev/null 2>&1 || :
	assert_is "$(holds)" "deleting $T/src/a/hello"
	for when in {1..60}; do
		strace -qq -o /dev/null -e trace=newfstatat \
			-e inject=newfstatat:error=EIO:when="$when" \
			bk-cold -q undo "$T/none" >/dev/null 2>&1 || :
		case $(holds) in held* | deleting*) ;; *) fail "$when: $(holds)" ;; esac
	done
}
