/* SPDX-License-Identifier: MIT */
/*
 * debuginfod.c - libdebuginfod by dlopen(3), with a limit on its time.
 *
 * The library calls back a few times a second while it waits; a result other
 * than 0 ends the transfer (debuginfod_find_debuginfo(3), Progress).
 */
#include "symbol/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include "util/clock.h"
#include "util/log.h"

#define LIBRARY "libdebuginfod.so.1"
#define ALL_MAX_NS (120 * NS_PER_S)
#define SILENCE_MAX_NS (15 * NS_PER_S) /* without a single byte */

typedef int (*progress_fn)(void *handle, long done, long total);

struct debuginfod {
	void *library, *handle;
	void *(*begin)(void);
	void (*end)(void *handle);
	int (*find)(void *handle, const unsigned char *build_id, int len,
		    char **path);
	int (*find_source)(void *handle, const unsigned char *build_id,
			   int len, const char *file, char **path);
	void (*set_progress)(void *handle, progress_fn fn);
	void (*set_user_data)(void *handle, void *data);
	int64_t spent_ns;
	bool is_spent;
	/* of the transfer under way */
	const char *name;
	int64_t start_ns, moved_ns;
	long done;
};

/* POSIX lets dlsym()'s result be a function, ISO C does not: no cast. */
static bool load(struct debuginfod *client, const char *name, void *out)
{
	void *symbol = dlsym(client->library, name);

	memcpy(out, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool load_all(struct debuginfod *client)
{
	return load(client, "debuginfod_begin", &client->begin) &&
	       load(client, "debuginfod_end", &client->end) &&
	       load(client, "debuginfod_find_debuginfo", &client->find) &&
	       load(client, "debuginfod_find_source",
		    &client->find_source) &&
	       load(client, "debuginfod_set_progressfn",
		    &client->set_progress) &&
	       load(client, "debuginfod_set_user_data",
		    &client->set_user_data);
}

void debuginfod_close(struct debuginfod *client)
{
	if (!client)
		return;
	if (client->handle)
		client->end(client->handle);
	if (client->library)
		dlclose(client->library);
	free(client);
}

struct error *debuginfod_open(struct debuginfod **out)
{
	CLEANUP(debuginfod_close) struct debuginfod *client = NULL;
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct error *error;

	if (!urls || !urls[strspn(urls, " ")]) {
		error = error_new("no server for --debuginfod is known");
		return error_hint(error, "try:   DEBUGINFOD_URLS=https://"
					 "debuginfod.elfutils.org psample ...");
	}
	client = xcalloc(1, sizeof(*client));
	client->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!client->library || !load_all(client)) {
		error = error_new("--debuginfod needs " LIBRARY);
		return error_hint(error, "try:   install libdebuginfod1 "
					 "(Debian) or elfutils-debuginfod-"
					 "client (Fedora)");
	}
	*out = TAKE(client);
	return NULL;
}

/* Callbacks only get the library's own handle, which knows ours. */
static struct debuginfod *client_of(void *handle)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);
	void *(*get_user_data)(void *handle) = NULL;
	struct debuginfod finder = { .library = library };
	struct debuginfod *client = NULL;

	if (library && load(&finder, "debuginfod_get_user_data",
			    &get_user_data))
		client = get_user_data(handle);
	if (library)
		dlclose(library); /* one of two references */
	return client;
}

static int show_progress(void *handle, long done, long total)
{
	struct debuginfod *client = client_of(handle);
	int64_t now = clock_now_ns();

	if (!client)
		return 1;
	/* Until a server answers, @done only counts the calls. */
	if (done > client->done + 1)
		client->moved_ns = now;
	client->done = done;
	if (total > 0)
		log_progress("debuginfod: %s, %ld of %ld MiB", client->name,
			     done >> 20, total >> 20);
	else
		log_progress("debuginfod: %s", client->name);
	return now - client->moved_ns > SILENCE_MAX_NS ||
	       client->spent_ns + now - client->start_ns > ALL_MAX_NS;
}

static bool prepare(struct debuginfod *client)
{
	if (!client->handle)
		client->handle = client->begin();
	if (!client->handle)
		return false;
	client->set_user_data(client->handle, client);
	client->set_progress(client->handle, show_progress);
	return true;
}

static bool begin(struct debuginfod *client, const char *name)
{
	if (client->is_spent || !prepare(client))
		return false;
	client->name = name;
	client->done = -1;
	client->start_ns = client->moved_ns = clock_now_ns();
	return true;
}

/* @fd is the descriptor, or a negative errno. */
static int finish(struct debuginfod *client, int fd)
{
	int64_t took_ns = clock_now_ns() - client->start_ns;

	client->spent_ns += took_ns;
	log_progress(NULL);
	log_info("debuginfod: %s: %s after %lld ms", client->name,
		 fd < 0 ? strerror(-fd) : "found",
		 (long long)(took_ns / NS_PER_MS));
	/* A server that does not answer will not answer the next time. */
	if (fd < 0 && took_ns > SILENCE_MAX_NS) {
		client->is_spent = true;
		log_warning("debuginfod: no answer in time, not asked again");
	}
	return fd < 0 ? -1 : fd;
}

int debuginfod_fetch(struct debuginfod *client, const unsigned char *build_id,
		     size_t len, const char *name, char **out_path)
{
	return begin(client, name) ?
		       finish(client, client->find(client->handle, build_id,
						   (int)len, out_path)) :
		       -1;
}

int debuginfod_fetch_source(struct debuginfod *client,
			    const unsigned char *build_id, size_t len,
			    const char *name)
{
	return begin(client, name) ?
		       finish(client,
			      client->find_source(client->handle, build_id,
						  (int)len, name, NULL)) :
		       -1;
}
