/* SPDX-License-Identifier: MIT */
/*
 * filter.c - the seccomp filters of a thread, and what they say of a call.
 *
 * Which instructions there are, and that they lead forward only, is as in the
 * kernel's bpf_check_classic() (net/core/filter.c) and seccomp_check_filter()
 * (kernel/seccomp.c). So one pass in the order of addresses sees each of them
 * once, with what is known of the registers on all ways that lead there. What
 * the kernel would not have accepted counts as a filter that kills.
 */
#include "target/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>

#include "util/mem.h"

#define FILTERS_MAX 8192 /* MAX_INSNS_PER_PATH / 4, of the kernel */
#define ANSWER_INVALID SECCOMP_RET_KILL_PROCESS

enum { A = BPF_MEMWORDS, X, N_REGISTERS }; /* after those of memory */

struct known {
	uint32_t values[N_REGISTERS];
	uint32_t mask; /* bit i: values[i] is so on all ways */
	bool is_reached;
};

struct run {
	const struct sock_filter *code;
	size_t n;
	const struct filter_call *call;
	struct known *at; /* of each instruction */
	uint32_t answer;
	bool has_answer;
};

void filters_init(struct filters *filters)
{
	filters->code = VEC_OF(struct sock_filter);
	filters->ends = VEC_OF(size_t);
}

void filters_clear(struct filters *filters)
{
	vec_clear(&filters->code);
	vec_clear(&filters->ends);
}

static void *as_address(unsigned long value)
{
	return (void *)value; // NOLINT: ptrace takes numbers as pointers
}

/* Number 0 is the oldest one, whatever ptrace(2) says (get_nth_filter()). */
int filters_read(pid_t tid, struct filters *out)
{
	out->code.n = out->ends.n = 0;
	for (unsigned long i = 0; i < FILTERS_MAX; i++) {
		size_t n = out->code.n;
		long len = ptrace(PTRACE_SECCOMP_GET_FILTER, tid,
				  as_address(i), NULL);

		if (len < 0 && errno == ENOENT && i > 0)
			return 0;
		if (len < 0)
			return errno;
		if (len > BPF_MAXINSNS)
			return E2BIG;
		vec_reserve(&out->code, n + (size_t)len);
		out->code.n += (size_t)len;
		if (len && ptrace(PTRACE_SECCOMP_GET_FILTER, tid,
				  as_address(i),
				  vec_at(&out->code, n)) != len)
			return EAGAIN;
		*(size_t *)vec_push(&out->ends) = out->code.n;
	}
	return E2BIG;
}

static bool vec_equal(const struct vec *a, const struct vec *b)
{
	return a->n == b->n &&
	       (!a->n || !memcmp(a->data, b->data, a->n * a->elem_bytes));
}

bool filters_equal(const struct filters *a, const struct filters *b)
{
	return vec_equal(&a->ends, &b->ends) && vec_equal(&a->code, &b->code);
}

static bool is_known(const struct known *k, unsigned int r)
{
	return k->mask >> r & 1;
}

static void set(struct known *k, unsigned int r, uint32_t value, bool known)
{
	k->values[r] = value;
	k->mask = known ? k->mask | 1u << r : k->mask & ~(1u << r);
}

/* What is known where two ways meet. */
static void join(struct known *to, const struct known *from)
{
	if (!to->is_reached) {
		*to = *from;
		return;
	}
	to->mask &= from->mask;
	for (unsigned int r = 0; r < N_REGISTERS; r++)
		if (to->values[r] != from->values[r])
			to->mask &= ~(1u << r);
}

/* False: no such instruction, and nothing is right any more. */
static bool go_to(struct run *run, size_t pc, uint64_t distance,
		  const struct known *k)
{
	if (distance >= run->n - pc - 1)
		return false;
	join(&run->at[pc + 1 + distance], k);
	return true;
}

