# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about append-only repositories share, beside helper.bash
# and config.bash.
# shellcheck disable=SC2034,SC2154

# A host that bk-config init has set up, with a backup in a repository on a box
# whose port 23 has rclone, and takes the keys of $keys.
append_setup() {
	host_setup
	need_program sshd ssh-keyscan rclone
	box=$rig/box.sh
	BOX_KEYS=${BOX_KEYS:-home} run_bk 0 "$box" up "$T/b" one \
		${PORTS:+$PORTS $((20000 + RANDOM % 12000))}
	read -r plain_port port <"$out"
	keys=b/one/data/.ssh/authorized_keys
	repo=b/one/data/r/$(uname -n)
	mkdir -p etc/bk/ssh
	ssh-keygen -q -t ed25519 -N '' -C bk -f etc/bk/ssh/box
	cat etc/bk/ssh/box.pub >>"$keys"
	init 0 --repo-url "sftp://u100001@127.0.0.1:$port/r/%H" \
		--password-ref "file:$T/etc/bk/pw" --path "$T/src" \
		--host-key "$(ssh-keygen -l -f b/one/hostkey.pub |
			cut -d' ' -f2)"
}

append_teardown() {
	"$box" down "$T/b" one
	host_teardown
}

# by_hand: what bk-config append-only does, in its bones.
by_hand() {
	local line
	line="restrict,command=\"rclone serve restic --stdio --append-only"
	line="$line r/$(uname -n)\" $(cat etc/bk/ssh/box.pub)"
	echo "$line" >"$keys"
	sed -i 's/^url = sftp:.*/&\nappend-only = yes/' etc/bk/bk.conf
}

# sums FILE: what the repository holds, its locks aside.
sums() {
	(cd "$repo" && find . -path ./locks -prune -o -type f -print0 |
		sort -z | xargs -0 sha256sum) >"$1"
}

# unharmed FILE: all that was there when sums wrote FILE is there still.
unharmed() { (cd "$repo" && sha256sum --quiet -c) <"$1"; }

# append_only STATUS [OPTION...]
append_only() {
	local want=$1
	shift
	run_bk "$want" there bk-config append-only main --yes "$@"
}
