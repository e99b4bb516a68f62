/* SPDX-License-Identifier: MIT */
/*
 * fork_tree.c - a family with a hot function each: fork_tree MS.
 *
 * The parent burns MS of CPU in parent_hot, a forked child 2 MS in
 * forked_hot (and exits with 3), that child's own child MS in grandchild_hot
 * (4), and a child made by vfork and exec of this program 2 MS in execed_hot
 * (5): 1/6, 2/6, 1/6, 2/6 of all. The parent prints the statuses that it saw,
 * "forked 3 grandchild 4 execed 5", and exits with 7.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

WORK uint64_t parent_hot(uint64_t n)
{
	return spin(n, 29);
}

WORK uint64_t forked_hot(uint64_t n)
{
	return spin(n, 31);
}

WORK uint64_t grandchild_hot(uint64_t n)
{
	return spin(n, 37);
}

WORK uint64_t execed_hot(uint64_t n)
{
	return spin(n, 41);
}

static int wait_for(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* What the grandchild ended with goes up through @pipe_fd. */
static void forked_run(unsigned ms, int pipe_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		burn_ms(grandchild_hot, ms);
		_exit(4);
	}
	burn_ms(forked_hot, 2 * ms);

	char status = (char)wait_for(pid);

	if (write(pipe_fd, &status, 1) != 1)
		_exit(99);
	_exit(3);
}

int main(int argc, char **argv)
{
	unsigned ms = argc > 1 ? (unsigned)atoi(argv[1]) : 300;
	char *args[] = { argv[0], argc > 1 ? argv[1] : NULL, NULL, NULL };
	int pipe_fds[2];
	char grandchild = -1;

	if (argc > 2 && strcmp(argv[2], "execed") == 0) {
		burn_ms(execed_hot, 2 * ms);
		return 5;
	}
	if (pipe(pipe_fds) != 0)
		return 99;

	pid_t forked = fork();

	if (forked == 0)
		forked_run(ms, pipe_fds[1]);
	if (args[1] == NULL)
		args[1] = (char[]){ "300" };
	args[2] = (char[]){ "execed" };

	pid_t execed = vfork();

	if (execed == 0) {
		execv("/proc/self/exe", args);
		_exit(99);
	}
	burn_ms(parent_hot, ms);

	int forked_status = wait_for(forked), execed_status = wait_for(execed);

	if (read(pipe_fds[0], &grandchild, 1) != 1)
		return 99;
	printf("forked %d grandchild %d execed %d\n", forked_status,
	       grandchild, execed_status);
	return 7;
}
