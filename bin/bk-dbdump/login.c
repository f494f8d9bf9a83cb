/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "login.h"

#include <sys/stat.h>

#include "file.h"
#include "str.h"

#define FILE_MAX (1U << 20)

/* Does a line of an option file set a password? */
static bool has_password(const char *text)
{
	static const char name[] = "password";

	while (text) {
		text += strspn(text, " \t\r\n");
		if (strncasecmp(text, name, strlen(name)) == 0) {
			const char *p = text + strlen(name);

			p += strspn(p, " \t");
			if (*p == '=' && p[1 + strspn(p + 1, " \t\r\n\"'")])
				return true;
		}
		text = strchr(text, '\n');
	}
	return false;
}

int login_check_file(const char *path, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	struct stat st;

	if (bk_file_read(path, FILE_MAX, &text, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return bk_err_sys(err, "cannot look at '%s'", path);
	if ((st.st_mode & 077) == 0 || !text.p || !has_password(text.p))
		return 0;
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "'%s' holds a password and can be read by others; "
			  "chmod 600 it",
			  path);
}

static const char *first(const char *a, const char *b)
{
	return a ? a : b;
}

int login_section(const struct bk_conf_section *s, struct bk_resolve *secrets,
		  const struct login *over, struct login *ret,
		  struct bk_err *err)
{
	static const struct login none;
	struct login l = over ? *over : none;
	/* What was said of one way to the server is not mixed with another. */
	bool moved = l.socket || l.host;

	if (!moved) {
		l.socket = bk_conf_str(s, "socket", NULL);
		l.host = bk_conf_str(s, "host", NULL);
	}
	if (l.port == 0)
		l.port = (unsigned int)bk_conf_u64(s, "port", 0);
	l.user = first(l.user, bk_conf_str(s, "user", NULL));
	l.defaults_file =
		first(l.defaults_file, bk_conf_str(s, "defaults-file", NULL));
	l.ssl_ca = first(l.ssl_ca, bk_conf_str(s, "ssl-ca", NULL));
	if (bk_conf_value(s, "password", NULL)) {
		l.password = bk_resolve_get(secrets, s, "password", err);
		if (!l.password)
			return -1;
	}
	*ret = l;
	return 0;
}
