#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# The units in their own sandbox, in a systemd that is really booted: does the
# monitor hear what happened, and does bk-status say the same?
#
# BK_SUITES="bookworm trixie" runs all in these releases of Debian; the default
# is that of this machine. BK_ROOTS=FOLDER keeps them there, once fetched.

load helper

SUITES=${BK_SUITES:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
rig=$BATS_TEST_DIRNAME/../rigs

# In a file: why nothing can be run here.
setup_file() {
	export MISSING=$BATS_FILE_TMPDIR/missing
	local suite p
	for p in mmdebstrap systemd-nspawn nsenter python3; do
		command -v $p >/dev/null || echo "$p is not installed" >"$MISSING"
	done
	[ "$(id -u)" = 0 ] || echo "needs root" >"$MISSING"
	[ -d "$B/systemd" ] && [ "$B" = "$BK_BIN" ] ||
		echo "tests what was built, not what is installed" >"$MISSING"
	! ldd "$B/bk-scan" 2>&1 | grep -q libasan ||
		echo "not with sanitizers" >"$MISSING"
	[ -n "$SUITES" ] || echo "not a Debian: set BK_SUITES" >"$MISSING"
	for suite in $SUITES; do
		[ -e "$MISSING" ] || prepare "$suite"
	done
}

teardown_file() {
	local suite
	for suite in $SUITES; do
		"$rig/boot.sh" kill "$BATS_FILE_TMPDIR/$suite.run"
	done
}

# can COMMAND...: where it cannot be done here (69), all is skipped.
can() {
	local status=0 why=$BATS_FILE_TMPDIR/why
	"$@" 2>"$why" || status=$?
	cat "$why" >&2
	[ $status != 69 ] || cp "$why" "$MISSING"
	return $status
}

# A root in which all is set up: a keyring that a credential opens, a
# repository, a backup.
prepare() {
	local root=$BATS_FILE_TMPDIR/$1 status=0
	can "$rig/boot.sh" root "$1" "$root" mariadb-server-core \
		mariadb-client-core || { [ -e "$MISSING" ]; return; }
	"$rig/boot.sh" install "$root" "$B"
	cp -r "$B/systemd" "$root/srv/units"
	can "$rig/boot.sh" up "$root" "$root.run" ||
		{ [ -e "$MISSING" ]; return; }
	set_up_script | "$rig/boot.sh" in "$root.run" sh -es || status=$?
	"$rig/boot.sh" down "$root.run"
	return $status
}

set_up_script() {
	cat <<-'END'
		exec 2>&1
		mkdir -p /home/ann/docs /srv/restic /srv/box \
			/var/lib/prometheus/node-exporter
		echo dear >/home/ann/docs/letter
		: >/home/ann/docs/.backup
		cat >/etc/bk/bk.conf <<C
		[host]
		name = web1
		fleet = usb
		prometheus = /var/lib/prometheus/node-exporter/bk.prom
		[scan]
		root = /home
		[keyring]
		path = /etc/bk/keyring
		unlock = credential:bk.keyring
		[repo main]
		url = /srv/restic
		password = file:/etc/bk/password
		keep = hourly 48
		retries = 0
		[backup home]
		repo = main
		markers = yes
		[box usb]
		url = dir:/srv/box
		C
		bk-secret enroll --generate >/dev/null </dev/null
		echo open-sesame | bk-secret set keyring:restic/main
		echo secret-token | bk-secret set keyring:kuma/home
		umask 077
		echo open-sesame >/etc/bk/password
		echo secret-token >/etc/bk/token
		umask 022
		bk-restic init
		cd /etc/systemd/system
		for u in restic forget; do
			mkdir bk-$u.service.d
			printf '[Service]\nReadWritePaths=/srv/restic\n' \
				>bk-$u.service.d/disk.conf
		done
	END
}

setup() {
	[ ! -e "$MISSING" ] || skip "$(tail -n 1 "$MISSING")"
	T=$BATS_TEST_TMPDIR
	cd "$T" || return 1
}

teardown() {
	down
	[ ! -d "${group:-/nonexistent}" ] || rmdir "$group"
}

# in_each FUNCTION: in each suite, freshly booted. What the test changes is
# gone when it ends.
in_each() {
	local suite
	for suite in $SUITES; do
		echo "# in $suite"
		T=$BATS_TEST_TMPDIR/$suite
		mkdir "$T"
		up "$suite"
		"$1"
		down
	done
}

# up SUITE: with a monitor that listens.
up() {
	"$rig/boot.sh" up "$BATS_FILE_TMPDIR/$1" "$T/run" --volatile=overlay
	nsenter -t "$(cat "$T/run/leader")" -n python3 "$rig/kuma.py" \
		--port-file "$T/port" --log "$T/kuma.log" \
		--control "$T/fault" --token secret-token 3>&- &
	echo $! >"$T/kuma.pid"
	wait_for 20 test -s "$T/port"
	box sh -c 'cat >/etc/bk/conf.d/monitor.conf' <<-END
		[monitor home]
		url = http://127.0.0.1:$(cat "$T/port")
		token = file:/etc/bk/token
	END
}

down() {
	[ ! -e "$T/ssh" ] || "$rig/box.sh" down "$T/ssh" fsn
	[ ! -s "$T/kuma.pid" ] || kill "$(cat "$T/kuma.pid")" 2>/dev/null || :
	rm -f "$T/kuma.pid"
	[ ! -e "$T/run" ] || "$rig/boot.sh" kill "$T/run"
}

# box COMMAND...: runs it in there.
box() { "$rig/boot.sh" in "$T/run" "$@"; }

# Opening the keyring is slow, on purpose; most tests do without.
use_keyring() {
	box sed -i 's,file:/etc/bk/password,keyring:restic/main,
		s,file:/etc/bk/token,keyring:kuma/home,' \
		/etc/bk/bk.conf /etc/bk/conf.d/monitor.conf
}

# drop_in UNIT LINE...: more lines of the unit.
drop_in() {
	local unit=$1
	shift
	printf '%s\n' "$@" | box sh -c "
		mkdir -p /etc/systemd/system/$unit.d
		cat >/etc/systemd/system/$unit.d/test.conf
		systemctl daemon-reload"
}

# told FILTER: is it true of the last that the monitor was told?
told() {
	[ -e "$T/kuma.log" ] && jq -es \
		"[.[] | select(.service == \"kuma\")] | last | $1" \
		"$T/kuma.log" >/dev/null 2>&1
}

# wait_told SECONDS FILTER
wait_told() {
	wait_for "$1" told "$2" || fail "told:" "$(cat "$T/kuma.log")" \
		"journal:" "$(box journalctl -b --no-pager -o cat -u 'bk-*' |
			tail -n 60)"
}

