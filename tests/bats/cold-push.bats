#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold push, to boxes on disks.

load helper
load cold

setup() { cold_setup; }
teardown() { cold_teardown; }

@test "what is marked is copied, listed and proved, once" {
	local before
	mkdir -p src/a/deep/er src/b
	head -c 3000000 /dev/urandom >src/a/deep/er/big
	: >src/a/empty
	ln -s hello src/a/link
	ln -s /nowhere src/a/dangling
	ln src/a/hello src/a/again
	echo no >src/b/not-chosen
	run_bk 0 bk-cold push
	assert_has "$out" $'markers\tok\t5 files, '
	proved "$one"
	assert_is "$(objects "$one")" "$(printf 'src/a/%s\n' %2Ecoldstorage again \
		deep/er/big empty hello | sort)"
	cmp src/a/deep/er/big "$(object "$one" src/a/deep/er/big)"
	state_says '.result == "ok" and .counts.copied == 5 and .last_ok'
	before=$(find "$one" | sort)
	run_bk 0 bk-cold push
	assert_hasnt "$out" copied
	assert_is "$(find "$one" | sort)" "$before"
	assert_is "$(ask 'select count(*) from pending')" 0
}

@test "hostile names come to safe ones, and are told apart" {
	local long
	mk_hostile src/a/h
	long=$(printf 'x%.0s' $(seq 120))$'\xff'$(printf '\xe4%.0s' $(seq 100))
	echo long >"src/a/$long"
	echo 1 >src/a/%41
	echo 2 >src/a/A
	run_bk 0 bk-cold push
	proved "$one"
	[ "$(objects "$one" | wc -l)" = "$(find src/a -type f -printf x | wc -c)" ]
	! objects "$one" | LC_ALL=C grep -q '[^A-Za-z0-9._+=@,/%~-]' ||
		fail "unsafe: $(objects "$one")"
	assert_is "$(cat "$(object "$one" src/a/%2541)")" 1
	assert_is "$(cat "$(object "$one" src/a/A)")" 2
}

@test "a new content lies beside the old one" {
	local old
	bk-cold -q push >/dev/null
	old=$(object "$one" src/a/hello)
	echo other >src/a/hello
	run_bk 0 bk-cold push
	assert_is "$(cat "$old")" hello
	assert_is "$(cat "$old"~*)" other
	proved "$one"
	# and back again: it lies there
	echo hello >src/a/hello
	run_bk 0 bk-cold push
	[ "$(objects "$one" | grep -c /hello)" = 2 ]
	proved "$one"
}

@test "other metadata are listed, and nothing is copied" {
	bk-cold -q push >/dev/null
	chmod 640 src/a/hello
	touch -d 2001-02-03 src/a/hello
	setfattr -n user.x -v y src/a/hello 2>/dev/null || :
	run_bk 0 bk-cold push
	assert_hasnt "$out" copied
	[ "$(objects "$one" | grep -c /hello)" = 1 ]
	jq -es 'map(select(.type == "file" and (.path | endswith("/hello")))) |
		last | .mode == "0640"' "$one/$host"/FILES.* >/dev/null ||
		fail "$(cat "$one/$host"/FILES.*)"
	proved "$one"
}

@test "markers, patterns and other file systems bound what is copied" {
	mkdir -p src/a/out/in src/a/fs
	echo 1 >src/a/out/no
	echo 2 >src/a/out/in/yes
	mk_marker src/a/out/.nobackup src/a/out/in/.coldstorage
	printf 'exclude = *.tmp\n  /top\n' >src/a/.coldstorage
	echo 3 >src/a/x.tmp
	echo 4 >src/a/top
	mkdir src/a/sub
	echo 5 >src/a/sub/top
	mount -t tmpfs tmpfs src/a/fs
	echo 6 >src/a/fs/foreign
	run_bk 0 bk-cold push
	umount src/a/fs
	assert_is "$(objects "$one")" "$(printf 'src/a/%s\n' %2Ecoldstorage hello \
		out/in/%2Ecoldstorage out/in/yes sub/top | sort)"
}

@test "sockets, FIFOs and devices are left out, and counted" {
	mkfifo src/a/fifo
	mknod src/a/null c 1 3
	run_bk 0 bk-cold push
	assert_has "$out" '2 left out that are no files'
}

@test "files that are too young come later" {
	echo 'min-age = 1h' >src/a/.coldstorage
	run_bk 0 bk-cold push
	assert_has "$out" '2 too young'
	[ -z "$(objects "$one")" ]
	: >src/a/.coldstorage
	run_bk 0 bk-cold push
	[ "$(objects "$one" | wc -l)" = 2 ]
}

