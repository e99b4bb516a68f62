/* SPDX-License-Identifier: MIT */
/*
 * test_filter.c - what a seccomp filter says, by the kernel and by us.
 *
 * Children install filters and make calls. So that no call is really made,
 * each return of a filter under test is one of some error number, by which the
 * kernel's way through it is known; a child ends by an illegal instruction.
 */
#include "target/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/tracee.h"
#include "check.h"
#include "util/io.h"

#define CODE_MAX 64
#define CALLS 32
#define N_FILTERS 300
#define OUTCOME_KILLED 100000
#define OUTCOME_TRAPPED 200000
#define LD_NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, k)
#define JEQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)

struct program {
	struct sock_filter code[CODE_MAX];
	size_t n;
};

static uint32_t random_state = 20261123;

static uint32_t pick(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

static int *shared_ints(size_t n)
{
	return mmap(NULL, n * sizeof(int), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static bool install(const struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { (unsigned short)n,
				      (struct sock_filter *)code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static long make_call(const struct filter_call *call)
{
	register uint64_t r10 __asm__("r10") = call->args[3];
	register uint64_t r8 __asm__("r8") = call->args[4];
	register uint64_t r9 __asm__("r9") = call->args[5];
	long result = call->nr;

	__asm__ volatile("syscall" : "+a"(result)
			 : "D"(call->args[0]), "S"(call->args[1]),
			   "d"(call->args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static volatile int trapped;

static void on_trap(int signo, siginfo_t *info, void *ctx)
{
	(void)signo;
	(void)ctx;
	trapped = OUTCOME_TRAPPED + info->si_errno;
}

/* @out[i]: what became of call i; @out[n] is set at the end. */
static void __attribute__((noreturn))
run_calls(const struct filter_call *calls, size_t from, size_t n, int *out)
{
	for (size_t i = from; i < n; i++) {
		long result;

		trapped = 0;
		result = make_call(&calls[i]);
		out[i] = trapped ? trapped : (int)-result;
	}
	out[n] = 1;
	__builtin_trap();
}

/* False: the kernel does not take the filter. */
static bool ask_kernel(const struct sock_filter *code, size_t n_code,
		       const struct filter_call *calls, size_t n, int *out)
{
	out[n] = 0;
	for (size_t from = 0; from < n && !out[n]; from++) {
		struct sigaction on_sys = { .sa_flags = SA_SIGINFO };
		struct rlimit none = { 0, 0 };
		int status;
		pid_t pid;

		for (size_t i = from; i < n; i++)
			out[i] = OUTCOME_KILLED;
		pid = fork();
		if (pid == 0) {
			setrlimit(RLIMIT_CORE, &none);
			on_sys.sa_sigaction = on_trap;
			sigaction(SIGSYS, &on_sys, NULL);
			if (!install(code, n_code))
				_exit(1);
			run_calls(calls, from, n, out);
		}
		waitpid(pid, &status, 0);
		if (WIFEXITED(status))
			return false;
		while (from < n && out[from] != OUTCOME_KILLED)
			from++;
	}
	return true;
}

/* What a child sees of @answer. */
static int outcome_of(uint32_t answer)
{
	int data = (int)(answer & SECCOMP_RET_DATA);

	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return EBADF; /* close(-1) is all that is permitted here */
	case SECCOMP_RET_TRACE: /* by nobody */
		return ENOSYS;
	case SECCOMP_RET_ERRNO:
		return data > 4095 ? 4095 : data;
	case SECCOMP_RET_TRAP:
		return OUTCOME_TRAPPED + data;
	default:
		return OUTCOME_KILLED;
	}
}

static struct sock_filter random_load(void)
{
	static const uint32_t offsets[] = { 0, 0, 4, 16, 20, 24, 28, 32, 36,
					    40, 44, 48, 52, 56, 60 };

	if (pick(8) == 0)
		return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN,
						    0);
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsets[pick(15)]);
}

static uint32_t random_constant(void)
{
	static const uint32_t some[] = { 0, 1, 2, 3, 0xff, 1000, 0x7fffffff,
					 0x80000000, 0xffffffff, 64,
					 AUDIT_ARCH_X86_64 };
	uint32_t i = pick(20);

	return i < 11 ? some[i] : pick(64);
}

static struct sock_filter random_computation(void)
{
	static const uint16_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL,
					       BPF_DIV, BPF_AND, BPF_OR,
					       BPF_XOR, BPF_LSH, BPF_RSH,
					       BPF_NEG };
	uint16_t operation = operations[pick(10)];
	uint32_t k = random_constant();

	if (operation == BPF_LSH || operation == BPF_RSH)
		k %= 32;
	if (operation == BPF_DIV && !k)
		k = 3;
	return (struct sock_filter)BPF_STMT(
		BPF_ALU | operation |
			(operation != BPF_NEG && pick(3) == 0 ? BPF_X : BPF_K),
		k);
}

/* @left: instructions up to those at the end, which all ways come to. */
static struct sock_filter random_jump(uint32_t left)
{
	static const uint16_t operations[] = { BPF_JEQ, BPF_JGT, BPF_JGE,
					       BPF_JSET };
	uint32_t far = left < 12 ? left + 1 : 12;

	if (pick(8) == 0)
		return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA,
						    pick(far), 0, 0);
	return (struct sock_filter)BPF_JUMP(
		BPF_JMP | operations[pick(4)] | (pick(4) ? BPF_K : BPF_X),
		random_constant(), (uint8_t)pick(far), (uint8_t)pick(far));
}

static struct sock_filter random_move(void)
{
	static const uint16_t codes[] = { BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM,
					  BPF_ST, BPF_STX, BPF_LD | BPF_IMM,
					  BPF_LDX | BPF_IMM,
					  BPF_MISC | BPF_TAX,
					  BPF_MISC | BPF_TXA,
					  BPF_LDX | BPF_W | BPF_LEN };
	uint32_t i = pick(9);

	return (struct sock_filter)BPF_STMT(codes[i], i < 4 ? pick(3)
						      : random_constant());
}

/* Memory is set first, else the kernel refuses most of them. */
static void make_random(struct program *p)
{
	p->n = 0;
	for (uint32_t i = 0; i < 3; i++)
		p->code[p->n++] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	while (p->n < CODE_MAX - 4) {
		uint32_t kind = pick(16);
		struct sock_filter *op = &p->code[p->n++];

		*op = kind < 5 ? random_load()
		      : kind < 8 ? random_computation()
		      : kind < 12 ? random_jump((uint32_t)(CODE_MAX - 4 -
							   p->n))
		      : kind < 15 ? random_move()
				  : (struct sock_filter)RET(
					    SECCOMP_RET_ERRNO | p->n);
	}
	/* What is in A becomes an error number. */
	p->code[p->n++] = (struct sock_filter)BPF_STMT(
		BPF_ALU | BPF_AND | BPF_K, 0xfff);
	p->code[p->n++] = (struct sock_filter)BPF_STMT(
		BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
	p->code[p->n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	p->code[p->n++] = (struct sock_filter)RET(SECCOMP_RET_ERRNO | 99);
}

/* uretprobe and uprobe are the kernel's own (Linux 6.11). */
static bool is_never_filtered(int nr)
{
	return nr == 335 || nr == 336;
}

static void make_call_up(struct filter_call *call)
{
	do
		call->nr = (int)pick(500);
	while (is_never_filtered(call->nr));
	call->known = 0x3f;
	for (int i = 0; i < 6; i++)
		call->args[i] = (uint64_t)random_constant() << 32 |
				random_constant();
}

TEST(filters_are_run_as_the_kernel_runs_them)
{
	int *outcomes = shared_ints(CALLS + 1);
	int n_taken = 0, n_different = 0, n_killed = 0;

	for (int f = 0; f < N_FILTERS; f++) {
		struct filter_call calls[CALLS];
		struct program p;

		make_random(&p);
		for (int i = 0; i < CALLS; i++)
			make_call_up(&calls[i]);
		if (!ask_kernel(p.code, p.n, calls, CALLS, outcomes))
			continue;
		n_taken++;
		for (int i = 0; i < CALLS; i++) {
			uint32_t answer = filter_answer(p.code, p.n,
							&calls[i]);

			n_different += outcome_of(answer) != outcomes[i];
			n_killed += outcomes[i] == OUTCOME_KILLED;
		}
	}
	printf("# %d filters, %d calls, of which %d killed\n", n_taken,
	       n_taken * CALLS, n_killed);
	CHECK_EQ(n_different, 0);
	CHECK(n_taken > N_FILTERS / 2);
	munmap(outcomes, (CALLS + 1) * sizeof(int));
}

static int strictness(uint32_t answer)
{
	return (int)(answer & SECCOMP_RET_ACTION_FULL);
}

TEST(an_argument_that_is_not_known_may_be_any)
{
	static const uint32_t returns[] = { SECCOMP_RET_ALLOW,
					    SECCOMP_RET_LOG,
					    SECCOMP_RET_ERRNO,
					    SECCOMP_RET_TRAP,
					    SECCOMP_RET_KILL_THREAD,
					    SECCOMP_RET_KILL_PROCESS };
	int n_laxer = 0, n_permitted = 0;

	for (int f = 0; f < 20 * N_FILTERS; f++) {
		struct filter_call call, vague;
		struct program p;
		uint32_t answer;

		make_random(&p);
		for (size_t i = 0; i < p.n; i++)
			if (p.code[i].code == (BPF_RET | BPF_K))
				p.code[i].k = returns[pick(6)];
		make_call_up(&call);
		vague = call;
		vague.known = (uint8_t)pick(64);
		answer = filter_answer(p.code, p.n, &vague);
		n_permitted += filter_is_permission(answer);
		for (int i = 0; i < 10; i++) {
			uint32_t exact = filter_answer(p.code, p.n, &call);

			n_laxer += strictness(answer) > strictness(exact);
			for (int j = 0; j < 6; j++)
				if (!(vague.known >> j & 1))
					call.args[j] = random_constant();
		}
	}
	CHECK_EQ(n_laxer, 0);
	CHECK(n_permitted > 0);
}

/* Its returns become error numbers, one for each answer; 0: too many. */
static size_t number_returns(struct sock_filter *code, size_t n)
{
	uint32_t seen[16];
	size_t n_seen = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		if (code[i].code == (BPF_RET | BPF_A))
			return 0;
		if (code[i].code != (BPF_RET | BPF_K))
			continue;
		while (j < n_seen && seen[j] != code[i].k)
			j++;
		if (j == 16)
			return 0;
		seen[j] = code[i].k;
		if (j == n_seen)
			n_seen++;
		code[i].k = SECCOMP_RET_ERRNO | (uint32_t)(100 + j);
	}
	return n_seen;
}

#define N_NUMBERS 480

TEST(so_is_the_filter_of_a_container)
{
	const char *top = getenv("top_srcdir");
	CLEANUP(free) char *path = xasprintf(
		"%s/tests/fuzz/seeds/filter/container", top ? top : ".");
	struct filter_call calls[N_NUMBERS];
	int *outcomes = shared_ints(N_NUMBERS + 1);
	size_t len = 0, n;
	CLEANUP(free) char *data = io_read_file(path, 1 << 16, &len);
	struct sock_filter *code = (struct sock_filter *)data;
	int n_different = 0;

	n = len / sizeof(*code);
	CHECK(n > 100);
	CHECK(number_returns(code, n) > 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N_NUMBERS; i++) {
			make_call_up(&calls[i]);
			if (!is_never_filtered(i))
				calls[i].nr = i;
		}
		CHECK(ask_kernel(code, n, calls, N_NUMBERS, outcomes));
		for (int i = 0; i < N_NUMBERS; i++)
			n_different += outcome_of(filter_answer(
					       code, n, &calls[i])) !=
				       outcomes[i];
	}
	CHECK_EQ(n_different, 0);
	munmap(outcomes, (N_NUMBERS + 1) * sizeof(int));
}

TEST(every_action_is_known)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP | 7, SECCOMP_RET_ERRNO | 5000,
		SECCOMP_RET_ERRNO | 1, SECCOMP_RET_TRACE | 3,
		SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000,
	};
	struct filter_call call = { .nr = SYS_close, .args = { ~0ul },
				    .known = 0x3f };
	int *outcomes = shared_ints(2);

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct sock_filter code[] = {
			LD_NR, JEQ(SYS_close, 0, 1), RET(actions[i]),
			RET(SECCOMP_RET_ALLOW),
		};
		uint32_t answer = filter_answer(code, 4, &call);

		CHECK_EQ(answer, actions[i]);
		CHECK_EQ(filter_is_permission(answer), i == 6 || i == 7);
		CHECK(ask_kernel(code, 4, &call, 1, outcomes));
		CHECK_EQ(outcome_of(answer), outcomes[0]);
	}
	munmap(outcomes, 2 * sizeof(int));
}

