#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump: what is chosen, what is written, and what it says.
# SQL has backticks
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() {
	mdb_setup_file
	sql - <<-'END'
		CREATE DATABASE shop CHARACTER SET utf8mb4;
		CREATE DATABASE blog CHARACTER SET utf8mb4;
		CREATE DATABASE blog_old;
		USE shop;
		CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40), price FLOAT);
		INSERT INTO shop.item SELECT seq, CONCAT('item ', seq), seq / 7 FROM seq_1_to_3000;
		CREATE TABLE shop.log (t DATETIME, line TEXT) ENGINE=MyISAM;
		INSERT INTO shop.log VALUES ('2026-01-01', 'secret line');
		CREATE VIEW shop.cheap AS SELECT * FROM shop.item WHERE price < 1;
		CREATE FUNCTION shop.twice(a INT) RETURNS INT DETERMINISTIC RETURN 2 * a;
		CREATE TRIGGER shop.tr BEFORE INSERT ON shop.item FOR EACH ROW SET NEW.name = 'x';
		CREATE EVENT shop.ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SET @a = 1;
		CREATE SEQUENCE shop.seq;
		CREATE TABLE blog.post (id INT PRIMARY KEY, t TEXT);
		INSERT INTO blog.post VALUES (1, 'first');
		CREATE TABLE blog_old.post (id INT PRIMARY KEY);
		CREATE TABLE blog.`we``ird.na/me` (`%` INT PRIMARY KEY);
		INSERT INTO blog.`we``ird.na/me` VALUES (1), (2);
	END
}
teardown_file() { mdb_teardown_file; }
setup() { mdb_setup; }
teardown() {
	hand_close
	# what a test left there
	sql "DROP VIEW IF EXISTS blog.broken, blog.works, blog.orphan;
		DROP TABLE IF EXISTS blog.gone;
		DROP USER IF EXISTS app@localhost, dumper@localhost"
}

# insides: the tables of which $out has rows, sorted.
insides() { grep -ao '^INSERT INTO `[^ ]*' "$out" | cut -d' ' -f3 | sort -u | tr '\n' ' '; }

@test "one database, as a stream that ends in its proof" {
	run_bk 0 bk-dbdump dump main shop
	assert_whole "$out"
	[[ $(trailer "$out") == *' rows=3001 broken=0 '* ]]
	assert_has "$out" 'CREATE TABLE `item`'
	assert_has "$out" 'CREATE DATABASE'
	assert_hasnt "$out" 'blog'
	assert_hasnt "$out" 'LOCK TABLES'
	assert_is "$stdout" "$(cat "$out")"
	# the section is the only one, so that it need not be named
	cp "$out" first
	run_bk 0 bk-dbdump dump shop
	cmp first "$out"
	(umask 077 && : >no.conf)
	run_bk 0 bk-dbdump dump --socket="$SOCK" -c no.conf shop
	cmp first "$out"
	run_bk 0 bk-dbdump check first
}

@test "all databases but those of the server itself" {
	run_bk 0 bk-dbdump dump main
	assert_is "$(grep -aoE '^CREATE DATABASE [^`]*`[^`]*`' "$out" |
		grep -o '`.*' | tr '\n' ' ')" '`blog` `blog_old` `shop` '
	assert_whole "$out"
	# a new one needs no word
	sql "CREATE DATABASE newcomer"
	run_bk 0 bk-dbdump dump main
	sql "DROP DATABASE newcomer"
	assert_has "$out" '`newcomer`'
}

@test "patterns: databases, tables, wildcards" {
	run_bk 0 bk-dbdump dump main 'blog*'
	assert_hasnt "$out" '`shop`'
	assert_has "$out" '`blog_old`'
	run_bk 0 bk-dbdump dump main shop.item
	assert_hasnt "$out" '`log`'
	assert_hasnt "$out" '`cheap`'
	assert_has "$out" 'TRIGGER'
	[[ $(trailer "$out") == *' rows=3000 '* ]]
	run_bk 0 bk-dbdump dump main 'shop.[il]*' blog.post
	[[ $(trailer "$out") == *' rows=3002 '* ]]
	# a dot in a name is not the one between two names
	run_bk 0 bk-dbdump dump main 'blog.we`ird\.na/me'
	[[ $(trailer "$out") == *' rows=2 '* ]]
}

