#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the tests: unit checks, fuzz corpora, bats files, then lints.
#   tests/run.sh [FILE...]    all, or just these: .bats files, unit or fuzz
#                             programs (build/unit/x), lints (lint-x)
# Ends with the line 'N passed, N failed, N skipped'; exit 1 if any failed, if
# none passed, or if a runner crashed or kept less than its plan.
#
# Environment: B=build; BK_BIN=dir of the tools (default B; /usr/bin tests
# those installed); QUICK=1 without tests tagged long; LINTS= lints to run;
# JOBS=; FILE_TIMEOUT=1500 seconds; KEEP=1 keeps the scratch directory when a
# test failed; BK_SUITES= releases of Debian that are booted (default: the
# host's), BK_ROOTS= folder in which they are kept once fetched.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
top=$PWD
B=$(realpath -m "${B:-build}")
BK_BIN=$(realpath -m "${BK_BIN:-$B}")
jobs=${JOBS:-$(nproc)}

# As root, everything runs in a process namespace: whatever a test leaves
# behind dies with it. The tests cannot tell, bar their low process ids.
if [ "$(id -u)" = 0 ] && [ -z "${BK_TEST_RUN:-}" ] &&
	unshare -fp --mount-proc --kill-child true 2>/dev/null; then
	BK_TEST_RUN=inner exec unshare -fp --mount-proc --kill-child \
		"$top/tests/run.sh" "$@"
fi

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bk-tests
scratch=$(mktemp -d /var/tmp/bk-tests.XXXXXX) || exit 1
logs=$scratch/logs
mkdir "$logs" "$scratch/home" "$scratch/tmp"

# Ends what the tests left running: it carries our mark in its environment.
reap() {
	local pid
	for pid in $(grep -lzsx "BK_TEST_RUN=$scratch" /proc/[0-9]*/environ |
		tr -dc '0-9\n'); do
		[ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null
	done
}

# shellcheck disable=SC2317
finish() {
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	reap
	if [ -n "${KEEP:-}" ] && [ $status != 0 ]; then
		echo "kept: $scratch" >&2
	else
		rm -rf "$scratch"
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The tests' own environment, nothing of the user's.
file_timeout=${FILE_TIMEOUT:-1500}
lints=${LINTS:-} quick=${QUICK:-} keep=${KEEP:-} make=${MAKE:-make}
for v in $(compgen -e | grep -E '^(BK|RESTIC|XDG|BATS|SYSTEMD|MAKE|MFLAGS)') \
	JOURNAL_STREAM INVOCATION_ID NOTIFY_SOCKET CREDENTIALS_DIRECTORY \
	STATE_DIRECTORY CACHE_DIRECTORY RUNTIME_DIRECTORY SSH_AUTH_SOCK \
	NO_COLOR LINTS QUICK KEEP CDPATH; do
	case $v in BK_BIN | BK_KUMA | BK_PACKAGES | BK_ROOTS | BK_SUITES) ;; *) unset "$v" ;; esac
done
export LC_ALL=C TZ=UTC TERM=dumb BATS_TEST_TIMEOUT=120
export BK_BIN B BK_TEST_RUN=$scratch TMPDIR=$scratch/tmp HOME=$scratch/home
export XDG_CONFIG_HOME=$HOME/.config XDG_CACHE_HOME=$HOME/.cache \
	XDG_STATE_HOME=$HOME/.local/state XDG_DATA_HOME=$HOME/.local/share \
	XDG_RUNTIME_DIR=$HOME/run
export PATH=$BK_BIN:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KEEP=$keep

