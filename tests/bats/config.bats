#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config show, and check: each problem is made to happen, and found with
# its remedy.

load helper
load restic
load config

setup_file() { restic_setup_file; }

# A host whose configuration has no fault; $conf is its file.
setup() {
	host_setup
	mkdir etc/bk
	conf=$T/etc/bk/bk.conf
	cp -r "$REPO0" repo
	(umask 077 && echo open-sesame >pw)
	cat >"$conf" <<-END
		[scan]
		root = $T/src
		[repo main]
		url = $T/repo
		password = file:$T/pw
		keep = hourly 48
		retries = 0
		[backup home]
		repo = main
		markers = yes
		path = $T/src
		[monitor m]
		url = http://127.0.0.1:9
		token = file:$T/pw
	END
	mkdir -m 700 state/state
	printf '{"v":1,"tool":"bk-secret","job":"kit main","result":"ok",%s}' \
		'"exit":0,"end":"2026-01-01T00:00:00Z","last_ok":"'"$(date \
		-u +%FT%TZ)"'"' >state/state/bk-secret.kit-main.json
	fake timedatectl 'echo yes'
}

teardown() { host_teardown; }

# fake NAME SCRIPT: a program of that name comes first in $PATH.
fake() {
	printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
	chmod 755 "bin/$1"
}

# check STATUS [OPTION...]
check() {
	local want=$1
	shift
	run_bk "$want" there bk-config check "$@"
}

# section NAME LINE...: lines more in that section.
section() {
	local name=$1
	shift
	printf '[%s]\n' "$name" >>"$conf"
	printf '%s\n' "$@" >>"$conf"
}

@test "show: values with file and line, defaults, what a set inherits" {
	run_bk 0 there bk-config show
	assert_has "$out" "url = $T/repo "
	grep -q "^url = $T/repo  *; /etc/bk/bk.conf:4\$" "$out"
	grep -q '^lock-wait = 5m  *; default$' "$out"
	grep -q "^name = $(uname -n)  *; default\$" "$out"
	# it is a configuration itself, and says the same
	cp "$out" again
	run_bk 0 bk-config -c "$T/again" show
	assert_is "$(sed 's/ *;.*//' "$out")" "$(sed 's/ *;.*//' again)"
	run_bk 0 there bk-config show backup home
	assert_is "$(grep -c '^\[' "$out")" 1
	assert_has "$out" 'keep = hourly 48'
	run_bk 0 there bk-config show '[backup home]'
	assert_has "$out" 'shrink-alarm = 50%'
	run_bk 66 there bk-config show backup nope
	run_bk 64 there bk-config show bakup
	assert_has "$err" "did you mean 'backup'"
	echo rubbish >>"$conf"
	run_bk 78 there bk-config show
}

@test "show: secrets in URLs and options are hidden" {
	sed -i "s,^url = $T.*,url = rest:https://me:hunter2@host/," "$conf"
	section 'repo main' 'option = b2.key=hunter3' \
		'option = sftp.connections=3'
	section 'repo two' 'url = sftp:me@host:path' 'password = ask'
	section 'monitor w' 'type = webhook' \
		'url = https://hook.example.org/services/hunter4'
	for mode in '' --json -0; do
		# shellcheck disable=SC2086
		run_bk 0 there bk-config $mode show
		assert_has "$out" 'https://me:***@host/'
		assert_has "$out" 'b2.key=***'
		assert_has "$out" sftp.connections=3
		assert_has "$out" 'https://hook.example.org/***'
		assert_hasnt "$out" hunter
	done
	run_bk 0 there bk-config --json show repo main
	assert_json "$out" 'map(select(.key == "url"))[0] |
		.hidden and .line == 4 and .file == "/etc/bk/bk.conf"'
	assert_json "$out" 'last | .type == "end" and .status == 0'
}

@test "bk.conf as installed is that of all releases" {
	# dpkg asks each host that has changed its bk.conf about a new one, and
	# an unattended upgrade waits until somebody has answered
	assert_is "$(sha256sum <"$BATS_TEST_DIRNAME/../../lib/conf/bk.conf")" \
		"a0e880604af4570b61102b26c8fb9933f3726a977aca761015d5ccd488f9537a  -"
	install -m 640 "$BATS_TEST_DIRNAME/../../lib/conf/bk.conf" "$conf"
	run_bk 0 there bk-config show
}

