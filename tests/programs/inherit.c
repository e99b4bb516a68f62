/* SPDX-License-Identifier: MIT */
/*
 * inherit.c - print what a process inherits, so that a run under psample can
 * be compared with a plain exec: the two outputs must be the same.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void print_signals(void)
{
	struct sigaction action;
	sigset_t mask, pending;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	for (int i = 1; i < NSIG; i++) {
		if (sigismember(&mask, i) == 1)
			printf("blocked %d\n", i);
		if (sigismember(&pending, i) == 1)
			printf("pending %d\n", i);
		if (sigaction(i, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL)
			printf("ignored %d\n", i);
	}
}

/* Number, flags and kind only: two runs have different pipes and files. */
static void print_descriptors(void)
{
	struct stat st;

	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags == -1 || fstat(fd, &st) != 0)
			continue;
		printf("fd %d flags %d status %x kind %o\n", fd, flags,
		       (unsigned)fcntl(fd, F_GETFL), st.st_mode & S_IFMT);
	}
}

static void print_limits(void)
{
	struct rlimit limit;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
			printf("limit %d %lx %lx\n", i, limit.rlim_cur,
			       limit.rlim_max);
}

/* Lines of /proc/self/status that a launcher could have changed. */
static void print_status(void)
{
	static const char *const keys[] = {
		"Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "SigCgt:",
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",
		"NoNewPrivs:", "Seccomp:", "Cpus_allowed:", "Mems_allowed:",
		"Threads:", "THP_enabled:", "Umask:",
	};
	FILE *file = fopen("/proc/self/status", "r");
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				fputs(line, stdout);
	if (file != NULL)
		fclose(file);
}

static void print_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		printf("%s %s", path, line);
	if (file != NULL)
		fclose(file);
}

static void print_scheduling(void)
{
	struct sched_param param;
	int parent_death = 0;

	sched_getparam(0, &param);
	prctl(PR_GET_PDEATHSIG, &parent_death);
	printf("nice %d policy %d priority %d\n", getpriority(PRIO_PROCESS, 0),
	       sched_getscheduler(0), param.sched_priority);
	printf("slack %d death signal %d dumpable %d subreaper %d\n",
	       prctl(PR_GET_TIMERSLACK), parent_death, prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_CHILD_SUBREAPER));
	printf("personality %x\n", (unsigned)personality(0xffffffff));
}

int main(int argc, char **argv)
{
	char directory[4096];

	for (int i = 0; i < argc; i++)
		printf("argument %d %s\n", i, argv[i]);
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "_=", 2) != 0)	/* the shell's own word */
			printf("env %s\n", *e);
	print_signals();
	print_descriptors();
	print_limits();
	print_status();
	print_scheduling();
	print_file("/proc/self/oom_score_adj");
	print_file("/proc/self/coredump_filter");
	print_file("/proc/self/cgroup");
	print_file("/proc/self/timerslack_ns");
	printf("cwd %s\n", getcwd(directory, sizeof(directory)));
	printf("group is foreground's: %d leader: %d session: %d\n",
	       tcgetpgrp(0) == getpgrp(), getpgrp() == getpid(),
	       getsid(0) == getpid());
	return 0;
}