@test "what a program has open for writing is partial, and named" {
	exec 7>>src/a/log
	echo line >&7
	run_bk 3 bk-cold push
	exec 7>&-
	assert_has "$err" 'src/a/log: a program writes to it'
	assert_has "$out" $'markers\tpartial\t'
	state_says '.result == "partial" and (.message | contains("log"))'
	[ "$(objects "$one" | wc -l)" = 2 ]
	run_bk 0 bk-cold push
	assert_is "$(cat "$(object "$one" src/a/log)")" line
}

@test "a writable map without a descriptor is noticed" {
	head -c 100000 /dev/zero >src/a/map
	python3 - src/a/map map.ready <<-'END' &
		import mmap, os, sys, time
		f = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(f, 0)
		os.close(f)
		open(sys.argv[2], "w").close()
		time.sleep(20)
	END
	wait_for 30 test -e map.ready
	run_bk 3 bk-cold push
	kill $!
	wait $! || :
	assert_has "$err" 'src/a/map: a program writes to it'
	run_bk 0 bk-cold push
}

@test "a file that is written to while it is read is not copied" {
	need_program strace
	head -c 8000000 /dev/urandom >src/a/big
	strace -f -qq -o /dev/null -e trace=pread64 \
		-e inject=pread64:delay_enter=200000 \
		bk-cold push >o 2>e 3>&- &
	wait_for 20 sending "$one"
	echo more >>src/a/big
	status=0
	wait $! || status=$?
	assert_is "$status" 3
	grep -q 'src/a/big: ' e || fail "$(cat e)"
	! objects "$one" | grep -q big || fail "it was taken as good"
	run_bk 0 bk-cold push
	cmp src/a/big "$(object "$one" src/a/big)"
	proved "$one"
}

@test "other bytes with the same times are not taken for the file" {
	bk-cold -q push >/dev/null
	# as if the disk had flipped a bit since
	ask "update content set sha256 = replace(sha256, substr(sha256, 1, 1),
		'0') || '' where path like '%hello';
		update content set sha256 = '0' || substr(sha256, 2)
		where cast(path as text) like '%hello';
		delete from copy where object like '%hello';
		insert into pending select 1, id from file
		where cast(path as text) like '%hello'; delete from listed"
	run_bk 3 bk-cold push
	assert_has "$err" 'its bytes changed, its times did not'
	touch src/a/hello
	run_bk 0 bk-cold push
}

@test "a box that is full gets what fits, and nothing is called good" {
	umount "$one"
	disk "$one" 18m
	rm -rf "$BK_STATE_DIR/cold"
	bk-cold -q init one >/dev/null
	head -c 4000000 /dev/urandom >src/a/large
	run_bk 3 bk-cold push
	assert_has "$err" 'src/a/large: box one has too little room'
	[ "$(objects "$one" | wc -l)" = 2 ]
	mount -o remount,size=64m "$one"
	run_bk 0 bk-cold push
	cmp src/a/large "$(object "$one" src/a/large)"
	proved "$one"
}

@test "a disk that is not mounted, and another disk in its place, are refused" {
	bk-cold -q push >/dev/null
	umount "$one"
	echo new >src/a/new
	run_bk 3 bk-cold push
	assert_has "$err" 'has no .bk-box-id (is it mounted?)'
	[ -z "$(ls -A "$one")" ] || fail "something was written"
	disk "$one"
	echo 0123456789abcdef0123456789abcdef >"$one/.bk-box-id"
	run_bk 3 bk-cold push
	assert_has "$err" 'box one is another one than it was'
	assert_is "$(ls -A "$one")" .bk-box-id
}

@test "a box that was not initialised is named, with what to do" {
	cold_conf "one two"
	disk "$two"
	run_bk 3 bk-cold push
	assert_has "$err" 'box two is not initialised: bk-cold init two'
}

@test "two copies are two, on two disks" {
	mv src/a/.coldstorage src/a/.coldstorage_redundant
	disk "$two"
	bk-cold -q init two >/dev/null
	run_bk 0 bk-cold push
	proved "$one"
	proved "$two"
	assert_is "$(objects "$one")" "$(objects "$two")"
	assert_is "$(ask 'select count(*) from copy')" 4
}

@test "one of two boxes is away: the other gets its copy, later both" {
	mv src/a/.coldstorage src/a/.coldstorage_redundant
	disk "$two"
	bk-cold -q init two >/dev/null
	mv "$two/.bk-box-id" id
	run_bk 3 bk-cold push
	assert_has "$out" partial
	proved "$one"
	[ -z "$(objects "$two")" ]
	mv id "$two/.bk-box-id"
	run_bk 0 bk-cold push
	proved "$two"
	assert_is "$(objects "$one")" "$(objects "$two")"
	# each was sent once
	assert_is "$(find "$one/$host/DATA" -type f | wc -l)" 2
}

