/* SPDX-License-Identifier: MIT */
/*
 * allocs.c - allocates at known sites, or makes trouble for who watches it.
 *
 *	allocs sites ROUNDS	at site_NAME(), percent of the bytes: small
 *		4.6, cleared 11.6, grown 9.0, aligned 14.5, array 14.5, large
 *		45.5, kept 0.3; what kept makes stays in use
 *	allocs children ROUNDS	the same, and so do a forked child and one that
 *		calls exec behind vfork(2); says "children done"
 *	allocs storm N		threads that free each other's objects,
 *		signals, children by fork and vfork; says "storm done"
 *	allocs filter 0|1	installs, by prctl(2) or seccomp(2), a filter
 *		that kills who copies memory by a system call, by the latter
 *		for a thread that allocates meanwhile, too; says "filter done"
 *	allocs under NUMBER PROGRAM ARGUMENT...	runs it under a filter that
 *		kills for that system call
 *	allocs loop THREADS	says "ready", and has threads do what storm's
 *		do, the first one site_array(), until SIGTERM; says "done"
 *	allocs forked THREADS	forks, and both do what loop does
 *	allocs maps N	maps MiBs: map_kept() N that stay, map_cut() 2 N of
 *		which N stay, map_moved() 1, 8 and 4 that stay, map_left() 2
 *		and their pages 2 more, map_churn() N / 16 that do not,
 *		map_reserved() 10 of which 6 stay, map_opened() 16 of which
 *		9 stay, map_flipped() 3; a child does the like
 *	allocs arena FIFO	reserves memory, and opens 5 MiB of it when FIFO
 *		is written to
 *	allocs ages FIFO	site_kept() 10 MB, and as much by site_young()
 *		when FIFO is written to
 *	allocs plugin FILE	loads FILE, which allocates 100 MB
 *	allocs file FILE	appends "begun", allocates, appends "done"
 */
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define DONTUNMAP 4 /* MREMAP_DONTUNMAP, Linux 5.7 */
#define SITE static __attribute__((noinline)) void

static void *volatile sink;
static void *volatile kept_objects[200000];
static void *boxes[64];

SITE site_small(int n)
{
	for (int i = 0; i < n; i++) {
		sink = malloc(16);
		free(sink);
	}
}

SITE site_array(int n)
{
	for (int i = 0; i < n; i++) {
		void *volatile array = malloc(200); /* in several threads */

		free(array);
	}
}

SITE site_cleared(int n)
{
	for (int i = 0; i < n; i++) {
		sink = calloc(10, 400);
		free(sink);
	}
}

SITE site_grown(int n)
{
	for (int i = 0; i < n; i++) {
		sink = malloc(100);
		sink = realloc(sink, 3000);
		free(sink);
	}
}

SITE site_aligned(void)
{
	void *p;

	if (posix_memalign(&p, 64, 100000))
		abort();
	sink = p;
	free(sink);
}

SITE site_large(void)
{
	sink = malloc(3 << 20);
	free(sink);
}

SITE site_kept(int round)
{
	for (int i = 0; i < 2; i++)
		kept_objects[(2 * round + i) % 200000] = malloc(1000);
}

SITE site_young(int round)
{
	for (int i = 0; i < 2; i++)
		kept_objects[(2 * round + i) % 200000] = malloc(1000);
}

/* 10 MB that are old by the time that somebody writes to @fifo, and 10 more. */
static void run_ages(const char *fifo)
{
	FILE *file;
	int n;

	for (n = 0; n < 5000; n++)
		site_kept(n);
	puts("old");
	fflush(stdout);
	file = fopen(fifo, "r");
	if (file)
		fgetc(file);
	for (; n < 10000; n++)
		site_young(n);
}

static void run_sites(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		site_small(2000);
		site_array(500);
		site_cleared(20);
		site_grown(20);
		site_aligned();
		if (i % 10 == 0)
			site_large();
		site_kept(i);
	}
	printf("kept %d\n", rounds * 2000);
}

static void ignore(int signal)
{
	(void)signal;
}

