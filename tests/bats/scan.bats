#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-scan: markers and configuration, nesting, patterns, the commands.

load helper

setup() {
	bk_setup
	mkdir home
	conf ""
}

# conf TEXT: the base configuration and more.
conf() {
	cat >"$BK_CONFIG" <<-END
		[host]
		name = h1
		[scan]
		root = $T/home
		[repo main]
		url = $T/repo
		password = file:$T/pw
		[backup home]
		repo = main
		markers = yes
		[backup other]
		repo = main
	END
	printf '%s\n' "$1" | sed 's/^[[:space:]]*//' >>"$BK_CONFIG"
}

# roots CLASS [SET]: paths below home in it, one a line.
roots() {
	run_bk "${STATUS:-0}" bk-scan list "$1"
	awk -F'\t' -v s="${2-home}" '$2 == s && $5 != "out" { print $3 }' \
		"$out" | sed "s|$T/home/||"
}

# covered CLASS: files in it below home.
covered() {
	run_bk "${STATUS:-0}" bk-scan files "$1"
	sed "s|$T/home/||" "$out"
}

@test "a .backup folder is a root, with its reason" {
	mk_marker home/a/.backup
	run_bk 0 bk-scan
	assert_is "$stdout" "restic	home	$T/home/a	$T/home/a/.backup	in"
}

@test "four levels of in and out are exact" {
	mk_tree home <<-END
		a/.backup
		a/f1
		a/b/.nobackup
		a/b/f2
		a/b/c/.backup
		a/b/c/f3
		a/b/c/d/.nobackup
		a/b/c/d/f4
		a/b/c/d/e/.backup
		a/b/c/d/e/f5
	END
	assert_is "$(covered restic | grep f | tr '\n' ' ')" \
		"a/b/c/d/e/f5 a/b/c/f3 a/f1 "
	run_bk 0 bk-scan --json
	assert_json "$out" '[.[] | select(.type == "root") | .nested] ==
		[false, true, true]'
	assert_json "$out" '[.[] | select(.type == "out")] | length == 2'
	assert_json "$out" 'last | .type == "end" and .status == 0'
}

@test "a set in a marker replaces the farther marker's choice" {
	mk_tree home <<-END
		a/.backup
		a/b/.backup = set = other
		a/b/c/.backup = set = home other
	END
	run_bk 0 bk-scan
	assert_has "$out" "home	$T/home/a/b	$T/home/a/b/.backup	out"
	assert_is "$(roots restic)" $'a\na/b/c'
	assert_is "$(roots restic other)" $'a/b\na/b/c'
}

@test "an unknown set is named with its line and goes to the default" {
	mk_tree home <<-END
		a/.backup = set = nope
	END
	run_bk 3 bk-scan
	assert_has "$err" "$T/home/a/.backup:1: there is no [backup nope]"
	assert_has "$out" "restic	home	$T/home/a"
}

@test "a marker that no set takes is reported" {
	sed -i '/markers/d' "$BK_CONFIG"
	mk_marker home/a/.backup
	run_bk 3 bk-scan
	assert_is "$stdout" ""
	assert_has "$err" "nothing takes this folder"
}

@test "configured paths add to markers, and markers end them" {
	conf "path = $T/home/a"
	mk_tree home <<-END
		a/f
		a/b/.backup
		a/c/.nobackup
		a/c/x
	END
	run_bk 0 bk-scan
	assert_has "$out" "restic	other	$T/home/a	$BK_CONFIG:13	in"
	assert_has "$out" "other	$T/home/a/c	$T/home/a/c/.nobackup	out"
	assert_is "$(covered restic:other | tr '\n' ' ')" "a/b/.backup a/f "
}

@test "a configured path with .nobackup beside it begins all the same" {
	conf "path = $T/home/a"
	mk_marker home/a/.nobackup home/a/f
	run_bk 0 bk-scan
	assert_has "$out" "restic	other	$T/home/a"
	assert_has "$err" "names this very folder"
}

@test "a configured path that is missing, a link, a file" {
	mkdir real
	echo x >one
	ln -s real link
	conf "path = $T/link
		path = $T/one
		path = $T/gone"
	run_bk 3 bk-scan
	assert_has "$out" "other	$T/real	$BK_CONFIG:13, by $T/link	in"
	assert_has "$out" "other	$T/one	$BK_CONFIG:14	in"
	assert_has "$out" "other	$T/gone	$BK_CONFIG:15	missing"
	assert_has "$err" "$T/gone: path of the configuration does not exist"
	STATUS=3 covered restic >files
	assert_has files "$T/one"
}

