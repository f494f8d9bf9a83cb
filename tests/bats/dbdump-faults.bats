#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-dbdump on bad days, each made to happen: what is not complete has no
# trailer, no folder, no status 0, and the consumer is told before it sees an
# end. And good days that look bad: then the dump is whole.
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
	! mountpoint -q "$M/tiny" || umount "$M/tiny"
	sql "SET GLOBAL net_write_timeout = DEFAULT, GLOBAL max_statement_time = 0,
		GLOBAL read_only = 0, GLOBAL wait_timeout = DEFAULT,
		GLOBAL general_log = 0, GLOBAL net_read_timeout = DEFAULT,
		GLOBAL idle_transaction_timeout = 0" 2>/dev/null || :
}

@test "the server dies" {
	held -- big
	"$MDB" kill "$M/s"
	goes 75
	told
	mdb_up s --innodb-buffer-pool-size=256M
	bk-dbdump dump -o d main 3>&- 2>"$T/err" &
	pid=$!
	wait_for 30 sh -c 'ls .d* d* 2>/dev/null | grep -q . || ! kill -0 '$pid
	"$MDB" kill "$M/s"
	status=0
	wait $pid || status=$?
	mdb_up s --innodb-buffer-pool-size=256M
	[ $status != 0 ]
	assert_no_folder d
}

@test "the server is shut down in good order" {
	held -- big
	"$MDB" down "$M/s"
	goes 75
	told
	mdb_up s --innodb-buffer-pool-size=256M
}

@test "each connection is killed" {
	for n in 1 2 3; do
		rm -f got*
		held -j 2 -- big small
		id=$(sessions | sed -n ${n}p)
		[ -n "$id" ] || { goes 0; break; }
		sql "KILL $id"
		touch got.go
		status=0
		wait "$dump_pid" || status=$?
		dump_pid=
		echo $status >>"$T/each"
		# one that had nothing to do any more is not missed
		if [ $status = 0 ]; then
			assert_whole got
			[[ $(trailer got) == *' rows=4120 '* ]]
		else
			assert_is $status 75
			told
		fi
	done
	assert_has "$T/each" 75
}

@test "a query is killed" {
	held -j 1 -- big
	for id in $(sessions); do sql "KILL QUERY $id" || :; done
	touch got.go
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
	if [ $status = 0 ]; then
		# all of it had been sent, or nothing ran
		assert_whole got
	else
		told
	fi
}

@test "a consumer that stands still for longer than the server likes" {
	sql "SET GLOBAL net_write_timeout = 1, GLOBAL net_read_timeout = 1,
		GLOBAL wait_timeout = 1, GLOBAL max_statement_time = 1,
		GLOBAL idle_transaction_timeout = 1"
	held -j 2 -- big small
	end=$((SECONDS + 5))
	wait_for 30 eval '[ $SECONDS -ge $end ]'
	goes 0
	sql "SET GLOBAL idle_transaction_timeout = 0"
	assert_whole got
	assert_is "$(cat got.eof)" '0 signals before'
	[[ $(trailer got) == *' rows=4120 '* ]]
}

@test "a consumer that dies, ends early, or ends badly" {
	held -- big
	kill -9 "$(cat got.pid)"
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
	[ $status != 0 ]
	assert_cut got
	for quit in 0 200000; do
		rm -f got*
		run_bk 74 bk-dbdump dump --exec main big -- "$CONSUMER" got --quit $quit
		assert_cut got
	done
	# it takes all, and says that it could not use it
	run_bk 9 bk-dbdump dump --exec main small -- "$CONSUMER" got --exit 9
}

# bats test_tags=long
@test "a consumer that does not listen to signals is killed before its end" {
	bk-dbdump dump --exec main big -- "$CONSUMER" got --hold 100000 \
		--keep INT --keep TERM 2>"$T/err.txt" 3>&- &
	dump_pid=$! err=$T/err.txt
	wait_for 60 test -e got.held
	for id in $(sessions); do sql "KILL $id"; done
	goes 75
	assert_is "$(tr '\n' ' ' <got.signals)" 'INT TERM '
	[ ! -e got.eof ]
	! kill -0 "$(cat got.pid)" 2>/dev/null || fail "it lives"
}

@test "a pipe whose reader goes away" {
	status=0
	{ bk-dbdump dump main big 2>/dev/null 3>&-; echo $? >"$T/status"; } |
		head -c 1000 >got || :
	case $(cat "$T/status") in
	74 | 141) ;;
	*) fail "status $(cat "$T/status")" ;;
	esac
}

