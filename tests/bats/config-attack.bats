#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config against odd names, disks that went away, and being killed.

load helper
load config

setup() { host_setup; }
teardown() { host_teardown; }

# any COMMAND...: with whatever status, but of no signal.
any() {
	out=$T/out.txt err=$T/err.txt status=0
	"$@" >"$out" 2>"$err" || status=$?
	[ $status -le 125 ] || fail "\$ $*" "status $status" "$(cat "$err")"
}

@test "a repository that was there before and is gone is not made anew" {
	init_file 0
	mv repo elsewhere
	mkdir repo
	init_file 73
	step failed 'repository main'
	assert_has "$out" 'is its disk mounted'
	assert_has "$out" 'bk-restic init main'
	step skipped timers
	assert_is "$(ls repo)" ''
	rmdir repo
	mv elsewhere repo
	init_file 0
	step kept 'repository main'
}

@test "nor is one on a disk of fstab that is not mounted" {
	mkdir disk
	echo "/dev/nowhere $T/disk ext4 noauto 0 0" >etc/fstab
	init 75 --repo-url "$T/disk/repo" --path "$T/src" \
		--password-ref "file:$T/etc/bk/pw"
	step failed 'repository main'
	assert_has "$out" "'$T/disk' is in fstab, and is not mounted"
	assert_is "$(ls disk)" ''
	run_bk 1 there bk-config check --offline
	found error '[repo main]' "'$T/disk' is in fstab"
	assert_has "$out" "	mount $T/disk"
	there mount -t tmpfs none "$T/disk"
	init 0
	step 'done' 'repository main'
	run_bk 3 there bk-config check --offline
}

# shellcheck disable=SC2016
@test "odd names of folders: each is backed up as it is" {
	local names=('%H' '%%H' 'a b' '[x]*' '"q"' "it's" '#hash' 'x;y' '-n'
		'a=b' $'\xff\xfe' '!bang' '~' 'back\slash' '$HOME' '${x}') n
	local options=()
	for n in "${names[@]}"; do
		mkdir "src/$n"
		echo "$n" >"src/$n/file"
		options+=(--path "$T/src/$n")
	done
	init 0 --repo-url "$T/repo" --password-ref "file:$T/etc/bk/pw" \
		"${options[@]}"
	run_bk 0 there bk-restic restore files --target "$T/back"
	for n in "${names[@]}"; do
		cmp "src/$n/file" "back$T/src/$n/file"
	done
	init 0 "${options[@]}"
	assert_hasnt "$err" 'options say otherwise'
	# as markers
	rm -r etc/bk repo back state/state state/restic
	options=()
	for n in "${names[@]}"; do options+=(--mark "$T/src/$n"); done
	init 0 --repo-url "$T/repo" --password-ref "file:$T/etc/bk/pw" \
		"${options[@]}"
	run_bk 0 there bk-restic restore files --target "$T/back"
	for n in "${names[@]}"; do
		cmp "src/$n/file" "back$T/src/$n/file"
	done
}

@test "a repository whose name is a pattern is excluded, and nothing else" {
	mkdir src/rab
	echo dear >src/rab/letter
	init 0 --repo-url "$T/src/r[ab]*" --path "$T/src" \
		--password-ref "file:$T/etc/bk/pw"
	[ -e "src/r[ab]*/config" ]
	run_bk 0 there bk-restic restore files --target "$T/back"
	assert_is "$(cat "back$T/src/rab/letter")" dear
	[ ! -e "back$T/src/r[ab]*" ]
	run_bk 3 there bk-config check
	found_no 'it lies in what'
	# what only looks as if it would exclude it does not
	sed -i 's,^exclude = .*\[ab.*,exclude = '"$T/src/r[ab]*"',' \
		etc/bk/bk.conf
	run_bk 3 there bk-config check
	found warning '[repo main]' 'it lies in what [backup files] backs up'
}

@test "a repository below a root of markers is excluded as well" {
	init 0 --repo-url "$T/src/repo" --root "$T/src" --mark "$T/src" \
		--password-ref "file:$T/etc/bk/pw"
	run_bk 1 there bk-restic find files config
	assert_is "$stdout" ''
	run_bk 3 there bk-config check
	found_no 'it lies in what'
}

