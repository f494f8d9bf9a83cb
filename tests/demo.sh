#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo: the main job, for real, on folders made for it. Shows each
# command before its output. Everything is below one folder in /var/tmp, which
# is removed at the end.
set -euo pipefail

BK_BIN=$(realpath "${BK_BIN:-${B:-build}}")
rig=$(realpath "$(dirname "$0")/rigs/mdb.sh")
top=$(mktemp -d /var/tmp/bk-demo.XXXXXX)
# shellcheck disable=SC2317
finish() {
	local b
	for b in fsn hel; do
		! mountpoint -q "$top/box-$b" || umount -l "$top/box-$b"
	done
	[ ! -e "$top/mariadb/pid" ] || "$rig" kill "$top/mariadb" || :
	rm -rf "$top"
}
trap finish EXIT
export PATH=$BK_BIN:$PATH:/usr/sbin LC_ALL=C.UTF-8
export BK_CONFIG=$top/bk.conf BK_STATE_DIR=$top/state BK_CACHE_DIR=$top/cache \
	BK_RUN_DIR=$top/run CREDENTIALS_DIRECTORY=$top/credentials
unset "${!RESTIC_@}"
cd "$top"

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() {
	printf '\033[32m$ %s\033[0m\n' "$*"
	"$@"
}

say 'A home with a project, photos, a cache, and a database dump.'
mkdir -p home/ann/{project/{src,build/keep},photos/2026,.cache} home/bob srv/dump
echo 'int main(void) { return 0; }' >home/ann/project/src/main.c
head -c 300000 /dev/urandom >home/ann/project/build/program
echo 'worth keeping' >home/ann/project/build/keep/notes
head -c 200000 /dev/urandom >home/ann/project/build/keep/scratch.tmp
for n in 1 2 3; do head -c 700000 /dev/urandom >home/ann/photos/2026/$n.jpg; done
head -c 500000 /dev/urandom >home/ann/.cache/thumbnails
head -c 900000 /dev/urandom >home/bob/video.mkv
echo 'create table t (i int);' >srv/dump/shop.sql
printf 'a name with\na newline' >home/ann/project/src/$'odd\nname'

say 'The configuration: what is scanned, where it goes, how long it is kept.'
cat >bk.conf <<END
[keyring]
path   = $top/keyring
unlock = credential:bk.keyring
[scan]
root = $top/home
[repo main]
url      = $top/repository
password = keyring:restic/main
keep     = hourly 48, daily 14, weekly 8
[backup home]
repo    = main
markers = yes
path    = $top/srv/dump
exclude = *.tmp
END
run cat bk.conf

say 'The keyring. What opens it is a credential, here made by hand; on a host' \
	'it comes from systemd, by bk-secret enroll.'
mkdir -m 700 credentials
(umask 077 && head -c 24 /dev/urandom | base64 >credentials/bk.keyring)
say 'The password of the repository: nobody ever has to see it.'
run bk-secret set --generate keyring:restic/main
run bk-secret list
run bk-secret check
run head -n 6 keyring

say 'Folders are chosen by markers. A marker deeper down decides anew.'
run bk-scan mark backup home/ann
run bk-scan mark nobackup home/ann/.cache home/ann/project/build
run bk-scan mark backup home/ann/project/build/keep
run bk-scan mark coldstorage home/ann/photos

say 'What is backed up, and why.'
run bk-scan show
run bk-scan why home/ann/project/build/keep/scratch.tmp || :
say 'And what is not.'
run bk-scan uncovered

say 'The backup.'
run bk-restic init
run bk-restic backup
say 'Once more, with a change, and by a pipe.'
echo '/* changed */' >>home/ann/project/src/main.c
printf '\033[32m$ %s\033[0m\n' 'bk-scan --json list restic | bk-restic backup home -'
bk-scan --json list restic | bk-restic backup home -
run bk-restic snapshots

say 'The worst day: the folder is gone. It comes back into a new folder.'
cp -a home lost
rm -rf home/ann
run bk-restic restore home --target back

say 'Everything that was to be kept is there, to the byte; nothing else is.'
mkdir want
(cd lost && find ann -type f ! -name '*.tmp' ! -path 'ann/.cache/*' \
	\( ! -path 'ann/project/build/*' -o -path 'ann/project/build/keep/*' \) \
	-print0 | sort -z | xargs -0 sha256sum -z | tr '\0' '\n') >want/sums
(cd "back$top/home" && find ann -type f -print0 | sort -z |
	xargs -0 sha256sum -z | tr '\0' '\n') >want/restored
