#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The keyring file: what Python wrote is read, what is written Python reads,
# and no accident takes anything away. Every entry that is read costs a
# derivation, about a second of CPU, where it was not made before.

load helper
load secret

setup() { secret_setup; }
teardown() {
	! mountpoint -q "$T/tiny" || umount "$T/tiny"
}

# known_keys: those that vectors.json has for its entries need no derivation;
# with other parameters than Python's they would be of no use.
known_keys() {
	[ -z "${BK_ARGON2_MEMO:-}" ] || python3 -c '
import hashlib, json, os, sys
for f in json.load(open(sys.argv[1]))["files"]:
    master = f["master_password"].encode()
    for e in f["entries"]:
        if "key_hex" in e and "salt_hex" in e:
            salt = bytes.fromhex(e["salt_hex"])
            key = bytes.fromhex(e["key_hex"])
            what = "15 65536 2 16 2 19 %d %d\n" % (len(master), len(salt))
            name = hashlib.sha256(what.encode() + master + salt).hexdigest()
            with open(os.path.join(sys.argv[2], name), "wb") as out:
                out.write(key)' "$data/vectors.json" "$BK_ARGON2_MEMO"
}

# vectors FILE...: all entries of these are as vectors.json says.
vectors() {
	local file ref
	for file; do
		cp "$data/$file" ring.cfg
		jq --arg f "$file" '.files[] | select(.file == $f)' \
			"$data/vectors.json" >vector
		jq -rj .master_password vector >master
		jq -r '.entries[] | "0 1 \(.secret_hex)"' vector >want
		jq -r '.entries[] |
			"keyring:\(.service | @uri)/\(.user | @uri)"' vector >refs
		while read -r ref; do request test "$ref"; done <refs >requests
		run_bk 0 bk-secret get --batch <requests
		replies >got
		diff -u want got
		cat refs >>all-refs
	done
}

@test "all modes" {
	known_keys
	vectors {eax,ccm,ocb}-1.4.1.cfg case-collision.cfg
	assert_is "$(wc -l <all-refs)" 18
}

# bats test_tags=long
@test "all releases" {
	known_keys
	vectors gcm-{1.0,1.3.6,1.3.9,no-scheme,unicode-master}.cfg
	assert_is "$(wc -l <all-refs)" 21
}

@test "names and secrets of all kinds, all derived" {
	unset BK_ARGON2_MEMO
	vectors gcm-1.4.1.cfg
	assert_is "$(wc -l <all-refs)" 12
}

@test "what the vectors do not hold" {
	vectors
	assert_is "$(jq '[.files[].entries[]] | length' "$data/vectors.json")" 56
	printf wrong >master
	cp "$data/gcm-1.3.9.cfg" ring.cfg
	run_bk 77 bk-secret get keyring:restic/backup
	assert_has "$err" "master password of the keyring '$T/ring.cfg' is wrong"
	assert_is "$(wc -c <"$out")" 0
	printf passwd >master
	cp "$data/case-collision.cfg" ring.cfg
	run_bk 65 bk-secret get keyring:svc/Alice
	assert_has "$err" "service 'svc', user 'Alice' is broken"
	assert_has "$err" 'differs in capitals'
	cp "$data/gcm-1.4.1.cfg" ring.cfg
	run_bk 66 bk-secret get keyring:no/such
	assert_has "$err" "no entry for service 'no', user 'such'"
	cp "$data/alt-crypted_pass.cfg" ring.cfg
	run_bk 65 bk-secret get keyring:restic/backup
	assert_has "$err" 'bk-secret import'
}

# dialect OPTION...: an entry of such a store is read.
dialect() {
	echo "dialect: $*"
	store "$@" -- 'a.B c' 'x-1' $'p\303\244\nss "w\\ord" '
	run_bk 0 bk-secret get 'keyring:a.B c/x-1'
	printf 'p\303\244\nss "w\\ord" ' >want
	cmp want "$out"
}

@test "modes, sizes of nonces, and forms of the text" {
	dialect --mode EAX --version 1.0 --nonce-size 8 \
		--ends crlf --comments --order
	dialect --mode CCM --version 1.3.8 --nonce-size 13 \
		--ends cr --bom --flat
	dialect --mode OCB --version 1.4.1 --single --delimiter : --dense
	dialect --mode OCB --version 1.3.6 --ocb-old \
		--noise --delimiter $' \t=  '
	dialect --mode OCB --version 1.4.1 --ocb-old --no-aad \
		--indent 5 --upper
	dialect --mode OCB --version 1.4.1 --nonce-size 12
	dialect --mode GCM --version 1.4.1 --nonce-size 12 --no-aad
}

