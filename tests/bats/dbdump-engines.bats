#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump and tables that are not InnoDB's: those of RocksDB, which keeps
# snapshots, too, and of engines that keep none, or no rows.

# shellcheck disable=SC2016

load helper
load mariadb

# Other servers than $SOCK have this one, too.
rocks=(--plugin-maturity=experimental --plugin-load-add=ha_rocksdb
	--loose-rocksdb-block-cache-size=16M)

setup_file() {
	command -v mariadbd >/dev/null || skip "mariadbd is not installed"
	[ -e "$(plugins)/ha_rocksdb.so" ] ||
		skip "mariadb-plugin-rocksdb is not installed"
	mdb_big_setup_file "${rocks[@]}"
}
teardown_file() { mdb_teardown_file; }

setup() {
	mdb_big_setup
	sql "USE small; CREATE OR REPLACE TABLE z (id INT PRIMARY KEY, v INT, w INT)
		ENGINE=ROCKSDB; INSERT INTO z SELECT seq, seq, 7 FROM seq_1_to_1000"
}
teardown() {
	hand_close
	touch "$M/got.go"
	[ -z "${dump_pid:-}" ] || { kill "$dump_pid" 2>/dev/null && wait "$dump_pid"; } || :
}

# one_moment OPTION...: while rows of two engines are changed together, dumps
# of $SOCK have the same sum.
one_moment() {
	sql "CREATE OR REPLACE DATABASE both_; USE both_;
		CREATE TABLE l (id INT PRIMARY KEY, n INT) ENGINE=InnoDB;
		CREATE TABLE r (id INT PRIMARY KEY, n INT) ENGINE=ROCKSDB;
		INSERT INTO l SELECT seq, 1000 FROM seq_1_to_200;
		INSERT INTO r SELECT seq, 1000 FROM seq_1_to_200"
	for w in 1 2; do
		while [ ! -e "$T/enough" ]; do
			seq 50 | awk -v s=$w '{ a = ($1 * 7 + s) % 200 + 1
				b = ($1 * 13 + s) % 200 + 1
				print "START TRANSACTION; UPDATE l SET n = n - 1 WHERE id = " a ";"
				print "UPDATE r SET n = n + 1 WHERE id = " b "; COMMIT;" }'
		done | mariadb --no-defaults -f -S "$SOCK" both_ >/dev/null 2>&1 3>&- &
	done
	for i in $(seq 8); do
		run_bk 0 bk-dbdump -v dump "$@" --socket="$SOCK" both_
		sql "CREATE OR REPLACE DATABASE twin"
		sed 's/`both_`/`twin`/g' "$out" | sql -
		sql "SELECT (SELECT SUM(n) FROM twin.l) + (SELECT SUM(n) FROM twin.r),
			(SELECT SUM(n) FROM twin.l)" >>"$T/sums"
	done
	touch "$T/enough"
	assert_is "$(cut -f1 "$T/sums" | sort -u)" 400000
	# they did write meanwhile
	[ "$(cut -f2 "$T/sums" | sort -u | wc -l)" -gt 1 ]
	wait_for 20 eval '[ -z "$(sessions)" ]'
	sql "DROP DATABASE twin; DROP DATABASE both_"
}

@test "RocksDB and InnoDB of one moment, over four connections" {
	one_moment -j 4
	assert_hasnt "$err" 'one connection'
}

@test "the same without a binary log, over one" {
	mdb_up nolog --skip-log-bin "${rocks[@]}"
	SOCK=$M/nolog/sock one_moment -j 4
	assert_has "$err" 'one connection'
	mdb_drop nolog
}

@test "tables of RocksDB come back, to the byte, and are not locked" {
	sql "USE small; CREATE TABLE big (a VARCHAR(40), b INT, f FLOAT, PRIMARY KEY
		(a, b)) ENGINE=ROCKSDB; INSERT INTO big SELECT SHA1(seq), seq, seq / 7 FROM
		seq_1_to_30000; CREATE TABLE nokey (a INT) ENGINE=ROCKSDB;
		INSERT INTO nokey VALUES (1), (2);
		CREATE TABLE cut (id INT PRIMARY KEY, v INT) ENGINE=ROCKSDB
		PARTITION BY HASH (id) PARTITIONS 3;
		INSERT INTO cut SELECT seq, seq FROM seq_1_to_100"
	run_bk 0 bk-dbdump dump -j 2 main small
	cp "$out" one
	mdb_up twin "${rocks[@]}"
	load_into twin <one
	run_bk 0 bk-dbdump dump -j 1 --socket="$M/twin/sock" small
	mdb_drop twin
	cmp one "$out"
	run_bk 0 bk-dbdump list
	grep $'^small\tbig\t' "$out" >line
	assert_hasnt line locked
}

