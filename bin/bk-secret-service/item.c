/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "item.h"

#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "str.h"

/* What keyring of Python gives each item, and its libsecret backend wants. */
#define APPLICATION "application"
#define PYTHON "Python keyring library"
#define SCHEMA "xdg:schema"
#define GENERIC "org.freedesktop.Secret.Generic"

/* Items that have the attributes of a query. */
struct found {
	GPtrArray *open; /* SecretItem, not locked */
	size_t locked;
};
#define AUTO_FOUND BK_AUTO(found_free)

static void found_free(struct found *f)
{
	if (f->open)
		g_ptr_array_unref(f->open);
}

static void auto_table(GHashTable **t)
{
	if (*t)
		g_hash_table_unref(*t);
}
#define AUTO_TABLE BK_AUTO(auto_table)

static void put(GHashTable *t, const char *key, const char *value)
{
	(void)g_hash_table_insert(t, g_strdup(key), g_strdup(value));
}

static GHashTable *new_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static GHashTable *table_of(const struct query *q)
{
	GHashTable *t = new_table();

	for (size_t i = 0; i < q->n; i++)
		put(t, q->v[i].key, q->v[i].value);
	return t;
}

/* Just a service and a user of it? */
static bool is_pair(const struct query *q)
{
	return q->n == 2 && query_get(q, "service") && query_get(q, "username");
}

/* ---- finding --------------------------------------------------------------- */

static int search(const struct service *s, GHashTable *table, struct found *ret,
		  struct bk_err *err)
{
	GError *e = NULL;
	GList *items = secret_service_search_sync(
		s->proxy, NULL, table, SECRET_SEARCH_ALL, s->cancel, &e);

	ret->open = g_ptr_array_new_with_free_func(g_object_unref);
	ret->locked = 0;
	if (e)
		return service_fail(e, err);
	for (GList *i = items; i; i = i->next)
		if (secret_item_get_locked(i->data))
			ret->locked++;
		else
			g_ptr_array_add(ret->open, g_object_ref(i->data));
	g_list_free_full(items, g_object_unref);
	return 0;
}

static int find(const struct service *s, const struct query *q,
		struct found *ret, struct bk_err *err)
{
	AUTO_TABLE GHashTable *table = table_of(q);

	return search(s, table, ret, err);
}

/* KeePassXC's own names. */
static int find_keepassxc(const struct service *s, const struct query *q,
			  struct found *ret, struct bk_err *err)
{
	AUTO_TABLE GHashTable *table = new_table();

	put(table, "Title", query_get(q, "service"));
	put(table, "UserName", query_get(q, "username"));
	found_free(ret);
	ret->open = NULL;
	return search(s, table, ret, err);
}

/* Is there one that can be used? */
static int check_found(const struct found *f, struct bk_err *err)
{
	if (f->open->len > 0)
		return 0;
	if (f->locked > 0)
		return service_locked(err);
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "there is no such item in the keyring; store it "
			  "there first");
}

/* The one changed last; there is one. */
static SecretItem *newest(const GPtrArray *items)
{
	SecretItem *best = g_ptr_array_index(items, 0);

	for (guint i = 1; i < items->len; i++) {
		SecretItem *item = g_ptr_array_index(items, i);

		if (secret_item_get_modified(item) >
		    secret_item_get_modified(best))
			best = item;
	}
	return best;
}

/* Has it the attributes of the query, and no others that tell it apart? */
static bool is_just(SecretItem *item, const struct query *q)
{
	AUTO_TABLE GHashTable *has = secret_item_get_attributes(item);
	GHashTableIter i;
	gpointer key, value;

	g_hash_table_iter_init(&i, has);
	while (g_hash_table_iter_next(&i, &key, &value))
		if (!query_get(q, key) && strcmp(key, SCHEMA) != 0 &&
		    (strcmp(key, APPLICATION) != 0 ||
		     strcmp(value, PYTHON) != 0))
			return false;
	return true;
}

/* Those of which that is so. */
static GPtrArray *just_of(const struct found *f, const struct query *q)
{
	GPtrArray *just = g_ptr_array_new_with_free_func(g_object_unref);

	for (guint i = 0; i < f->open->len; i++) {
		SecretItem *item = g_ptr_array_index(f->open, i);

		if (is_just(item, q))
			g_ptr_array_add(just, g_object_ref(item));
	}
	return just;
}

/* Leave in f those that may be replaced or deleted. */
static int keep_meant(struct found *f, const struct query *q,
		      struct bk_err *err)
{
	GPtrArray *just = just_of(f, q);