@test "versions, and stores that tell none" {
	dialect --version 1.3.5 --joiner nul
	dialect --version 1.3.6 --joiner odd --mode EAX
	dialect --version 1.3.8.9 --joiner odd --prefix 'PyCryptodome '
	dialect --version 1.3.10 --joiner nul
	dialect --version 2.0 --joiner nul
	dialect --no-scheme
	dialect --no-reference --version 1.0
}

@test "stores of a kind that is not known" {
	store --version 1.4.1 --scheme '[Argon2] AES256.GCM' -- a b c
	run_bk 65 bk-secret get keyring:a/b
	assert_has "$err" "scheme '[Argon2] AES256.GCM', which is not known"
	store --version 1.x --joiner nul -- a b c
	run_bk 65 bk-secret get keyring:a/b
	assert_has "$err" "version is '1.x', which is none"
	store --version 1.3. --joiner nul -- a b c
	run_bk 65 bk-secret list
	store --version '' --joiner nul -- a b c
	run_bk 65 bk-secret list
}

@test "a wrong version is no way around the seal" {
	store --version 1.4.1 --joiner odd -- a b c
	run_bk 77 bk-secret get keyring:a/b
}

@test "an entry that was changed" {
	store --version 1.4.1 -- a b secret c d secret
	cp ring.cfg good.cfg
	for part in mac data; do
		python3 "$rig/cryptfile.py" harm good.cfg a b $part >ring.cfg
		run_bk 65 bk-secret get keyring:a/b
		assert_has "$err" "seal of service 'a', user 'b' is broken"
		assert_is "$(wc -c <"$out")" 0
	done
	# the others are as good as before
	run_bk 0 bk-secret get keyring:c/d
	assert_is "$stdout" secret
}

@test "an entry under another name" {
	store --version 1.4.1 -- a b secret
	sed -i 's/^\[a\]/[A]/' ring.cfg
	run_bk 66 bk-secret get keyring:a/b
	run_bk 65 bk-secret get keyring:A/b
	assert_has "$err" 'moved here from another name'
}

@test "a reference that was changed does not hide a good entry" {
	store --version 1.4.1 -- a b secret
	python3 "$rig/cryptfile.py" harm ring.cfg keyring-setting \
		'password reference' mac >bad.cfg
	mv bad.cfg ring.cfg
	run_bk 0 bk-secret get keyring:a/b
	assert_is "$stdout" secret
}

@test "no keyring at all, one too many, and none that is whole" {
	run_bk 66 bk-secret get keyring:a/b
	assert_has "$err" "there is no keyring '$T/ring.cfg'"
	: >ring.cfg
	run_bk 66 bk-secret get keyring:a/b
	printf '{"a": {"b": "c"}}\n' >ring.cfg
	run_bk 65 bk-secret get keyring:a/b
	assert_has "$err" "'$T/ring.cfg' is damaged: line 1"
	printf '[a]\nb = 1\nc = 2\nB = 3\n' >ring.cfg
	run_bk 65 bk-secret get keyring:a/b
	assert_has "$err" "line 4: the option 'b' of [a] is in line 2 already"
	printf '[a]\n[b]\n\n[a]\n' >ring.cfg
	run_bk 65 bk-secret set keyring:c/d <master
	assert_has "$err" 'line 4: the section [a] is in line 1 already'
	printf '[a]\nb = no base64!\nc = e30=\nd =\n' >ring.cfg
	for user in b c d; do
		run_bk 65 bk-secret get keyring:a/$user
		assert_has "$err" 'the entry is damaged'
	done
}

@test "a file cut off at any place" {
	store --version 1.4.1 -- a b secret
	cp ring.cfg good.cfg
	for ((n = $(wc -c <good.cfg) - 1; n >= 0; n -= 23)); do
		head -c $n good.cfg >ring.cfg
		status=0
		bk-secret -q list >out 2>err || status=$?
		[ $status = 0 ] || [ $status = 65 ]
	done
	# within the entry: found out before any derivation
	head -c 100 good.cfg >ring.cfg
	run_bk 65 bk-secret get keyring:a/b
	assert_has "$err" 'damaged'
}

