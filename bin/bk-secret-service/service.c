/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "log.h"
#include "mem.h"

/* What is said, whatever words the service has for it. */
#define LOCKED                                                           \
	"the keyring is locked, or asks for consent; unlock it, or log " \
	"in with the password"
#define SLOW "the Secret Service does not answer; try again, or restart it"
#define GONE "it changed while it was read; try again"
#define REFUSED "the session bus refuses us; say with --user whose it is"
#define NONE "there is no Secret Service on the session bus; start the keyring"

#define MEMLOCK_WANTED ((rlim_t)512 * 1024)

static const struct known {
	GQuark (*domain)(void);
	int code;
	int exit;
	const char *say;
} known[] = {
	{ secret_error_get_quark, SECRET_ERROR_IS_LOCKED, BK_EX_TEMPFAIL,
	  LOCKED },
	{ secret_error_get_quark, SECRET_ERROR_NO_SUCH_OBJECT, BK_EX_TEMPFAIL,
	  GONE },
	{ g_io_error_quark, G_IO_ERROR_CANCELLED, BK_EX_TEMPFAIL, SLOW },
	{ g_io_error_quark, G_IO_ERROR_TIMED_OUT, BK_EX_TEMPFAIL, SLOW },
	{ g_io_error_quark, G_IO_ERROR_CLOSED, BK_EX_TEMPFAIL, SLOW },
	{ g_dbus_error_quark, G_DBUS_ERROR_NO_REPLY, BK_EX_TEMPFAIL, SLOW },
	{ g_dbus_error_quark, G_DBUS_ERROR_TIMEOUT, BK_EX_TEMPFAIL, SLOW },
	{ g_dbus_error_quark, G_DBUS_ERROR_TIMED_OUT, BK_EX_TEMPFAIL, SLOW },
	{ g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_METHOD, BK_EX_TEMPFAIL,
	  GONE },
	{ g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_OBJECT, BK_EX_TEMPFAIL,
	  GONE },
	{ g_dbus_error_quark, G_DBUS_ERROR_ACCESS_DENIED, BK_EX_NOPERM,
	  REFUSED },
	{ g_dbus_error_quark, G_DBUS_ERROR_SERVICE_UNKNOWN, BK_EX_UNAVAILABLE,
	  NONE },
	{ g_dbus_error_quark, G_DBUS_ERROR_NAME_HAS_NO_OWNER, BK_EX_UNAVAILABLE,
	  NONE },
};

static const struct known *find_known(const GError *e)
{
	for (size_t i = 0; i < BK_COUNT(known); i++)
		if (g_error_matches(e, known[i].domain(), known[i].code))
			return &known[i];
	return NULL;
}

/* The exit status for what is not known, and what failed then. */
static int fail(GError *e, int exit, const char *what, struct bk_err *err)
{
	const struct known *k = e ? find_known(e) : NULL;

	if (e)
		bk_debug("%s %d: %s", g_quark_to_string(e->domain), e->code,
			 e->message);
	if (k)
		bk_err_set(err, k->exit, 0, "%s", k->say);
	else
		bk_err_set(err, exit, 0, "%s: %s", what,
			   e ? e->message : "its answer makes no sense");
	g_clear_error(&e);
	return -1;
}

int service_fail(GError *e, struct bk_err *err)
{
	return fail(e, BK_EX_PROTOCOL, "the Secret Service fails", err);
}

int service_locked(struct bk_err *err)
{
	return bk_err_set(err, BK_EX_TEMPFAIL, 0, LOCKED);
}

/* ---- no prompts ------------------------------------------------------------ */

#define NO_PROMPT "nobody is there to answer"

static GVariant *prompt_sync(SecretService *self, SecretPrompt *prompt,
			     GCancellable *cancel, const GVariantType *type,
			     GError **error)
{
	(void)self;
	(void)prompt;
	(void)cancel;
	(void)type;
	g_set_error(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED, NO_PROMPT);
	return NULL;
}

