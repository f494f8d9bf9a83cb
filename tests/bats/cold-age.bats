#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold: sets that are encrypted with age.

load helper
load coldbox

setup() {
	coldbox_setup
	need_program age age-keygen
	new_key key to
	printf 'encrypt = age:%s/to\n' "$T" >>"$BK_CONFIG"
}

teardown() {
	coldbox_teardown
}

# new_key KEYFILE RECIPIENTS...: appends to these.
new_key() {
	local f key=$1
	age-keygen -o "$key" 2>/dev/null
	shift
	for f; do age-keygen -y "$key" >>"$f"; done
}

# A tree with names that are easily found again.
secrets() {
	mkdir -p "$P/secretdir/deeper" "$P/secretempty"
	echo secretcontent >"$P/secretdir/secretfile"
	: >"$P/secretnothing"
	head -c 65536 /dev/urandom >"$P/secretdir/deeper/64k"
	head -c 300001 /dev/urandom >"$P/secretdir/deeper/secretbig"
	truncate -s 3M "$P/secretsparse"
	printf x | dd of="$P/secretsparse" bs=1 seek=2M conv=notrunc status=none
	ln -s secretdir/secretfile "$P/secretlink"
	ln "$P/secretdir/secretfile" "$P/secretagain"
	chmod 750 "$P/secretdir"
	touch -d '2001-02-03 04:05:06.789' "$P/secretdir/secretfile"
	mk_hostile "$P/secrethostile"
	echo long >"$P/$(printf 'secret\xff%.0s' $(seq 30))"
}

# hidden BOX: nothing there tells a name or a content.
hidden() {
	! find "$1" | LC_ALL=C grep -a secret || fail "a name in $1"
	! LC_ALL=C grep -ra secret "$1" || fail "a content in $1"
}

# listed BOX: sha256sum(1) knows all that lies there, and nothing else does.
listed() {
	(cd "$1" && sha256sum --quiet --strict -c h1/SHA256SUMS.*) ||
		fail "not as listed in $1"
	diff <(cd "$1" && find h1 -type f ! -name 'SHA256SUMS.*' | sort) \
		<(sed -n 's/^[0-9a-f]\{64\}  //p' "$1"/h1/SHA256SUMS.* | sort -u) ||
		fail "listed and there differ in $1"
}

ask() { sqlite3 "$BK_STATE_DIR/cold/catalog.db" "$1"; }

@test "neither names nor contents are seen on the boxes; all of it comes back" {
	secrets
	push
	assert_has "$out" $'photos\tok\t'
	listed a
	listed b
	hidden a
	hidden b
	! LC_ALL=C grep -raF "$T/srv" a b || fail "a path"
	# one reading, one key: both have the same
	diff -r a/h1/AGE b/h1/AGE
	run_bk 0 bk-cold check
	run_bk 0 bk-cold check --read-back
	run_bk 0 bk-cold get "$P" --to out --identity key
	assert_is "$(picture "out$P")" "$(picture "$P")"
	run_bk 0 bk-cold list --json "$P/secretnothing"
	assert_json "$out" ".[0] | .type == \"file\" and .size == 0 and
		all(.copies[]; .sealed_size == 200 and .recipients ==
			\"$(ask 'select distinct recipients from copy')\")"
}

@test "unchanged files are not touched, changed ones come beside" {
	secrets
	push
	find a b -type f | sort >before
	run_bk 0 bk-cold push --json
	assert_json "$out" '.[0] | .copied == 0 and .failed == 0'
	find a b -type f | sort | diff before -
	touch "$P/secretdir/secretfile"
	chmod 600 "$P/secretnothing"
	run_bk 0 bk-cold push --json
	assert_json "$out" '.[0] | .copied == 0 and .failed == 0'
	[ "$(find a/h1/AGE -type f | wc -l)" = "$(grep -c /AGE/ before | awk '{print $1 / 2}')" ]
	echo other >"$P/secretdir/secretfile"
	push
	listed a
	hidden a
	run_bk 0 bk-cold get "$P" --to out --identity key
	assert_is "$(picture "out$P")" "$(picture "$P")"
}

@test "a person restores with ssh's files, sha256sum and age alone" {
	secrets
	push
	echo newer >"$P/secretdir/secretfile"
	push
	(
		cd a
		sha256sum --quiet -c h1/SHA256SUMS.*
		sed -n '/^---8<---$/,//p' README.age.txt | grep -v '^---' \
			>"$T/restore.sh"
		bash "$T/restore.sh" h1 "$T/person" "$T/key"
	)
	find "$P" -type l -delete
	rm -rf "$P/secretempty"
	diff -r "$P" "person$P"
	# no key, another key, a copy that is damaged: it does not say that all is well
	(
		cd a
		new_key ../other
		! bash "$T/restore.sh" h1 "$T/p2" "$T/other" 2>/dev/null || exit 1
		flip "$(find h1/AGE -type f | head -n 1)"
		! bash "$T/restore.sh" h1 "$T/p3" "$T/key" 2>/dev/null || exit 1
	) || fail "a bad restore looks good"
}

@test "the catalog is made anew with the key, and not without" {
	secrets
	push
	echo other >"$P/secretdir/secretfile"
	push
	bk-cold list --all --json | jq -S 'del(.copies[]?.first_proof,
		.copies[]?.last_proof, .copies[]?.pushed, .copies[]?.how)' >before
	rm -r state/cold
	run_bk 66 bk-cold rebuild a
	assert_has "$err" 'it is encrypted, and no identity opens it: --identity FILE'
	new_key other
	run_bk 77 bk-cold rebuild a --identity other
	assert_is "$(cut -f 1,2 "$out")" '00000001	locked
00000002	locked'
	run_bk 0 bk-cold rebuild a --identity key
	run_bk 0 bk-cold rebuild b --identity key
	bk-cold list --all --json | jq -S 'del(.copies[]?.first_proof,
		.copies[]?.last_proof, .copies[]?.pushed, .copies[]?.how)' >after
	diff before after
	run_bk 0 bk-cold check
	run_bk 0 bk-cold push --json
	assert_json "$out" '.[0] | .copied == 0 and .failed == 0'
	run_bk 0 bk-cold get "$P" --to out --identity key
	assert_is "$(picture "out$P")" "$(picture "$P")"
}