@test "the disk is full" {
	need_root
	mkdir tiny
	mount -t tmpfs -o size=2m tmpfs tiny
	run_bk 74 bk-dbdump dump -o tiny/d main big
	assert_is "$(ls -A tiny)" ''
	run_bk 74 sh -c 'bk-dbdump dump main big >tiny/x.sql'
	assert_cut tiny/x.sql
	rm tiny/x.sql
	# the last bytes are those that do not fit
	mount -o remount,size=100m tiny
	run_bk 0 bk-dbdump dump -o tiny/d main small
	mount -o remount,size="$(($(du -sk tiny | cut -f1) * 2 - 8))k" tiny
	run_bk 74 bk-dbdump dump -o tiny/e main small
	assert_is "$(ls -A tiny)" d
	run_bk 74 sh -c 'bk-dbdump dump main small >/dev/full'
}

@test "stopped by a signal: nothing is left, and the consumer is told" {
	for s in INT TERM HUP; do
		rm -f got*
		held -- big
		kill -$s "$dump_pid"
		case $s in INT) n=130 ;; TERM) n=143 ;; HUP) n=129 ;; esac
		wait_for 20 test -s got.signals
		ended "$n"
		told
	done
	locked z
	bk-dbdump dump -o d main small 3>&- 7>&- 2>/dev/null &
	dump_pid=$!
	wait_for 20 stuck
	kill -TERM "$dump_pid"
	ended 143
	assert_no_folder d
	# the server itself gives up what nobody waits for
	wait_for 20 eval '! stuck'
}

# Each right that is missing is named, with what mends it; and doing just what
# the messages say leads to the dump that root makes.
@test "every missing grant is named, and mended as the message says" {
	sql "CREATE FUNCTION small.f() RETURNS INT DETERMINISTIC RETURN 1;
		CREATE VIEW small.v AS SELECT 1 AS one;
		CREATE TRIGGER small.t BEFORE INSERT ON small.a FOR EACH ROW SET @a = 1;
		CREATE EVENT small.e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SET @a = 1;
		CREATE OR REPLACE USER dumper@localhost IDENTIFIED BY 'x'"
	run_bk 0 bk-dbdump dump main small
	cp "$out" by-root
	(umask 077 && echo x >"$T/pw")
	conf user=dumper
	conf "password=file:$T/pw"
	for try in $(seq 12); do
		status=0
		bk-dbdump dump main small >"$T/out" 2>"$T/err" || status=$?
		[ $status != 0 ] || break
		assert_is $status 77
		assert_is "$(cat "$T/out")" ''
		grep -o 'GRANT [^;]* TO [^;]*;' "$T/err" >"$T/grants" ||
			fail "no GRANT in: $(cat "$T/err")"
		sql - <"$T/grants"
	done
	assert_is "$status" 0
	cmp "$T/out" by-root
	# and without any one of them it is 77 again, and says which
	for right in SELECT 'SHOW VIEW' TRIGGER EVENT 'LOCK TABLES' PROCESS; do
		sql "CREATE OR REPLACE USER dumper@localhost IDENTIFIED BY 'x';
			GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES,
			PROCESS, SHOW DATABASES ON *.* TO dumper@localhost;
			REVOKE $right ON *.* FROM dumper@localhost"
		run_bk 77 bk-dbdump dump main small
		assert_is "$stdout" ''
		assert_has "$err" "$right"
		run_bk 77 bk-dbdump dump -o d main small
		assert_no_folder d
	done
	# all databases are wanted: are they all seen?
	sql "CREATE OR REPLACE USER dumper@localhost IDENTIFIED BY 'x';
		GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON small.*
		TO dumper@localhost; GRANT SELECT ON mysql.proc TO dumper@localhost;
		GRANT PROCESS ON *.* TO dumper@localhost"
	run_bk 77 bk-dbdump dump main
	assert_has "$err" 'SHOW DATABASES'
	run_bk 0 bk-dbdump dump main small
	cmp "$out" by-root
	# rights of one database without those to see routines
	sql "REVOKE SELECT ON mysql.proc FROM dumper@localhost"
	run_bk 77 bk-dbdump dump main small
	# a single table that may not be read
	sql "CREATE OR REPLACE USER dumper@localhost IDENTIFIED BY 'x';
		GRANT SELECT ON small.a TO dumper@localhost"
	run_bk 77 bk-dbdump dump main small.z
	sql "DROP USER dumper@localhost"
}