@test "show: defaults are those of the sample and the manual" {
	local kind key value sample=$BATS_TEST_DIRNAME/../../lib/conf/examples/bk.conf
	cat >"$conf" <<-END
		[repo r]
		url = /x
		password = ask
		[backup b]
		repo = r
		[monitor m]
		url = https://x
		token = ask
		[box b]
		url = dir:/x
		[mariadb d]
		[cold]
		[verify]
		[cold c]
		path = /x
	END
	run_bk 0 there bk-config --json show
	jq -r 'select(.default and .key != "name" and .key != "path") |
		[.kind, .key, .value] | @tsv' "$out" >shown
	[ "$(wc -l <shown)" -gt 12 ]
	while IFS=$'\t' read -r kind key value; do
		awk -v k="#[$kind" 'index($0, "#[") == 1 { on = index($0, k) == 1 }
			on' "$sample" | sed 's/^#//; s/^  *ask/unlock = ask/' |
			grep -qxF "$key = $value" ||
			fail "not so in bk.conf: [$kind] $key = $value"
	done <shown
	# and none is forgotten
	awk '/^#\[/ { kind = substr($1, 3); sub(/].*/, "", kind) }
		/^#  *Default: |^# .* Default: / { has = /Default: (none|not set|as|the|all|those|nobody|nothing)/ }
		/Example/ { has = 1 } /^#$|^$/ { has = 0 }
		/^#[a-z-]* = / && !has { print kind "\t" substr($1, 2) }' \
		"$sample" | grep -v $'^host\tname\|^keyring\tpath' >wanted
	cut -f1,2 shown | sort -u >have
	sort -u wanted | comm -23 - have >missing
	[ ! -s missing ] || fail "defaults that show does not know:" \
		"$(cat missing)"
}

@test "check: nothing is wrong" {
	check 0
	assert_hasnt "$out" 'error	'
	assert_hasnt "$out" 'warning	'
	check 0 --offline --json
	assert_json "$out" 'last | .type == "end" and .status == 0'
	# it left nothing behind
	[ ! -e state/bk-scan ] && [ -z "$(ls run)" ]
	assert_is "$(find repo/locks -type f | wc -l)" 0
	check 64 x
	check 64 --push --offline
}

@test "check: all problems of the configuration, each with its remedy" {
	sed -i 's/^retries.*/retries = many/; s/^repo = main/repo = mian/' "$conf"
	check 78
	found error configuration "'many' is not a number"
	assert_has "$out" "	write e.g. 4"
	assert_has "$out" "did you mean 'main'?"
	check 78 --json
	assert_json "$out" 'last.status == 78'
	assert_json "$out" 'map(select(.level == "error")) | length == 2'
	rm -r etc/bk
	check 66
	found error configuration 'there is no configuration'
}

@test "check: folders of state and cache" {
	chmod 755 state
	mkdir etc/bk/ssh
	chmod 755 etc/bk/ssh
	check 3
	found warning 'state folder' 'others can read'
	assert_has "$out" "chmod 700 $T/state"
	found warning 'ssh keys' 'others can read'
	chmod 777 state
	check 1
	found error 'state folder' 'is not trusted'
	chmod 700 state etc/bk/ssh
	there mount -t tmpfs -o size=4m,mode=700 none "$T/cache"
	check 1
	found error 'cache folder' 'only 4.0 MiB left'
	there mount -o remount,ro "$T/cache"
	check 1
	found error 'cache folder' 'read-only'
	there umount "$T/cache"
	there mount -t tmpfs -o size=200m,mode=700 none "$T/cache"
	check 3
	found warning 'cache folder' 'MiB left'
}

@test "check: programs that are missing, too old, or of another release" {
	section 'repo main' 'program = /no/restic'
	check 1
	found error '[repo main]' '/no/restic'
	sed -i 's,^program.*,program = restic-old,' "$conf"
	fake restic-old 'echo restic 0.13.1 compiled with go'
	check 1
	found error '[repo main]' 'restic 0.13: too old'
	assert_has "$out" 'install restic 0.14'
	fake restic-old 'echo hello'
	check 1
	found error '[repo main]' 'is no restic'
	mkdir lone
	cp "$BK_BIN/bk-config" lone
	ln -s "$BK_BIN"/bk-{secret,restic,notify} lone
	printf '#!/bin/sh\necho bk-scan 0.0.1\n' >lone/bk-scan
	chmod 755 lone/bk-scan
	run_bk 1 there lone/bk-config check
	found error bk-scan "is 'bk-scan 0.0.1'"
}

