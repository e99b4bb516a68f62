/* SPDX-License-Identifier: MIT */
/*
 * bounds.c - targets that are large in one way: bounds KIND N SECONDS [FILE].
 *
 * threads: N threads that wait in read, and one that burns CPU in hot.
 * crowd: N threads that all burn CPU, in turns of what the kernel gives them.
 * mappings: N mappings of one page each; main burns CPU in hot.
 * remap: the same, and every 10 ms one of them goes and another one comes.
 * modules: N copies of the plugin FILE (bounds_plugin.c), FILE.0000 and so on,
 * each with a function of its own name, called in turn.
 * forks: children that burn 1 ms and exit, one after the other.
 * execs: children that execute this program again, which burns 1 ms.
 * Prints "ready" when all is there, and at the end how much was done: "turns N"
 * (blocks of work, calls, children), "longest N" (microseconds of one turn).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define BLOCK 20000 /* iterations of one turn */
#define CHILD_BLOCKS 20
#define THREAD_STACK_BYTES 65536
#define REMAP_NS 10000000u
#define NAME_TEXT "module_0000"

typedef uint64_t work_fn(uint64_t n);

struct progress {
	uint64_t start_ns, end_ns, turns, last_ns, longest_ns;
};

WORK uint64_t hot(uint64_t n)
{
	return spin(n, 71);
}

static void progress_start(struct progress *p, double seconds)
{
	puts("ready");
	fflush(stdout);
	p->start_ns = p->last_ns = clock_read_ns(CLOCK_MONOTONIC);
	p->end_ns = p->start_ns + (uint64_t)(seconds * 1e9);
}

static int is_on(struct progress *p)
{
	uint64_t now = clock_read_ns(CLOCK_MONOTONIC);

	if (p->turns++ && now - p->last_ns > p->longest_ns)
		p->longest_ns = now - p->last_ns;
	p->last_ns = now;
	return now < p->end_ns;
}

static int progress_print(const struct progress *p)
{
	printf("turns %llu\nlongest %llu\n", (unsigned long long)p->turns,
	       (unsigned long long)p->longest_ns / 1000);
	return 0;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* --- threads ---------------------------------------------------------- */

static int pipe_fds[2];

static void *wait_for_end(void *arg)
{
	char c;

	return read(pipe_fds[0], &c, 1) == 1 ? NULL : arg;
}

static void *burn(void *arg)
{
	for (;;)
		hot(BLOCK);
	return arg;
}

static int start_threads(long n, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	for (long i = 0; i < n; i++)
		if (pthread_create(&thread, &attr, run, NULL))
			return -1;
	return 0;
}

static int run_threads(long n, double seconds, void *(*run)(void *))
{
	struct progress p = { 0 };

	if (pipe(pipe_fds) || start_threads(n, run))
		return fail("pthread_create");
	progress_start(&p, seconds);
	while (is_on(&p))
		hot(BLOCK);
	return progress_print(&p);
}

/* --- mappings --------------------------------------------------------- */

/* Every second page has another protection, so that none are merged. */
static int run_mappings(long n, double seconds, int is_remapping)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)n * page, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct progress p = { 0 };
	uint64_t next_ns;

	for (long i = 0; pages != MAP_FAILED && i < n; i += 2)
		if (mprotect(pages + (size_t)i * page, page,
			     PROT_READ | PROT_WRITE))
			return fail("mprotect");
	progress_start(&p, seconds);
	next_ns = p.last_ns;
	while (is_on(&p)) {
		hot(BLOCK);
		if (!is_remapping || p.last_ns < next_ns)
			continue;
		next_ns = p.last_ns + REMAP_NS;
		mmap(pages + p.turns % (uint64_t)n * page, page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return progress_print(&p);
}

/* --- modules ---------------------------------------------------------- */

/* Give each occurrence of the name in the plugin the number @i. */
static void number_names(char *bytes, size_t len, long i)
{
	const size_t name_len = sizeof(NAME_TEXT) - 1;
	char digits[16];

	snprintf(digits, sizeof(digits), "%04ld", i % 10000);
	for (size_t at = 0; at + name_len <= len; at++)
		if (!memcmp(bytes + at, NAME_TEXT, name_len - 4))
			memcpy(bytes + at + name_len - 4, digits, 4);
}

static work_fn *load_copy(const char *plugin, char *bytes, size_t len, long i)
{
	char path[4096];
	void *handle = NULL;
	work_fn **entry;
	FILE *file;

	number_names(bytes, len, i);
	snprintf(path, sizeof(path), "%s.%04ld", plugin, i);
	file = fopen(path, "w");
	if (!file)
		return NULL;
	if (fwrite(bytes, 1, len, file) == len && !fclose(file))
		handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	entry = handle ? dlsym(handle, "bounds_entry") : NULL;
	return entry ? *entry : NULL;
}

static char *read_plugin(const char *path, size_t *out_len)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	static char bytes[1 << 20];

	if (!file)
		return NULL;
	*out_len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return bytes;
}

static int run_modules(long n, double seconds, const char *path)
{
	work_fn **functions = calloc((size_t)n, sizeof(*functions));
	struct progress p = { 0 };
	size_t len = 0;
	char *bytes = read_plugin(path, &len);

	if (!bytes || !functions)
		return fail("plugin");
	for (long i = 0; i < n; i++) {
		functions[i] = load_copy(path, bytes, len, i);
		if (!functions[i])
			return fail("dlopen");
	}
	progress_start(&p, seconds);
	while (is_on(&p))
		functions[p.turns % (uint64_t)n](BLOCK);
	return progress_print(&p);
}

/* --- processes -------------------------------------------------------- */

static void child_run(void)
{
	for (int i = 0; i < CHILD_BLOCKS; i++)
		hot(BLOCK);
	_exit(0);
}

static int run_children(double seconds, int is_exec)
{
	char *args[] = { (char[]){ "bounds" }, (char[]){ "child" }, NULL };
	struct progress p = { 0 };

	progress_start(&p, seconds);
	while (is_on(&p)) {
		pid_t pid = fork();

		if (pid == 0 && is_exec)
			execv("/proc/self/exe", args);
		if (pid == 0)
			child_run();
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return fail("fork");
	}
	return progress_print(&p);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 1;
	double seconds = argc > 3 ? atof(argv[3]) : 10;

	if (!strcmp(kind, "child"))
		child_run();
	if (!strcmp(kind, "threads"))
		return run_threads(n, seconds, wait_for_end);
	if (!strcmp(kind, "crowd"))
		return run_threads(n, seconds, burn);
	if (!strcmp(kind, "mappings") || !strcmp(kind, "remap"))
		return run_mappings(n, seconds, kind[0] == 'r');
	if (!strcmp(kind, "modules"))
		return run_modules(n, seconds, argc > 4 ? argv[4] : NULL);
	if (!strcmp(kind, "forks") || !strcmp(kind, "execs"))
		return run_children(seconds, kind[0] == 'e');
	fprintf(stderr, "bounds: no kind \"%s\"\n", kind);
	return 2;
}