# refused STATUS TEXT: for whoever reads and whoever writes.
refused() {
	run_bk "$1" timeout 10 bk-secret get keyring:a/b
	assert_has "$err" "$2"
	run_bk "$1" timeout 10 bk-secret set keyring:a/b <master
	assert_has "$err" "$2"
	run_bk "$1" timeout 10 bk-secret del keyring:a/b
	run_bk "$1" timeout 10 bk-secret list
}

@test "a store must be a file of ours that nobody else reads" {
	store --version 1.4.1 -- a b secret
	for mode in 644 640 604 602 620; do
		chmod $mode ring.cfg
		refused 77 'can be read by others'
	done
	chmod 600 ring.cfg
	mv ring.cfg elsewhere
	ln -s elsewhere ring.cfg
	refused 77 'symbolic link'
	rm ring.cfg && mkfifo ring.cfg
	refused 77 'not a regular file'
	rm ring.cfg && mkdir -m 700 ring.cfg
	refused 77 'not a regular file'
	rmdir ring.cfg && ln -s nowhere ring.cfg
	refused 77 'symbolic link'
	rm ring.cfg
	ln -s /dev/zero zero
	sed -i "s|^path = .*|path = $T/zero|" "$BK_CONFIG"
	refused 77 'symbolic link'
	sed -i 's|^path = .*|path = /dev/zero|' "$BK_CONFIG"
	refused 77 'not a regular file'
}

@test "a stranger's store" {
	need_root
	store --version 1.4.1 -- a b secret
	chown nobody ring.cfg
	refused 77 'belongs to another user'
}

@test "a store of 100 MiB is refused at once, and not read" {
	head -c 104857600 /dev/zero | tr '\0' 'x' >ring.cfg
	run_bk 65 timeout 20 python3 -c '
import resource, subprocess, sys
status = subprocess.call(["bk-secret", "get", "keyring:a/b"])
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
sys.exit(status if kib < 100 << 10 else "it took %d KiB" % kib)'
	assert_has "$err" "'$T/ring.cfg'"
}

# Writing.

@test "a new store, and what Python reads in it" {
	sed -i "s|^path = .*|path = $T/new/deep/ring.cfg|" "$BK_CONFIG"
	run_bk 0 bk-secret set 'keyring:a/b/Us%2Fer x' < <(printf 's\303\251cret\n')
	assert_has "$err" "a new keyring: $T/new/deep/ring.cfg"
	assert_is "$(stat -c %a new new/deep new/deep/ring.cfg | xargs)" \
		"700 700 600"
	cp new/deep/ring.cfg .
	entries --user 'Us/er x' >got
	printf '%s\n' $'a/b\tus/er x\t73c3a963726574' "$SETTING" >want
	diff -u want got
	assert_has ring.cfg '[a_2Fb]'
	assert_has ring.cfg 'us_2fer_20x = '
	assert_has ring.cfg 'scheme = [Argon2] AES128.GCM'
	assert_has ring.cfg 'version = 1.3.9'
	alone new/deep/ring.cfg
}

@test "secrets of all kinds, there and back" {
	store --version 1.4.1 -- x y z
	printf 'a\0b\n\n' >secret
	run_bk 0 bk-secret set --exact keyring:a/nul <secret
	head -c 32768 /dev/zero | tr '\0' 'k' >long
	run_bk 0 bk-secret set keyring:a/long <long
	for ref in nul long; do request x "keyring:a/$ref"; done >requests
	run_bk 0 bk-secret get --batch <requests
	replies >got
	for f in secret long; do
		echo "0 1 $(od -An -v -tx1 $f | tr -d ' \n')"
	done >want
	cmp want got
	echo >>long
	run_bk 65 bk-secret set --exact keyring:a/long <long
	assert_has "$err" 'longer than 32768 bytes'
}

# written OPTION...: a store of that dialect takes an entry; the rest stays
# as it was, and Python reads all.
written() {
	echo "dialect: $*"
	store "$@" -- a b one a c two d e three
	cp ring.cfg old.cfg
	run_bk 0 bk-secret set keyring:a/f < <(printf four)
	entries >got
	printf '%s\n' a$'\t'b$'\t'"$(hex one)" a$'\t'c$'\t'"$(hex two)" \
		a$'\t'f$'\t'"$(hex four)" d$'\t'e$'\t'"$(hex three)" >want
	[[ "$*" = *--no-reference* ]] || echo "$SETTING" >>want
	diff -u want got
	grep -vxF -f ring.cfg old.cfg >gone || :
	assert_is "$(cat gone)" ''
	assert_is "$(grep -vxF -f old.cfg ring.cfg | grep -c ' *f = $')" 1
	alone ring.cfg
}

