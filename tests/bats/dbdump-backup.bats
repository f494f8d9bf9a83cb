#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk-dbdump backup and restore, with a real server and a real repository.
#
# A table called post lies beside the post.sql of its database.
# shellcheck disable=SC2016

load helper
load restic
load mariadb

setup_file() {
	mdb_setup_file
	restic_setup_file
}

teardown_file() { mdb_teardown_file; }

setup() {
	[ -n "${SOCK:-}" ] || skip "mariadbd is not installed"
	restic_setup
	cat >>"$BK_CONFIG" <<-END
		[mariadb main]
		socket = $SOCK
		repo = main
		globals = no
	END
	sql - <<-'END'
		CREATE DATABASE shop CHARACTER SET utf8mb4;
		USE shop;
		CREATE TABLE kind (id INT PRIMARY KEY, name TEXT);
		INSERT INTO kind VALUES (1, 'a;b'), (2, "it's \\"), (3, '-- x');
		CREATE SEQUENCE s START 100;
		CREATE TABLE item (id INT PRIMARY KEY DEFAULT NEXTVAL(s),
			kind INT, price FLOAT, raw BLOB,
			CONSTRAINT fk FOREIGN KEY (kind) REFERENCES kind (id));
		INSERT INTO item (kind, price, raw) VALUES
			(1, 16777217, x'00ff275c0a'), (2, 0.1, NULL);
		CREATE TABLE log (n INT PRIMARY KEY, old INT);
		CREATE TRIGGER keep BEFORE DELETE ON item FOR EACH ROW
			INSERT INTO log VALUES (OLD.id, OLD.kind);
		CREATE VIEW both_ AS SELECT i.id, k.name FROM item i
			JOIN kind k ON k.id = i.kind;
		DELIMITER $$
		CREATE PROCEDURE p() BEGIN SELECT ';'; /* ' */ END$$
		DELIMITER ;
		CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM log;
		CREATE DATABASE blog;
		CREATE TABLE blog.post (id INT PRIMARY KEY, t TEXT);
		INSERT INTO blog.post VALUES (1, 'hello');
	END
}

teardown() {
	[ -z "${SOCK:-}" ] || drop_all
}

# db_state FILTER: jq's answer over the state of the server main.
db_state() {
	jq -r "$1" "$BK_STATE_DIR/state/bk-dbdump.mariadb-main.json"
}

# no_spool: nothing is left of it.
no_spool() {
	[ -z "$(find "$BK_STATE_DIR/dbdump" -type f -o -name main 2>/dev/null)" ] ||
		fail "left: $(find "$BK_STATE_DIR/dbdump")"
}

# checksums [DB]: of the tables of the database shop, under its name.
checksums() {
	sql "CHECKSUM TABLE $1.kind, $1.item, $1.log" | sed "s/^$1\\.//"
}

@test "backup by a spool: one snapshot, state, record, nothing left" {
	run_bk 0 bk-dbdump backup
	assert_has "$out" $'main\tok\t'
	assert_is "$(snapshots)" 1
	no_spool
	assert_is "$(db_state .result)" ok
	assert_is "$(db_state .job)" "mariadb main"
	assert_is "$(db_state .counts.databases)" 2
	assert_is "$(db_state .counts.rows)" 6
	assert_is "$(db_state .counts.broken)" 0
	[ "$(db_state .counts.bytes)" -gt 1000 ]
	assert_has <(db_state .version) MariaDB
	[ "$(db_state .position)" != null ]
	[ "$(db_state .held_seconds)" != null ]
	assert_is "$(db_state '.snapshot[:8]')" \
		"$(basename "$(ls "$T/repo/snapshots/"*)" | cut -c1-8)"
	run_bk 0 bk-restic snapshots mariadb:main
	assert_has "$out" "1 root"
	run_bk 0 bk-restic find mariadb:main item.sql
	# what did not change adds next to nothing
	run_bk 0 bk-dbdump --json backup main
	assert_json "$out" '.[0].type == "backup" and .[0].server == "main" and
		.[0].result == "ok" and .[0].bytes_added < 20000'
	assert_is "$(snapshots)" 2
}

