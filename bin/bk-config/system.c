/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the host itself.
 */
#include <unistd.h>

#include "checks.h"

bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* Retention and "too old" are judged by the clock; a container has none. */
void check_clock(struct check *c)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	if (access("/run/systemd/container", F_OK) == 0)
		return;
	child_add(&argv, "timedatectl", "show", "-p", "NTPSynchronized",
		  "--value");
	if (child_run(&argv, 10000, &said, NULL) < 0 || said.status != 0 ||
	    !bk_str_starts(said.out.p ? said.out.p : "", "no"))
		return;
	report_add(&c->report, LEVEL_WARNING, "clock",
		   "timedatectl set-ntp true",
		   "it is not synchronised: ages of backups are judged by it");
}