@test "changes of rows during the dump are no matter: it is of one moment" {
	held -j 3 -- big small
	sql "DELETE FROM small.a; UPDATE small.z SET v = 0; INSERT INTO small.p
		VALUES (5000, 1); DELETE FROM big.blob WHERE id > 1000"
	goes 0
	assert_whole got
	[[ $(trailer got) == *' rows=4120 '* ]]
}

# bats test_tags=long
@test "a lock that is never given: try later, and no lock is left" {
	locked z
	# and, of another session, one of a table that is not transactional
	mkfifo third
	mariadb --no-defaults -S "$SOCK" --unbuffered <third >/dev/null 3>&- 7>&- &
	exec 8>third
	echo "LOCK TABLES small.m WRITE;" >&8
	bk-dbdump dump -o d main small.m >"$T/out2" 2>"$T/err2" 3>&- 7>&- 8>&- &
	dump_pid=$!
	run_bk 75 timeout 100 bk-dbdump dump main small.z
	assert_cut "$out"
	assert_has "$err" z
	err=$T/err2
	ended 75
	assert_has "$err" '`small`.`m`'
	assert_no_folder d
	exec 8>&-
	hand_close
	run_bk 0 bk-dbdump dump main small.z small.m
	rm third
}

@test "a dump that takes too long is given up" {
	held --max-age 1s -- big
	end=$((SECONDS + 3))
	wait_for 30 eval '[ $SECONDS -ge $end ] || [ -s got.signals ]'
	touch got.go
	status=0
	wait "$dump_pid" || status=$?
	dump_pid=
	[ $status != 0 ]
	told
	conf max-hold=1h
	run_bk 0 bk-dbdump dump main small
}

@test "a server that only reads, and one that keeps no binary log" {
	sql "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'x';
		GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS,
		SHOW DATABASES ON *.* TO reader@localhost"
	run_bk 0 bk-dbdump dump main small
	cp "$out" want
	sql "SET GLOBAL read_only = 1"
	(umask 077 && echo x >"$T/pw")
	conf user=reader
	conf "password=file:$T/pw"
	run_bk 0 bk-dbdump dump main small
	cmp "$out" want
	sql "SET GLOBAL read_only = 0"
	mdb_up nolog --skip-log-bin --innodb-read-only=0
	load_into nolog <want
	run_bk 0 bk-dbdump dump -j 4 --socket="$M/nolog/sock" small
	mdb_drop nolog
	cmp "$out" want
}

# one_moment OPTION...: ten dumps of $SOCK with these, while many write, each
# of one moment.
one_moment() {
	sql "CREATE OR REPLACE DATABASE small; USE small;
		CREATE OR REPLACE TABLE small.left_side (id INT PRIMARY KEY, n INT);
		CREATE OR REPLACE TABLE small.right_side (id INT PRIMARY KEY, n INT);
		CREATE OR REPLACE TABLE small.m1 (n INT) ENGINE=MyISAM;
		CREATE OR REPLACE TABLE small.m2 (n INT) ENGINE=Aria;
		INSERT INTO small.left_side SELECT seq, 1000 FROM seq_1_to_200;
		INSERT INTO small.right_side SELECT seq, 1000 FROM seq_1_to_200;
		INSERT INTO small.m1 VALUES (0); INSERT INTO small.m2 VALUES (0)"
	# each moves one from a row of the left to a row of the right
	for w in 1 2 3; do
		while [ ! -e "$T/enough" ]; do
			seq 50 | awk -v s=$w '{ a = ($1 * 7 + s) % 200 + 1
				b = ($1 * 13 + s) % 200 + 1
				print "START TRANSACTION; UPDATE left_side SET n = n - 1 WHERE id = " a ";"
				print "UPDATE right_side SET n = n + 1 WHERE id = " b "; COMMIT;" }'
		done | mariadb --no-defaults -f -S "$SOCK" small >/dev/null 2>&1 3>&- &
	done
	while [ ! -e "$T/enough" ]; do
		echo "LOCK TABLES m1 WRITE, m2 WRITE; UPDATE m1 SET n = n + 1;
			UPDATE m2 SET n = n + 1; UNLOCK TABLES;"
	done | mariadb --no-defaults -f -S "$SOCK" small >/dev/null 2>&1 3>&- &
	mdb_up twin
	for i in $(seq 10); do
		run_bk 0 bk-dbdump -v dump "$@" -j 4 --socket="$SOCK" \
			'small.*_side' 'small.m?'
		load_into twin <"$out"
		sum=$(sql -S "$M/twin/sock" "SELECT (SELECT SUM(n) FROM small.left_side)
			+ (SELECT SUM(n) FROM small.right_side),
			(SELECT n FROM small.m1) - (SELECT n FROM small.m2),
			(SELECT SUM(n) FROM small.left_side);
			DROP DATABASE small")
		echo "$sum" >>"$T/sums"
	done
	touch "$T/enough"
	mdb_drop twin
	assert_is "$(cut -f1,2 "$T/sums" | sort -u)" $'400000\t0'
	# they did write meanwhile
	[ "$(cut -f3 "$T/sums" | sort -u | wc -l)" -gt 1 ]
	wait_for 20 eval '[ -z "$(sessions)" ]'
}

