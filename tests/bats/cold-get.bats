#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-cold list, get: what is in cold storage, and the way back.

load helper
load coldbox

setup() {
	coldbox_setup
}

teardown() {
	coldbox_teardown
}

# Everything that a file may be.
hard_tree() {
	(
		umask 022
		cd "$P" || exit
		mk_hostile names
		echo hello >a.jpg
		mkdir -p sub/deeper/empty 'bl ank'
		ln a.jpg sub/hard1
		ln a.jpg 'bl ank/hard2'
		ln -s ../a.jpg sub/link
		ln -s $'no\nsuch \xff' dangling
		: >empty
		truncate -s 3M holes
		echo x | dd of=holes bs=1 seek=1500000 conv=notrunc status=none
		head -c 300000 /dev/urandom >random
		chmod 4711 random
		chmod 1750 sub
		chown 1234:4321 random sub/link
		chown -h 12:34 sub/link
		! command -v setfacl >/dev/null ||
			setfacl -m u:1234:rwx,m::r a.jpg &&
			setfacl -d -m u:77:rx 'bl ank'
		! command -v setfattr >/dev/null ||
			setfattr -n user.x -v 0x00ff0a a.jpg
		[ ! -x /usr/sbin/setcap ] || /usr/sbin/setcap cap_net_raw+ep empty
		touch -d '2001-02-03 04:05:06.789012345' a.jpg sub 'bl ank'
		touch -d @-1.5 random
		touch -hd @77.000000007 sub/link
	)
}

@test "all comes back as it was" {
	hard_tree
	push
	run_bk 0 bk-cold get "$P" --to out
	assert_is "$(picture "out$P")" "$(picture "$P")"
	assert_is "$(stat -c %b "out$P/holes")" "$(stat -c %b "$P/holes")"
	assert_is "$(find out -name '.bk-cold*')" ''
	assert_has "$err" '20 files, 3.2 MiB, 2 symbolic links from box a'
}

@test "in place: what is gone comes back, what is there stays" {
	hard_tree
	push
	picture "$P" >before
	rm -r "$P/sub" "$P/random" "$P/names"
	echo other >"$P/empty"
	run_bk 3 bk-cold get "$P" --in-place
	assert_has "$err" "$P/empty: something else is there; it stays"
	assert_is "$(cat "$P/empty")" other
	rm "$P/empty"
	run_bk 0 bk-cold get --in-place "$P"
	# a folder that was there keeps its own time
	touch -d "$(sed -n 's/^\td.* \([0-9.]*\) $/@\1/p' before)" "$P"
	picture "$P" >after
	# the other names of a.jpg were files of their own after that
	diff <(grep -v hard before) <(grep -v hard after)
	assert_is "$(cat "$P/sub/hard1")" hello
}

@test "a folder that is gone as a whole" {
	mk_tree "$P" <<-END
		x/y/z = deep
	END
	chmod 705 "$P/x" "$P/x/y"
	push
	rm -r "$T/srv"
	run_bk 0 bk-cold get "$P/x/y/z" --in-place
	assert_is "$(cat "$P/x/y/z")" deep
	assert_is "$(stat -c %a "$P/x" "$P/x/y" "$P" "$T/srv")" "705
705
755
700"
}

@test "a box that has it wrong, or not at all: the other one" {
	echo one >"$P/one"
	echo two >"$P/two"
	echo three >"$P/three"
	echo four >"$P/four"
	push
	flip "a/$(object "$P/one")"
	rm "a/$(object "$P/two")"
	truncate -s 1 "a/$(object "$P/three")"
	rm "a/$(object "$P/four")"
	mkdir "a/$(object "$P/four")"
	run_bk 0 bk-cold get "$P" --to out
	assert_is "$(picture "out$P")" "$(picture "$P")"
	for f in one two three four; do
		assert_has "$err" "$P/$f: box a: $(object "$P/$f"): "
	done
	assert_has "$err" 'bk-cold check a'
	# and where there is no other one
	run_bk 3 bk-cold get "$P" --to out2 --box a --json
	assert_is "$(find out2 -type f)" ''
	assert_json "$out" '[.[] | select(.type == "got" and .result == "failed")]
		| length == 4'
	assert_json "$out" 'last.status == 3'
	flip "b/$(object "$P/one")"
	run_bk 3 bk-cold get "$P" --to out3
	assert_is "$(cd "out3$P" && echo *)" 'four three two'
}

@test "the second box where the first is not there" {
	echo one >"$P/one"
	push
	mv a elsewhere
	run_bk 0 bk-cold get "$P" --to out
	cmp "$P/one" "out$P/one"
	umount b
	run_bk 78 bk-cold get "$P" --to out2
	[ ! -e "out2$P/one" ]
	assert_is "$(grep -c 'error' "$err")" 1
	run_bk 66 bk-cold get "$P" --to out2 --box c
	assert_has "$err" 'there is no [box c]'
	mount -t tmpfs tmpfs b
}

