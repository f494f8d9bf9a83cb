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
