#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bats file_tags=long
# The packages as files: built twice they are the same, the linters are silent,
# and both repositories install, unless somebody changed them.

load ../bats/helper
load packages

setup_file() {
	export BATS_TEST_TIMEOUT=1000 MISSING=$BATS_FILE_TMPDIR/missing
	why_not dpkg-buildpackage lintian apt-ftparchive gpg rpmbuild rpmlint \
		rpmsign createrepo_c dnf >"$MISSING"
	[ -s "$MISSING" ] || build_once
}

setup() {
	[ ! -s "$MISSING" ] || skip "$(head -n 1 "$MISSING")"
	bk_setup
}

sums() { (cd "$1" && find . -name '*.deb' -o -name '*.rpm' | sort | xargs sha256sum); }

@test "built again elsewhere, by another clock and mask: the same bytes" {
	umask 077
	build "$T/else/where" TZ=Asia/Tokyo LC_ALL=C.UTF-8 \
		DEB_BUILD_OPTIONS=nocheck
	diff -u <(sums "$P/b") <(sums "$T/else/where")
}

@test "lintian and rpmlint print nothing" {
	lintian --allow-root --pedantic "$P"/b/deb/*.deb >lint 2>&1
	assert_is "$(cat lint)" ''
	rpmlint -c "$top/rpm/rpmlint.toml" "$P"/b/rpm/*/*.rpm \
		"$top/rpm/bk.spec" >lint 2>&1
	assert_has lint '0 errors, 0 warnings'
}

# ours DIR: the programs, units, pages and completions in there, as names.
ours() {
	(cd "$1" && find . -name '*bk*' ! -type d | grep -v -e /doc/ -e /lintian/ -e /bk.conf |
		sed 's,.*/,,; s/\.gz$//; s/^_bk/bk/' | sort -u)
}

@test "both have all that make install installs" {
	mkdir deb rpm made
	for p in "$P"/b/deb/*.deb; do
		case $p in *dbgsym*) ;; *) dpkg-deb -x "$p" deb ;; esac
	done
	for p in "$P"/b/rpm/*/*.rpm; do
		rpm2cpio "$p" | (cd rpm && cpio -idm --quiet)
	done
	make -s -C "$top" -o all install B="$B" DESTDIR="$T/made" >/dev/null
	diff -u <(ours made) <(ours deb)
	diff -u <(ours made) <(ours rpm)
	assert_is "$(stat -c %a deb/etc/bk/bk.conf rpm/etc/bk/bk.conf |
		sort -u)" 640
	# no unit that somebody enables is forgotten by the scripts
	for u in made/lib/systemd/system/bk-*.timer; do
		case $u in *@*) continue ;; esac
		grep -qrF "${u##*/}" "$top/debian/rules" || fail "${u##*/}"
		grep -q "^%systemd_post.* ${u##*/}" "$top/rpm/bk.spec" ||
			fail "${u##*/}"
	done
}

@test "autopkgtest asks for what the tests need" {
	sed -n "/^table='/,/^'/p" "$top/tests/deps.sh" |
		awk -F'\t' '$1 == "check" || $1 == "check,demo" {
			if ($3 != "-") print " " $3 "," }' | sort -u >want
	grep -vx ' @,\| gcc,\| libc6-dev,\| make,' "$top/debian/tests/control" |
		grep '^ ' | diff -u want -
}

@test "a repository: what is in it stays, another of its version is refused" {
	cp -a "$P/repo" repo
	run_bk 0 put_into "$T/repo" "$P/b" https://packages.example.org/bk
	assert_has repo/bk.sources 'URIs: https://packages.example.org/bk/deb'
	assert_has repo/bk.repo baseurl=https://packages.example.org/bk/rpm
	diff -r "$P/repo/deb/pool" repo/deb/pool
	gpg --dearmor <repo/bk.asc >key
	gpgv --keyring "$T/key" repo/deb/dists/stable/InRelease 2>verdict ||
		fail "$(cat verdict)"
	mkdir -p b/deb
	cp "$P"/b/deb/bk-tools_*.deb b/deb
	echo >>b/deb/bk-tools_*.deb
	cp repo/deb/dists/stable/InRelease before
	run_bk 2 make -s -C "$top" repo-deb B="$T/b" REPO="$T/repo" \
		KEY=packages@example.org
	assert_has "$err" 'raise VERSION'
	cmp before repo/deb/dists/stable/InRelease
	# a key that is not there changes nothing either
	run_bk 2 make -s -C "$top" repo-deb B="$P/b" REPO="$T/repo" KEY=nobody
	cmp before repo/deb/dists/stable/InRelease
}

