/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ref.h"

#include <string.h>

#include "path.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int refuse(struct bk_err *err, const char *why)
{
	return bk_err_set(err, BK_EX_CONFIG, 0, "%s", why);
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* The text with each %XX as its byte; NULL for a bad one and for %00. */
static char *decode(const char *s, size_t len)
{
	char *out = bk_malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			out[n++] = s[i];
			continue;
		}
		high = i + 2 < len ? hex(s[i + 1]) : -1;
		low = i + 2 < len ? hex(s[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0) {
			free(out);
			return NULL;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	out[n] = '\0';
	return out;
}

static int parse_pair(struct bk_ref *ref, struct bk_err *err)
{
	const char *slash = strrchr(ref->rest, '/');

	if (!slash || slash == ref->rest || !slash[1])
		return refuse(err, "it wants SERVICE/USER behind the colon");
	ref->service = decode(ref->rest, (size_t)(slash - ref->rest));
	ref->user = decode(slash + 1, strlen(slash + 1));
	if (!ref->service || !ref->user)
		return refuse(err, "'%' wants two hexadecimal digits behind "
				   "it; '%' itself is %25");
	if (ref->kind == BK_REF_KEYRING && strcmp(ref->service, "DEFAULT") == 0)
		return refuse(err, "the service DEFAULT cannot be kept in a "
				   "keyring");
	return 0;
}

/* KEY=VALUE,KEY=VALUE */
static int parse_attributes(struct bk_ref *ref, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv items = BK_STRV_INIT;

	bk_strv_split(&items, ref->rest, ",");
	for (size_t i = 0; i < items.n; i++) {
		char *text = decode(items.v[i], strlen(items.v[i]));

		if (!text || strcspn(items.v[i], "=") == 0 ||
		    !strchr(items.v[i], '=')) {
			free(text);
			return refuse(err,
				      "it wants KEY=VALUE, separated by "
				      "commas, with %XX for bytes in them");
		}
		bk_strv_take(&ref->words, text);
	}
	return 0;
}

/* An attribute's name, then '=', before any slash. */
static bool has_attributes(const char *s)
{
	size_t n = strspn(s, ALNUM "._:-%");

	return n > 0 && s[n] == '=';
}

static int parse_file(struct bk_ref *ref, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_clean(ref->rest);

	if (!path)
		return refuse(err, "file: wants an absolute path");
	free(ref->text);
	ref->text = bk_asprintf("file:%s", path);
	ref->rest = ref->text + strlen("file:");
	return 0;
}

static int parse_rest(struct bk_ref *ref, struct bk_err *err)
{
	switch (ref->kind) {
	case BK_REF_COMMAND:
		bk_strv_split(&ref->words, ref->rest, " \t");
		return ref->words.n ? 0
				    : refuse(err, "command: wants a program");
	case BK_REF_CREDENTIAL:
		if (*ref->rest &&
		    strspn(ref->rest, ALNUM "._-@") == strlen(ref->rest) &&
		    *ref->rest != '.' && strlen(ref->rest) <= 255)
			return 0;
		return refuse(err, "credential: wants a name of letters, "
				   "digits and . _ - @");
	case BK_REF_FILE:
		return parse_file(ref, err);
	case BK_REF_SERVICE:
		if (has_attributes(ref->rest))
			return parse_attributes(ref, err);
		return parse_pair(ref, err);
	case BK_REF_KEYRING:
		return parse_pair(ref, err);
	default:
		return 0;
	}
}

int bk_ref_parse(const char *s, struct bk_ref *ret, struct bk_err *err)
{
	static const struct {
		const char *prefix;
		enum bk_ref_kind kind;
	} kinds[] = {
		{ "command:", BK_REF_COMMAND },
		{ "credential:", BK_REF_CREDENTIAL },
		{ "file:", BK_REF_FILE },
		{ "keyring:", BK_REF_KEYRING },
		{ "secret-service:", BK_REF_SERVICE },
	};
	struct bk_ref ref = BK_REF_INIT;

	if (bk_str_control(s))
		return refuse(err, "it holds control characters");
	ref.text = bk_strdup(s);
	if (strcmp(s, "ask") == 0) {
		ref.rest = ref.text + strlen(s);
		*ret = ref;
		return 0;
	}
	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		if (!bk_str_starts(s, kinds[i].prefix))
			continue;
		ref.kind = kinds[i].kind;
		ref.rest = ref.text + strlen(kinds[i].prefix);
		if (parse_rest(&ref, err) < 0)
			break;
		*ret = ref;
		return 0;
	}
	if (ref.kind == BK_REF_ASK)
		refuse(err, "it is none of keyring: secret-service: "
			    "credential: command: file: ask");
	bk_ref_free(&ref);
	return -1;
}

void bk_ref_free(struct bk_ref *ref)
{
	free(ref->text);
	free(ref->service);
	free(ref->user);
	bk_strv_free(&ref->words);
	*ref = BK_REF_INIT;
}

static void add_encoded(struct bk_buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= 0x20 || c == 0x7f || strchr("%/;#,=\"'", s[i]))
			bk_buf_addf(b, "%%%02X", c);
		else
			bk_buf_addc(b, s[i]);
	}
}

char *bk_ref_pair(const char *kind, const char *service, const char *user)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s:", kind);
	add_encoded(&b, service, strlen(service));
	bk_buf_addc(&b, '/');
	add_encoded(&b, user, strlen(user));
	return bk_buf_steal(&b);
}

void bk_ref_add_attribute(struct bk_buf *b, const char *attribute)
{
	size_t key = strcspn(attribute, "=");
	const char *value = attribute + key + (attribute[key] == '=');

	add_encoded(b, attribute, key);
	bk_buf_addc(b, '=');
	add_encoded(b, value, strlen(value));
}
