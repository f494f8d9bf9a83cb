/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/manifest.c bin/bk-cold/manifest_read.c bin/bk-cold/entry.c bin/bk-cold/meta.c bin/bk-cold/meta_json.c bin/bk-cold/name.c bin/bk-cold/age_key.c bin/bk-cold/age_seal.c bin/bk-cold/age_open.c */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A box on which every file is the input. */
struct box {
	const uint8_t *data;
	size_t size;
};

const char *box_prefix(const struct box *b)
{
	(void)b;
	return "";
}

const char *box_name(const struct box *b)
{
	(void)b;
	return "fuzz";
}

int box_stat(struct box *b, const char *name, struct box_stat *ret,
	     struct bk_err *err)
{
	(void)name;
	(void)err;
	*ret = (struct box_stat){ 'f', b->size, 0 };
	return 1;
}

int box_list(struct box *b, const char *dir,
	     int (*each)(void *arg, const char *name,
			 const struct box_stat *st),
	     void *arg, struct bk_err *err)
{
	(void)b;
	(void)dir;
	(void)each;
	(void)arg;
	(void)err;
	return 0;
}

int box_get(struct box *b, const char *name, uint64_t size,
	    int (*sink)(void *arg, const void *p, size_t n, struct bk_err *err),
	    void *arg, struct bk_err *err)
{
	(void)name;
	(void)size;
	return b->size ? sink(arg, b->data, b->size, err) : 0;
}

/* What is handed over is fit for use, and is written as it was read. */
static int each(void *arg, struct entry *e, struct bk_err *err)
{
	json_t *o = entry_to_json(e), *again;
	struct entry back = ENTRY_INIT;

	(void)arg;
	if (e->path[0] != '/' || strstr(e->path, "/../") ||
	    (e->meta.type == 'f' &&
	     (!name_is_safe(e->object) || strlen(e->sha256) != 64)))
		abort();
	if (entry_from_json(o, &back, err) < 0 ||
	    !meta_same(&e->meta, &back.meta) || strcmp(e->path, back.path) != 0)
		abort();
	again = entry_to_json(&back);
	if (!json_equal(o, again))
		abort();
	json_decref(o);
	json_decref(again);
	entry_free(&back);
	return 0;
}

/*
 * As it is, and, since few inputs have the right hash, once more with a hash
 * and an end that are right.
 */
static void whole(const uint8_t *data, size_t size)
{
	static const char begin[] =
		"{\"v\":1,\"type\":\"manifest\",\"host\":\"h\",\"gen\":1}\n";
	struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;
	struct box box;
	size_t lines = 1;
	char sum[65];

	bk_buf_adds(&b, begin);
	bk_buf_add(&b, data, size);
	if (size > 0 && data[size - 1] != '\n')
		bk_buf_addc(&b, '\n');
	for (size_t i = strlen(begin); i < b.len; i++)
		lines += b.p[i] == '\n';
	if (bk_digest_text(b.p, b.len, sum, &err) < 0)
		abort();
	bk_buf_addf(&b,
		    "{\"v\":1,\"type\":\"sum\",\"sha256\":\"%s\"}\n"
		    "{\"v\":1,\"type\":\"end\",\"status\":0,\"count\":%zu}\n",
		    sum, lines + 1);
	box = (struct box){ (const uint8_t *)b.p, b.len };
	(void)manifest_read(&box, "h", 1, NULL, each, NULL, &err);
	bk_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct box box = { data, size };
	char sums[MANIFEST_KINDS][65];
	struct bk_err err;

	setenv("BK_STATE_DIR", "/tmp", 1);
	(void)manifest_read(&box, "h", 1, NULL, each, NULL, &err);
	(void)manifest_read_sums(&box, "h", 1, sums, &err);
	whole(data, size);
	return 0;
}
