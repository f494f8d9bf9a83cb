/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "box.h"

#include "str.h"

/* Room for ".json", and for what a temporary name has more. */
enum { NAME_LIMIT = 200 };

#define PLAIN                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz" \
	"0123456789._-"

int box_open(struct box *b, const struct bk_conf *conf, struct bk_err *err)
{
	const struct bk_conf_section *host = bk_conf_find(conf, "host", NULL);
	const char *name = bk_conf_str(host, "fleet", NULL);
	const struct bk_conf_section *s;

	*b = BOX_INIT;
	if (!name)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "[host] fleet names no box, on which the "
				  "hosts could meet");
	s = bk_conf_find(conf, "box", name);
	if (!s)
		return bk_err_set(err, BK_EX_CONFIG, 0, "there is no [box %s]",
				  name);
	b->name = s->name;
	return bk_remote_parse(bk_conf_str(s, "url", ""), &b->at, err);
}

void box_close(struct box *b)
{
	bk_remote_free(&b->at);
	*b = BOX_INIT;
}

int box_put(const struct box *b, const char *name, const struct bk_buf *data,
	    struct bk_err *err)
{
	return b->at.host ? box_sftp_put(b, name, data, err)
			  : box_dir_put(b, name, data, err);
}

int box_remove(const struct box *b, const char *name, struct bk_err *err)
{
	return b->at.host ? box_sftp_remove(b, name, err)
			  : box_dir_remove(b, name, err);
}

static int by_name(const void *a, const void *b)
{
	const struct box_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int box_list(const struct box *b, struct box_files *ret, struct bk_err *err)
{
	int got;

	*ret = BOX_FILES_INIT;
	got = b->at.host ? box_sftp_list(b, ret, err)
			 : box_dir_list(b, ret, err);
	if (got < 0)
		box_files_free(ret);
	else if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return got;
}

int box_read(const struct box *b, struct box_files *ret, struct bk_err *err)
{
	int got = box_list(b, ret, err);

	if (got < 0 || ret->n == 0)
		return got;
	got = b->at.host ? box_sftp_read(b, ret, err)
			 : box_dir_read(b, ret, err);
	if (got < 0)
		box_files_free(ret);
	return got;
}

struct box_file *box_files_add(struct box_files *l, const char *name)
{
	BK_AUTO_FREE char *host = box_host_name(name);

	if (!host)
		return NULL;
	if (l->n >= BOX_FILES_MAX) {
		l->left_out++;
		return NULL;
	}
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct box_file){ .name = bk_strdup(name) };
	return &l->v[l->n++];
}

void box_files_free(struct box_files *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].problem);
		bk_buf_free(&l->v[i].data);
	}
	free(l->v);
	*l = BOX_FILES_INIT;
}

void box_add_line(struct bk_buf *b, const struct box *box, const char *verb,
		  const char *name)
{
	const char *path = box->at.path;
	BK_AUTO_FREE char *file =
		bk_asprintf("%s%s" BOX_FOLDER "/%s", path,
			    *path && !bk_str_ends(path, "/") ? "/" : "", name);

	if (box->at.host) {
		bk_buf_addf(b, "sftp %s: %s ", box->name, verb);
		bk_str_add_shell(b, file);
	} else {
		bk_buf_addf(b, "%s ", verb);
		bk_str_add_shell(b, file);
	}
}

/* Names. */

char *box_file_name(const char *host)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (const char *p = host; *p; p++) {
		if (strchr(PLAIN, *p) && (p > host || *p != '.'))
			bk_buf_addc(&b, *p);
		else
			bk_buf_addf(&b, "%%%02X", (unsigned char)*p);
	}
	if (b.len == 0 || b.len > NAME_LIMIT)
		return NULL;
	bk_buf_adds(&b, ".json");
	return bk_buf_steal(&b);
}

static int hex(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

char *box_host_name(const char *file)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *again = NULL;
	size_t n = strlen(file);

	if (!bk_str_ends(file, ".json"))
		return NULL;
	n -= strlen(".json");
	for (size_t i = 0; i < n; i++) {
		if (file[i] != '%') {
			bk_buf_addc(&b, file[i]);
			continue;
		}
		if (i + 2 >= n || hex(file[i + 1]) < 0 || hex(file[i + 2]) < 0)
			return NULL;
		bk_buf_addc(&b,
			    (char)(hex(file[i + 1]) * 16 + hex(file[i + 2])));
		i += 2;
	}
	/* One host has one name only. */
	again = b.len ? box_file_name(b.p) : NULL;
	if (!again || strcmp(again, file) != 0)
		return NULL;
	return bk_buf_steal(&b);
}