# Runs one file; TAP on stdout.
run_one() {
	local limit=(setsid -w timeout -k 10 "$file_timeout")
	case $1 in
	*.bats)
		"${limit[@]}" bats --formatter tap \
			${quick:+--filter-tags '!long'} "$1"
		;;
	"$B"/fuzz/*)
		shopt -s nullglob
		"${limit[@]}" "$1" tests/fuzz/corpus/"${1##*/}"/*
		;;
	lint-*)
		echo 1..1
		if "${limit[@]}" "$make" -s B="$B/lint" LINT_SKIP=1 "$1" \
			>"$logs/$1.out" 2>&1; then
			echo "ok 1 $1$(sed -n 's/^skip:/ # skip/p' \
				"$logs/$1.out" | sed 1q)"
		else
			echo "not ok 1 $1"
			sed 's/^/# /' "$logs/$1.out"
		fi
		;;
	*) "${limit[@]}" "$1" ;;
	esac
}

# Reads TAP; prints what failed, then a line for the file, and adds its
# counts to the file sums. -v status= of the runner, -v name= -v seconds=
# shellcheck disable=SC2016
judge='
/^1\.\.[0-9]+/ { plan = substr($0, 4) + 0; planned = 1; next }
/^ok /     { n++; bad = 0; if (tolower($0) ~ /# skip/) s++; else p++; held = ""; next }
/^not ok / { n++; f++; bad = 1; print held $0; held = ""; next }
/^#/ && bad { print; next }
{ bad = 0; if (length(held) < 20000) held = held $0 "\n" }
END {
	if (!planned) { f++; printf "%s# %s: no plan\n", held, name }
	else if (n != plan) {
		f++
		printf "%s# %s: planned %d, ran %d\n", held, name, plan, n
	}
	if (status && !f) { f++; print held "# " name ": ended with status " status }
	if (status > 124) print "# " name ": status " status
	printf "%-36s %4d passed %3d failed %3d skipped %6.1f s\n",
		name, p, f, s, seconds
	print p + 0, f + 0, s + 0 >>sums
}'

job() {
	local name=${1#"$B"/} log status t0=$EPOCHREALTIME seconds
	name=${name#"$top"/}
	log=$logs/${name//\//_}.tap
	run_one "$1" >"$log" 2>&1 </dev/null
	status=$?
	seconds=$(awk "BEGIN { print $EPOCHREALTIME - $t0 }")
	flock "$logs/lock" awk -v status=$status -v name="$name" \
		-v seconds="$seconds" -v sums="$logs/sums" "$judge" "$log"
}

# Runs these files, some at a time.
run_all() {
	local f running=0
	for f; do
		if [ $running -ge "$jobs" ]; then
			wait -n
			running=$((running - 1))
		fi
		job "$f" &
		running=$((running + 1))
	done
	wait
}

programs() { find "$B/$1" -maxdepth 1 -type f -executable 2>/dev/null | sort; }

list_restics() {
	export BK_RESTIC_VERSIONS=$scratch/restic-versions
	tests/rigs/restic.sh "$cache" >"$BK_RESTIC_VERSIONS" || :
}

if [ $# -gt 0 ]; then
	files=()
	for f; do
		[ ! -e "$f" ] || f=$(realpath "$f")
		files+=("$f")
	done
	case "${files[*]}" in *.bats*) list_restics ;; esac
	run_all "${files[@]}"
else
	mapfile -t files < <(programs unit)
	run_all "${files[@]}"
	mapfile -t files < <(programs fuzz)
	run_all "${files[@]}"
	# the biggest first: they take longest
	mapfile -t files < <(find "$top/tests/packages" -name '*.bats' | sort
		find "$top/tests/bats" -maxdepth 1 -name '*.bats' \
			-printf '%s\t%p\n' | sort -rn | cut -f 2-)
	[ ${#files[@]} = 0 ] || list_restics
	run_all "${files[@]}"
	read -ra files <<<"$lints"
	run_all "${files[@]}"
fi

touch "$logs/sums"
awk '{ p += $1; f += $2; s += $3 }
END {
	printf "%d passed, %d failed, %d skipped\n", p, f, s
	exit f > 0 || p == 0
}' "$logs/sums"
