/* SPDX-License-Identifier: MIT */
/*
 * hostile.c - programs that a profiler could choke on: hostile KIND SECONDS
 *
 * uffd    works on a stack whose next page nobody ever fills (userfaultfd)
 * badsp   works while its stack pointer is no address: 0, odd, non-canonical
 * deep    works below 48 MiB of stack
 * maps    works among 64,000 mappings
 * names   works as "x) R 1 1", with a mapped file whose name has a line break
 * edge    works just above the page at which the stack would have to grow
 * vfork   sleeps in vfork(2), in a state in which nothing can be stopped
 *
 * Prints "ready"; when done "KIND done", and ends with 0. A case that cannot
 * be made here prints "unavailable" and why.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

enum { PAGE = 4096, MIB = 1 << 20, DEEP_BYTES = 48 * MIB, N_MAPS = 64000 };

struct hostile {
	double seconds;
	uint64_t end_ns;
};

static void __attribute__((noreturn)) give_up(const char *what)
{
	printf("unavailable: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(0);
}

static void say_ready(struct hostile *h)
{
	h->end_ns = clock_read_ns(CLOCK_MONOTONIC) +
		    (uint64_t)(h->seconds * 1e9);
	puts("ready");
	fflush(stdout);
}

static void work_until_end(struct hostile *h)
{
	while (clock_read_ns(CLOCK_MONOTONIC) < h->end_ns)
		f(100000);
}

/*
 * @n rounds with @sp as the stack pointer: a signal would kill us, no stop
 * may. r12 keeps the right one.
 */
static void spin_with_sp(uint64_t sp, uint64_t n)
{
	__asm__ volatile("mov %%rsp, %%r12\n\t"
			 "mov %[sp], %%rsp\n\t"
			 "1: dec %[n]\n\t"
			 "jnz 1b\n\t"
			 "mov %%r12, %%rsp\n\t"
			 : [n] "+r"(n)
			 : [sp] "r"(sp)
			 : "r12", "cc", "memory");
}

static void hostile_badsp(struct hostile *h)
{
	static const uint64_t bad[] = {
		0, 8, 0x1234567, 0x7ffffffff000, 0x8000000000000000,
		0xffffffffff600000, 0xdeadbeefdeadbeef, 0xfffffffffffffff8,
	};

	say_ready(h);
	for (unsigned i = 0; clock_read_ns(CLOCK_MONOTONIC) < h->end_ns; i++)
		spin_with_sp(bad[i % 8], 10000000);
}

/* Whoever reads from the stack pointer upwards meets a page that is not there
 * after some bytes, and waits for someone to fill it. */
static void hostile_uffd(struct hostile *h)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register all = {
		.range = { (uint64_t)(uintptr_t)area, 16 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || area == MAP_FAILED)
		give_up("userfaultfd");
	memset(area, 1, 8 * PAGE);
	if (ioctl(fd, UFFDIO_API, &api) != 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &all) != 0)
		give_up("userfaultfd");
	say_ready(h);
	while (clock_read_ns(CLOCK_MONOTONIC) < h->end_ns)
		spin_with_sp((uint64_t)(uintptr_t)area + 8 * PAGE - 64,
			     10000000);
}

static void __attribute__((noinline)) go_deep(struct hostile *h, long left)
{
	volatile char frame[1024];

	frame[0] = (char)left;
	if (left > 0) {
		go_deep(h, left - 1);
	} else {
		say_ready(h);
		work_until_end(h);
	}
	frame[1] = frame[0];
}

static void *deep_run(void *arg)
{
	go_deep(arg, DEEP_BYTES / 1100);
	return NULL;
}

static void hostile_deep(struct hostile *h)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * MIB);
	if ((errno = pthread_create(&thread, &attr, deep_run, h)) != 0)
		give_up("64 MiB of stack");
	pthread_join(thread, NULL);
}

static uint64_t stack_start(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long start = 0;

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]"))
			sscanf(line, "%lx", &start);
	if (maps)
		fclose(maps);
	if (!start)
		give_up("no [stack]");
	return start;
}

/* Calls nobody: whoever is called, or a signal, would make the stack grow. */
static void __attribute__((noinline))
work_at(uint64_t edge, uint64_t end_tick)
{
	volatile char *room;
	uint64_t sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	room = __builtin_alloca((sp - edge - 64) & ~UINT64_C(15));
	room[0] = 1;
	while (__builtin_ia32_rdtsc() < end_tick)
		;
	room[0] = 2;
}

static void hostile_edge(struct hostile *h)
{
	uint64_t begin = __builtin_ia32_rdtsc(), tick;
	uint64_t begin_ns = clock_read_ns(CLOCK_MONOTONIC);

	f(1000000);
	say_ready(h);
	tick = __builtin_ia32_rdtsc();
	work_at(stack_start(), tick + (uint64_t)(
		h->seconds * 1e9 * (double)(tick - begin) /
		(double)(clock_read_ns(CLOCK_MONOTONIC) - begin_ns)));
}

static void hostile_maps(struct hostile *h)
{
	char *area = mmap(NULL, (size_t)N_MAPS * PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t i = 0; area != MAP_FAILED && i < N_MAPS; i += 2)
		if (mprotect(area + i * PAGE, PAGE, PROT_NONE) != 0)
			break; /* as many as the kernel allows */
	say_ready(h);
	work_until_end(h);
}

static void hostile_names(struct hostile *h)
{
	char name[64] = "/tmp/hostile\n7f00-7fff r-xp 0 0 0 (deleted) XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || ftruncate(fd, PAGE) != 0 ||
	    mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) ==
		    MAP_FAILED)
		give_up("a file in /tmp");
	unlink(name);
	prctl(PR_SET_NAME, "x) R 1 1 (\n");
	say_ready(h);
	work_until_end(h);
}

static void hostile_vfork(struct hostile *h)
{
	pid_t pid;

	say_ready(h);
	pid = vfork();
	if (pid == 0) {
		struct timespec t = { .tv_sec = (time_t)h->seconds };

		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*run)(struct hostile *h);
} kinds[] = {
	{ "uffd", hostile_uffd },   { "badsp", hostile_badsp },
	{ "deep", hostile_deep },   { "maps", hostile_maps },
	{ "names", hostile_names }, { "vfork", hostile_vfork },
	{ "edge", hostile_edge },
};

int main(int argc, char **argv)
{
	struct hostile h = { .seconds = argc > 2 ? atof(argv[2]) : 5 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (argc > 1 && strcmp(kinds[i].name, argv[1]) == 0) {
			kinds[i].run(&h);
			printf("%s done\n", argv[1]);
			return 0;
		}
	return 2;
}
