/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "query.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "str.h"

const char *query_get(const struct query *q, const char *key)
{
	for (size_t i = 0; i < q->n; i++)
		if (strcmp(q->v[i].key, key) == 0)
			return q->v[i].value;
	return NULL;
}

static int add(struct query *q, const char *arg, struct bk_err *err)
{
	const char *eq = strchr(arg, '=');
	struct attribute a;
	bool twice;

	if (!eq || eq == arg)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "an attribute is written KEY=VALUE, not "
				  "'%.100s'",
				  arg);
	if (!bk_str_utf8(arg, strlen(arg)))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%.100s' is not UTF-8, as attributes must "
				  "be",
				  arg);
	a.key = bk_memdup(arg, (size_t)(eq - arg));
	a.value = bk_strdup(eq + 1);
	twice = query_get(q, a.key) != NULL;
	q->v = bk_realloc(q->v, q->n + 1, sizeof(*q->v));
	q->v[q->n++] = a;
	if (twice)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "the attribute '%.100s' is there twice",
				  a.key);
	return 0;
}

int query_parse(char **args, struct query *ret, struct bk_err *err)
{
	struct query q = { 0 };
	struct bk_buf text = BK_BUF_INIT;

	for (size_t i = 0; args[i]; i++) {
		if (add(&q, args[i], err) < 0) {
			bk_buf_free(&text);
			query_free(&q);
			return -1;
		}
		bk_buf_addf(&text, "%s%s", i ? " " : "", args[i]);
	}
	q.text = bk_buf_steal(&text);
	*ret = q;
	return 0;
}

void query_free(struct query *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->v[i].key);
		free(q->v[i].value);
	}
	free(q->v);
	free(q->text);
	*q = (struct query){ 0 };
}
