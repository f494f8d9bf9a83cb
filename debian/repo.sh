#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# repo.sh DIR URL KEY PACKAGE.deb...: adds packages to the apt repository in
# DIR/deb, and makes its index anew; DIR/bk.sources is for /etc/apt/sources.list.d
# of the hosts, which find DIR under URL. KEY, of gpg, signs it; '' does not.
#
# For those who ask meanwhile it is whole: what they read first is replaced
# last, and what that names is never overwritten.
set -eu
umask 022
export LC_ALL=C

dir=$1 url=$2 key=$3
shift 3
pool=pool/main/b/bk dist=dists/stable
mkdir -p "$dir/deb/$pool"
for p; do
	to=$dir/deb/$pool/${p##*/}
	case $p in *-dbgsym_*) continue ;; esac
	if cmp -s "$p" "$to"; then
		continue
	elif [ -e "$to" ]; then
		echo "$to: another package of this version is there;" \
			"raise VERSION" >&2
		exit 1
	fi
	cp "$p" "$to.new"
	mv "$to.new" "$to"
done

dir=$(realpath "$dir")
rm -rf "$dir/new"
trap 'rm -rf "$dir/new"' EXIT
mkdir "$dir/new"
cd "$dir/deb"
archs=$(find $pool -name '*.deb' | sed -n 's/.*_\(.*\)\.deb$/\1/p' | sort -u | tr '\n' ' ')
for a in $archs; do
	index=main/binary-$a
	mkdir -p "../new/$index" "$dist/$index/by-hash/SHA256"
	apt-ftparchive --arch "$a" packages $pool >"../new/$index/Packages"
	gzip -9nk "../new/$index/Packages"
	for f in "../new/$index"/*; do
		sum=$(sha256sum <"$f")
		cp "$f" "$dist/$index/by-hash/SHA256/${sum%% *}"
	done
done
cd ../new
apt-ftparchive -o APT::FTPArchive::Release::Origin=bk \
	-o APT::FTPArchive::Release::Label=bk \
	-o APT::FTPArchive::Release::Suite=stable \
	-o APT::FTPArchive::Release::Codename=stable \
	-o APT::FTPArchive::Release::Components=main \
	-o APT::FTPArchive::Release::Architectures="${archs% }" \
	-o APT::FTPArchive::Release::Acquire-By-Hash=yes \
	release . >../Release
mv ../Release .
sources="Types: deb
URIs: $url/deb
Suites: stable
Components: main"
if [ -n "$key" ]; then
	gpg --batch --yes --local-user "$key" --armor --detach-sign \
		-o Release.gpg Release
	gpg --batch --yes --local-user "$key" --clearsign -o InRelease Release
	gpg --batch --armor --export "$key" >bk.asc
	mv bk.asc ..
	sources="$sources
Signed-By: /etc/apt/keyrings/bk.asc"
else
	sources="$sources
Trusted: yes"
fi
cd ..
for a in $archs; do
	mv "new/main/binary-$a"/* "deb/$dist/main/binary-$a"
done
for f in Release Release.gpg InRelease; do
	if [ -e "new/$f" ]; then
		mv "new/$f" "deb/$dist/$f"
	else
		rm -f "deb/$dist/$f"
	fi
done
printf '%s\n' "$sources" >bk.sources.new
mv bk.sources.new bk.sources
echo "$dir/bk.sources"