@test "check: secrets, and which of several sources decides" {
	sed -i "s,^password = .*,password = file:$T/no\n  file:$T/pw," "$conf"
	check 0
	rm pw
	check 1
	found error '[repo main]' "password file:$T/pw"
	assert_has "$out" "bk-secret set file:$T/pw"
	found error '[monitor m]' 'token'
	(umask 077 && echo open-sesame >pw)
	chmod 644 pw
	check 1
	found error '[repo main]' "password file:$T/pw"
	chmod 600 pw
	sed -i "s,^password = .*,password = ask," "$conf"
	sed -i '/^  file:/d' "$conf"
	check 1
	found error '[repo main]' 'a timer has none'
	sed -i "s,^password = .*,password = command:/bin/false," "$conf"
	check 1
	found error '[repo main]' 'command:/bin/false'
	check 0 --offline
	found note '[repo main]' 'not tried offline'
	sed -i "s,^password = .*,password = keyring:a/b," "$conf"
	check 1
	found error '[repo main]' 'keyring:a/b'
	assert_hasnt "$out" open-sesame
}

@test "check: what is to be backed up is not there, or nothing" {
	section scan "root = $T/absent"
	section 'backup home' "path = $T/gone"
	section 'backup empty' 'repo = main'
	check 1
	found error '[scan]' "root $T/absent: No such file"
	found error '[backup home]' "path $T/gone: No such file"
	assert_has "$out" 'make it, or remove /etc/bk/bk.conf:'
	found warning '[backup empty]' 'it holds nothing'
	found_no '[scan] root does not exist'
	sed -i "/absent/d; /gone/d; s,^root = .*,root = $T/pw," "$conf"
	check 1
	found error '[scan]' 'is no folder'
	sed -i "/^root = /d; /^path = /d" "$conf"
	check 1
	found error '[backup home]' 'it takes markers, and no root'
	sed -i "s,^\[scan\],&\nroot = $T/src," "$conf"
	check 1
	found error '[backup home]' 'no marker, no path'
	touch src/a/.backup
	chmod 666 src/a/.backup
	check 1
	assert_has "$out" "$T/src/a/.backup"
	chmod 644 src/a/.backup
	sed -i "s,^\[backup .*,[cold x]\npath = $T/src,; /^markers/d
		/^repo = /d" "$conf"
	check 1
	found error configuration 'nothing is backed up'
}

@test "check: a disk of fstab that is not mounted" {
	mkdir src/disk
	echo "/dev/nowhere $T/src/disk ext4 noauto 0 0" >etc/fstab
	section 'backup home' "path = $T/src/disk/data"
	check 1
	found error '[backup home]' "'$T/src/disk' is in fstab"
	assert_has "$out" "	mount $T/src/disk"
	there mount -t tmpfs none "$T/src/disk"
	there mkdir "$T/src/disk/data"
	check 0
}

@test "check: repositories" {
	mv repo elsewhere
	check 1 --offline
	found error '[repo main]' 'there is no repository'
	assert_has "$out" 'bk-restic init main'
	mv elsewhere repo
	echo wrong >pw
	check 1
	found error '[repo main]' 'its password does not open it'
	echo open-sesame >pw
	mv repo src/repo
	sed -i "s,^url = $T.*,url = $T/src/repo," "$conf"
	check 3
	found warning '[repo main]' 'it lies in what [backup home] backs up'
	assert_has "$out" "exclude = $T/src/repo"
	section 'backup home' "exclude = $T/src/repo"
	check 0
	sed -i "s,^url = $T.*,url = rest:http://me:hunter2@127.0.0.1:9/," "$conf"
	check 1
	found error '[repo main]' 'it does not open'
	assert_hasnt "$out" hunter2
	chmod 644 "$conf"
	check 3 --offline
	found warning '[repo main]' 'its url has a password'
	chmod 640 "$conf"
	section 'repo spare' 'url = repo/here' "password = file:$T/pw"
	check 1 --offline
	found warning '[repo spare]' 'nothing is backed up into it'
	found error '[repo spare]' 'depends on where'
}

@test "check: boxes that are folders" {
	section 'box usb' "url = dir:$T/usb"
	check 1
	found error '[box usb]' 'No such file'
	mkdir usb
	there mount -t tmpfs none "$T/usb"
	check 0
	: >file
	sed -i "s,dir:$T/usb,dir:$T/file," "$conf"
	check 1
	found error '[box usb]' 'is no folder'
	sed -i "s,dir:.*,dir:/," "$conf"
	check 3
	found warning '[box usb]' 'on the disk of the system'
}

