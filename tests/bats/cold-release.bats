#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold release and undo.

load helper
load cold
load release

setup() { release_setup; }
teardown() { release_teardown; }

@test "what is proved twice goes to quarantine, later away, and comes back" {
	local sum
	sum=$(sum_of src/a/hello)
	run_bk 0 bk-cold release --yes
	assert_has "$out" $'released\t'"$T/src/a/hello"
	[ ! -e src/a/hello ] || fail "it is still there"
	[ -e src/a/.coldstorage_delete ] || fail "the marker is gone"
	assert_is "$(holds)" "held $T/src/a/hello"
	assert_is "$(cat src/a/.bk-quarantine/*)" hello
	assert_is "$(stat -c %a src/a/.bk-quarantine)" 700
	assert_has src/a/.coldstorage-index "$sum"
	assert_has src/a/.coldstorage-index "bk-cold get --in-place $T/src/a"
	# not yet
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
	days_pass 8
	run_bk 0 bk-cold release --yes
	assert_has "$out" $'gone\t'"$T/src/a/hello"
	assert_is "$(holds)" "gone $T/src/a/hello"
	[ ! -e src/a/.bk-quarantine ] || fail "an empty quarantine is left"
	assert_has src/a/.coldstorage-index "$sum"
	assert_is "$(cat "$(object "$one" src/a/hello)")" hello
	run_bk 0 bk-cold get --yes --in-place "$T/src/a/hello"
	assert_is "$(sum_of src/a/hello)" "$sum"
	release_state_says '.result == "ok" and .counts.gone == 1'
}

@test "undo brings it back as it was" {
	local before
	chmod 640 src/a/hello
	bk-cold -q push >/dev/null
	days_pass 8
	before=$(stat -c '%a %U %s %Y %i' src/a/hello)
	run_bk 0 bk-cold release --yes
	run_bk 0 bk-cold status --offline
	assert_has "$out" $'quarantine\t'"$T/src/a/hello"
	run_bk 0 bk-cold undo
	assert_has "$out" $'undone\t'"$T/src/a/hello"
	assert_is "$(stat -c '%a %U %s %Y %i' src/a/hello)" "$before"
	assert_is "$(holds)" "back $T/src/a/hello"
	[ ! -e src/a/.coldstorage-index ] || fail "$(cat src/a/.coldstorage-index)"
	run_bk 66 bk-cold undo "$T/src/a/hello"
}

@test "without --yes it only says what it would do" {
	local before
	before=$(find src | sort)
	run_bk 0 bk-cold release
	assert_has "$out" $'would-release\t'"$T/src/a/hello"
	assert_has "$err" 'to do it: --yes'
	run_bk 0 bk-cold -n --json release --yes
	assert_json "$out" 'map(select(.type == "would-release")) | length == 1'
	assert_json "$out" 'last.type == "end"'
	assert_is "$(find src | sort)" "$before"
	assert_is "$(holds)" ''
}

