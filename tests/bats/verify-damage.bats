#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# bk-verify: damages by chance, of every kind of file. All of them are found in
# one cycle, and nothing is reported that is whole. Of dumps, too, where there is
# a MariaDB.
#   DAMAGES=25   how many; make damage: 200
#   SEED=1       of the chance

BATS_TEST_TIMEOUT=2400

load helper
load restic
load mariadb
load verify

setup_file() {
	restic_setup_file
	! command -v mariadbd >/dev/null || mdb_setup_file
	export SRC1=$BATS_FILE_TMPDIR/src REPO1=$BATS_FILE_TMPDIR/repo1 n
	mkdir "$SRC1"
	cp -r "${REPO0:?}" "$REPO1"
	for n in 1 2 3 4 5 6 7; do
		head -c 100000 /dev/urandom >"$SRC1/big$n"
		RESTIC_PASSWORD=open-sesame restic -q -r "$REPO1" backup \
			--host testhost --tag bk,home "$SRC1"
	done
	chmod -R u+w "$REPO1"
}

teardown_file() { mdb_teardown_file; }

setup() {
	verify_setup repo packs cold dump
	mkdir -p box cold
	for n in $(seq 12); do head -c $((n * 100)) /dev/urandom >"cold/c$n"; done
	cat >>"$BK_CONFIG" <<-END
		[box a]
		url = dir:$T/box
		[cold]
		boxes = a
		[cold photos]
		path = $T/cold
		copies = 1
		min-age = 0
	END
	kinds=(data data data index snapshots keys extra box box box_extra list)
	[ -z "${SOCK:-}" ] || make_dumps
	echo another | bk-restic key add --host testhost main >/dev/null
	run_bk 0 bk-cold init a
	run_bk 0 bk-cold push
	run_bk 0 bk-verify run --all
	[ ! -e dumps ] || cp -a dumps dumps.good
	cp -a repo repo.good
	cp -a box box.good
	cp -a state state.good
}

# A folder and a stream of the same databases, and a repository that has the
# folder.
make_dumps() {
	cp -r "$REPO0" dumps
	cat >>"$BK_CONFIG" <<-END
		[repo dumps]
		url = $T/dumps
		password = file:$T/pw
		retries = 0
		[mariadb main]
		socket = $SOCK
		repo = dumps
	END
	sql "CREATE DATABASE shop; USE shop; CREATE TABLE shop.item (id INT PRIMARY KEY, t TEXT);
		INSERT INTO shop.item SELECT seq, SHA1(seq) FROM seq_1_to_500;
		CREATE VIEW shop.odd AS SELECT * FROM shop.item WHERE id % 2;
		CREATE DATABASE blog; CREATE TABLE blog.post (id INT PRIMARY KEY);
		INSERT INTO blog.post VALUES (1), (2)"
	run_bk 0 bk-dbdump backup
	run_bk 0 bk-dbdump dump -o dump.folder main
	run_bk 0 bk-dbdump dump main
	cp "$out" dump.stream
	kinds+=(dump dump)
}

# A dump that was damaged before it was stored, or where it was put together
# again: restic finds nothing wrong.
of_dump() {
	local all f
	rm -rf hurt main.sql
	if [ $((RANDOM % 3)) = 0 ]; then
		cp dump.stream main.sql
		if [ $((RANDOM % 2)) = 0 ]; then
			flip main.sql
		else
			truncate -s $((RANDOM % $(stat -c %s main.sql))) main.sql
		fi
		RESTIC_PASSWORD=open-sesame restic -q -r dumps backup \
			--host testhost --tag bk,mariadb:main --stdin \
			--stdin-filename shop.sql <main.sql
	else
		cp -r dump.folder hurt
		mapfile -t all < <(find hurt -type f | sort)
		f=${all[RANDOM % ${#all[@]}]}
		case $((RANDOM % 4)) in
		0) flip "$f" ;;
		1) truncate -s $((RANDOM % $(stat -c %s "$f"))) "$f" ;;
		2) rm "$f" ;;
		3) echo x >"$f.stray" ;;
		esac
		RESTIC_PASSWORD=open-sesame restic -q -r dumps backup \
			--host testhost --tag bk,mariadb:main "$T/hurt"
	fi
	echo whole >>want.dump
}

