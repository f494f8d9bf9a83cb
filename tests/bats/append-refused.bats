#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bk-config append-only with servers that are no good for it: nothing changes
# on this host, and its key still gets in.

load helper
load config
load append

teardown() { append_teardown; }

as_before() {
	cmp etc/bk/bk.conf conf.old
	assert_has "$keys" "$(cut -d' ' -f2 etc/bk/ssh/box.pub)"
	run_bk 0 there bk-restic snapshots
}

@test "a server without rclone, and one that removes all the same" {
	append_setup
	cp etc/bk/bk.conf conf.old
	printf '#!/bin/sh\necho "Command not found." >&2; exit 8\n' \
		>b/one/bin/rclone
	chmod 755 b/one/bin/rclone
	append_only 69 --full-key-to carry
	assert_has "$out" 'this server does not offer it'
	assert_has "$out" 'Command not found.'
	as_before
	# it takes the option, and thinks nothing of it
	cat >b/one/bin/rclone <<-'END'
		#!/bin/bash
		exec /usr/bin/rclone "${@/--append-only/--verbose}"
	END
	append_only 69 --full-key-to carry
	assert_has "$out" 'does not refuse to remove: it answers 404'
	as_before
	rm b/one/bin/rclone
	# a folder that would be no word there
	sed -i 's,^url = sftp:box:.*,url = sftp:box:r/.x,' etc/bk/bk.conf
	append_only 78 --full-key-to carry
	sed -i 's,^url = sftp:box:.*,url = sftp:box:/r/x,' etc/bk/bk.conf
	append_only 78 --full-key-to carry
	[ ! -e carry ]
}

@test "a server whose port 22 forgets the command" {
	(: <>/dev/tcp/127.0.0.1/22) 2>/dev/null && skip "port 22 is in use"
	BOX_KEYS=both PORTS=22 append_setup
	cp etc/bk/bk.conf conf.old
	append_only 69 --full-key-to carry
	assert_has "$out" 'in to files by sftp on port 22'
	as_before
}
