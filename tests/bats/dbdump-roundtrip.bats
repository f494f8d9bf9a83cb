#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What bk-dbdump writes, loaded into an empty server, is what there was.

load helper
load mariadb

setup_file() {
	mdb_setup_file
	local part
	for part in torture torture-more; do
		sql - <"$BATS_TEST_DIRNAME/../data/dbdump/$part.sql" >/dev/null
	done
}
teardown_file() { mdb_teardown_file; }
setup() { mdb_setup; }

# dumped: $M/dump.sql is a dump of all of it, made once.
dumped() {
	[ ! -e "$M/dump.sql" ] || return 0
	bk-dbdump dump main >"$M/dump.new"
	mv "$M/dump.new" "$M/dump.sql"
}

# restored: the server "r" has been loaded with it, once; it has no binary log
# and tells clients of another character set.
restored() {
	dumped
	[ ! -e "$M/restored" ] || return 0
	[ -e "$M/r/sock" ] || mdb_up r --skip-log-bin \
		--character-set-server=latin2 --sql-mode=ANSI,STRICT_ALL_TABLES
	load_into r --binary-mode <"$M/dump.sql"
	touch "$M/restored"
}

# same_portrait SOCKET [PART]: nothing can be told apart.
same_portrait() {
	portrait -S "$SOCK" "${2:-data}" >want
	portrait -S "$1" "${2:-data}" >got
	assert_hasnt want 'ERROR'
	diff want got >unlike || fail "$(head -c 4000 unlike)"
}

@test "the torture schema: written whole, loaded by any client, the same" {
	dumped
	assert_whole "$M/dump.sql"
	run_bk 0 bk-dbdump check "$M/dump.sql"
	restored
	same_portrait "$M/r/sock"
}

@test "a client without any option loads all but names with a CR in them" {
	run_bk 0 bk-dbdump dump main torture 'torture_[!c]*' 'we*' 'manifest\.json' \
		$'new\nline' 'Uml*'
	cp "$out" plain.sql
	mdb_up p --character-set-server=utf32
	load_into p <plain.sql
	run_bk 0 bk-dbdump dump --socket="$M/p/sock"
	cmp "$out" plain.sql
	load_into p --binary-mode < <(bk-dbdump dump main torture_cr)
	same_portrait "$M/p/sock"
	mdb_drop p
}

@test "a dump of what was restored is byte by byte the same" {
	restored
	run_bk 0 bk-dbdump dump --socket="$M/r/sock"
	cmp "$out" "$M/dump.sql"
}

@test "a dump does not depend on the number of connections, or on the time" {
	dumped
	for j in 1 3 16; do
		run_bk 0 bk-dbdump dump -j $j main
		cmp "$out" "$M/dump.sql"
	done
	sql "SET GLOBAL time_zone = '+07:00', GLOBAL sql_mode = 'ANSI_QUOTES',
		GLOBAL character_set_server = 'utf8mb4',
		GLOBAL group_concat_max_len = 4"
	run_bk 0 bk-dbdump dump main
	sql "SET GLOBAL time_zone = 'SYSTEM', GLOBAL sql_mode = DEFAULT,
		GLOBAL character_set_server = 'latin1',
		GLOBAL group_concat_max_len = DEFAULT"
	cmp "$out" "$M/dump.sql"
	! grep -anE '^--.*20[0-9][0-9]-[0-9]' "$M/dump.sql" || fail "that is a date"
}