@test "one moment for all connections, also while many write" {
	one_moment
	assert_hasnt "$err" 'one connection'
}

@test "one moment by BACKUP STAGE, if asked, where there is no binary log" {
	mdb_up nolog --skip-log-bin
	SOCK=$M/nolog/sock
	one_moment --backup-stage
	assert_hasnt "$err" 'one connection'
	sql "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1;
		TRUNCATE mysql.general_log"
	run_bk 0 bk-dbdump -v dump -j 2 --socket="$SOCK" small
	assert_has "$err" 'one connection: there is no binary log'
	run_bk 0 bk-dbdump dump -j 1 --backup-stage --socket="$SOCK" small
	stages="SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE
		'BACKUP STAGE%'"
	assert_is "$(sql "$stages")" 0
	conf "socket=$SOCK"
	conf backup-stage=yes
	run_bk 0 bk-dbdump dump main small
	assert_is "$(sql "$stages")" 3
	# it takes a right of its own
	sql "SET GLOBAL general_log = 0;
		CREATE USER dumper@localhost IDENTIFIED BY 'x';
		GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS,
		SHOW DATABASES ON *.* TO dumper@localhost"
	(umask 077 && echo x >"$T/pw")
	conf user=dumper
	conf "password=file:$T/pw"
	run_bk 77 bk-dbdump dump main small
	assert_has "$err" "GRANT RELOAD ON *.* TO 'dumper'@'localhost';"
	sql "GRANT RELOAD ON *.* TO dumper@localhost"
	run_bk 0 bk-dbdump dump main small
	mdb_drop nolog
}

@test "nobody has to wait for a dump, and nothing global is locked" {
	sql "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1;
		TRUNCATE mysql.general_log"
	held -j 1 -- big small
	ids=$(sessions | paste -sd,)
	timeout 10 mariadb --no-defaults -S "$SOCK" small -e "
		SET lock_wait_timeout = 2, innodb_lock_wait_timeout = 2;
		UPDATE a SET v = 1; DELETE FROM z; INSERT INTO p VALUES (9999, 1);
		UPDATE m SET v = 2; INSERT INTO big.blob VALUES (9999, 'x');
		CREATE TABLE small.fresh (a INT); DROP TABLE small.fresh;
		FLUSH TABLES a; ALTER TABLE a ADD COLUMN q INT; CREATE DATABASE other;
		DROP DATABASE other; DELETE FROM big.blob WHERE id = 9999"
	touch got.go
	wait "$dump_pid" || :
	dump_pid=
	sql "SET GLOBAL general_log = 0"
	sql "SELECT argument FROM mysql.general_log WHERE command_type = 'Query'
		AND thread_id IN ($ids)" >log
	assert_has log 'FROM'
	! grep -iE '^ *(FLUSH|BACKUP|STOP|SET +GLOBAL|LOCK +TABLES.*(small`?\.`?[azp]`?[ ,]|big))' log ||
		fail "that locks or stops too much"
}

