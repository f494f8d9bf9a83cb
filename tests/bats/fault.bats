#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# shellcheck disable=SC2094
# Each system call that matters fails once, at every turn, and in another
# round the process is killed there: what was recorded is old or new, never
# half, and a failure is never called a success.

load helper
load restic

# restic only stores here; that it does well is tested elsewhere.
setup() {
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	restic_setup
	fake_restic <<-'END'
		case " $* " in
		" version ") echo restic 0.18.0 compiled with go1.24 on linux/amd64 ;;
		*" snapshots "*) echo '[]' ;;
		*" backup "*) echo '{"message_type":"summary","files_new":1,"total_files_processed":3,"total_bytes_processed":100,"snapshot_id":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}' ;;
		*) exit 1 ;;
		esac
	END
	plan "root $T/src/a" >plan
	bk-restic -q backup home - <plan >/dev/null
	old_state=$(cat "$(state_file)") old_base=$(cat state/restic/home.json)
	plan "root $T/src/a" "root $T/src/b" >plan
}

state_file() { echo "$T/state/state/bk-restic.backup-home.json"; }

# whole FILE: JSON of a good shape, and no rests of it beside it but those of
# a killed writer.
check_whole() {
	jq -e '.v == 1' "$(state_file)" >/dev/null
	jq -e '.v == 1 and (.good.roots | length) >= 1' state/restic/home.json \
		>/dev/null
}

# inject SYSCALL WHAT N: runs the backup with this fault; status in $status.
inject() {
	status=0
	printf '%s\n' "$old_base" >state/restic/home.json
	printf '%s\n' "$old_state" >"$(state_file)"
	timeout -k 1 10 strace -qq -o "$T/trace" -e trace="$1" -e inject="$1:$2:when=$3" \
		bk-restic -q backup home - <plan >o.txt 2>e.txt || status=$?
}

@test "every failing system call leaves the old record or the new one" {
	local n total=0 call
	for call in fsync rename openat write fchmod mkdir memfd_create \
		pipe2 poll read execve clone clone3 vfork; do
		for ((n = 1; n < 60; n++)); do
			inject $call error=EIO $n
			# the fault did not happen any more: this call is done
			grep -q INJECTED trace || break
			# the loader's calls are not ours
			! grep -q 'shared librar' e.txt || continue
			total=$((total + 1))
			check_whole || fail "$call $n: torn" "$(cat e.txt)"
			[ $status != 124 ] || fail "$call $n: it hangs"
			[ $status -lt 126 ] || fail "$call $n: status $status"
			new=$(jq '.good.roots | length' state/restic/home.json)
			if [ $status = 0 ] && [ "$new" != 2 ]; then
				fail "$call $n: called ok, but not recorded"
			fi
			[ $status = 0 ] || [ -s e.txt ] || fail "$call $n: silent"
		done
	done
	echo "# $total faults" >&3
	[ $total -gt 60 ]
}

@test "killed at every system call, the next run is well" {
	local n total=0 call
	for call in fsync rename openat write close; do
		for ((n = 1; n < 60; n++)); do
			inject $call signal=KILL $n
			grep -q 'killed by SIGKILL' trace || break
			total=$((total + 1))
			check_whole || fail "$call $n: torn"
		done
	done
	run_bk 0 bk-restic -q backup home - <plan
	assert_is "$(jq '.good.roots | length' state/restic/home.json)" 2
	echo "# $total kills" >&3
	[ $total -gt 30 ]
}
