# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bats files about bk-cold share; load helper before.
# shellcheck disable=SC2034

# cold_setup: a folder src with a marked folder src/a, and a box "one" on a
# disk (a tmpfs) of its own: $one.
cold_setup() {
	bk_setup
	need_root
	# shellcheck disable=SC2034
	one=$T/one two=$T/two host=$(uname -n)
	disk "$one"
	mk_marker src/a/.coldstorage
	echo hello >src/a/hello
	cold_conf one
	bk-cold -q init one >/dev/null
}

cold_teardown() {
	local d
	for d in one two src/a/fs; do
		! mountpoint -q "$T/$d" || umount -l "$T/$d"
	done
}

# disk DIR [SIZE]: a file system of its own.
disk() {
	mkdir -p "$1"
	mount -t tmpfs -o "size=${2:-64m},mode=700" tmpfs "$1" ||
		skip "cannot mount a tmpfs"
}

# cold_conf BOXES [LINE...]: of [cold], after boxes one and two.
cold_conf() {
	local boxes=$1
	shift
	cat >"$BK_CONFIG" <<-END
		[scan]
		root = $T/src
		[box one]
		url = ${url_one:-dir:$T/one}
		[box two]
		url = ${url_two:-dir:$T/two}
		[cold]
		boxes = $boxes
		redundant = one two
	END
	[ $# = 0 ] || printf '%s\n' "$@" >>"$BK_CONFIG"
}

# objects BOXDIR: what lies there as data, a line each, sorted, from src on.
objects() {
	(cd "$1/$host/DATA" 2>/dev/null &&
		find . -type f | sed "s|^\./${T#/}/||" | sort)
}

# object BOXDIR PATH: where a file of src lies.
object() { echo "$1/$host/DATA/${T#/}/$2"; }

# proved BOXDIR: sha256sum(1) finds all that the lists name, in every one, and
# no file is unlisted.
proved() {
	(cd "$1" && sha256sum --quiet --strict -c "$host"/SHA256SUMS.*) ||
		fail "not as listed in ${1##*/}"
	(cd "$1" && find "$host" -type f ! -name 'SHA256SUMS.*' ! -path '*/.partial/*' |
		sort) >there
	sed -n 's/^[0-9a-f]\{64\}  //p' "$1/$host"/SHA256SUMS.* | sort -u >listed
	diff listed there || fail "listed and there differ in ${1##*/}"
	[ -z "$(ls -A "$1/$host/.partial")" ] || fail "rests in .partial"
}

# sending BOXDIR: something is on its way there.
sending() { [ -n "$(ls -A "$1/$host/.partial" 2>/dev/null)" ]; }

# ask SQL: of the catalog.
ask() { sqlite3 "$BK_STATE_DIR/cold/catalog.db" "$1"; }

state_says() {
	jq -e "$1" "$BK_STATE_DIR/state/bk-cold.cold-push.json" >/dev/null ||
		fail "state:" "$(cat "$BK_STATE_DIR/state/bk-cold.cold-push.json")"
}
