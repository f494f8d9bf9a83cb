#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Credentials of systemd, outside of a unit: sealed by the real
# systemd-creds, with a key of a host that exists for a test only.

load helper
load secret

# A copy of /etc and an empty /var/lib/systemd, in mounts of our own.
setup() {
	need_root
	need_program systemd-creds nsenter
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	secret_setup
	mkdir etc
	cp -a /etc/machine-id /etc/passwd /etc/group /etc/nsswitch.conf etc
	[ -s etc/machine-id ] || od -An -N16 -tx1 /dev/urandom | tr -d ' ' \
		>etc/machine-id
	cp -a /etc/ld.so.* /etc/ssl etc 2>/dev/null || :
	unshare -m --propagation private sh -c '
		mount --bind etc /etc && mkdir -p /var/lib/systemd &&
		mount -t tmpfs -o mode=755 none /var/lib/systemd &&
		touch ready && exec sleep 1000' 3>&- 2>unshare.txt &
	ns=$!
	wait_for 30 mounted
	[ -e ready ] || skip "cannot mount: $(cat unshare.txt)"
	key=/var/lib/systemd/credential.secret
}

mounted() { [ -e ready ] || ! kill -0 "$ns" 2>/dev/null; }

teardown() {
	[ -z "${ns:-}" ] || kill "$ns" 2>/dev/null || :
}

# there COMMAND...: in these mounts.
there() { nsenter -t "$ns" -m --wd="$T" "$@"; }

@test "a credential is sealed, read and removed" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	assert_is "$(stat -c %a etc/credstore.encrypted/pw)" 600
	assert_hasnt etc/credstore.encrypted/pw hunter2
	alone etc/credstore.encrypted/pw
	run_bk 0 there bk-secret get credential:pw
	assert_is "$(od -An -c "$out" | tr -d ' ')" hunter2
	run_bk 0 there systemd-creds --name=pw decrypt \
		/etc/credstore.encrypted/pw -
	assert_is "$stdout" hunter2
	run_bk 0 there bk-secret list credential
	assert_is "$stdout" $'credential:pw\tsealed'
	# there is none under other names
	run_bk 66 there bk-secret get credential:other
	assert_has "$err" "there is no credential 'other'"
	run_bk 0 there bk-secret del credential:pw
	run_bk 66 there bk-secret get credential:pw
	run_bk 66 there bk-secret del credential:pw
}

@test "bytes of all kinds are sealed" {
	printf 'a\0b\n\n\377' >secret
	run_bk 0 there bk-secret set --exact credential:pw <secret
	run_bk 0 there bk-secret get credential:pw
	cmp secret "$out"
	head -c 32768 /dev/zero | tr '\0' x >secret
	run_bk 0 there bk-secret set credential:long <secret
	run_bk 0 there bk-secret get credential:long
	cmp secret "$out"
	run_bk 65 there bk-secret set credential:empty </dev/null
}

@test "under another name it is not opened" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	cp etc/credstore.encrypted/pw etc/credstore.encrypted/other
	run_bk 77 there bk-secret get credential:other
	assert_has "$err" "cannot decrypt the credential 'other'"
	assert_hasnt "$err" hunter2
	run_bk 77 there bk-secret get credential:other "file:$T/master"
}

@test "damaged, cut off, empty: refused" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	local file=etc/credstore.encrypted/pw
	cp $file good
	head -c 100 good >$file
	run_bk 77 there bk-secret get credential:pw
	: >$file
	run_bk 77 there bk-secret get credential:pw
	echo rubbish >$file
	run_bk 77 there bk-secret get credential:pw
	rm $file
	ln -s "$T/good" $file
	status=0
	there bk-secret get credential:pw 2>e.txt >o.txt || status=$?
	[ $status != 0 ] && [ $status != 66 ]
}