cmp want/sums want/restored
cmp srv/dump/shop.sql "back$top/srv/dump/shop.sql"
echo "$(grep -ac ' ann/' want/restored) files compared, all equal"

say 'The next backup does not pretend that nothing happened.'
run bk-restic backup || echo "(exit status $?)"
run bk-status -q || echo "(exit status $?)"
run bk-restic forget || echo "(exit status $?: the old snapshots are safe)"
say 'Put back, all is well again.'
rm -rf home && cp -a "back$top/home" home
run bk-restic backup
run bk-restic forget
# Two disks of their own: two copies in one place would be refused.
mkdir box-fsn box-hel
if mount -t tmpfs -o mode=700,size=100m tmpfs box-fsn 2>/dev/null &&
	mount -t tmpfs -o mode=700,size=100m tmpfs box-hel; then
	say 'Cold storage: photos go to two boxes in two places, here two disks.'
	cat >>bk.conf <<-END
		[box fsn]
		url = dir:$top/box-fsn
		[box hel]
		url = dir:$top/box-hel
		[cold]
		boxes     = fsn
		redundant = fsn hel
	END
	tail -n 7 bk.conf
	run bk-scan unmark coldstorage home/ann/photos
	run bk-scan mark coldstorage_redundant home/ann/photos
	run bk-cold init fsn
	run bk-cold init hel
	run bk-cold push
	run bk-cold list
	run bk-cold status
	say 'Anybody can verify it without bk, and get it back with cp.'
	printf '\033[32m$ %s\033[0m\n' 'cd box-hel; sha256sum --quiet -c */SHA256SUMS.*'
	(cd box-hel && sha256sum --quiet -c ./*/SHA256SUMS.*) && echo 'all is well'
	say 'A photo is lost here and damaged on one box: the other one has it.'
	mv home/ann/photos/2026/2.jpg want/
	object=$(find box-fsn -name 2.jpg)
	printf X | dd of="$object" bs=1 seek=1000 conv=notrunc status=none
	run bk-cold get --in-place --yes "$top/home/ann/photos/2026/2.jpg"
	cmp want/2.jpg home/ann/photos/2026/2.jpg
	run bk-cold check || echo "(exit status $?: the damage is found)"
	run bk-cold push
	say 'The bad copy stays beside the new one, until somebody removes it.'
	rm "$object"
	run bk-cold check
else
	say 'No file systems can be mounted here: cold storage is left out.'
fi
# A private server, where its program is installed: nobody else sees it.
if command -v mariadbd mariadb-install-db mariadb >/dev/null &&
	[ -x "$BK_BIN/bk-dbdump" ] &&
	socket=$("$rig" up "$top/mariadb" 2>"$top/mariadb.log"); then
	sql() {
		printf '\033[32msql> %s\033[0m\n' "$1"
		mariadb --no-defaults -S "$socket" -t -e "$1"
	}
	say 'A MariaDB server, with a shop in it.'
	sql "CREATE DATABASE shop"
	sql "USE shop; CREATE TABLE item (id INT PRIMARY KEY, name TEXT, price FLOAT)"
	sql "USE shop; INSERT INTO item SELECT seq, CONCAT('item ', seq), seq * 1.1 FROM seq_1_to_5000"
	sql "CREATE VIEW shop.dear AS SELECT * FROM shop.item WHERE price > 5000"
	cat >>bk.conf <<-END
		[mariadb local]
		socket = $socket
		repo   = main
	END
	tail -n 3 bk.conf
	run bk-dbdump list local
	say 'All of it, as of one moment, into the repository.'
	run bk-dbdump backup
	say 'Somebody deletes what she should not.'
	sql 'DELETE FROM shop.item WHERE id > 10'
	say 'What is there is not touched: the dump goes beside it, to be looked at.'
	run bk-dbdump restore --db shop --into shop_before
	sql 'SELECT COUNT(*) FROM shop_before.dear'
	say 'And back in its place.'
	run bk-dbdump restore --db shop --table item --overwrite --yes
	sql 'CHECKSUM TABLE shop.item, shop_before.item'
	run bk-restic snapshots mariadb:local
else
	say 'No MariaDB server is installed here: its part is left out.'
fi

say 'Is every byte of it whole, and does it come back? All ways to know.'
printf '[verify]\n' >>bk.conf
run bk-verify run
say 'Am I safe? The first line says so; monitors are told the same.'
run bk-status
run bk-verify status
printf '\n\033[1mDone: %s\033[0m\n' 'chosen, backed up, lost, restored, compared.'