# bats test_tags=long
@test "a store goes on in the mode and form in which it was made" {
	written --mode EAX --version 1.0 --indent 4 --dense
	written --mode CCM --version 1.4.1 --comments --delimiter : \
		--prefix 'PyCryptodome '
	assert_has ring.cfg 'scheme:PyCryptodome [Argon2] AES128.CCM'
	written --mode OCB --version 1.4.1 --ocb-old
	written --version 1.3.6
	assert_has ring.cfg 'version = 1.3.6'
	written --no-scheme
	assert_has ring.cfg 'scheme = [Argon2] AES128.GCM'
	assert_has ring.cfg 'version = 1.3.9'
}

@test "an entry is replaced where it stands, and removed" {
	store --version 1.4.1 --comments -- a b old a c other
	cp ring.cfg old.cfg
	run_bk 0 bk-secret set keyring:a/b < <(printf new)
	entries >got
	printf '%s\n' a$'\t'b$'\t'"$(hex new)" a$'\t'c$'\t'"$(hex other)" \
		"$SETTING" >want
	diff -u want got
	assert_is "$(grep -c '^b = ' ring.cfg)" 1
	run_bk 0 bk-secret del keyring:a/b
	run_bk 66 bk-secret get keyring:a/b
	run_bk 66 bk-secret del keyring:a/b
	# what had been added is all that is gone
	grep -vxF -f ring.cfg old.cfg >gone
	assert_is "$(head -1 gone)" 'b = '
	run_bk 0 bk-secret get keyring:a/c
	assert_is "$stdout" other
}

@test "a master that does not open the store writes nothing to it" {
	store --version 1.4.1 -- a b secret
	cp -p ring.cfg old.cfg
	printf 'another one, long' >master
	run_bk 77 bk-secret set keyring:a/new <master
	assert_has "$err" 'is wrong'
	run_bk 77 bk-secret set keyring:a/b <master
	cmp old.cfg ring.cfg
	alone ring.cfg
}

@test "users whose names differ in capitals share a slot, which is told" {
	cp "$data/case-collision.cfg" ring.cfg
	printf passwd >master
	run_bk 65 bk-secret set keyring:svc/Alice <master
	assert_has "$err" 'differs in capitals'
	assert_has "$err" 'it is not replaced'
	cmp "$data/case-collision.cfg" ring.cfg
	run_bk 0 bk-secret del keyring:svc/alice
	run_bk 0 bk-secret set keyring:svc/Alice <master
}

@test "names that a keyring cannot have" {
	store --version 1.4.1 -- a b secret
	cp ring.cfg old.cfg
	for ref in keyring:/b keyring:a/ keyring:DEFAULT/b keyring:%00/b; do
		run_bk 64 bk-secret set "$ref" <master
	done
	# what says what the file is
	for user in 'password reference' scheme version other; do
		run_bk 77 bk-secret set "keyring:keyring-setting/$user" <master
		run_bk 77 bk-secret del "keyring:keyring-setting/$user"
		assert_has "$err" 'not for secrets'
	done
	cmp old.cfg ring.cfg
}

@test "mode, owner and group stay; -n writes nothing" {
	store --version 1.4.1 -- a b secret
	chmod 400 ring.cfg
	[ "$(id -u)" != 0 ] || chgrp 12 ring.cfg
	stat -c '%a %u %g' ring.cfg >old
	cp -p ring.cfg old.cfg
	run_bk 0 bk-secret -n set keyring:a/c <master
	assert_has "$err" 'would be stored: keyring:a/c'
	run_bk 0 bk-secret -n del keyring:a/b
	cmp old.cfg ring.cfg
	run_bk 0 bk-secret set keyring:a/c <master
	stat -c '%a %u %g' ring.cfg >new
	diff -u old new
}