@test "what is not there, or not yet right, stays" {
	local f
	for f in link fifo two young unproved other; do echo $f >"src/a/$f"; done
	rm src/a/link src/a/fifo
	ln -s hello src/a/link
	mkfifo src/a/fifo
	ln src/a/two src/a/two-too
	mkdir src/a/folder
	bk-cold -q push >/dev/null
	days_pass 8
	ask "update copy set first = first + 8 * 86400 - 3600,
		last = last + 8 * 86400 - 3600 where object like '%unproved'"
	echo later >src/a/young
	echo new >src/a/new
	chmod 600 src/a/other
	run_bk 0 bk-cold --json release --yes
	left link 'no regular file'
	left fifo 'no regular file'
	left folder 'is a folder'
	left two 'several names'
	left two-too 'several names'
	left young 'not copied yet'
	left new 'not copied yet'
	left unproved 'not proved for long enough'
	left other 'not copied yet, or was changed'
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "release-age, min-age and times in the future keep files" {
	cold_conf one 'max-percent = 100' 'release-age = 1h'
	run_bk 0 bk-cold --json release --yes
	left hello 'changed too recently'
	cold_conf one 'max-percent = 100' 'release-age = 0'
	echo 'min-age = 1h' >src/a/.coldstorage_delete
	run_bk 0 bk-cold --json release --yes
	left hello 'changed too recently'
	: >src/a/.coldstorage_delete
	touch -d '2100-01-01' src/a/hello
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 0 bk-cold --json release --yes
	left hello 'changed too recently'
	assert_is "$(holds)" ''
}

@test "only the files of the marker's owner go" {
	chown 1234 src/a src/a/.coldstorage_delete
	echo mine >src/a/mine
	chown 1234 src/a/mine
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 0 bk-cold --json release --yes
	left hello 'another user'
	assert_is "$(holds)" "held $T/src/a/mine"
}

@test "a marker that others can write, or that is gone, releases nothing" {
	chmod 666 src/a/.coldstorage_delete
	run_bk 3 bk-cold release --yes
	assert_is "$(holds)" ''
	rm src/a/.coldstorage_delete
	mk_marker src/a/.coldstorage
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" ''
}

@test "markers below bound it, and markers themselves stay" {
	mkdir -p src/a/keep src/a/out/in src/a/sub
	echo 1 >src/a/keep/file
	echo 2 >src/a/out/file
	echo 3 >src/a/out/in/file
	echo 4 >src/a/sub/file
	mk_marker src/a/keep/.nobackup src/a/out/.nobackup \
		src/a/out/in/.coldstorage src/a/sub/.coldstorage_delete
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 0 bk-cold release --yes
	assert_is "$(find src/a -name file | sort)" "$(printf 'src/a/%s\n' \
		keep/file out/file out/in/file)"
	assert_is "$(find src -name '.cold*_delete' | wc -l)" 2
}

@test "other file systems, bind mounts and mounts over it stay" {
	local before
	mkdir -p src/a/in
	echo inside >src/a/in/file
	bk-cold -q push >/dev/null
	days_pass 8
	mkdir other
	cp -p src/a/in/file other/file
	mount --bind other src/a/in
	run_bk 0 bk-cold release --yes
	umount src/a/in
	assert_is "$(cat other/file src/a/in/file)" $'inside\ninside'
	# a bind mount of the very same file system
	mkdir src/elsewhere
	mv src/a/in/file src/elsewhere/
	mount --bind src/elsewhere src/a/in
	run_bk 0 bk-cold release --yes
	umount src/a/in
	assert_is "$(cat src/elsewhere/file)" inside
}

@test "who has it open for writing, or a writable map of it, keeps it" {
	exec 7>>src/a/hello
	run_bk 0 bk-cold --json release --yes
	exec 7>&-
	left hello 'a program writes to it'
	head -c 100000 /dev/zero >src/a/map
	bk-cold -q push >/dev/null
	days_pass 8
	python3 - src/a/map map.ready <<-'END' &
		import mmap, os, sys, time
		f = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(f, 0)
		os.close(f)
		open(sys.argv[2], "w").close()
		time.sleep(20)
	END
	wait_for 30 test -e map.ready
	run_bk 0 bk-cold --json release --yes
	kill $!
	wait $! || :
	left map 'a program writes to it'
	[ -e src/a/map ]
}

@test "immutable and append-only files stay" {
	ext4_src
	chattr +i src/a/hello || skip "cannot set it"
	bk-cold -q push >/dev/null
	run_bk 0 bk-cold --json release --yes
	chattr -i src/a/hello
	left hello 'immutable'
	chattr +a src/a/hello
	bk-cold -q push >/dev/null
	run_bk 0 bk-cold --json release --yes
	chattr -a src/a/hello
	left hello 'append-only'
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "a file system that cannot lease is refused" {
	mkdir -p low up work
	echo hello >low/hello
	mk_marker low/.coldstorage_delete
	mount -t overlay overlay -o "lowerdir=$T/low,upperdir=$T/src/a,workdir=$T/src/work" src/a 2>/dev/null || {
		mkdir -p src/work src/up
		mount -t overlay overlay -o "lowerdir=$T/low,upperdir=$T/src/up,workdir=$T/src/work" src/a ||
			skip "no overlay here"
	}
	sed -i "s|^root = .*|root = $T/src/a|" "$BK_CONFIG"
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'cannot tell who writes'
	assert_is "$(holds)" ''
}

@test "bytes that changed while the times did not are told, and stay" {
	local at
	ext4_src
	echo 'a text that is nowhere else' >src/a/rot
	bk-cold -q push >/dev/null
	days_pass 8
	umount src
	at=$(grep -abo 'a text that is nowhere' ext4 | head -n 1 | cut -d: -f1)
	printf b | dd of=ext4 bs=1 seek="$at" conv=notrunc status=none
	mount -o loop ext4 src
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'other bytes than its copies, and the same times'
	assert_is "$(cat src/a/rot)" 'b text that is nowhere else'
}

@test "brakes: max-percent and max-delete stop it, and say so" {
	local i
	for i in 1 2 3; do head -c 1000 /dev/zero >src/a/f$i; done
	bk-cold -q push >/dev/null
	days_pass 8
	cold_conf one 'release-age = 0' 'max-percent = 40'
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'max-percent'
	assert_is "$(holds | wc -l)" 2
	# those that are left are larger, but for one
	cold_conf one 'release-age = 0' 'max-percent = 100' 'max-delete = 500'
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'max-delete'
	ls src/a/f? >/dev/null || fail "all are gone"
	release_state_says '.result == "partial"'
}

@test "quarantine = 0 deletes at once" {
	cold_conf one 'release-age = 0' 'max-percent = 100' 'quarantine = 0'
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" "gone $T/src/a/hello"
	[ ! -e src/a/.bk-quarantine ]
	assert_has src/a/.coldstorage-index hello
}

@test "two copies are both proved, and one alone is not enough" {
	mk_marker src/a/.coldstorage_redundant
	disk "$two"
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'box two is not initialised'
	bk-cold -q init two >/dev/null
	bk-cold -q push >/dev/null
	days_pass 8
	mv "$two/.bk-box-id" id
	run_bk 3 bk-cold release --yes
	mv id "$two/.bk-box-id"
	assert_is "$(holds)" ''
	run_bk 0 bk-cold release --yes
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "a box on the file system of the files is no second copy" {
	mkdir src/box
	url_one=dir:$T/src/box
	cold_conf one 'release-age = 0' 'max-percent = 100'
	rm -r "$BK_STATE_DIR/cold"
	bk-cold -q init one >/dev/null
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'on the same file system as the files'
}

@test "two subvolumes of a btrfs are one disk" {
	need_program mkfs.btrfs btrfs
	truncate -s 120M image
	mkfs.btrfs -q image 2>/dev/null
	mkdir fs
	mount -o loop image fs || skip "btrfs cannot be mounted"
	btrfs -q subvolume create fs/a
	btrfs -q subvolume create fs/b
	url_one=dir:$T/fs/a url_two=dir:$T/fs/b
	cold_conf one
	rm -r "$BK_STATE_DIR/cold"
	bk-cold -q init one >/dev/null
	run_bk 77 bk-cold init two
	assert_has "$err" 'box two is on the same machine or disk as box one (btrfs:'
	# nor is one of them a second place for files of the other
	mkdir fs/b/mine
	touch fs/b/mine/.coldstorage_delete
	echo only >fs/b/mine/file
	cold_conf one 'release-age = 0' 'max-percent = 100' '[scan]' "root = $T/fs/b"
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'on the same file system as the files'
	assert_is "$(cat fs/b/mine/file)" only
}

@test "a quarantine or an index that is not ours stays as it is" {
	mkdir src/a/.bk-quarantine
	run_bk 3 bk-cold release --yes
	assert_has "$err" 'is not what bk-cold made'
	rmdir src/a/.bk-quarantine
	ln -s ../elsewhere src/a/.bk-quarantine
	run_bk 3 bk-cold release --yes
	rm src/a/.bk-quarantine
	[ ! -e src/elsewhere ]
	echo precious >src/a/.coldstorage-index
	run_bk 0 bk-cold release --yes
	assert_has "$err" 'stays'
	assert_is "$(cat src/a/.coldstorage-index)" precious
	assert_is "$(holds)" "held $T/src/a/hello"
}

@test "hostile names are released, indexed a line each, and brought back" {
	local before
	mk_hostile src/a/h
	bk-cold -q push >/dev/null
	days_pass 8
	before=$(cd src/a && find h -type f -exec sha256sum {} + | sort)
	run_bk 0 bk-cold release --yes
	[ -z "$(find src/a/h -type f ! -name .coldstorage-index)" ]
	assert_is "$(grep -cv '^#' src/a/h/.coldstorage-index)" 14
	run_bk 0 bk-cold undo "$T/src/a/h"
	assert_is "$(cd src/a && find h -type f -exec sha256sum {} + | sort)" \
		"$before"
}

@test "a set that is asked for alone is released alone" {
	mkdir src/p
	echo p >src/p/f
	cold_conf one 'release-age = 0' 'max-percent = 100' '[cold photos]' \
		"path = $T/src/p" 'delete = yes'
	bk-cold -q push >/dev/null
	days_pass 8
	run_bk 0 bk-cold release --yes photos
	assert_is "$(holds)" "held $T/src/p/f"
	run_bk 66 bk-cold release nothing
}

@test "one that is not to be released any more stays in quarantine" {
	run_bk 0 bk-cold release --yes
	rm src/a/.coldstorage_delete
	mk_marker src/a/.coldstorage
	days_pass 8
	run_bk 0 bk-cold --json release --yes
	left hello 'not to be released any more'
	assert_is "$(holds)" "held $T/src/a/hello"
	run_bk 0 bk-cold undo
	assert_is "$(cat src/a/hello)" hello
}

# without COMMAND...: where openat2() is none, as in a sandbox.
without() {
	strace -qq -o /dev/null -e trace=openat2 \
		-e inject=openat2:error=ENOSYS "$@"
}

@test "where openat2 is forbidden the same goes, and the same stays" {
	need_program strace
	mkdir -p src/a/sub src/a/in other
	echo sub >src/a/sub/file
	echo in >src/a/in/file
	run_bk 0 without bk-cold push
	assert_is "$(cat "$(object "$one" src/a/sub/file)")" sub
	days_pass 8
	rm src/a/sub/file
	mv src/a/sub elsewhere
	ln -s ../../elsewhere src/a/sub
	cp -p src/a/in/file other/
	mount --bind other src/a/in
	run_bk 0 without bk-cold release --yes
	umount src/a/in
	assert_is "$(holds)" "held $T/src/a/hello"
	assert_is "$(cat other/file src/a/in/file)" $'in\nin'
	run_bk 0 without bk-cold undo
	assert_is "$(cat src/a/hello)" hello
	run_bk 0 without bk-cold get --to "$T/back" "$T/src/a/hello"
	# a link in the way of what is copied, and of where it is put
	rm -r "$one/$host/DATA"
	ln -s /nowhere "$one/$host/DATA"
	echo more >src/a/more
	run_bk 3 without bk-cold push
	[ ! -e /nowhere ] || fail "it went through a link"
}