@test "a name that is not there is an error, a wildcard a warning" {
	run_bk 66 bk-dbdump dump main shop blgo
	assert_has "$err" 'blgo'
	assert_is "$stdout" ''
	run_bk 66 bk-dbdump dump main shop.itme
	assert_has "$err" 'itme'
	run_bk 66 bk-dbdump dump main 'nothing*'
	assert_is "$stdout" ''
	run_bk 0 bk-dbdump dump main shop 'nothing*'
	assert_has "$err" 'nothing*'
	assert_whole "$out"
	conf 'include=shop\n  nix.table'
	run_bk 66 bk-dbdump dump main
	assert_has "$err" 'nix.table'
	run_bk 66 bk-dbdump dump -o d main blgo
	assert_no_folder d
}

@test "include, exclude and schema-only of the section" {
	conf 'include=shop\n  blog*'
	conf 'exclude=*_old\n  shop.log'
	conf 'schema-only=shop.item'
	run_bk 0 bk-dbdump dump main
	assert_hasnt "$out" 'blog_old'
	assert_hasnt "$out" 'secret line'
	assert_has "$out" 'CREATE TABLE `item`'
	assert_hasnt "$out" 'item 17'
	[[ $(trailer "$out") == *' rows=3 '* ]]
	# patterns of the command line go before both
	run_bk 0 bk-dbdump dump main blog_old
	assert_has "$out" 'blog_old'
}

@test "a folder: a file for each table, the manifest last, private users" {
	sql "CREATE USER app@localhost IDENTIFIED BY 'hidden-word'"
	run_bk 0 bk-dbdump dump -o d main
	for f in globals.sql manifest.json shop/schema.sql shop/item.sql \
		shop/log.sql shop/post.sql blog_old/schema.sql; do
		[ -f d/$f ] || fail "no $f" "$(find d)"
	done
	assert_is "$(stat -c %a d d/globals.sql | tr '\n' ' ')" '700 600 '
	assert_has d/globals.sql 'app'
	assert_json d/manifest.json 'first | .rows == 3004 and .broken == 0'
	for f in $(jq -r '.files[].path' d/manifest.json); do
		assert_is "$(sha256sum <"d/$f")" "$(jq -r --arg f "$f" \
			'.files[] | select(.path == $f) | .sha256' d/manifest.json)  -"
	done
	run_bk 0 bk-dbdump check d
	# it must not be there
	run_bk 73 bk-dbdump dump -o d main
	run_bk 73 bk-dbdump dump -o no/such/place main
	conf 'globals=no'
	run_bk 0 bk-dbdump dump -o e main
	[ ! -e e/globals.sql ]
}

@test "--exec: the program has the stream, and its status is ours" {
	run_bk 0 bk-dbdump dump --exec main shop -- sh -c 'cat >x.sql'
	assert_whole x.sql
	run_bk 0 bk-dbdump dump main shop
	cmp x.sql "$out"
	run_bk 42 bk-dbdump dump --exec main shop -- sh -c 'cat >x.sql; exit 42'
	run_bk 69 bk-dbdump dump --exec main shop -- ./no-such-program
	run_bk 64 bk-dbdump dump --exec main shop
	run_bk 64 bk-dbdump dump -o d --exec main shop -- cat
}

