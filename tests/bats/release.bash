# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bats files about bk-cold release share; load helper and cold before.

# release_setup: as cold_setup, on a file system of its own; the folder src/a
# is to be released, and hello in it was proved eight days ago.
release_setup() {
	bk_setup
	need_root
	# shellcheck disable=SC2034
	one=$T/one two=$T/two host=$(uname -n)
	disk "$one"
	disk "$T/src" 128m
	mk_marker src/a/.coldstorage_delete
	echo hello >src/a/hello
	cold_conf one 'max-percent = 100' 'release-age = 0'
	bk-cold -q init one >/dev/null
	bk-cold -q push >/dev/null
	days_pass 8
}

release_teardown() {
	local d
	for d in src/a/in src/a one two src fs; do
		! mountpoint -q "$T/$d" || umount -l "$T/$d"
	done
}

# days_pass N: in the catalog, and for the files that it knows: their change
# times cannot be set, so release-age is left to those tests that ask for it.
days_pass() {
	local s=$(($1 * 86400))
	ask "update copy set first = first - $s, last = last - $s,
		pushed = pushed - $s where first > 0;
		update release set moved = moved - $s where moved > 0;
		update file set since = since - $s"
}

# holds: the journal, a line each: state and path, in the order of events.
holds() {
	ask "select case state when 0 then 'moving' when 1 then 'held'
		when 2 then 'deleting' when 3 then 'gone' when 4 then 'returning'
		when 5 then 'back' else 'lost' end || ' ' || cast(path as text)
		from release order by id"
}

sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

release_state_says() {
	jq -e "$1" "$BK_STATE_DIR/state/bk-cold.cold-release.json" >/dev/null ||
		fail "state:" "$(cat "$BK_STATE_DIR/state/bk-cold.cold-release.json")"
}

# left NAME TEXT: $out, records, says why src/a/NAME stays, and it is there.
# shellcheck disable=SC2154
left() {
	jq -es --arg p "$T/src/a/$1" --arg t "$2" 'map(select(.type == "left" and
		.path == $p and (.reason | contains($t)))) | length == 1' \
		"$out" >/dev/null || fail "not left for '$2': $1" "$(cat "$out")"
	[ -e "src/a/$1" ] || [ -L "src/a/$1" ] ||
		[ -n "$(ls src/a/.bk-quarantine 2>/dev/null)" ] ||
		fail "it is gone: $1"
}

# ext4_src: src is an ext4 file system, with the same in it, proved.
ext4_src() {
	need_program mkfs.ext4
	umount "$T/src"
	truncate -s 64M "$T/ext4"
	mkfs.ext4 -q "$T/ext4"
	mount -o loop "$T/ext4" "$T/src" || skip "no loop device"
	mk_marker src/a/.coldstorage_delete
	echo hello >src/a/hello
	bk-cold -q push >/dev/null
	days_pass 8
}
