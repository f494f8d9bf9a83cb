#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan: what could make a re-scan believe what is not so any more.

load helper
load scan

setup() {
	scan_setup
}

# injected RULE COMMAND...: bk-scan commands with faults by strace.
injected() {
	local rule=$1
	shift
	# the leak sanitizer cannot work under strace
	ASAN_OPTIONS=detect_leaks=0 strace -f -o "$T/trace" \
		-e trace="${rule%%:*}" -e inject="$rule" "$@"
}
export -f injected

@test "a marker changed through a mapping, which does not move its times" {
	need_program python3
	# shellcheck disable=SC2016
	in_mounts '
		mount -t tmpfs x home
		mkdir home/a
		echo "exclude = *.o" >home/a/.backup
		cat >edit.py <<-END
			import mmap, os, sys, time
			fd = os.open(sys.argv[1], os.O_RDWR)
			m = mmap.mmap(fd, 0)
			m[0:1] = m[0:1]
			print(flush=True)
			sys.stdin.readline()
			at = m.find(b"*.o")
			m[at:at + 3] = b"*.p"
		END
		mkfifo go ready
		python3 edit.py home/a/.backup <go >ready &
		exec 4>go 5<ready
		read -r <&5
		settle
		same
		proved 2
		before=$(stat -c %z home/a/.backup)
		echo >&4
		wait $!
		assert_is "$(stat -c %z home/a/.backup)" "$before"
		same
		assert_has "$out" "*.p"
		same
	'
}

@test "what root may read is not what it may read without capabilities" {
	need_root
	need_program setpriv
	mk_marker home/a/.backup
	mkdir home/a/b
	chown 65534 home/a/b
	chmod 700 home/a/b
	settle
	same
	proved 3
	less() {
		setpriv --bounding-set=-dac_override,-dac_read_search \
			--inh-caps=-dac_override,-dac_read_search "$@"
	}
	run_bk 3 less bk-scan -n --full --json list
	jq -c 'del(.time)' "$out" >want
	run_bk 3 less bk-scan --json list
	jq -c 'del(.time)' "$out" | diff want -
	same
}

@test "folders of an encrypted file system, read while it is locked" {
	need_program python3
	cat >crypt.py <<-'END'
		import ctypes, fcntl, os, struct, sys
		what, path, key = sys.argv[1], sys.argv[2], b"k" * 64
		fd = os.open(path, os.O_RDONLY)
		iow = lambda d, n, size: d << 30 | size << 16 | ord("f") << 8 | n
		KEY_ADD, POLICY, KEY_DEL = iow(3, 23, 80), iow(2, 19, 12), iow(3, 24, 64)
		add = bytearray(struct.pack("<II32xII32x", 2, 0, 64, 0) + key)
		spec = lambda ident: struct.pack("<II", 2, 0) + ident + bytes(16)
		name = os.path.join(os.path.dirname(sys.argv[0]), "ident")
		if what == "add":
		    fcntl.ioctl(fd, KEY_ADD, add)
		    open(name, "wb").write(bytes(add[8:24]))
		elif what == "policy":
		    fcntl.ioctl(fd, POLICY, struct.pack("<BBBBB3x", 2, 1, 4, 3, 0)
		                + open(name, "rb").read())
		else:
		    arg = bytearray(spec(open(name, "rb").read()) + bytes(24))
		    fcntl.ioctl(fd, KEY_DEL, arg)
	END
	# shellcheck disable=SC2016
	on_image '
		python3 crypt.py add home 2>/dev/null || exit 99
		mkdir home/h
		python3 crypt.py policy home/h 2>/dev/null || exit 99
		touch home/h/.backup
		sync
		python3 crypt.py del home
		[ ! -e home/h/.backup ]
		settle
		same
		python3 crypt.py add home
		[ -e home/h/.backup ]
		same
		assert_has "$out" "home/h"
		python3 crypt.py del home
		same
		umount home
	' ext4 mkfs.ext4 -q -F -O encrypt
}

@test "time stamps at the end of what a file system can say" {
	need_program debugfs
	# shellcheck disable=SC2016
	on_image '
		bk-scan() {
			ahead $(($(date -d "$now" +%s) - $(date +%s)))000000000 \
				"$BK_BIN/bk-scan" "$@"
		}
		at_end() {
			umount home
			for f in ctime mtime; do
				debugfs -w -R "set_inode_field /a $f 0x7fffffff" image
			done >/dev/null 2>&1
			mount -o loop image home
		}
		mkdir home/a
		now="2040-01-01 00:00:00"
		at_end
		same
		touch home/a/.backup
		at_end
		now="2040-01-01 00:01:00"
		same
		assert_has "$out" home/a
		umount home
	' ext4 mkfs.ext4 -q -F -I 128
}