@test "backup by a stream: never on the disk, restored as well" {
	conf layout=stream
	run_bk 0 bk-dbdump backup
	assert_is "$(db_state .result)" ok
	assert_is "$(db_state .counts.rows)" 6
	[ ! -e "$BK_STATE_DIR/dbdump" ]
	run_bk 0 bk-restic --json snapshots mariadb:main
	assert_json "$out" '.[0].paths == ["/main.sql"]'
	run_bk 0 bk-restic exec main -- dump latest /main.sql
	cp "$out" all.sql
	run_bk 0 bk-dbdump check all.sql
	before=$(checksums shop)
	sql 'DROP DATABASE shop'
	run_bk 0 bk-dbdump restore --db shop
	assert_is "$(checksums shop)" "$before"
	no_spool
	# all of it: the rows are counted as the trailer has them
	sql 'DROP DATABASE shop; DROP DATABASE blog'
	run_bk 0 bk-dbdump restore
	assert_is "$(sql 'SELECT t FROM blog.post')" hello
}

# data_chunks: pieces of data in the repository.
data_chunks() { bk-restic exec main -- list blobs | grep -c '^data'; }

# A chunk has 0.5 to 8 MiB, by chance: what counts is how many are new. Of a
# stream the last one is, too, for its trailer.
@test "after one deleted row nearly all is in the repository already" {
	sql "USE blog; CREATE TABLE blog.much (id INT PRIMARY KEY, t TEXT) CHARACTER SET ascii;
		INSERT INTO blog.much SELECT seq, CONCAT($(seq 8 |
		sed 's/.*/SHA2(seq * 10 + &, 512)/' | paste -sd,)) FROM
		seq_1_to_24000"
	for layout in spool stream; do
		conf layout=$layout
		run_bk 0 bk-dbdump backup
		before=$(data_chunks)
		[ "$before" -ge 5 ]
		sql "DELETE FROM blog.much ORDER BY id LIMIT 1"
		run_bk 0 bk-dbdump backup
		new=$(($(data_chunks) - before))
		[ $new -le 5 ] || fail "$layout: $new new chunks, after $before"
	done
}

@test "restore brings all of a database back, and says what it does" {
	run_bk 0 bk-dbdump backup
	before=$(checksums shop)
	sql 'DROP DATABASE shop'
	run_bk 0 bk-dbdump -n restore --db shop
	assert_has "$err" "restores shop (3 tables, 5 rows, 1 view, 4 other objects)"
	assert_is "$(sql "SHOW DATABASES LIKE 'shop'")" ""
	run_bk 0 bk-dbdump restore --db shop
	assert_has "$err" "is whole"
	assert_has "$out" $'shop\t3 tables'
	assert_is "$(checksums shop)" "$before"
	assert_is "$(sql 'SELECT name FROM shop.both_ ORDER BY id')" \
		$'a;b\nit\'s \\'
	assert_is "$(sql 'CALL shop.p()')" ';'
	sql 'DELETE FROM shop.item WHERE id = 100'
	assert_is "$(sql 'SELECT n, old FROM shop.log')" $'100\t1'
	sql 'INSERT INTO shop.item (kind) VALUES (3)'
	[ "$(sql 'SELECT MAX(id) FROM shop.item')" -gt 101 ]
	assert_is "$(sql "SELECT COUNT(*) FROM information_schema.EVENTS
		WHERE EVENT_SCHEMA = 'shop'")" 1
	no_spool
}

