/* SPDX-License-Identifier: MIT */
/* calls_file.c - reads and writes that block, and work in the kernel. */
#include "calls.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

enum { MIB = 1 << 20, PIPE_BYTES = 65536 };

static long read_8(int fd)
{
	char bytes[64];

	return read(fd, bytes, 8);
}

static long call_read(struct scene *s)
{
	return read_8(s->fd[0]);
}

static int open_pty(struct scene *s)
{
	s->fd[1] = posix_openpt(O_RDWR | O_NOCTTY);
	if (s->fd[1] < 0 || grantpt(s->fd[1]) || unlockpt(s->fd[1]))
		return -1;
	s->fd[0] = open(ptsname(s->fd[1]), O_RDWR | O_NOCTTY);
	return s->fd[0];
}

static void wake_pty(struct scene *s)
{
	if (write(s->fd[1], "x\n", 2) != 2)
		_exit(4);
}

static int open_eventfd(struct scene *s)
{
	s->fd[0] = s->fd[1] = eventfd(0, 0);
	return s->fd[0];
}

static void wake_eventfd(struct scene *s)
{
	eventfd_write(s->fd[1], 1);
}

static int open_signalfd(struct scene *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	s->fd[0] = signalfd(-1, &set, 0);
	return s->fd[0];
}

static void wake_signalfd(struct scene *s)
{
	pthread_kill(s->caller, SIGUSR1);
}

static long call_signalfd(struct scene *s)
{
	struct signalfd_siginfo info;
	long n = read(s->fd[0], &info, sizeof(info));

	return n == sizeof(info) && info.ssi_signo == SIGUSR1 ? 1 : n;
}

static int open_timerfd(struct scene *s)
{
	s->fd[0] = timerfd_create(CLOCK_MONOTONIC, 0);
	return s->fd[0];
}

static long call_timerfd(struct scene *s)
{
	struct itimerspec t = { .it_value = timespec_wait() };

	timerfd_settime(s->fd[0], 0, &t, NULL);
	return read_8(s->fd[0]);
}

static int open_inotify(struct scene *s)
{
	char name[32];

	snprintf(name, sizeof(name), "inotify.%d", (int)getpid());
	s->fd[1] = open(name, O_RDWR | O_CREAT, 0600);
	s->fd[0] = inotify_init1(0);
	if (inotify_add_watch(s->fd[0], name, IN_MODIFY) < 0)
		return -1;
	return unlink(name);
}

static long call_inotify(struct scene *s)
{
	char bytes[256];
	long n = read(s->fd[0], bytes, sizeof(bytes));

	if (ftruncate(s->fd[1], 0) != 0)
		return WRONG_DATA;
	take_bytes(s->fd[0]); /* of the truncation */
	return n > 0 ? 1 : n;
}

static int ready_inotify(struct scene *s)
{
	return lseek(s->fd[1], 0, SEEK_SET) < 0;
}

static int ready_fifo(struct scene *s)
{
	if (s->memory == NULL) {
		s->memory = calloc(1, 32);
		snprintf(s->memory, 32, "fifo.%d", (int)getpid());
	}
	return mkfifo(s->memory, 0600);
}

static void wake_fifo(struct scene *s)
{
	close(open(s->memory, O_WRONLY));
}

static long call_open_fifo(struct scene *s)
{
	int fd = open(s->memory, O_RDONLY), err = errno;

	if (fd >= 0)
		close(fd);
	unlink(s->memory);
	errno = err;
	return fd >= 0 ? 0 : fd;
}

static int ready_full_pipe(struct scene *s)
{
	static char bytes[4096];
	int flags = fcntl(s->fd[1], F_GETFL);

	fcntl(s->fd[1], F_SETFL, flags | O_NONBLOCK);
	while (write(s->fd[1], bytes, sizeof(bytes)) > 0)
		;
	return fcntl(s->fd[1], F_SETFL, flags);
}

static void wake_full_pipe(struct scene *s)
{
	char bytes[PIPE_BYTES];
	ssize_t n = read(s->fd[0], bytes, sizeof(bytes));

	(void)n;
}

static long call_write_full(struct scene *s)
{
	return write(s->fd[1], "hello", 5);
}

static int open_sendfile(struct scene *s)
{
	s->fd[2] = memfd_create("file", 0);
	return open_pipe(s) || ftruncate(s->fd[2], 4096) ? -1 : 0;
}

static long call_sendfile(struct scene *s)
{
	off_t offset = 0;

	return sendfile(s->fd[1], s->fd[2], &offset, 4096);
}

static int open_two_pipes(struct scene *s)
{
	return pipe(s->fd) || pipe(s->fd + 2) ? -1 : 0;
}

static long call_splice(struct scene *s)
{
	long n = splice(s->fd[0], NULL, s->fd[3], NULL, 100, 0);

	if (n > 0)
		take_bytes(s->fd[2]);
	return n;
}

/* Partly done: the rest is sent by the next calls. */
static int open_long_write(struct scene *s)
{
	return open_pipe(s) || open_pattern(s, MIB) ? -1 : 0;
}

static void wake_long_write(struct scene *s)
{
	static char bytes[MIB];
	ssize_t n, sum = 0;

	while (sum < MIB) {
		n = read(s->fd[0], bytes + sum, (size_t)(MIB - sum));
		if (n <= 0)
			_exit(4);
		sum += n;
	}
	if (!is_pattern(bytes, 0, MIB))
		_exit(5);
}

static long call_long_write(struct scene *s)
{
	long first = write(s->fd[1], s->memory, s->bytes);

	for (size_t n = (size_t)first; first > 0 && n < s->bytes;) {
		ssize_t more = write(s->fd[1], s->memory + n, s->bytes - n);

		if (more <= 0)
			return WRONG_DATA;
		n += (size_t)more;
	}
	return first;
}