/* The answer that stands first in seccomp(2) counts. */
static uint32_t stricter(uint32_t a, uint32_t b)
{
	int32_t action_a = (int32_t)(a & SECCOMP_RET_ACTION_FULL);
	int32_t action_b = (int32_t)(b & SECCOMP_RET_ACTION_FULL);

	return action_b < action_a ? b : a;
}

static bool answer(struct run *run, uint32_t value)
{
	run->answer = run->has_answer ? stricter(run->answer, value) : value;
	run->has_answer = true;
	return true;
}

/* A word of struct seccomp_data into A. */
static bool load_data(const struct filter_call *call, uint32_t offset,
		      struct known *k)
{
	uint32_t at = offset - (uint32_t)offsetof(struct seccomp_data, args);
	uint64_t arg;

	if (offset & 3 || offset >= sizeof(struct seccomp_data))
		return false;
	if (offset == offsetof(struct seccomp_data, nr)) {
		set(k, A, (uint32_t)call->nr, true);
	} else if (offset == offsetof(struct seccomp_data, arch)) {
		set(k, A, AUDIT_ARCH_X86_64, true);
	} else if (offset < offsetof(struct seccomp_data, args)) {
		set(k, A, 0, false); /* the instruction pointer */
	} else {
		arg = call->args[at / 8];
		set(k, A, (uint32_t)(at % 8 ? arg >> 32 : arg),
		    call->known >> at / 8 & 1);
	}
	return true;
}

static bool load(const struct run *run, const struct sock_filter *op,
		 struct known *k)
{
	unsigned int to = BPF_CLASS(op->code) == BPF_LD ? A : X;

	switch (op->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return load_data(run->call, op->k, k);
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
		set(k, to, sizeof(struct seccomp_data), true);
		return true;
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
		set(k, to, op->k, true);
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		if (op->k >= BPF_MEMWORDS)
			return false;
		set(k, to, k->values[op->k], is_known(k, op->k));
		return true;
	default:
		return false;
	}
}

static bool store(const struct sock_filter *op, struct known *k)
{
	unsigned int from = BPF_CLASS(op->code) == BPF_ST ? A : X;

	if (op->code != BPF_CLASS(op->code) || op->k >= BPF_MEMWORDS)
		return false;
	set(k, op->k, k->values[from], is_known(k, from));
	return true;
}

static bool calculate(uint16_t operation, uint32_t a, uint32_t b,
		      uint32_t *out)
{
	switch (operation) {
	case BPF_ADD:
		*out = a + b;
		return true;
	case BPF_SUB:
		*out = a - b;
		return true;
	case BPF_MUL:
		*out = a * b;
		return true;
	case BPF_DIV:
		*out = b ? a / b : 0;
		return true;
	case BPF_AND:
		*out = a & b;
		return true;
	case BPF_OR:
		*out = a | b;
		return true;
	case BPF_XOR:
		*out = a ^ b;
		return true;
	case BPF_LSH:
		*out = a << (b & 31);
		return true;
	case BPF_RSH:
		*out = a >> (b & 31);
		return true;
	case BPF_NEG:
		*out = -a;
		return true;
	default:
		return false;
	}
}

/* @out_ends: it divides by zero, which returns 0 from the filter. */
static bool compute(struct run *run, const struct sock_filter *op,
		    struct known *k, bool *out_ends)
{
	uint16_t source = BPF_SRC(op->code), operation = BPF_OP(op->code);
	uint32_t b = source == BPF_X ? k->values[X] : op->k, result;
	bool knows_b = source == BPF_K || is_known(k, X);

	if (op->code != (BPF_ALU | operation | source) ||
	    (operation == BPF_NEG && source == BPF_X) ||
	    !calculate(operation, k->values[A], b, &result))
		return false;
	if (operation == BPF_DIV && !(knows_b && b)) {
		answer(run, 0);
		*out_ends = knows_b;
	}
	set(k, A, result, is_known(k, A) && knows_b);
	return true;
}