static void prompt_async(SecretService *self, SecretPrompt *prompt,
			 const GVariantType *type, GCancellable *cancel,
			 GAsyncReadyCallback callback, gpointer data)
{
	(void)prompt;
	(void)type;
	(void)cancel;
	g_task_report_new_error(self, callback, data, NULL, SECRET_ERROR,
				SECRET_ERROR_IS_LOCKED, NO_PROMPT);
}

static GVariant *prompt_finish(SecretService *self, GAsyncResult *result,
			       GError **error)
{
	(void)self;
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void class_init(gpointer class, gpointer data)
{
	SecretServiceClass *c = class;

	(void)data;
	c->prompt_sync = prompt_sync;
	c->prompt_async = prompt_async;
	c->prompt_finish = prompt_finish;
}

/* ---- connecting ------------------------------------------------------------ */

static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields,
				  gsize n, gpointer data)
{
	(void)data;
	for (gsize i = 0; i < n && level <= G_LOG_LEVEL_WARNING; i++)
		if (g_strcmp0(fields[i].key, "MESSAGE") == 0 &&
		    fields[i].length < 0)
			bk_debug("%s", (const char *)fields[i].value);
	return G_LOG_WRITER_HANDLED;
}

/*
 * libsecret writes a line to stderr where it may lock some memory, but not
 * enough; it goes on without. Where it may lock none it does so silently.
 */
static void settle_memlock(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_MEMLOCK, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max < MEMLOCK_WANTED ? 0 : lim.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &lim);
}

struct watch {
	GCancellable *cancel;
	unsigned int seconds;
};

static gpointer watch_time(gpointer data)
{
	struct watch *w = data;

	g_usleep((gulong)w->seconds * G_USEC_PER_SEC);
	g_cancellable_cancel(w->cancel);
	free(w);
	return NULL;
}

static int watch(struct service *s, unsigned int seconds, struct bk_err *err)
{
	GError *e = NULL;
	struct watch *w = bk_malloc(sizeof(*w));
	GThread *thread;

	s->cancel = g_cancellable_new();
	*w = (struct watch){ s->cancel, seconds };
	thread = g_thread_try_new("time", watch_time, w, &e);
	if (!thread) {
		free(w);
		return fail(e, BK_EX_OSERR, "cannot start a thread", err);
	}
	g_thread_unref(thread);
	return 0;
}

/* The connection that libsecret will use. */
static int connect_bus(const struct service *s, struct bk_err *err)
{
	GError *e = NULL;
	GDBusConnection *bus =
		g_bus_get_sync(G_BUS_TYPE_SESSION, s->cancel, &e);

	if (g_error_matches(e, G_IO_ERROR, G_IO_ERROR_CLOSED)) {
		g_clear_error(&e);
		return bk_err_set(err, BK_EX_NOPERM, 0, REFUSED);
	}
	if (!bus)
		return fail(e, BK_EX_UNAVAILABLE,
			    "cannot connect to the session bus", err);
	/* Else GLib ends this program by SIGTERM when the bus ends. */
	g_dbus_connection_set_exit_on_close(bus, FALSE);
	g_object_unref(bus);
	return 0;
}

int service_open(struct service *s, unsigned int seconds, struct bk_err *err)
{
	GError *e = NULL;
	char *owner;
	GType type;

	settle_memlock();
	g_log_set_writer_func(write_log, NULL, NULL);
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
	if (watch(s, seconds, err) < 0 || connect_bus(s, err) < 0)
		return -1;
	type = g_type_register_static_simple(SECRET_TYPE_SERVICE,
					     "BkSecretService",
					     sizeof(SecretServiceClass),
					     class_init, sizeof(SecretService),
					     NULL, 0);
	s->proxy = secret_service_open_sync(type, NULL, SECRET_SERVICE_NONE,
					    s->cancel, &e);
	if (!s->proxy)
		return fail(e, BK_EX_UNAVAILABLE,
			    "cannot start the Secret Service", err);
	owner = g_dbus_proxy_get_name_owner(G_DBUS_PROXY(s->proxy));
	if (!owner)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0, NONE);
	g_free(owner);
	return 0;
}