@test "markers outside the [scan] roots do not count" {
	conf "path = $T/etc"
	mk_marker etc/a/.nobackup etc/a/f
	run_bk 0 bk-scan -v
	assert_is "$(wc -l <"$out")" 1
	assert_has "$err" "etc/a/.nobackup' does not count"
}

@test "cold markers and [cold] sections add up" {
	conf "[cold photos]
		path = $T/home/p
		copies = 2
		min-age = 7d"
	mk_tree home <<-END
		a/.coldstorage
		a/b/.coldstorage_redundant
		a/b/c/.coldstorage_delete
		a/b/d/.nobackup
		p/
		p/x/.coldstorage_delete = boxes = fsn usb
		q/.coldstorage_delete
	END
	run_bk 0 bk-scan --json list cold
	at() {
		jq -r --arg p "$T/home/$1" 'select(.type == "root" and
			.path == $p) | "\(.set) \(.copies) \(.delete)"' "$out"
	}
	assert_is "$(at a)" " 1 false"
	assert_is "$(at a/b)" " 2 false"
	assert_is "$(at a/b/c)" " 2 true"
	assert_is "$(at p)" "photos 2 false"
	assert_is "$(at p/x)" " 2 true"
	assert_is "$(at q)" " 1 true"
	assert_json "$out" '.[] | select(.path == "'"$T"'/home/p/x" and
		.type == "root") | .boxes == ["fsn", "usb"]'
	assert_json "$out" '.[] | select(.type == "root" and
		.set == "photos") | .min_age == 604800'
	assert_json "$out" '.[] | select(.type == "out" and
		.set == "photos") | .why.kind == "set"'
	assert_is "$(roots delete "" | tr '\n' ' ')" "a/b/c p/x q "
	assert_is "$(roots redundant "" | tr '\n' ' ')" "a/b a/b/c p/x "
}

@test "who may delete: the owner of .coldstorage_delete is told" {
	need_root
	mk_marker home/a/.coldstorage_delete home/b/.coldstorage_delete
	chown -R 1000 home/a
	run_bk 0 bk-scan --json list cold
	assert_json "$out" '[.[] | select(.type == "root") | .owner] ==
		[1000, null]'
}

@test "a folder is in both classes at once" {
	mk_marker home/a/.backup home/a/b/.coldstorage
	run_bk 0 bk-scan why home/a/b
	assert_has "$out" "yes	restic:home"
	assert_has "$out" "yes	cold"
}

@test "markers that do not count: link, folder, fifo, stranger, writable" {
	need_root
	mkdir -p home/{a,b,c,d,e,f}
	echo >real
	ln -s "$T/real" home/a/.backup
	mkdir home/b/.backup
	mkfifo home/c/.backup
	touch home/{d,e,f}/.backup
	chown 1234 home/d/.backup
	chmod o+w home/e/.backup
	chmod g+w home/f/.backup
	run_bk 3 timeout 10 bk-scan
	assert_is "$(cut -f3 "$out")" "$T/home/f"
	assert_has "$err" "a/.backup: this marker does not count: it is a symbolic"
	assert_has "$err" "b/.backup: this marker does not count: it is a folder"
	assert_has "$err" "c/.backup: this marker does not count: it is no regular"
	assert_has "$err" "d/.backup: this marker does not count: it belongs"
	assert_has "$err" "e/.backup: this marker does not count: it can be"
}

@test "a marker of 1 GiB counts without its text" {
	mkdir home/a
	truncate -s 1G home/a/.backup
	run_bk 3 bk-scan
	assert_has "$err" "larger than 64 KiB"
	assert_has "$out" "restic	home	$T/home/a"
}

@test "an unknown key drops the tuning, not the folder" {
	mkdir home/a
	printf 'exclude = *.o\nfoo = 1\n' >home/a/.backup
	run_bk 3 bk-scan --json
	assert_json "$out" '.[] | select(.type == "root") | .exclude == []'
	assert_json "$out" '.[] | select(.type == "warning") |
		.line == 2 and (.message | test("foo"))'
	assert_json "$out" 'last.status == 3'
}