@test "disks whose numbers were swapped by a reboot are still two" {
	mv src/a/.coldstorage src/a/.coldstorage_redundant
	disk "$two"
	bk-cold -q init two >/dev/null
	ask "update box set peer = 'dev:$(mountpoint -d "$one")'
			where name = 'two';
		update box set peer = 'dev:$(mountpoint -d "$two")'
			where name = 'one'"
	run_bk 0 bk-cold push
	proved "$one"
	proved "$two"
}

@test "two names for one place are refused" {
	mv src/a/.coldstorage src/a/.coldstorage_redundant
	url_two=dir:$one
	cold_conf one
	run_bk 77 bk-cold init two
	assert_has "$err" 'box two is on the same machine or disk as box one'
	mkdir "$one/other"
	url_two=dir:$one/other
	cold_conf one
	run_bk 77 bk-cold init two
	# the configuration alone does not make them two
	url_two=dir:$T/two
	cold_conf one
	disk "$two"
	bk-cold -q init two >/dev/null
	url_two=dir:$one
	cold_conf one
	run_bk 3 bk-cold push
	assert_has "$err" 'box two is another one than it was'
}

@test "the number of a disk of before is none of now" {
	disk "$two"
	ask "update box set peer = 'dev:$(mountpoint -d "$two")'
		where name = 'one'"
	run_bk 0 bk-cold init two
}

@test "without its catalog a push takes what lies there for what it is" {
	bk-cold -q push >/dev/null
	head -c 100000 /dev/urandom >src/a/second
	bk-cold -q push >/dev/null
	rm -rf "$BK_STATE_DIR/cold"
	bk-cold -q init one >/dev/null
	run_bk 0 bk-cold push
	[ "$(objects "$one" | wc -l)" = 3 ] || fail "$(objects "$one")"
	proved "$one"
}