# says STATUS TEXT: bk-status, too, ends with that and has the text.
says() {
	run_bk "$1" box bk-status
	assert_has "$out" "$2"
	[ "$1" = 0 ] || assert_has "$(head -n 1 "$out" >"$T/first" &&
		echo "$T/first")" 'NOT SAFE'
}

# noted UNIT FILTER: of the state file of how it ended.
noted() {
	box cat "/var/lib/bk/state/unit.$1.json" >"$T/unit.json" 2>/dev/null &&
		jq -e "$2" "$T/unit.json" >/dev/null
}

# pid_of NAME: of a process of bk-restic.service, when it backs up.
pid_of() {
	# shellcheck disable=SC2016
	box sh -c '
		for p in $(cat /sys/fs/cgroup/system.slice/$2/cgroup.procs); do
			set -- "$1" $2 $(tr "\0" " " </proc/$p/cmdline)
			[ "${3##*/}" != "$1" ] || case $* in
			*backup*) echo $p ;;
			esac
		done' sh "$1" bk-restic.service 2>/dev/null | grep .
}

# A backup that takes for ever.
start_slow_backup() {
	box sh -c '
		head -c 10M /dev/urandom >/home/ann/docs/much
		sed -i "/^url = .srv/a limit-upload = 10k" /etc/bk/bk.conf
		systemctl --no-block start bk-restic.service'
}

make_fast() {
	box sh -c 'rm /home/ann/docs/much; sed -i /^limit-up/d /etc/bk/bk.conf'
}

# ---- the units as they are ---------------------------------------------------

load_without_complaint() {
	local u
	# its status for "none" is not the same everywhere
	run_bk 0 box sh -c \
		'systemctl list-unit-files --no-legend --state=enabled "bk-*" || :'
	assert_is "$stdout" ''
	box sh -c 'systemctl start bk-restic.timer bk-forget.timer \
		bk-notify.timer bk-status.timer bk-restic@home.timer'
	box sh -c 'systemd-analyze verify --man=no /lib/systemd/system/bk-*' \
		>verify.txt 2>&1 || fail "$(cat verify.txt)"
	assert_is "$(cat verify.txt)" ''
	run_bk 0 box journalctl -b --no-pager -o cat _PID=1
	assert_hasnt "$out" '/systemd/system/bk-'
	assert_hasnt "$out" 'Failed to'
	for u in $(cd "$B/systemd" && echo bk-*.service); do
		box systemd-analyze security --no-pager --threshold=20 \
			"${u/@./@home.}" >score.txt ||
			fail "$u" "$(tail -n 1 score.txt)"
	done
}