@test "what exists is not touched, unless it is to be replaced" {
	run_bk 0 bk-dbdump dump -o d
	sql "UPDATE shop.kind SET name = 'new' WHERE id = 1;
		CREATE TABLE shop.later (id INT); DROP VIEW shop.both_"
	run_bk 73 bk-dbdump restore --from d --db shop
	assert_has "$err" "shop exists"
	run_bk 73 bk-dbdump restore --from d
	run_bk 73 bk-dbdump restore --from d --table kind --db shop
	assert_is "$(sql 'SELECT name FROM shop.kind WHERE id = 1')" new
	run_bk 64 bk-dbdump restore --from d --db shop --overwrite </dev/null
	assert_has "$err" "--yes"
	run_bk 0 bk-dbdump restore --from d --db shop --overwrite --yes
	assert_has "$err" "shop.kind is there, and will be REPLACED"
	assert_is "$(sql 'SELECT name FROM shop.kind WHERE id = 1')" 'a;b'
	assert_is "$(sql 'SELECT COUNT(*) FROM shop.both_')" 2
	# what the dump does not have stays
	assert_is "$(sql "SHOW TABLES FROM shop LIKE 'later'")" later
	# nor loses a table its rows to one that was dumped without
	conf schema-only=shop.kind
	run_bk 0 bk-dbdump dump -o e
	run_bk 0 bk-dbdump restore --from e --db shop --overwrite --yes
	assert_has "$err" "shop.kind is there, and stays"
	assert_is "$(sql 'SELECT COUNT(*) FROM shop.kind')" 3
	# a database that is empty may be there
	sql 'DROP DATABASE shop; CREATE DATABASE shop'
	run_bk 0 bk-dbdump restore --from d --db shop
}

@test "one table, beside what is there or back into it" {
	run_bk 0 bk-dbdump dump -o d
	sql 'DROP TABLE shop.item'
	run_bk 66 bk-dbdump restore --from d --table nix --db shop
	run_bk 66 bk-dbdump restore --from d --table item
	assert_has "$err" "DB.TABLE"
	run_bk 66 bk-dbdump restore --from d --db nix
	run_bk 0 bk-dbdump restore --from d --table shop.item
	assert_is "$(sql 'SELECT id, CAST(price AS DOUBLE) FROM
		shop.item ORDER BY id' | tr '\n\t' ' ')" \
		'100 16777216 101 0.10000000149011612 '
	# with its trigger
	sql 'DELETE FROM shop.item WHERE id = 101'
	assert_is "$(sql 'SELECT COUNT(*) FROM shop.log WHERE n = 101')" 1
	run_bk 0 bk-dbdump restore --from d --db shop --table kind --into shop_old
	assert_is "$(sql 'SELECT COUNT(*) FROM shop_old.kind')" 3
	assert_is "$(sql "SHOW TABLES FROM shop_old")" kind
}

@test "into another name, with sequence, view and trigger of its own" {
	run_bk 0 bk-dbdump dump -o d
	run_bk 64 bk-dbdump restore --from d --into x
	assert_has "$err" "--into wants one database"
	run_bk 0 bk-dbdump restore --from d --db shop --into 'sh`op 2'
	assert_is "$(checksums '`sh``op 2`' | cut -f2)" \
		"$(checksums shop | cut -f2)"
	sql 'DROP DATABASE shop'
	sql 'INSERT INTO `sh``op 2`.item (kind) VALUES (1)'
	assert_is "$(sql 'SELECT COUNT(*) FROM `sh``op 2`.both_')" 3
}