@test "check: whatever is wrong with a stream" {
	run_bk 0 bk-dbdump dump main shop
	cp "$out" good
	n=$(stat -c %s good)
	head -c -1 good >bad1                         # cut
	head -n -1 good >bad2                         # no trailer
	head -c 3000 good >bad3
	: >bad4
	{ cat good; echo; } >bad5                     # something behind
	sed 's/item 17/item 71/' good >bad6           # another value
	{ head -c 2000 good; tail -c +2001 good | sed '1d'; } >bad7
	sed '$s/rows=3001/rows=3000/' good >bad8      # what it says of itself
	sed '$s/sha256=./sha256=/' good >bad9
	{ cat good good; } >bad10
	printf -- '-- bk-dbdump: complete bytes=0\n' >bad11
	head -c $((n - 100)) good >bad12
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		run_bk 65 bk-dbdump check bad$i
		[ -n "$stderr" ]
	done
	run_bk 66 bk-dbdump check nix
	run_bk 64 bk-dbdump check
	# one bad one among others is enough
	run_bk 65 bk-dbdump check good bad6 good
	assert_has "$err" bad6
	run_bk 0 bk-dbdump check good good
}

@test "check: whatever is wrong with a folder" {
	run_bk 0 bk-dbdump dump -o good main
	damage() {
		rm -rf bad
		cp -a good bad
		(cd bad && eval "$1")
		run_bk 65 timeout 20 bk-dbdump check bad || fail "after: $1"
	}
	damage 'rm shop/schema.sql'
	damage 'rm manifest.json'
	damage 'rm -r blog'
	damage 'echo >>shop/schema.sql'
	damage 'echo x >shop/more.sql'
	damage 'mkdir more'
	damage 'mkdir more; echo x >more/x.sql'
	damage 'sed -i "s/item 17/item 71/" shop/item.sql'
	damage ': >shop/item.sql'
	damage 'head -c 300 manifest.json >m; mv m manifest.json'
	damage 'echo "{}" >manifest.json'
	damage 'mv shop/item.sql elsewhere; ln -s ../elsewhere shop/item.sql'
	# nobody will ever write to that
	damage 'rm shop/item.sql; mkfifo shop/item.sql'
	damage 'rm manifest.json; mkfifo manifest.json'
	damage 'sed -i s/schema.sql/..\\/x.sql/ manifest.json; cp shop/schema.sql ../x.sql'
	damage 'sed -i "s/\"rows\": *3000/\"rows\": 2999/" manifest.json'
	damage 'sed -i "s/\"objects\": /\"objects\": 1/" manifest.json'
	damage 'sed -i "s/\"broken\": 0/\"broken\": 1/" manifest.json'
	damage 'sed -i "s/\"rows\": 2,/\"rows\": 3,/; s/\"rows\": 3000/\"rows\": 2999/" manifest.json'
	damage 'sed -i "s/\"proof\": /\"qroof\": /" manifest.json'
	damage 'sed -i "s/\"largest\": /\"largest\": 1/" manifest.json'
	damage 'sed -i "s/\"table\": \"item\"/\"table\": \"post\"/" manifest.json'
	# as the manual page says
	assert_is "$(jq -cSj 'del(.proof)' good/manifest.json | sha256sum)" \
		"$(jq -r .proof good/manifest.json)  -"
	run_bk 0 bk-dbdump check good
}

@test "list: what would be dumped, and what is odd about it" {
	sql "CREATE TABLE blog.gone (a INT); CREATE VIEW blog.broken AS
		SELECT * FROM blog.gone; DROP TABLE blog.gone"
	run_bk 0 bk-dbdump list main
	awk -F'\t' '$1 == "shop" && $2 == "item" { print $3, $4 }' "$out" >item
	assert_is "$(cat item)" 'table InnoDB'
	grep -P '^shop\tlog\ttable\tMyISAM\t.*no primary key' "$out"
	grep -P '^shop\tlog\t.*not transactional' "$out"
	grep -P '^blog\tbroken\tview\t.*broken' "$out"
	assert_has "$out" 'twice'
	assert_hasnt "$out" 'information_schema'
	run_bk 0 bk-dbdump --json list
	assert_json "$out" 'last.type == "end" and last.count == length - 1'
	assert_json "$out" 'any(.db == "shop" and .name == "item" and .rows > 2000 and .bytes > 0)'
	conf 'exclude=shop'
	run_bk 0 bk-dbdump list
	assert_hasnt "$out" shop
}

