# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-secret share, beside helper.bash.
# shellcheck disable=SC2034,SC2154

# The keyring is $T/ring.cfg, and $T/master opens it.
secret_setup() {
	bk_setup
	argon2_memo
	rig=$BATS_TEST_DIRNAME/../rigs
	data=$BATS_TEST_DIRNAME/../data/cryptfile
	umask 077
	printf %s 'correct horse' >master
	cat >"$BK_CONFIG" <<-END
		[keyring]
		path = $T/ring.cfg
		unlock = file:$T/master
	END
}

# store [OPTION...] -- SERVICE USER SECRET...: makes $T/ring.cfg by the rig.
# The rig derives its key but once for a file of tests.
store() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	jq -n --arg m "$(cat master)" '$ARGS.positional as $all |
		{master: $m, entries: [range(0; $all | length; 3) as $i |
			$all[$i:$i + 3]]}' --args -- "$@" |
		python3 "$rig/cryptfile.py" encode \
			--cache "$BATS_FILE_TMPDIR/key" "${options[@]}" >ring.cfg
	chmod 600 ring.cfg
}

# entries [OPTION...]: what the rig reads in $T/ring.cfg, a line each:
# "SERVICE<TAB>USER<TAB>HEX or error", sorted.
entries() {
	python3 "$rig/cryptfile.py" decode ring.cfg \
		--cache "$BATS_FILE_TMPDIR/key" "$@" <master |
		jq -r '[.service, .user, .secret_hex // .error] | @tsv' | sort
}

# What the keyring says of itself, as entries() has it.
SETTING=$'keyring-setting\tpassword reference\t'
SETTING+=70617373776f7264207265666572656e63652076616c7565

hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

# request LABEL REF...: one of --batch.
request() { printf '%s\0' "$@" ''; }

# replies: of $out, a line each: "STATUS SOURCE HEX".
replies() {
	python3 -c '
import sys
data = sys.stdin.buffer.read()
while data:
    head, data = data.split(b"\n", 1)
    status, source, n = map(int, head.split())
    if len(data) < n:
        sys.exit("cut off")
    print(status, source, data[:n].hex())
    data = data[n:]' <"$out"
}

# person [PROMPT TEXT]... -- COMMAND...: at a terminal.
person() { python3 "$rig/type.py" "$@"; }

# alone FILE: nothing lies beside it that has its name and more.
alone() {
	local f
	for f in "$1"?*; do
		[ ! -e "$f" ] || fail "a rest: $f"
	done
}
