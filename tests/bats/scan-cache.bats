#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan: the cache. A re-scan is as exact as a full one, whatever happens to
# the tree or to the cache file.

load helper
load scan

setup() {
	scan_setup
}

@test "nothing changed: nothing is read" {
	mk_tree home <<-END
		a/.backup = exclude = *.o
		a/b/c/
		d/.nobackup
	END
	same
	run_bk 0 bk-scan -v
	proved 0
	settle
	same
	proved 5
	same
	proved 5
	assert_is "$(stat -c %a "$cache")" 600
}

@test "markers added, removed, renamed, edited, replaced" {
	mk_tree home <<-END
		a/.backup = exclude = *.o
		b/.backup
		c/
		d/e/.coldstorage
	END
	settle
	touch home/c/.backup
	rm home/b/.backup
	same
	assert_json "$out" 'any(.path | strings | endswith("/home/c"))'
	mv home/d/e/.coldstorage home/d/e/.coldstorage_redundant
	same
	settle
	# in place, as long as it was, at the same time
	touch -r home/a/.backup stamp
	printf 'exclude = *.p\n' 1<>home/a/.backup
	touch -r stamp home/a/.backup
	same
	assert_json "$out" 'any(.exclude == ["*.p"])'
	rm home/a/.backup
	echo 'exclude = *.q' >home/a/.backup
	same
	assert_json "$out" 'any(.exclude == ["*.q"])'
}

@test "a marker that comes right after the scan, its folder's mtime set back" {
	local i
	mkdir home/{1..12}
	settle
	for i in {1..12}; do
		touch -r "home/$i" stamp
		bk-scan list >/dev/null
		touch "home/$i/.backup"
		touch -r stamp "home/$i"
		bk-scan -0 list >plan
		grep -qzxF "$T/home/$i" plan
	done
}

@test "folders renamed, moved in, replaced, exchanged, linked" {
	mk_tree home <<-END
		a/.backup
		a/sub/x/.nobackup
		b/sub/
		c/
	END
	mk_marker away/in/deep/.backup
	settle
	mv home/a home/z
	same
	mv away home/c/
	same
	assert_json "$out" 'any(.path | strings | endswith("/c/away/in/deep"))'
	settle
	mv home/z/sub home/b/sub/ && mv home/b home/y
	same
	rm -r home/c
	mkdir home/c
	same
	touch -d 2001-01-01 home/c home/y
	same
	mv home/y home/x
	ln -s x home/y
	same
}

@test "a file system mounted over a known folder, and unmounted" {
	in_mounts "
		mkdir -p home/a/m/in home/b
		touch home/a/.backup home/a/m/in/.nobackup
		sleep 3.2
		bk-scan >l0
		mount -t tmpfs x home/a/m
		mkdir home/a/m/there
		touch home/a/m/there/.coldstorage
		for way in --full ''; do
			bk-scan -n \$way --json list >l1\$way || [ \$? = 3 ]
		done
		bk-scan >/dev/null || [ \$? = 3 ]
		mount --bind home/a home/b
		for way in --full ''; do
			bk-scan -n \$way --json list >l2\$way || [ \$? = 3 ]
		done
		bk-scan >/dev/null || [ \$? = 3 ]
		umount home/b home/a/m
		bk-scan --full -n >l3--full
		bk-scan >l3
	"
	local i
	for i in 1 2; do
		jq -c 'del(.time)' "l$i--full" >want
		jq -c 'del(.time)' "l$i" | diff want -
	done
	diff l3--full l3
	diff l0 l3
}

@test "mounts that are crossed are cached too, other file systems not" {
	sed -i 's/^\[scan\]/&\ncross-mounts = yes\nfstype = tmpfs\nfstype = overlay/' \
		bk.conf
	in_mounts "
		mkdir -p home/t home/o lower/l/x upper work
		touch lower/l/x/.backup
		mount -t tmpfs x home/t
		mkdir -p home/t/a/b
		touch home/t/a/.backup
		mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work \
			x home/o || { echo no overlay; exit 0; }
		sleep 3.2
		bk-scan >/dev/null
		bk-scan -v >l 2>v
		touch home/o/l/.nobackup home/t/a/b/.nobackup
		bk-scan >l1
		bk-scan --full -n >l2
		umount home/t
		mount -t tmpfs y home/t
		mkdir -p home/t/a/b
		bk-scan >l3 || :
		bk-scan --full -n >l4 || :
	" || skip "no overlay here"
	# home, home/t, home/t/a, home/t/a/b; not what is on the overlay
	assert_has v "of 7 known folders, 3 were proved"
	assert_has l1 "out"
	diff l2 l1
	diff l4 l3
}

