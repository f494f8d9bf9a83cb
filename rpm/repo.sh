#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# repo.sh DIR URL KEY PACKAGE.rpm...: adds packages to the dnf repository in
# DIR/rpm, and makes its index anew; DIR/bk.repo is for /etc/yum.repos.d of the
# hosts, which find DIR under URL. KEY, of gpg, signs all; '' does not.
set -eu
umask 022
export LC_ALL=C

dir=$1 url=$2 key=$3
shift 3
mkdir -p "$dir/rpm"
for p; do
	to=$dir/rpm/${p##*/}
	[ ! -e "$to" ] || continue
	cp "$p" "$dir/new.rpm"
	if [ -n "$key" ] && ! rpmsign --define "_gpg_name $key" \
		--define "__gpg $(command -v gpg)" --addsign "$dir/new.rpm" \
		>"$dir/sign.log" 2>&1; then
		cat "$dir/sign.log" >&2
		rm -f "$dir/sign.log" "$dir/new.rpm"
		exit 1
	fi
	rm -f "$dir/sign.log"
	mv "$dir/new.rpm" "$to"
done
createrepo_c -q "$dir/rpm"
conf="[bk]
name=bk
baseurl=$url/rpm
enabled=1"
if [ -n "$key" ]; then
	gpg --batch --yes --local-user "$key" --armor --detach-sign \
		"$dir/rpm/repodata/repomd.xml"
	gpg --batch --armor --export "$key" >"$dir/bk.asc"
	conf="$conf
gpgcheck=1
repo_gpgcheck=1
gpgkey=$url/bk.asc"
else
	conf="$conf
gpgcheck=0"
fi
printf '%s\n' "$conf" >"$dir/bk.repo"
echo "$dir/bk.repo"