	if (just->len == 0 && f->open->len == 1) {
		g_ptr_array_unref(just);
		return 0;
	}
	if (just->len == 0) {
		g_ptr_array_unref(just);
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "%u items have these attributes and more; "
				  "say which one is meant",
				  f->open->len);
	}
	g_ptr_array_unref(f->open);
	f->open = just;
	return 0;
}

/* ---- get ------------------------------------------------------------------- */

static int write_out(const void *p, size_t len, struct bk_err *err)
{
	if (bk_fd_write(STDOUT_FILENO, p, len) == 0)
		return 0;
	bk_err_sys(err, "cannot write to standard output");
	if (err)
		err->exit = BK_EX_IOERR;
	return -1;
}

/* Straight from libsecret's memory, which is locked and wiped. */
static int write_secret(const struct service *s, SecretItem *item,
			struct bk_err *err)
{
	GError *e = NULL;
	SecretValue *value = secret_retrievable_retrieve_secret_sync(
		SECRET_RETRIEVABLE(item), s->cancel, &e);
	const char *p;
	gsize len;
	int r;

	if (!value)
		return service_fail(e, err);
	p = secret_value_get(value, &len);
	if (len > BK_SECRET_MAX)
		r = bk_err_set(err, BK_EX_DATAERR, 0,
			       "its secret is longer than %zu bytes",
			       BK_SECRET_MAX);
	else
		r = write_out(p, len, err);
	secret_value_unref(value);
	return r;
}

/* The one to take; it is f's. */
static SecretItem *choose(const struct found *f, const struct query *q)
{
	GPtrArray *just = just_of(f, q);
	SecretItem *item = newest(just->len ? just : f->open);

	if (f->open->len + f->locked > 1)
		bk_info("%s: %u items, and %zu that are locked; taken is the "
			"one changed last of %u",
			q->text, f->open->len, f->locked,
			just->len ? just->len : f->open->len);
	g_ptr_array_unref(just);
	return item;
}

int item_get(const struct service *s, const struct query *q, struct bk_err *err)
{
	AUTO_FOUND struct found f = { 0 };

	if (find(s, q, &f, err) < 0)
		return -1;
	if (f.open->len + f.locked == 0 && is_pair(q) &&
	    find_keepassxc(s, q, &f, err) < 0)
		return -1;
	if (check_found(&f, err) < 0)
		return -1;
	return write_secret(s, choose(&f, q), err);
}

/* ---- set, delete ----------------------------------------------------------- */

static int delete_item(const struct service *s, SecretItem *item,
		       struct bk_err *err)
{
	GError *e = NULL;

	if (secret_item_delete_sync(item, s->cancel, &e))
		return 0;
	return service_fail(e, err);
}

int item_delete(const struct service *s, const struct query *q,
		struct bk_err *err)
{
	AUTO_FOUND struct found f = { 0 };

	if (find(s, q, &f, err) < 0 || check_found(&f, err) < 0 ||
	    keep_meant(&f, q, err) < 0)
		return -1;
	for (guint i = 0; i < f.open->len; i++)
		if (delete_item(s, g_ptr_array_index(f.open, i), err) < 0)
			return -1;
	return 0;
}

static SecretValue *new_value(const struct bk_secret *secret)
{
	bool text = bk_str_utf8(secret->p, secret->len) &&
		    !memchr(secret->p, '\0', secret->len);

	return secret_value_new(secret->p, (gssize)secret->len,
				text ? "text/plain"
				     : "application/octet-stream");
}

/* So that both backends of Python's keyring find it; false: it is so. */
static bool add_python(GHashTable *table)
{
	bool add = !g_hash_table_contains(table, APPLICATION) ||
		   !g_hash_table_contains(table, SCHEMA);

	if (!g_hash_table_contains(table, APPLICATION))
		put(table, APPLICATION, PYTHON);
	if (!g_hash_table_contains(table, SCHEMA))
		put(table, SCHEMA, GENERIC);
	return add;
}

static char *make_label(const struct query *q)
{
	if (is_pair(q))
		return bk_asprintf("Password for '%s' on '%s'",
				   query_get(q, "username"),
				   query_get(q, "service"));
	return bk_asprintf("bk: %s", q->text);
}

static int create(const struct service *s, const struct query *q,
		  const char *label, SecretCollection *c, SecretValue *value,
		  struct bk_err *err)
{
	AUTO_TABLE GHashTable *table = table_of(q);
	BK_AUTO_FREE char *made = make_label(q);
	GError *e = NULL;
	SecretItem *item;

	if (secret_collection_get_locked(c))
		return service_locked(err);
	if (is_pair(q))
		(void)add_python(table);
	item = secret_item_create_sync(c, NULL, table, label ? label : made,
				       value, SECRET_ITEM_CREATE_NONE,
				       s->cancel, &e);
	if (!item)
		return service_fail(e, err);
	g_object_unref(item);
	return 0;
}