/* Each frees what another one has made. */
static void *churn(void *arg)
{
	unsigned int n = *(unsigned int *)arg, x = n;

	for (unsigned int i = 0; i < n; i++) {
		size_t size = 16 + (x >> 8) % 4000;
		char *p;

		x = x * 1664525 + 1013904223;
		p = x & 64 ? malloc(size)
			   : aligned_alloc(64, (size + 63) & ~(size_t)63);
		p[0] = p[size - 1] = 1;
		if (x % 32 == 0)
			p = realloc(p, 3 * size);
		free(__atomic_exchange_n(&boxes[(x >> 20) % 64], p,
					 __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static int run_child(int is_vfork)
{
	pid_t pid = is_vfork ? vfork() : fork();
	int status;

	if (pid == 0 && is_vfork) {
		execlp("true", "true", NULL);
		_exit(1);
	}
	if (pid == 0) {
		for (int i = 0; i < 1000; i++)
			site_grown(1);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return status != 0;
}

static void run_storm(unsigned int n)
{
	struct sigaction action = { .sa_handler = ignore,
				    .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
	pthread_t threads[4];
	int n_bad = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, &n);
	for (int i = 0; i < 40; i++) {
		n_bad += run_child(i % 2);
		n_bad += malloc(SIZE_MAX / 4 + (size_t)i) != NULL;
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	if (!n_bad)
		puts("storm done");
}

static volatile sig_atomic_t must_end;

static void end(int signal)
{
	(void)signal;
	must_end = 1;
}

static void *churn_on(void *arg)
{
	while (!must_end) {
		churn(arg);
		usleep(1000);
	}
	return NULL;
}

static void run_loop(int n_threads)
{
	struct sigaction action = { .sa_handler = end };
	pthread_t threads[16];
	unsigned int n = 1000;
	int n_begun = 0;

	sigaction(SIGTERM, &action, NULL);
	puts("ready");
	fflush(stdout);
	while (n_begun < n_threads && n_begun < 16 &&
	       !pthread_create(&threads[n_begun], NULL, churn_on, &n))
		n_begun++;
	while (!must_end) {
		site_array(1000);
		usleep(1000);
	}
	while (n_begun--)
		pthread_join(threads[n_begun], NULL);
	puts("done");
}

static void *allocate_small(void *arg)
{
	site_array(200000);
	return arg;
}

/* From now on the system call @number kills. */
static void install_filter(unsigned int number, int by_syscall)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (by_syscall ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				 SECCOMP_FILTER_FLAG_TSYNC, &program)
		       : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		puts("no seccomp here");
}

static void run_filter(int by_syscall)
{
	pthread_t thread, earlier;

	pthread_create(&earlier, NULL, allocate_small, NULL);
	install_filter(SYS_process_vm_readv, by_syscall);
	site_array(300000);
	pthread_create(&thread, NULL, allocate_small, NULL);
	pthread_join(thread, NULL);
	pthread_join(earlier, NULL);
	puts("filter done");
}

static int run_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW);
	void *(*find)(void);
	void (*run)(void);

	if (!plugin)
		return 1;
	find = (void *(*)(void))dlsym(plugin, "plugin_malloc");
	run = (void (*)(void))dlsym(plugin, "plugin_allocate");
	for (int i = 0; i < 1000; i++) {
		if (find() != dlsym(RTLD_DEFAULT, "malloc"))
			break; /* it leads elsewhere: to psample's agent */
		usleep(10000);
	}
	run();
	return 0;
}

static char *map_at(void *at, size_t len, int prot)
{
	return mmap(at, len, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

SITE map_kept(size_t n)
{
	for (size_t i = 0; i < n; i++)
		sink = map_at(NULL, MIB, PROT_READ | PROT_WRITE);
}

SITE map_cut(size_t n)
{
	char *p;

	for (size_t i = 0; i < n; i++) {
		p = map_at(NULL, 2 * MIB, PROT_READ | PROT_WRITE);
		munmap(p + MIB / 2, MIB);
	}
}

SITE map_churn(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sink = map_at(NULL, 65536, PROT_READ);
		munmap(sink, 65536);
	}
}

/* Of 1, 8 and 4 MiB, one after the other; and then there is no room. */
SITE map_moved(void)
{
	char *p = map_at(NULL, MIB, PROT_READ | PROT_WRITE);

	p = mremap(p, MIB, 8 * MIB, MREMAP_MAYMOVE);
	p = mremap(p, 8 * MIB, 4 * MIB, 0);
	if (mremap(p, 4 * MIB, (size_t)1 << 50, MREMAP_MAYMOVE) != MAP_FAILED)
		abort();
}

/* Its pages go to as much memory again; without a kernel for it likewise. */
SITE map_left(void)
{
	char *p = map_at(NULL, 2 * MIB, PROT_READ | PROT_WRITE);

	if (mremap(p, 2 * MIB, 2 * MIB, MREMAP_MAYMOVE | DONTUNMAP) ==
	    MAP_FAILED)
		sink = map_at(NULL, 2 * MIB, PROT_READ);
}

SITE map_reserved(void)
{
	char *p = map_at(NULL, 1024 * MIB, PROT_NONE);

	sink = map_at(p, 10 * MIB, PROT_READ | PROT_WRITE);
	sink = map_at(p, 4 * MIB, PROT_NONE);
}

/*
 * An arena that grows by mprotect(2): 8 MiB, 2 of them once more, 4 behind
 * them, 4 that were closed meanwhile; then 2 are closed, one is given away.
 */
SITE map_opened(void)
{
	char *p = map_at(NULL, 256 * MIB, PROT_NONE);
	int rights = PROT_READ | PROT_WRITE;

	mprotect(p, 8 * MIB, rights);
	mprotect(p, 2 * MIB, PROT_READ);
	mprotect(p + 6 * MIB, 6 * MIB, rights);
	mprotect(p + 2 * MIB, 4 * MIB, PROT_NONE);
	mprotect(p + 2 * MIB, 4 * MIB, rights);
	mprotect(p + 9 * MIB, 2 * MIB, PROT_NONE);
	munmap(p + 11 * MIB, MIB);
	mprotect(p + 12 * MIB + 1, MIB, rights); /* fails */
}

/*
 * A JIT's: written, then run; a page of the program, too. Not for long: the
 * ring is to have room for all calls of this program (AGENT_RECORDS).
 */
SITE map_flipped(void)
{
	static char own[8192] __attribute__((aligned(4096)));
	char *p = map_at(NULL, 3 * MIB, PROT_READ | PROT_WRITE);

	for (int i = 0; i < 10; i++) {
		mprotect(p, 3 * MIB, PROT_READ | PROT_EXEC);
		mprotect(p, 3 * MIB, PROT_READ | PROT_WRITE);
		mprotect(own, 4096, PROT_READ);
		mprotect(own, 4096, PROT_NONE);
		mprotect(own, 4096, PROT_READ | PROT_WRITE);
	}
}

static void run_maps(size_t n)
{
	map_kept(n);
	map_cut(n);
	map_moved();
	map_left();
	map_reserved();
	map_opened();
	map_flipped();
	if (fork() == 0)
		map_kept(n);
	else
		map_churn(n);
}

/* Reserved long ago; 5 MiB are opened when somebody writes to @fifo. */
SITE run_arena(const char *fifo)
{
	char *p = map_at(NULL, 64 * MIB, PROT_NONE), byte;
	FILE *file;

	puts("reserved");
	fflush(stdout);
	file = fopen(fifo, "r");
	if (!file || fread(&byte, 1, 1, file) != 1 ||
	    mprotect(p + MIB, 5 * MIB, PROT_READ | PROT_WRITE))
		return;
	puts("opened");
	fflush(stdout);
	sleep(60);
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	fputs(text, file);
	fclose(file);
}

/* One that is forked, one that calls exec behind vfork(2), and we. */
static void run_children(const char *self, const char *rounds)
{
	pid_t forked = fork(), begun;
	int status[2];

	if (forked == 0) {
		run_sites(atoi(rounds));
		_exit(0);
	}
	begun = vfork();
	if (begun == 0) {
		execl(self, self, "sites", rounds, NULL);
		_exit(127);
	}
	run_sites(atoi(rounds));
	if (waitpid(forked, &status[0], 0) == forked &&
	    waitpid(begun, &status[1], 0) == begun && !status[0] && !status[1])
		printf("children done\n");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "sites"))
		run_sites(atoi(argv[2]));
	else if (!strcmp(argv[1], "ages"))
		run_ages(argv[2]);
	else if (!strcmp(argv[1], "children"))
		run_children(argv[0], argv[2]);
	else if (!strcmp(argv[1], "storm"))
		run_storm((unsigned int)atoi(argv[2]));
	else if (!strcmp(argv[1], "loop"))
		run_loop(atoi(argv[2]));
	else if (!strcmp(argv[1], "forked") && fork() >= 0)
		run_loop(atoi(argv[2]));
	else if (!strcmp(argv[1], "maps"))
		run_maps((size_t)atoi(argv[2]));
	else if (!strcmp(argv[1], "arena"))
		run_arena(argv[2]);
	else if (!strcmp(argv[1], "filter"))
		run_filter(atoi(argv[2]));
	else if (!strcmp(argv[1], "under") && argc > 3) {
		install_filter((unsigned int)atoi(argv[2]), 0);
		execvp(argv[3], argv + 3);
	} else if (!strcmp(argv[1], "plugin"))
		return run_plugin(argv[2]);
	else if (!strcmp(argv[1], "file")) {
		append(argv[2], "begun\n");
		site_array(20000000);
		append(argv[2], "done\n");
	}
	return 0;
}