@test "a server that is set up strangely makes the same dump" {
	dumped
	while IFS= read -r set; do
		sql "SET GLOBAL ${set//; /, GLOBAL }"
		status=0
		timeout 60 bk-dbdump dump main >"$T/strange" 2>"$T/err" || status=$?
		# names of variables, each with DEFAULT for its value
		sql "SET GLOBAL $(sed -E "s/ *= *('[^']*'|[^;]*)/ = DEFAULT/g; \
			s/; /, GLOBAL /g" <<<"$set")"
		assert_is "$status" 0 || fail "with $set" "$(cat "$T/err")"
		cmp "$T/strange" "$M/dump.sql" || fail "with $set"
	done <<-'END'
		sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,ANSI,NO_BACKSLASH_ESCAPES,ONLY_FULL_GROUP_BY'; sql_quote_show_create = 0
		sql_mode = 'ORACLE'; autocommit = 0; completion_type = 'RELEASE'
		sql_select_limit = 3
		max_join_size = 2; sql_safe_updates = 1; tx_read_only = 1; sql_auto_is_null = 1
		tx_isolation = 'READ-UNCOMMITTED'; completion_type = 'CHAIN'; group_concat_max_len = 4
		system_versioning_asof = '2001-01-01'; max_statement_time = 0.001; wait_timeout = 1
		time_zone = '-12:00'; lc_time_names = 'de_DE'; lc_messages = 'de_DE'; big_tables = 1
		max_sort_length = 64; max_error_count = 0; character_set_server = 'ucs2'; old_mode = ''
		net_buffer_length = 1024; max_allowed_packet = 131072
	END
}

@test "mariadb-dump's copy differs by what it cannot keep, and by no more" {
	need_program mariadb-dump
	sql "DROP EVENT torture.e_delimiter; DROP EVENT torture.crlf;
		DROP TABLE torture.enum_error, torture.sjis_key;
		DROP DATABASE torture_cr"
	mapfile -t dbs < <(sql "SELECT QUOTE(schema_name) FROM
		information_schema.schemata WHERE schema_name NOT IN ('mysql',
		'sys', 'information_schema', 'performance_schema')
		AND schema_name NOT LIKE '%\n%'")
	eval "dbs=(${dbs[*]})"
	mdb_up o
	timeout 60 mariadb-dump --no-defaults -S "$SOCK" --routines --events \
		--triggers --single-transaction --hex-blob --skip-add-locks \
		--dump-history --default-character-set=utf8mb4 \
		--databases "${dbs[@]}" $'new\nline' >"$M/oracle.sql"
	mariadb --no-defaults -S "$M/o/sock" --binary-mode <"$M/oracle.sql"
	portrait >want
	portrait -S "$M/o/sock" >got
	mdb_drop o
	rm -f "$M/dump.sql"
	# values alone, and of these tables
	diff want got | sed -n 's/^[<>] //p' >unlike || :
	assert_is "$(awk '{ print $1 == "sum" ? $2 : $1 }' unlike | tr -d '<>' |
		sed 's/^torture\.//' | sort -u | tr '\n' ' ')" \
		'charsets float_key floats generated many_rows versioned '
	# the same databases by bk-dbdump, now
	mdb_up b
	run_bk 0 bk-dbdump dump main
	load_into b <"$out"
	portrait -S "$M/b/sock" >got
	mdb_drop b
	diff want got >unlike || fail "$(head -c 4000 unlike)"
}

@test "a folder: the same each time, and each database loads" {
	run_bk 0 bk-dbdump dump -o one -j 1 main
	run_bk 0 bk-dbdump dump -o two -j 4 main
	run_bk 0 bk-dbdump check one two
	mv one/manifest.json one.json
	mv two/manifest.json two.json
	diff -r one two
	# no name is longer than a file's may be, none leaves its folder
	assert_is "$(find one -mindepth 3 | wc -l)" 0
	mdb_up f
	jq -j '.files[] | select(.kind != "globals") | .path + "\u0000"' \
		one.json | while IFS= read -r -d '' f; do
		cat "one/$f"
	done >all.sql
	load_into f --binary-mode <all.sql
	same_portrait "$M/f/sock"
	mdb_drop f
}

@test "users, roles and grants" {
	run_bk 0 bk-dbdump dump -o d main
	assert_is "$(stat -c %a d/globals.sql)" 600
	mdb_up u
	# grants on a routine want the routine
	jq -j '.files[] | select(.kind != "globals") | .path + "\u0000"' \
		d/manifest.json | (cd d && xargs -0 cat) |
		load_into u --binary-mode
	load_into u <d/globals.sql
	same_portrait "$M/u/sock" users
	run_bk 0 bk-dbdump dump -o e --socket="$M/u/sock"
	cmp d/globals.sql e/globals.sql
	# once more does no harm
	load_into u <d/globals.sql
	same_portrait "$M/u/sock" users
	mdb_drop u
}

