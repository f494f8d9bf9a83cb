#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dumps of [mariadb NAME] as the set mariadb:NAME. No server is needed.

load helper
load restic

setup_file() { restic_setup_file; }

setup() {
	restic_setup
	cat >>"$BK_CONFIG" <<-END
		[mariadb local]
		repo = main
		keep = last 2
		[mariadb bare]
	END
	mkdir -p spool/shop
	echo one >spool/shop/item.sql
	echo '{}' >spool/manifest.json
}

# stored STATUS [OPTION...]: the spool as bk-dbdump hands it over.
stored() {
	local want=$1
	shift
	plan "root $T/spool" | sed 's/"home"/"mariadb:local"/' >plan.json
	run_bk "$want" bk-restic backup "$@" mariadb:local - <plan.json
}

# stream FILE TEXT: a dump with a trailer that has a hash.
stream() {
	printf '%s\n' "$2" >"$1"
	printf -- '-- bk-dbdump: complete objects=1 rows=1 broken=0 sha256=%s bytes=%s\n' \
		"$(sha256sum <"$1" | cut -d' ' -f1)" "$(stat -c %s "$1")" >>"$1"
}

@test "a folder of a dump is stored, listed, found, and comes back" {
	stored 0
	assert_has "$out" $'mariadb:local\tok\t'
	assert_is "$(state backup-mariadb:local .result)" ok
	assert_is "$(state backup-mariadb:local .job)" "backup mariadb:local"
	run_bk 0 bk-restic snapshots
	assert_has "$out" $'\tmariadb:local\ttesthost\t1 root'
	run_bk 0 bk-restic --json snapshots mariadb:local
	assert_json "$out" '.[0].set == "mariadb:local" and .[1].count == 1'
	run_bk 0 bk-restic find mariadb:local item.sql
	assert_has "$out" spool/shop/item.sql
	run_bk 0 bk-restic restore mariadb:local --target back
	cmp "back$T/spool/shop/item.sql" spool/shop/item.sql
	# the tag is that of the set, and no other set sees it
	run_bk 0 bk-restic exec main -- snapshots --json --tag bk,mariadb:local
	assert_is "$(jq length "$out")" 1
	run_bk 0 bk-restic snapshots home
	assert_is "$stdout" ""
}

@test "the folder is gone between two runs, or another, and that is well" {
	stored 0
	mv spool kept
	mkdir elsewhere
	cp -r kept elsewhere/spool
	plan "root $T/elsewhere/spool" | sed 's/"home"/"mariadb:local"/' >plan.json
	run_bk 0 bk-restic backup mariadb:local - <plan.json
	assert_is "$(state backup-mariadb:local .held)" false
}

@test "a dump that shrank is stored, and the old ones are held" {
	head -c 100000 /dev/urandom >spool/shop/big.sql
	stored 0
	rm spool/shop/big.sql
	stored 3
	assert_has "$err" "bk-dbdump backup --accept local"
	run_bk 1 bk-restic forget mariadb:local
	assert_has "$err" "bk-dbdump backup --accept local"
	stored 0 --accept
	run_bk 0 bk-restic forget mariadb:local
}

@test "forget and prune take the section's keep, and the work on all" {
	for n in 1 2 3; do
		echo $n >spool/shop/item.sql
		stored 0
	done
	run_bk 0 bk-restic --json forget
	assert_json "$out" \
		'map(select(.set == "mariadb:local"))[0].kept == 2'
	assert_is "$(snapshots)" 2
	assert_is "$(state forget-mariadb:local .counts.removed)" 1
	# without one of its own, that of the repository
	sed -i '/^keep = last 2/d' "$BK_CONFIG"
	conf_repo 'keep=last 1'
	run_bk 0 bk-restic --json forget mariadb:local
	assert_json "$out" '.[0].kept == 1'
	run_bk 0 bk-restic forget --prune mariadb:local
}

@test "a stream is stored as it is, and comes back by restore" {
	stream dump.sql 'create table'
	run_bk 0 bk-restic backup mariadb:local --stdin local.sql <dump.sql
	assert_is "$(state backup-mariadb:local:local.sql .result)" ok
	run_bk 0 bk-restic --json snapshots mariadb:local
	assert_json "$out" '.[0].stream and .[0].paths == ["/local.sql"]'
	run_bk 0 bk-restic restore mariadb:local --target back
	cmp back/local.sql dump.sql
	run_bk 0 bk-restic forget mariadb:local
}

@test "a stream whose hash is not right leaves no snapshot" {
	stream dump.sql 'create table'
	sed -i s/create/crEate/ dump.sql
	run_bk 65 bk-restic backup mariadb:local --stdin local.sql <dump.sql
	assert_has "$err" damaged
	head -c 20 dump.sql >cut.sql
	run_bk 65 bk-restic backup mariadb:local --stdin local.sql <cut.sql
	# longer than what is kept of its end
	stream dump.sql "$(seq 100000)"
	sed -i 1s/1/2/ dump.sql
	run_bk 65 bk-restic backup mariadb:local --stdin local.sql <dump.sql
	sed -i 1s/2/1/ dump.sql
	run_bk 0 bk-restic backup mariadb:local --stdin local.sql <dump.sql
	assert_is "$(snapshots)" 1
	assert_is "$(find repo/locks -type f | wc -l)" 0
}

@test "backup of all sets leaves the dumps to bk-dbdump" {
	mk_marker src/a/.backup
	run_bk 0 bk-restic backup
	assert_hasnt "$out" mariadb
	run_bk 64 bk-restic backup mariadb:local
	assert_has "$err" "bk-dbdump backup"
	run_bk 64 bk-restic backup home mariadb:local
	# a plan that has nothing of it
	plan "root $T/src/a" >plan.json
	run_bk 66 bk-restic backup mariadb:local - <plan.json
	assert_has "$err" "no folder of it"
	run_bk 64 bk-restic restore --in-place --yes mariadb:local
	assert_has "$err" "bk-dbdump restore local"
}

@test "names: no such server, one without repo, a forgotten prefix" {
	run_bk 66 bk-restic snapshots mariadb:nix
	assert_has "$err" "there is no [mariadb nix]"
	run_bk 66 bk-restic snapshots mariadb:bare
	assert_has "$err" "has no repo"
	run_bk 66 bk-restic snapshots local
	assert_has "$err" "did you mean mariadb:local?"
	run_bk 66 bk-restic backup nix --stdin x </dev/null
	# where nothing but dumps is configured
	sed -i '/^\[backup home\]/,/^markers/d' "$BK_CONFIG"
	run_bk 0 bk-restic snapshots
	run_bk 0 bk-restic forget
}
