/* SPDX-License-Identifier: MIT */
/*
 * agent.c - the code that runs in a target: count, and now and then sample.
 *
 * Built without a libc and copied out of psample, section agent_text. It must
 * use nothing outside of that section: no constants, no calls, no stack
 * protector; all its data lie at fixed distances from its first byte.
 */
#include "heap/agent.h"

#include "heap/agent_code.h"

#define PAGE_BYTES 4096u
#define SYS_PROCESS_VM_READV 310
/* Nothing else is mapped so near below it (mmap_base() in the kernel). */
#define MAIN_STACK_MAX (UINT64_C(64) << 20)
#define LN2_16 45426 /* ln(2) times 65536 */
#define LOG2_MAX (UINT32_C(32) << 16) /* log2(2^32), likewise */

typedef void *(*malloc_fn)(uint64_t size);
typedef void *(*calloc_fn)(uint64_t n, uint64_t size);
typedef void *(*realloc_fn)(void *ptr, uint64_t size);
typedef void *(*memalign_fn)(uint64_t alignment, uint64_t size);
typedef void *(*new_fn)(uint64_t size, const void *tag);
typedef void *(*new_aligned_fn)(uint64_t size, uint64_t alignment,
				const void *tag);
typedef int (*posix_memalign_fn)(void **out, uint64_t alignment,
				 uint64_t size);

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

IN_AGENT static uint8_t *filter_of(uint64_t ptr)
{
	return &state()->filter[ptr * NEAR_FACTOR >> 32 & 0xffff];
}

IN_AGENT static void filter_change(uint64_t ptr, int by)
{
	uint8_t *entry = filter_of(ptr);
	uint8_t n = __atomic_load_n(entry, __ATOMIC_RELAXED);

	do {
		if (n == FILTER_FULL)
			return;
	} while (!__atomic_compare_exchange_n(entry, &n, (uint8_t)(n + by), 1,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

IN_AGENT static void live_add(uint64_t ptr, uint64_t id)
{
	uint64_t hash = hash_pointer(ptr);
	struct agent_live *ways = shared()->live[hash % AGENT_BUCKETS];

	filter_change(ptr, 1);
	for (int i = 0; i < AGENT_WAYS; i++) {
		uint64_t free = 0;

		if (__atomic_load_n(&ways[i].ptr, __ATOMIC_RELAXED) ||
		    !__atomic_compare_exchange_n(&ways[i].ptr, &free, 1, 0,
						 __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		ways[i].id = id;
		__atomic_store_n(&ways[i].ptr, ptr, __ATOMIC_RELEASE);
		return;
	}
	filter_change(ptr, -1);
	__atomic_add_fetch(&shared()->n_unlisted, 1, __ATOMIC_RELAXED);
}

/* The id of the sample that @ptr is of, which is forgotten; or 0. */
IN_AGENT static uint64_t live_remove(uint64_t ptr)
{
	uint64_t hash = hash_pointer(ptr);
	struct agent_live *ways;

	if (ptr <= 1 ||
	    !__atomic_load_n(filter_of(ptr), __ATOMIC_RELAXED))
		return 0; /* also in a forked child, which has no B */
	ways = shared()->live[hash % AGENT_BUCKETS];
	for (int i = 0; i < AGENT_WAYS; i++) {
		uint64_t id = ways[i].id, old = ptr;

		if (__atomic_load_n(&ways[i].ptr, __ATOMIC_RELAXED) != ptr ||
		    !__atomic_compare_exchange_n(&ways[i].ptr, &old, 0, 0,
						 __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		filter_change(ptr, -1);
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
IN_AGENT static uint64_t copy_by_call(uint64_t sp, uint8_t *out)
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

/*
 * Unless a filter is there, or about to be: who installs one for all threads
 * at once waits for those that have seen none (agent_wrap.c).
 */
IN_AGENT static uint64_t copy_stack(uint64_t sp, uint8_t *out)
{
	uint64_t len = 0;

	__atomic_add_fetch(&state()->n_calling, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&state()->is_filtered, __ATOMIC_SEQ_CST))
		len = copy_by_call(sp, out);
	__atomic_sub_fetch(&state()->n_calling, 1, __ATOMIC_RELEASE);
	return len;
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

struct agent_record *agent_take_record(uint64_t *out_sequence)
{
	struct agent_shared *b = shared();
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
	*out_sequence = head + 1;
	return &b->records[head % AGENT_RECORDS];
}

void agent_copy_caller(struct agent_record *record,
		       const struct agent_frame *frame)
{
	record->thread = thread_pointer();
	for (int i = 0; i < 6; i++) /* volatile: no call of memcpy */
		((volatile uint64_t *)record->regs)[i] = frame->regs[i];
	record->pc = frame->return_address;
	record->sp = (uint64_t)(frame + 1);
	record->n_stack = 0;
	if (!is_on_main_stack(record->sp))
		record->n_stack = copy_stack(record->sp, record->stack);
	if (!record->n_stack)
		record->n_stack = copy_known(record->sp, record->stack);
}

IN_AGENT static void take_sample(void *ptr, uint64_t size,
				 const struct agent_frame *frame)
{
	struct agent_record *record;
	uint64_t sequence;

	if (!ptr) { /* asked for in vain, and counted already */
		__atomic_add_fetch(&shared()->failed_bytes, size,
				   __ATOMIC_RELAXED);
		return;
	}
	record = agent_take_record(&sequence);
	if (!record)
		return;
	record->kind = AGENT_ALLOCATED;
	record->size = size;
	agent_copy_caller(record, frame);
	if (!constants()->no_inuse)
		live_add((uint64_t)ptr, sequence);
	__atomic_store_n(&record->sequence, sequence, __ATOMIC_RELEASE);
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