@test "a broken view: named, and no dump; or saved, told, and status 3" {
	sql "CREATE TABLE blog.gone (a INT); CREATE VIEW blog.broken AS
		SELECT a AS remember FROM blog.gone; CREATE VIEW blog.works AS SELECT 1;
		DROP TABLE blog.gone"
	run_bk 1 bk-dbdump dump main blog
	assert_has "$err" broken
	assert_cut "$out"
	run_bk 1 bk-dbdump dump -o d main blog
	assert_no_folder d
	run_bk 3 bk-dbdump dump --broken=save main blog
	assert_whole "$out"
	[[ $(trailer "$out") == *' broken=1 '* ]]
	assert_has "$out" remember
	assert_has "$err" broken
	run_bk 3 bk-dbdump dump --broken=save -o d main blog
	run_bk 0 bk-dbdump check d
	assert_json d/manifest.json 'first | .broken == 1'
	conf broken=save
	run_bk 3 bk-dbdump dump main blog
	# what is saved loads, and the rest is there
	mdb_up broken
	load_into broken <"$out"
	assert_is "$(sql -S "$M/broken/sock" 'SELECT * FROM blog.works')" 1
	mdb_drop broken
	run_bk 0 bk-dbdump dump main shop
	run_bk 0 bk-dbdump dump main blog.post
}

@test "a view whose definer is gone" {
	sql "CREATE USER app@localhost; GRANT ALL ON *.* TO app@localhost;
		CREATE DEFINER=app@localhost VIEW blog.orphan AS SELECT t FROM blog.post;
		DROP USER app@localhost"
	run_bk 1 bk-dbdump dump main blog
	assert_has "$err" orphan
	assert_cut "$out"
	run_bk 3 bk-dbdump dump --broken=save main blog
	assert_whole "$out"
	[[ $(trailer "$out") == *' broken=1 '* ]]
	assert_has "$out" 'orphan'
}

@test "usage and configuration" {
	run_bk 64 bk-dbdump
	run_bk 64 bk-dbdump nonsense
	run_bk 64 bk-dbdump dump -j 0 main
	run_bk 64 bk-dbdump dump -j 17 main
	run_bk 64 bk-dbdump dump -j x main
	run_bk 64 bk-dbdump dump --broken=perhaps main
	run_bk 64 bk-dbdump dump --max-age=soon main
	run_bk 64 bk-dbdump dump --password=x main
	run_bk 64 bk-dbdump list --into=x
	for p in a.b.c .item shop. ''; do
		run_bk 64 bk-dbdump dump main "$p"
	done
	run_bk 0 bk-dbdump --help
	assert_hasnt "$out" password
	: >"$BK_CONFIG"
	run_bk 78 bk-dbdump dump shop
	printf '[mariadb a]\nsocket = %s\n[mariadb b]\nsocket = %s\n' \
		"$SOCK" "$SOCK" >"$BK_CONFIG"
	run_bk 64 bk-dbdump dump
	run_bk 0 bk-dbdump dump b shop
	echo 'connections = 17' >>"$BK_CONFIG"
	run_bk 78 bk-dbdump dump b shop
	run_bk 66 bk-dbdump dump -c nix b shop
}

@test "no server there" {
	conf "socket=$T/no-socket"
	run_bk 69 bk-dbdump dump main
	assert_has "$err" "$T/no-socket"
	run_bk 69 bk-dbdump list main
	# a socket where nobody answers
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$T/dead"
	run_bk 69 bk-dbdump dump --socket="$T/dead" shop
	run_bk 69 bk-dbdump dump --host=127.0.0.1 --port=1 shop
}

