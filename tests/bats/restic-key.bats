#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-restic key: the passwords of a repository, with the real restic.

load helper
load restic

setup_file() { restic_setup_file; }
setup() { restic_setup; }

# opens PASSWORD: does restic alone open the repository with it?
opens() {
	RESTIC_PASSWORD=$1 restic --no-cache -q -r "$T/repo" cat config \
		>/dev/null 2>&1
}

keys() { find "$T/repo/keys" -type f ! -name '*-*' | wc -l; }

# add PASSWORD [OPTION...]: its id is in $id.
add() {
	printf %s "$1" >in
	shift
	run_bk 0 bk-restic key add main "$@" <in
	id=$stdout
}

# bats test_tags=long
@test "a key is added, listed, tried and removed, by every restic" {
	while IFS=$'\t' read -r version program; do
		echo "restic $version"
		conf_repo "program=$program"
		rm -rf repo && cp -r "$REPO0" repo
		add 'the new one' --user recovery --host 'web 1'
		assert_is "$(wc -l <"$out")" 1
		opens 'the new one'
		opens open-sesame
		run_bk 0 bk-restic --json key list main
		assert_json "$out" '[.[] | select(.type == "key")] |
			length == 2 and (map(select(.current)) | length) == 1 and
			all(.[]; .repo == "main" and (.created | fromdate) > 0)'
		assert_json "$out" 'map(select(.id == "'"$id"'")) | .[0] |
			.user == "recovery" and .host == "web 1" and
			(.current | not)'
		assert_json "$out" 'last == {v: 1, type: "end", status: 0, count: 2}'
		printf 'the new one' >in
		run_bk 0 bk-restic key test main <in
		assert_is "$stdout" "$id"
		run_bk 77 bk-restic key test main <pw2
		assert_is "$stdout" ''
		run_bk 0 bk-restic key remove main "$id"
		assert_is "$(keys)" 1
		run_bk 77 bk-restic key test main <in
		opens open-sesame
	done < <(echo wrong >pw2; restic_versions)
}

@test "the three forms of a list; the oldest key is the first" {
	add second --user u2 --host h2
	run_bk 0 bk-restic key list main
	assert_is "$(wc -l <"$out")" 2
	assert_is "$(tail -1 "$out" | cut -f 1-3,5)" "$id"$'\tu2\th2\t'
	assert_is "$(head -1 "$out" | cut -f 5)" current
	run_bk 0 bk-restic -0 key list main
	assert_is "$(tr '\0' '\n' <"$out" | tail -1)" "$id"
	run_bk 0 bk-restic --json key test main <in
	assert_json "$out" '.[0].id == "'"$id"'" and .[0].current and
		.[0].user == "u2"'
	printf third >in
	run_bk 0 bk-restic --json key add main <in
	assert_json "$out" '.[0].type == "key" and (.[0].current | not) and
		last.count == 1'
}

@test "one newline at the end is no part of the password" {
	printf 'line one\nline two\n\n' >in
	run_bk 65 bk-restic key add main <in
	printf 'line one\nline two\n' >in
	run_bk 0 bk-restic key add main <in
	opens $'line one\nline two'
	run_bk 0 bk-restic key test main <in
}

@test "what restic would misread is refused, and nothing is added" {
	local p
	for p in '' $'\n' ' lead' $'trail\t' $'trail\r\n' \
		$'\xef\xbb\xbfmark' $'\xfe\xff' $'wide\xe2\x80\x83' \
		$'\xc2\xa0wide' $'next\xc2\x85'; do
		printf %s "$p" >in
		run_bk 65 bk-restic key add main <in
		run_bk 65 bk-restic key test main <in
	done
	printf 'nul\0' >in
	run_bk 65 bk-restic key add main <in
	head -c 40000 /dev/zero | tr '\0' x >in
	run_bk 65 bk-restic key add main <in
	assert_is "$(keys)" 1
	# and what looks like it is not
	add $'caf\xc3\xa9 "$x" \\ \xe2\x80\x94'
	opens $'caf\xc3\xa9 "$x" \\ \xe2\x80\x94'
}

@test "remove takes one id, or its beginning, and never the key in use" {
	add second
	local first
	first=$(bk-restic -0 key list main | tr '\0' '\n' | head -1)
	run_bk 66 bk-restic key remove main zz
	run_bk 64 bk-restic key remove main ''
	run_bk 64 bk-restic key remove main
	run_bk 1 bk-restic key remove main "$first"
	assert_has "$err" 'restic does not remove it'
	assert_is "$(keys)" 2
	run_bk 0 bk-restic key remove main "${id:0:6}"
	assert_is "$(keys)" 1
	run_bk 66 bk-restic key remove main "$id"
}

@test "an id that two keys have in common names none" {
	fake_restic <<-'END'
		case "$*" in
		*"key list"*) echo '[{"current":true,"id":"aa11","userName":"r","hostName":"h","created":"2026-01-02 03:04:05"},
			{"current":false,"id":"bb22","userName":"r","hostName":"h","created":"2026-01-02 03:04:06"},
			{"current":false,"id":"bb33","userName":"r","hostName":"h","created":"2026-01-02 03:04:07"}]' | tr -d '\n\t'; echo ;;
		*remove*) echo "$*" >>"$T/removed" ;;
		*) exec "$RESTIC" "$@" ;;
		esac
	END
	export T
	run_bk 64 bk-restic key remove main bb
	assert_has "$err" 'more than one key'
	[ ! -e removed ]
	run_bk 0 bk-restic key remove main bb2
	assert_has removed 'key remove bb22'
}

