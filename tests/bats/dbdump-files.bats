#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump and files that the server cannot open: of such a table it says that
# there is none, or nothing at all.
# shellcheck disable=SC2016

load helper
load mariadb

setup_file() { mdb_setup_file; }
teardown_file() { mdb_teardown_file; }
setup() {
	mdb_setup
	cd "$T" || return
}
teardown() { drop_all; }

# A data directory that root copied, for one, belongs to root here and there.
@test "a table that cannot be opened is broken, and no dump is without it" {
	sql "CREATE DATABASE blog; USE blog;
		CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1);
		CREATE TABLE shut (id INT PRIMARY KEY); INSERT INTO shut VALUES (1);
		CREATE VIEW hidden AS SELECT * FROM a; CREATE SEQUENCE numbers"
	for what in shut hidden numbers; do
		chmod 0 "$M/s/data/blog/$what.frm"
		sql "FLUSH TABLES"
		for pattern in blog '*' "blog.$what"; do
			run_bk 1 bk-dbdump dump main "$pattern"
			assert_cut "$out"
			assert_has "$err" "blog.$what is broken"
			assert_has "$err" '.frm'
		done
		run_bk 1 bk-dbdump dump -o d main
		assert_no_folder d
		run_bk 3 bk-dbdump dump --broken=save main blog
		assert_whole "$out"
		assert_has "$out" "-- broken table $what: "
		assert_has "$out" 'broken=1'
		run_bk 0 bk-dbdump list main
		grep $'^blog\t'"$what"$'\t' "$out" >line
		assert_has line 'broken: '
		# who does not want it has no need of it
		echo "exclude = blog.$what" >>"$BK_CONFIG"
		run_bk 0 bk-dbdump dump main
		sed -i '/^exclude/d' "$BK_CONFIG"
		chmod 660 "$M/s/data/blog/$what.frm"
	done
	sql "FLUSH TABLES"
	run_bk 0 bk-dbdump dump main blog
	assert_whole "$out"
}

@test "a database whose folder cannot be opened is missed" {
	need_root
	sql "CREATE DATABASE blog; CREATE TABLE blog.a (id INT PRIMARY KEY);
		CREATE DATABASE \`s-tä\`; CREATE TABLE \`s-tä\`.b (id INT PRIMARY KEY)"
	run_bk 0 bk-dbdump dump main
	chmod 0 "$M"/s/data/s@*
	run_bk 1 bk-dbdump dump main '*'
	assert_cut "$out"
	assert_has "$err" "database 's-tä' has tables of InnoDB"
	run_bk 0 bk-dbdump dump main blog
	run_bk 66 bk-dbdump dump main 's-tä'
	echo 'exclude = s-tä' >>"$BK_CONFIG"
	run_bk 0 bk-dbdump dump main
	sed -i '/^exclude/d' "$BK_CONFIG"
	chmod 700 "$M"/s/data/s@*
	run_bk 0 bk-dbdump dump main
	assert_whole "$out"
}

@test "too few files for all the tables that are locked: what to do is said" {
	for limit in 512 513; do
		(ulimit -n $limit && mdb_up few)
		{
			echo 'CREATE OR REPLACE DATABASE names; USE names;'
			seq -f 'CREATE TABLE t%.0f (id INT) ENGINE=MyISAM;' 300
		} | sql -S "$M/few/sock" -
		# one that is full says so of rows, and of definitions that
		# there is no table
		for _ in 1 2; do
			run_bk 1 bk-dbdump dump --socket="$M/few/sock" names
			assert_cut "$out"
			assert_has "$err" open_files_limit
			[ "$(grep -c error: "$err")" = 1 ]
		done
		run_bk 0 bk-dbdump dump --socket="$M/few/sock" names.t1 names.t2
		assert_whole "$out"
		mdb_drop few
	done
}
