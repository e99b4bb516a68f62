/* SPDX-License-Identifier: MIT */
/*
 * agent.c - the code that runs in a target: count, and now and then sample.
 *
 * Built without a libc and copied out of psample, section agent_text. It must
 * use nothing outside of that section: no constants, no calls, no stack
 * protector; all its data lie at fixed distances from its first byte. What is
 * wrapped is counted before the call and then jumped to, so that no frame of
 * ours is on the stack, but for the call that is sampled.
 */
#include "heap/agent.h"

#define IN_AGENT __attribute__((section("agent_text")))
#define ALWAYS static inline __attribute__((always_inline))
#define PAGE_BYTES 4096u
#define SYS_PROCESS_VM_READV 310
/* Nothing else is mapped so near below it (mmap_base() in the kernel). */
#define MAIN_STACK_MAX (UINT64_C(64) << 20)
#define LN2_16 45426 /* ln(2) times 65536 */
#define LOG2_MAX (UINT32_C(32) << 16) /* log2(2^32), likewise */

/*
 * The counter of a thread: middle bits of a product with its thread pointer,
 * since the stacks of threads lie at powers of two from each other. The same
 * product with a pointer is the place of an object in the filter.
 */
#define HASH "0x61c88647"
#define HASH_FACTOR UINT64_C(0x61c88647)

/* rax: the counter's offset. rcx: where counters are. Both are scratch. */
#define FIND_COUNTER                                                         \
	"	imul	$" HASH ", %fs:0, %rax\n"                             \
	"	lea	__start_agent_text+0x5000(%rip), %rcx\n"              \
	"	shr	$26, %rax\n"                                          \
	"	and	$0xffc0, %eax\n"

/* From now on without system calls: a filter may kill who makes them. */
#define FILTERED "	movl	$1, __start_agent_text+0x4010(%rip)\n"

#define ORIGINAL(i) "	jmp	*__start_agent_text+0x2000+8*" #i "(%rip)\n"

#define BEGIN(name)                                                          \
	"	.p2align 4\n"                                                 \
	"	.globl	agent_wrap_" #name "\n"                              \
	"	.hidden	agent_wrap_" #name "\n"                              \
	"	.type	agent_wrap_" #name ", @function\n"                   \
	"agent_wrap_" #name ":\n"                                             \
	"	endbr64\n"

/* Save what the caller's frame needs; the last argument points to it. */
#define SLOW(name, frame)                                                    \
	"1:	push	%rbp\n"                                               \
	"	push	%rbx\n"                                               \
	"	push	%r12\n"                                               \
	"	push	%r13\n"                                               \
	"	push	%r14\n"                                               \
	"	push	%r15\n"                                               \
	"	mov	%rsp, %" frame "\n"                                   \
	"	sub	$8, %rsp\n"                                           \
	"	call	agent_" #name "\n"                                    \
	"	add	$56, %rsp\n"                                          \
	"	ret\n"

/* A wrapper whose size is in register @size. */
#define SIZED(name, i, size, frame)                                          \
	BEGIN(name)                                                           \
	FIND_COUNTER                                                          \
	"	sub	%" size ", (%rcx,%rax)\n"                             \
	"	js	1f\n"                                                 \
	ORIGINAL(i)                                                           \
	SLOW(name, frame)

/*
 * C++'s operator new throws if there is no memory, which cannot lead through
 * our frame: its @twin that does not throw is called first, by agent_new().
 */
#define OPERATOR_NEW(name, i, twin)                                          \
	BEGIN(name)                                                           \
	FIND_COUNTER                                                          \
	"	sub	%rdi, (%rcx,%rax)\n"                                  \
	"	js	1f\n"                                                 \
	ORIGINAL(i)                                                           \
	"1:	push	%rbp\n"                                               \
	"	push	%rbx\n"                                               \
	"	push	%r12\n"                                               \
	"	push	%r13\n"                                               \
	"	push	%r14\n"                                               \
	"	push	%r15\n"                                               \
	"	mov	%rsp, %rcx\n"                                         \
	"	push	%rdi\n"                                               \
	"	push	%rsi\n"                                               \
	"	push	%rdx\n"                                               \
	"	mov	$" #twin ", %edx\n"                                   \
	"	call	agent_new\n"                                          \
	"	pop	%rdx\n"                                               \
	"	pop	%rsi\n"                                               \
	"	pop	%rdi\n"                                               \
	"	add	$48, %rsp\n"                                          \
	"	test	%rax, %rax\n"                                         \
	"	jz	2f\n"                                                 \
	"	ret\n"                                                        \
	"2:\n" ORIGINAL(i)

