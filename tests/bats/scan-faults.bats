#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan against what goes wrong: denied, vanished, mounted, deep, stopped.

load helper
load scan

setup() {
	scan_setup
}

# Ends what a test left running.
teardown() {
	touch "$T/stop"
}

@test "a folder that denies access: what is known of it is kept" {
	need_root
	mk_marker home/a/b/.backup home/c/.backup
	run_bk 0 as_user bk-scan
	chmod 000 home/a
	run_bk 3 as_user bk-scan
	assert_has "$out" "$T/home/a/b	$T/home/a/b/.backup	known"
	assert_has "$err" "home/a: cannot be read: Permission denied"
	assert_has "$err" "is kept"
	run_bk 3 as_user bk-scan
	assert_has "$out" "known"
	run_bk 3 as_user bk-scan --accept
	assert_hasnt "$out" "known"
	chmod 755 home/a
	run_bk 0 as_user bk-scan
	assert_has "$out" "$T/home/a/b	$T/home/a/b/.backup	in"
}

@test "a marker that cannot be looked at, or read: what is known is kept" {
	need_root
	mk_marker home/a/.backup home/b/.backup home/c/.nobackup
	echo 'set = other' >home/b/.backup
	printf '%s\n' '[backup other]' 'repo = main' >>bk.conf
	run_bk 0 as_user bk-scan
	chmod 644 home/a
	chmod 000 home/b/.backup
	run_bk 3 as_user bk-scan
	assert_has "$out" "home	$T/home/a	$T/home/a/.backup	known"
	assert_has "$out" "other	$T/home/b	$T/home/b/.backup	known"
	assert_has "$err" "a/.backup: this marker does not count: it cannot be"
	run_bk 3 as_user bk-scan --cached
	assert_has "$out" "home	$T/home/a	$T/home/a/.backup	known"
	assert_has "$out" "other	$T/home/b	$T/home/b/.backup	known"
	run_bk 3 as_user bk-scan --accept
	assert_hasnt "$out" "known"
	chmod 755 home/a
	chmod 644 home/b/.backup
	run_bk 0 as_user bk-scan
	assert_is "$(cut -f2,3,5 "$out")" \
		"home	$T/home/a	in
other	$T/home/b	in"
}

@test "a [scan] root that is gone keeps what is known of it" {
	mk_marker home/a/.backup
	run_bk 0 bk-scan
	mv home away
	run_bk 3 bk-scan
	assert_has "$out" "$T/home/a	$T/home/a/.backup	known"
	mv away home
	rm home/a/.backup
	run_bk 0 bk-scan
	assert_is "$stdout" ""
}

@test "mounts are not crossed, unless the configuration says so" {
	in_mounts "
		mkdir -p home/a/m
		touch home/a/.backup
		mount -t tmpfs x home/a/m
		mkdir home/a/m/d
		touch home/a/m/f home/a/m/d/.coldstorage
		bk-scan --json >plan
		bk-scan files restic >files
		sed -i 's/^\[scan\]/&\ncross-mounts = yes/' bk.conf
		bk-scan --json >plan2
		sed -i 's/^\[scan\]/&\nfstype = tmpfs/' bk.conf
		bk-scan --json >plan3
		bk-scan files restic >files3
		bk-scan list >list3
		umount home/a/m
		bk-scan list >list4 2>err4 || echo \$? >rc4
	"
	assert_json plan '.[] | select(.type == "out") |
		.why == {"kind": "mount", "fstype": "tmpfs"}'
	assert_json plan '.[] | select(.type == "mount") | .crossed == false'
	assert_hasnt files "/m/f"
	assert_json plan2 '.[] | select(.type == "mount") | .crossed == false'
	assert_json plan3 '.[] | select(.type == "mount") | .crossed'
	assert_json plan3 '.[] | select(.class == "cold" and
		.type == "root") | .mount | endswith("/home/a/m")'
	assert_has files3 "/m/f"
	# what was on a file system that is not mounted now is not gone
	assert_is "$(cat rc4)" 3
	assert_has list4 "known"
	assert_has err4 "nothing is mounted now"
}

@test "a configured disk that is not mounted: the plan after is the same again" {
	echo "path = $T/home/a/m" >>bk.conf
	mkdir -p home/a/m
	in_mounts "
		mount -t tmpfs x home/a/m
		mkdir -p home/a/m/{no/yes/no,marked/no}
		touch home/a/m/no/.nobackup home/a/m/no/yes/.backup \
			home/a/m/no/yes/no/.nobackup
		sed -i 's/^\[scan\]/&\ncross-mounts = yes\nfstype = tmpfs/' bk.conf
		bk-scan >l1
		umount home/a/m
		for i in 2 3 4; do
			bk-scan >l\$i || [ \$? = 3 ]
		done
		bk-scan --cached >l5 || [ \$? = 3 ]
	"
	assert_has l1 "home/a/m/no	"
	assert_has l2 "home/a/m/no/yes	$T/home/a/m/no/yes/.backup	known"
	assert_has l2 "home/a/m/no/yes/no	$T/home/a/m/no/yes/no/.nobackup	out"
	for i in 3 4 5; do
		diff l2 l$i
	done
}