@test "identities: missing, wrong, protected, of ssh, by the configuration" {
	echo secret >"$P/secretfile"
	push
	run_bk 66 bk-cold get "$P" --to out
	assert_has "$err" '--identity FILE'
	[ ! -e out ]
	run_bk 66 bk-cold get "$P" --to out --identity none
	new_key other
	run_bk 3 bk-cold get "$P" --to out --identity other
	assert_has "$err" 'encrypted for others'
	assert_hasnt "$err" 'missing or'
	[ ! -e "out$P/secretfile" ]
	printf 'age-encryption.org/v1\n-> scrypt x 18\n' >locked
	run_bk 77 bk-cold get "$P" --to out --identity locked
	assert_has "$err" 'passphrase'
	echo '-----BEGIN OPENSSH PRIVATE KEY-----' >ssh
	run_bk 65 bk-cold get "$P" --to out --identity ssh
	run_bk 65 bk-cold get "$P" --to out --identity to
	assert_hasnt "$err" "$(head -c 20 to)"
	# several in one file, the right one last
	cat other key >both
	run_bk 0 bk-cold get "$P" --to out --identity both
	assert_is "$(cat "out$P/secretfile")" secret
	sed -i "s|^boxes = a|&\nidentity = command:cat $T/key|" "$BK_CONFIG"
	run_bk 0 bk-cold get "$P" --to out2
	assert_is "$(cat "out2$P/secretfile")" secret
	run_bk 64 bk-cold push --identity key
}

@test "recipients that are no good: nothing goes anywhere in plain" {
	local bad
	echo secret >"$P/secretfile"
	for bad in '' 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me' 'age1xyz' \
		"$(cat key)"; do
		printf '%s\n' "$bad" >to
		run_bk 3 bk-cold push
		assert_has "$err" "$T/to"
		assert_hasnt "$err" "$(grep -o 'KEY-1.*' key)"
	done
	new_key key2 to2
	mv to2 to
	chmod 666 to
	run_bk 3 bk-cold push
	assert_has "$err" 'are not used'
	chmod 644 to
	rm to
	run_bk 3 bk-cold push
	run_bk 3 bk-cold push -n
	[ ! -e a/h1/AGE ] && [ ! -e a/h1/DATA ]
	hidden a
	sed -i 's|^encrypt = .*|encrypt = to|' "$BK_CONFIG"
	run_bk 78 bk-cold push
	assert_has "$err" 'age:/path'
}

@test "other recipients from now on; what lies there keeps its own" {
	echo secret1 >"$P/secret1"
	push
	new_key key2 new
	cp new to
	echo secret2 >"$P/secret2"
	push
	[ "$(ask 'select count(distinct recipients) from copy')" = 2 ]
	run_bk 3 bk-cold get "$P" --to out --identity key2
	[ ! -e "out$P/secret1" ]
	assert_is "$(cat "out$P/secret2")" secret2
	cat key key2 >both
	run_bk 0 bk-cold get "$P" --to out2 --identity both
	assert_is "$(cat "out2$P/secret1" "out2$P/secret2")" 'secret1
secret2'
	rm -r state/cold
	run_bk 3 bk-cold rebuild a --identity key2
	assert_is "$(cut -f 1,2 "$out")" '00000001	locked
00000002	ok'
	run_bk 0 bk-cold rebuild a --identity both
}