@test "the units load without complaint, each scores 2.0 or less" {
	in_each load_without_complaint
}

link_from_checkout() {
	box sh -c '
		rm /lib/systemd/system/bk-*
		systemctl daemon-reload
		systemctl link /srv/units/*
		systemctl start bk-restic.service
		systemctl enable --now bk-restic.timer' >link.txt 2>&1 ||
		fail "$(cat link.txt)"
	wait_told 20 '.up and (.msg | startswith("ok: "))'
	run_bk 0 box systemctl is-active bk-restic.timer
	run_bk 0 box systemctl disable --now bk-restic.timer
}

@test "they work by systemctl link from a checkout" {
	in_each link_from_checkout
}

# ---- what the monitor hears --------------------------------------------------

timer_runs_backup() {
	drop_in bk-restic.timer '[Timer]' OnCalendar= OnActiveSec=1s \
		AccuracySec=100ms RandomizedDelaySec=0
	use_keyring
	says 1 'backup home'
	box systemctl start bk-restic.timer
	wait_told 30 '.up and (.msg | startswith("ok: "))'
	told '.msg | test("^ok: [0-9]+ jobs?, last backup home [0-9]+ s ago")' ||
		fail "$(cat "$T/kuma.log")"
	says 0 'backup home'
	noted bk-restic '.exit == 0 and .result == "ok"'
	# it took whole seconds; what took 0 ms is not kept there
	run_bk 0 box cat /var/lib/bk/state/bk-restic.backup-home.json
	told ".ping == $(jq '(.end | fromdate) - (.start | fromdate) | . * 1000 |
		if . == 0 then null else . end' "$out")"
	run_bk 0 box bk-restic find home letter
	assert_has "$out" /home/ann/docs/letter
	# and nobody saw the token
	box journalctl -b --no-pager >journal.txt
	assert_hasnt journal.txt secret-token
}

@test "a timer runs the backup, the keyring is opened, the monitor is up" {
	in_each timer_runs_backup
}

# As far as this unit may go: files are restored that belong to others.
timer_proves_all() {
	drop_in bk-verify.timer '[Timer]' OnCalendar= OnActiveSec=1s \
		AccuracySec=100ms RandomizedDelaySec=0
	box sh -c '
		cd /home/ann/docs
		mkdir -m 500 closed
		echo x >closed/file
		chown -R 1234:1234 closed
		cp /bin/true suid
		chmod 4755 suid
		printf "[verify]\n" >>/etc/bk/bk.conf
		systemctl start bk-restic.service'
	says 0 'verify drill:home'
	box systemctl start bk-verify.timer
	wait_for 60 noted bk-verify '.exit == 0 and .result == "ok"' ||
		fail "$(box journalctl -b --no-pager -o cat -u bk-verify)"
	run_bk 0 box bk-verify status
	for s in repo:main packs:main drill:home age:home; do
		assert_has "$out" "$s	ok	100 %"
	done
	run_bk 0 box sh -c 'ls /var/cache/bk/drill 2>/dev/null || :'
	[ -z "$stdout" ]
	says 0 'backup home'
}

@test "a timer proves all of it, in its sandbox" {
	in_each timer_proves_all
}

# A MariaDB in there, a dump of which is stored.
start_server() {
	# shellcheck disable=SC2016
	box sh -exc '
		mkdir -m 700 /srv/db
		mariadb-install-db --no-defaults --user=root --force \
			--datadir=/srv/db/data --skip-test-db \
			--auth-root-authentication-method=socket
		cat >/srv/db/shop.sql <<-S
			CREATE DATABASE shop;
			CREATE TABLE shop.item (id INT PRIMARY KEY, price FLOAT);
			INSERT INTO shop.item VALUES (1, 16777217), (2, 0.1);
			CREATE DEFINER=root@localhost VIEW shop.dear AS SELECT * FROM shop.item WHERE price > 1;
		S
		systemd-run -q --unit=db mariadbd --no-defaults --user=root \
			--datadir=/srv/db/data --socket=/srv/db/sock \
			--skip-networking --init-file=/srv/db/shop.sql
		cat >>/etc/bk/bk.conf <<-C
			[mariadb main]
			socket = /srv/db/sock
			repo = main
			[verify]
		C
		for i in $(seq 300); do
			[ ! -S /srv/db/sock ] || break
			sleep 0.1
		done
		bk-dbdump backup' >server.txt 2>&1 || fail "$(cat server.txt)"
}

# no_throw_away: no MariaDB for dumps is there, and nothing of it.
no_throw_away() {
	[ -z "$(box sh -c 'pgrep -f [b]k-verify.data 2>/dev/null
		find /var/tmp /run -name "*bk-verify-mariadb*" -o -name "bk-verify.*" |
			grep -v /units/')" ]
}

timer_loads_dumps() {
	start_server
	drop_in bk-verify.timer '[Timer]' OnCalendar= OnActiveSec=1s \
		AccuracySec=100ms RandomizedDelaySec=0
	box systemctl start bk-verify.timer
	wait_for 120 noted bk-verify . ||
		fail "$(box journalctl -b --no-pager -o cat -u 'bk-verify*')"
	run_bk 0 box bk-verify status dump
	assert_has "$out" 'dump:main	ok	100 %	loaded and dumped again'
	run_bk 0 box journalctl -b --no-pager -o cat -u bk-verify-mariadb.service
	assert_has "$out" 'Started '
	wait_for 20 no_throw_away
	# it is killed while the other one runs
	box sh -c 'rm /var/lib/bk/verify/dump:main.json
		systemctl --no-block start bk-verify.service'
	wait_for 60 box test -S /run/bk-verify-mariadb/sock
	box systemctl kill --kill-whom=main --signal=KILL bk-verify.service
	wait_for 60 no_throw_away
	# of files there is no backup here
	box systemctl start bk-verify.service || :
	run_bk 0 box bk-verify status dump
	assert_has "$out" 'dump:main	ok	100 %	loaded and dumped again'
}

# bats test_tags=long
@test "a timer has dumps loaded, by another user, in a sandbox" {
	in_each timer_loads_dumps
}

restic_is_killed() {
	start_slow_backup
	wait_for 30 pid_of restic
	box sh -c "kill -9 $(pid_of restic)"
	wait_told 60 '.up == false and (.msg | startswith("backup home "))'
	told '.msg | test("signal KILL|killed")' || fail "$(cat "$T/kuma.log")"
	says 1 'backup home'
	make_fast
	box systemctl start bk-restic.service
	wait_told 30 '.up and (.msg | startswith("recovered: backup home"))'
	says 0 'backup home'
}

@test "restic is killed: down within a minute, then recovered" {
	in_each restic_is_killed
}

tool_is_killed() {
	start_slow_backup
	wait_for 30 pid_of restic
	box systemctl kill --kill-whom=main --signal=KILL bk-restic.service
	wait_told 60 '.up == false and (.msg | test("^backup home .*KILL"))'
	noted bk-restic '.exit == 1 and (.message | test("KILL"))'
	says 1 'killed by signal KILL'
	! pid_of restic || fail "restic goes on alone"
	make_fast
	box systemctl start bk-restic.service
	wait_told 30 '.up and (.msg | startswith("recovered: backup home"))'
	says 0 'backup home'
}

@test "bk-restic itself is killed: down, and restic is gone too" {
	in_each tool_is_killed
}

takes_too_long() {
	# restic may not let go at once
	drop_in bk-restic.service '[Service]' TimeoutStartSec=2s TimeoutStopSec=5s
	start_slow_backup
	wait_told 60 '.up == false and (.msg | test("^backup home .*too long"))'
	noted bk-restic '.exit == 1 and .message == "took too long"'
	says 1 'took too long'
}

@test "a run that hangs is ended, and told as such" {
	in_each takes_too_long
}

# It is noted while the monitor, which is slow, still hears of how it was.
out_of_memory() {
	echo slow 2 >"$T/fault"
	box systemctl --no-block start bk-notify.service
	wait_for 20 box sh -c \
		'systemctl show -P ActiveState bk-notify.service | grep -x activating'
	box env MONITOR_UNIT=bk-restic.service MONITOR_SERVICE_RESULT=oom-kill \
		MONITOR_EXIT_CODE=killed MONITOR_EXIT_STATUS=KILL \
		bk-notify unit --record bk-restic.service
	box systemctl restart bk-notify.service
	wait_told 30 '.up == false and (.msg | test("^backup home .*memory"))'
	says 1 'out of memory'
	run_bk 0 box journalctl -b -q --no-pager -o cat -u bk-notify.service
	assert_has "$out" Stopped
	assert_hasnt "$out" 'Failed with'
}

@test "out of memory, while a push is under way: told as such" {
	in_each out_of_memory
}

# host_pid PID: as this machine counts a process of in there.
host_pid() {
	local ns f
	ns=$(readlink "/proc/$(cat "$T/run/leader")/ns/pid")
	for f in /proc/[0-9]*/status; do
		f=${f%/status}
		if [ "$(readlink "$f/ns/pid")" = "$ns" ] && [ "$(awk \
			'/^NSpid:/ { print $NF }' "$f/status")" = "$1" ]; then
			echo "${f#/proc/}"
			return
		fi
	done
	return 1
}

