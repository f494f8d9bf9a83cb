#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump and tables whose rows are elsewhere, where nobody answers, or where
# they may or may not be: definitions are dumped, that is said, and nobody else's
# dump fails or waits for them.
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() {
	command -v mariadbd >/dev/null || skip "mariadbd is not installed"
	local name load=()
	for name in federatedx connect spider oqgraph mroonga sphinx; do
		[ ! -e "$(plugins)ha_$name.so" ] ||
			load+=("--plugin-load-add=ha_$name")
	done
	mdb_setup_file --plugin-maturity=experimental \
		"--plugin-dir=$(plugins)" "${load[@]}"
}
teardown_file() { mdb_teardown_file; }
setup() {
	mdb_setup
	cd "$T" || return
	sql "CREATE DATABASE web; CREATE TABLE web.own (id INT PRIMARY KEY);
		INSERT INTO web.own VALUES (1), (2)"
}
teardown() {
	[ -z "${deaf:-}" ] || kill "$deaf"
	sql "DROP SERVER IF EXISTS far"
	drop_all
}

need_engine() {
	[ "$(sql "SELECT COUNT(*) FROM information_schema.engines WHERE
		engine = '$1' AND support <> 'NO'")" = 1 ] ||
		skip "the server has no engine $1 (ha_${1,,}.so)"
}

# A port at which everybody is let in, and hears nothing: $port.
deaf_port() {
	need_program python3
	python3 - "$T/port" 3>&- <<-'END' &
		import os, socket, sys, time
		s = socket.create_server(("127.0.0.1", 0), backlog=50)
		with open(sys.argv[1] + ".new", "w") as f:
		    print(s.getsockname()[1], file=f)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		s.settimeout(300)
		held = []
		while True:
		    held.append(s.accept())
	END
	deaf=$!
	wait_for 10 test -e "$T/port"
	port=$(cat "$T/port")
}

# only_defined SECONDS ENGINE TABLE...: the dump has them and no rows of
# them, those of others, and says so, in time.
only_defined() {
	local seconds=$1 engine=$2 t start
	shift 2
	start=$(cut -d. -f1 /proc/uptime)
	run_bk 0 bk-dbdump dump main web
	[ $(($(cut -d. -f1 /proc/uptime) - start)) -le "$seconds" ] || fail "it took too long" || return
	assert_whole "$out"
	assert_has "$out" 'INSERT INTO `own`'
	for t; do
		assert_has "$out" 'CREATE TABLE `'"$t"'`'
		assert_hasnt "$out" 'INSERT INTO `'"$t"'`'
		assert_has "$err" "web.$t is of engine $engine: its definition is dumped, its rows are elsewhere"
	done
	run_bk 0 bk-dbdump list main
	for t; do
		grep $'^web\t'"$t"$'\t' "$out" >line
		assert_has line 'rows are elsewhere'
	done
}

@test "FEDERATED: a server that says nothing, and one that is gone" {
	need_engine FEDERATED
	deaf_port
	sql "CREATE USER fed@localhost IDENTIFIED BY 'x';
		GRANT ALL ON web.* TO fed@localhost;
		CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (SOCKET '$SOCK',
		USER 'fed', PASSWORD 'x', DATABASE 'web');
		CREATE TABLE web.far (id INT PRIMARY KEY) ENGINE=FEDERATED
		CONNECTION='far/own';
		CREATE TABLE web.Far LIKE web.own; INSERT INTO web.Far VALUES (3);
		CREATE VIEW web.v AS SELECT * FROM web.far;
		CREATE TRIGGER web.t BEFORE INSERT ON web.far FOR EACH ROW SET @a = 1"
	for at in "$port" 9; do
		sql "ALTER SERVER far OPTIONS (SOCKET '', HOST '127.0.0.1', PORT $at);
			FLUSH TABLES"
		only_defined 20 FEDERATED far
		run_bk 0 bk-dbdump dump main web
		assert_has "$out" 'VIEW `v`'
		assert_has "$out" 'TRIGGER web.t'
		# a name that differs by its case alone is another table
		assert_has "$out" 'INSERT INTO `Far`'
	done
}