@test "damaged and cut off: told by check without a key, never brought back" {
	local f
	head -c 200000 /dev/urandom >"$P/secretbig"
	push
	f=$(find a/h1/AGE -type f)
	truncate -s -16 "$f"
	flip "b/${f#a/}"
	run_bk 3 bk-cold get "$P" --to out --identity key
	[ ! -e "out$P/secretbig" ]
	assert_has "$err" 'copies that are missing or wrong'
	run_bk 1 bk-cold check
	assert_is "$(cut -f 1,2 "$out" | sort)" $'a\twrong\nb\twrong'
	# it is here still: it is copied anew
	push
	hidden a
	run_bk 0 bk-cold get "$P" --to out2 --identity key
	cmp "$P/secretbig" "out2$P/secretbig"
}

@test "a box that came later, and one that was lost in the middle" {
	local pid
	secrets
	head -c 30000000 /dev/urandom >"$P/secrethuge"
	sed -i 's/^copies = 2/copies = 1/' "$BK_CONFIG"
	bk-cold -q push >/dev/null &
	pid=$!
	wait_for find_part || :
	kill -9 "$pid"
	wait "$pid" || :
	hidden a
	push
	sed -i 's/^copies = 1/copies = 2/' "$BK_CONFIG"
	push
	listed a
	listed b
	hidden a
	hidden b
	run_bk 0 bk-cold check
	run_bk 0 bk-cold get "$P" --to out --identity key --box b
	assert_is "$(picture "out$P")" "$(picture "$P")"
}

find_part() { [ -n "$(find a/h1/.partial -type f -size +1M 2>/dev/null)" ]; }

@test "encrypted from now on, no more, and sets of both kinds" {
	sed -i '/^encrypt/d' "$BK_CONFIG"
	echo plain >"$P/known"
	push
	printf 'encrypt = age:%s/to\n' "$T" >>"$BK_CONFIG"
	echo secret >"$P/secretfile"
	run_bk 0 bk-cold push
	assert_has "$err" 'set photos: 1 file lies on boxes unencrypted'
	hidden a
	chmod 600 "$P/known"
	touch "$P/known"
	push
	[ "$(ask "select count(*) from copy where sealed = ''")" = 0 ]
	# another set beside it, and a folder that only a marker chooses
	mkdir -p srv/open srv/marked
	echo visible >srv/open/visible
	cat >>"$BK_CONFIG" <<-END
		[cold open]
		path = $T/srv/open
		min-age = 0
	END
	touch srv/marked/.coldstorage
	echo marked >srv/marked/one
	run_bk 0 bk-cold push
	[ -e "a/$(object "$T/srv/open/visible")" ]
	[ -e "a/$(object "$T/srv/marked/one")" ]
	hidden a
	# [cold] encrypt is for all that say nothing themselves
	sed -i "s|^boxes = a|&\nencrypt = age:$T/to|" "$BK_CONFIG"
	echo secret >srv/marked/secrettwo
	echo secret >srv/open/secrettwo
	run_bk 0 bk-cold push
	hidden a
	# a set that is gone from the configuration is not listed in plain
	ask "insert into pending(box, file) select 1, f.id from file f
		where f.name = 'photos' and f.until is null;
		delete from listed where box = 1 and file in
		(select id from file where name = 'photos' and until is null)"
	sed -i '/^\[cold photos\]/,/^encrypt/d' "$BK_CONFIG"
	sed -i '/^encrypt/d' "$BK_CONFIG"
	echo more >srv/open/more
	run_bk 0 bk-cold push
	[ -e "a/$(object "$T/srv/open/more")" ]
	hidden a
}

@test "inside an encrypted set nothing lies in plain that nobody wanted so" {
	mkdir -p "$P/secretsub" "$P/secretother"
	echo secret >"$P/secretsub/secretfile"
	echo secret >"$P/secretother/secretfile"
	echo secret >"$P/secretout"
	touch "$P/secretsub/.coldstorage_redundant"
	cat >>"$BK_CONFIG" <<-END
		[cold other]
		path = $P/secretother
		min-age = 0
	END
	run_bk 3 bk-cold push
	assert_has "$err" "$P/secretsub: lies in [cold photos], which is encrypted"
	assert_has "$err" "$P/secretother: lies in [cold photos], which"
	assert_has "$err" 'encrypt in [cold other]'
	hidden a
	hidden b
	[ "$(ask 'select count(*) from copy where box = 1')" = 1 ]
	# encrypted, by [cold]
	sed -i "s|^boxes = a|&\nencrypt = age:$T/to|" "$BK_CONFIG"
	push
	hidden a
	hidden b
	[ "$(ask 'select count(*) from copy where box = 1')" = 4 ]
	# and on purpose in plain
	echo 'encrypt = no' >>"$BK_CONFIG"
	echo visible >"$P/secretother/visible"
	push
	[ -e "a/$(object "$P/secretother/visible")" ]
}
