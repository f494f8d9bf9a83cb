/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "file.h"
#include "hash.h"
#include "marker.h"
#include "mem.h"
#include "path.h"

const size_t image_item[SECS] = {
	[SEC_RECS] = sizeof(struct image_rec),
	[SEC_BYTES] = sizeof(uint64_t),
	[SEC_TOPS] = sizeof(struct image_top),
	[SEC_MARKS] = sizeof(struct image_mark),
	[SEC_NAMES] = 1,
	[SEC_STRINGS] = 1,
};

/* ---- loading --------------------------------------------------------------- */

static int damaged(struct bk_err *err, const char *why)
{
	return bk_err_set(err, BK_EX_DATAERR, 0, "%s", why);
}

static int map_file(const char *path, struct image *m, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return bk_err_set(err, BK_EX_NOINPUT, 0, "is not there");
	if (fd < 0)
		return bk_err_set(err, BK_EX_DATAERR, errno,
				  "cannot be opened");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || bk_file_distrust(&st))
		return damaged(err, "is no file of this user that others "
				    "cannot write");
	if (st.st_size < (off_t)sizeof(*m->head))
		return damaged(err, "is cut short");
	m->size = (size_t)st.st_size;
	m->verified = st.st_mtime;
	m->map = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd,
		      0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return bk_err_set(err, BK_EX_DATAERR, errno,
				  "cannot be mapped");
	}
	m->head = m->map;
	return 0;
}

static const char *check_head(const struct image *m)
{
	const struct image_head *h = m->head;

	if (memcmp(h->magic, "BKSCAN\0\1", 8) != 0)
		return "is no cache of bk-scan";
	if (h->order != 0x01020304 || h->version != IMAGE_VERSION ||
	    h->head_size != sizeof(*h) ||
	    h->rec_size != sizeof(struct image_rec))
		return "is of another version or machine";
	if (h->head_sum !=
	    hash64(h, offsetof(struct image_head, head_sum), h->version))
		return "is damaged";
	if (h->size != m->size)
		return "is cut short";
	return NULL;
}

/* Where each section is; false where they do not fill the file exactly. */
static const char *find_sections(struct image *m)
{
	const struct image_head *h = m->head;
	const char *at[SECS];
	size_t pos = sizeof(*h);

	for (int i = 0; i < SECS; i++) {
		size_t len;

		if (h->count[i] > m->size / image_item[i])
			return "is damaged";
		len = h->count[i] * image_item[i];
		if (len > m->size - pos)
			return "is damaged";
		at[i] = (const char *)m->map + pos;
		if (hash64(at[i], len, (uint64_t)i) != h->sum[i])
			return "is damaged";
		pos += (len + 7) & ~(size_t)7;
		if (pos > m->size)
			return "is damaged";
	}
	if (pos != m->size || h->count[SEC_RECS] >= NO_NODE ||
	    h->count[SEC_TOPS] >= NO_NODE || h->count[SEC_MARKS] >= NO_NODE)
		return "is damaged";
	m->recs = (const void *)at[SEC_RECS];
	m->bytes = h->count[SEC_BYTES] ? (const void *)at[SEC_BYTES] : NULL;
	m->tops = (const void *)at[SEC_TOPS];
	m->marks = (const void *)at[SEC_MARKS];
	m->names = at[SEC_NAMES];
	m->strings = at[SEC_STRINGS];
	m->n = (uint32_t)h->count[SEC_RECS];
	m->ntops = (uint32_t)h->count[SEC_TOPS];
	m->nmarks = (uint32_t)h->count[SEC_MARKS];
	return NULL;
}

static bool text_ok(const struct image *m, int section, const char *text)
{
	uint64_t n = m->head->count[section];

	return n == 0 || text[n - 1] == '\0';
}

/* Neither nothing nor "." nor ".."; there are many to look at. */
static bool is_component(const char *s)
{
	if (s[0] != '.')
		return s[0];
	return s[1] && (s[1] != '.' || s[2]);
}

static bool rec_ok(const struct image *m, const struct image_rec *r)
{
	if (r->depth == 0)
		return r->name < m->head->count[SEC_STRINGS] &&
		       m->strings[r->name] == '/';
	return r->name < m->head->count[SEC_NAMES] &&
	       is_component(m->names + r->name);
}

/* Parents and subtrees, by the depths. False where these make no tree. */
static bool index_tree(struct image *m)
{
	uint32_t last = NO_NODE;

	m->parent = bk_calloc(m->n, sizeof(*m->parent));
	m->end = bk_calloc(m->n, sizeof(*m->end));
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t depth = m->recs[i].depth;

		if (!rec_ok(m, &m->recs[i]) ||
		    depth > (i ? m->recs[i - 1].depth + 1 : 0))
			return false;
		while (last != NO_NODE && m->recs[last].depth >= depth) {
			m->end[last] = i;
			last = m->parent[last];
		}
		m->parent[i] = last;
		last = i;
	}
	for (; last != NO_NODE; last = m->parent[last])
		m->end[last] = m->n;
	return true;
}