static int open_buffer(struct scene *s)
{
	return open_pattern(s, MIB);
}

static long call_getrandom(struct scene *s)
{
	return getrandom(s->memory, MIB, 0);
}

static long call_getrandom_256(struct scene *s)
{
	return getrandom(s->memory, 256, 0);
}

static int open_urandom(struct scene *s)
{
	s->fd[0] = open("/dev/urandom", O_RDONLY);
	return s->fd[0] < 0 ? -1 : open_buffer(s);
}

static long call_read_all(struct scene *s)
{
	return read(s->fd[0], s->memory, MIB);
}

/* fd[0] holds 8 MiB, as a file without a name. */
static int open_file(struct scene *s)
{
	char name[32];

	snprintf(name, sizeof(name), "file.%d", (int)getpid());
	if (open_pattern(s, 8 * MIB) != 0)
		return -1;
	s->fd[0] = open(name, O_RDWR | O_CREAT, 0600);
	unlink(name);
	snprintf(name, sizeof(name), "copy.%d", (int)getpid());
	s->fd[1] = open(name, O_RDWR | O_CREAT, 0600);
	unlink(name);
	return write(s->fd[0], s->memory, s->bytes) == 8 * MIB ? 0 : -1;
}

static long call_copy_range(struct scene *s)
{
	off_t from = 0, to = 0;

	return copy_file_range(s->fd[0], &from, s->fd[1], &to, s->bytes, 0);
}

static long call_read_file(struct scene *s)
{
	return pread(s->fd[0], s->memory, s->bytes, 0);
}

static long call_write_file(struct scene *s)
{
	return pwrite(s->fd[1], s->memory, s->bytes, 0);
}

static long call_fsync(struct scene *s)
{
	if (pwrite(s->fd[1], s->memory, PIPE_BYTES, 0) != PIPE_BYTES)
		return WRONG_DATA;
	return fsync(s->fd[1]);
}

static long call_fallocate(struct scene *s)
{
	long result = fallocate(s->fd[1], 0, 0, 8 * MIB);

	return result != 0 ? result : ftruncate(s->fd[1], 0);
}

static long call_populate(struct scene *s)
{
	void *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	(void)s;
	return p == MAP_FAILED ? -1 : munmap(p, 8 * MIB);
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static long call_madvise(struct scene *s)
{
	void *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long result = madvise(p, 8 * MIB, MADV_POPULATE_WRITE);

	(void)s;
	munmap(p, 8 * MIB);
	return result;
}

static long call_mlock(struct scene *s)
{
	long result = mlock(s->memory, MIB);

	munlock(s->memory, MIB);
	return result;
}

static long call_fork(struct scene *s)
{
	int status = 0;
	pid_t pid;

	memset(s->memory, 1, s->bytes);
	pid = fork();
	if (pid == 0)
		_exit(s->memory[MIB - 1] == 1 ? 7 : 8);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 1 : WRONG_DATA;
}

const struct call_case calls_file[] = {
	{ "read_pipe", open_pipe, NULL, call_read, .wake = wake_pipe,
	  .want = 1 },
	{ "read_pty", open_pty, NULL, call_read, .wake = wake_pty, .want = 2 },
	{ "read_eventfd", open_eventfd, NULL, call_read, .wake = wake_eventfd,
	  .want = 8 },
	{ "read_signalfd", open_signalfd, NULL, call_signalfd,
	  .wake = wake_signalfd, .want = 1 },
	{ "read_timerfd", open_timerfd, NULL, call_timerfd, .want = 8 },
	{ "read_inotify", open_inotify, ready_inotify, call_inotify,
	  .wake = wake_pipe, .want = 1 },
	{ "open_fifo", open_nothing, ready_fifo, call_open_fifo,
	  .wake = wake_fifo },
	{ "write_full", open_pipe, ready_full_pipe, call_write_full,
	  .wake = wake_full_pipe, .want = 5 },
	{ "sendfile_full", open_sendfile, ready_full_pipe, call_sendfile,
	  .wake = wake_full_pipe, .want = 4096 },
	{ "splice", open_two_pipes, NULL, call_splice, .wake = wake_pipe,
	  .want = 1 },
	{ "write_1MiB", open_long_write, NULL, call_long_write,
	  .wake = wake_long_write, .want = MIB, .is_partial = true },
	{ "getrandom_1MiB", open_buffer, NULL, call_getrandom, .want = MIB,
	  .is_instant = true, .is_partial = true },
	{ "getrandom_256", open_buffer, NULL, call_getrandom_256, .want = 256,
	  .is_instant = true },
	{ "urandom_1MiB", open_urandom, NULL, call_read_all, .want = MIB,
	  .is_instant = true, .is_partial = true },
	{ "copy_file_range", open_file, NULL, call_copy_range, .want = 8 * MIB,
	  .is_instant = true, .is_partial = true },
	{ "read_file", open_file, NULL, call_read_file, .want = 8 * MIB,
	  .is_instant = true },
	{ "write_file", open_file, NULL, call_write_file, .want = 8 * MIB,
	  .is_instant = true },
	{ "fsync", open_file, NULL, call_fsync, .is_instant = true },
	{ "fallocate", open_file, NULL, call_fallocate, .is_instant = true },
	{ "mmap_populate", open_nothing, NULL, call_populate,
	  .is_instant = true },
	{ "madvise_populate", open_nothing, NULL, call_madvise,
	  .is_instant = true },
	{ "mlock", open_buffer, NULL, call_mlock, .is_instant = true },
	{ "fork", open_buffer, NULL, call_fork, .want = 1, .is_instant = true },
	{ .name = NULL },
};
