# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bats files about bk-config share, beside helper.bash.
# shellcheck disable=SC2034,SC2154

# A host of its own: /etc (a copy, in $T/etc), /var/lib/systemd and
# /run/systemd (empty: no systemd runs) in mounts that a test alone sees.
# There is no configuration yet, and a little tree in $T/src.
host_setup() {
	need_root
	need_program restic ssh ssh-keygen nsenter
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	bk_setup
	unset BK_CONFIG
	rm bk.conf
	rig=$BATS_TEST_DIRNAME/../rigs
	mkdir etc bin
	PATH=$T/bin:$PATH
	cp -a /etc/machine-id /etc/passwd /etc/group /etc/nsswitch.conf \
		/etc/hosts etc
	[ -s etc/machine-id ] || od -An -N16 -tx1 /dev/urandom | tr -d ' ' \
		>etc/machine-id
	cp -a /etc/ld.so.* /etc/ssl etc 2>/dev/null || :
	unshare -m --propagation private sh -c '
		mount --bind etc /etc && mkdir -p /var/lib/systemd /run/systemd &&
		mount -t tmpfs -o mode=755 none /var/lib/systemd &&
		mount -t tmpfs -o mode=755 none /run/systemd &&
		touch ready && exec sleep 1000' 3>&- 2>unshare.txt &
	ns=$!
	wait_for 30 mounted
	[ -e ready ] || skip "cannot mount: $(cat unshare.txt)"
	mk_tree src <<-END
		a/one = 1
		a/two = 22
		b/three = 333
	END
}

mounted() { [ -e ready ] || ! kill -0 "$ns" 2>/dev/null; }

host_teardown() {
	[ -z "${ns:-}" ] || kill "$ns" 2>/dev/null || :
}

# there COMMAND...: on that host.
there() { nsenter -t "$ns" -m --wd="$T" "$@"; }

# start COMMAND...: the same in the background, as $pid; what it says goes to
# the files steps and said.
start() {
	(exec nsenter -t "$ns" -m --wd="$T" "$@") >steps 2>said 3>&- &
	pid=$!
}

# nobody_left: no tool of this test runs any more.
nobody_left() {
	local p
	for p in $(pgrep '^(bk-|restic)'); do
		! grep -qzs "^BK_STATE_DIR=$T/state" "/proc/$p/environ" ||
			return 1
	done
}

# init STATUS [OPTION...]: without a person.
init() {
	local want=$1
	shift
	run_bk "$want" there bk-config init --yes "$@"
}

# init_file STATUS [OPTION...]: one that needs no systemd-creds: the password
# in a file, the repository in a folder.
init_file() {
	local want=$1
	shift
	init "$want" --repo-url "$T/repo" --password-ref "file:$T/etc/bk/pw" \
		--path "$T/src" "$@"
}

# step STATE NAME: there was such a line.
step() {
	grep -q "^$1	$2	" "$out" ||
		fail "no step \"$2\" was \"$1\":" "$(cat "$out")" "$(cat "$err")"
}

# found LEVEL ABOUT TEXT: check said so.
found() {
	awk -F '\t' -v l="$1" -v a="$2" -v t="$3" '
		$1 == l && $2 == a && index($3, t) { yes = 1 }
		END { exit !yes }' "$out" ||
		fail "not found: $1 $2: $3" "$(cat "$out")"
}

# found_no TEXT: nothing about that.
found_no() { assert_hasnt "$out" "$1"; }

# A systemctl that notes what it is told, in $T/systemctl.log, and answers
# "show" from files $T/units/UNIT, of lines PROPERTY=VALUE. Timers that are
# enabled become active. systemd seems to run.
fake_systemctl() {
	mkdir -p units
	there mkdir -p /run/systemd/system
	cat >bin/systemctl <<-'END'
		#!/bin/bash
		top=${0%/bin/systemctl}
		echo "$*" >>"$top/systemctl.log"
		case $1 in
		show)
			[ -e "$top/units/$5" ] || { [ "$3" != LoadState ] ||
				echo not-found; exit 0; }
			sed -n "s/^$3=//p" "$top/units/$5" ;;
		enable)
			shift 2
			for u; do
				printf 'LoadState=loaded\nUnitFileState=enabled\n%s\n' \
					ActiveState=active >"$top/units/$u"
			done ;;
		daemon-reload)
			for f in /etc/systemd/system/*.d/*.conf; do
				unit=${f%/*}
				unit=${unit##*/}
				grep ^ReadWritePaths= "$f" >>"$top/units/${unit%.d}"
			done ;;
		*) exit 1 ;;
		esac
	END
	chmod 755 bin/systemctl
	local u program
	for u in bk-restic bk-forget bk-notify bk-status; do
		program=${u/forget/restic}
		printf 'LoadState=loaded\nUnitFileState=disabled\n%s\n' \
			ActiveState=inactive >units/$u.timer
		printf 'LoadState=loaded\nProtectSystem=strict\n%s\n%s\n' \
			Result=success "ExecStart={ path=$BK_BIN/$program ; x }" \
			>units/$u.service
	done
}