@test "permission lost and regained" {
	need_root
	mk_marker home/a/b/.backup home/c/.backup
	as_user true
	sleep 3.2
	as_user bk-scan list >l0
	chmod 0 home/a
	run_bk 3 as_user bk-scan -n --full
	cp "$out" want
	run_bk 3 as_user bk-scan
	diff want "$out"
	run_bk 3 as_user bk-scan
	diff want "$out"
	chmod 755 home/a
	run_bk 0 as_user bk-scan
	diff l0 "$out"
	# what root sees is not what nobody saw
	chmod 0 home/a
	chown 0 bk.conf state cache
	run_bk 0 bk-scan -n --full
	diff l0 "$out"
	chown -R 0 state cache
	run_bk 0 bk-scan -v
	diff l0 "$out"
	assert_hasnt "$err" "proved"
}

@test "permission lost in places above each other, and of what is configured" {
	need_root
	mk_marker home/a/b/c/.backup home/conf/x/.backup
	echo "path = $T/home/conf" >>bk.conf
	as_user true
	sleep 3.2
	as_user bk-scan list >l0
	as_user bk-scan -v list >l1 2>err
	assert_has err "6 were proved"
	# what lies in it can still be looked at, but is not to be found
	chmod 311 home/a
	chmod 0 home/a/b/c home/conf
	run_bk 3 as_user bk-scan -n --full --json list
	jq -c 'del(.time)' "$out" >want
	run_bk 3 as_user bk-scan --json list
	jq -c 'del(.time)' "$out" | diff want -
	chmod 755 home/a home/conf
	chmod 755 home/a/b/c
	run_bk 0 as_user bk-scan list
	diff l0 "$out"
}

@test "5000 levels with 64 descriptors" {
	need_program python3
	python3 - home <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(5000):
		    os.mkdir("side")
		    os.mkdir("deep")
		    os.chdir("deep")
		os.close(os.open(".backup", os.O_CREAT))
	END
	ulimit -n 64
	same
	settle
	same
	proved 10001
	rm -rf home
}

@test "a cache that is cut, changed, foreign or no file is rebuilt with a note" {
	local size at
	mk_tree home <<-END
		a/.backup = exclude = *.o
		b/c/.nobackup
	END
	bk-scan >want
	settle
	cp "$cache" good
	size=$(stat -c %s good)
	for at in 0 1 100 231 232 300 $((size / 2)) $((size - 8)) $((size - 1)); do
		head -c "$at" good >"$cache"
		run_bk 0 bk-scan -n
		assert_has "$err" "everything is read"
		diff want "$out"
	done
	for at in $(seq 0 41 $((size - 1))); do
		cp good "$cache"
		printf '%b' "\\x$(printf %02x \
			$(($(od -An -tu1 -j"$at" -N1 good) ^ 16)))" |
			dd of="$cache" bs=1 seek="$at" conv=notrunc status=none
		run_bk 0 bk-scan -n
		diff want "$out"
		[ "$at" != 41 ] || assert_has "$err" "everything is read"
	done
	cp good "$cache"
	echo more >>"$cache"
	run_bk 0 bk-scan -n
	assert_has "$err" "everything is read"
	rm "$cache"
	ln -s "$T/good" "$cache"
	run_bk 0 bk-scan -n
	assert_has "$err" "everything is read"
	rm "$cache"
	mkfifo "$cache"
	run_bk 0 timeout 10 bk-scan -n
	assert_has "$err" "everything is read"
	run_bk 0 timeout 10 bk-scan
	diff want "$out"
	run_bk 0 bk-scan
	assert_is "$stderr" ""
	chmod o+w "$cache"
	run_bk 0 bk-scan -n
	assert_has "$err" "everything is read"
}

@test "another configuration reads all, and says nothing of it" {
	mk_marker home/a/.backup other/b/.backup
	settle
	sed -i "s|^\[scan\]|&\nroot = $T/other|" bk.conf
	same
	assert_hasnt "$err" "proved"
	assert_hasnt "$err" "everything is read"
}

@test "--cached reads nothing else, and says how old it is" {
	run_bk 66 bk-scan --cached list
	assert_has "$err" "is not there"
	mk_tree home <<-END
		a/.backup = exclude = *.o
		a/x/f = 12345
		b/y/f = 1234567
		l/.backup -> nowhere
	END
	run_bk 3 bk-scan list
	cp "$out" want
	touch -d '2 hours ago' "$cache"
	mkdir home/new
	touch home/new/.backup
	run_bk 3 bk-scan --cached list
	diff want "$out"
	assert_has "$err" "2 h 0 min ago"
	assert_has "$err" "symbolic link"
	run_bk 1 bk-scan --cached why home/new
	run_bk 3 bk-scan --cached uncovered
	assert_has "$out" "folder	$T/home/b"
	rm -r home/new
	run_bk 3 bk-scan show
	cp "$out" want
	run_bk 3 bk-scan --cached show
	diff want "$out"
	assert_has "$err" "sizes are of"
	run_bk 3 bk-scan uncovered
	cp "$out" want
	run_bk 3 bk-scan --cached uncovered
	diff want "$out"
	run_bk 64 bk-scan --cached files restic
	run_bk 64 bk-scan --cached mark backup home/b
	run_bk 64 bk-scan --cached --full
	run_bk 3 bk-scan --json --cached show home/b
	assert_json "$out" '.[0].files == 1 and .[0].bytes == 8'
	# what is missing is told in the same words
	sed -i "s|^\[scan\]|&\nroot = $T/none|" bk.conf
	echo "path = $T/gone" >>bk.conf
	run_bk 3 bk-scan --json list
	jq -c 'del(.time)' "$out" >want
	assert_has want "[scan] root does not exist"
	run_bk 3 bk-scan --json --cached list
	jq -c 'del(.time)' "$out" | diff want -
}