#define RELEASED(name, i)                                                    \
	BEGIN(name)                                                           \
	"	imul	$" HASH ", %rdi, %rax\n"                              \
	"	lea	__start_agent_text+0x15000(%rip), %rcx\n"            \
	"	shr	$32, %rax\n"                                          \
	"	movzwl	%ax, %eax\n"                                          \
	"	cmpb	$0, (%rcx,%rax)\n"                                    \
	"	jne	1f\n"                                                 \
	ORIGINAL(i)                                                           \
	"1:	push	%rdi\n"                                               \
	"	push	%rsi\n"                                               \
	"	push	%rdx\n"                                               \
	"	call	agent_free\n"                                         \
	"	pop	%rdx\n"                                               \
	"	pop	%rsi\n"                                               \
	"	pop	%rdi\n"                                               \
	ORIGINAL(i)

__asm__(
	"	.pushsection agent_text, \"ax\", @progbits\n"
	SIZED(malloc, 0, "rdi", "rsi")
	SIZED(memalign, 4, "rsi", "rdx")
	SIZED(aligned_alloc, 5, "rsi", "rdx")
	SIZED(posix_memalign, 6, "rdx", "rcx")
	SIZED(valloc, 7, "rdi", "rsi")
	BEGIN(calloc)
	"	mov	%rdi, %rdx\n"
	"	imul	%rsi, %rdx\n"
	FIND_COUNTER
	"	sub	%rdx, (%rcx,%rax)\n"
	"	js	1f\n"
	ORIGINAL(2)
	SLOW(calloc, "rdx")
	BEGIN(realloc)
	FIND_COUNTER
	"	sub	%rsi, (%rcx,%rax)\n"
	"	js	1f\n"
	"	imul	$" HASH ", %rdi, %rax\n"
	"	lea	__start_agent_text+0x15000(%rip), %rcx\n"
	"	shr	$32, %rax\n"
	"	movzwl	%ax, %eax\n"
	"	cmpb	$0, (%rcx,%rax)\n"
	"	jne	1f\n"
	ORIGINAL(3)
	SLOW(realloc, "rdx")
	RELEASED(free, 1)
	/* _exit(2) follows: what is left on the counters goes to B. */
	BEGIN(cxa_finalize)
	"	push	%rdi\n"
	"	call	agent_flush\n"
	"	pop	%rdi\n"
	ORIGINAL(10)
	OPERATOR_NEW(new, 11, 13)
	OPERATOR_NEW(new_array, 12, 14)
	OPERATOR_NEW(new_nothrow, 13, 13)
	OPERATOR_NEW(new_array_nothrow, 14, 14)
	OPERATOR_NEW(new_aligned, 15, 17)
	OPERATOR_NEW(new_array_aligned, 16, 18)
	OPERATOR_NEW(new_aligned_nothrow, 17, 17)
	OPERATOR_NEW(new_array_aligned_nothrow, 18, 18)
	RELEASED(delete, 19)
	RELEASED(delete_array, 20)
	RELEASED(delete_sized, 21)
	RELEASED(delete_array_sized, 22)
	RELEASED(delete_nothrow, 23)
	RELEASED(delete_array_nothrow, 24)
	RELEASED(delete_aligned, 25)
	RELEASED(delete_array_aligned, 26)
	RELEASED(delete_sized_aligned, 27)
	RELEASED(delete_array_sized_aligned, 28)
	/* PR_SET_SECCOMP is 22, seccomp(2) 317, prctl(2) 157. */
	BEGIN(prctl)
	"	cmp	$22, %edi\n"
	"	jne	1f\n"
	FILTERED
	"1:\n" ORIGINAL(8)
	BEGIN(syscall)
	"	cmp	$317, %edi\n"
	"	je	1f\n"
	"	cmp	$157, %edi\n"
	"	jne	2f\n"
	"	cmp	$22, %esi\n"
	"	jne	2f\n"
	"1:\n" FILTERED
	"2:\n" ORIGINAL(9)
	"	.popsection\n");

extern char agent_base[] __asm__("__start_agent_text")
	__attribute__((visibility("hidden")));

struct agent_frame { /* as the wrappers push it */
	uint64_t regs[6];
	uint64_t return_address;
};

typedef void *(*malloc_fn)(uint64_t size);
typedef void *(*calloc_fn)(uint64_t n, uint64_t size);
typedef void *(*realloc_fn)(void *ptr, uint64_t size);
typedef void *(*memalign_fn)(uint64_t alignment, uint64_t size);
typedef void *(*new_fn)(uint64_t size, const void *tag);
typedef void *(*new_aligned_fn)(uint64_t size, uint64_t alignment,
				const void *tag);
