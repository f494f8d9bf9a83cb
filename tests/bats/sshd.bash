# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Servers of SFTP that are not OpenSSH, on 127.0.0.1. In $T/r: ssh_config, with
# the host of each, known_hosts, client's and host's key. load helper before.

# sshd_keys: before any of them.
sshd_keys() {
	mkdir -p r
	ssh-keygen -q -t ed25519 -N '' -C client -f r/client
	ssh-keygen -q -t ed25519 -N '' -C host -f r/hostkey
}

# sshd_host NAME PORT USER
sshd_host() {
	wait_for 30 bash -c ": <>/dev/tcp/127.0.0.1/$2" 2>/dev/null
	echo "$1 $(cut -d' ' -f1,2 r/hostkey.pub)" >>r/known_hosts
	cat >>r/ssh_config <<-END
		Host $1
			HostName 127.0.0.1
			Port $2
			User $3
			HostKeyAlias $1
			IdentityFile $T/r/client
			IdentitiesOnly yes
			IdentityAgent none
			UserKnownHostsFile $T/r/known_hosts
			GlobalKnownHostsFile /dev/null
			ConnectTimeout 5
	END
}

# sshd_dropbear: host drop, with a shell, for root, whose home is $T/r/drop in
# a mount namespace of its own.
sshd_dropbear() {
	local port=$((20000 + RANDOM % 12000)) home
	home=$(getent passwd root | cut -d: -f6)
	dropbearconvert openssh dropbear r/hostkey r/drop.key 2>/dev/null
	mkdir -p r/drop/.ssh
	chmod 700 r/drop r/drop/.ssh
	cp r/client.pub r/drop/.ssh/authorized_keys
	unshare -m sh -c "mount --bind $T/r/drop $home &&
		exec dropbear -F -E -r $T/r/drop.key -p 127.0.0.1:$port" \
		>r/drop.log 2>&1 3>&- 4>&- &
	echo $! >r/drop.pid
	sshd_host drop "$port" root
}

# sshd_rclone OPTION...: host clone, of $T/r/clone, without a shell.
sshd_rclone() {
	local port=$((20000 + RANDOM % 12000))
	mkdir -p r/clone
	RCLONE_CONFIG=/dev/null rclone serve sftp "$@" "$T/r/clone" \
		--addr "127.0.0.1:$port" --user bk --key r/hostkey \
		--authorized-keys r/client.pub >r/clone.log 2>&1 3>&- 4>&- &
	echo $! >r/clone.pid
	sshd_host clone "$port" bk
}

# sshd_down: all of them.
sshd_down() {
	local f
	for f in r/*.pid; do
		[ ! -s "$f" ] || kill -9 "$(cat "$f")" 2>/dev/null || :
	done
}
