# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The life of a host: bk comes by apt from a repository, is set up, backs up
# and is watched, restores, is upgraded amid a backup, is removed and purged.
# A test is one of its days; each begins where the last one ended.

SUITE=${BATS_TEST_FILENAME##*-}
SUITE=${SUITE%.bats}
T=$BATS_FILE_TMPDIR
root=$T/root

life_begins() {
	export MISSING=$T/missing
	why_not dpkg-buildpackage apt-ftparchive gpg rpmbuild rpmsign createrepo_c \
		mmdebstrap systemd-nspawn sshd python3 jq >"$MISSING"
	[ ! -s "$MISSING" ] || return 0
	empty_machine bk-tools
	[ ! -s "$MISSING" ] || return 0
	"$rig/boot.sh" up "$root" "$T/run"
	nsenter -t "$(cat "$T/run/leader")" -n python3 "$rig/kuma.py" \
		--port-file "$T/port" --log "$T/kuma.log" --token secret-token \
		3>&- &
	echo $! >"$T/kuma.pid"
	wait_for 20 test -s "$T/port"
	mkdir "$T/ssh"
	nsenter -t "$(cat "$T/run/leader")" -n "$rig/box.sh" up "$T/ssh" box \
		>"$T/ports" 3>&-
}

# empty_machine PACKAGE...: in $root, with these packages, as the README says.
empty_machine() {
	"$rig/boot.sh" bare "$SUITE" "$root" 2>"$T/why" || {
		[ $? = 69 ] && cp "$T/why" "$MISSING"
		return
	}
	build_once
	mkdir -p "$root/srv/packages" "$root/etc/apt/keyrings"
	put_into "$root/srv/packages" "$P/b" file:///srv/packages
	cp "$root/srv/packages/bk.asc" "$root/etc/apt/keyrings/"
	cp "$root/srv/packages/bk.sources" "$root/etc/apt/sources.list.d/"
	in_chroot "apt-get -q update
		apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install $*" \
		>"$T/apt.log" 2>&1 || fail "$(tail -n 40 "$T/apt.log")"
}

# in_chroot COMMANDS: with the network of this host.
in_chroot() {
	# shellcheck disable=SC2016
	unshare -m bash -euc 'mount -t proc proc "$1/proc"
		mount --bind /dev "$1/dev"
		exec chroot "$1" env -i HOME=/root DEBIAN_FRONTEND=noninteractive \
			LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			sh -euc "$2"' bash "$root" "$1" </dev/null
}

life_ends() {
	[ ! -e "$T/ssh" ] || "$rig/box.sh" down "$T/ssh" box
	[ ! -s "$T/kuma.pid" ] || kill "$(cat "$T/kuma.pid")" 2>/dev/null || :
	"$rig/boot.sh" kill "$T/run"
}

a_day() {
	[ ! -s "$MISSING" ] || skip "$(tail -n 1 "$MISSING")"
	cd "$T" || return
}

# host COMMAND...: runs it there.
host() { "$rig/boot.sh" in "$T/run" "$@"; }

# told FILTER: of the last that the monitor heard.
told() {
	[ -e "$T/kuma.log" ] && jq -es \
		"[.[] | select(.service == \"kuma\")] | last | $1" \
		"$T/kuma.log" >/dev/null 2>&1
}

# active UNIT
active() { host systemctl is-active -q "$1"; }

enabled_timers() {
	host sh -c 'systemctl list-unit-files --no-legend --state=enabled \
		"bk-*" || :' | awk '{ print $1 }'
}

# The next release: this one with another number, with units and a sample of
# the configuration that have changed.
next_release() {
	local p
	mkdir -p next/deb
	for p in "$P"/b/deb/bk-tools_*.deb; do
		dpkg-deb -R "$p" next/x
		sed -i 's/^Version: .*/Version: 99.0-1/' next/x/DEBIAN/control
		sed -i 's/^Description=.*/Description=next/' \
			next/x/lib/systemd/system/bk-restic.*
		echo '# next' >>next/x/usr/share/doc/bk-tools/examples/bk.conf
		dpkg-deb --root-owner-group -b next/x \
			"next/deb/bk-tools_99.0-1_${p##*_}" >/dev/null
	done
	make -s -C "$top" repo-deb B="$T/next" REPO="$root/srv/packages" \
		URL=file:///srv/packages KEY=packages@example.org
}

# ---- the days ----------------------------------------------------------------

day_installed() {
	assert_is "$(enabled_timers)" ''
	run_bk 0 host sh -c 'systemctl list-units --no-legend --all "bk-*"'
	assert_is "$stdout" ''
	run_bk 0 host stat -c '%a %U %n' /etc/bk/bk.conf /var/lib/bk
	assert_is "$stdout" '640 root /etc/bk/bk.conf
700 root /var/lib/bk'
	host test -e /usr/share/man/man1/bk-restic.1.gz
	host test -e /usr/share/doc/bk-tools/NEWS.Debian.gz
	run_bk 0 host bk-restic --version
	run_bk 1 host bk-status
}

day_set_up() {
	local port print
	read -r port _ <"$T/ports"
	print=$(ssh-keygen -l -f ssh/box/hostkey.pub | cut -d' ' -f2)
	host sh -c 'mkdir -p /home/ann/docs && echo dear >/home/ann/docs/letter'
	set -- bk-config init --yes --repo-url "sftp://u100001@127.0.0.1:$port/r/%H" \
		--host-key "$print" --root /home --mark /home/ann/docs --path /etc \
		--monitor-url "http://127.0.0.1:$(cat "$T/port")" \
		--monitor-token-from /root/token --master-to /root/master
	echo secret-token | host sh -c 'umask 077; cat >/root/token'
	# the box does not know this host yet
	run_bk 77 host "$@"
	cat "$root/etc/bk/ssh/box.pub" \
		>>"/proc/$(cat ssh/box/sftp.pid)/root/run/box/authorized_keys"
	run_bk 0 host "$@"
	assert_has "$out" 'first backup'
	host rm /root/token
	assert_is "$(enabled_timers | grep -c -x -e bk-restic.timer \
		-e bk-forget.timer -e bk-notify.timer)" 3
	active bk-restic.timer
	told .up || fail "$(cat kuma.log)"
	run_bk 0 host bk-status
	run_bk 3 host bk-config check
	assert_hasnt "$out" 'error	'
}

# A timer that was missed fires as soon as it can.
day_timer() {
	host sh -c 'echo more >/home/ann/docs/second
		mkdir -p /home/ben && echo his >/home/ben/file
		bk-scan mark backup /home/ben >/dev/null
		systemctl stop bk-restic.timer
		touch -d "3 days ago" /var/lib/systemd/timers/stamp-bk-restic.timer
		mkdir /run/systemd/system/bk-restic.timer.d
		printf "[Timer]\nRandomizedDelaySec=0\n" \
			>/run/systemd/system/bk-restic.timer.d/now.conf
		systemctl daemon-reload
		systemctl start bk-restic.timer'
	wait_for 60 found /home/ben/file || fail \
		"$(host journalctl -b --no-pager -o cat -u 'bk-*' | tail -n 40)"
	wait_for 30 told '.up and (.msg | startswith("ok: "))' ||
		fail "$(cat kuma.log)"
	[ -d "ssh/box/data/r/$(host uname -n)/snapshots" ]
	host journalctl -b --no-pager >journal
	assert_hasnt journal secret-token
}

# found FILE: in the newest snapshots.
found() { host bk-restic find files "${1##*/}" 2>/dev/null | grep -qF "$1"; }

day_restore() {
	host sh -c 'cp -a /home/ann /root/ann && rm -r /home/ann/docs/letter
		cd / && bk-restic restore --help >/dev/null'
	run_bk 0 host bk-restic restore files --target /root/back
	host diff -r /root/ann/docs /root/back/home/ann/docs
	host cp -a /root/back/home/ann/docs/letter /home/ann/docs/letter
}

day_proved() {
	run_bk 0 host bk-verify run
	run_bk 0 host bk-verify status
}

# to_restic SIGNAL: to the backup of the service; false: there is none.
# shellcheck disable=SC2016
to_restic() {
	host sh -c 'for p in /proc/[0-9]*; do
			[ "$(cat "$p/comm")" = restic ] &&
				grep -qzx backup "$p/cmdline" &&
				kill "-$1" "${p#/proc/}" && exit
		done 2>/dev/null
		exit 1' sh "$1"
}

# config: what the user has written, and what packages leave beside it.
config() { host sh -c 'cd /etc/bk && sha256sum bk.conf* conf.d/* 2>/dev/null || :'; }

day_upgrade() {
	local pid conf p
	next_release
	host sh -c 'head -c 8M /dev/urandom >/home/ann/docs/much
		sed -i "/^\[repo main\]/a limit-upload = 500k" /etc/bk/bk.conf
		systemctl start --no-block bk-restic.service'
	# it is held while all else goes on, however long that takes
	wait_for 30 to_restic STOP
	pid=$(host systemctl show -P MainPID bk-restic.service)
	[ "$pid" != 0 ]
	conf=$(config)
	run_bk 0 host sh -c 'DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
		apt-get -q update && apt-get -q -y install --only-upgrade bk-tools'
	host dpkg -s bk-tools >said
	assert_has said 'Version: 99.0-1'
	assert_has said 'Status: install ok installed'
	# nothing was asked, for nothing could be answered
	assert_is "$(config)" "$conf"
	assert_has "$root/usr/share/doc/bk-tools/examples/bk.conf" '# next'
	for p in bk-restic.timer bk-restic.service; do
		assert_is "$(host systemctl show -P Description $p)" next
		assert_is "$(host systemctl show -P NeedDaemonReload $p)" no
	done
	assert_is "$(host systemctl show -P MainPID bk-restic.service)" "$pid"
	active bk-restic.timer
	to_restic CONT
	wait_for 60 found /home/ann/docs/much
	wait_for 30 told '.up and (.msg | startswith("ok: "))'
	host sed -i '/^limit-upload/d' /etc/bk/bk.conf
	run_bk 0 host bk-status
}

# What the newer one wrote is neither taken for its own by the old one, nor
# thrown away.
day_downgrade() {
	local conf timers old
	conf=$(config)
	timers=$(enabled_timers)
	old=$(basename "$P"/b/deb/bk-tools_*.deb)
	old=${old#*_}
	run_bk 0 host env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
		--allow-downgrades "bk-tools=${old%_*}"
	assert_is "$(config)" "$conf"
	assert_is "$(enabled_timers)" "$timers"
	active bk-restic.timer
	assert_hasnt <(host systemctl show -P Description bk-restic.timer) next
	run_bk 0 host bk-restic backup
	host sh -c 'cd /var/lib/bk/verify && cp -a drill:files.json /root/ &&
		sed -i "s/\"v\": *1/\"v\": 2/" drill:files.json'
	run_bk 65 host bk-verify run drill:files
	assert_has "$err" 'was written by a newer bk: install that one'
	host grep -q '"v": 2' /var/lib/bk/verify/drill:files.json
	host cp -a /root/drill:files.json /var/lib/bk/verify/
	run_bk 0 host bk-verify run drill:files
	run_bk 0 host bk-status
}

day_removed() {
	local before
	before=$(enabled_timers)
	host sh -c 'find /var/lib/bk /etc/bk -type f | sort' >files
	run_bk 0 host apt-get -q -y remove bk-tools
	host sh -c 'find /var/lib/bk /etc/bk -type f | sort' | diff files -
	! active bk-restic.timer || fail "the timer is still active"
	host sh -c '! command -v bk-restic'
	run_bk 0 host apt-get -q -y install bk-tools
	assert_is "$(enabled_timers)" "$before"
	run_bk 0 host bk-restic backup
	run_bk 0 host bk-status
}

day_purged() {
	local files
	files=$(find ssh/box/data -type f | sort | xargs sha256sum)
	host bk-secret list >secrets
	run_bk 0 host apt-get -q -y purge bk-tools
	assert_is "$(enabled_timers)" ''
	host sh -c '[ ! -e /var/lib/bk ] && [ ! -e /var/cache/bk ] &&
		[ ! -e /etc/bk/bk.conf ] && [ ! -e /etc/bk/ssh ] &&
		[ ! -e /etc/credstore.encrypted/bk.keyring ]'
	# sealed: without the master nobody opens it
	host sh -c 'find /etc/bk -type f' >kept
	assert_is "$(cat kept)" /etc/bk/cryptfile_pass.cfg
	run_bk 0 host systemctl list-units --no-legend --failed 'bk-*'
	assert_is "$stdout" ''
	assert_is "$(find ssh/box/data -type f | sort | xargs sha256sum)" "$files"
}
