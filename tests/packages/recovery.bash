# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The worst day: a host with files, databases and cold storage is destroyed, and
# comes back on an empty machine, with its sheet of paper and the packages.

recovery_begins() {
	export BATS_TEST_TIMEOUT=400 MISSING=$T/missing
	why_not dpkg-buildpackage apt-ftparchive gpg rpmbuild rpmsign createrepo_c \
		mmdebstrap systemd-nspawn sshd setfacl setfattr >"$MISSING"
	[ ! -s "$MISSING" ] || return 0
	empty_machine bk-tools bk-dbdump mariadb-server
	[ ! -s "$MISSING" ] || return 0
	mv "$root" "$T/empty"
}

recovery_ends() {
	local box
	for box in fsn hel; do
		[ ! -e "$T/ssh/$box" ] || "$rig/box.sh" down "$T/ssh" $box
	done
	"$rig/boot.sh" kill "$T/run"
}

# A machine with the packages, and the boxes that it can reach.
power_on() {
	local box n=1
	cp -a empty "$root"
	echo web1 >"$root/etc/hostname"
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
	"$rig/boot.sh" up "$root" "$T/run"
	mkdir -p "$T/ssh"
	for box in fsn hel; do
		# the same ones, at the same ports
		read -ra ports <"ports.$box" || ports=()
		BOX_USER=u10000$n BOX_UID=2000$n \
			nsenter -t "$(cat "$T/run/leader")" -n \
			"$rig/box.sh" up "$T/ssh" $box "${ports[@]}" \
			>"ports.$box.new" 3>&-
		mv "ports.$box.new" "ports.$box"
		n=$((n + 1))
	done
	host sh -c 'until mariadb -e "select 1" >/dev/null 2>&1; do sleep 0.2; done'
}

# let_in FILE...: these public keys may log in to both boxes.
let_in() {
	local box
	for box in fsn hel; do
		cat "$@" >>"/proc/$(cat "ssh/$box/sftp.pid")/root/run/box/authorized_keys"
	done
}

print_of() { ssh-keygen -l -f "ssh/$1/hostkey.pub" | cut -d' ' -f2; }

# All that is to come back, as text.
everything() {
	(cd "$root" && find home srv/photos \
		-printf '%p|%y|%m|%U:%G|%s|%T@|%n|%l\0' | sort -z | tr '\0' '\n'
	find home srv/photos -type f -print0 | sort -z | xargs -0 sha256sum
	getfacl -R -n home
	getfattr -R -d -m . home)
	host mariadb-dump --skip-dump-date --databases blog shop
	host mariadb -e 'show grants for app@localhost'
}

make_things() {
	local docs=$root/home/ann/docs
	mkdir -p "$docs/deep" "$root/srv/photos/2024"
	mk_hostile "$docs/names"
	echo dear >"$docs/letter"
	ln "$docs/letter" "$docs/deep/hard"
	ln -s ../letter "$docs/deep/soft"
	truncate -s 50M "$docs/sparse"
	echo end >>"$docs/sparse"
	chown -R -h 1000:1000 "$root/home/ann"
	chmod 2770 "$docs/deep"
	chmod 4711 "$docs/letter"
	setfacl -m u:1001:rw "$docs/names"
	setfattr -n user.note -v hello "$docs/letter"
	head -c 300000 /dev/urandom >"$root/srv/photos/2024/1.jpg"
	: >"$root/srv/photos/empty"
	echo two >"$root/srv/photos/2024/"$'two\nlines'
	find "$root/srv/photos" "$root/home" -exec \
		touch -h -d '2020-01-01 12:00:00.123456789' {} +
	host mariadb <<-'END'
		create database shop;
		create database blog;
		create table shop.item (id int primary key, price float,
			name varchar(99) character set utf8mb4, bits blob);
		insert into shop.item select seq, seq / 7,
			concat('größe ', seq), unhex(md5(seq))
			from shop.seq_1_to_2000;
		create view shop.cheap as
			select * from shop.item where price < 10;
		create table blog.post (id int auto_increment primary key,
			body text);
		insert into blog.post (body) values ('one'), ('two');
		create user app@localhost identified by 'secret';
		grant select on shop.* to app@localhost;
	END
}

