#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump against what nobody would do to it on purpose, at random moments.
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() { mdb_setup_file; }
teardown_file() { mdb_teardown_file; }
setup() {
	mdb_setup
	mkdir "$M/here"
	cd "$M/here" || return
}
teardown() {
	drop_all
	rm -rf "$M/here"
}

@test "definitions that change at random: each dump is of one moment, or none" {
	need_program python3
	need_program jq
	mdb_up twin
	mkdir storm
	seed=${STORM_SEED:-$RANDOM}
	"$BATS_TEST_DIRNAME/../rigs/ddlstorm.py" "$SOCK" "$M/twin/sock" "$PWD/storm" \
		"$seed" "${STORM_SECONDS:-25}" >"$T/storm" 2>&1 3>&- ||
		fail "$(cut -c 1-300 "$T/storm" | head -n 60)" \
			"$(diff storm/was storm/has 2>/dev/null | cut -c 1-200 | head -n 30)"
	echo "# $(cat "$T/storm")" >&3
	mdb_drop twin
}

# pk_torture: keys that are numbers with a point, which nothing can be sought
# by exactly, in tables that several connections share.
pk_torture() {
	cat <<-'END'
		CREATE DATABASE pk; USE pk;
		CREATE TABLE f (k FLOAT PRIMARY KEY, v INT);
		INSERT IGNORE INTO f SELECT seq / 7, seq FROM seq_1_to_60000;
		INSERT IGNORE INTO f VALUES (-0e0, 1), (1.17549e-38, 2), (1e-45, 3),
			(-3.4028235e38, 4), (16777217, 5), (0.1, 6);
		CREATE TABLE d (k DOUBLE PRIMARY KEY, v MEDIUMTEXT);
		INSERT IGNORE INTO d SELECT seq * PI() * POW(10, CAST(seq % 600 AS SIGNED) - 300),
			REPEAT('x', 300) FROM seq_1_to_60000;
		INSERT IGNORE INTO d VALUES (5e-324, 'a'), (2.2250738585072014e-308, 'b'),
			(1.7976931348623157e308, REPEAT('y', 6000000)), (-0e0, 'c'),
			(0.1, 'd'), (0.30000000000000004, REPEAT('z', 5000000));
		CREATE TABLE fi (k FLOAT(7,3), i INT, v VARCHAR(300), PRIMARY KEY (k, i));
		INSERT INTO fi SELECT seq % 100 / 3, seq, REPEAT('w', 200) FROM seq_1_to_60000;
		CREATE TABLE di (i INT, k DOUBLE, v VARCHAR(300), PRIMARY KEY (i, k));
		INSERT INTO di SELECT seq % 1000, seq / 3, REPEAT('w', 200) FROM seq_1_to_60000;
		ANALYZE TABLE f, d, fi, di;
	END
}

@test "keys that are floating point numbers" {
	pk_torture | sql - >/dev/null
	run_bk 0 bk-dbdump dump -j 1 main pk
	assert_whole "$out"
	mv "$out" one
	run_bk 0 bk-dbdump dump -j 3 main pk
	cmp "$out" one
	mdb_up floats
	load_into floats <one
	sum="CHECKSUM TABLE pk.f, pk.d, pk.fi, pk.di EXTENDED; SELECT COUNT(*),
		SUM(k = 0), MIN(ABS(k)), MAX(k) FROM pk.d; SELECT COUNT(*) FROM pk.f"
	assert_is "$(sql -S "$M/floats/sock" "$sum")" "$(sql "$sum")"
	run_bk 0 bk-dbdump dump --socket="$M/floats/sock" pk
	cmp "$out" one
	mdb_drop floats
}