@test "the sandbox of a unit: mounts of folders onto themselves, and hiding" {
	in_mounts "
		mkdir -p home/a/b home/a/h systemd-private-1-x/tmp
		touch home/a/.backup home/a/b/f home/a/h/g
		bk-scan --json >plan
		mount --bind home home
		mount --bind home/a home/a
		mount --bind home/a/b home/a/b
		bk-scan --json >plan2
		mount --bind systemd-private-1-x/tmp home/a/h
		bk-scan --json >plan3 || echo \$? >rc3
	"
	# shellcheck disable=SC2016
	jq -c 'del(.time)' plan >want
	jq -c 'del(.time)' plan2 | diff want -
	assert_is "$(cat rc3)" 3
	assert_json plan3 'any(.type == "warning" and
		(.path | endswith("home/a/h")) and (.message | test("hidden")))'
}

@test "a bind mount of a folder above is skipped, any other is entered" {
	in_mounts "
		mkdir -p home/a/loop home/a/b home/other
		touch home/a/.backup home/a/b/f home/other/g
		sed -i 's/^\[scan\]/&\ncross-mounts = yes/' bk.conf
		mount --bind home home/a/loop
		mount --bind home/other home/a/b
		timeout 20 bk-scan --json >plan
		timeout 20 bk-scan files restic >files
	"
	assert_json plan '[.[] | select(.type == "mount") | .crossed] ==
		[true, false]'
	assert_json plan 'any(.type == "warning" and
		(.message | test("folder above it")))'
	assert_has files "/home/a/b/g"
	assert_hasnt files "/loop/"
}

@test "a configured path on a mount that is not crossed is walked" {
	echo "path = $T/home/a/m/d" >>"$BK_CONFIG"
	in_mounts "
		mkdir -p home/a/m
		touch home/a/.backup
		mount -t tmpfs x home/a/m
		mkdir home/a/m/d
		touch home/a/m/d/f
		bk-scan files restic >files
	"
	assert_has files "/home/a/m/d/f"
}

@test "roots on mounts in mounts: each file is named once" {
	for d in a/m/d a/m/d/n/x a/m/d/n/x/g a/m/d/z; do
		echo "path = $T/home/$d" >>bk.conf
	done
	sed -i "s|^\[scan\]|&\nroot = $T/home/a/m|" bk.conf
	in_mounts "
		mkdir -p home/a/m
		touch home/a/.backup home/a/f
		mount -t tmpfs x home/a/m
		mkdir -p home/a/m/{d/n,d/z,u}
		touch home/a/m/{d,d/z,u}/f
		mount -t tmpfs x home/a/m/d/n
		mkdir -p home/a/m/d/n/{x,y}
		touch home/a/m/d/n/{x/f,x/g,y/f}
		mount --bind home/a/m/d/z home/a/m/d/z
		bk-scan files restic >files
		bk-scan uncovered >uncovered
	"
	assert_is "$(sed "s|$T/home/||" files)" \
		"$(printf 'a/%s\n' .backup f m/d/f m/d/z/f m/d/n/x/f m/d/n/x/g)"
	assert_has uncovered "folder	$T/home/a/m/u"
}

