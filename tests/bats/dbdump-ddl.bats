#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump while definitions are changed: a dump that is called complete is as
# things were at one moment, and any other is not called so.
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() { mdb_big_setup_file; }
teardown_file() { mdb_teardown_file; }

setup() { mdb_big_setup; }
teardown() {
	hand_close
	touch "$M/got.go"
	[ -z "${dump_pid:-}" ] || { kill "$dump_pid" 2>/dev/null && wait "$dump_pid"; } || :
}

# while_waiting TABLE STATEMENT [OPTION...]: dumps small, to got or as options
# say; meanwhile, when the dump waits for that table, the statement is done.
# Its status is in $status.
while_waiting() {
	local table=$1 change=$2
	shift 2
	locked "$table"
	bk-dbdump dump -j 1 "$@" main small >got 2>"$T/err.txt" 3>&- 7>&- &
	dump_pid=$! err=$T/err.txt status=0
	wait_for 20 stuck
	hand "$change" >"$T/said"
	hand "UNLOCK TABLES" >/dev/null
	hand_close
	wait "$dump_pid" || status=$?
	dump_pid=
	assert_hasnt "$T/said" ERROR
}

@test "DDL during the dump: no stream is wrong and called complete" {
	# what a snapshot does not protect from, each for itself
	for change in \
		'TRUNCATE TABLE small.z' \
		'ALTER TABLE small.z ADD COLUMN new INT FIRST, ALGORITHM=COPY' \
		'ALTER TABLE small.z DROP COLUMN w, ALGORITHM=INSTANT' \
		'ALTER TABLE small.z ENGINE=MyISAM' \
		'OPTIMIZE TABLE small.z' \
		'DROP TABLE small.z; CREATE TABLE small.z (id INT PRIMARY KEY, v INT, w INT)' \
		'ALTER TABLE small.z RENAME TO small.y' \
		'ALTER TABLE small.z ADD KEY (v)'; do
		setup_again
		while_waiting z "$change"
		if [ $status = 0 ]; then
			as_it_is "$change" small || as_between "$change"
		else
			assert_is "$status" 1
			assert_cut got
			assert_has "$err" z
		fi
	done
}

# as_between CHANGE: it is how things were after the first of two statements,
# which is a moment, too.
as_between() {
	[[ $1 == *'; '* ]] || return
	setup_again
	sql "${1%%; *}"
	as_it_is "$1" small
}

# setup_again: the small tables anew.
setup_again() {
	sql "USE small; CREATE OR REPLACE TABLE small.z (id INT PRIMARY KEY, v INT, w INT);
		INSERT INTO small.z SELECT seq, seq, 7 FROM seq_1_to_1000;
		DROP TABLE IF EXISTS small.y;
		CREATE OR REPLACE TABLE small.p (id INT PRIMARY KEY, v INT)
			PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (500),
			PARTITION p2 VALUES LESS THAN MAXVALUE);
		INSERT INTO small.p SELECT seq, seq FROM seq_1_to_1000"
}

# The dump is held by its consumer here, so that it reads big.blob meanwhile.
# bats test_tags=long
@test "tables swapped, partitions dropped or emptied during the dump" {
	for change in \
		'RENAME TABLE small.a TO small.x, small.z TO small.a, small.x TO small.z' \
		'ALTER TABLE small.p DROP PARTITION p1' \
		'ALTER TABLE small.p TRUNCATE PARTITION p1' \
		'CREATE OR REPLACE VIEW small.v AS SELECT 2' \
		'DROP DATABASE small'; do
		sql "CREATE DATABASE IF NOT EXISTS small;
			CREATE OR REPLACE TABLE small.a (id INT PRIMARY KEY, v INT);
			INSERT INTO small.a VALUES (1, 1)"
		setup_again
		sql "CREATE OR REPLACE VIEW small.v AS SELECT 1"
		rm -f got*
		held -j 1 -- big small
		timeout 20 mariadb --no-defaults -S "$SOCK" \
			-e "SET lock_wait_timeout = 10; $change" ||
			fail "it had to wait: $change"
		touch got.go
		status=0
		wait "$dump_pid" || status=$?
		dump_pid=
		# it was told to stop, and perhaps started once more
		assert_is "$(head -n 1 got.signals)" INT || fail "after $change"
		assert_has "$err" small
		case $status in
		0) as_it_is "$change" big small ;;
		1 | 66) assert_cut got ;;
		*) fail "status $status after $change" "$(cat "$err")" ;;
		esac
	done
}