@test "a user's own store" {
	need_root
	need_program setpriv
	store --version 1.4.1 -- a b secret
	local d=$T
	while [ "$d" != / ] && [ "$d" != /tmp ] && [ "$d" != /var/tmp ]; do
		chmod a+x "$d"
		d=${d%/*}
	done
	mkdir home
	sed "s|= $T|= $T/home|; s|file:$T|file:$T/home|" "$BK_CONFIG" \
		>home/bk.conf
	cp ring.cfg master "$BK_BIN/bk-secret" home
	chown -R nobody: home
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups
		env HOME="$T/home" BK_CONFIG="$T/home/bk.conf" home/bk-secret)
	run_bk 0 "${nobody[@]}" set keyring:a/c < <(printf other)
	run_bk 0 "${nobody[@]}" get keyring:a/b
	assert_is "$stdout" secret
	assert_is "$(stat -c '%a %U' home/ring.cfg)" '600 nobody'
	# root's is not for him, nor his for root
	chown root home/ring.cfg
	run_bk 77 "${nobody[@]}" get keyring:a/b
	chown nobody home/ring.cfg
	chown root home/bk.conf home/master
	run_bk 77 bk-secret -c home/bk.conf get keyring:a/b
}

@test "two who write at once" {
	store --version 1.4.1 -- a b secret
	local pids=() n
	for n in 1 2; do
		bk-secret set "keyring:new/$n" <master 2>"err$n" 3>&- &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n"; done
	entries >got
	grep -c ^new got
	assert_is "$(grep -c ^new got)" 2
	alone ring.cfg
}

@test "who waits for another one can be stopped" {
	store --version 1.4.1 -- a b secret
	cp ring.cfg old.cfg
	flock ring.cfg sleep 100 3>&- &
	local holder=$!
	wait_for 30 lslocks_has ring.cfg
	bk-secret set keyring:a/c <master 2>err 3>&- &
	local waits=$!
	wait_for 30 waits_for_lock $waits
	kill $waits
	status=0
	wait $waits || status=$?
	assert_is $status 143
	pkill -P $holder || :
	kill $holder || :
	cmp old.cfg ring.cfg
}

lslocks_has() { ! flock -n "$1" true; }
waits_for_lock() { find "/proc/$1/fd" -lname '*/ring.cfg' | grep -q .; }

@test "a full disk leaves the old store" {
	need_root
	mkdir tiny
	mount -t tmpfs -o size=64k,mode=700 none tiny || skip "cannot mount"
	store --version 1.4.1 -- a b secret
	mv ring.cfg tiny
	sed -i "s|^path = .*|path = $T/tiny/ring.cfg|" "$BK_CONFIG"
	cp tiny/ring.cfg old.cfg
	dd if=/dev/zero of=tiny/rest bs=1k 2>/dev/null || :
	run_bk 74 bk-secret set keyring:a/c <master
	assert_has "$err" 'No space left on device'
	cmp old.cfg tiny/ring.cfg
	alone tiny/ring.cfg
}

# old_or_new: ring.cfg is one of the two, to the byte or by what is in it.
old_or_new() {
	cmp -s old.cfg ring.cfg && return
	entries >got
	printf '%s\n' a$'\t'b$'\t'"$(hex secret)" \
		a$'\t'c$'\t'"$(hex "$(cat master)")" "$SETTING" >want
	diff -u want got
}

nth() { case $1 in *:*) echo "${1#*:}" ;; *) echo 1 ;; esac; }

# bats test_tags=long
@test "killed at any step: the old store or the new one" {
	need_program strace
	strace -qq -o /dev/null true 2>/dev/null || skip "cannot trace"
	store --version 1.4.1 -- a b secret
	cp ring.cfg old.cfg
	local step
	for step in fsync /^rename fsync:2; do
		cp old.cfg ring.cfg
		run_bk -s 137 strace -qq -o trace -e trace="${step%:*}" -e \
			"inject=${step%:*}:signal=KILL:when=$(nth "$step")" \
			bk-secret set keyring:a/c <master
		old_or_new
		# what is left beside it hinders nobody
		run_bk 0 bk-secret list
	done
	# the last one came after the rename
	run_bk 1 cmp -s old.cfg ring.cfg
}

# bats test_tags=long
@test "killed at any time" {
	store --version 1.4.1 -- a b secret
	cp ring.cfg old.cfg
	local seconds
	for seconds in 0.3 1; do
		timeout -s KILL $seconds bk-secret set keyring:a/c <master || :
		old_or_new
	done
}