@test "as it was, by time or by snapshot" {
	run_bk 0 bk-dbdump backup
	sql "UPDATE blog.post SET t = 'second'"
	wait_for 30 bash -c "[ \$(date +%s) -gt $(date +%s) ]"
	then=$(date -u +%FT%TZ)
	wait_for 30 bash -c "[ \$(date +%s) -gt $(date +%s) ]"
	run_bk 0 bk-dbdump backup
	sql 'DROP DATABASE blog'
	run_bk 0 bk-dbdump restore --db blog
	assert_is "$(sql 'SELECT t FROM blog.post')" second
	run_bk 0 bk-dbdump restore --db blog --into b2 --at "$then"
	assert_is "$(sql 'SELECT t FROM b2.post')" hello
	run_bk 0 bk-restic --json snapshots mariadb:main
	id=$(jq -r 'select(.type == "snapshot").id' "$out" | head -n 1)
	run_bk 0 bk-dbdump restore --db blog --into b3 --snapshot "${id:0:12}"
	assert_is "$(sql 'SELECT t FROM b3.post')" hello
	run_bk 0 bk-dbdump restore --table blog.post --into b4 --at 0
	assert_is "$(sql 'SELECT t FROM b4.post')" second
	run_bk 66 bk-dbdump restore --db blog --into b4 --snapshot abcdef0
	run_bk 66 bk-dbdump restore --db blog --into b4 --at 2d
	run_bk 64 bk-dbdump restore --db blog --into b4 --at never
	run_bk 64 bk-dbdump restore --at 2d --snapshot "$id"
	run_bk 66 bk-dbdump restore nix
}

@test "a dump that is not whole is found before the first statement" {
	run_bk 0 bk-dbdump dump -o d
	run_bk 0 bk-dbdump dump
	cp "$out" all.sql
	sql 'DROP DATABASE shop; DROP DATABASE blog'
	cp -r d bad
	file=$(jq -r '.files[] | select(.table == "post").path' d/manifest.json)
	sed -i 's/hello/HELLO/' "bad/$file"
	run_bk 65 bk-dbdump restore --from bad
	assert_has "$err" "$file"
	sed 's/hello/HELLO/' all.sql >bad.sql
	run_bk 65 bk-dbdump restore --from bad.sql
	head -c 2000 all.sql >bad.sql
	run_bk 65 bk-dbdump restore --from bad.sql
	rm "bad/$file"
	run_bk 65 bk-dbdump restore --from bad
	run_bk 66 bk-dbdump restore --from nix
	assert_is "$(sql "SHOW DATABASES LIKE '%o%'" | grep -c -e shop -e blog)" 0
	# the part that is needed is whole
	run_bk 0 bk-dbdump restore --from bad --db shop
	run_bk 0 bk-dbdump restore --from d --db blog
	sql 'DROP DATABASE shop; DROP DATABASE blog'
	run_bk 0 bk-dbdump restore --from all.sql
	assert_is "$(sql 'SELECT t FROM blog.post')" hello
}

@test "a statement that fails is named, with file, line and reason" {
	conf include=blog
	run_bk 0 bk-dbdump dump
	head -n -1 "$out" >body.sql
	echo 'INSERT INTO `post` VALUES (1,2,3);' >>body.sql
	{
		cat body.sql
		printf -- '-- bk-dbdump: complete objects=2 rows=1 broken=0 sha256=%s bytes=%s\n' \
			"$(sha256sum <body.sql | cut -d' ' -f1)" \
			"$(stat -c %s body.sql)"
	} >bad.sql
	sql 'DROP DATABASE blog'
	run_bk 1 bk-dbdump restore --from bad.sql
	assert_has "$err" "bad.sql:$(wc -l <body.sql): 'INSERT INTO \`post\` VALUES (1,2,3)'"
	assert_has "$err" "Column count"
	# rows that are not what the trailer says
	sed -e '/VALUES (1,2,3)/d' -e '/^-- bk-dbdump: counted/d' -e '$d' \
		bad.sql >body.sql
	{
		cat body.sql
		printf -- '-- bk-dbdump: complete objects=2 rows=7 broken=0 sha256=%s bytes=%s\n' \
			"$(sha256sum <body.sql | cut -d' ' -f1)" \
			"$(stat -c %s body.sql)"
	} >bad.sql
	sql 'DROP DATABASE blog'
	run_bk 65 bk-dbdump restore --from bad.sql
	assert_has "$err" "7 in the dump"
}