@test "functions of libraries, and foreign servers" {
	need_program cc
	mkdir plugins
	cat >udf.c <<-'END'
		int twice_init(void *i, void *a, char *m) { return 0; }
		long long twice(void *i, void *a, char *n, char *e) { return 42; }
		int tally_init(void *i, void *a, char *m) { return 0; }
		void tally_clear(void *i, char *n, char *e) { }
		void tally_add(void *i, void *a, char *n, char *e) { }
		double tally(void *i, void *a, char *n, char *e) { return 1.5; }
	END
	cc -w -shared -fPIC -o plugins/udf.so udf.c
	mkdir "$M/plugins"
	cp plugins/udf.so "$M/plugins"
	mdb_up udf --plugin-dir="$M/plugins"
	SOCK=$M/udf/sock
	sql - <<-'END'
		CREATE FUNCTION twice RETURNS INTEGER SONAME 'udf.so';
		CREATE AGGREGATE FUNCTION tally RETURNS REAL SONAME 'udf.so';
		CREATE DATABASE shop;
		CREATE VIEW shop.v AS SELECT twice() AS a;
		CREATE DATABASE blog;
		CREATE SERVER `o'n\e ``` FOREIGN DATA WRAPPER mysql OPTIONS (
			HOST 'it''s\\.example', DATABASE 'd', USER 'u', PASSWORD 'p"w',
			PORT 3307, OWNER 'me');
		CREATE SERVER two FOREIGN DATA WRAPPER mysql OPTIONS (SOCKET '/run/x');
	END
	# engines have options of their own
	if sql "SELECT Options FROM mysql.servers" >/dev/null 2>&1; then
		sql "CREATE SERVER three FOREIGN DATA WRAPPER mysql OPTIONS (
			HOST 'h', \`odd\`\`one\` 'a\\'b')"
	fi
	run_bk 0 bk-dbdump dump -o d --socket="$SOCK"
	assert_is "$(stat -c %a d/servers.sql)" 600
	assert_is "$(jq -r '.files[0] | .path + " " + .kind' d/manifest.json)" \
		'servers.sql servers'
	run_bk 0 bk-dbdump check d
	mdb_up again --plugin-dir="$M/plugins"
	# without being asked they do not come, and the view has to do without
	run_bk 1 bk-dbdump restore --from d --db shop --socket="$M/again/sock"
	assert_has "$err" twice
	run_bk 0 bk-dbdump restore --from d --db blog --socket="$M/again/sock"
	assert_is "$(sql -S "$M/again/sock" "SELECT COUNT(*) FROM mysql.servers")" 0
	sql -S "$M/again/sock" "DROP DATABASE shop; DROP DATABASE blog"
	run_bk 0 bk-dbdump restore --from d --globals --socket="$M/again/sock"
	assert_is "$(sql -S "$M/again/sock" "SELECT a FROM shop.v")" 42
	same_portrait "$M/again/sock" users
	run_bk 0 bk-dbdump dump -o e --socket="$M/again/sock"
	cmp d/servers.sql e/servers.sql
	# once more does no harm, by any client
	load_into again <d/servers.sql
	same_portrait "$M/again/sock" users
	# none, and not asked for: no file
	sql "DROP FUNCTION twice; DROP FUNCTION tally; DROP SERVER two;
		DROP SERVER IF EXISTS three; DROP SERVER \`o'n\\e \`\`\`"
	run_bk 0 bk-dbdump dump -o f --socket="$SOCK" blog
	run_bk 0 bk-dbdump dump -o g --socket="$SOCK" --broken=save ||
		[ "$status" = 3 ]
	[ ! -e f/servers.sql ] && [ ! -e g/servers.sql ]
	mdb_drop udf again
}

@test "FLOAT: the very bits come back, where mariadb-dump's do not" {
	restored
	at="SELECT SUM(CRC32(CAST(f AS DOUBLE))), COUNT(DISTINCT f),
		SUM(CAST(f AS DOUBLE) = ROUND(f, 3)) FROM torture.floats"
	assert_is "$(sql -S "$M/r/sock" "$at")" "$(sql "$at")"
	assert_is "$(sql -S "$M/r/sock" "SELECT CAST(f AS DOUBLE) FROM
		torture.floats WHERE id = 1")" 16777216
	# the row above was sent as 16777217, which no FLOAT is
	assert_is "$(sql -S "$M/r/sock" "SELECT CAST(f AS DOUBLE) FROM
		torture.floats WHERE id = 2")" 123456.7890625
}

# DBDUMP_TABLES=10000 takes minutes where others use the machine, too.
# bats test_tags=long
@test "two thousand tables" {
	n=${DBDUMP_TABLES:-2000}
	mdb_up many
	SOCK=$M/many/sock
	for i in $(seq "$n"); do
		echo "CREATE TABLE t$i (id INT PRIMARY KEY, v INT);"
		echo "INSERT INTO t$i VALUES (1, $i);"
	done >many.sql
	sql "CREATE DATABASE many"
	sql -D many - <many.sql
	start=$SECONDS
	run_bk 0 bk-dbdump dump --socket="$SOCK" many
	took=$((SECONDS - start))
	assert_whole "$out"
	[[ $(trailer "$out") == *" rows=$n "* ]]
	[ $took -lt 60 ] || fail "it took $took s"
	mdb_up again
	load_into again <"$out"
	sum="SELECT COUNT(*), SUM(CRC32(table_name)) FROM
		information_schema.tables WHERE table_schema = 'many'"
	assert_is "$(sql -S "$M/again/sock" "$sum")" "$(sql "$sum")"
	assert_is "$(sql -S "$M/again/sock" 'SELECT v FROM many.t1999')" 1999
	mdb_drop many again
}

@test "keys and members that are easily got wrong" {
	mdb_up odd
	SOCK=$M/odd/sock
	sql "CREATE DATABASE odd"
	# an index pads CHAR with blanks, a condition does not
	sql "CREATE TABLE odd.nopad (k CHAR(12) CHARACTER SET latin1
		COLLATE latin1_nopad_bin PRIMARY KEY, v VARCHAR(900));
		INSERT INTO odd.nopad SELECT CONCAT(LPAD(seq DIV 6, 6, '0'),
		ELT(1 + seq % 6, '', '\t', '\n', CHAR(1), CHAR(2), '\t\t')),
		REPEAT('v', 900) FROM odd.seq_1_to_16000"
	# sorting looks at the start of a long key alone
	sql "CREATE TABLE odd.long_key (p VARCHAR(2000) CHARACTER SET latin1
		PRIMARY KEY, v LONGTEXT CHARACTER SET latin1) ENGINE=Aria;
		INSERT INTO odd.long_key SELECT CONCAT(REPEAT('x', 1100),
		LPAD(100 - seq, 4, '0')), IF(seq IN (30, 60),
		REPEAT('y', 5000000), 'v') FROM odd.seq_1_to_90"
	# an empty member of a SET is not an empty SET; a key may be IGNORED
	sql "CREATE TABLE odd.s (z INT NOT NULL, a INT NOT NULL, UNIQUE zz (z),
		UNIQUE aa (a) IGNORED, x SET('', 'a'));
		INSERT INTO odd.s VALUES (2, 1, 1), (3, 2, 2), (4, 3, 3)"
	for j in 1 4; do
		run_bk 0 bk-dbdump dump -j $j --socket="$SOCK" odd
		[[ $(trailer "$out") == *' rows=16093 '* ]]
		cp "$out" odd.$j
	done
	cmp odd.1 odd.4
	mdb_up again
	load_into again <odd.1
	assert_is "$(sql -S "$M/again/sock" 'SELECT x + 0 FROM odd.s ORDER BY z')" \
		$'1\n2\n3'
	sum="CHECKSUM TABLE odd.nopad, odd.s"
	assert_is "$(sql -S "$M/again/sock" "$sum")" "$(sql "$sum")"
	mdb_drop odd again
}

# members TABLE COLUMN NUMBER...: the bytes of these members of an ENUM or SET,
# told by the server.
members() {
	local n
	{
		printf '%s\n' "SET sql_mode = ''; USE odd;" 'DELIMITER //'
		for n in "${@:3}"; do
			echo "BEGIN NOT ATOMIC DECLARE v TYPE OF $1.$2;
				SET v = $n; SELECT HEX(CONVERT(v USING binary)); END//"
		done
	} | sql - | tr '\n' ' '
}

@test "members and defaults that the server shows as '?' or as another" {
	mdb_up shown
	SOCK=$M/shown/sock
	sql - <<-'END'
		CREATE DATABASE odd CHARACTER SET utf8mb4;
		USE odd;
		CREATE TABLE faces (id INT PRIMARY KEY,
			e ENUM('a', '😀', '?') NOT NULL DEFAULT '😀',
			s SET('ä', '😀x', '?') CHARACTER SET utf16 DEFAULT '😀x,?',
			v VARCHAR(20) DEFAULT '?😀' COMMENT 'DEFAULT ''?''',
			`c\'`` DEFAULT '?` CHAR(9) NOT NULL DEFAULT '😀',
			t TEXT DEFAULT '😀', g ENUM('x', '😀') AS ('😀'),
			plain ENUM('yes?', 'no') DEFAULT 'yes?');
		INSERT INTO faces (id) VALUES (1);
		CREATE TABLE bytes (id INT PRIMARY KEY,
			e ENUM('a', 'ä', 0xff00, 0xf09f9880, '?') CHARACTER SET binary
				DEFAULT 0xf09f9880,
			s SET('a', 0xfe, 0xff) CHARACTER SET binary NOT NULL DEFAULT 0xfe,
			j ENUM(0x879A, 0x81E6, '') CHARACTER SET cp932 NOT NULL DEFAULT 0x81E6,
			d VARCHAR(9) CHARACTER SET cp932 NOT NULL DEFAULT _cp932 0x879A,
			g VARCHAR(9) CHARACTER SET gb2312 DEFAULT '中?')
			WITH SYSTEM VERSIONING;
		INSERT INTO bytes (id) VALUES (1);
		INSERT INTO bytes (id, e) VALUES (2, 3);
	END
	sql "USE odd; CREATE TABLE s64 (s SET($(seq 62 | sed "s/.*/'m?&'/" |
		paste -sd,),'😀','?') DEFAULT '😀')"
	# a name as long as one in a file can be
	name=$(printf '日%.0s' $(seq 50))
	sql "CREATE TABLE odd.\`$name\` (e ENUM('😀') DEFAULT '😀')"
	run_bk 0 bk-dbdump dump --socket="$SOCK" odd
	assert_is "$stderr" ''
	cp "$out" odd.sql
	mdb_up again
	load_into again <odd.sql
	run_bk 0 bk-dbdump dump --socket="$M/again/sock" odd
	cmp "$out" odd.sql
	SOCK=$M/again/sock
	assert_is "$(members faces e 1 2 3)" '61 F09F9880 3F '
	assert_is "$(members faces s 1 2 4)" '00E4 D83DDE000078 003F '
	assert_is "$(members faces g 1 2)" '78 F09F9880 '
	assert_is "$(members faces plain 1 2 3)" '7965733F 6E6F  '
	assert_is "$(members bytes e 1 2 3 4 5)" '61 C3A4 FF00 F09F9880 3F '
	assert_is "$(members bytes s 1 2 4)" '61 FE FF '
	assert_is "$(members bytes j 1 2 3)" '879A 81E6  '
	assert_is "$(members s64 s '1 << 61' '1 << 62' '1 << 63')" \
		'6D3F3632 F09F9880 3F '
	sql "INSERT INTO odd.faces (id) VALUES (2); INSERT INTO odd.bytes (id)
		VALUES (3); INSERT INTO odd.s64 VALUES (DEFAULT)"
	assert_is "$(sql "SELECT e + 0, s + 0, v, \`c\\'\`\` DEFAULT '?\`, t
		FROM odd.faces WHERE id = 2")" $'2\t6\t?😀\t😀\t😀'
	assert_is "$(sql "SELECT e + 0, s + 0, j + 0, HEX(d), HEX(g) FROM
		odd.bytes WHERE id = 3")" $'4\t2\t2\t879A\tD6D03F'
	assert_is "$(sql "SELECT e + 0 FROM odd.bytes WHERE id = 2")" 3
	assert_is "$(sql "SELECT s + 0 FROM odd.s64")" 4611686018427387904
	mdb_drop shown again
}