@test "5000 levels, past PATH_MAX, with 1024 descriptors" {
	need_program python3
	python3 - home <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(5000):
		    os.mkdir("side")
		    os.mkdir("deep")
		    os.chdir("deep")
		os.close(os.open(".backup", os.O_CREAT))
		os.close(os.open("file", os.O_CREAT))
	END
	ulimit -n 1024
	run_bk 0 bk-scan -0
	assert_is "$(wc -c <"$out")" $((${#T} + 5 + 5000 * 5 + 1))
	run_bk 0 bk-scan files restic
	assert_is "$(wc -l <"$out")" 2
	ulimit -n 64
	run_bk 0 bk-scan --json
	assert_json "$out" '.[] | select(.type == "root") | .files == 2'
	rm -rf home
}

@test "100 000 entries and 20 000 folders in one folder" {
	mkdir home/a
	touch home/a/.backup
	(cd home/a && seq 80000 | xargs touch && seq 20000 |
		sed 's/^/d/' | xargs mkdir)
	run_bk 0 bk-scan --json
	assert_json "$out" '.[] | select(.type == "root") |
		.files == 80001 and .dirs == 20001'
}

@test "a tree that changes while it is walked" {
	mk_marker home/keep/.backup
	(
		while [ ! -e stop ]; do
			mkdir -p home/x/{1,2,3}/{4,5,6}/{7,8,9}
			touch home/x/{1,2,3}/{4,5,6}/.backup
			mv home/x home/y
			ln -s .. home/x
			rm -rf home/y home/x
		done
	) 3>&- &
	local churn=$!
	for _ in $(seq 60); do
		bk-scan --json >plan 2>err || [ $? = 3 ]
		assert_json plan 'any(.path == "'"$T"'/home/keep")'
		assert_json plan 'all(.path == null or
			(.path | startswith("'"$T"'/home")))'
	done
	touch stop
	wait "$churn" || :
	rm -rf home/x home/y
	run_bk 0 bk-scan
	assert_is "$(wc -l <"$out")" 1
}

@test "two scans at once" {
	mk_marker home/{a,b,c}/.backup
	for _ in $(seq 20); do
		bk-scan >/dev/null & bk-scan >/dev/null
		wait $!
	done
	run_bk 0 bk-scan diff
}

@test "a plan that cannot be kept is told, the list is whole" {
	mk_marker home/a/.backup
	rm -rf "$BK_STATE_DIR"
	: >"$BK_STATE_DIR"
	run_bk 3 bk-scan
	assert_has "$out" "$T/home/a"
	assert_has "$err" "the plan is not kept"
}

@test "closed and full stdout" {
	mk_marker home/a/.backup
	run_bk 74 bash -c 'bk-scan >/dev/full'
	run_bk 74 bash -c 'bk-scan >&-'
	run_bk 74 bash -c 'bk-scan --json files restic >/dev/full'
	run_bk 0 bash -c 'bk-scan <&- 2>&-'
}

@test "SIGTERM ends it by that signal, and keeps nothing" {
	need_program python3
	python3 - home <<-'END'
		import os, sys
		for i in range(150):
		    for k in range(200):
		        os.makedirs(f"{sys.argv[1]}/{i}/{k}")
	END
	local ended=
	for wait in 0.001 0.003 0.006 0.01 0.02 0.03; do
		rm -rf "$BK_STATE_DIR/scan"
		bk-scan >/dev/null 2>err &
		sleep "$wait"
		kill -TERM $! 2>/dev/null || :
		status=0
		wait $! || status=$?
		[ "$status" = 0 ] || [ "$status" = 143 ]
		[ "$status" = 0 ] || ended=1
		[ "$status" = 0 ] || [ ! -e "$BK_STATE_DIR/scan/plan.json" ]
	done
	[ -n "$ended" ]
}

@test "a kernel without openat2 gives the same plan" {
	need_program strace
	mk_marker home/a/.backup home/a/b/.nobackup home/a/b/c/.backup
	run_bk 0 bk-scan -n list
	cp "$out" with
	# the leak sanitizer cannot work under strace
	ASAN_OPTIONS=detect_leaks=0 run_bk 0 strace -f -o /dev/null -e trace=openat2 \
		-e inject=openat2:error=ENOSYS bk-scan -n list
	cmp with "$out"
}

@test "a link that leads nowhere is missing, not a file" {
	mkdir -p m/data home/a
	touch home/a/.backup
	ln -s m/data lnk
	sed -i "/^\[backup home\]/a path = $T/lnk" bk.conf
	run_bk 0 bk-scan
	mv m away
	run_bk 3 bk-scan
	assert_has "$out" "missing"
}

@test "a scan root that is a file, two of one class, a FIFO as last plan" {
	mkdir -p home/a "$BK_STATE_DIR/scan"
	touch home/a/.backup file
	run_bk 64 bk-scan files restic:home restic:home
	run_bk 64 bk-scan files cold delete
	mkfifo "$BK_STATE_DIR/scan/plan.json"
	run_bk 0 timeout 10 bk-scan -n list
	assert_has "$err" "the last plan is ignored"
	sed -i "/^\[scan\]/a root = $T/file" bk.conf
	run_bk 3 bk-scan -n list
	assert_has "$err" "$T/file"
}

# deaf KIND: something that does not answer below the root, and each command.
deaf() {
	need_program python3 strace
	mkdir -p home/a/mnt home/b/mnt
	touch home/a/.backup home/b/mnt/f
	export kind=$1 deaf=$rigs/deaf.py
	# shellcheck disable=SC2016
	in_mounts '
		for cross in no yes; do
			sed -i "s/^\[scan\]/&\ncross-mounts = $cross/" bk.conf
			for what in "--full list" list "list --json" show \
				"why home/a" "files restic" uncovered; do
				status=0
				python3 "$deaf" $kind home/a/mnt 20 \
					bk-scan $what >out || status=$?
				[ $status = 0 ] || exit $status
			done
			sed -i /cross-mounts/d bk.conf
		done
		ASAN_OPTIONS=detect_leaks=0 python3 "$deaf" $kind home/a/mnt 20 \
			strace -f -o trace -e trace=openat2,openat,open \
			bk-scan --full list' || {
		[ $? != 77 ] || skip "no $kind here"
		return 1
	}
	# the folder of the same name that is none was looked into
	assert_is "$(grep -c '"mnt"' trace)" "$2"
}

@test "an automount is not triggered" {
	deaf autofs 1
}

@test "a FUSE file system that does not answer is not waited for" {
	deaf fuse 2
}

@test "something mounted over a marked folder does not make it forgotten" {
	in_mounts "
		mkdir -p home/a/data/x
		touch home/a/data/x/.backup
		bk-scan >list
		mount -t tmpfs none home/a/data
		bk-scan >list2 2>err2 || echo \$? >rc2
	"
	assert_is "$(cat rc2)" 3
	assert_has list2 "known"
}