static int create_in_default(const struct service *s, const struct query *q,
			     const char *label, SecretValue *value,
			     struct bk_err *err)
{
	GError *e = NULL;
	SecretCollection *c = secret_collection_for_alias_sync(
		s->proxy, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
		s->cancel, &e);
	int r;

	if (e)
		return service_fail(e, err);
	if (!c)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "there is no default keyring to store it "
				  "in; make one, or log in with the password");
	r = create(s, q, label, c, value, err);
	g_object_unref(c);
	return r;
}

/* Its secret first: that is one call, and what matters. */
static int update(const struct service *s, const struct query *q,
		  const char *label, SecretItem *item, SecretValue *value,
		  struct bk_err *err)
{
	AUTO_TABLE GHashTable *table = secret_item_get_attributes(item);
	GError *e = NULL;

	if (!secret_item_set_secret_sync(item, value, s->cancel, &e) ||
	    (is_pair(q) && add_python(table) &&
	     !secret_item_set_attributes_sync(item, NULL, table, s->cancel,
					      &e)) ||
	    (label && !secret_item_set_label_sync(item, label, s->cancel, &e)))
		return service_fail(e, err);
	return 0;
}

/* One of them gets the secret, the others go. */
static int replace(const struct service *s, const struct query *q,
		   const char *label, const GPtrArray *items,
		   SecretValue *value, struct bk_err *err)
{
	SecretItem *keep = newest(items);

	if (update(s, q, label, keep, value, err) < 0)
		return -1;
	for (guint i = 0; i < items->len; i++) {
		SecretItem *item = g_ptr_array_index(items, i);

		if (item != keep && delete_item(s, item, err) < 0)
			return -1;
	}
	return 0;
}

int item_set(const struct service *s, const struct query *q, const char *label,
	     const struct bk_secret *secret, struct bk_err *err)
{
	AUTO_FOUND struct found f = { 0 };
	SecretValue *value;
	int r;

	if (find(s, q, &f, err) < 0)
		return -1;
	if (f.open->len + f.locked > 0 &&
	    (check_found(&f, err) < 0 || keep_meant(&f, q, err) < 0))
		return -1;
	value = new_value(secret);
	r = f.open->len ? replace(s, q, label, f.open, value, err)
			: create_in_default(s, q, label, value, err);
	secret_value_unref(value);
	return r;
}

/* ---- list ------------------------------------------------------------------ */

static int compare(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* KEY=VALUE and a NUL for each attribute, sorted, and one NUL more. */
static char *record_of(SecretItem *item, size_t *ret_len)
{
	AUTO_TABLE GHashTable *table = secret_item_get_attributes(item);
	GList *keys = g_list_sort(g_hash_table_get_keys(table), compare);
	struct bk_buf b = BK_BUF_INIT;

	for (GList *k = keys; k; k = k->next) {
		bk_buf_addf(&b, "%s=%s", (const char *)k->data,
			    (const char *)g_hash_table_lookup(table, k->data));
		bk_buf_addc(&b, '\0');
	}
	bk_buf_addc(&b, '\0');
	g_list_free(keys);
	*ret_len = b.len;
	return bk_buf_steal(&b);
}

static gint compare_records(gconstpointer a, gconstpointer b)
{
	return g_bytes_compare(*(GBytes *const *)a, *(GBytes *const *)b);
}

static void add_records(SecretCollection *c, GPtrArray *records)
{
	GList *items = secret_collection_get_items(c);

	for (GList *i = items; i; i = i->next) {
		size_t len;
		char *p = record_of(i->data, &len);

		g_ptr_array_add(records,
				g_bytes_new_with_free_func(p, len, free, p));
	}
	g_list_free_full(items, g_object_unref);
}

int item_list(const struct service *s, struct bk_err *err)
{
	GPtrArray *records;
	GError *e = NULL;
	GList *all;
	int r = 0;

	if (!secret_service_load_collections_sync(s->proxy, s->cancel, &e))
		return service_fail(e, err);
	records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	all = secret_service_get_collections(s->proxy);
	for (GList *c = all; c; c = c->next)
		add_records(c->data, records);
	g_list_free_full(all, g_object_unref);
	g_ptr_array_sort(records, compare_records);
	for (guint i = 0; i < records->len && r == 0; i++) {
		gsize len;
		const void *p =
			g_bytes_get_data(g_ptr_array_index(records, i), &len);

		r = write_out(p, len, err);
	}
	g_ptr_array_unref(records);
	return r;
}
