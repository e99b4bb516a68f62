/* SPDX-License-Identifier: MIT */
/*
 * preload.c - psample-preload.so: gperftools' interface and variables.
 *
 * A program that calls ProfilerStart(), or is started with CPUPROFILE set,
 * finds here what libprofiler.so would have given it. It is this library and
 * libpsample in one object; the prototypes are those of gperftools'
 * profiler.h, of which nothing is needed to build it.
 */
#include "client/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#define HZ_MAX 4000 /* gperftools' bounds */
#define HZ_DEFAULT 100

struct ProfilerOptions {
	int (*filter_in_thread)(void *arg);
	void *filter_in_thread_arg;
};

struct ProfilerState {
	int enabled;
	time_t start_time;
	char profile_name[1024];
	int samples_gathered;
};

PSAMPLE_API int ProfilerStart(const char *file);
PSAMPLE_API int ProfilerStartWithOptions(
	const char *file, const struct ProfilerOptions *options);
PSAMPLE_API void ProfilerStop(void);
PSAMPLE_API void ProfilerFlush(void);
PSAMPLE_API void ProfilerEnable(void);
PSAMPLE_API void ProfilerDisable(void);
PSAMPLE_API int ProfilingIsEnabledForAllThreads(void);
PSAMPLE_API void ProfilerRegisterThread(void);
PSAMPLE_API void ProfilerGetCurrentState(struct ProfilerState *state);
PSAMPLE_API int ProfilerGetStackTrace(void **result, int max_depth,
				      int skip_count, const void *context);

static struct {
	char name[1024]; /* of the profile under way */
	time_t start_time;
	char base[PATH_MAX]; /* of CPUPROFILE, with CPUPROFILESIGNAL */
	unsigned n_toggled;
} cpu;

void preload_complain(const char *what, const struct psample_error *error)
{
	char line[640];
	int n = snprintf(line, sizeof(line), "psample-preload: %s: %s\n",
			 what, error->text);
	ssize_t written = write(STDERR_FILENO, line, (size_t)n);

	(void)written;
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *text = secure_getenv(variable);
	char *end;
	unsigned long value;

	if (!text || !*text)
		return otherwise;
	value = strtoul(text, &end, 10);
	return *end ? otherwise : value;
}

static unsigned wanted_hz(void)
{
	unsigned long hz = number_of("CPUPROFILE_FREQUENCY", HZ_DEFAULT);

	if (hz < 1)
		return HZ_DEFAULT;
	return (unsigned)(hz < HZ_MAX ? hz : HZ_MAX);
}

/*
 * A program that is linked with gperftools has it still, and its constructors
 * have run already: it is ended, so that one profile is taken, not two.
 */
bool preload_end_other(const char *function)
{
	void (*end)(void) = (void (*)(void))(uintptr_t)
		dlsym(RTLD_NEXT, function);

	if (end)
		end();
	return end != NULL;
}

/*
 * NAME, or NAME_PID in the children of the first process that has it. Older
 * versions of gperftools set the first bit of NAME to tell children, newer
 * ones a variable, in both cases before we are asked; so we have our own.
 */
bool preload_path(const char *variable, bool has_other, char *path,
		  size_t size)
{
	const char *name = secure_getenv(variable);
	char mark[64], use_pid[64];

	if (!name || !*name)
		return false;
	snprintf(mark, sizeof(mark), "PSAMPLE_%s_USED", variable);
	snprintf(use_pid, sizeof(use_pid), "%s_USE_PID", variable);
	if (number_of(mark, 0) || (!has_other && number_of(use_pid, 0)))
		snprintf(path, size, "%s_%d", name, (int)getpid());
	else
		snprintf(path, size, "%s", name);
	if (has_other)
		path[0] &= 0x7f;
	setenv(mark, "1", 1);
	return true;
}

static int start(const char *file)
{
	const struct psample_options options = {
		.size = sizeof(options),
		.file = file ? file : "",
		.hz = wanted_hz(),
		.flags = number_of("CPUPROFILE_REALTIME", 0) ? PSAMPLE_WALL
							      : 0,
	};
	struct psample_error error;
	int result = psample_start_with(&options, &error);

	if (!result) {
		snprintf(cpu.name, sizeof(cpu.name), "%s", file);
		cpu.start_time = time(NULL);
	} else if (result != EBUSY) {
		preload_complain(file ? file : "ProfilerStart", &error);
	}
	return result;
}

int ProfilerStart(const char *file)
{
	return !start(file);
}

/* A filter cannot be asked from outside: all threads are in the profile. */
int ProfilerStartWithOptions(const char *file,
			     const struct ProfilerOptions *options)
{
	(void)options;
	return !start(file);
}

void ProfilerStop(void)
{
	struct psample_error error;
	int result = psample_stop(&error);

	if (result && result != ESRCH)
		preload_complain(cpu.name, &error);
}

void ProfilerFlush(void)
{
	psample_flush(NULL);
}

/* As in gperftools: nothing any more. */
void ProfilerEnable(void)
{
}

void ProfilerDisable(void)
{
}

int ProfilingIsEnabledForAllThreads(void)
{
	return psample_is_running();
}

void ProfilerRegisterThread(void)
{
}

void ProfilerGetCurrentState(struct ProfilerState *state)
{
	memset(state, 0, sizeof(*state));
	if (!psample_is_running())
		return;
	state->enabled = 1;
	state->start_time = cpu.start_time;
	memcpy(state->profile_name, cpu.name, sizeof(cpu.name));
}

/* For handlers of SIGPROF, of which there is none. */
int ProfilerGetStackTrace(void **result, int max_depth, int skip_count,
			  const void *context)
{
	(void)result;
	(void)max_depth;
	(void)skip_count;
	(void)context;
	return 0;
}

/* CPUPROFILESIGNAL: on to NAME.0, off, on to NAME.1, and so on. */
static void toggle(int number)
{
	char path[PATH_MAX + 16];

	(void)number;
	if (psample_is_running()) {
		ProfilerStop();
		return;
	}
	snprintf(path, sizeof(path), "%s.%u", cpu.base, cpu.n_toggled);
	if (!start(path))
		cpu.n_toggled++;
}

static void await_signal(unsigned long number, bool is_ours)
{
	struct sigaction action = { .sa_handler = toggle,
				    .sa_flags = SA_RESTART };
	struct sigaction before;
	struct psample_error error = { .text = "no such signal, or it is in "
					       "use" };

	if (number < 1 || number > 64 ||
	    sigaction((int)number, NULL, &before) ||
	    (before.sa_handler != SIG_DFL && !is_ours) ||
	    sigaction((int)number, &action, NULL))
		preload_complain("CPUPROFILESIGNAL", &error);
}

static void __attribute__((constructor)) begin_at_load(void)
{
	bool has_other;

	if (getauxval(AT_SECURE))
		return;
	preload_heap_begin();
	has_other = preload_end_other("ProfilerStop");
	if (!preload_path("CPUPROFILE", has_other, cpu.base,
			  sizeof(cpu.base)))
		return;
	if (secure_getenv("CPUPROFILESIGNAL"))
		await_signal(number_of("CPUPROFILESIGNAL", 0), has_other);
	else
		start(cpu.base);
}

/* Before the library's own end, which would write no heap. */
static void __attribute__((destructor)) end_at_exit(void)
{
	preload_heap_end();
	if (psample_is_running())
		ProfilerStop();
}