@test "TLS: a server that is not who it should be" {
	need_program openssl
	# libmariadb trusts whoever answers on 127.0.0.1
	port=$((20000 + RANDOM % 10000))
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca \
		-keyout ca.key -out ca.pem 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
		-keyout other.key -out other.pem 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.2 \
		-keyout key.pem -out req.pem 2>/dev/null
	openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -set_serial 7 -days 2 \
		-extfile <(echo subjectAltName=IP:127.0.0.2) -out cert.pem 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj /CN=elsewhere.example \
		-keyout key2.pem -out req2.pem 2>/dev/null
	openssl x509 -req -in req2.pem -CA ca.pem -CAkey ca.key -set_serial 8 -days 2 \
		-out cert2.pem 2>/dev/null
	chmod 644 ./*.pem
	mdb_up tls --skip-networking=0 --bind-address=127.0.0.2 --port=$port \
		--ssl-cert="$M/cert.pem" --ssl-key="$M/key.pem"
	sql -S "$M/tls/sock" "CREATE DATABASE d; CREATE TABLE d.t (a INT);
		CREATE USER u@'127.0.0.%' IDENTIFIED BY 'x' REQUIRE SSL;
		GRANT ALL ON *.* TO u@'127.0.0.%'"
	(umask 077 && echo x >"$T/pw")
	cat >"$BK_CONFIG" <<-END
		[mariadb main]
		host = 127.0.0.2
		port = $port
		user = u
		password = file:$T/pw
		ssl-ca = $M/ca.pem
	END
	run_bk 0 bk-dbdump dump main d
	assert_whole "$out"
	conf "ssl-ca=$M/other.pem"
	status=0
	bk-dbdump dump main d >"$T/o" 2>"$T/e" || status=$?
	case $status in 69 | 77) ;; *) fail "status $status: $(cat "$T/e")" ;; esac
	assert_is "$(cat "$T/o")" ''
	# the right authority, but another host's certificate
	"$MDB" down "$M/tls"
	mdb_up tls --skip-networking=0 --bind-address=127.0.0.2 --port=$port \
		--ssl-cert="$M/cert2.pem" --ssl-key="$M/key2.pem"
	conf "ssl-ca=$M/ca.pem"
	status=0
	bk-dbdump dump main d >"$T/o" 2>"$T/e" || status=$?
	case $status in 69 | 77) ;; *) fail "status $status: $(cat "$T/e")" ;; esac
	assert_is "$(cat "$T/o")" ''
	# a server without TLS, where it is asked for
	"$MDB" down "$M/tls"
	mdb_up tls --skip-networking=0 --bind-address=127.0.0.2 --port=$port --skip-ssl
	sql -S "$M/tls/sock" "ALTER USER u@'127.0.0.%' REQUIRE NONE"
	status=0
	bk-dbdump dump main d >"$T/o" 2>"$T/e" || status=$?
	case $status in 69 | 77) ;; *) fail "status $status: $(cat "$T/e")" ;; esac
	mdb_drop tls
}

# The clock of the server and of the dump goes back by two days.
@test "a clock that is set back during the dump" {
	"${CC:-cc}" -shared -fPIC -o "$M/clock.so" "$BATS_TEST_DIRNAME/../rigs/clock.c" ||
		skip "no C compiler"
	chmod 755 "$M/clock.so"
	export AHEAD_NS=-172800000000000 AHEAD_WHEN=$M/back
	LD_PRELOAD=$M/clock.so mdb_up clock --innodb-buffer-pool-size=256M
	SOCK=$M/clock/sock
	conf "socket=$SOCK"
	sql "CREATE DATABASE big; CREATE TABLE big.blob (id INT PRIMARY KEY, b MEDIUMTEXT);
		USE big; INSERT INTO big.blob SELECT seq, REPEAT(SHA2(seq, 256), 16384)
		FROM seq_1_to_60; CREATE DATABASE small; USE small;
		CREATE TABLE a (id INT PRIMARY KEY, v INT);
		CREATE TABLE z (id INT PRIMARY KEY, v INT);
		INSERT INTO a VALUES (1, 1); INSERT INTO z VALUES (1, 2)"
	run_bk 0 bk-dbdump dump main
	cp "$out" want
	for change in '' 'RENAME TABLE small.a TO small.x, small.z TO small.a, small.x TO small.z'; do
		rm -f got*
		now=$(sql 'SELECT UNIX_TIMESTAMP()')
		LD_PRELOAD=$M/clock.so held -j 1 --
		touch "$M/back"
		[ "$(sql 'SELECT UNIX_TIMESTAMP()')" -lt "$now" ]
		sql "INSERT INTO small.a VALUES (2, 2); DELETE FROM small.a WHERE id = 2; $change"
		touch got.go
		status=0
		wait "$dump_pid" || status=$?
		dump_pid=
		rm "$M/back"
		if [ -z "$change" ]; then
			assert_is "$status" 0
			cmp got want
		else
			assert_is "$(head -n 1 got.signals)" INT
			assert_has "$err" small
			[ $status != 0 ] || as_it_is "$change"
		fi
	done
	unset AHEAD_NS AHEAD_WHEN
	mdb_drop clock
}
