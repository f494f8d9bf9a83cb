# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-verify share, beside helper.bash and restic.bash.
# shellcheck disable=SC2154

# A repository with some snapshots, made once for a file: $REPO1, of $SRC1.
verify_setup_file() {
	restic_setup_file
	export SRC1=$BATS_FILE_TMPDIR/src REPO1=$BATS_FILE_TMPDIR/repo1 n
	mkdir "$SRC1"
	cp -r "${REPO0:?}" "$REPO1"
	for n in 1 2 3 4; do
		head -c 400000 /dev/urandom >"$SRC1/big$n"
		echo "$n" >"$SRC1/small$n"
		RESTIC_PASSWORD=open-sesame restic -q -r "$REPO1" backup \
			--host testhost --tag bk,home "$SRC1"
	done
	chmod -R u+w "$REPO1"
}

# The same repository is $T/repo, and is to be proved, by KINDS of subjects.
verify_setup() {
	local kind
	restic_setup
	rm -rf repo
	cp -r "$REPO1" repo
	sed -i "s,^root = .*,root = $SRC1," "$BK_CONFIG"
	: >"$SRC1/.backup"
	cat >>"$BK_CONFIG" <<-END
		[verify]
		cycle = 30d
	END
	# Not as conf_verify writes it, which replaces others.
	for kind in repo packs drill cold dump age; do
		[[ " $* " = *" $kind "* ]] || echo "skip=$kind" >>"$BK_CONFIG"
	done
}

# conf_verify KEY=VALUE: a line of [verify].
conf_verify() {
	sed -i -e "/^\[verify\]/,\$ { /^${1%%=*} = /d; }" \
		-e "/^\[verify\]/a ${1%%=*} = ${1#*=}" "$BK_CONFIG"
}

# files KIND: of the repository, in no order to be foreseen.
files() { find "repo/$1" -type f | sort -R; }
one() { files "$1" | sed -n 1p; }

# flip FILE: one bit of a byte somewhere in it.
flip() {
	local size at byte
	size=$(stat -c %s "$1")
	at=$(((RANDOM * 32768 + RANDOM) % size))
	byte=$(od -An -tu1 -j $at -N 1 "$1")
	printf '%b' "\\x$(printf %x $((byte ^ (1 << RANDOM % 8))))" |
		dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

# state SUBJECT FILTER: of its state file. progress SUBJECT FILTER: what is
# kept of its proof.
state() { jq -r "$2" "$BK_STATE_DIR/state/bk-verify.verify-$1.json"; }
progress() { jq -r "$2" "$BK_STATE_DIR/verify/$1.json"; }

# age SUBJECT SECONDS: as if all of it had been proved so much earlier.
age() {
	local f=$BK_STATE_DIR/verify/$1.json
	jq --argjson s "$2" '.parts |= map_values(if . > 0 then . - $s else . end)
		| .since -= $s | .last -= $s
		| if .own.looked then .own.looked -= $s else . end' "$f" >aged
	cat aged >"$f"
}

# failures SUBJECT: what failed, a line each.
failures() {
	bk-verify --json status "$1" | jq -r 'select(.type == "subject") |
		.failures[].what' | sort
}