@test "killed before systemd had read what it wrote" {
	fake_systemctl
	cp bin/systemctl real
	sed -i 's/^daemon-reload)/daemon-reload) exit 1 ;;\nx)/' bin/systemctl
	init_file 1
	step failed units
	[ -e etc/systemd/system/bk-restic.service.d/repo-main.conf ]
	cp real bin/systemctl
	init_file 0
	step 'done' units
	assert_has units/bk-restic.service "ReadWritePaths=\"$T/repo\""
	: >systemctl.log
	init_file 0
	assert_hasnt systemctl.log daemon-reload
	assert_hasnt "$out" 'units'
}

@test "what services may write follows the repository; a file by hand stays" {
	fake_systemctl
	init_file 0
	drop=etc/systemd/system/bk-restic.service.d/repo-main.conf
	mv repo moved
	sed -i "s,^url = .*,url = $T/moved," etc/bk/bk.conf
	sed -i '/^ReadWritePaths/d' units/bk-*.service
	init 0
	step 'done' units
	assert_has "$drop" "ReadWritePaths=\"$T/moved\""
	printf '[Service]\nReadWritePaths=/else\n' >$drop
	cp $drop before
	sed -i '/^ReadWritePaths/d' units/bk-restic.service
	init 78
	step failed units
	assert_has "$out" "$T/moved"
	cmp before $drop
}

@test "passwords in URLs are shown nowhere" {
	local url=rest:http://me:hunter2@127.0.0.1:9/r mode
	for mode in -n '-n --json' '' --json -v; do
		# shellcheck disable=SC2086
		any init_any $mode --repo-url "$url"
		assert_hasnt "$out" hunter2
		assert_hasnt "$err" hunter2
	done
	assert_has etc/bk/bk.conf hunter2
	assert_is "$(stat -c %a etc/bk/bk.conf)" 640
	rm -r etc/bk
	mkdir etc/bk
	echo '[scan]' >etc/bk/bk.conf
	for mode in '' --json; do
		# shellcheck disable=SC2086
		any init_any $mode --repo-url "$url" --monitor-type ntfy \
			--monitor-url https://ntfy.example.org/hunter2
		assert_has "$out" 'by hand'
		assert_hasnt "$out" hunter2
		assert_hasnt "$err" hunter2
	done
	# what is wrong with one is told without it
	run_bk 64 there bk-config init --yes --repo-url 'rest:http://me:hunter2@h /' \
		--monitor-url 'http://me:hunter2@h?x' --path "$T/src"
	assert_hasnt "$err" hunter2
}

init_any() {
	there bk-config init --yes --path "$T/src" --no-backup \
		--password-ref "file:$T/etc/bk/pw" "$@"
}

# shellcheck disable=SC2016
@test "a name of the host that is none" {
	local n
	for n in 'a b' 'x/y' '-x' $'\e[31m'; do
		rm -rf etc/bk
		run_bk 78 there unshare -u sh -c 'printf %s "$1" \
			>/proc/sys/kernel/hostname && shift && exec "$@"' sh "$n" \
			bk-config init --yes --repo-url "$T/r/%H" --path "$T/src" \
			--password-ref "file:$T/etc/bk/pw"
		assert_has "$err" 'name = '
		[ ! -e r ]
	done
}

# bats test_tags=long
@test "killed while the keyring is made: the same command goes on" {
	need_program systemd-creds
	argon2_memo
	local n=0 what
	# its master is written; the keyring is there; its seal is there
	for what in master etc/bk/cryptfile_pass.cfg \
		etc/credstore.encrypted/bk.keyring; do
		start bk-config init --yes --repo-url "$T/repo" --no-backup \
			--path "$T/src" --master-to "$T/master"
		wait_for 60 ended_or_there $what
		kill -9 "$pid" 2>/dev/null && n=$((n + 1))
		wait "$pid" || :
		wait_for 20 nobody_left
		# nothing has that master: it was never used
		[ $what != master ] || [ -e etc/bk/cryptfile_pass.cfg ] ||
			rm master
	done
	[ $n -ge 1 ]
	init 0 --no-backup --master-to "$T/master"
	step kept 'repository main' || step 'done' 'repository main'
	run_bk 0 there bk-secret check
	assert_hasnt "$out" "$(cat master)"
	run_bk 0 there bk-restic -q snapshots
}