@test "a statement that the server does not take is found before" {
	sql "USE blog; INSERT INTO post VALUES (2, REPEAT('x', 60000)); ALTER
		TABLE post MODIFY t LONGTEXT; INSERT INTO post VALUES (3,
		REPEAT('y', 3000000))"
	run_bk 0 bk-dbdump dump -o d
	sql 'SET GLOBAL max_allowed_packet = 2097152'
	bad=
	run_bk 1 bk-dbdump restore --from d --db blog --overwrite --yes || bad=1
	sql 'SET GLOBAL max_allowed_packet = 1073741824'
	assert_is "$bad" ""
	assert_has "$err" "SET GLOBAL max_allowed_packet"
	assert_is "$(sql 'SELECT COUNT(*) FROM blog.post')" 3
	run_bk 0 bk-dbdump restore --from d --db blog --overwrite --yes
}

@test "one server that fails does not stop the others" {
	cat >>"$BK_CONFIG" <<-END
		[mariadb gone]
		socket = $T/nowhere.sock
		repo = main
		[mariadb unused]
		socket = $T/nowhere.sock
	END
	run_bk 3 bk-dbdump backup
	assert_is "$(snapshots)" 1
	assert_is "$(jq -r .exit "$BK_STATE_DIR/state/bk-dbdump.mariadb-gone.json")" 69
	assert_has "$BK_STATE_DIR/state/bk-dbdump.mariadb-gone.json" nowhere.sock
	[ ! -e "$BK_STATE_DIR/state/bk-dbdump.mariadb-unused.json" ]
	no_spool
	run_bk 69 bk-dbdump backup gone
	run_bk 66 bk-dbdump backup nix
	run_bk 78 bk-dbdump backup unused
}

@test "a view that does not work: no dump, or a partial one" {
	sql 'CREATE TABLE shop.t (a INT); CREATE VIEW shop.v AS SELECT a FROM
		shop.t; DROP TABLE shop.t'
	run_bk 1 bk-dbdump backup
	assert_has "$err" "v"
	assert_is "$(snapshots)" 0
	assert_is "$(db_state .result)" failed
	no_spool
	conf broken=save
	run_bk 3 bk-dbdump backup
	assert_is "$(db_state .result)" partial
	assert_is "$(db_state .counts.broken)" 1
	assert_has <(db_state .message) "1 broken object"
	conf layout=stream
	run_bk 3 bk-dbdump backup
}

@test "a spool that a killed run left is removed by the next" {
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || { touch $T/there
			while [ ! -e $T/go ]; do sleep 0.05; done; exit 1; }
		exec "\$RESTIC" "\$@"
	END
	bk-dbdump backup >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for 30 test -e there
	# another run does not meet it
	run_bk 75 bk-dbdump backup
	assert_has "$err" "locked"
	kill -9 $pid
	wait $pid || :
	touch go
	[ -n "$(find "$BK_STATE_DIR/dbdump" -name post.sql)" ]
	assert_is "$(stat -c %a "$BK_STATE_DIR/dbdump/main")" 700
	sed -i '/^program/d' "$BK_CONFIG"
	wait_for 30 bk-dbdump -q backup
	no_spool
}

@test "restic that fails, a signal: no spool is left, the cause is named" {
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || { echo "Fatal: no luck" >&2; exit 1; }
		exec "\$RESTIC" "\$@"
	END
	run_bk 1 bk-dbdump backup
	assert_has <(db_state .message) "no luck"
	no_spool
	conf layout=stream
	run_bk 1 bk-dbdump backup
	assert_has <(db_state .message) "no luck"
	conf layout=spool
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || { touch $T/there; exec sleep 60; }
		exec "\$RESTIC" "\$@"
	END
	bk-dbdump backup >/dev/null 2>err.txt 3>&- &
	pid=$!
	wait_for 30 test -e there
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	assert_is $status 143
	assert_is "$(db_state .result)" failed
	no_spool
}