@test "near misses are no markers" {
	mk_marker "home/a/.backup " home/a/.Backup home/a/.backupx \
		home/a/.coldstorage_ home/a/backup
	run_bk 0 bk-scan
	assert_is "$stdout" ""
}

@test "patterns: files, why and uncovered tell what restic will take" {
	mkdir -p home/a/sub/build home/a/build
	printf 'exclude = *.o\nexclude = /build\n' >home/a/.backup
	touch home/a/{x.o,y.c} home/a/sub/build/z.c home/a/build/w
	assert_is "$(covered restic | tr '\n' ' ')" \
		"a/.backup a/sub/build/z.c a/y.c "
	run_bk 1 bk-scan why home/a/build/w
	assert_has "$out" "exclude /build"
	run_bk 0 bk-scan why home/a/sub/build/z.c
	run_bk 0 bk-scan uncovered
	assert_has "$out" "folder	$T/home/a/build"
	assert_has "$out" "files	$T/home/a"
}

@test "patterns mean what they mean to restic" {
	need_program python3 restic jq
	python3 - home <<-'END'
		import os, random, sys
		random.seed(7)
		names = ["a", "b", "ab", "abc", "x.o", "[a]", "a*b", "é", "b-c"]
		atoms = ["a", "b", "*", "?", "[ab]", "[^a]", "[a-c]", "\\a", "\\*",
			"\\[", "é", ".o", "[é-ü]", "**"]
		def tree(d, depth):
		    for n in random.sample(names, 4):
		        p = os.path.join(d, n)
		        if depth and random.random() < .6:
		            os.mkdir(p)
		            tree(p, depth - 1)
		        else:
		            open(p, "w").close()
		def part():
		    if random.random() < .25:
		        return "**"
		    return "".join(random.choices(atoms, k=random.randint(1, 3)))
		for i in range(150):
		    d = f"{sys.argv[1]}/r{i}"
		    os.mkdir(d)
		    tree(d, 3)
		    p = "/".join(part() for _ in range(random.randint(1, 4)))
		    with open(d + "/.backup", "w") as f:
		        f.write("exclude = " + random.choice(["", "/"]) + p + "\n")
	END
	run_bk 0 bk-scan --json
	cp "$out" plan
	jq -r 'select(.type == "root") | .path as $r | .exclude[] | $r +
		(if startswith("/") then "" else "/**/" end) + .' plan >excludes
	jq -r 'select(.type == "root").path' plan | tr '\n' '\0' >targets
	run_bk 0 bk-scan files restic
	sort "$out" >ours
	export RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$T/restic-cache
	restic -q -r repo init
	restic_versions | while IFS=$'\t' read -r version restic; do
		"$restic" -q -r repo backup --force --exclude-file excludes \
			--files-from-raw targets --tag "$version"
		"$restic" -r repo ls --json --tag "$version" latest |
			jq -r 'select(.struct_type == "node" and
				.type != "dir").path' | sort >theirs
		diff ours theirs
	done
}

@test "hostile names come out whole in every format" {
	mk_hostile home/h
	mk_marker home/h/.backup
	run_bk 0 bk-scan -0 files restic
	find home/h -type f -printf "$T/%p\0" | sort -z | cmp - "$out"
	run_bk 0 bk-scan files restic
	assert_is "$(wc -l <"$out")" 15
	assert_has "$out" 'new\nline'
	assert_has "$out" 'tab\there'
	assert_has "$out" 'back\\slash'
	run_bk 0 bk-scan --json files restic
	assert_json "$out" 'last.count == 15'
	assert_json "$out" 'any(.path_b64 != null)'
	run_bk 0 bk-scan show
	assert_hasnt "$out" $'\e'
}

@test "hostile folders are roots like others" {
	local d
	# shellcheck disable=SC2016
	for d in $'new\nline' $'tab\t' $'bad\xff' ' x ' '-n' '[a]' '$HOME'; do
		mk_marker "home/$d/.backup"
	done
	run_bk 0 bk-scan -0
	find home -mindepth 1 -type d -printf "$T/%p\0" | sort -z | cmp - "$out"
	run_bk 0 bk-scan why "home/"$'bad\xff'
	run_bk 0 bk-scan
	run_bk 0 bk-scan diff
}