TEST(what_no_kernel_would_take_kills)
{
	static const struct sock_filter bad[][2] = {
		{ LD_NR, LD_NR },
		{ BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), RET(~0u) },
		{ BPF_JUMP(BPF_JMP | BPF_JA, ~0u, 0, 0), RET(~0u) },
		{ JEQ(0, 1, 0), RET(SECCOMP_RET_ALLOW) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(~0u) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(~0u) },
		{ BPF_STMT(BPF_LD | BPF_MEM, 16), RET(~0u) },
		{ BPF_STMT(BPF_ST, 16), RET(~0u) },
		{ BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(~0u) },
		{ BPF_STMT(0xffff, 0), RET(~0u) },
	};
	struct filter_call call = { .nr = 1, .known = 0x3f };
	int *outcomes = shared_ints(2);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ(filter_answer(bad[i], 2, &call),
			 SECCOMP_RET_KILL_PROCESS);
		CHECK(!ask_kernel(bad[i], 2, &call, 1, outcomes));
	}
	CHECK_EQ(filter_answer(bad[0], 0, &call), SECCOMP_RET_KILL_PROCESS);
	munmap(outcomes, 2 * sizeof(int));
}

static const struct sock_filter first_filter[] = {
	LD_NR, JEQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_ERRNO | 1),
	RET(SECCOMP_RET_ALLOW),
};
static const struct sock_filter second_filter[] = {
	LD_NR, JEQ(SYS_getppid, 0, 1), RET(SECCOMP_RET_TRAP),
	JEQ(SYS_getuid, 0, 1), RET(SECCOMP_RET_LOG), RET(SECCOMP_RET_ALLOW),
};