@test "nothing is overwritten, a second run goes on" {
	mk_tree "$P" <<-END
		one = 1
		two = 2
		dir/three = 3
	END
	ln -s one "$P/link"
	push
	mk_tree "out$P" <<-END
		one = another
		dir = a file
		link -> elsewhere
	END
	run_bk 3 bk-cold get "$P" --to out --json
	assert_is "$(cat "out$P/one" "out$P/dir" "out$P/two")" 'another
a file
2'
	assert_is "$(readlink "out$P/link")" elsewhere
	assert_json "$out" '.[-2] | .type == "get" and .files == 1 and
		.other == 4 and .failed == 0'
	rm -r "out$P/one" "out$P/dir" "out$P/link"
	run_bk 0 bk-cold get "$P" --to out --json
	assert_json "$out" '.[-2] | .there == 1 and .files == 2 and .links == 1'
	assert_is "$(diff -r --no-dereference "$P" "out$P")" ''
}

@test "links in the way are not followed" {
	mk_tree "$P" <<-END
		dir/file = x
		other/file = y
	END
	push
	mkdir elsewhere "$T/out" && mkdir -p "out$P"
	ln -s "$T/elsewhere" "out$P/dir"
	run_bk 3 bk-cold get "$P" --to out
	assert_is "$(ls elsewhere)" ''
	assert_has "$err" "$P/dir/file"
	assert_is "$(cat "out$P/other/file")" y
	# the same in place
	mv "$P/dir" "$T/moved"
	ln -s "$T/elsewhere" "$P/dir"
	run_bk 3 bk-cold get "$P/dir" --in-place
	assert_is "$(ls elsewhere)" ''
	# the folder that was named may be one
	ln -s "$T/elsewhere" to
	run_bk 0 bk-cold get "$P/other" --to to
	assert_is "$(cat "elsewhere$P/other/file")" y
}

@test "as it was then" {
	local t
	echo old >"$P/f"
	push
	t=$(date +%s)
	at=$(date -d "@$t" '+%Y-%m-%d %H:%M:%S')
	while [ "$(date +%s)" = "$t" ]; do sleep 0.1; done
	echo newer >"$P/f"
	echo late >"$P/g"
	push
	run_bk 0 bk-cold get "$P" --to now
	assert_is "$(cat "now$P/f" "now$P/g")" 'newer
late'
	run_bk 0 bk-cold get "$P" --to "then" --at "$at"
	assert_is "$(cat "then$P/f"; ls "then$P")" 'old
f'
	run_bk 66 bk-cold get "$P" --to before --at 1d
	run_bk 64 bk-cold get "$P" --to before --at never
	run_bk 0 bk-cold list --at "$at"
	assert_is "$(cut -f 1,2,5 "$out")" "$P/f	4	old"
	run_bk 0 bk-cold list --all
	assert_is "$(cut -f 1,2,5 "$out")" "$P/f	4	old
$P/f	6	here
$P/g	5	here"
}

@test "too little room is told before" {
	head -c 300k /dev/urandom >"$P/f"
	push
	mkdir small
	mount -t tmpfs -o size=200k tmpfs small || skip "cannot mount"
	run_bk 74 bk-cold get "$P" --to small/x
	umount small
	assert_has "$err" 'too little room'
	assert_is "$(ls -A small)" ''
}

@test "room that goes meanwhile" {
	local i
	for i in $(seq 20); do
		echo "$i" >"$P/$i"
	done
	push
	mkdir small
	mount -t tmpfs -o nr_inodes=15 tmpfs small || skip "cannot mount"
	run_bk 74 bk-cold get "$P" --to small
	ls "small$P" >came
	umount small
	assert_is "$(grep -c error "$err")" 1
	assert_has "$err" 'No space left on device'
	[ "$(wc -l <came)" -gt 3 ]
}

@test "a dry run touches nothing" {
	hard_tree
	push
	run_bk 0 bk-cold get "$P" --to out -n
	[ ! -e out ]
	assert_is "$(grep -c . "$out")" 22
	run_bk 0 bk-cold get "$P" --to out -n --json
	assert_json "$out" 'map(select(.type == "would-get")) | length == 22'
	run_bk 0 bk-cold get "$P" --to out -n -0
	assert_is "$(tr -dc '\0' <"$out" | wc -c)" 22
}