@test "SPIDER: a server that says nothing, and one that is gone" {
	need_engine SPIDER
	deaf_port
	sql "SET GLOBAL spider_connect_timeout = 2"
	for at in "$port" 9; do
		sql "CREATE OR REPLACE TABLE web.far (id INT PRIMARY KEY) ENGINE=SPIDER
			COMMENT='wrapper \"mysql\", host \"127.0.0.1\", port \"$at\",
			user \"u\", password \"p\", table \"y\"';
			CREATE OR REPLACE TABLE web.cut (id INT PRIMARY KEY) ENGINE=SPIDER
			COMMENT='wrapper \"mysql\", user \"u\", table \"y\"'
			PARTITION BY HASH (id) (PARTITION p0 COMMENT='host
			\"127.0.0.1\", port \"$at\"', PARTITION p1 COMMENT='host
			\"127.0.0.1\", port \"9\"')"
		only_defined 60 SPIDER far cut
	done
}

@test "CONNECT: files that are there, and not, and another server" {
	need_engine CONNECT
	deaf_port
	sql "CREATE TABLE web.gone (id INT NOT NULL) ENGINE=CONNECT TABLE_TYPE=CSV
		FILE_NAME='$M/gone.csv';
		CREATE TABLE web.inward (id INT NOT NULL) ENGINE=CONNECT TABLE_TYPE=CSV;
		INSERT INTO web.inward VALUES (1);
		CREATE TABLE web.far (id INT) ENGINE=CONNECT TABLE_TYPE=MYSQL
		CONNECTION='mysql://u:p@127.0.0.1:$port/x/y'"
	only_defined 20 CONNECT gone inward far
}

@test "OQGRAPH and SPHINX: the rows of a table beside it, or of a daemon" {
	need_engine OQGRAPH
	need_engine SPHINX
	sql "CREATE TABLE web.edge (o BIGINT UNSIGNED NOT NULL, d BIGINT UNSIGNED NOT
		NULL, PRIMARY KEY (o, d)); INSERT INTO web.edge VALUES (1, 2), (2, 3);
		CREATE TABLE web.graph (latch VARCHAR(32), origid BIGINT UNSIGNED,
		destid BIGINT UNSIGNED, weight DOUBLE, seq BIGINT UNSIGNED,
		linkid BIGINT UNSIGNED, KEY (latch, origid, destid) USING HASH,
		KEY (latch, destid, origid) USING HASH) ENGINE=OQGRAPH
		data_table='edge' origid='o' destid='d';
		CREATE TABLE web.sphinx (id BIGINT UNSIGNED NOT NULL, weight INT NOT
		NULL, query VARCHAR(3072) NOT NULL, INDEX (query)) ENGINE=SPHINX
		CONNECTION='sphinx://127.0.0.1:9/test'"
	only_defined 20 SPHINX sphinx
	assert_has "$out" graph
	run_bk 0 bk-dbdump dump main web
	assert_has "$out" 'CREATE TABLE `graph`'
	assert_hasnt "$out" 'INSERT INTO `graph`'
	assert_has "$out" 'INSERT INTO `edge`'
	# what it takes its rows from is gone: that it cannot be opened is said
	sql "FLUSH TABLES; DROP TABLE web.edge"
	run_bk 1 bk-dbdump dump main web
	assert_has "$err" 'web.graph is broken'
}