@test "with another machine id nothing is opened, and nothing lost" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	run_bk 0 there test -s "$key"
	run_bk 0 there sha256sum "$key"
	local sum=$stdout
	cp etc/machine-id old-id
	echo 0123456789abcdef0123456789abcdef >etc/machine-id
	run_bk 77 there bk-secret get credential:pw
	assert_has "$err" 'was made for another machine id'
	run_bk 77 there bk-secret set credential:new <<<hunter2
	run_bk 77 there bk-secret check credential:pw
	run_bk 0 there sha256sum "$key"
	assert_is "$stdout" "$sum"
	cp old-id etc/machine-id
	run_bk 0 there bk-secret get credential:pw
	assert_is "$stdout" hunter2
}

@test "no machine id" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	cp etc/machine-id old-id
	: >etc/machine-id
	run_bk 77 there bk-secret get credential:pw
	rm etc/machine-id
	run_bk 77 there bk-secret get credential:pw
	run_bk 0 there test -s "$key"
	cp old-id etc/machine-id
	run_bk 0 there bk-secret get credential:pw
}

@test "the key of the host is gone: wrong, and not absent" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	there rm "$key"
	run_bk 77 there bk-secret get credential:pw "file:$T/master"
}

@test "a plain one must be private; a sealed one goes first" {
	mkdir -m 755 etc/credstore
	echo plain >etc/credstore/pw
	run_bk 0 there bk-secret get credential:pw
	assert_is "$stdout" plain
	run_bk 0 there bk-secret list credential
	assert_is "$stdout" $'credential:pw\tplain'
	chmod 644 etc/credstore/pw
	run_bk 77 there bk-secret get credential:pw
	run_bk 0 there bk-secret set credential:pw <<<sealed
	run_bk 0 there bk-secret get credential:pw
	assert_is "$stdout" sealed
}

@test "in a unit only what the unit was given" {
	run_bk 0 there bk-secret set credential:pw <<<hunter2
	mkdir given
	CREDENTIALS_DIRECTORY=$T/given run_bk 66 there bk-secret get \
		credential:pw
	echo other >given/pw
	CREDENTIALS_DIRECTORY=$T/given run_bk 0 there bk-secret get \
		credential:pw
	assert_is "$stdout" other
}

@test "a credential opens the keyring" {
	store --version 1.4.1 -- a b secret
	sed -i 's|^unlock = .*|unlock = credential:bk.keyring\nunlock = ask|' \
		"$BK_CONFIG"
	run_bk 75 there bk-secret get keyring:a/b
	run_bk 0 there bk-secret set credential:bk.keyring <master
	run_bk 0 there bk-secret get keyring:a/b
	assert_is "$stdout" secret
	cp etc/credstore.encrypted/bk.keyring etc/credstore.encrypted/x
	sed -i 's|credential:bk.keyring|credential:x|' "$BK_CONFIG"
	# it is there, and wrong: nobody is asked instead
	run_bk 77 there bk-secret get keyring:a/b
	assert_has "$err" '[keyring] unlock'
}

@test "no secret in an argument or the environment while it is sealed" {
	printf '%s\n' hunter2 >canaries
	: >seen
	while [ ! -e stop ]; do
		grep -laFf canaries /proc/[0-9]*/cmdline /proc/[0-9]*/environ \
			>>seen 2>/dev/null || :
	done 3>&- &
	local looker=$!
	cp canaries secret
	run_bk 0 there bk-secret set credential:pw <secret
	run_bk 0 there bk-secret get credential:pw
	touch stop
	wait $looker
	assert_is "$(cat seen)" ''
}

@test "a user who is not root stores none" {
	need_program setpriv
	local d=$T
	while [ "$d" != / ] && [ "$d" != /tmp ] && [ "$d" != /var/tmp ]; do
		chmod a+x "$d"
		d=${d%/*}
	done
	cp "$BK_BIN/bk-secret" prog
	chmod 755 prog
	run_bk 77 env -u BK_CONFIG HOME=/nonexistent setpriv --reuid 65534 \
		--regid 65534 --clear-groups ./prog set credential:pw <<<hunter2
	assert_has "$err" 'only root'
	run_bk 66 env -u BK_CONFIG HOME=/nonexistent setpriv --reuid 65534 \
		--regid 65534 --clear-groups ./prog get credential:pw
	assert_has "$err" 'CREDENTIALS_DIRECTORY is not set'
}