/* A child with two filters that waits. */
static pid_t start_filtered(void)
{
	int fds[2];
	char byte;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		if (!install(first_filter, ARRAY_SIZE(first_filter)) ||
		    !install(second_filter, ARRAY_SIZE(second_filter)))
			_exit(1);
		close(fds[0]);
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		byte = 0;
	close(fds[0]);
	return pid;
}

static int read_filters_of(pid_t pid, struct filters *out)
{
	int err = tracee_seize(pid, false), status;

	if (err)
		return err;
	tracee_interrupt(pid);
	waitpid(pid, &status, __WALL);
	return filters_read(pid, out);
}

TEST(the_filters_of_a_thread_are_read_the_oldest_first)
{
	struct filter_call call = { .nr = SYS_getppid, .known = 0x3f };
	struct filters filters, copy;
	pid_t pid = start_filtered();
	int err;

	filters_init(&filters);
	filters_init(&copy);
	err = read_filters_of(pid, &filters);
	if (!err)
		err = filters_read(pid, &copy);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (err == EACCES || err == EIO || err == EPERM)
		SKIP("filters may not be read here");
	CHECK_EQ(err, 0);
	CHECK_EQ(filters.ends.n, 2);
	CHECK(filters_equal(&filters, &copy));
	CHECK(!memcmp(filters.code.data, first_filter,
		      sizeof(first_filter)));
	CHECK_EQ(filters_answer(&filters, &call), SECCOMP_RET_TRAP);
	call.nr = SYS_getuid;
	CHECK_EQ(filters_answer(&filters, &call), SECCOMP_RET_LOG);
	call.nr = SYS_read;
	CHECK_EQ(filters_answer(&filters, &call), SECCOMP_RET_ALLOW);
	copy.code.n--;
	CHECK(!filters_equal(&filters, &copy));
	filters_clear(&filters);
	filters_clear(&copy);
}

TEST(who_has_none_says_so)
{
	struct filters filters;
	pid_t pid = fork();
	int err;

	if (pid == 0)
		for (;;)
			pause();
	filters_init(&filters);
	err = read_filters_of(pid, &filters);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (err == EACCES || err == EIO || err == EPERM)
		SKIP("filters may not be read here");
	CHECK_EQ(err, EINVAL);
	filters_clear(&filters);
}

TEST_MAIN()
