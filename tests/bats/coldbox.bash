# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Cold storage on two boxes that are folders of two file systems: box a below
# $T/a, box b below $T/b; host h1, a set photos of $T/srv/photos with two
# copies. load helper before.

coldbox_setup() {
	bk_setup
	need_root
	mkdir -p a b srv/photos
	# two boxes on one disk are refused
	mount -t tmpfs tmpfs b || skip "cannot mount"
	coldbox_conf "dir:$T/a" "dir:$T/b"
	run_bk 0 bk-cold init a
	run_bk 0 bk-cold init b
	# shellcheck disable=SC2034
	P=$T/srv/photos
}

# coldbox_conf URL_A URL_B
coldbox_conf() {
	cat >"$BK_CONFIG" <<-END
		[host]
		name = h1
		[scan]
		root = $T/srv
		[box a]
		url = $1
		[box b]
		url = $2
		[cold]
		boxes = a
		redundant = a b
		[cold photos]
		path = $T/srv/photos
		copies = 2
		min-age = 0
	END
}

coldbox_teardown() {
	umount -q "$T/b" || :
}

# push: a good one, with nothing left over.
push() {
	run_bk 0 bk-cold push
}

# object PATH: where box a has the first content of a plain path.
object() {
	echo "h1/DATA$1"
}

# flip FILE: turns one bit of it.
flip() {
	local c
	c=$(od -An -tu1 -N1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((c ^ 1)))" |
		dd of="$1" bs=1 conv=notrunc status=none
}

# picture DIR: all that can be said of what is below it, but for inodes.
picture() {
	(
		cd "$1" || exit
		find . -printf '%P\t%y %m %U %G %s %T@ %l\n' | sed \
			'/\td /s/^\(.*\td [0-9]* [0-9]* [0-9]*\) [0-9]*/\1/'
		find . -type f -exec sha256sum {} +
		! command -v getfattr >/dev/null ||
			find . -exec getfattr -hd -m - -e hex {} + 2>/dev/null
		find . -type f -links +1 -printf '%i %P\n' | sort |
			awk '{ if ($1 != last) n++; last = $1; $1 = n; print }'
	) | sort
}