@test "a password: by reference, from an option file, never where others see" {
	sql "CREATE USER dumper@localhost IDENTIFIED BY 'pass=#\"word';
		GRANT ALL ON *.* TO dumper@localhost"
	conf user=dumper
	run_bk 77 bk-dbdump dump main shop
	assert_has "$err" dumper
	(umask 077 && printf 'pass=#"word' >pw && printf 'wrong' >pw2)
	conf "password=file:$T/pw2"
	run_bk 77 bk-dbdump dump main shop
	assert_hasnt "$err" wrong
	conf "password=file:$T/pw"
	run_bk 0 bk-dbdump dump main shop
	assert_whole "$out"
	assert_hasnt "$out" 'pass=#'
	bk-dbdump dump --exec main shop -- sh -c 'cat >/dev/null
		tr "\0" "\n" <"/proc/$PPID/cmdline" >seen
		tr "\0" "\n" <"/proc/$PPID/environ" >>seen
		tr "\0" "\n" </proc/self/environ >>seen'
	assert_has seen bk-dbdump
	assert_hasnt seen 'pass=#'
	# an option file, for us alone
	sed -i '/^password/d; /^user/d' "$BK_CONFIG"
	printf '[client]\nuser=dumper\npassword="pass=#\\"word"\n' >my.cnf
	conf "defaults-file=$T/my.cnf"
	chmod 644 my.cnf
	run_bk 78 bk-dbdump dump main shop
	assert_has "$err" my.cnf
	chmod 600 my.cnf
	run_bk 0 bk-dbdump dump main shop
	run_bk 66 bk-dbdump dump --defaults-file="$T/nix" main shop
}

@test "another user of the system, by the socket" {
	need_root
	sql "CREATE USER nobody@localhost IDENTIFIED VIA unix_socket;
		GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS,
		SHOW DATABASES ON *.* TO nobody@localhost"
	run_bk 0 bk-dbdump dump main shop
	cp "$out" by-root
	: >open.conf
	chown nobody open.conf
	chmod o+x "$T" "${T%/*}" "${T%/*/*}" "${T%/*/*/*}" "$BATS_RUN_TMPDIR"
	run_bk 0 setpriv --reuid=nobody --regid=nogroup --clear-groups env \
		HOME=/nonexistent BK_CONFIG="$T/open.conf" \
		"$(command -v bk-dbdump)" dump --socket="$SOCK" shop
	sql "DROP USER nobody@localhost"
	cmp "$out" by-root
}

@test "an INSERT ends where the rows say so, not where bytes are full" {
	sql "CREATE DATABASE wide; USE wide; CREATE TABLE item (id INT PRIMARY
		KEY, s VARCHAR(60)); INSERT INTO item SELECT seq, SHA1(seq) FROM
		seq_1_to_60000"
	run_bk 0 bk-dbdump dump main wide
	cp "$out" one
	sql "DELETE FROM wide.item WHERE id = 3"
	run_bk 0 bk-dbdump dump main wide
	sql "DROP DATABASE wide"
	n=$(grep -ac '^INSERT INTO' "$out")
	[ "$n" -gt 5 ] || fail "$n statements"
	# all but that row, and the trailer, is there as before
	diff one "$out" >unlike || :
	[ "$(wc -l <unlike)" -le 10 ] || fail "$(head -c 3000 unlike)"
}

@test "the standing cases: closed descriptors, a full disk, no HOME" {
	run_bk 74 sh -c 'bk-dbdump dump main shop >/dev/full'
	run_bk 74 sh -c 'bk-dbdump list >/dev/full'
	run_bk 74 sh -c 'bk-dbdump dump main shop >&-'
	run_bk 0 sh -c 'bk-dbdump dump main shop <&-'
	run_bk 0 sh -c 'bk-dbdump dump main shop 2>&-'
	assert_whole "$out"
	run_bk 0 env -u HOME bk-dbdump dump main shop
}

