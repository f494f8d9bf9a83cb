#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump restore, attacked: what is there beside it stays as it is, whatever
# the dump says, and what is not all there is never called good.
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

@test "--into: triggers that name their database are made beside it, too" {
	sql - <<-'END'
		CREATE DATABASE shop; USE shop;
		CREATE TABLE item (id INT PRIMARY KEY, n INT); INSERT INTO item VALUES (1, 1);
		CREATE TRIGGER shop.a BEFORE INSERT ON shop.item FOR EACH ROW SET NEW.n = 7;
		CREATE TRIGGER `shop` . `b` BEFORE INSERT ON item FOR EACH ROW
			FOLLOWS a SET NEW.n = NEW.n + 1;
		CREATE TRIGGER c BEFORE UPDATE ON `shop`.item FOR EACH ROW
			/* it's one */ SET @a = 'it''s -- \'';
		SET sql_mode = ANSI_QUOTES;
		CREATE TRIGGER "shop"."d" AFTER INSERT ON "shop"."item" FOR EACH ROW SET @a = 1;
	END
	run_bk 0 bk-dbdump dump -o d main shop
	run_bk 0 bk-dbdump dump main shop
	cp "$out" s.sql
	sql "USE shop; DROP TRIGGER a; DROP TRIGGER b; DROP TRIGGER c; DROP TRIGGER d"
	for from in d s.sql; do
		run_bk 0 bk-dbdump restore --from $from --into 'ne`w' main
		assert_is "$(sql "SELECT trigger_name, event_object_schema FROM
			information_schema.triggers WHERE trigger_schema = 'ne\`w'
			ORDER BY 1")" $'a\tne`w\nb\tne`w\nc\tne`w\nd\tne`w'
		assert_is "$(sql "SHOW TRIGGERS FROM shop")" ''
		assert_is "$(sql "INSERT INTO \`ne\`\`w\`.item VALUES (2, 0);
			SELECT n FROM \`ne\`\`w\`.item WHERE id = 2")" 8
		sql 'DROP DATABASE `ne``w`'
	done
}

@test "--into: not into the server's own, nor with a name that it cannot have" {
	sql "CREATE DATABASE shop; CREATE TABLE shop.user (a INT)"
	run_bk 0 bk-dbdump dump -o d main shop
	for name in mysql sys Information_Schema PERFORMANCE_SCHEMA; do
		run_bk 64 bk-dbdump restore --from d --into $name --overwrite \
			--yes main
		assert_has "$err" "the server's own"
	done
	[ "$(sql "SELECT COUNT(*) FROM mysql.user")" -gt 0 ]
	for name in 'blank ' "$(printf '%065d' 1)" $'\xf0\x9f\x8e\x89'; do
		run_bk 1 bk-dbdump restore --from d --into "$name" main
		[ "$(grep -c error: "$err")" = 1 ]
	done
	run_bk 0 bk-dbdump restore --from d --into $'-h\n`' main
	assert_is "$(sql "SELECT COUNT(*) FROM information_schema.tables WHERE
		table_schema NOT IN ('mysql', 'sys', 'information_schema',
		'performance_schema')")" 2
}

@test "what was broken when it was dumped is not restored, and that is said" {
	sql "CREATE DATABASE shop; USE shop; CREATE TABLE a (id INT PRIMARY KEY);
		INSERT INTO a VALUES (1); CREATE TABLE gone (id INT);
		CREATE VIEW v AS SELECT * FROM gone; DROP TABLE gone"
	run_bk 3 bk-dbdump dump --broken=save -o d main shop
	run_bk 3 bk-dbdump dump --broken=save main shop
	cp "$out" s.sql
	for from in d s.sql; do
		run_bk 0 bk-dbdump restore --from $from --into n main
		assert_has "$err" '1 object of the dump was broken'
		sql "DROP DATABASE n"
	done
	sql "DROP VIEW shop.v"
	run_bk 0 bk-dbdump dump -o whole main shop
	run_bk 0 bk-dbdump restore --from whole --into n main
	assert_hasnt "$err" broken
}

# Killed at any moment: the next run makes it whole.
@test "killed while it restores, again and again" {
	need_program python3
	sql - <<-'END'
		CREATE DATABASE s; USE s;
		CREATE TABLE p (id INT PRIMARY KEY);
		INSERT INTO p SELECT seq FROM seq_1_to_20000;
		CREATE SEQUENCE sq START WITH 5;
		CREATE TABLE c (id INT PRIMARY KEY DEFAULT NEXTVAL(sq), pid INT,
			g INT AS (pid * 2) STORED, FOREIGN KEY (pid) REFERENCES p (id))
			WITH SYSTEM VERSIONING;
		INSERT INTO c (pid) SELECT id FROM p LIMIT 3000;
		UPDATE c SET pid = 1 WHERE id % 7 = 0; DELETE FROM c WHERE id % 11 = 0;
		CREATE TABLE cut (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
		INSERT INTO cut SELECT seq FROM seq_1_to_3000;
		CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW
			SET NEW.pid = IFNULL(NEW.pid, 1);
		CREATE VIEW v AS SELECT c.id FROM c JOIN p ON p.id = c.pid;
		CREATE PROCEDURE pr() SELECT 1;
		CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SET @a = 1;
	END
	run_bk 0 bk-dbdump dump -o d main s
	for i in 1 2 3 4 5 6 7 8; do
		[ $((i % 2)) = 0 ] || sql "DROP DATABASE IF EXISTS s"
		timeout -s KILL "0.$((RANDOM % 70 + 10))" bk-dbdump restore --from d \
			--overwrite --yes main >"$T/o" 2>"$T/e" 3>&- || :
		wait_for 20 eval '[ -z "$(sessions)" ]'
	done
	run_bk 0 bk-dbdump restore --from d --overwrite --yes main
	run_bk 0 bk-dbdump dump -o again main s
	diff -r -x manifest.json d again
}
