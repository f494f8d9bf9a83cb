#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-verify: dumps, loaded into a throw-away MariaDB and dumped again.
# shellcheck disable=SC2016

load helper
load restic
load mariadb
load verify

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
		[verify]
		skip = repo
		skip = packs
		skip = age
		skip = drill
	END
	sql - <<-'END'
		CREATE DATABASE shop CHARACTER SET utf8mb4;
		USE shop;
		CREATE TABLE item (id INT PRIMARY KEY, price FLOAT, raw BLOB);
		INSERT INTO item VALUES (1, 16777217, x'00ff275c0a'), (2, 0.1, NULL);
		CREATE VIEW dear AS SELECT * FROM item WHERE price > 1;
		CREATE TRIGGER t BEFORE DELETE ON item FOR EACH ROW SET @a = OLD.id;
		CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM item;
		CREATE DATABASE blog;
		CREATE TABLE blog.post (id INT PRIMARY KEY, t TEXT);
		INSERT INTO blog.post VALUES (1, 'hello');
		CREATE VIEW blog.dear AS SELECT id FROM shop.item;
	END
	run_bk 0 bk-dbdump backup
}

teardown() {
	[ -z "${SOCK:-}" ] || drop_all
}

# nothing_left: no server, no folder; those of a test beside this one go.
nothing_left() {
	local d
	[ ! -e cache/dump ] && [ ! -e state/verify/scratch ] || return
	while IFS= read -r d; do
		wait_for 60 [ ! -e "$d" ]
	done < <(find /var/tmp -maxdepth 1 -name 'bk-verify.*' -newer "$BK_CONFIG")
}

# A program in place of bk-dbdump: the shell script $1; $REAL is the real one.
fake_dbdump() {
	mkdir -p tools
	cp "$BK_BIN"/bk-* tools/
	mv tools/bk-dbdump tools/real
	{
		echo '#!/bin/bash'
		echo "REAL=$T/tools/real"
		cat
	} >tools/bk-dbdump
	chmod 755 tools/bk-dbdump
	PATH=$T/tools:$PATH
}

@test "a dump comes back, object by object, and nothing is left" {
	run_bk 0 bk-verify run
	assert_has "$out" $'dump:main\tok\t100 % proved'
	assert_is "$(progress dump:main '.parts | keys | join(" ")')" \
		'blog shop whole'
	assert_is "$(state dump:main .how)" 'loaded and dumped again'
	nothing_left
	run_bk 0 bk-verify run
	[ -z "$stdout" ]
	# the server that is backed up is not touched, nor asked
	sql 'DROP DATABASE blog'
	run_bk 0 bk-verify run --all
	assert_has "$out" $'dump:main\tok'
}

@test "databases have their turns, though a view names another one" {
	conf_verify budget-bytes=1k
	run_bk 0 bk-verify run
	until [ "$(progress dump:main '[.parts[] | select(. == 0)] | length')" = 0 ]; do
		runs=$((${runs:-0} + 1))
		[ "$runs" -lt 5 ]
		run_bk 0 bk-verify run
	done
}

@test "a stream comes back, to the byte" {
	sed -i '/^\[mariadb main\]/a layout = stream' "$BK_CONFIG"
	run_bk 0 bk-dbdump backup
	run_bk 0 bk-verify run
	assert_has "$out" $'dump:main\tok'
	assert_is "$(progress dump:main '.parts | keys | join(" ")')" '* whole'
	fake_dbdump <<-'END'
		case $1 in -c) shift 2 ;; esac
		case $1 in dump) "$REAL" "$@" | sed 's/hello/hullo/' ;; *) exec "$REAL" "$@" ;; esac
	END
	run_bk 1 bk-verify run --all
	assert_has "$out" 'it is another one once it was loaded'
}

