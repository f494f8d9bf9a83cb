#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# deps.sh KIND...: installs what is missing to build, check, demo, lint, fuzz,
# deb, rpm or repo, by apt-get or dnf. What is there is left alone: when nothing is
# missing this does nothing at all. Exit 69 if something is missing and cannot
# be installed.
set -u
PATH=$PATH:/usr/sbin:/sbin

# kinds	what must be there (a program, or a file)	Debian's	Fedora's
# (-: not there, and done without)
table='
build	gcc	gcc	gcc
build	make	make	make
build	pkg-config	pkgconf	pkgconf-pkg-config
build	/usr/include/stdio.h	libc6-dev	glibc-devel
build	/usr/include/ini.h	libinih-dev	inih-devel
build	/usr/include/jansson.h	libjansson-dev	jansson-devel
build	/usr/include/openssl/evp.h	libssl-dev	openssl-devel
build	/usr/include/argon2.h	libargon2-dev	libargon2-devel
build	/usr/include/*/curl/curl.h /usr/include/curl/curl.h	libcurl4-openssl-dev	libcurl-devel
build	/usr/include/libsecret-1/libsecret/secret.h	libsecret-1-dev	libsecret-devel
build	/usr/include/sqlite3.h	libsqlite3-dev	sqlite-devel
build	/usr/include/m*/mysql.h	libmariadb-dev	mariadb-connector-c-devel
check,demo	restic	restic	restic
check,demo	ssh	openssh-client	openssh-clients
check,demo	ssh-keygen	openssh-client	openssh
check,demo	jq	jq	jq
check,demo	unshare	util-linux	util-linux
check,demo	awk	mawk	gawk
check	bats	bats	bats
check	pkill	procps	procps-ng
check	sshd	openssh-server	openssh-server
check	python3	python3	python3
check	openssl	openssl	openssl
check	/etc/ssl/certs/ca-*.crt	ca-certificates	ca-certificates
check	strace	strace	strace
check	age	age	age
check	proftpd	proftpd-core	-
check	/usr/lib/proftpd/mod_sftp.so	proftpd-mod-crypto	-
check	dropbear	dropbear-bin	-
check	rclone	rclone	rclone
check	setfacl	acl	acl
check	setfattr	attr	attr
check	sqlite3	sqlite3	sqlite
check	mtree	mtree-netbsd	-
check	bsdtar	libarchive-tools	bsdtar
check	setpriv	util-linux	util-linux
check	secret-tool	libsecret-tools	libsecret
check	gnome-keyring-daemon	gnome-keyring	gnome-keyring
check	dbus-run-session	dbus-daemon	dbus-daemon
check	keyring	python3-keyring	python3-keyring
check	/usr/lib*/*/girepository-1.0/Secret-1.typelib /usr/lib64/girepository-1.0/Secret-1.typelib	gir1.2-secret-1	libsecret
check	/usr/lib*/python3*/*-packages/gi/__init__.py	python3-gi	python3-gobject-base
check	/usr/lib*/python3*/*-packages/Crypto*/Cipher	python3-pycryptodome	python3-pycryptodomex
check	/usr/lib*/python3*/*-packages/argon2	python3-argon2	python3-argon2-cffi
check	mmdebstrap	mmdebstrap	-
check	systemd-nspawn	systemd-container	systemd-container
check	mkfs.ext4	e2fsprogs	e2fsprogs
check	mkfs.xfs	xfsprogs	xfsprogs
check	mkfs.btrfs	btrfs-progs	btrfs-progs
check	mariadbd	mariadb-server-core	mariadb-server
check	mariadb	mariadb-client-core	mariadb
check	mariadb-dump	mariadb-client	mariadb
check,lint	mandoc	mandoc	mandoc
check,lint	shellcheck	shellcheck	ShellCheck
check,lint	systemd-analyze	systemd	systemd
lint	clang-format	clang-format	clang-tools-extra
lint	clang-tidy	clang-tidy	clang-tools-extra
lint	cppcheck	cppcheck	cppcheck
fuzz	clang	clang	clang
fuzz	/usr/lib*/*/lib/clang/*/lib/*/libclang_rt.fuzzer*	CLANG_RT	compiler-rt
deb	dpkg-buildpackage	dpkg-dev	dpkg-dev
deb	dh	debhelper	debhelper
deb	lintian	lintian	-
deb	*/pkgconfig/systemd.pc	SYSTEMD_PC	systemd
rpm	rpmbuild	rpm	rpm-build
rpm	rpmlint	rpmlint	rpmlint
repo	apt-ftparchive	apt-utils	-
repo	createrepo_c	createrepo-c	createrepo_c
repo	rpmsign	rpm	rpm-sign
repo	gpg	gpg	gnupg2
packages	dnf	dnf	dnf
packages	rpm2cpio	rpm2cpio	rpm
packages	cpio	cpio	cpio
'

