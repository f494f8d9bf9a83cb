#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump and a consumer that takes nothing for two minutes, twice what a
# server waits for by itself (net_write_timeout).
# bats file_tags=long
# shellcheck disable=SC2016,SC2154

load helper
load mariadb

BATS_TEST_TIMEOUT=300

setup_file() { mdb_setup_file --innodb-buffer-pool-size=256M; }
teardown_file() { mdb_teardown_file; }
setup() {
	mdb_setup
	cd "$M" || return
}

@test "a consumer that stalls for two minutes: the dump waits, and is whole" {
	sql "CREATE DATABASE big; USE big; CREATE TABLE big.blob (id INT PRIMARY KEY,
		b MEDIUMTEXT); INSERT INTO big.blob SELECT seq,
		REPEAT(SHA2(seq, 256), 16384) FROM seq_1_to_120"
	assert_is "$(sql 'SELECT @@net_write_timeout')" 60
	held -j 2 -- big
	end=$((SECONDS + 120))
	wait_for 130 eval '[ $SECONDS -ge $end ]'
	kill -0 "$dump_pid"
	goes 0
	assert_whole got
	assert_is "$(cat got.eof)" '0 signals before'
	run_bk 0 bk-dbdump dump main big
	cmp got "$out"
}