# A group whose memory is small, in the first hierarchy: units in there cannot
# have MemoryMax= where that holds the memory.
memory_group() {
	group=/sys/fs/cgroup/memory/bk-test.$$
	mkdir "$group" 2>/dev/null || return
	echo 2M >"$group/memory.limit_in_bytes"
}

killed_there() { awk '/^oom_kill / { print $2 }' "$group/memory.oom_control"; }

no_memory() {
	local before
	before=$(killed_there)
	start_slow_backup
	wait_for 30 pid_of restic
	host_pid "$(pid_of restic)" >"$group/cgroup.procs"
	wait_told 60 '.up == false and (.msg | startswith("backup home "))'
	told '.msg | test("KILL|killed|memory")' || fail "$(cat "$T/kuma.log")"
	[ "$(killed_there)" -gt "$before" ] || fail "the kernel killed nothing"
	says 1 'backup home'
	make_fast
	box systemctl start bk-restic.service
	wait_told 30 '.up and (.msg | startswith("recovered: backup home"))'
	says 0 'backup home'
}

@test "the kernel kills restic for memory: down, then recovered" {
	[ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ] ||
		skip "the memory of groups is not limited here"
	memory_group || skip "no group of memory can be made here"
	in_each no_memory
	rmdir "$group"
}

bad_credential() {
	box sh -c 'echo rubbish >/etc/credstore.encrypted/bk.keyring'
	run_bk 1 box systemctl start bk-restic.service
	wait_told 60 '.up == false and (.msg | test("credential"))'
	noted bk-restic '.exit == 243 and (.message | test("credential"))'
	says 1 credential
	run_bk 0 box journalctl -b -q --no-pager -o cat -t bk-restic -t bk-scan
	assert_is "$stdout" ''
}