set_up() {
	local ports
	read -r _ ports <ports.fsn
	set -- bk-config init --yes --root /home --root /srv --mark /home/ann \
		--path /etc --repo-url "sftp://u100001@127.0.0.1:$ports/restic/%H" \
		--master-to /root/master --host-key "$(print_of fsn)" \
		--host-key "$(print_of hel)" --no-backup
	read -r _ ports <ports.hel
	set -- "$@" --box "sftp://u100002@127.0.0.1:$ports/cold"
	run_bk 77 host "$@"
	let_in "$root"/etc/bk/ssh/*.pub
	mkdir ssh/{fsn,hel}/data/cold
	chown 20001 ssh/fsn/data/cold
	chown 20002 ssh/hel/data/cold
	printf '%s\n' '[mariadb local]' 'repo = main' \
		'[box fsn]' 'url = sftp://box/cold' \
		'[cold]' 'redundant = fsn box' >"$root/etc/bk/conf.d/more.conf"
	run_bk 0 host "$@"
	run_bk 0 host sh -ec 'bk-cold init fsn && bk-cold init box
		bk-scan mark coldstorage_redundant /srv/photos
		bk-cold push && bk-dbdump backup && bk-restic backup'
}

day_backed_up() {
	power_on
	make_things
	set_up
	host bk-secret kit >sheet 2>/dev/null
	everything >want
	tail -n 1 "$root/root/master" >master
}

day_fire() {
	cp "$root"/etc/bk/ssh/*.pub .
	for box in fsn hel; do "$rig/box.sh" down "$T/ssh" $box; done
	"$rig/boot.sh" kill "$T/run"
	rm -rf "$root"
}

# step COMMAND: one of the sheet's.
step() {
	grep -qF "    $1" sheet || fail "not on the sheet: $1" "$(cat sheet)"
	run_bk 0 host sh -ec "$1"
}

day_back() {
	local start=$SECONDS restore
	power_on
	# as the boxes' owner, by their web page; what was let in there still is
	host sh -c 'mkdir -m 700 -p /root/.ssh
		ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519'
	let_in ./*.pub "$root/root/.ssh/id_ed25519.pub"
	sed -n '/known_hosts:/{n;s/^ *//p}' sheet >"$root/root/.ssh/known_hosts"
	restore=$(sed -n 's/^ *\(restic .* --include .*\)/\1/p' sheet)
	run_bk 0 host sh -ec "$restore" < <(sed -n 's/^Password *//p' sheet)
	run_bk 0 host bk-secret enroll <master
	step 'bk-secret check'
	step 'bk-restic snapshots --host web1'
	step 'bk-restic restore files --host web1 --target /mnt/back'
	run_bk 0 host cp -a /mnt/back/home /
	step 'bk-dbdump restore --globals local'
	step 'bk-cold rebuild fsn'
	step 'bk-cold rebuild box'
	step 'bk-cold list'
	run_bk 0 host bk-cold get --in-place /srv/photos
	everything >got
	diff -u want got
	echo "# back after $((SECONDS - start)) s" >&3
}

day_after() {
	run_bk 0 host systemctl enable --now bk-restic.timer bk-forget.timer \
		bk-dbdump.timer bk-cold.timer bk-verify.timer
	run_bk 0 host sh -ec 'bk-restic backup && bk-dbdump backup
		bk-cold push && bk-verify run'
	run_bk 3 host bk-config check
	assert_hasnt "$out" 'error	'
	run_bk 0 host bk-restic snapshots files
	assert_is "$(wc -l <"$out")" 2
}