@test "what does not come back as it was is named" {
	# the server changes a row while it is loaded
	fake_dbdump <<-'END'
		"$REAL" "$@" || exit
		case " $* " in *' restore '*)
			s=$(printf '%s\n' "$@" | sed -n '/^--socket/{n;p;}')
			mariadb --no-defaults -S "$s" -e 'UPDATE shop.item SET price = 3 WHERE id = 2' ;;
		esac
	END
	run_bk 1 bk-verify run
	assert_is "$(failures dump:main)" 'object shop/item.sql'
	assert_has "$err" 'database shop: shop/item.sql is another one once it was loaded'
	assert_has "$err" 'see "A dump that failed" under REPAIR'
	nothing_left
	PATH=${PATH#*:}
	hash -r
	run_bk 0 bk-verify run
	assert_is "$(state dump:main .result)" ok
}

@test "a dump that is not whole is a failure" {
	# stored by restic itself, as it never should be
	run_bk 0 bk-restic restore mariadb:main --target d
	path=$(find d -name manifest.json -printf '%h\n')
	echo "-- more" >>"$path/shop/item.sql"
	spool=${path#d}
	[[ $spool = "$T"/* ]]
	mkdir -p "$spool"
	cp -r "$path/." "$spool"
	run_bk 0 bk-restic exec main -- -q backup --host testhost \
		--tag bk,mariadb:main "$spool"
	rm -r "${spool:?}"
	run_bk 1 bk-verify run
	assert_has "$out" 'the dump is not whole'
	run_bk 0 bk-dbdump backup
	run_bk 0 bk-verify run
}

@test "without a MariaDB here the dump is read, and that is said" {
	need_root
	run_bk 0 unshare -m sh -c '
		mount --bind /dev/null "$(command -v mariadbd)"
		exec bk-verify run'
	assert_has "$out" 'read and hashed, but not loaded: there is no MariaDB server here'
	assert_is "$(progress dump:main '.parts | keys | join(" ")')" whole
	run_bk 0 bk-verify run --all
	assert_hasnt "$out" 'not loaded'
	assert_is "$(progress dump:main '.parts | length')" 3
}

@test "rows that are on another server: not proved, and no failure of the dump" {
	sql "INSTALL SONAME 'ha_federatedx'" 2>"$T/none" ||
		skip "ha_federatedx.so is not installed"
	sql "CREATE USER fed@localhost IDENTIFIED BY 'x';
		GRANT ALL ON shop.* TO fed@localhost;
		CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (SOCKET '$SOCK',
		USER 'fed', PASSWORD 'x', DATABASE 'shop');
		CREATE TABLE shop.far (id INT PRIMARY KEY) ENGINE=FEDERATED
		CONNECTION='far/item'"
	run_bk 0 bk-dbdump backup
	status=0
	bk-verify run >"$T/o" 2>"$T/e" || status=$?
	sql "DROP TABLE shop.far; DROP SERVER far; UNINSTALL SONAME 'ha_federatedx'"
	assert_is "$status" 69 || fail "$(cat "$T/o" "$T/e")"
	assert_has "$T/o" $'dump:main\terror\tthe MariaDB here cannot load the dump'
	assert_hasnt "$T/o" failed
}

@test "kill -9 leaves a server for no longer than the next run" {
	for n in 1 2 3 4 5; do
		bk-verify run --all >/dev/null 2>&1 &
		sleep "$n"
		kill -9 $! 2>/dev/null || :
		wait $! 2>/dev/null || :
	done
	run_bk 0 bk-verify run --all
	nothing_left
}

@test "no room for a dump is no failure of it" {
	need_root
	run_bk 0 bk-verify run
	mkdir cache/small
	mount -t tmpfs -o size=64k tmpfs cache/small
	BK_CACHE_DIR=$T/cache/small bk-verify run --all >out 2>err && status=0 || status=$?
	ls -A cache/small >left
	umount cache/small
	[ $status = 73 ] || fail "status $status" "$(cat out err)"
	assert_has err 'there is no room in'
	assert_hasnt left dump
	[ -z "$(failures dump:main)" ]
	run_bk 0 bk-verify run --all
	assert_is "$(state dump:main .result)" ok
	nothing_left
}

@test "no dump yet" {
	cat >>"$BK_CONFIG" <<-END
		[mariadb other]
		socket = $SOCK
		repo = main
	END
	run_bk 75 bk-verify run dump:other
	assert_has "$out" 'there is no dump yet'
}