@test "a credential that cannot be decrypted: noted and told" {
	in_each bad_credential
}

masked_timer() {
	drop_in bk-notify.timer '[Timer]' OnCalendar= OnActiveSec=1s \
		OnUnitInactiveSec=1s AccuracySec=100ms RandomizedDelaySec=0
	box systemctl start bk-restic.service
	wait_told 30 '.up and (.msg | startswith("ok: "))'
	says 0 'backup home'
	box sh -c '
		sed -i "/^markers = /a max-age = 5s" /etc/bk/bk.conf
		systemctl mask bk-restic.timer
		systemctl start bk-notify.timer'
	wait_told 60 '.up == false and (.msg | startswith("backup home late: "))'
	says 1 'late'
	box systemctl start bk-restic.service
	wait_told 30 '.up and (.msg | startswith("recovered: backup home"))'
}

@test "nothing runs any more: down after max-age, then recovered" {
	in_each masked_timer
}

# ---- the other units ---------------------------------------------------------

no_credential() {
	box rm /etc/credstore.encrypted/bk.keyring
	box sed -i s,file:/etc/bk/password,keyring:restic/main, /etc/bk/bk.conf
	run_bk 1 box systemctl start bk-restic.service
	wait_told 30 '.up == false and (.msg | startswith("backup home "))'
	says 1 'backup home'
}

@test "without a credential the keyring stays closed, and that is told" {
	in_each no_credential
}

template() {
	drop_in bk-restic@.service '[Service]' ReadWritePaths=/srv/restic
	box systemctl start bk-restic@home.service
	wait_told 30 '.up and (.msg | startswith("ok: "))'
	drop_in bk-restic@home.service '[Service]' ExecStart= \
		ExecStart='/bin/sh -c "exit 5"'
	run_bk 1 box systemctl start bk-restic@home.service
	wait_told 30 '.up == false and (.msg | startswith("backup home "))'
	noted bk-restic@home '.exit == 5'
	says 1 'exit status 5'
}

@test "the instance of a template tells of its set" {
	in_each template
}