@test "list keeps the plan, diff compares with it" {
	mk_marker home/a/.backup home/b/.backup
	run_bk 66 bk-scan diff
	run_bk 0 bk-scan list
	run_bk 0 bk-scan diff
	assert_is "$stdout" ""
	mk_marker home/c/.backup
	rm home/a/.backup
	echo 'exclude = x' >home/b/.backup
	run_bk 1 bk-scan diff
	assert_has "$out" "-	restic	home	$T/home/a"
	assert_has "$out" "+	restic	home	$T/home/c"
	assert_has "$out" "~	restic	home	$T/home/b"
	run_bk 0 bk-scan -n list
	run_bk 1 bk-scan diff
	run_bk 1 bk-scan --json diff
	assert_json "$out" '[.[] | select(.type == "change") | .op] | sort ==
		["+", "-", "~"]'
}

@test "a damaged last plan is ignored with a note" {
	mk_marker home/a/.backup
	run_bk 0 bk-scan
	head -c 300 "$BK_STATE_DIR/scan/plan.json" >short
	cp short "$BK_STATE_DIR/scan/plan.json"
	run_bk 65 bk-scan diff
	run_bk 0 bk-scan
	assert_has "$err" "the last plan is ignored"
	run_bk 0 bk-scan diff
}

@test "show: the tree, warnings in place, totals" {
	mk_tree home <<-END
		a/.backup = exclude = *.o
		a/f = 123456789
		a/x/.nobackup
		b/c/.coldstorage_redundant
		b/.backup -> nowhere
	END
	LC_ALL=C run_bk 3 bk-scan show
	assert_is "$(sed "s|$T|T|" "$out" | tr -s ' ' | sed 's/ $//')" \
		"$(cat <<-'END'
		T/home - 7 B 1 file
		| ! b/.backup: this marker does not count: it is a symbolic link
		|- a restic:home 24 B 2 files .backup without *.o
		| `- x no 0 B 1 file .nobackup
		`- b/c cold x2 0 B 1 file .coldstorage_redundant

		restic:home 24 B 2 files in 1 folder
		cold 0 B 1 file in 1 folder
		not covered 7 B 2 files in 3 folders
	END
	)"
	LC_ALL=C.UTF-8 run_bk 3 bk-scan show
	assert_has "$out" "├─ a"
	run_bk 3 bk-scan --color=always show
	assert_has "$out" $'\e[32m'
	run_bk 0 bk-scan show home/a
	assert_hasnt "$out" "b/c"
	assert_has "$out" "$T/home/a"
	run_bk 3 bk-scan --json show
	assert_json "$out" '.[] | select(.path == "'"$T"'/home/a") |
		.covered and .bytes == 24'
}

@test "show: a file of the configuration counts once, long names keep apart" {
	local long
	long=$(printf '%080d' 0)
	conf "path = $T/home/a/one
		path = $T/one"
	mk_tree home <<-END
		a/.backup
		a/one = 1234
		a/two = 12
		$long/.backup
	END
	echo 12345678 >one
	sums() {
		run_bk 0 bk-scan "$@" show
		grep -A9 '^$' "$out" | tr -s ' ' | tail -n +2
	}
	assert_is "$(sums)" "restic:home 8 B 4 files in 2 folders
restic:other 14 B 2 files in 0 folders
not covered 0 B 0 files in 1 folder"
	assert_is "$(sums --cached)" "$(sums)"
	run_bk 0 bk-scan show
	assert_has "$out" "$long  restic:home"
	run_bk 0 bk-scan --json list restic:home
	assert_json "$out" '[.[] | select(.type == "root") | .files] == [1, 3]'
}

@test "-c FILE has a plan and a cache of its own" {
	mk_marker home/a/.backup other/b/.backup
	sed "s|$T/home|$T/other|" bk.conf >other.conf
	chmod 600 other.conf
	run_bk 0 bk-scan list
	run_bk 66 bk-scan -c other.conf diff
	run_bk 0 bk-scan -c other.conf list
	assert_is "$(cut -f3 "$out")" "$T/other/b"
	run_bk 0 bk-scan diff
	run_bk 0 bk-scan -c "$T/other.conf" diff
	run_bk 0 bk-scan --cached list
	assert_is "$(cut -f3 "$out")" "$T/home/a"
	run_bk 0 bk-scan -c other.conf --cached list
	assert_is "$(cut -f3 "$out")" "$T/other/b"
	# what cannot be seen is kept, whatever another configuration saw since
	mv home away
	run_bk 3 bk-scan list
	assert_has "$out" "$T/home/a	$T/home/a/.backup	known"
}