static bool compare(uint16_t operation, uint32_t a, uint32_t b, bool *out)
{
	switch (operation) {
	case BPF_JEQ:
		*out = a == b;
		return true;
	case BPF_JGT:
		*out = a > b;
		return true;
	case BPF_JGE:
		*out = a >= b;
		return true;
	case BPF_JSET:
		*out = a & b;
		return true;
	default:
		return false;
	}
}

static bool jump(struct run *run, size_t pc, const struct known *k)
{
	const struct sock_filter *op = &run->code[pc];
	uint16_t source = BPF_SRC(op->code), operation = BPF_OP(op->code);
	uint32_t b = source == BPF_X ? k->values[X] : op->k;
	bool is_so;

	if (op->code == (BPF_JMP | BPF_JA))
		return go_to(run, pc, op->k, k);
	if (op->code != (BPF_JMP | operation | source) ||
	    !compare(operation, k->values[A], b, &is_so))
		return false;
	if (is_known(k, A) && (source == BPF_K || is_known(k, X)))
		return go_to(run, pc, is_so ? op->jt : op->jf, k);
	return go_to(run, pc, op->jt, k) && go_to(run, pc, op->jf, k);
}

static bool end(struct run *run, const struct sock_filter *op,
		const struct known *k)
{
	if (op->code == (BPF_RET | BPF_K))
		return answer(run, op->k);
	return op->code == (BPF_RET | BPF_A) &&
	       answer(run, is_known(k, A) ? k->values[A] : ANSWER_INVALID);
}

static bool move(const struct sock_filter *op, struct known *k)
{
	if (op->code == (BPF_MISC | BPF_TAX))
		set(k, X, k->values[A], is_known(k, A));
	else if (op->code == (BPF_MISC | BPF_TXA))
		set(k, A, k->values[X], is_known(k, X));
	else
		return false;
	return true;
}

static bool step(struct run *run, size_t pc)
{
	const struct sock_filter *op = &run->code[pc];
	struct known k = run->at[pc];
	bool is_good = false, is_end = false;

	switch (BPF_CLASS(op->code)) {
	case BPF_LD:
	case BPF_LDX:
		is_good = load(run, op, &k);
		break;
	case BPF_ST:
	case BPF_STX:
		is_good = store(op, &k);
		break;
	case BPF_ALU:
		is_good = compute(run, op, &k, &is_end);
		break;
	case BPF_JMP:
		return jump(run, pc, &k);
	case BPF_RET:
		return end(run, op, &k);
	case BPF_MISC:
		is_good = move(op, &k);
		break;
	}
	return is_good && (is_end || go_to(run, pc, 0, &k));
}

uint32_t filter_answer(const struct sock_filter *code, size_t n,
		       const struct filter_call *call)
{
	struct run run = { .code = code, .n = n, .call = call };
	CLEANUP(free) struct known *at = NULL;

	if (!n || n > BPF_MAXINSNS)
		return ANSWER_INVALID;
	run.at = at = xcalloc(n, sizeof(*at));
	at[0].is_reached = true;
	at[0].mask = 1u << A | 1u << X; /* both are 0 */
	for (size_t pc = 0; pc < n; pc++)
		if (at[pc].is_reached && !step(&run, pc))
			return ANSWER_INVALID;
	return run.answer;
}

/* Of two that are as strict the newer one's counts. */
uint32_t filters_answer(const struct filters *filters,
			const struct filter_call *call)
{
	uint32_t result = SECCOMP_RET_ALLOW;

	for (size_t i = filters->ends.n; i-- > 0;) {
		size_t stop = *(size_t *)vec_at(&filters->ends, i);
		size_t start = i ? *(size_t *)vec_at(&filters->ends, i - 1)
				 : 0;
		const struct sock_filter *code = filters->code.data;

		result = stricter(result, filter_answer(code + start,
							stop - start, call));
	}
	return result;
}

bool filter_is_permission(uint32_t value)
{
	uint32_t action = value & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
