/* SPDX-License-Identifier: MIT */
/*
 * confine.c - a child that answers questions about data nobody vouches for.
 *
 * Questions are two words, answers a length and so many bytes, over a pair of
 * sockets. What the child has inherited beside it could be written to, a
 * target's memory for one, and is closed; what it opens can only be read, but
 * for memory of its own (memfd_create(2)), which libelf may need as a file.
 */
#include "util/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/io.h"
#include "util/mem.h"

#define ANSWER_BYTES_MAX (1u << 20)
#define WRITE_FLAGS (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW true /* terabytes of addresses, no bound is possible */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SHADOW true
#endif
#endif
#ifndef HAS_SHADOW
#define HAS_SHADOW false
#endif

struct confine {
	pid_t pid;
	int pid_fd; /* a pid may be another's by now */
	int fd;
	int answer_ms;
	enum confine_result state;
};

/* System calls that read, that allocate, or that end. */
static const int permitted[] = {
	SYS_read, SYS_pread64, SYS_readv, SYS_lseek, SYS_close, SYS_fstat,
	SYS_newfstatat, SYS_stat, SYS_lstat, SYS_statx, SYS_access,
	SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat,
	SYS_getcwd, SYS_getdents64, SYS_mmap, SYS_munmap, SYS_mremap,
	SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_clock_gettime,
	SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid,
	SYS_getegid, SYS_getrandom, SYS_rt_sigprocmask, SYS_rt_sigaction,
	SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield,
	SYS_restart_syscall, SYS_exit, SYS_exit_group, SYS_write,
	SYS_pwrite64, SYS_memfd_create, SYS_ftruncate,
};

static void add(struct sock_filter *program, size_t *n, struct sock_filter op)
{
	program[(*n)++] = op;
}

/* seccomp_data.args[@i], its lower half; all that is asked for is an int. */
static struct sock_filter load_argument(size_t i)
{
	return (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS,
		(uint32_t)offsetof(struct seccomp_data, args) +
			8 * (uint32_t)i);
}

static struct sock_filter answer_with(uint32_t action)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

/* If it is @nr, go on, else skip the next @n. */
static struct sock_filter unless(int nr, uint8_t n)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					    (uint32_t)nr, 0, n);
}

/* open(2) and its kin, @flags_at being the argument with the flags. */
static void add_open(struct sock_filter *program, size_t *n, int nr,
		     size_t flags_at)
{
	add(program, n, unless(nr, 4));
	add(program, n, load_argument(flags_at));
	add(program, n, (struct sock_filter)BPF_JUMP(
				BPF_JMP | BPF_JSET | BPF_K, WRITE_FLAGS, 1,
				0));
	add(program, n, answer_with(SECCOMP_RET_ALLOW));
	add(program, n, answer_with(SECCOMP_RET_ERRNO | EROFS));
}

static bool permit_reading_only(void)
{
	struct sock_filter program[2 * ARRAY_SIZE(permitted) + 32];
	struct sock_fprog filter = { .filter = program };
	size_t n = 0;

	add(program, &n, (struct sock_filter)BPF_STMT(
			BPF_LD | BPF_W | BPF_ABS,
			(uint32_t)offsetof(struct seccomp_data, arch)));
	add(program, &n, unless(AUDIT_ARCH_X86_64, 1));
	add(program, &n, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0,
						      0));
	add(program, &n, answer_with(SECCOMP_RET_KILL_PROCESS));
	add(program, &n, (struct sock_filter)BPF_STMT(
			BPF_LD | BPF_W | BPF_ABS,
			(uint32_t)offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < ARRAY_SIZE(permitted); i++) {
		add(program, &n, unless(permitted[i], 1));
		add(program, &n, answer_with(SECCOMP_RET_ALLOW));
	}
	add_open(program, &n, SYS_openat, 2);
	add_open(program, &n, SYS_open, 1);
	/* Its flags cannot be seen; callers fall back to openat(2). */
	add(program, &n, unless(SYS_openat2, 1));
	add(program, &n, answer_with(SECCOMP_RET_ERRNO | ENOSYS));
	add(program, &n, unless(SYS_fcntl, 3));
	add(program, &n, load_argument(1));
	add(program, &n, unless(F_DUPFD_CLOEXEC, 1));
	add(program, &n, answer_with(SECCOMP_RET_ALLOW));
	add(program, &n, answer_with(SECCOMP_RET_ERRNO | EPERM));
	filter.len = (unsigned short)n;
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

/* Whatever could be written to, but for these two. */
static bool close_writable(int kept, int kept_too)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		int flags = fcntl(fd, F_GETFL);

		if (*entry->d_name != '.' && fd != kept && fd != kept_too &&
		    flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
			close(fd);
	}
	closedir(dir);
	return true;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 } };

	return !syscall(SYS_capset, &header, none);
}

static bool bound_resources(const struct confine_limits *limits)
{
	struct rlimit cpu = { limits->cpu_s, limits->cpu_s + 1 };
	struct rlimit memory, core = { 0, 0 };
	CLEANUP(free) char *text = io_read_file("/proc/self/statm", 256,
						  NULL);
	uint64_t pages = text ? strtoull(text, NULL, 10) : 0;

	memory.rlim_cur = pages * (uint64_t)sysconf(_SC_PAGESIZE) +
			  limits->memory_bytes;
	memory.rlim_max = memory.rlim_cur;
	return !setrlimit(RLIMIT_CPU, &cpu) &&
	       !setrlimit(RLIMIT_CORE, &core) &&
	       (HAS_SHADOW || (pages && !setrlimit(RLIMIT_AS, &memory)));
}

