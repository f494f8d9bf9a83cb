#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan: a re-scan where time stamps, inode numbers, clocks, names, sizes or
# the cache file are at their limits.

load helper
load scan

setup() {
	scan_setup
}

@test "markers and folders replaced in the same second, where stamps tell no more" {
	# shellcheck disable=SC2016
	on_image '
		mkdir home/a home/b
		echo "exclude = *.o" >home/a/.backup
		settle
		same
		ino=$(stat -c %i home/b)
		for i in {1..8}; do
			rm home/a/.backup
			echo "exclude = *.$i" >home/a/.backup
			same
			assert_has "$out" "*.$i"
			rm -r home/b
			mkdir home/b
			assert_is "$(stat -c %i home/b)" "$ino"
			[ $((i % 2)) = 0 ] || touch home/b/.coldstorage
			same
		done
		settle
		# a marker with the number of the one before, as long as that
		rm home/a/.backup
		echo "exclude = *.9" >home/a/.backup
		same
		assert_has "$out" "*.9"
		umount home
	' ext4 mkfs.ext4 -q -F -I 128
}

@test "a marker removed right after a scan, on tmpfs" {
	# its folder gets the time of the last tick, which may be past already
	# shellcheck disable=SC2016
	in_mounts '
		mount -t tmpfs x home
		mkdir home/{1..15}
		for i in {1..15}; do
			touch home/$i/.backup
			same
			rm home/$i/.backup
			same
			assert_hasnt "$out" "home/$i"
		done
	'
}

@test "a folder that is another one: a new one, an older one, a file before" {
	# shellcheck disable=SC2016
	on_image '
		mkdir -p home/a/b/c home/old/b/c
		touch home/a/b/c/.backup home/old/b/.nobackup home/f
		settle
		same
		rm -r home/a
		mkdir -p home/a/b/c
		same
		assert_hasnt "$out" home/a
		settle
		rm -r home/a
		mv home/old home/a
		same
		settle
		rm home/f
		mkdir home/f
		touch home/f/.backup
		same
		assert_has "$out" home/f
		umount home
	' ext4 mkfs.ext4 -q -F
}

@test "folders exchanged, renamed over an empty one, the root's own moved" {
	need_program python3
	sed -i "s|$T/home|$T/home/top/root|" bk.conf
	mk_tree home/top/root <<-END
		a/.backup
		a/x/y/
		b/x/.nobackup
		empty/
		over/sub/.coldstorage
	END
	mk_tree home/other/root <<-END
		a/x/.backup
		n/
	END
	settle
	same
	python3 - home/top/root/a home/top/root/b <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		a, b = map(os.fsencode, sys.argv[1:])
		assert libc.renameat2(-100, a, -100, b, 2) == 0, ctypes.get_errno()
	END
	same
	assert_has "$out" "root/b"
	mv -T home/top/root/over home/top/root/empty
	same
	assert_has "$out" "root/empty/sub"
	settle
	mv home/top home/away
	mv home/other home/top
	same
	assert_has "$out" "root/a/x"
	assert_hasnt "$err" "7 were proved"
	mv home/top home/other
	mv home/away home/top
	same
	assert_has "$out" "root/empty/sub"
}

@test "a clock set back by seconds, which it has caught up with" {
	mk_marker home/a/.backup
	settle
	touch home/a/f
	ahead 3000000000 bk-scan list >/dev/null
	sleep 3.1
	same
	assert_has "$err" "the clock has not come to again"
	assert_hasnt "$err" "proved"
	same
	proved 2
}

@test "folders of the future are read each time" {
	mk_marker home/a/.backup
	settle
	same
	proved 2
	ahead -3600000000000 bk-scan list >/dev/null 2>err
	assert_has err "the clock has not come to again"
	ahead -3600000000000 bk-scan -v list >/dev/null 2>err
	assert_has err "of 2 known folders, 0 were proved"
	touch home/.coldstorage
	ahead -3600000000000 bk-scan -v list >got 2>err
	assert_is "$(wc -l <got)" 2
	# and the clock goes right again
	same
	rm home/.coldstorage
	same
	settle
	same
	proved 2
}

@test "a cache of another machine, owner or file system" {
	# shellcheck disable=SC2016
	on_image '
		rmdir home/lost+found
		mkdir -p home/a/b
		touch home/a/.backup
		settle
		same
		proved 3
		echo 0123456789abcdef0123456789abcdef >id
		mount --bind id /etc/machine-id || exit 99
		same
		assert_has "$err" "is of another machine: everything is read"
		assert_hasnt "$err" proved
		umount /etc/machine-id
		run_bk 66 bk-scan --cached list
		assert_has "$err" "is of another machine"
		same
		same
		proved 3
		chown 65534 "$cache"
		same
		assert_has "$err" "is no file of this user"
		same
		proved 3
		umount home
		tune2fs -U random image >/dev/null
		mount -o loop image home
		same
		proved 0
		same
		proved 3
		umount home
	' ext4 mkfs.ext4 -q -F 
}