@test "what a dump cannot keep is said" {
	sql "CREATE OR REPLACE DATABASE odd CHARACTER SET utf8mb4; USE odd;
		CREATE TABLE trx (id INT, v INT,
		rs BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,
		re BIGINT UNSIGNED GENERATED ALWAYS AS ROW END,
		PERIOD FOR SYSTEM_TIME (rs, re)) WITH SYSTEM VERSIONING;
		INSERT INTO trx (id, v) VALUES (1, 1); UPDATE trx SET v = 2"
	run_bk 0 bk-dbdump dump main odd
	sql "DROP DATABASE odd"
	assert_whole "$out"
	assert_has "$err" 'odd.trx'
	assert_has "$out" '(1,2)'
	assert_hasnt "$out" '(1,1)'
}

# bats test_tags=long
@test "a row that no server would take back: named by list, and no dump" {
	sql "SET sql_log_bin = 0; CREATE OR REPLACE DATABASE odd; CREATE TABLE
		odd.big (id INT PRIMARY KEY, \`b\`\`lob\` LONGBLOB, t LONGTEXT)
		ENGINE=MyISAM; INSERT INTO odd.big VALUES (1, 'a', 'b'),
		(7, REPEAT('x', 490000000), REPEAT('y', 100000000)), (8, NULL, NULL)"
	run_bk 0 bk-dbdump list main
	row=$(awk -F'\t' '$1 == "odd"' "$out")
	[[ $row == *'the row with `id` = 7 would be longer than 1 GiB as SQL'* ]]
	# it is seen by the lengths, before the bytes are fetched
	run_bk 1 bk-dbdump dump main odd
	assert_has "$err" '`id` = 7'
	assert_cut "$out"
	[ "$(stat -c %s "$out")" -lt 100000 ]
	# one whose key is no help, so that it comes as a whole
	sql "SET sql_log_bin = 0; ALTER TABLE odd.big DROP PRIMARY KEY"
	run_bk 1 bk-dbdump dump main odd
	assert_has "$err" 'a row of table odd.big would be longer'
	assert_cut "$out"
	sql "SET sql_log_bin = 0; UPDATE odd.big SET t = 'short'"
	run_bk 0 bk-dbdump list main
	assert_hasnt "$out" 'longer than'
	sql "DROP DATABASE odd"
}

# bats test_tags=long
@test "rows of 20 MB: any client loads them" {
	sql "CREATE OR REPLACE DATABASE odd; CREATE TABLE odd.big (id INT PRIMARY KEY,
		b LONGBLOB, t LONGTEXT); INSERT INTO odd.big VALUES
		(1, REPEAT(x'0027', 10000000), REPEAT('it''s', 5000000)), (2, 'a', '')"
	cd "$M" || return
	run_bk 0 bk-dbdump dump main odd
	assert_whole "$out"
	sum=$(sql "CHECKSUM TABLE odd.big EXTENDED; DROP DATABASE odd")
	mdb_up big
	load_into big <"$out"
	assert_is "$(sql -S "$M/big/sock" "CHECKSUM TABLE odd.big EXTENDED")" "$sum"
	mdb_drop big
}

@test "a server for which names have no case" {
	mdb_up lower --lower-case-table-names=1
	sql -S "$M/lower/sock" "CREATE DATABASE Shop; CREATE TABLE Shop.Item (ID INT
		PRIMARY KEY); INSERT INTO shop.ITEM VALUES (1); CREATE VIEW shop.V AS
		SELECT * FROM shop.Item"
	run_bk 0 bk-dbdump dump --socket="$M/lower/sock" SHOP
	assert_whole "$out"
	cp "$out" want
	run_bk 0 bk-dbdump dump --socket="$M/lower/sock" Shop
	cmp "$out" want
	run_bk 0 bk-dbdump dump --socket="$M/lower/sock" 'sHop.iTem'
	[[ $(trailer "$out") == *' rows=1 '* ]]
	mdb_drop lower
}