/* What ends psample in a special way ends the child in a plain one. */
static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < SIGRTMIN; signo++)
		signal(signo, SIG_DFL);
	/* The terminal's are for psample, and so are timeout(1)'s: both send
	 * them to the group. We end with psample, by PR_SET_PDEATHSIG. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Those of them that came since the fork are gone now. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
serve(int fd, const struct confine_limits *limits, confine_answer_fn answer,
      void *ctx)
{
	struct strbuf out = { 0 };
	struct confine_question question;
	uint64_t bytes = 0;

	if (!close_writable(fd, limits->is_trusted ? STDERR_FILENO : fd))
		_exit(1);
	if (!limits->is_trusted &&
	    (!bound_resources(limits) || !drop_capabilities() ||
	     !permit_reading_only()))
		_exit(1);
	while (read(fd, &question, sizeof(question)) ==
	       (ssize_t)sizeof(question)) {
		out.len = 0;
		strbuf_add(&out, &bytes, sizeof(bytes));
		answer(ctx, &question, &out);
		bytes = out.len - sizeof(bytes);
		memcpy(out.data, &bytes, sizeof(bytes));
		if (!io_write_full(fd, out.data, out.len))
			break;
	}
	_exit(0);
}

static void begin(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	reset_signals();
}

struct confine *confine_start(const struct confine_limits *limits,
			      confine_answer_fn answer, void *ctx)
{
	struct confine *confine;
	pid_t parent = getpid(), pid;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return NULL;
	pid = fork();
	if (pid == 0) {
		begin(parent);
		serve(fds[1], limits, answer, ctx);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return NULL;
	}
	confine = xcalloc(1, sizeof(*confine));
	*confine = (struct confine){
		.pid = pid,
		.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0),
		.fd = fds[0],
		.answer_ms = limits->answer_ms,
	};
	return confine;
}

/* All @n bytes before @until_ns. */
static enum confine_result receive(int fd, void *buf, size_t n,
				   int64_t until_ns)
{
	size_t done = 0;

	while (done < n) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ssize_t got = recv(fd, (char *)buf + done, n - done,
				   MSG_DONTWAIT);
		int64_t left_ns;

		if (got > 0) {
			done += (size_t)got;
			continue;
		}
		if (got == 0 || (errno != EINTR && errno != EAGAIN))
			return CONFINE_DIED;
		left_ns = until_ns - clock_now_ns();
		if (left_ns <= 0)
			return CONFINE_LATE;
		poll(&poll_fd, 1, (int)(left_ns / NS_PER_MS) + 1);
	}
	return CONFINE_DONE;
}

void confine_send(struct confine *confine, struct confine_question question)
{
	ssize_t n;

	do
		n = send(confine->fd, &question, sizeof(question),
			 MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	/* It ends then, after the answers that it owes. */
	if (n != (ssize_t)sizeof(question))
		shutdown(confine->fd, SHUT_WR);
}

enum confine_result confine_receive(struct confine *confine,
				    struct strbuf *out)
{
	int64_t until_ns = clock_now_ns() + confine->answer_ms * NS_PER_MS;
	uint64_t bytes = 0;

	strbuf_clear(out);
	if (confine->state != CONFINE_DONE)
		return confine->state;
	confine->state = receive(confine->fd, &bytes, sizeof(bytes),
				 until_ns);
	if (confine->state == CONFINE_DONE && bytes > ANSWER_BYTES_MAX)
		confine->state = CONFINE_DIED;
	if (confine->state == CONFINE_DONE && bytes) {
		CLEANUP(free) char *text = xmalloc(bytes);

		confine->state = receive(confine->fd, text, bytes, until_ns);
		strbuf_add(out, text, bytes);
	}
	if (confine->state == CONFINE_LATE && confine->pid_fd >= 0)
		syscall(SYS_pidfd_send_signal, confine->pid_fd, SIGKILL,
			NULL, 0);
	return confine->state;
}

enum confine_result confine_ask(struct confine *confine,
				struct confine_question question,
				struct strbuf *out)
{
	confine_send(confine, question);
	return confine_receive(confine, out);
}

/*
 * Somebody who waits for any child may have been faster, and its pid be a
 * tracee's by now: so by its descriptor where there is one (Linux 5.4).
 */
static void await_end(const struct confine *confine)
{
	idtype_t type = confine->pid_fd >= 0 ? P_PIDFD : P_PID;
	id_t id = (id_t)(confine->pid_fd >= 0 ? confine->pid_fd
					      : confine->pid);
	siginfo_t info;

	while (waitid(type, id, &info, WEXITED) < 0 && errno == EINTR)
		;
}

void confine_free(struct confine *confine)
{
	if (!confine)
		return;
	close(confine->fd);
	if (confine->pid_fd >= 0)
		syscall(SYS_pidfd_send_signal, confine->pid_fd, SIGKILL,
			NULL, 0);
	await_end(confine);
	if (confine->pid_fd >= 0)
		close(confine->pid_fd);
	free(confine);
}