@test "a cache that cannot be kept is told, the plan is whole" {
	mk_marker home/a/.backup
	mkdir -p "$cache.new"
	run_bk 0 bk-scan
	assert_has "$out" "$T/home/a"
	assert_has "$err" "the cache is not kept"
	rmdir "$cache.new"
	run_bk 0 bk-scan -n
	[ ! -e "$cache" ]
	rm -rf "$BK_CACHE_DIR"
	: >"$BK_CACHE_DIR"
	run_bk 0 bk-scan
	assert_has "$out" "$T/home/a"
	assert_has "$err" "no cache"
}

@test "a full disk leaves the cache as it was" {
	in_mounts "
		mount -t tmpfs -o size=64k x cache
		mkdir -p home/{a,b}/{1..300}
		touch home/a/.backup
		bk-scan >l1
		mkdir -p home/{c..z}/{1..300}
		bk-scan >l2 2>err
		bk-scan >l3
		cmp l1 l2
		cmp l1 l3
	"
	assert_has err "the cache is not kept"
}

@test "kill -9 while the cache is written" {
	mkdir -p home/{a..p}/{1..400}
	touch home/a/.backup
	bk-scan >want
	for wait in 0.01 0.02 0.03 0.04 0.05 0.06; do
		touch home/{a..p}/{1..400}/x"$wait"
		bk-scan >/dev/null 2>&1 &
		sleep "$wait"
		kill -9 $! 2>/dev/null || :
		wait $! || :
		run_bk 0 bk-scan -n
		assert_is "$stderr" ""
		diff want "$out"
	done
	run_bk 0 bk-scan
	[ ! -e "$cache.new" ]
}

@test "two scans at once, while the tree changes" {
	mkdir -p home/{a..p}/{1..50}
	for i in $(seq 20); do
		touch "home/c/$i/.backup"
		bk-scan >/dev/null & bk-scan >l
		wait $!
		assert_is "$(wc -l <l)" "$i"
	done
	same
}

@test "names that are no UTF-8, and near misses" {
	mkdir -p home/$'\xff\n' home/' ' home/-r "home/.backup "
	touch home/$'\xff\n'/.backup home/-r/.Backup home/' '/.backupx
	settle
	same
	proved 5
	run_bk 0 bk-scan -0
	assert_is "$(tr -d '\0\n' <"$out")" "$T/home/"$'\xff'
}

@test "a clock that was set back: everything is read, and told" {
	mk_marker home/a/.backup
	settle
	touch -d 'next hour' "$cache"
	same
	assert_has "$err" "the clock has not come to again"
	assert_hasnt "$err" "proved"
	same
	proved 2
}

@test "once a day everything is read, whatever the cache says" {
	mk_marker home/a/.backup
	settle
	same
	proved 2
	python3 "$rigs/scan_age.py" "$cache" 86300
	same
	proved 2
	python3 "$rigs/scan_age.py" "$cache" 200
	same
	assert_hasnt "$err" proved
	same
	proved 2
}

@test "another boot: what has no identity that outlives it is read anew" {
	in_mounts "
		mount -t tmpfs x home
		mkdir -p home/a/b
		touch home/a/.backup
		sleep 3.2
		bk-scan >/dev/null
		bk-scan -v >l1 2>v1
		echo another >id
		mount --bind id /proc/sys/kernel/random/boot_id
		bk-scan -v >l2 2>v2
		bk-scan -v >l3 2>v3
	"
	assert_has v1 "of 3 known folders, 3 were proved"
	assert_has v2 "of 3 known folders, 0 were proved"
	assert_has v3 "of 3 known folders, 3 were proved"
	diff l1 l2
	diff l1 l3
}

@test "everything changed, and some of it is elsewhere" {
	mkdir -p home/{1..15}/{1..15}/x
	touch home/2/.backup home/5/5/x/.nobackup home/6/6/.backup
	settle
	same
	proved 466
	find home -type d -exec touch {} +
	mv home/3/4 home/3/new
	mv home/5 home/t
	mv home/6 home/5
	mv home/t home/6
	rm -r home/7/8
	mkdir -p home/7/8/x
	touch home/7/8/x/.backup
	mv home/2/2 home/4/4/x
	same
	assert_hasnt "$err" "466 were proved"
	touch home/3/new/x/.backup
	same
	settle
	same
	proved 466
	assert_json "$out" '[.[] | select(.type == "root")] | length >= 4'
}