@test "wrong usage, nothing there" {
	echo x >"$P/f"
	run_bk 64 bk-cold get
	run_bk 64 bk-cold get "$P"
	run_bk 64 bk-cold get "$P" --to x --in-place
	push
	run_bk 66 bk-cold get /no/such --to x
	assert_has "$err" '/no/such is not in cold storage'
	[ ! -e x ]
	run_bk 3 bk-cold get /no/such "$P" --to x
	cmp "$P/f" "x$P/f"
	run_bk 66 bk-cold list /no/such
	run_bk 3 bk-cold list /no/such "$P"
	rm -r state/cold
	run_bk 66 bk-cold list
	run_bk 66 bk-cold get "$P" --to x
}

@test "paths count from here, and once" {
	mk_tree "$P" <<-END
		d/x = 1
		e/y = 2
	END
	push
	cd "$P/d"
	run_bk 0 bk-cold get . ../e/ x "$P/d/x" --to "$T/out" --json
	assert_json "$out" '.[-2].files == 2'
	assert_is "$(diff -r "$P" "$T/out$P")" ''
}

@test "list: what is where the file was" {
	mk_tree "$P" <<-END
		here = 1
		gone = 1
		changed = 1
		touched = 1
	END
	ln -s x "$P/link"
	push
	rm "$P/gone"
	echo 12 >"$P/changed"
	touch -d yesterday "$P/touched"
	run_bk 0 bk-cold list
	assert_is "$(cut -f 1,4,5 "$out" | sed "s|$P/||")" "changed	a,b	changed
gone	a,b	gone
here	a,b	here
link	-	here
touched	a,b	changed"
	run_bk 0 bk-cold list --json "$P/gone"
	assert_json "$out" 'length == 2 and (.[0] | .type == "file" and
		.local == "gone" and (.copies | length == 2) and
		.copies[0].box == "a" and .copies[1].state == "ok" and
		.copies[0].last_proof != null)'
	run_bk 0 bk-cold list -0 "$P/gone"
	assert_is "$(tr '\0' ' ' <"$out")" "$P/gone "
}

@test "a get that is killed leaves nothing half" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		head -c 8M /dev/urandom >"$P/$i"
	done
	push
	bk-cold get "$P" --to out 2>/dev/null &
	pid=$!
	wait_for 30 [ -e "out$P/1" ]
	kill -9 $pid
	wait $pid || :
	for i in "out$P"/*; do
		cmp "$i" "$P/${i##*/}"
	done
	assert_is "$(find out -name '.bk*')" ''
	run_bk 0 bk-cold get "$P" --to out
	assert_is "$(diff -r "$P" "out$P")" ''
}

@test "stopped by a signal it says so, and goes on the next time" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		head -c 8M /dev/urandom >"$P/$i"
	done
	push
	bk-cold get "$P" --to out 2>err &
	pid=$!
	wait_for 30 [ -e "out$P/1" ]
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	run_bk 0 bk-cold get "$P" --to out
	assert_is "$(diff -r "$P" "out$P")" ''
}

@test "owners by name, where it is known here; else, and on request, by number" {
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	mk_tree "$P" <<-END
		known = 1
		unknown = 2
	END
	cp /etc/passwd passwd1
	cp /etc/group group1
	echo 'bkann:x:4111:4222::/:/bin/false' >>passwd1
	echo 'bkteam:x:4222:' >>group1
	sed 's/:4111:4222:/:4333:4222:/' passwd1 >passwd2
	sed 's/:4222:/:4444:/' group1 >group2
	cat >as.sh <<-END
		mount --bind $T/passwd\$1 /etc/passwd
		mount --bind $T/group\$1 /etc/group
		shift
		exec "\$@"
	END
	chown 4111:4222 "$P/known"
	chown 4555:4666 "$P/unknown"
	run_bk 0 unshare -m sh as.sh 1 bk-cold push
	run_bk 0 unshare -m sh as.sh 2 bk-cold get "$P" --to out
	assert_is "$(stat -c %u:%g "out$P/known" "out$P/unknown")" "4333:4444
4555:4666"
	run_bk 0 unshare -m sh as.sh 2 bk-cold get "$P" --to out2 --numeric-owner
	assert_is "$(stat -c %u:%g "out2$P/known")" 4111:4222
	run_bk 0 bk-cold get "$P" --to out3
	assert_is "$(stat -c %u:%g "out3$P/known")" 4111:4222
}

@test "what cannot be set is told once" {
	need_program setpriv
	mk_tree "$P" <<-END
		one = 1
		two = 2
		three = 3
	END
	chown 1234 "$P"/*
	push
	run_bk 3 setpriv --bounding-set=-chown --inh-caps=-chown \
		bk-cold get "$P" --to out
	assert_is "$(cat "out$P"/*)" "$(cat "$P"/*)"
	assert_is "$(grep -c 'owner 1234:0: Operation not permitted' "$err")" 1
	assert_has "$err" 'and 2 more'
}

@test "stdout that takes nothing is an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	echo x >"$P/f"
	push
	bk-cold list >/dev/full 2>err || status=$?
	assert_is "$status" 74
}