@test "what lies there and is wrong stays, and the right one comes beside it" {
	bk-cold -q push >/dev/null
	printf jello >"$(object "$one" src/a/hello)"
	printf '\n' >>"$(object "$one" src/a/hello)"
	rm -rf "$BK_STATE_DIR/cold" "$one/$host"/*.0*
	bk-cold -q init one >/dev/null
	run_bk 0 bk-cold push
	assert_is "$(cat "$(object "$one" src/a/hello)")" jello
	assert_is "$(cat "$(object "$one" src/a/hello)"~*)" hello
}

@test "only the sets that were asked for are copied" {
	mkdir src/p
	echo p >src/p/f
	cold_conf one '[cold photos]' "path = $T/src/p"
	run_bk 0 bk-cold push photos
	assert_is "$(objects "$one")" src/p/f
	[ ! -e "$BK_STATE_DIR/state/bk-cold.cold-push.json" ] ||
		fail "a part is not the whole job"
	run_bk 0 bk-cold push markers
	[ "$(objects "$one" | wc -l)" = 3 ]
	run_bk 66 bk-cold push nothing
	assert_has "$err" 'there is no [cold nothing]'
}

@test "a dry run says what would be copied, and copies nothing" {
	run_bk 0 bk-cold -n push
	assert_has "$out" src/a/hello
	[ -z "$(objects "$one")" ]
	[ ! -e "$BK_STATE_DIR/state/bk-cold.cold-push.json" ]
	run_bk 0 bk-cold -n --json push
	assert_json "$out" 'last | .type == "end" and .count == 2'
}

@test "records tell each set, and end" {
	run_bk 0 bk-cold --json push
	assert_json "$out" '.[0] | .type == "push" and .set == "markers" and
		.result == "ok" and .files == 2 and .copied == 2'
	assert_json "$out" 'last.type == "end"'
}

@test "two pushes at once: one waits, or says that it cannot" {
	need_program strace
	strace -f -qq -o /dev/null -e trace=renameat2 \
		-e inject=renameat2:delay_enter=300000 \
		bk-cold push >o1 2>e1 3>&- &
	wait_for 30 test -e "$BK_RUN_DIR/lock/cold"
	run_bk 0 bk-cold push
	wait $!
	proved "$one"
	[ "$(objects "$one" | wc -l)" = 2 ]
}

@test "folders that vanish or cannot be read are told, and the rest is copied" {
	mkdir src/a/closed
	echo x >src/a/closed/f
	chmod 000 src/a/closed
	run_bk 3 setpriv --bounding-set=-dac_override,-dac_read_search \
		bk-cold push
	assert_has "$err" closed
	assert_has "$out" partial
}

@test "catalogs that an older bk-cold made are brought up to date" {
	need_program sqlite3
	local db=$BK_STATE_DIR/cold/catalog.db
	run_bk 0 bk-cold push
	# as the first one had them, and as some of its followers had
	local two='drop index copy_sealed; alter table copy drop column sealed;
		alter table copy drop column sealed_size;
		alter table copy drop column recipients;'
	sqlite3 "$db" "$two"'drop table release; drop index pending_file;
		pragma user_version = 1'
	run_bk 0 bk-cold list
	assert_has "$out" hello
	assert_is "$(sqlite3 "$db" 'pragma user_version')" 3
	sqlite3 "$db" "$two"'pragma user_version = 2'
	run_bk 0 bk-cold check
	assert_is "$(sqlite3 "$db" 'pragma user_version')" 3
	sqlite3 "$db" "$two"'drop index pending_file; pragma user_version = 1'
	run_bk 0 bk-cold push
	assert_hasnt "$out" copied
	run_bk 0 bk-cold undo
	run_bk 0 bk-cold check
	assert_is "$(sqlite3 "$db" 'pragma user_version; pragma integrity_check;
		select count(*) from sqlite_schema where name in
			("release", "release_path", "pending_file",
			"copy_sealed")')" "3
ok
4"
	sqlite3 "$db" 'pragma user_version = 4'
	run_bk 65 bk-cold list
	assert_has "$err" 'newer bk'
}

@test "an init that was cut off is begun anew; a folder that is gone is named" {
	rm "$one/.bk-box-id" "$one/README.txt"
	head -c 7 /dev/urandom >"$one/.bk-box-id.part"
	run_bk 0 bk-cold init one
	assert_is "$(wc -c <"$one/.bk-box-id")" 33
	[ ! -e "$one/.bk-box-id.part" ] || fail "a rest"
	[ -s "$one/README.txt" ] || fail "no README.txt"
	run_bk 0 bk-cold push
	rmdir two 2>/dev/null || :
	run_bk 75 bk-cold init two
	assert_has "$err" 'is it mounted?'
	[ ! -e two ] || fail "it was made"
}

@test "many files at once on a disk" {
	local i
	mkdir src/a/many
	for i in {1..300}; do head -c 4000 /dev/zero >"src/a/many/$i"; done
	run_bk 0 bk-cold push
	proved "$one"
	assert_is "$(objects "$one" | wc -l)" 302
	assert_is "$(ask 'select count(*) from copy')" 302
}

@test "a clock that was set back loses nothing" {
	local at
	"${CC:-cc}" -shared -fPIC -o clock.so "$BATS_TEST_DIRNAME/../rigs/clock.c" ||
		skip "no compiler"
	run_bk 0 bk-cold push
	sleep 1.1
	echo changed >src/a/hello
	echo new >src/a/new
	# a year back
	at=-31536000000000000
	run_bk 0 env AHEAD_NS=$at "LD_PRELOAD=$T/clock.so" bk-cold push
	proved "$one"
	assert_is "$(objects "$one" | wc -l)" 4
	assert_is "$(ask 'select count(*) from pending')" 0
	run_bk 0 env AHEAD_NS=$at "LD_PRELOAD=$T/clock.so" bk-cold check
	run_bk 0 bk-cold push
	assert_hasnt "$out" copied
	run_bk 0 bk-cold get "$T/src/a" --to out
	diff -r src/a "out$T/src/a"
}

@test "a damaged catalog is not replaced" {
	bk-cold -q push >/dev/null
	rm -f state/cold/catalog.db-*
	head -c 3000 /dev/urandom | dd of=state/cold/catalog.db conv=notrunc \
		status=none
	cp state/cold/catalog.db was
	run_bk 65 bk-cold push
	assert_has "$err" 'bk-cold rebuild'
	cmp was state/cold/catalog.db
}

# 2 GiB and 4 GiB, and a byte less or more, are where numbers end.
@test "large files, to the byte" {
	local size n=0
	need_ram 6
	umount -l "$one"
	disk "$one" 6g
	rm -r "$BK_STATE_DIR/cold"
	run_bk 0 bk-cold init one
	for size in 2147483647 2147483648 2147483649 4294967295 4294967296 \
		4294967297; do
		rm -rf "$one"/*/DATA src/a/large*
		truncate -s $size "src/a/large$size"
		printf end | dd of="src/a/large$size" bs=1 seek=$((size - 3)) \
			conv=notrunc status=none
		run_bk 0 bk-cold push
		assert_is "$(stat -c %s "$(object "$one" "src/a/large$size")")" $size
		assert_is "$(ask "select count(*) from copy k join content n
			on n.id = k.content where n.size = $size
			and k.state = 0")" 1
		n=$((n + 1))
	done
	run_bk 0 bk-cold get "$T/src/a/large$size" --to out
	cmp "src/a/large$size" "out$T/src/a/large$size"
	assert_is "$n" 6
}

# need_ram GIB: for copies that are no sparse files. On request alone.
need_ram() {
	[ -n "${BK_LONG:-}" ] || skip "takes minutes: BK_LONG=1 runs it"
	[ "$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" \
		-ge "$1" ] || skip "needs $1 GiB of memory"
}
