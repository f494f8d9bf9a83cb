# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bats files share. In a file:
#	load helper
#	setup() { bk_setup; }
# Then each test has a scratch directory $T of its own, with state, cache,
# run and config below it, and starts there.

bk_setup() {
	T=$BATS_TEST_TMPDIR
	export BK_STATE_DIR=$T/state BK_CACHE_DIR=$T/cache BK_RUN_DIR=$T/run
	export BK_CONFIG=$T/bk.conf
	PATH=${BK_BIN:?run tests by tests/run.sh}:$PATH
	mkdir -m 700 "$BK_STATE_DIR" "$BK_CACHE_DIR" "$BK_RUN_DIR"
	: >"$BK_CONFIG"
	chmod 600 "$BK_CONFIG"
	cd "$T" || return 1
}

# Whoever opens a keyring from here on need not wait for what was derived in
# this run of the tests before (rigs/argon2_memo.c).
argon2_memo() {
	local memo=$B/rigs/argon2_memo.so
	[ -e "$memo" ] && [ "$BK_BIN" = "$B" ] || return 0
	export BK_ARGON2_MEMO=$BK_TEST_RUN/argon2 LD_PRELOAD=$memo
	mkdir -p "$BK_ARGON2_MEMO"
}

# fail MESSAGE...: ends the test, saying why.
fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# run_bk STATUS COMMAND...: runs it (stdin as the caller's) and keeps stdout
# and stderr in the files $out and $err, their text without trailing newlines
# in $stdout and $stderr, the status in $status. Fails, showing both, when
# the status is another one, or above 125: no tool may end by a signal.
# For a test whose point is a signal: run_bk -s 143 COMMAND...
run_bk() {
	local signal=
	[ "$1" != -s ] || { signal=1; shift; }
	local want=$1
	shift
	out=$T/out.txt err=$T/err.txt status=0
	"$@" >"$out" 2>"$err" || status=$?
	# NUL bytes are in the files only
	# shellcheck disable=SC2034
	stdout=$(tr -d '\0' <"$out") stderr=$(tr -d '\0' <"$err")
	[ "$status" = "$want" ] && { [ "$status" -le 125 ] || [ -n "$signal" ]; } &&
		return
	[ "$status" -le 125 ] || want="$want, and above 125"
	fail "\$ $*" "status $status, not $want" "--- stdout" \
		"$(head -c 4000 "$out")" "--- stderr" "$(head -c 4000 "$err")"
}

# assert_has FILE TEXT: a line of the file holds the text.
assert_has() {
	grep -qaF -e "$2" -- "$1" ||
		fail "no \"$2\" in ${1##*/}:" "$(head -c 4000 "$1")"
}

assert_hasnt() {
	[ -e "$1" ] || fail "no file $1" || return
	! grep -qaF -e "$2" -- "$1" ||
		fail "\"$2\" is in ${1##*/}:" "$(head -c 4000 "$1")"
}

# assert_is GOT WANTED
assert_is() {
	[ "$1" = "$2" ] || fail "got:    $1" "wanted: $2"
}

# assert_json FILE FILTER: jq's answer to the filter, over the slurped
# stream of objects, is true. assert_json "$out" 'last.type == "end"'
assert_json() {
	jq -es "$2" "$1" >/dev/null ||
		fail "not so in ${1##*/}: $2" "$(head -c 4000 "$1")"
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -le $end ] || fail "in vain: $*" || return
		sleep 0.05
	done
}

# mk_tree DIR: from stdin, a line each: "path/" a folder, "path" an empty
# file, "path = text" a file with that line, "path -> target" a symlink.
mk_tree() {
	local top=$1 line path
	mkdir -p "$top"
	while IFS= read -r line; do
		path=$top/${line%% [=-]*}
		case $line in
		'') continue ;;
		*' -> '*) mkdir -p "${path%/*}"; ln -s "${line#* -> }" "$path" ;;
		*' = '*) mkdir -p "${path%/*}"; echo "${line#* = }" >"$path" ;;
		*/) mkdir -p "$path" ;;
		*) mkdir -p "${path%/*}"; : >"$path" ;;
		esac
	done
}

# mk_marker PATH...: empty files; the folders are made.
mk_marker() {
	local m
	for m; do
		mkdir -p "$(dirname "$m")" && : >"$m" || return
	done
}

# mk_hostile DIR: files whose names are legal and unpleasant.
mk_hostile() {
	mkdir -p "$1"
	local n
	# shellcheck disable=SC2016
	for n in $'new\nline' $'tab\there' $'esc\e[31m' -dash ' space ' \
		'*' '[a]' '!bang' '#hash' 'back\slash' $'bad\xff\xfeutf8' \
		'"quote' "'single" '$HOME'; do
		echo "$n" >"$1/$n"
	done
}

# restic_versions: a line for each restic here, VERSION<TAB>PATH.
restic_versions() {
	if [ -s "${BK_RESTIC_VERSIONS:-/nonexistent}" ]; then
		cat "$BK_RESTIC_VERSIONS"
	else
		printf '%s\t%s\n' "$(restic version | cut -d' ' -f2)" \
			"$(command -v restic)"
	fi
}

# need_root, need_program NAME...: skip where they are missing.
need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_program() {
	local p
	for p; do
		command -v "$p" >/dev/null || skip "$p is not installed"
	done
}