# bats test_tags=long
@test "a keyring that is there is opened by the master in the file" {
	need_program systemd-creds
	argon2_memo
	init 0 --repo-url "$T/repo" --no-backup --path "$T/src" \
		--master-to "$T/master"
	rm etc/credstore.encrypted/bk.keyring
	init 0 --no-backup --master-to "$T/master"
	step 'done' keyring
	run_bk 0 there bk-secret check
	rm etc/credstore.encrypted/bk.keyring
	echo 'another one, not that' >master
	init 77 --no-backup --master-to "$T/master"
	step failed keyring
	assert_is "$(cat master)" 'another one, not that'
}

ended_or_there() { [ -e "$T/$1" ] || ! kill -0 "$pid" 2>/dev/null; }

@test "killed, and started again at once" {
	local n
	for n in 1 2 3; do
		start bk-config init --yes --repo-url "$T/repo" \
			--path "$T/src" --password-ref "file:$T/etc/bk/pw"
		wait_for 60 ended_or_there repo/keys
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" || :
		any there bk-config init --yes --repo-url "$T/repo" \
			--path "$T/src" --password-ref "file:$T/etc/bk/pw"
		[ "$status" = 0 ] || [ "$status" = 75 ] ||
			fail "status $status" "$(cat "$out" "$err")"
	done
	wait_for 20 nobody_left
	init_file 0
	assert_hasnt "$out" 'failed	'
	assert_is "$(find repo/keys -type f | wc -l)" 1
}

@test "bk.conf is a link: what it leads to is changed" {
	mkdir etc/bk etc/git
	: >etc/git/bk.conf
	ln -s ../git/bk.conf etc/bk/bk.conf
	init_file 0 --no-backup
	[ -L etc/bk/bk.conf ]
	assert_has etc/git/bk.conf '[repo main]'
	rm etc/bk/bk.conf
	ln -s /nowhere/bk.conf etc/bk/bk.conf
	init_file 73 --no-backup
	step failed configuration
	[ -L etc/bk/bk.conf ]
}

@test "closed descriptors, no HOME, an empty PATH, any umask" {
	run_bk 0 there env -u HOME bash -c 'umask 0; exec "$@" <&-' bash \
		bk-config init --yes --repo-url "$T/repo" --path "$T/src" \
		--password-ref "file:$T/etc/bk/pw"
	assert_is "$(stat -c %a etc/bk etc/bk/bk.conf etc/bk/pw | xargs)" \
		'700 640 600'
	status=0
	there bash -c 'exec "$@" >&-' bash bk-config init --yes 2>err.txt ||
		status=$?
	assert_is $status 74
	status=0
	there bash -c 'exec "$@" >/dev/full' bash bk-config init --yes \
		2>err.txt || status=$?
	assert_is $status 74
	for c in 'check --offline' show; do
		# shellcheck disable=SC2086
		there bash -c 'exec "$@" <&- >&- 2>&-' bash bk-config $c ||
			status=$?
		[ "$status" -lt 126 ]
	done
	any there env -i "$(command -v bk-config)" check --offline
	[ "$status" = 1 ] || [ "$status" = 3 ]
}

@test "check: rubbish in the configuration is told, line by line" {
	mkdir etc/bk
	local line
	while IFS= read -r line; do
		printf "%b\n" "$line" >etc/bk/bk.conf
		any there bk-config check --offline
		[ "$status" = 78 ] || [ "$status" = 1 ] ||
			fail "status $status: $line" "$(cat "$out" "$err")"
		[ "$status" != 78 ] || assert_has "$out" \
			$'error\tconfiguration\t/etc/bk/bk.conf'
		any init_any --repo-url "$T/repo" -n
		[ "$status" -lt 80 ]
	done <<-'END'
		[
		[]
		[ ]
		]
		=
		x
		[repo
		[repo main
		[repo main] trailing
		[repo main]\n[repo main]
		[repo main]\nurl
		[repo main]\nurl =
		[repo main]\n= x
		[repo main]\nurl = a\n b\n c
		[repo ../x]\nurl = /x\npassword = ask
		[repo -x]\nurl = /x
		[backup bk]\nrepo = main
		[backup x]\nrepo = x
		[monitor]\nurl = http://x
		[monitor x]\nurl = http://x\nwatch = -
		[keyring]\nunlock = keyring:a/b
		[host]\nname = a b
		[host]\nname =
		[box x]\nurl = sftp://
		[box x]\nurl = sftp://-oProxyCommand=x/y
		[cold]\nboxes = nope
		[mariadb x]\nrepo = nope
		\xff\xfe\x00
		[repo main]\nurl = \x01\npassword = ask
	END
}