# The man page's own words make the user.
@test "a user with the rights of the man page, and no more" {
	man=$BATS_TEST_DIRNAME/../../man/bk-dbdump.1
	sed -n '/^GRANT SELECT/,/;$/p' "$man" >grant.sql
	[ "$(grep -c 'TO bkdump@localhost;' grant.sql)" = 1 ]
	sql "CREATE USER bkdump@localhost IDENTIFIED BY 'x'; $(cat grant.sql)"
	sql - <<-'END'
		CREATE DATABASE one; USE one;
		CREATE TABLE a (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING;
		INSERT INTO a VALUES (1, 1); UPDATE a SET v = 2;
		CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
		CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
		INSERT INTO p VALUES (1), (2), (3);
		CREATE SEQUENCE s; SELECT NEXTVAL(s);
		CREATE VIEW v AS SELECT * FROM a;
		CREATE SQL SECURITY INVOKER VIEW w AS SELECT * FROM v;
		CREATE TRIGGER t BEFORE INSERT ON m FOR EACH ROW SET @a = 1;
		CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;
		CREATE PROCEDURE pr() SELECT 1;
		CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SET @a = 1;
		SET sql_mode = ORACLE;
		DELIMITER $$
		CREATE PACKAGE pk AS FUNCTION f RETURN INT; END$$
		CREATE PACKAGE BODY pk AS FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END$$
	END
	run_bk 0 bk-dbdump dump main
	mv "$out" by-root
	(umask 077 && echo x >"$T/pw")
	conf user=bkdump
	conf "password=file:$T/pw"
	run_bk 0 bk-dbdump dump main
	cmp "$out" by-root
	run_bk 0 bk-dbdump dump -o folder main
	[ -s folder/globals.sql ]
	run_bk 0 bk-dbdump list main
	# each one that it names is needed for that; but who may read everything
	# sees every database
	sed 's/, *$//; s/^ *//; s/^GRANT //; s/ ON \*.*//' grant.sql |
		sed 's/, */\n/g' | grep -v DATABASES >rights
	[ "$(wc -l <rights)" = 6 ]
	while read -r right; do
		sql "REVOKE $right ON *.* FROM bkdump@localhost"
		run_bk 77 bk-dbdump dump main
		assert_is "$stdout" ''
		assert_has "$err" "GRANT $right ON"
		sql "GRANT $right ON *.* TO bkdump@localhost"
	done <rights
	run_bk 0 bk-dbdump dump main
	# it cannot load anything, and says so before it has done harm
	run_bk 77 bk-dbdump restore --from folder --into other main
	assert_is "$(sql "SHOW DATABASES LIKE 'other'")" ''
	# whose own database it is can, but for what others define
	sql "CREATE USER owner@localhost IDENTIFIED BY 'x';
		GRANT ALL ON other.* TO owner@localhost"
	conf user=owner
	run_bk 77 bk-dbdump restore --from folder --into other main
	assert_has "$err" 'SET USER'
	sql "DROP DATABASE other; GRANT SET USER,
		SUPER ON *.* TO owner@localhost"
	run_bk 0 bk-dbdump restore --from folder --into other main
	assert_is "$(sql 'SELECT COUNT(*) FROM other.p; SELECT other.f()')" $'3\n1'
}

@test "names without case: backup and restore, to and from such a server" {
	mdb_up lower --lower-case-table-names=1
	sql "CREATE DATABASE Mixed; CREATE TABLE Mixed.Item (ID INT PRIMARY KEY);
		INSERT INTO Mixed.Item VALUES (1); CREATE VIEW Mixed.V AS SELECT * FROM
		Mixed.Item; CREATE TRIGGER Mixed.T BEFORE INSERT ON Mixed.Item FOR EACH
		ROW SET @a = 1"
	run_bk 0 bk-dbdump dump -o folder main Mixed
	conf "socket=$M/lower/sock"
	run_bk 0 bk-dbdump restore --from folder main
	assert_is "$(sql -S "$M/lower/sock" 'SELECT * FROM mixed.item')" 1
	run_bk 73 bk-dbdump restore --from folder main
	run_bk 0 bk-dbdump restore --from folder --overwrite --yes main
	run_bk 0 bk-dbdump dump -o lowered main MIXED
	run_bk 0 bk-dbdump restore --from lowered --overwrite --yes main
	assert_is "$(sql -S "$M/lower/sock" 'SELECT * FROM mixed.v')" 1
	# two that differ by case alone cannot both be there
	sql "CREATE TABLE Mixed.ITEM (ID INT PRIMARY KEY)"
	conf "socket=$SOCK"
	run_bk 0 bk-dbdump dump -o both main Mixed
	conf "socket=$M/lower/sock"
	status=0
	bk-dbdump restore --from both --into fresh main >"$T/o" 2>"$T/e" || status=$?
	[ $status != 0 ] || fail "one of them is lost" "$(cat "$T/e")"
	mdb_drop lower
}

@test "thousands of names, on the command line and in the configuration" {
	# without files of rows, of which a server can open so many at once
	for i in $(seq 2500); do
		echo "CREATE TABLE table_with_a_rather_long_name_$i (id INT) ENGINE=MEMORY;"
	done >tables.sql
	sql "CREATE DATABASE names"
	sql -D names - <tables.sql
	seq -f names.table_with_a_rather_long_name_%.0f 1 2 2500 >odd
	[ "$(wc -c <odd)" -gt 50000 ]
	mapfile -t odd <odd
	run_bk 0 bk-dbdump dump main "${odd[@]}"
	assert_whole "$out"
	assert_is "$(grep -c '^CREATE TABLE' "$out")" 1250
	mv "$out" want
	{ echo "include ="; sed 's/^/  /' odd; } >>"$BK_CONFIG"
	run_bk 0 bk-dbdump dump main
	cmp "$out" want
	sed -i '/^include/,$d' "$BK_CONFIG"
	{ echo "exclude ="; seq -f '  names.table_with_a_rather_long_name_%.0f' 2 2 2500; } \
		>>"$BK_CONFIG"
	run_bk 0 bk-dbdump dump main
	cmp "$out" want
	run_bk 66 bk-dbdump dump main "${odd[@]}" names.missing
	assert_has "$err" names.missing
}