there() {
	case $1 in
	*/pkgconfig/*)
		for f in /usr/share/pkgconfig /usr/lib/pkgconfig; do
			[ ! -e "$f/${1##*/}" ] || return 0
		done
		return 1
		;;
	/*)
		# shellcheck disable=SC2086
		for f in $1; do
			[ ! -e "$f" ] || return 0
		done
		return 1
		;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# The packages missing for the kinds given, one a line.
missing() {
	printf '%s' "$table" | while IFS='	' read -r kinds what deb rpm; do
		[ -n "$kinds" ] || continue
		for k in $wanted; do
			case ,$kinds, in
			*,$k,*)
				[ $tool != dnf ] || deb=$rpm
				[ "$deb" = - ] || there "$what" || echo "$deb"
				;;
			esac
		done
	done | sort -u
}

# Names that differ between releases of Debian.
resolve() {
	for p in $1; do
		case $p in
		CLANG_RT) apt-cache depends clang | sed -n \
			's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' ;;
		SYSTEMD_PC) if apt-cache show systemd-dev >/dev/null 2>&1; then
			echo systemd-dev
		else
			echo systemd
		fi ;;
		*) echo "$p" ;;
		esac
	done
}

retry() {
	"$@" && return
	sleep 3
	"$@" && return
	sleep 10
	"$@"
}

# Services of what is installed here are not started: tests start their own.
apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	retry apt-get update -qq || return 1
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		policy=
	else
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
	# shellcheck disable=SC2046
	retry apt-get install -y -qq --no-install-recommends \
		-o DPkg::Lock::Timeout=300 $(resolve "$1") </dev/null >&2 ||
		return 1
	case " $1 " in
	*openssh-server*)
		if command -v systemctl >/dev/null; then
			systemctl disable -q ssh.service ssh.socket 2>/dev/null
		fi
		;;
	esac
	[ -z "$policy" ] || rm -f "$policy"
}

wanted=$*
if command -v apt-get >/dev/null; then
	tool=apt-get
elif command -v dnf >/dev/null; then
	tool=dnf
else
	tool=none
fi
for k in $wanted; do
	case $k in
	build | check | demo | lint | fuzz | deb | rpm | repo | packages) ;;
	*)
		echo "usage: deps.sh build|check|demo|lint|fuzz|deb|rpm|repo|packages..." >&2
		exit 64
		;;
	esac
done

need=$(missing | tr '\n' ' ')
need=${need% }
[ -n "$need" ] || exit 0
if [ $tool = none ]; then
	echo "deps: neither apt-get nor dnf; missing: $need" >&2
	exit 69
fi
if [ "$(id -u)" != 0 ]; then
	[ $tool = dnf ] || need=$(resolve "$need" | tr '\n' ' ')
	echo "deps: missing: $need" >&2
	echo "deps: install as root: $tool install $need" >&2
	exit 69
fi
echo "deps: installing $need" >&2
if [ $tool = dnf ]; then
	# shellcheck disable=SC2086
	retry dnf -y -q --setopt=install_weak_deps=False install $need \
		</dev/null >&2
else
	apt_install "$need"
fi || {
	echo "deps: could not install: $need" >&2
	exit 69
}
need=$(missing | tr '\n' ' ')
[ -z "$need" ] || {
	echo "deps: still missing: $need" >&2
	exit 69
}