typedef int (*posix_memalign_fn)(void **out, uint64_t alignment,
				 uint64_t size);

/* Called by the wrappers alone. */
#define FROM_WRAPPER IN_AGENT __attribute__((used))
FROM_WRAPPER void *agent_malloc(uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_valloc(uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_calloc(uint64_t n, uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_realloc(void *ptr, uint64_t size,
				 const struct agent_frame *frame);
FROM_WRAPPER void *agent_memalign(uint64_t alignment, uint64_t size,
				  const struct agent_frame *frame);
FROM_WRAPPER void *agent_aligned_alloc(uint64_t alignment, uint64_t size,
				       const struct agent_frame *frame);
FROM_WRAPPER int agent_posix_memalign(void **out, uint64_t alignment,
				      uint64_t size,
				      const struct agent_frame *frame);
FROM_WRAPPER void agent_free(const void *ptr);
FROM_WRAPPER void agent_flush(void);
FROM_WRAPPER void *agent_new(uint64_t size, uint64_t alignment,
			     enum agent_function twin,
			     const struct agent_frame *frame);

ALWAYS const struct agent_constants *constants(void)
{
	return (const void *)(agent_base + AGENT_CONSTANTS_AT);
}

ALWAYS struct agent_state *state(void)
{
	return (void *)(agent_base + AGENT_STATE_AT);
}

ALWAYS struct agent_shared *shared(void)
{
	return (struct agent_shared *)constants()->shared;
}

ALWAYS void *original(enum agent_function function)
{
	return (void *)constants()->originals[function];
}

ALWAYS uint64_t thread_pointer(void)
{
	uint64_t value;

	__asm__("mov %%fs:0, %0" : "=r"(value));
	return value;
}

ALWAYS struct agent_counter *counter(void)
{
	uint64_t at = thread_pointer() * HASH_FACTOR >> 26 & 0xffc0;

	return (void *)((char *)state()->counters + at);
}

/*
 * Bytes until the next sample, exponentially distributed:
 * -ln(u) mean = ln(2) (32 - log2(v)) mean, v being 32 random bits.
 */
IN_AGENT static int64_t next_draw(struct agent_counter *c)
{
	const struct agent_constants *k = constants();
	uint64_t x = c->random ? c->random
			       : (k->seed ^ (uint64_t)c * HASH_FACTOR) | 1;
	uint32_t v, m, fraction, log2;
	int shift;

	x ^= x << 13; /* xorshift64 */
	x ^= x >> 7;
	x ^= x << 17;
	c->random = x;
	if (k->mean_bytes <= 1)
		return 0;
	v = (uint32_t)(x >> 32) | 1;
	shift = __builtin_clz(v);
	m = v << shift << 1; /* the bits behind the first one */
	fraction = m >> 8 & 0xffff;
	log2 = (uint32_t)(31 - shift) << 16;
	log2 += k->log2[m >> 24] + (((k->log2[(m >> 24) + 1] -
				      k->log2[m >> 24]) * fraction) >> 16);
	return (int64_t)((k->mean_bytes * (LOG2_MAX - log2) >> 16) * LN2_16 >>
			 16);
}

/* The size was taken off already; is this allocation to be sampled? */
IN_AGENT static int is_due(uint64_t size)
{
	struct agent_counter *c = counter();
	int64_t left = c->left;
	int is_first = !c->random, is_sampled = 1;

	if (left >= 0)
		return 0;
	if (!__atomic_load_n(&state()->active, __ATOMIC_ACQUIRE)) {
		c->left = c->draw = AGENT_SILENT;
		return 0;
	}
	__atomic_add_fetch(&shared()->counted_bytes,
			   (uint64_t)(c->draw - left), __ATOMIC_RELAXED);
	if (is_first) /* nothing was drawn before */
		is_sampled = size > (uint64_t)next_draw(c);
	c->draw = c->left = next_draw(c);
	return is_sampled;
}

IN_AGENT static uint64_t hash_pointer(uint64_t ptr)
{
	return ptr * HASH_FACTOR >> 32 & 0xffff;
}

IN_AGENT static void live_add(uint64_t ptr, uint64_t id)
{
	uint64_t hash = hash_pointer(ptr);
	struct agent_live *ways = shared()->live[hash % AGENT_BUCKETS];

	__atomic_add_fetch(&state()->filter[hash], 1, __ATOMIC_RELAXED);
	for (int i = 0; i < AGENT_WAYS; i++) {
		uint64_t free = 0;

		if (!__atomic_compare_exchange_n(&ways[i].ptr, &free, 1, 0,
						 __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		ways[i].id = id;
		__atomic_store_n(&ways[i].ptr, ptr, __ATOMIC_RELEASE);
		return;
	}
	__atomic_sub_fetch(&state()->filter[hash], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared()->n_unlisted, 1, __ATOMIC_RELAXED);
}

/* The id of the sample that @ptr is of, which is forgotten; or 0. */
IN_AGENT static uint64_t live_remove(uint64_t ptr)
{
	uint64_t hash = hash_pointer(ptr);
	struct agent_live *ways;

	if (ptr <= 1 ||
	    !__atomic_load_n(&state()->filter[hash], __ATOMIC_RELAXED))
		return 0; /* also in a forked child, which has no B */
	ways = shared()->live[hash % AGENT_BUCKETS];
	for (int i = 0; i < AGENT_WAYS; i++) {
		uint64_t id = ways[i].id, old = ptr;

		if (!__atomic_compare_exchange_n(&ways[i].ptr, &old, 0, 0,
						 __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		__atomic_sub_fetch(&state()->filter[hash], 1,
				   __ATOMIC_RELAXED);
		return id;
	}
	return 0;
}

struct agent_iov {
	uint64_t addr, len;
};

/*
 * Copy the stack from @sp on by a system call that reads what is mapped and
 * cannot fault; pieces end with pages, so that it stops at the stack's end.
 */
IN_AGENT static uint64_t copy_stack(uint64_t sp, uint8_t *out)
{
	struct agent_iov to = { (uint64_t)out, AGENT_STACK_BYTES };
	struct agent_iov from[AGENT_STACK_BYTES / PAGE_BYTES + 1];
	register uint64_t n_from __asm__("r10") = 0; /* 4th argument: from */
	uint64_t n = 0, left = AGENT_STACK_BYTES;
	register uint64_t r8 __asm__("r8"), r9 __asm__("r9") = 0;
	int64_t result = SYS_PROCESS_VM_READV;
	uint64_t pid;

	while (left) {
		uint64_t len = PAGE_BYTES - sp % PAGE_BYTES;

		if (len > left)
			len = left;
		from[n].addr = sp;
		from[n++].len = len;
		sp += len;
		left -= len;
	}
	__asm__ volatile("syscall" : "=a"(pid) : "0"(39ul) /* getpid */
			 : "rcx", "r11", "memory");
	n_from = (uint64_t)from;
	r8 = n;
	__asm__ volatile("syscall" : "+a"(result)
			 : "D"(pid), "S"(&to), "d"(1ul), "r"(n_from),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result > 0 ? (uint64_t)result : 0;
}

/* Is @sp on the main thread's stack? That is there up to its end. */
ALWAYS int is_on_main_stack(uint64_t sp)
{
	return constants()->stack_end - sp < MAIN_STACK_MAX;
}

/*
 * Without a system call, at 0.1 us instead of 2 to 3: of a stack that is not
 * the main thread's no more is known than that the page of sp is there.
 */
IN_AGENT static uint64_t copy_known(uint64_t sp, uint8_t *out)
{
	uint64_t len = PAGE_BYTES - sp % PAGE_BYTES, n;
	uint64_t left = constants()->stack_end - sp;
	const void *from = (const void *)sp;

	if (is_on_main_stack(sp))
		len = left < AGENT_STACK_BYTES ? left : AGENT_STACK_BYTES;
	n = len;

	__asm__ volatile("rep movsb" : "+D"(out), "+S"(from), "+c"(n)
			 : : "memory");
	return len;
}

/* Room for a record, or 0: @*out_index is its place. */
IN_AGENT static int ring_take(struct agent_shared *b, uint64_t *out_index)
{
	uint64_t head = __atomic_load_n(&b->head, __ATOMIC_RELAXED);

	do {
		uint64_t tail = __atomic_load_n(&b->tail, __ATOMIC_ACQUIRE);

		if (head - tail < AGENT_RECORDS)
			continue;
		__atomic_add_fetch(&b->n_dropped, 1, __ATOMIC_RELAXED);
		if (__atomic_add_fetch(&b->drops_in_row, 1,
				       __ATOMIC_RELAXED) > AGENT_DROPS_MAX)
			state()->active = 0;
		return 0;
	} while (!__atomic_compare_exchange_n(&b->head, &head, head + 1, 0,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	*out_index = head;
	return 1;
}

IN_AGENT static void take_sample(void *ptr, uint64_t size,
				 const struct agent_frame *frame)
{
	struct agent_shared *b = shared();
	struct agent_record *record;
	uint64_t index;

	if (!ptr) { /* asked for in vain, and counted already */
		__atomic_add_fetch(&b->failed_bytes, size, __ATOMIC_RELAXED);
		return;
	}
	if (!ring_take(b, &index))
		return;
	record = &b->records[index % AGENT_RECORDS];
	record->size = size;
	record->thread = thread_pointer();
	for (int i = 0; i < 6; i++) /* volatile: no call of memcpy */
		((volatile uint64_t *)record->regs)[i] = frame->regs[i];
	record->pc = frame->return_address;
	record->sp = (uint64_t)(frame + 1);
	record->n_stack = 0;
	if (!is_on_main_stack(record->sp) &&
	    !__atomic_load_n(&state()->is_filtered, __ATOMIC_RELAXED))
		record->n_stack = copy_stack(record->sp, record->stack);
	if (!record->n_stack)
		record->n_stack = copy_known(record->sp, record->stack);
	live_add((uint64_t)ptr, index + 1);
	__atomic_store_n(&record->sequence, index + 1, __ATOMIC_RELEASE);
}

void *agent_malloc(uint64_t size, const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	void *ptr = ((malloc_fn)original(AGENT_MALLOC))(size);

	if (is_sampled)
		take_sample(ptr, size, frame);
	return ptr;
}

void *agent_valloc(uint64_t size, const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	void *ptr = ((malloc_fn)original(AGENT_VALLOC))(size);

	if (is_sampled)
		take_sample(ptr, size, frame);
	return ptr;
}

void *agent_calloc(uint64_t n, uint64_t size, const struct agent_frame *frame)
{
	int is_sampled = is_due(n * size);
	void *ptr = ((calloc_fn)original(AGENT_CALLOC))(n, size);

	if (is_sampled)
		take_sample(ptr, n * size, frame);
	return ptr;
}

void *agent_memalign(uint64_t alignment, uint64_t size,
		     const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	void *ptr = ((memalign_fn)original(AGENT_MEMALIGN))(alignment, size);

	if (is_sampled)
		take_sample(ptr, size, frame);
	return ptr;
}

void *agent_aligned_alloc(uint64_t alignment, uint64_t size,
			  const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	void *ptr = ((memalign_fn)original(AGENT_ALIGNED_ALLOC))(alignment,
								 size);

	if (is_sampled)
		take_sample(ptr, size, frame);
	return ptr;
}

int agent_posix_memalign(void **out, uint64_t alignment, uint64_t size,
			 const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	int err = ((posix_memalign_fn)original(AGENT_POSIX_MEMALIGN))(
		out, alignment, size);

	if (is_sampled)
		take_sample(err ? 0 : *out, size, frame);
	return err;
}

/* The old object goes before the call: its place may be anybody's then. */
void *agent_realloc(void *ptr, uint64_t size, const struct agent_frame *frame)
{
	uint64_t id = live_remove((uint64_t)ptr);
	int is_sampled = is_due(size);
	void *moved = ((realloc_fn)original(AGENT_REALLOC))(ptr, size);

	if (id && !moved && size) /* it stays where it was */
		live_add((uint64_t)ptr, id);
	if (is_sampled)
		take_sample(moved, size, frame);
	return moved;
}

void agent_free(const void *ptr)
{
	live_remove((uint64_t)ptr);
}

/* What was asked for since the last draws, of all threads. */
void agent_flush(void)
{
	if (!__atomic_load_n(&state()->active, __ATOMIC_ACQUIRE))
		return;
	for (int i = 0; i < AGENT_COUNTERS; i++) {
		struct agent_counter *c = &state()->counters[i];
		int64_t left = c->left;

		if (!c->random || c->draw >= AGENT_SILENT || left >= c->draw)
			continue;
		__atomic_add_fetch(&shared()->counted_bytes,
				   (uint64_t)(c->draw - left),
				   __ATOMIC_RELAXED);
		c->draw = left;
	}
}

/* For the tag std::nothrow anything may stand: no operator looks at it. */
void *agent_new(uint64_t size, uint64_t alignment, enum agent_function twin,
		const struct agent_frame *frame)
{
	int is_sampled = is_due(size);
	void *f = original(twin), *ptr;

	if (twin == AGENT_NEW_ALIGNED_NOTHROW ||
	    twin == AGENT_NEW_ARRAY_ALIGNED_NOTHROW)
		ptr = ((new_aligned_fn)f)(size, alignment, frame);
	else
		ptr = ((new_fn)f)(size, frame);
	if (is_sampled)
		take_sample(ptr, size, frame);
	return ptr;
}
