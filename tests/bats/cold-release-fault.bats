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

# open_step: src/a/hello was moved, and that is not noted.
open_step() {
	need_program strace
	strace -qq -o /dev/null -e trace=fsync -e inject=fsync:signal=KILL:when="$1" \
		bk-cold release --yes >/dev/null 2>&1 || :
}

@test "every start settles what was left open, or tells it" {
	local n cmd found=0
	cp -a "$BK_STATE_DIR" before
	for n in {1..9}; do
		open_step "$n"
		[ "$(holds)" != "moving $T/src/a/hello" ] || [ -e src/a/hello ] ||
			break
		bk-cold -q undo
		rm -rf "$BK_STATE_DIR"
		cp -a before "$BK_STATE_DIR"
	done
	assert_is "$(holds)" "moving $T/src/a/hello"
	rm -rf before
	cp -a "$BK_STATE_DIR" open
	for cmd in 'list' 'status' 'release' '-n push' '-n undo' '-n check' \
		"-n get --yes --in-place $T/src/a/hello"; do
		# shellcheck disable=SC2086
		bk-cold $cmd >/dev/null 2>err || :
		assert_is "$cmd: $(holds)" "$cmd: moving $T/src/a/hello"
		grep -q 'a step of a release is open for 1 file, ' err ||
			fail "$cmd does not tell:" "$(cat err)"
	done
	for cmd in push check 'init one' 'rebuild one' 'release --yes' \
		"undo $T/none" "get --yes --to $T/back $T/none" \
		"get --yes --in-place $T/src/a/hello"; do
		rm -rf "$BK_STATE_DIR"
		cp -a open "$BK_STATE_DIR"
		# shellcheck disable=SC2086
		bk-cold $cmd >/dev/null 2>err || :
		assert_is "$cmd: $(holds)" "$cmd: held $T/src/a/hello"
		! grep 'is open' err || fail "$cmd tells what it settled"
		found=$((found + 1))
	done
	assert_is $found 8
	# the copy that get brought is as good, and undo overwrites nothing
	assert_is "$(cat src/a/hello)" hello
	run_bk 3 bk-cold undo
	assert_is "$(cat src/a/.bk-quarantine/????????????????)" hello
}

@test "a step that is open is told where another bk-cold is at work" {
	local n
	for n in {1..9}; do
		open_step "$n"
		[[ "$(holds)" != moving* ]] || break
		bk-cold -q undo
	done
	mkdir -p "$BK_RUN_DIR/lock"
	flock "$BK_RUN_DIR/lock/cold" sleep 20 3>&- &
	until ! flock -n "$BK_RUN_DIR/lock/cold" true; do sleep 0.05; done
	bk-cold get --yes --to "$T/back" "$T/src/a/hello" 2>err
	kill %1
	assert_is "$(cat "back$T/src/a/hello")" hello
	grep -q 'settles it; not now: .* is locked by' err ||
		fail "$(cat err)"
	assert_is "$(holds)" "moving $T/src/a/hello"
}

@test "a power cut that left both names of a file: one goes, undo, too" {
	local n
	for n in {1..9}; do
		open_step "$n"
		[ "$(holds)" != "moving $T/src/a/hello" ] || [ -e src/a/hello ] ||
			break
		bk-cold -q undo
	done
	# as Btrfs has it
	ln src/a/.bk-quarantine/???????????????? src/a/hello
	run_bk 66 bk-cold undo "$T/none"
	assert_is "$(holds | tail -n 1)" "back $T/src/a/hello"
	assert_is "$(stat -c %h src/a/hello) $(cat src/a/hello)" '1 hello'
	bk-cold -q push
	run_bk 0 bk-cold release --yes
	assert_is "$(holds | tail -n 1)" "held $T/src/a/hello"
	ln src/a/.bk-quarantine/???????????????? src/a/hello
	run_bk 0 bk-cold undo
	assert_is "$(holds | tail -n 1)" "back $T/src/a/hello"
	assert_is "$(stat -c %h src/a/hello) $(cat src/a/hello)" '1 hello'
	assert_is "$(find src/a/.bk-quarantine -type f)" ''
}
