#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-scan: each system call fails once, at every turn, and in another round the
# process is killed there. A plan that is called whole is; one that may lack
# something says so and still has every folder; the next scan is exact.

load helper
load scan

setup() {
	scan_setup
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	# one thread, so that the Nth call is the same each time
	sed -i 's/^\[scan\]/&\njobs = 1/' bk.conf
	mk_tree home <<-END
		a/.backup = exclude = *.o
		a/b/.nobackup
		a/b/c/.backup
		d/.coldstorage
		e/f/g/h
	END
	settle
	bk-scan --json list >plan
	jq -c 'del(.time)' plan >want
	cp -r state good-state
	cp -r cache good-cache
}

# restore: the last plan and the cache as they were, with what $1 changed since.
restore() {
	rm -rf state cache
	cp -rp good-state state
	cp -rp good-cache cache
	[ "$1" != full ] || rm "$cache"
	# an old cache that has folders to read again, and is written anew
	[ "$1" != again ] || touch home/a home/e/f
}

# inject CALL WHAT N: runs bk-scan with this fault; status in $status.
inject() {
	status=0
	ASAN_OPTIONS=detect_leaks=0 timeout -k 1 20 strace -f -qq -o trace \
		-e trace="$1" -e inject="$1:$2:when=$3" \
		bk-scan --json list >got 2>errors || status=$?
}

roots() {
	jq -r 'select(.type == "root") | .path' "$1" | sort
}

# check WHAT: of the run that was.
check() {
	case $status in
	0) jq -c 'del(.time)' got | diff want - >difference ||
		fail "$1: called whole" "$(cat difference)" ;;
	3) roots want | diff - <(roots got) >difference ||
		fail "$1: roots are lost" "$(cat difference)" ;;
	124 | 137) fail "$1: it hangs" ;;
	*) [ "$status" -lt 126 ] || fail "$1: status $status" ;;
	esac
	[ "$status" = 0 ] || [ -s errors ] || grep -q '"warning"' got ||
		fail "$1: silent"
	next "$1"
}

# next WHAT: the last plan has all, and the scan after it is exact.
next() {
	roots want | diff - <(roots state/scan/plan.json) >difference ||
		fail "$1: the last plan lost roots" "$(cat difference)"
	bk-scan --json list >after 2>errors-after || {
		fail "$1: status $? afterwards" "$(cat errors-after)"
	}
	jq -c 'del(.time)' after | diff want - >difference ||
		fail "$1: wrong afterwards" "$(cat difference)"
}

# faults MODE: see restore.
faults() {
	local n call error total=0
	for call in openat2:{ENOENT,EACCES,EMFILE} \
		openat:{EACCES,EMFILE} statx:{EIO,ENOENT} getdents64:EIO \
		newfstatat:EIO read:EIO pwrite64:ENOSPC rename:EIO \
		flock:EINTR ftruncate:EIO fchmod:EPERM utimensat:EPERM \
		write:ENOSPC fsync:EIO; do
		error=${call#*:} call=${call%:*}
		for ((n = 1; n < 80; n++)); do
			restore "$1"
			inject "$call" "error=$error" $n
			grep -q INJECTED trace || break
			# the loader's calls are not ours
			! grep -q 'shared librar' errors || continue
			total=$((total + 1))
			check "$call $n, $error"
		done
	done
	echo "# $total faults" >&3
	[ $total -gt 60 ]
}

@test "every failing system call of a full scan: whole, or not called so" {
	faults full
}

@test "every failing system call of a re-scan" {
	faults same
}

@test "every failing system call of a re-scan that reads something again" {
	faults again
}

@test "killed at every system call: the last plan and the cache hold" {
	local n mode call total=0
	for mode in full again; do
		for call in openat2 pwrite64 rename flock ftruncate fchmod \
			utimensat write fsync openat; do
			for ((n = 1; n < 80; n++)); do
				restore $mode
				inject "$call" signal=KILL $n
				grep -q 'killed by SIGKILL' trace || break
				total=$((total + 1))
				next "$mode, $call $n, killed"
				[ ! -e "$cache.new" ] ||
					fail "$mode, $call $n: a rest is left"
			done
		done
	done
	echo "# $total kills" >&3
	[ $total -gt 60 ]
}