@test "EIO in the middle of a folder, in a scan and in a re-scan" {
	need_program strace
	mkdir -p home/a/{1..3000}
	touch home/a/{1,2999}/.backup
	settle
	same
	# the second call for home/a, which holds more than one can take
	fault=getdents64:error=EIO:when=4
	run_bk 3 injected $fault bk-scan -n --full list
	assert_has "$err" "home/a: cannot be read: Input/output error"
	touch home/a home
	run_bk 3 injected $fault bk-scan --json list
	jq -c 'select(.type == "root")' "$out" >got
	assert_is "$(wc -l <got)" 2
	assert_has "$out" "home/a/1"
	assert_has "$out" "home/a/2999"
	STATUS=0 same
	assert_hasnt "$err" "3002 were proved"
	settle
	same
	proved 3002
}

@test "a file system that does not tell the types of its entries" {
	# shellcheck disable=SC2016
	on_image '
		rmdir home/lost+found
		mkdir -p home/a/b home/c/d
		touch home/a/.backup home/c/d/.nobackup
		ln -s a home/l
		settle
		same
		proved 5
		touch home/c/d/.backup
		mv home/a home/c/e
		same
		assert_has "$out" home/c/e
		chmod 644 home/c
		run_bk 3 as_user bk-scan -n --full
		assert_has "$err" "home/c/e: cannot be read: Permission denied"
		umount home
	' ext4 mkfs.ext4 -q -F -O ^filetype,^extra_isize
}

@test "btrfs: transactions that end while the scan runs" {
	need_program btrfs strace
	# shellcheck disable=SC2016
	on_image '
		mkdir -p home/{1..5}
		sync
		settle
		touch home/f
		sync
		same
		touch home
		injected ioctl:delay_enter=300000 bk-scan -v >got 2>&1 &
		wait_for 20 grep -q "TREE_SEARCH.*nr_items=0" trace
		for i in {1..5}; do
			touch home/$i/.backup
			btrfs filesystem sync home
		done
		wait $!
		assert_has got "5 were proved"
		same
		umount home
	' btrfs mkfs.btrfs -q
}

@test "btrfs: what the last transaction wrote is read again once" {
	# shellcheck disable=SC2016
	on_image '
		mkdir -p home/{1..30}/{1..10}
		sync
		settle
		settle
		for i in 1 2 3; do
			same
			proved 331
			sync
		done
		touch home/7/7/.backup
		same
		assert_has "$out" home/7/7
		assert_has "$err" "331 known folders, 330 were proved"
		umount home
	' btrfs mkfs.btrfs -q
}

@test "btrfs: an older image that went on" {
	need_program btrfs
	# shellcheck disable=SC2016
	on_image '
		mkdir -p home/a/{1..5} home/b
		touch home/b/.backup
		umount home
		cp --sparse=always image old
		mount -o loop image home
		rm home/b/.backup
		for i in 1 2 3; do touch home/a/$i/x; sync; done
		settle
		same
		settle
		same
		umount home
		cp --sparse=always old image
		mount -o loop image home
		touch home/a/4/.backup
		for i in {1..20}; do echo $i >home/a/x; btrfs filesystem sync home; done
		same
		assert_has "$out" home/b
		assert_has "$out" home/a/4
		umount home
	' btrfs mkfs.btrfs -q
}

@test "btrfs: a subvolume in the place of a folder, of the same number" {
	need_program btrfs
	# shellcheck disable=SC2016
	on_image '
		mkdir home/s
		assert_is "$(stat -c %i home/s)" 257
		settle
		sync
		same
		rmdir home/s
		btrfs -q subvolume create home/t
		btrfs -q subvolume create home/s
		touch home/s/.backup
		same
		assert_has "$out" home/s
		umount home
	' btrfs mkfs.btrfs -q
}

@test "[scan] roots and paths on a mount below another root" {
	sed -i "s|^\[scan\]|&\nroot = $T/home/a/m\nroot = $T/home/b/m/r|" bk.conf
	echo "path = $T/home/c/m/p" >>bk.conf
	# shellcheck disable=SC2016
	in_mounts '
		mkdir -p home/{a,b,c}/m
		for d in a b c; do mount -t tmpfs x home/$d/m; done
		mkdir -p home/a/m/{b,c} home/b/m/r/{b,c} home/c/m/p/x
		touch home/a/m/b/.backup home/b/m/r/b/.backup home/c/m/p/x/f
		settle
		same
		proved 9
		assert_has "$out" home/a/m/b
		assert_has "$out" home/b/m/r/b
		touch home/{a/m,b/m/r}/c/.backup home/c/m/p/g
		same
		touch home/a/m home/b/m/r home/c/m/p
		same
		assert_has "$out" home/a/m/c
		assert_has "$out" home/b/m/r/c
		umount home/a/m
		umount home/b/m
		STATUS=3 same
		STATUS=3 same
	'
}