forget_and_publish() {
	box sh -c 'systemctl start bk-restic.service
		systemctl start bk-forget.service'
	wait_for 30 noted bk-forget '.exit == 0'
	# its box is on a disk that the unit may not write to
	run_bk 1 box systemctl start bk-status.service
	run_bk 0 box stat -c '%a %U' /var/lib/prometheus/node-exporter/bk.prom
	assert_is "$stdout" '644 root'
	wait_told 30 '.up == false and (.msg | startswith("unit bk-status "))'
	drop_in bk-status.service '[Service]' ReadWritePaths=/srv/box
	box systemctl start bk-status.service
	wait_told 30 '.up and (.msg | startswith("recovered: unit bk-status"))'
	run_bk 0 box bk-status --fleet
	assert_has "$out" web1
}

@test "old snapshots are forgotten, the state is published" {
	in_each forget_and_publish
}

# A box that listens in there; what a client needs is as bk.conf(5) has it.
start_box() {
	mkdir "$T/ssh"
	nsenter -t "$(cat "$T/run/leader")" -n "$rig/box.sh" up "$T/ssh" fsn
	sed -i "s,$T/ssh/,/etc/bk/ssh/," "$T/ssh/ssh_config"
	tar -c -C "$T/ssh" ssh_config client known_hosts | box sh -c '
		mkdir -m 700 /etc/bk/ssh
		tar -x -C /etc/bk/ssh --no-same-owner
		mv /etc/bk/ssh/ssh_config /etc/bk'
}

by_ssh() {
	start_box
	box sh -c 'cat >>/etc/bk/bk.conf' <<-END
		[repo far]
		url = sftp:fsn:restic
		password = file:/etc/bk/password
		[backup far]
		repo = far
		path = /home/ann
		[box fsn]
		url = sftp://fsn/cold
	END
	box sed -i 's/^fleet = .*/fleet = fsn/' /etc/bk/bk.conf
	run_bk 0 box bk-restic init far
	run_bk 0 box systemctl start bk-restic.service
	run_bk 0 box systemctl start bk-status.service
	wait_told 30 .up
	says 0 'backup far'
	[ -s "$T/ssh/fsn/data/restic/config" ]
	run_bk 0 box bk-status --fleet
	assert_has "$out" web1
}

@test "through ssh: a repository on a box, the state of the fleet" {
	in_each by_ssh
}

# gone_to_quarantine: a release is run until the file has gone there.
gone_to_quarantine() {
	box systemctl start bk-cold-release.service &&
		box sh -c '! [ -e /srv/cold/a/hello ] &&
			cat /srv/cold/a/.bk-quarantine/????????????????' >"$T/held"
}

# The root in there is an overlay, which tells nobody who writes to a file.
cold_release() {
	box sh -c '
		mkdir /srv/cold
		mount -t tmpfs tmpfs /srv/cold
		mkdir /srv/cold/a
		echo hello >/srv/cold/a/hello
		: >/srv/cold/a/.coldstorage_delete
		sed -i "s,^root = .*,&\nroot = /srv/cold," /etc/bk/bk.conf
		printf "[cold]\n%s\n%s\n%s\n%s\n" "boxes = usb" "settle = 1s" \
			"release-age = 0" "max-percent = 100" >>/etc/bk/bk.conf
		bk-cold -q init usb'
	drop_in bk-cold.service '[Service]' ReadWritePaths=/srv/box
	box systemctl start bk-cold.service ||
		fail "$(box journalctl -b --no-pager -o cat -u bk-cold)"
	# what no drop-in names is only read
	! wait_for 3 gone_to_quarantine 2>/dev/null || fail "it went"
	box test -e /srv/cold/a/hello
	drop_in bk-cold-release.service '[Service]' ReadWritePaths=/srv/cold
	wait_for 20 gone_to_quarantine ||
		fail "$(box journalctl -b --no-pager -o cat -u bk-cold-release)"
	assert_is "$(cat "$T/held")" hello
	box cat /var/lib/bk/state/bk-cold.cold-release.json >"$T/cold.json"
	assert_json "$T/cold.json" 'last.result == "ok" and
		last.counts.released == 1'
	# of the backup, which never ran
	run_bk 1 box bk-status
	assert_has "$out" 'ok       cold release'
	run_bk 0 box bk-cold undo
	assert_is "$(box cat /srv/cold/a/hello)" hello
}

@test "bk-cold-release in its sandbox: only where it may write, and undone" {
	in_each cold_release
}