# killed N: N runs, in which restic is killed at some moment while it stores.
# The first field of each line of killed is the status.
killed() {
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || echo \$\$ >$T/restic.pid
		exec "\$RESTIC" "\$@"
	END
	local n status had
	for n in $(seq "$1"); do
		rm -f restic.pid
		had=$(snapshots)
		sql "REPLACE INTO blog.post VALUES (9, '$n')"
		bk-dbdump -q backup >/dev/null 2>err.txt 3>&- &
		pid=$!
		wait_for 30 test -s restic.pid
		sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
		kill -9 "$(cat restic.pid)" 2>/dev/null || :
		status=0
		wait $pid || status=$?
		echo "$status $(db_state .result) $had $(snapshots)" >>killed
		no_spool || return
	done
}

# bats test_tags=long
@test "restic that is killed at any moment: the run failed, the next is clean" {
	sql "USE blog; INSERT INTO post SELECT 10 + seq, REPEAT(MD5(seq), 100)
		FROM seq_1_to_3000"
	for layout in spool stream; do
		conf layout=$layout
		killed 6
	done
	# what ended with 0 is there, and nothing else is called good
	while read -r status result had has; do
		if [ "$status" = 0 ]; then
			assert_is "$result $has" "ok $((had + 1))"
		else
			assert_is "$result" failed
			[ "$has" -le $((had + 1)) ]
		fi
	done <killed
	[ "$(grep -vc '^0 ' killed)" -gt 0 ] || fail "none was hit" "$(cat killed)"
	sed -i '/^program/d' "$BK_CONFIG"
	run_bk 0 bk-dbdump backup
	assert_is "$(db_state .result)" ok
	run_bk 0 bk-restic check main
	# every snapshot there is, is a whole dump
	for id in $(RESTIC_PASSWORD=open-sesame restic -q -r "$T/repo" snapshots --json |
		jq -r '.[].short_id'); do
		run_bk 0 bk-dbdump restore -n --snapshot "$id" --into other main --db blog
	done
}

@test "no room for the spool, and a place that others can write" {
	need_root
	mkdir small
	mount -t tmpfs -o size=128k tmpfs small || skip "cannot mount a tmpfs"
	chmod 700 small
	conf "spool=$T/small"
	bad=
	run_bk 0 bk-dbdump backup || bad=first
	sql "USE blog; INSERT INTO post SELECT 10 + seq, REPEAT('x', 2000)
		FROM seq_1_to_500; ANALYZE TABLE post" >/dev/null
	# the last one was small: the disk is full on the way
	run_bk 74 bk-dbdump backup || bad="$bad full"
	assert_has "$err" "No space left" || bad="$bad message"
	rm "$BK_STATE_DIR/state/bk-dbdump.mariadb-main.json"
	run_bk 74 bk-dbdump backup || bad="$bad estimate"
	[ -z "$(find small -type f)" ] || bad="$bad files"
	umount small
	assert_is "$bad" ""
	assert_has <(db_state .message) "has room for"
	assert_is "$(snapshots)" 1
	mkdir -m 777 open
	conf "spool=$T/open"
	run_bk 78 bk-dbdump backup
	assert_has "$err" "no place for a spool"
	mkdir -m 700 mine
	conf "spool=$T/mine"
	run_bk 0 bk-dbdump backup
	assert_is "$(find mine -type f | wc -l)" 0
}

@test "a stream whose writer is killed leaves no snapshot" {
	conf layout=stream
	sql "USE blog; INSERT INTO post SELECT 10 + seq, REPEAT('x', 2000)
		FROM seq_1_to_2000"
	fake_restic <<-END
		[[ " \$* " != *" backup "* ]] || { touch $T/there
			while [ ! -e $T/go ]; do sleep 0.05; done; }
		exec "\$RESTIC" "\$@"
	END
	bk-dbdump backup >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for 30 test -e there
	kill -9 $pid
	wait $pid || :
	touch go
	sed -i '/^program/d' "$BK_CONFIG"
	wait_for 60 flock -n "$BK_RUN_DIR/lock/repo.main" true
	assert_is "$(snapshots)" 0
	run_bk 0 bk-dbdump backup
	assert_is "$(snapshots)" 1
}