@test "a path with .. is what the system makes of it" {
	mk_marker home/a/.backup
	mkdir -p home/b/c home/a/d
	touch home/a/f home/b/f
	ln -s "$T/home/a/d" home/b/link
	run_bk 0 bk-scan why home/b/link/../f
	assert_has "$out" "$T/home/a/f"
	run_bk 0 bk-scan why home/b/link/..
	run_bk 0 bk-scan why "$T/home/b/../a//./f"
	run_bk 1 bk-scan why home/b/c/../f
	cd home/b/link
	run_bk 0 bk-scan why ../f
	cd "$T"
	# a link is named itself, and not what it leads to
	ln -s "$T/home/a/f" home/b/to
	run_bk 1 bk-scan why home/b/to
	run_bk 66 bk-scan why home/b/f/..
	run_bk 66 bk-scan why ""
}

@test "why says no where nothing decides" {
	mkdir home/a
	run_bk 1 bk-scan why home/a
	assert_has "$out" "no	restic	$T/home/a	nothing at or above"
	run_bk 1 bk-scan why "$T"
	assert_has "$out" "below no [scan] root"
	run_bk 66 bk-scan why home/none
}

@test "uncovered: the largest folders of which nothing is covered" {
	mk_tree home <<-END
		a/.backup
		a/f
		b/c/.backup
		b/own
		b/d/e/big
		b/d/small
		z/f
	END
	truncate -s 1M home/b/d/e/big
	truncate -s 2M home/z/f
	run_bk 0 bk-scan uncovered
	assert_is "$(cut -f3- "$out")" "folder	$T/home/z
folder	$T/home/b/d
files	$T/home/b"
	run_bk 0 bk-scan uncovered -1
	assert_is "$(wc -l <"$out")" 1
	run_bk 0 bk-scan --json uncovered
	assert_json "$out" '.[0].bytes == 2097152'
}

@test "mark and unmark, and what comes of them" {
	mkdir home/a "$T/out"
	run_bk 0 bk-scan -n mark backup home/a
	assert_is "$stdout" "touch -- $T/home/a/.backup"
	[ ! -e home/a/.backup ]
	run_bk 0 bk-scan mark backup home/a
	assert_has "$out" "yes	restic:home	$T/home/a"
	assert_is "$(stat -c %a home/a/.backup)" 644
	run_bk 0 bk-scan mark .backup home/a
	assert_has "$err" "is there already"
	run_bk 0 bk-scan unmark backup home/a
	assert_has "$out" "no	restic"
	run_bk 66 bk-scan unmark backup home/a
	run_bk 3 bk-scan mark backup out
	assert_has "$err" "below no [scan] root"
	ln -s /nowhere home/a/.nobackup
	run_bk 73 bk-scan mark nobackup home/a
	assert_is "$(readlink home/a/.nobackup)" /nowhere
	run_bk 64 bk-scan mark nonsense home/a
	run_bk 66 bk-scan mark backup home/none
}

@test "restic:SET narrows; unknown classes and sets are usage errors" {
	mk_tree home <<-END
		a/.backup
		b/.backup = set = other
	END
	run_bk 0 bk-scan list restic:other
	assert_is "$(cut -f3 "$out")" "$T/home/b"
	run_bk 64 bk-scan list restic:none
	run_bk 64 bk-scan nonsense
	run_bk 64 bk-scan --nonsense
	run_bk 64 bk-scan files
	run_bk 64 bk-scan why
	run_bk 64 bk-scan --color=maybe show
}

@test "a broken configuration is 78, a missing one 66" {
	echo '[bogus]' >>"$BK_CONFIG"
	run_bk 78 bk-scan
	run_bk 78 bk-scan mark backup home
	[ ! -e home/.backup ]
	run_bk 66 bk-scan -c "$T/none" list
}

@test "version and help" {
	run_bk 0 bk-scan -V
	run_bk 0 bk-scan -h
	assert_has "$out" "usage: bk-scan"
}