@test "a folder is tried once more after DDL, and is then as things are" {
	while_waiting z "ALTER TABLE small.z DROP COLUMN w, ALGORITHM=INSTANT" -o d
	assert_is "$status" 0
	run_bk 0 bk-dbdump check d
	run_bk 0 bk-dbdump dump -o d2 main small
	rm d/manifest.json d2/manifest.json
	diff -r d d2
	rm -r d2
}

@test "tables and partitions that change places and come back" {
	sql "CREATE TABLE small.b LIKE small.a; INSERT INTO small.b VALUES (1, 77);
		CREATE TABLE small.q (id INT PRIMARY KEY, v INT);
		INSERT INTO small.q VALUES (1, 77)"
	swap='RENAME TABLE small.a TO small.x, small.b TO small.a, small.x TO small.b'
	exchange='ALTER TABLE small.p EXCHANGE PARTITION p1 WITH TABLE small.q'
	for change in "$swap" "$exchange"; do
		there_and_back "$change" "$change"
		assert_is "$(head -n 1 got.signals)" INT || fail "after $change"
		case $change in
		RENAME*) assert_has "$err" 'small.a was changed' ;;
		*) assert_has "$err" 'small.p: it was exchanged' ;;
		esac
		case $status in
		0) as_it_is "$change" big small ;;
		1) assert_cut got ;;
		*) fail "status $status after $change" "$(cat "$err")" ;;
		esac
	done
}

@test "a tablespace that is imported during the dump" {
	sql "CREATE OR REPLACE TABLE small.src LIKE small.z;
		INSERT INTO small.src VALUES (1, 77, 77)"
	rm -f got*
	held -j 1 -- big small
	hand_open
	hand "FLUSH TABLES small.src FOR EXPORT" >/dev/null
	d=$M/s/data/small
	cp -p "$d/src.ibd" "$d/src.cfg" "$M"
	hand "UNLOCK TABLES" >/dev/null
	hand_close
	sql "ALTER TABLE small.z DISCARD TABLESPACE"
	mv "$M/src.ibd" "$d/z.ibd"
	mv "$M/src.cfg" "$d/z.cfg"
	sql "ALTER TABLE small.z IMPORT TABLESPACE"
	touch got.go
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
	assert_is "$(head -n 1 got.signals)" INT
	assert_has "$err" small.z
	[ $status != 0 ] || as_it_is import big small
}

# What a snapshot's rows may speak of was there, and all that is in the dump.
@test "what came or went as the dump began is not half in it" {
	sql "CREATE VIEW small.v AS SELECT 1 AS one"
	# it waits for a lock, between the definitions and the snapshot
	hand_open
	hand "LOCK TABLES small.m WRITE" >/dev/null
	bk-dbdump dump main small >got 2>"$T/err.txt" 3>&- 7>&- &
	dump_pid=$! err=$T/err.txt
	wait_for 20 stuck
	sql "DROP VIEW small.v; CREATE TABLE small.fresh (id INT PRIMARY KEY);
		INSERT INTO small.fresh VALUES (1); DELETE FROM small.a"
	hand "UNLOCK TABLES" >/dev/null
	hand_close
	ended 0
	as_it_is 'that came and went' small
	assert_has got fresh
	assert_hasnt got 'SQL SECURITY'
}

@test "tables that come all the time: there is a dump, and it says so" {
	seq -f 'CREATE TABLE t%.0f (a INT); DO SLEEP(0.02);' 3000 |
		timeout 60 mariadb --no-defaults -S "$SOCK" small >/dev/null 2>&1 3>&- &
	busy=$!
	run_bk 0 bk-dbdump dump main small
	kill $busy
	wait $busy || :
	assert_whole "$out"
	assert_has "$err" 'come and go all the time'
	for t in a m p z; do assert_has "$out" "CREATE TABLE \`$t\`"; done
}
