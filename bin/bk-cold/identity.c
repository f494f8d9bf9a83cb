/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>

#include "file.h"
#include "path.h"
#include "resolve.h"

/* "age:FILE", "no", or NULL where nobody says anything. */
static const char *what_is_said(const struct bk_conf *conf, const char *set)
{
	const struct bk_conf_section *all = bk_conf_find(conf, "cold", NULL);
	const struct bk_conf_section *own =
		*set ? bk_conf_find(conf, "cold", set) : NULL;

	return bk_conf_str(own, "encrypt", bk_conf_str(all, "encrypt", NULL));
}

const char *cold_recipients(const struct bk_conf *conf, const char *set)
{
	const char *value = what_is_said(conf, set);
	const char *colon = value ? strchr(value, ':') : NULL;

	return colon ? colon + 1 : NULL;
}

const char *cold_sealed_around(const struct bk_conf *conf, const char *set,
			       const char *path)
{
	const struct bk_conf_section *s = NULL;

	if (what_is_said(conf, set))
		return NULL;
	while ((s = bk_conf_next(conf, "cold", s))) {
		const struct bk_conf_value *v = NULL;

		while (cold_recipients(conf, s->name) &&
		       (v = bk_conf_value(s, "path", v)))
			if (bk_path_within(path, v->value))
				return s->name;
	}
	return NULL;
}

static int read_file(const char *path, struct age_identities *ret,
		     struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret text = BK_SECRET_INIT;
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return bk_err_sys(err, "cannot read the identity '%s'", path);
	if (bk_secret_read(&text, fd, BK_SECRET_MAX, err) < 0)
		return bk_err_set(err, err->exit, 0,
				  "cannot read the identity '%s': %s", path,
				  err->msg);
	if (age_identities_parse(&text, ret, err) == 0)
		return 0;
	return bk_err_set(err, err->exit, 0, "'%s': %s", path, err->msg);
}

static int resolve(struct cold *c, const struct bk_conf_section *s,
		   struct age_identities *ret, struct bk_err *err)
{
	struct bk_resolve r = { .config = c->cli.config };
	const struct bk_secret *text = bk_resolve_get(&r, s, "identity", err);
	int got = -1;

	if (text) {
		got = age_identities_parse(text, ret, err);
		if (got < 0)
			(void)bk_err_set(err, err->exit, 0,
					 "[cold] identity: %s", err->msg);
	}
	bk_resolve_free(&r);
	return got;
}

int cold_identities(struct cold *c, struct age_identities *ret,
		    struct bk_err *err)
{
	const struct bk_conf_section *s = bk_conf_find(c->conf, "cold", NULL);

	bk_secret_harden();
	if (c->identity)
		return read_file(c->identity, ret, err);
	if (bk_conf_value(s, "identity", NULL))
		return resolve(c, s, ret, err);
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "it is encrypted, and no identity opens it: "
			  "--identity FILE, or identity in [cold]");
}
