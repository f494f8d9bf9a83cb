#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold get, check, status, rebuild with boxes behind ssh: one as a Storage
# Box's port 23, with a few commands, one as its port 22, without any.

load helper
load coldbox
load boxes

setup() {
	bk_setup
	boxes_up b1 b2
	P=$T/srv/photos
	mkdir -p "$P"
	coldbox_conf sftp://b1-shell/cold sftp://b2/cold
	A=$T/r/b1/data/cold B=$T/r/b2/data/cold
	boxed 0 bk-cold -q init a
	boxed 0 bk-cold -q init b
	mk_hostile "$P/names"
	mk_tree "$P" <<-END
		one = 1
		sub/two = 22
	END
	head -c 3000000 /dev/urandom >"$P/large"
	: >"$P/empty"
	boxed 0 bk-cold push
}

teardown() {
	boxes_down
}

@test "get, from one box and from the other" {
	boxed 0 bk-cold get "$P" --to out
	assert_has "$err" 'from box a'
	assert_is "$(picture "out$P")" "$(picture "$P")"
	boxed 0 bk-cold get "$P" --to out2 --box b
	assert_is "$(picture "out2$P")" "$(picture "$P")"
	flip "$A/$(object "$P/large")"
	rm "$A/$(object "$P/one")"
	boxed 0 bk-cold get "$P" --to out3 --json
	assert_is "$(picture "out3$P")" "$(picture "$P")"
	assert_json "$out" '[.[] | select(.box == "b") | .path |
		sub(".*/"; "")] == ["large", "one"]'
	assert_has "$err" 'bk-cold check a'
}

@test "a connection that is cut while files come" {
	local n lost=0
	for n in 3000 4000 5000 6000 7000 9000; do
		rm -rf out
		through --cut "$n" --conns 2
		boxed 0 bk-cold get "$P" --to out --box a
		straight
		assert_is "$(picture "out$P")" "$(picture "$P")"
		! grep -q 'tried again' "$err" || lost=$((lost + 1))
	done
	[ "$lost" -gt 1 ] || fail "it was cut only $lost times"
	# for ever: the other box has it
	through --cut 4000
	boxed 0 bk-cold get "$P" --to out2
	straight
	assert_is "$(picture "out2$P")" "$(picture "$P")"
}

@test "a box that goes away is done without" {
	"$rig/box.sh" down "$T/r" b1
	boxed 0 bk-cold get "$P" --to out
	assert_is "$(picture "out$P")" "$(picture "$P")"
	boxed 75 bk-cold status
	assert_is "$(head -n 2 "$out" | cut -f 1,2)" 'a	unreachable
b	ok'
	boxed 75 bk-cold check
	assert_has "$err" 'box b: 18 copies proved'
	"$rig/box.sh" down "$T/r" b2
	boxed 75 bk-cold get "$P" --to out2
	assert_is "$(grep -c error "$err")" 1
}

@test "check: computed there, or read" {
	: >"$T/r/b1/commands.log"
	boxed 0 bk-cold check --json
	assert_json "$out" '[.[] | select(.type == "proof" and .result == "ok")] |
		length == 36'
	grep -q sha256sum "$T/r/b1/commands.log"
	boxed 0 bk-cold list --json "$P/large"
	assert_json "$out" '.[0].copies | .[0].how == "hash" and
		.[1].how == "read"'
	flip "$A/$(object "$P/large")"
	flip "$B/$(object "$P/one")"
	rm "$B/$(object "$P/sub/two")"
	boxed 1 bk-cold check
	assert_is "$(cut -f 1,2,4 "$out" | sort)" "a	wrong	$P/large
b	missing	$P/sub/two
b	wrong	$P/one"
	boxed 1 bk-cold status
	boxed 0 bk-cold push
	boxed 0 bk-cold check
	boxed 0 bk-cold status
}

# liar TEXT: of data, box a's sha256sum says what this script says.
liar() {
	printf '#!/bin/bash\ncase $* in\n*/DATA/*) ;;\n%s\n' \
		'*) exec /home/real "$@" ;;' >liar
	printf 'esac\n%s\n' "$1" >>liar
	chmod 755 liar
	[ -e r/b1/data/real ] || cp /usr/bin/sha256sum r/b1/data/real
	cp liar r/b1/liar
	nsenter -m -t "$(cat r/b1/shell.pid)" \
		mount --bind "$T/r/b1/liar" /usr/bin/sha256sum
}