# A distribution without anything, and what the packages want of it.
a_distribution() {
	local want
	want=$(rpm -qpR "$P"/repo/rpm/*.rpm 2>/dev/null | grep -v '^rpmlib(\|^bk-\|^config(' |
		sort -u | sed 's/ >= 0.14$/ = 0.18/; s/^/Provides: /')
	cat >stub.spec <<-END
		Name: stub
		Version: 1
		Release: 1
		Summary: all that a distribution has
		License: GPL-3.0-or-later
		BuildArch: noarch
		$want
		%description
		Nothing.
		%files
	END
	rpmbuild --quiet --define "_topdir $T/top" --define "_rpmdir $T/stub" \
		-bb stub.spec >/dev/null 2>stub.log || fail "$(cat stub.log)"
	createrepo_c -q stub
}

# the_dnf COMMAND...: with the repositories alone, in a root of its own.
the_dnf() {
	mkdir -p root/var/log repos
	printf '[stub]\nname=stub\nbaseurl=file://%s/stub\ngpgcheck=0\n' "$T" \
		>repos/stub.repo
	cp "${REPO:-$P/repo}/bk.repo" repos
	dnf -y -q --installroot="$T/root" --releasever=9 \
		--setopt=reposdir="$T/repos" --setopt=cachedir="$T/cache" \
		--setopt=logdir=/var/log --setopt=tsflags=noscripts "$@"
}

@test "dnf installs from it, verifies, and removes" {
	a_distribution
	run_bk 0 the_dnf install bk-tools bk-dbdump
	[ -x root/usr/bin/bk-restic ]
	assert_is "$(stat -c %a root/var/lib/bk)" 700
	run_bk 0 rpm --root "$T/root" -V --nodeps bk-tools bk-dbdump
	assert_is "$(cat "$out")" ''
	echo '[host]' >>root/etc/bk/bk.conf
	run_bk 0 the_dnf remove bk-tools
	[ ! -e root/usr/bin/bk-restic ]
	assert_has root/etc/bk/bk.conf.rpmsave '[host]'
}

@test "dnf: the next version leaves bk.conf alone" {
	[ -n "${BK_LONG:-}" ] || skip "one more build: BK_LONG=1"
	a_distribution
	run_bk 0 the_dnf install bk-tools
	printf '[host]\nname = mine\n' >root/etc/bk/bk.conf
	cp -a "$P/repo" next
	# whose bk.conf is another one, which it never should be
	mkdir checkout
	tar -c -C "$top" --exclude=./.git --exclude='./build*' . |
		tar -x -C checkout
	echo '# next' >>checkout/lib/conf/bk.conf
	echo '# next' >>checkout/lib/systemd/bk-restic.service.in
	env -u MAKEFLAGS make -C checkout rpm B="$T/new" VERSION=99.0 \
		DEB_BUILD_OPTIONS=nocheck >log 2>&1 || fail "$(tail -n 20 log)"
	make -s -C "$top" repo-rpm B="$T/new" REPO="$T/next" \
		URL="file://$T/next" KEY=packages@example.org
	REPO=$T/next run_bk 0 the_dnf upgrade bk-tools
	assert_is "$(rpm --root "$T/root" -q --qf '%{VERSION}' bk-tools)" 99.0
	assert_is "$(cat root/etc/bk/bk.conf)" "$(printf '[host]\nname = mine')"
	assert_has root/etc/bk/bk.conf.rpmnew '# next'
	assert_has root/usr/lib/systemd/system/bk-restic.service '# next'
	REPO=$T/next run_bk 0 the_dnf downgrade bk-tools
	assert_is "$(cat root/etc/bk/bk.conf)" "$(printf '[host]\nname = mine')"
}

@test "dnf does not take what somebody changed" {
	a_distribution
	cp -a "$P/repo" changed
	sed -i "s,$P/repo,$T/changed," changed/bk.repo
	sed -i 's/bk-tools/bk-fools/' changed/rpm/repodata/repomd.xml
	printf '\n' >>changed/rpm/repodata/repomd.xml
	REPO=$T/changed run_bk 1 the_dnf install bk-tools
	[ ! -e root/usr/bin/bk-restic ]
}