@test "a dump that shrank by more than half is accepted by a word" {
	sql "USE blog; INSERT INTO post SELECT 10 + seq, REPEAT('x', 2000)
		FROM seq_1_to_100"
	run_bk 0 bk-dbdump backup
	sql 'DELETE FROM blog.post WHERE id > 1'
	run_bk 3 bk-dbdump backup
	assert_has "$err" "bk-dbdump backup --accept main"
	assert_is "$(db_state .result)" partial
	assert_has <(db_state .message) shrank
	run_bk 64 bk-dbdump backup --accept
	run_bk 0 bk-dbdump backup --accept main
	run_bk 0 bk-dbdump backup
}

@test "-n says what would be done, and does nothing" {
	run_bk 0 bk-dbdump -n backup
	assert_has "$out" "backup mariadb:main -"
	assert_is "$(snapshots)" 0
	[ ! -e "$BK_STATE_DIR/state" ]
	conf layout=stream
	run_bk 0 bk-dbdump -n backup
	assert_has "$out" "--stdin main.sql"
}

@test "users and grants come back only with --globals" {
	conf globals=yes
	sql "CREATE USER ann@localhost IDENTIFIED BY 'secret';
		GRANT SELECT ON shop.* TO ann@localhost"
	run_bk 0 bk-dbdump dump -o d
	sql 'DROP USER ann@localhost; DROP DATABASE blog'
	run_bk 0 bk-dbdump restore --from d --db blog
	assert_is "$(sql "SELECT COUNT(*) FROM mysql.user WHERE user = 'ann'")" 0
	sql 'DROP DATABASE blog'
	run_bk 0 bk-dbdump restore --from d --db blog --globals
	assert_has <(sql 'SHOW GRANTS FOR ann@localhost') 'ON `shop`.*'
	# the same from restic, of which only that is fetched
	run_bk 0 bk-dbdump backup
	sql 'DROP USER ann@localhost; DROP DATABASE blog'
	run_bk 0 bk-dbdump restore --db blog --globals
	assert_has <(sql 'SHOW GRANTS FOR ann@localhost') 'ON `shop`.*'
	sql 'DROP USER ann@localhost'
}

@test "another server takes it" {
	run_bk 0 bk-dbdump dump -o d
	mdb_up s2
	run_bk 0 bk-dbdump restore main --from d --socket "$M/s2/sock"
	assert_is "$(sql -S "$M/s2/sock" 'SELECT t FROM blog.post')" hello
	sql -S "$M/s2/sock" 'DROP DATABASE blog; DROP DATABASE shop'
	# without any configuration
	: >"$BK_CONFIG"
	run_bk 0 bk-dbdump restore --from d --socket "$M/s2/sock"
	assert_is "$(sql -S "$M/s2/sock" 'SELECT t FROM blog.post')" hello
}

@test "what is hard to dump comes back, byte by byte the same" {
	mdb_up t
	sql -S "$M/t/sock" - <"$DATA/torture.sql"
	sql -S "$M/t/sock" - <"$DATA/torture-more.sql"
	run_bk 0 bk-dbdump dump --socket "$M/t/sock"
	mv "$out" all.sql
	run_bk 0 bk-dbdump dump --socket "$M/t/sock" -o d
	mdb_drop t
	mdb_up r
	run_bk 0 bk-dbdump restore --from d --socket "$M/r/sock"
	run_bk 0 bk-dbdump dump --socket "$M/r/sock"
	cmp "$out" all.sql
	mdb_drop r
	mdb_up r
	run_bk 0 bk-dbdump restore --from all.sql --socket "$M/r/sock"
	run_bk 0 bk-dbdump dump --socket "$M/r/sock"
	cmp "$out" all.sql
	mdb_drop r
}