# pick FILE...: one of them that was not damaged yet, in $picked.
pick() {
	local all=("$@")
	while [ ${#all[@]} -gt 0 ]; do
		n=$((RANDOM % ${#all[@]}))
		picked=${all[n]}
		[[ " $done " = *" $picked "* ]] || break
		unset "all[n]"
		all=("${all[@]}")
		picked=
	done
	[ -n "$picked" ]
	done+=" $picked"
}

# hurt FILE NAME KIND: flips, cuts or removes it. What is expected to be told
# of it goes to want.SUBJECT.
hurt() {
	local file=$1 name=$2 kind=$3 id=${1##*/}
	case $((RANDOM % 3)) in
	0) flip "$file" ;;
	1) truncate -s $((RANDOM % $(stat -c %s "$file"))) "$file" ;;
	2)
		rm "$file"
		case $kind in
		snapshots) echo "gone snapshot $id" >>want.packs ;;
		# restic lists a part of it
		keys) echo "gone key ${id:0:8}" >>want.packs ;;
		cold) echo "proof $name" >>want.cold ;;
		*) echo "missing $name" >>want.packs ;;
		esac
		return
		;;
	esac
	case $kind in
	cold) echo "proof $name" >>want.cold ;;
	*) echo "damaged $name" >>want.packs ;;
	esac
}

# of_repo KIND: one of its files; of keys one of this host's, for it knows no
# others.
of_repo() {
	local all
	mapfile -t all < <(find "repo/$1" -type f ! -name 'stray*' | sort)
	[ "$1" != keys ] || mapfile -t all < <(progress packs:main \
		'.own.keys | keys[] | "repo/keys/\(.)"' | sort |
		while read -r f; do echo "$f"*; done)
	pick "${all[@]}"
	hurt "$picked" "${picked#repo/}" "$1"
}

of_box() {
	local all
	mapfile -t all < <(find box/testhost/DATA -type f ! -name 'stray*' | sort)
	pick "${all[@]}"
	hurt "$picked" "${picked#box/}" cold
}

too_many() {
	local dir=(data/zz data keys index snapshots)
	local where=${dir[RANDOM % 5]} name=stray$RANDOM
	mkdir -p "repo/$where"
	echo x >"repo/$where/$name"
	echo "extra $where/$name" >>want.packs
}

too_many_cold() {
	local name=testhost/DATA$T/cold/stray$RANDOM
	echo x >"box/$name"
	echo "extra $name" >>want.cold
}

# A list of checksums on the box.
of_list() {
	local all
	mapfile -t all < <(find box/testhost -maxdepth 1 -type f -name '*.1' | sort)
	[ ${#all[@]} -gt 0 ] || mapfile -t all < <(find box/testhost -maxdepth 1 -type f | sort)
	pick "${all[@]}"
	flip "$picked"
	echo "manifest ${picked#box/}" >>want.cold
}

# fresh: all is whole, and was proved.
fresh() {
	rm -rf repo dumps box state
	[ ! -e dumps.good ] || cp -a dumps.good dumps
	cp -a repo.good repo
	cp -a box.good box
	cp -a state.good state
	done=
	: >want.packs
	: >want.cold
	: >want.dump
}

# A round: damages by chance, at most $1, and what is told of them.
round() {
	local left=$1 kind keys=0 lists=0 dumps=0 subjects
	fresh
	while [ "$left" -gt 0 ]; do
		kind=${kinds[RANDOM % ${#kinds[@]}]}
		case $kind in
		keys)
			[ $((keys++)) = 0 ] || continue
			of_repo keys
			;;
		list)
			[ $((lists++)) = 0 ] || continue
			of_list
			;;
		# the newest one is proved
		dump)
			[ $((dumps++)) = 0 ] || continue
			of_dump
			;;
		extra) too_many ;;
		box) of_box ;;
		box_extra) too_many_cold ;;
		*) of_repo "$kind" ;;
		esac
		left=$((left - 1))
	done
	# loading one that is whole takes long: that is done at the end
	subjects=(packs cold)
	[ $dumps = 0 ] || subjects+=(dump)
	run_bk 1 bk-verify run --all "${subjects[@]}"
	for kind in packs:main cold:a dump:main; do
		[ -s "want.${kind%%:*}" ] || [ "$kind" != dump:main ] || continue
		sort -u "want.${kind%%:*}" >want
		failures "$kind" >got
		made=$((made + $(wc -l <want)))
		found=$((found + $(comm -12 want got | wc -l)))
		false=$((false + $(comm -13 want got | wc -l)))
		diff want got >>differences || echo "seed $SEED, round $rounds" >>differences
	done
}

@test "each damage is found, and none that was not made" {
	SEED=${SEED:-1} wanted=${DAMAGES:-25} made=0 found=0 false=0 rounds=0
	RANDOM=$SEED
	: >differences
	# The config alone, for nothing else is found without it.
	fresh
	flip repo/config
	run_bk 1 bk-verify run repo
	[ "$(failures repo:main | wc -l)" = 1 ]
	made=1 found=1
	while [ $made -lt "$wanted" ]; do
		round $((wanted - made < 9 ? wanted - made : 9))
		rounds=$((rounds + 1))
	done
	echo "# $made damages, $found found, $false false, $rounds rounds, seed $SEED," \
		"$([ -n "${SOCK:-}" ] && echo with || echo without) dumps" >&3
	[ $found = $made ] && [ $false = 0 ] || fail "$(cat differences)"
	# What is whole is told to be.
	fresh
	run_bk 0 bk-verify run --all
}
