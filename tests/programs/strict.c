/* SPDX-License-Identifier: MIT */
/*
 * strict.c - who may call next to nothing: strict mode|filter MS.
 *
 * "mode" is SECCOMP_MODE_STRICT: read, write, exit and sigreturn, else
 * SIGKILL; it forbids rdtsc, too, so no clock is read. "filter" kills at all
 * but read, write and exit. A child writes a number each millisecond, MS times
 * in all, or for 0 until its standard input ends; the program reads them and
 * works 0.1 ms for each: it is stopped in its work, inside of read(2), and on
 * its way in.
 *
 * Prints "ready", and "strict reads N wrong W" at the end: W counts reads that
 * failed or gave another number than the next one. Ends with 7 if there were
 * none, else with 8; by a signal if anybody made it call what it may not.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

enum { WORK_ITERATIONS = 100000, STATUS_GOOD = 7, STATUS_WRONG = 8 };

static int confine_by_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int confine(const char *how)
{
	if (strcmp(how, "filter") == 0)
		return confine_by_filter();
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
}

/* Waits for a millisecond. */
static bool input_has_ended(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&input, 1, 1) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

static int write_numbers(int fd, uint32_t n)
{
	signal(SIGPIPE, SIG_IGN); /* its reader was killed: no fault of ours */
	for (uint32_t i = 0; !n || i < n; i++) {
		if (n)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 },
				  NULL);
		else if (input_has_ended())
			break;
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			break;
	}
	return 0;
}

static void print_result(uint32_t n_reads, uint32_t n_wrong)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "strict reads %u wrong %u\n",
			 n_reads, n_wrong);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		n_wrong++;
	syscall(SYS_exit, n_wrong ? STATUS_WRONG : STATUS_GOOD);
}

static void read_numbers(int fd, uint32_t n)
{
	uint32_t n_reads = 0, n_wrong = 0, got = 0;
	ssize_t length;

	while ((length = read(fd, &got, sizeof(got))) != 0) {
		if (length != sizeof(got) || got != n_reads)
			n_wrong++;
		if (length > 0)
			n_reads++;
		f(WORK_ITERATIONS);
	}
	if (n && n_reads != n)
		n_wrong++;
	print_result(n_reads, n_wrong);
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[2]) : -1;
	int fds[2];

	if (n < 0 || (strcmp(argv[1], "mode") && strcmp(argv[1], "filter"))) {
		fputs("usage: strict mode|filter MS\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	if (pipe(fds) != 0)
		return 1;
	if (fork() == 0)
		return write_numbers(fds[1], (uint32_t)n);
	close(fds[1]);
	puts("ready");
	if (confine(argv[1]) != 0) {
		perror("seccomp");
		return 1;
	}
	read_numbers(fds[0], (uint32_t)n);
}