@test "DDL on tables of RocksDB: no dump is wrong and called complete" {
	sql "USE small; CREATE TABLE small.b (id INT PRIMARY KEY, v INT) ENGINE=ROCKSDB;
		CREATE OR REPLACE TABLE small.a LIKE small.b;
		INSERT INTO small.a SELECT seq, seq FROM seq_1_to_1000;
		INSERT INTO small.b VALUES (1, 77);
		CREATE OR REPLACE TABLE small.p (id INT PRIMARY KEY, v INT)
		ENGINE=ROCKSDB PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS
		THAN (500), PARTITION p2 VALUES LESS THAN MAXVALUE);
		INSERT INTO small.p SELECT seq, seq FROM seq_1_to_1000"
	swap='RENAME TABLE small.a TO small.x, small.b TO small.a, small.x TO small.b'
	there_and_back "$swap" "$swap"
	judge "$swap"
	for change in "$swap" 'TRUNCATE TABLE small.a' \
		'ALTER TABLE small.p TRUNCATE PARTITION p2' \
		'ALTER TABLE small.z ADD COLUMN new INT FIRST' \
		'ALTER TABLE small.z ENGINE=InnoDB' \
		'ALTER TABLE small.p DROP PARTITION p1'; do
		rm -f got*
		held -j 1 -- big small
		timeout 20 mariadb --no-defaults -S "$SOCK" \
			-e "SET lock_wait_timeout = 10; $change" ||
			fail "it had to wait: $change"
		touch got.go
		status=0
		wait "$dump_pid" || status=$?
		dump_pid=
		judge "$change"
	done
}

# Of engines that keep no snapshots the tables are locked, of those that keep no
# rows here the definition is dumped alone, and that is said.
@test "other engines: locked while they are dumped, or named" {
	sql "INSTALL SONAME 'ha_archive'; INSTALL SONAME 'ha_federatedx'" || :
	mdb_up twin "${rocks[@]}" --loose-plugin-load-add=ha_archive \
		--loose-plugin-load-add=ha_federatedx
	sql "CREATE OR REPLACE DATABASE other; USE other;
		CREATE TABLE aria1 (id INT PRIMARY KEY, t TEXT) ENGINE=Aria TRANSACTIONAL=1;
		CREATE TABLE aria0 (id INT PRIMARY KEY, t TEXT) ENGINE=Aria TRANSACTIONAL=0;
		CREATE TABLE myisam (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM;
		CREATE TABLE memory (id INT PRIMARY KEY, t VARCHAR(9)) ENGINE=MEMORY;
		CREATE TABLE csv (id INT NOT NULL, t TEXT NOT NULL) ENGINE=CSV;
		CREATE TABLE archive (id INT, t TEXT) ENGINE=ARCHIVE;
		CREATE TABLE rocks (id INT PRIMARY KEY, t TEXT) ENGINE=ROCKSDB"
	for t in aria1 aria0 myisam memory csv archive rocks; do
		sql "INSERT INTO other.$t VALUES (1, 'it''s'), (2, 'b')"
	done
	sql "CREATE OR REPLACE USER fed@localhost IDENTIFIED BY 'x';
		GRANT ALL ON other.* TO fed@localhost;
		CREATE OR REPLACE SERVER near FOREIGN DATA WRAPPER mysql OPTIONS (
		SOCKET '$SOCK', USER 'fed', PASSWORD 'x', DATABASE 'other');
		CREATE TABLE other.far (id INT PRIMARY KEY, t TEXT)
		ENGINE=FEDERATED CONNECTION='near/rocks'"
	run_bk 0 bk-dbdump dump main other
	cp "$out" one
	assert_has "$err" 'other.far is of engine FEDERATED: its definition is dumped'
	assert_hasnt "$err" 'was changed'
	assert_has one 'CREATE TABLE `far`'
	assert_hasnt one 'INSERT INTO `far`'
	for t in aria1 aria0 myisam memory csv archive rocks; do
		assert_has one "INSERT INTO \`$t\`"
	done
	run_bk 0 bk-dbdump list
	for t in aria1 aria0 myisam memory csv archive; do
		grep $'^other\t'$t$'\t' "$out" >line
		assert_has line 'not transactional: locked'
	done
	sql "DROP TABLE other.far"
	run_bk 0 bk-dbdump dump main other
	cp "$out" one
	load_into twin <one
	run_bk 0 bk-dbdump dump --socket="$M/twin/sock" other
	mdb_drop twin
	cmp one "$out"
	sql "DROP DATABASE other; DROP SERVER near; DROP USER fed@localhost"
}

# judge CHANGE: the dump was told to stop; if it was made once more, that is
# how things are.
judge() {
	assert_is "$(head -n 1 got.signals)" INT || fail "after $1"
	assert_has "$err" small
	case $status in
	0) as_it_is "$1" big small ;;
	1) assert_cut got ;;
	*) fail "status $status after $1" "$(cat "$err")" ;;
	esac
}