@test "an older cache, of another time or put back by a restore" {
	mk_tree home <<-END
		a/.backup = exclude = *.o
		b/c/
	END
	settle
	same
	cp -p "$cache" old
	rm home/a/.backup
	mv home/b home/a/b
	touch home/a/b/c/.backup
	same
	settle
	cp -p old "$cache"
	same
	assert_has "$out" "home/a/b/c"
	settle
	cp old "$cache"
	same
	# and the plan of that time, as a restore of /var/lib would bring it
	run_bk 0 bk-scan diff
}

@test "a cache cut at each border of its sections" {
	need_program python3
	mk_tree home <<-END
		a/.backup = exclude = *.o
		b/c/.nobackup
	END
	bk-scan show >/dev/null
	settle
	cp "$cache" good
	run_bk 0 bk-scan -n
	cp "$out" want
	python3 - good >borders <<-'END'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		head, rec, size = struct.unpack_from("<IIQ", data, 16)
		assert size == len(data)
		pos = head
		for n, item in zip(struct.unpack_from("<6Q", data, 104),
		                   (rec, 8, 32, 56, 1, 1)):
		    print(pos - 1, pos, pos + 1)
		    pos += (n * item + 7) // 8 * 8
		assert pos == size
		print(pos - 1)
	END
	# shellcheck disable=SC2013
	for at in $(cat borders); do
		head -c "$at" good >"$cache"
		run_bk 0 bk-scan -n
		assert_has "$err" "everything is read"
		diff want "$out"
		# as long as it was, with zeros, as after a crash
		truncate -s "$(stat -c %s good)" "$cache"
		# what pads a section is zeros anyway
		! cmp -s good "$cache" || continue
		run_bk 0 bk-scan -n
		assert_has "$err" "everything is read"
		diff want "$out"
	done
}

@test "a million entries and 100 000 folders in one folder, and one more" {
	need_program python3
	# shellcheck disable=SC2016
	in_mounts '
		mount -t tmpfs x home
		mkdir home/a
		python3 -c "
import os
os.chdir(\"home/a\")
open(\"f\", \"w\").close()
for i in range(999999):
    os.link(\"f\", \"f%d\" % i)
for i in range(100000):
    os.mkdir(\"d%d\" % i)
"
		settle
		same
		proved 100002
		mkdir home/a/new
		touch home/a/d777/.backup home/a/new/.backup home/a/.coldstorage
		same
		assert_json "$out" "[.[] | select(.type == \"root\")] | length == 3"
		assert_json "$out" "any(.class == \"cold\" and .files == 1000003 and
			.dirs == 100002)"
		kib=$(python3 -c "
import resource, subprocess
subprocess.run([\"bk-scan\", \"--full\", \"list\"], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
		[ "$kib" -lt 32768 ] || fail "$kib KiB"
	'
}

@test "names of 255 bytes, of all bytes, and near misses of markers" {
	local long
	long=$(head -c 255 /dev/zero | tr '\0' '\377')
	need_program python3
	mkdir "home/$long"
	touch "home/$long/.backup"
	python3 - home <<-'END'
		import os, sys
		for i in [*range(1, 46), *range(48, 256)]:
		    d = os.path.join(os.fsencode(sys.argv[1]), bytes([i]) * 2)
		    os.mkdir(d)
		    open(d + (b"/.backup" if i % 2 else b"/.backup "), "w").close()
		for m in (".backu", ".backupx", ".Backup", ".nobackup_", ".nobackup.",
		          ".coldstorage_", ".coldstorage_redundan",
		          ".coldstorage_deletes", "backup", "..backup", ".backup\n"):
		    d = os.path.join(sys.argv[1], "near" + m)
		    os.mkdir(d)
		    open(os.path.join(d, m), "w").close()
	END
	settle
	same
	proved 266
	# 127 of two odd bytes, for "//" is no name, and the long one
	run_bk 0 bk-scan -0
	assert_is "$(tr -dc '\0' <"$out" | wc -c)" 128
	assert_hasnt "$out" near
	mv "home/$long" "home/${long%?}"
	mv home/near.backu/.backu home/near.backu/.backup
	same
	assert_has "$out" near.backu
}