@test "Mroonga keeps its rows here: they come back" {
	need_engine Mroonga
	sql "CREATE TABLE web.text (id INT PRIMARY KEY, t VARCHAR(200), f FLOAT,
		FULLTEXT KEY (t)) ENGINE=Mroonga DEFAULT CHARSET=utf8mb4;
		INSERT INTO web.text VALUES (1, 'one', 16777217), (2, NULL, 0.1);
		CREATE TABLE web.wrapped (id INT PRIMARY KEY, t VARCHAR(200),
		FULLTEXT KEY (t)) ENGINE=Mroonga DEFAULT CHARSET=utf8mb4
		COMMENT='engine \"InnoDB\"';
		INSERT INTO web.wrapped VALUES (1, 'it''s'), (2, '')"
	run_bk 0 bk-dbdump dump main web
	cp "$out" one
	assert_whole one
	sql "DROP DATABASE web"
	sql - <one
	run_bk 0 bk-dbdump dump main web
	cmp one "$out"
}

@test "restored where the other server cannot be reached: all the rest is there" {
	need_engine FEDERATED
	sql "CREATE USER fed@localhost IDENTIFIED BY 'x';
		GRANT ALL ON web.* TO fed@localhost;
		CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (SOCKET '$SOCK',
		USER 'fed', PASSWORD 'x', DATABASE 'web');
		CREATE TABLE web.far (id INT PRIMARY KEY) ENGINE=FEDERATED
		CONNECTION='far/own';
		CREATE TABLE web.zoo (id INT PRIMARY KEY); INSERT INTO web.zoo VALUES (5);
		CREATE VIEW web.v AS SELECT * FROM web.far;
		CREATE VIEW web.w AS SELECT * FROM web.zoo;
		CREATE TRIGGER web.a BEFORE INSERT ON web.far FOR EACH ROW SET @a = 1;
		CREATE TRIGGER web.b BEFORE INSERT ON web.zoo FOR EACH ROW SET @a = 1;
		CREATE PROCEDURE web.p() SELECT 1"
	run_bk 0 bk-dbdump dump -o d main web
	run_bk 0 bk-dbdump dump main web
	cp "$out" s.sql
	sql "ALTER SERVER far OPTIONS (SOCKET '', HOST '127.0.0.1', PORT 9);
		FLUSH TABLES"
	for from in d s.sql; do
		run_bk 3 bk-dbdump restore --from $from --into new main
		assert_has "$err" 'table new.far is NOT restored'
		assert_has "$err" 'view new.v is NOT restored'
		assert_is "$(grep -c '^bk-dbdump: error:' "$err")" 1
		assert_has "$err" 'all is restored but 2 objects'
		assert_is "$(sql "SELECT * FROM new.zoo; SELECT COUNT(*) FROM new.own;
			SELECT * FROM new.w; CALL new.p()")" $'5\n2\n5\n1'
		assert_is "$(sql "SELECT trigger_name FROM
			information_schema.triggers WHERE trigger_schema = 'new'")" b
		sql "DROP DATABASE new"
	done
	# nothing else may fail: a table of ours is no such
	sql "DROP TABLE web.far; DROP VIEW web.v"
	sql "CREATE SEQUENCE web.s; CREATE TABLE web.t (id INT DEFAULT
		NEXTVAL(web.s))"
	run_bk 0 bk-dbdump dump -o e main web
	run_bk 1 bk-dbdump restore --from e --table t --into new main
	sql "DROP DATABASE new"
}

# The server takes InnoDB instead, and says that to nobody who does not ask.
@test "restored to a server without the engine: another one, which is said" {
	sql "INSTALL SONAME 'ha_archive'" 2>"$T/none" || skip "no ha_archive.so"
	sql "CREATE TABLE web.old (id INT); INSERT INTO web.old VALUES (1);
		ALTER TABLE web.old ENGINE=ARCHIVE"
	run_bk 0 bk-dbdump dump -o d main web
	sql "DROP DATABASE web; UNINSTALL SONAME 'ha_archive'"
	run_bk 3 bk-dbdump restore --from d main
	assert_has "$err" 'table web.old is of another engine than it was'
	assert_has "$err" '1 table is of another storage engine'
	assert_is "$(sql "SELECT * FROM web.old; SELECT COUNT(*) FROM web.own")" $'1\n2'
}