static bool tables_ok(const struct image *m)
{
	uint64_t strings = m->head->count[SEC_STRINGS];

	for (uint32_t i = 0; i < m->ntops; i++)
		if (m->tops[i].node >= m->n || m->tops[i].fstype >= strings ||
		    (i && m->tops[i].node <= m->tops[i - 1].node))
			return false;
	for (uint32_t i = 0; i < m->nmarks; i++) {
		const struct image_mark *k = &m->marks[i];

		if (k->node >= m->n || k->kind >= MARKERS ||
		    k->text > strings || k->len > strings - k->text ||
		    k->refused >= strings ||
		    (i && k->node < m->marks[i - 1].node))
			return false;
	}
	return true;
}

int image_load(const char *path, struct image *m, struct bk_err *err)
{
	const char *why;

	*m = (struct image){ 0 };
	if (map_file(path, m, err) < 0)
		return -1;
	why = check_head(m);
	if (!why)
		why = find_sections(m);
	if (!why && (!text_ok(m, SEC_NAMES, m->names) ||
		     !text_ok(m, SEC_STRINGS, m->strings) ||
		     (m->bytes && m->head->count[SEC_BYTES] != m->n) ||
		     memchr(m->names, '/', m->head->count[SEC_NAMES]) ||
		     !index_tree(m) || !tables_ok(m)))
		why = "makes no sense";
	if (!why)
		return 0;
	image_free(m);
	return damaged(err, why);
}

void image_free(struct image *m)
{
	if (m->map)
		(void)munmap(m->map, m->size);
	free(m->parent);
	free(m->end);
	*m = (struct image){ 0 };
}

/* ---- looking things up ----------------------------------------------------- */

const char *image_name(const struct image *m, uint32_t i)
{
	const struct image_rec *r = &m->recs[i];

	return (r->depth ? m->names : m->strings) + r->name;
}

char *image_path(const struct image *m, uint32_t i)
{
	size_t len = 1, part;
	char *path, *to;

	for (uint32_t k = i; k != NO_NODE; k = m->parent[k])
		len += strlen(image_name(m, k)) + 1;
	path = bk_malloc(len);
	to = path + len - 1;
	*to = '\0';
	for (uint32_t k = i; k != NO_NODE; k = m->parent[k]) {
		const char *name = image_name(m, k);

		part = strlen(name);
		/* a start at "/" ends with the slash already */
		if (m->parent[k] == NO_NODE && part == 1 && *to == '/')
			part = 0;
		to -= part;
		memcpy(to, name, part);
		if (m->parent[k] != NO_NODE)
			*--to = '/';
	}
	memmove(path, to, (size_t)(path + len - to));
	return path;
}

uint32_t image_start(const struct image *m, const char *path)
{
	for (uint32_t i = 0; i < m->n; i = m->end[i])
		if (strcmp(image_name(m, i), path) == 0)
			return i;
	return NO_NODE;
}

/* The child of record i that the path rest begins with. */
static uint32_t find_child(const struct image *m, uint32_t i, const char *rest)
{
	size_t len = strcspn(rest, "/");

	for (uint32_t k = i + 1; k < m->end[i]; k = m->end[k]) {
		const char *name = image_name(m, k);

		if (strncmp(name, rest, len) == 0 && !name[len])
			return k;
	}
	return NO_NODE;
}

static uint32_t find_below(const struct image *m, uint32_t i, const char *path)
{
	const char *rest = path + strlen(image_name(m, i));

	rest += strspn(rest, "/");
	while (i != NO_NODE && *rest) {
		i = find_child(m, i, rest);
		rest += strcspn(rest, "/");
		rest += strspn(rest, "/");
	}
	return i;
}

uint32_t image_find(const struct image *m, const char *path)
{
	for (uint32_t i = 0; i < m->n; i = m->end[i]) {
		uint32_t found = NO_NODE;

		if (bk_path_within(path, image_name(m, i)))
			found = find_below(m, i, path);
		if (found != NO_NODE)
			return found;
	}
	return NO_NODE;
}

const struct image_top *image_top_of(const struct image *m, uint32_t i)
{
	uint32_t lo = 0, hi = m->ntops;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->tops[mid].node < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->ntops && m->tops[lo].node == i ? &m->tops[lo] : NULL;
}

uint32_t image_mark_at(const struct image *m, uint32_t i)
{
	uint32_t lo = 0, hi = m->nmarks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->marks[mid].node < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