# restic gives up after 20, in no certain order
@test "the key that would be one too many for restic is not added" {
	fake_restic <<-'END'
		case "$*" in
		*"key list"*) printf '[{"current":true,"id":"aa"}'
			for n in $(seq 10 28); do printf ',{"current":false,"id":"%s"}' "$n"; done
			echo ']' ;;
		*"key add"*) echo "$*" >>"$T/added" ;;
		*) exec "$RESTIC" "$@" ;;
		esac
	END
	export T
	echo new >in
	run_bk 73 bk-restic key add main <in
	assert_has "$err" 'has 20 keys'
	[ ! -e added ]
}

@test "test asks for nothing but the password on stdin" {
	add second
	# the configured one cannot be had
	rm pw
	run_bk 66 bk-restic key list main
	run_bk 0 bk-restic key test main <in
	sed -i 's|^password.*|password = command:touch '"$T"'/resolved|' \
		"$BK_CONFIG"
	run_bk 0 bk-restic key test main <in
	[ ! -e resolved ]
	fake_restic <<-'END'
		case "$*" in
		*"key list"*) { env; echo "args: $*"; ls -A "$HOME" | wc -l; } >"$T/seen" ;;
		esac
		exec "$RESTIC" "$@"
	END
	export T RESTIC_PASSWORD=x XDG_CONFIG_HOME=$T/xdg
	run_bk 0 bk-restic key test main <in
	unset RESTIC_PASSWORD
	assert_has seen '--no-cache'
	assert_has seen "HOME=$BK_CACHE_DIR/tmp/home."
	assert_is "$(tail -1 seen)" 0
	run_bk 1 grep '^RESTIC_PASSWORD=\|^XDG_CONFIG_HOME=' seen
	assert_is "$(find "$BK_CACHE_DIR/tmp" -mindepth 1 | wc -l)" 0
}

@test "no password is an argument, in the environment or on the disk" {
	fake_restic <<-'END'
		{ tr '\0' '\n' </proc/$$/environ; echo "$*"
		tr '\0' ' ' </proc/$PPID/cmdline
		tr '\0' '\n' </proc/$PPID/environ; } >>"$T/seen"
		exec "$RESTIC" "$@"
	END
	export T
	add canary-7316
	run_bk 0 bk-restic key test main <in
	assert_has seen 'key add'
	assert_hasnt seen canary-7316
	rm in
	! grep -raq canary-7316 "$T" || fail "it is in a file"
}

@test "-n shows the command and changes nothing" {
	run_bk 0 bk-restic -n key add main --user 'a b' </dev/null
	assert_has "$out" "key add '--user=a b' --new-password-file="
	add second
	run_bk 0 bk-restic -n key remove main "${id:0:6}"
	assert_has "$out" "key remove $id"
	assert_is "$(keys)" 2
	run_bk 0 bk-restic -n --json key remove main "$id"
	assert_json "$out" '.[0].type == "command" and last.type == "end"'
}

@test "a key that comes back from a lost connection is one key" {
	conf_repo retries=1
	conf_repo retry-pause=1s
	fake_restic <<-'END'
		case "$*" in
		*"key add"*) [ -e "$T/again" ] || {
			touch "$T/again"
			f=${*##*--new-password-file=}
			cat "$f" >/dev/null
			echo 'connection reset by peer' >&2
			exit 1
		} ;;
		esac
		exec "$RESTIC" "$@"
	END
	export T
	add twice-tried
	[ -e again ]
	assert_is "$(keys)" 2
	opens twice-tried
}

@test "usage, and what is not there" {
	run_bk 64 bk-restic key
	run_bk 64 bk-restic key frobnicate main
	run_bk 64 bk-restic key list
	run_bk 64 bk-restic key list main main
	run_bk 64 bk-restic key list main --user x
	run_bk 64 bk-restic key test main --host x </dev/null
	run_bk 64 bk-restic init --user x
	run_bk 66 bk-restic key list nix
	rm -r repo
	run_bk 66 bk-restic key list main
	echo x >in
	run_bk 66 bk-restic key add main <in
	run_bk 66 bk-restic key test main <in
}

@test "a password is not read from a terminal that shows it" {
	need_program script
	run_bk 64 script -qec 'bk-restic key add main' /dev/null </dev/null
	assert_has "$out" 'use a pipe'
}

@test "two that change keys come one after the other" {
	conf_repo lock-wait=0
	exec 8>"$BK_RUN_DIR/x"
	mkdir -p "$BK_RUN_DIR/lock"
	run_bk 0 bk-restic key list main
	exec 8>>"$BK_RUN_DIR/lock/repo.main"
	flock 8
	echo x >in
	run_bk 75 bk-restic key add main <in
	run_bk 75 bk-restic key remove main aa
	run_bk 0 bk-restic key list main
	exec 8>&-
}