honest() {
	nsenter -m -t "$(cat r/b1/shell.pid)" umount /usr/bin/sha256sum
}

@test "answers that cannot be believed are no proof, and no damage" {
	local lie n=0
	# shellcheck disable=SC2016
	for lie in 'exit 0' \
		'for f; do echo "0123  $f"; done' \
		'/home/real "$@" | sed "s/^.//"' \
		'/home/real "$@" | head -c 60' \
		'/home/real "$@" | sed "s/  .*/  other/"' \
		'/home/real "$@"; echo more' \
		'/home/real "$@"; exit 2' \
		'echo "sha256sum: it hurts" >&2; exit 1' \
		"echo \"Command not found. Use 'help'\" >&2; exit 8"; do
		liar "$lie"
		boxed 75 bk-cold check a
		assert_hasnt "$out" wrong
		assert_hasnt "$out" missing
		[ "$(grep -c "a	unknown" "$out")" -gt 0 ]
		honest
		n=$((n + 1))
	done
	assert_is $n 9
	boxed 0 bk-cold status --offline
	boxed 0 bk-cold check a
}

@test "rebuild" {
	boxed 0 bk-cold list --json
	jq -S 'del(.copies[]?.first_proof, .copies[]?.last_proof,
		.copies[]?.pushed, .copies[]?.how)' "$out" >before
	rm -r state/cold
	boxed 0 bk-cold rebuild a
	boxed 0 bk-cold rebuild b
	boxed 0 bk-cold list --json
	jq -S 'del(.copies[]?.first_proof, .copies[]?.last_proof,
		.copies[]?.pushed, .copies[]?.how)' "$out" >after
	diff before after
	boxed 0 bk-cold push --json
	assert_json "$out" '.[0].copied == 0'
	boxed 0 bk-cold get "$P" --to out
	assert_is "$(picture "out$P")" "$(picture "$P")"
}

@test "a person, with ssh, sha256sum and cp alone" {
	local log
	log=$(unshare -m sh etc.sh ssh -F /etc/bk/ssh_config b1-shell \
		sha256sum cold/h1/DATA"${P// /}"/large)
	assert_is "${log%% *}" "$(sha256sum "$P/large" | cut -d' ' -f1)"
	grep -qF "$log" "$A"/h1/SHA256SUMS.00000001
	# the names begin where the person is after logging in
	unshare -m sh etc.sh ssh -F /etc/bk/ssh_config b1-shell \
		sha256sum --quiet -c cold/h1/SHA256SUMS.00000001
	# all of it, by the script of README.txt
	mkdir person
	unshare -m sh etc.sh scp -q -r -F /etc/bk/ssh_config \
		b1-shell:cold person/
	cd person
	sed -n '/^---8<---$/,//p' cold/README.txt | grep -v '^---' >restore.sh
	bash restore.sh h1 "$T/new"
	assert_is "$(diff -r "$P" "$T/new$P")" ''
}

@test "what is encrypted, where the box hashes and where it is read back" {
	need_program age age-keygen
	age-keygen -o key 2>/dev/null
	age-keygen -y key >to
	mkdir srv/secret
	mk_hostile srv/secret/names
	: >srv/secret/nothing
	head -c 9000000 /dev/urandom >srv/secret/large
	for i in $(seq 300); do echo "$i" >"srv/secret/s$i"; done
	cat >>"$BK_CONFIG" <<-END
		[cold secret]
		path = $T/srv/secret
		copies = 2
		min-age = 0
		encrypt = age:$T/to
	END
	boxed 0 bk-cold push
	! grep -raF "$T/srv/secret" "$A" "$B" || fail "a name is seen"
	(cd "$A/.." && sha256sum --quiet --strict -c cold/h1/SHA256SUMS.*)
	diff -r "$A/h1/AGE" "$B/h1/AGE"
	boxed 0 bk-cold check
	boxed 0 bk-cold push --json
	assert_json "$out" 'map(.copied // 0) | add == 0'
	boxed 0 bk-cold get "$T/srv/secret" --to out --identity key --box a
	assert_is "$(picture "out$T/srv/secret")" "$(picture "$T/srv/secret")"
	boxed 0 bk-cold get "$T/srv/secret" --to out2 --identity key --box b
	assert_is "$(picture "out2$T/srv/secret")" "$(picture "$T/srv/secret")"
	rm -r state/cold
	boxed 0 bk-cold rebuild b --identity key
	boxed 0 bk-cold check b
}