@test "check: monitors" {
	check 1 --push
	found error '[monitor m]' 'a test did not arrive'
	sed -i 's,^url = http:.*,url = http://kuma.example.org,' "$conf"
	section 'monitor m' 'ca = /no/ca.pem' 'watch = backup nope' \
		'watch = backup'
	check 1
	found warning '[monitor m]' 'in clear text'
	found error '[monitor m]' 'ca /no/ca.pem: No such file'
	found error '[monitor m]' 'watch backup nope'
	found_no 'watch backup:'
	sed -i '/^\[monitor/,$d' "$conf"
	check 3
	found warning monitors 'nobody hears'
}

@test "check: the clock, and the recovery sheet" {
	fake timedatectl 'echo no'
	rm state/state/*
	check 3
	found warning clock 'not synchronised'
	found warning 'kit main' 'no recovery sheet'
	fake timedatectl 'exit 1'
	check 3
	found_no clock
}

@test "check: units" {
	fake_systemctl
	check 1
	for u in restic forget notify; do
		found error "bk-$u.timer" 'not enabled and active'
		assert_has "$out" "systemctl enable --now bk-$u.timer"
	done
	found error '[repo main]' "bk-restic.service may not write to '$T/repo'"
	found error '[repo main]' 'bk-forget.service may not write'
	assert_has "$out" "ReadWritePaths=\"$T/repo\""
	echo "ReadWritePaths=-/x $T" >>units/bk-restic.service
	echo "ReadWritePaths=\"-/x y\" \"$T/repo\"" >>units/bk-forget.service
	there systemctl enable --now bk-{restic,forget,notify}.timer
	check 0
	sed -i 's/success/exit-code/' units/bk-restic.service
	echo NeedDaemonReload=yes >>units/bk-forget.service
	check 3
	found warning bk-restic.service 'ended with: exit-code'
	assert_has "$out" 'journalctl -e -u bk-restic.service'
	found warning bk-forget.service 'has changed since'
	rm units/bk-notify.timer
	sed -i 's,^ExecStart.*,ExecStart={ path=/no/bk-notify ; },' \
		units/bk-notify.service
	check 1
	found error bk-notify.timer 'no such unit'
	found error bk-notify.service 'does not belong'
	printf '#!/bin/sh\necho bk-notify 0.0.1\n' >bin/bk-notify
	chmod 755 bin/bk-notify
	sed -i "s,/no/,$T/bin/," units/bk-notify.service
	check 1
	found warning bk-notify.service 'which is not of release'
	printf 'LoadState=masked\nActiveState=inactive\n' >units/bk-restic.timer
	check 1
	assert_has "$out" 'systemctl unmask bk-restic.timer'
	# each set with a timer of its own
	there systemctl enable --now bk-restic@home.timer
	check 1
	found_no 'bk-restic.timer'
	cp units/bk-notify.service units/bk-restic@home.service
	check 1
	found error '[repo main]' "bk-restic@home.service may not write to"
	echo "ReadWritePaths=$T/repo" >>units/bk-restic@home.service
	check 1
	found_no 'bk-restic@home.service may not write to'
	section host "prometheus = $T/prom/bk.prom"
	check 1
	found error bk-status.timer 'not enabled and active'
	found error '[host]' "bk-status.service may not write to '$T/prom'"
}

@test "check: the worst comes first" {
	fake timedatectl 'echo no'
	echo wrong >pw
	check 1
	cut -f1 "$out" >levels
	assert_is "$(sed 's/error/1/; s/warning/2/; s/note/3/' levels)" \
		"$(sed 's/error/1/; s/warning/2/; s/note/3/' levels | sort)"
	assert_is "$(sort -u levels | wc -l)" 3
	run_bk 1 there bk-config -0 check
	assert_is "$(tr '\0' '\n' <"$out")" "$(cat levels)"
	run_bk 74 there sh -c 'bk-config check >/dev/full'
}

@test "check: a MariaDB server that is not there" {
	section 'mariadb local' "socket = $T/no.sock" 'repo = main'
	check 1
	assert_has "$out" $'error\t[mariadb local]\t'
	assert_has "$out" "$T/no.sock"
	assert_has "$out" 'bk-dbdump list local'
	section 'mariadb local' 'user = bk' "password = file:$T/none"
	check 1 --offline
	found error '[mariadb local]' "password file:$T/none"
	sed -i '/^\[mariadb/,$d' "$conf"
	section 'mariadb byhand' "socket = $T/no.sock"
	check 1 --offline
	assert_has "$out" 'there are no backups of it'
}
