/* SPDX-License-Identifier: MIT */
/* test_agent.c - the agent's code, copied elsewhere and called there. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "heap/agent_place.h"
#include "heap/found.h"
#include "heap/go_buckets.h"
#include "heap/inject.h"
#include "util/io.h"
#include "util/mem.h"

struct agent {
	char *a;
	struct agent_constants *constants;
	struct agent_state *state;
	struct agent_shared *shared;
	void *(*malloc)(size_t size);
	void (*free)(void *ptr);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	int (*posix_memalign)(void **out, size_t alignment, size_t size);
	long (*prctl)(int option, long a, long b, long c, long d);
};

static long no_prctl(int option, long a, long b, long c, long d)
{
	return option + a + b + c + d;
}

static void set_originals(struct agent_constants *constants)
{
	constants->originals[AGENT_MALLOC] = (uint64_t)malloc;
	constants->originals[AGENT_FREE] = (uint64_t)free;
	constants->originals[AGENT_CALLOC] = (uint64_t)calloc;
	constants->originals[AGENT_REALLOC] = (uint64_t)realloc;
	constants->originals[AGENT_POSIX_MEMALIGN] =
		(uint64_t)posix_memalign;
	constants->originals[AGENT_PRCTL] = (uint64_t)no_prctl;
	for (int i = 0; i < 257; i++)
		constants->log2[i] =
			(uint32_t)lround(log2(1 + i / 256.0) * 65536);
}

/* False: memory may not be made executable here. */
static bool agent_init(struct agent *agent, uint64_t mean_bytes)
{
	struct inject inject = { 0 };
	taddr wrappers[N_AGENT_FUNCTIONS];
	uintptr_t near = (uintptr_t)malloc - ((uintptr_t)1 << 30);
	char *a = mmap((void *)(near & ~(uintptr_t)4095), AGENT_BYTES,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	agent->a = a;
	agent->constants = (void *)(a + AGENT_CONSTANTS_AT);
	agent->state = (void *)(a + AGENT_STATE_AT);
	agent->shared = xcalloc(1, sizeof(*agent->shared));
	agent->constants->mean_bytes = mean_bytes;
	agent->constants->seed = 12345;
	agent->constants->shared = (uint64_t)agent->shared;
	agent->state->active = 1;
	set_originals(agent->constants);
	agent_place_copy((uint8_t *)a, (uint64_t)a,
			 agent->constants->originals);
	inject.stub.a = (taddr)a;
	inject_wrappers(&inject, wrappers);
	agent->malloc = (void *(*)(size_t))wrappers[AGENT_MALLOC];
	agent->free = (void (*)(void *))wrappers[AGENT_FREE];
	agent->calloc = (void *(*)(size_t, size_t))wrappers[AGENT_CALLOC];
	agent->realloc = (void *(*)(void *, size_t))wrappers[AGENT_REALLOC];
	agent->posix_memalign = (int (*)(void **, size_t, size_t))
		wrappers[AGENT_POSIX_MEMALIGN];
	agent->prctl = (long (*)(int, long, long, long, long))
		wrappers[AGENT_PRCTL];
	return !mprotect(a, AGENT_STATE_AT, PROT_READ | PROT_EXEC);
}

static void agent_clear(struct agent *agent)
{
	free(agent->shared);
	munmap(agent->a, AGENT_BYTES);
}

static uint64_t count_live(const struct agent *agent)
{
	uint64_t n = 0;

	for (int i = 0; i < AGENT_BUCKETS; i++)
		for (int j = 0; j < AGENT_WAYS; j++)
			n += agent->shared->live[i][j].ptr != 0;
	return n;
}

/* All bytes that were counted, on counters or off them. */
static uint64_t count_bytes(const struct agent *agent)
{
	uint64_t sum = agent->shared->counted_bytes -
		       agent->shared->failed_bytes;

	for (int i = 0; i < AGENT_COUNTERS; i++) {
		const struct agent_counter *c = &agent->state->counters[i];

		sum += (uint64_t)(c->draw - c->left);
	}
	return sum;
}

/* Sanitizers end a program that asks for too much. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED 0
#endif

#define BEGIN(mean)							\
	struct agent agent;						\
	if (!agent_init(&agent, mean))					\
		SKIP("memory may not be made executable")

/* AddressSanitizer keeps variables elsewhere, to see their use afterwards. */
static bool is_on_stack(const void *variable)
{
	return (uint64_t)variable - (uint64_t)__builtin_frame_address(0) <
	       65536;
}

TEST(agent_samples_all_with_a_mean_of_1)
{
	BEGIN(1);
	char *p = agent.malloc(100), *q = agent.calloc(3, 50);
	const struct agent_record *record = &agent.shared->records[0];

	CHECK_EQ(agent.shared->head, 2);
	CHECK_EQ(record->sequence, 1);
	CHECK_EQ(record->size, 100);
	CHECK_EQ(agent.shared->records[1].size, 150);
	CHECK_EQ(q[149], 0);
	/* The caller is this function, whose frame is in the stack. */
	CHECK(record->n_stack > 512 &&
	      record->n_stack <= AGENT_STACK_BYTES);
	if (is_on_stack(&agent)) {
		CHECK(record->sp > (uint64_t)&agent - 65536 &&
		      record->sp <= (uint64_t)&agent + 65536);
		CHECK(!memcmp(record->stack +
				      ((uint64_t)&agent.a - record->sp),
			      &agent.a, sizeof(agent.a)));
	}
	CHECK_EQ(count_live(&agent), 2);
	agent.free(p);
	CHECK_EQ(count_live(&agent), 1);
	agent.free(q);
	CHECK_EQ(count_live(&agent), 0);
	CHECK_EQ(count_bytes(&agent), 250);
	agent_clear(&agent);
}

TEST(agent_estimates_without_bias_and_counts_exactly)
{
	static const size_t sizes[] = { 16, 100, 4000, 33, 50000 };
	BEGIN(8192);
	double estimate = 0, variance = 0, truth = 0;

	for (int i = 0; i < 200000; i++) {
		size_t size = sizes[i % 5];
		struct agent_shared *b = agent.shared;

		agent.free(agent.malloc(size));
		truth += (double)size;
		while (b->tail < b->head) {
			double s = (double)b->records[b->tail++ %
						      AGENT_RECORDS].size;
			double weight = go_scale(1, (uint64_t)s, 8192);

			estimate += s * weight;
			variance += s * s * weight * (weight - 1);
		}
	}
	CHECK(fabs(estimate - truth) < 5 * sqrt(variance));
	CHECK_EQ(count_bytes(&agent), (uint64_t)truth);
	CHECK_EQ(count_live(&agent), 0);
	agent_clear(&agent);
}

TEST(agent_moves_an_object_with_realloc)
{
	BEGIN(1);
	void *p = agent.realloc(NULL, 10);

	p = agent.realloc(p, 100000);
	CHECK_EQ(agent.shared->head, 2);
	CHECK_EQ(count_live(&agent), 1);
	CHECK(IS_SANITIZED || !agent.realloc(p, SIZE_MAX / 2));
	CHECK_EQ(count_live(&agent), 1); /* it is still there */
	CHECK_EQ(count_bytes(&agent), 100010);
	agent.free(p);
	CHECK_EQ(count_live(&agent), 0);
	agent_clear(&agent);
}

TEST(agent_takes_back_what_was_asked_for_in_vain)
{
	BEGIN(512 << 10);
	void *p = NULL;

	CHECK(IS_SANITIZED || !agent.malloc(SIZE_MAX / 4));
	CHECK(IS_SANITIZED ||
	      agent.posix_memalign(&p, 64, SIZE_MAX / 4) == ENOMEM);
	CHECK_EQ(agent.shared->head, 0);
	CHECK_EQ(count_bytes(&agent), 0);
	agent_clear(&agent);
}

TEST(agent_drops_samples_when_nobody_reads_them)
{
	BEGIN(1);
	for (int i = 0; i < AGENT_RECORDS + 10; i++)
		agent.free(agent.malloc(8));
	CHECK_EQ(agent.shared->head, AGENT_RECORDS);
	CHECK_EQ(agent.shared->n_dropped, 10);
	agent.shared->drops_in_row = AGENT_DROPS_MAX;
	agent.free(agent.malloc(8));
	CHECK_EQ(agent.state->active, 0);
	agent.free(agent.malloc(8));
	CHECK_EQ(agent.shared->n_dropped, 11); /* silent from now on */
	agent_clear(&agent);
}

TEST(agent_is_silent_in_a_forked_child)
{
	BEGIN(1);
	int status;
	pid_t pid;

	madvise(agent.state, AGENT_STATE_BYTES, MADV_WIPEONFORK);
	agent.free(agent.malloc(8));
	pid = fork();
	if (pid == 0) {
		agent.constants = NULL;
		for (int i = 0; i < 1000; i++)
			agent.free(agent.realloc(agent.malloc(100), 200));
		_exit(agent.shared->head == 1 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	agent_clear(&agent);
}

TEST(agent_makes_no_calls_once_a_filter_may_be_there)
{
	BEGIN(1);
	CHECK_EQ(agent.prctl(15, 1, 2, 3, 4), 25);
	CHECK_EQ(agent.state->is_filtered, 0);
	CHECK_EQ(agent.prctl(22, 2, 0, 0, 0), 24);
	CHECK_EQ(agent.state->is_filtered, 1);
	agent.free(agent.malloc(8));
	CHECK(agent.shared->records[0].n_stack > 0 &&
	      agent.shared->records[0].n_stack <= 4096);
	agent_clear(&agent);
}

static void *churn(void *arg)
{
	struct agent *agent = arg;

	for (int i = 0; i < 50000; i++)
		agent->free(agent->malloc(16 + (size_t)i % 500));
	return NULL;
}

TEST(agent_keeps_its_tables_with_many_threads)
{
	BEGIN(4096);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, &agent);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK(agent.shared->head >= 100);
	CHECK_EQ(count_live(&agent), 0);
	for (int i = 0; i < AGENT_FILTER; i++)
		CHECK_EQ(agent.state->filter[i], 0);
	agent_clear(&agent);
}

/* Objects that lie so near each other that they share the filter's entry. */
static void *malloc_at(size_t offset)
{
	return (void *)(((uintptr_t)1 << 40) + offset);
}

static void free_nothing(void *ptr)
{
	(void)ptr;
}

TEST(agent_forgets_none_of_many_that_are_near)
{
	BEGIN(1);
	void *list[AGENT_RECORDS];

	mprotect(agent.a, AGENT_STATE_AT, PROT_READ | PROT_WRITE);
	agent.constants->originals[AGENT_MALLOC] = (uint64_t)malloc_at;
	agent.constants->originals[AGENT_FREE] = (uint64_t)free_nothing;
	agent_place_copy((uint8_t *)agent.a, (uint64_t)agent.a,
			 agent.constants->originals);
	mprotect(agent.a, AGENT_STATE_AT, PROT_READ | PROT_EXEC);
	for (size_t i = 0; i < AGENT_RECORDS; i++)
		list[i] = agent.malloc(i + 1);
	CHECK_EQ(count_live(&agent) + agent.shared->n_unlisted,
		 AGENT_RECORDS);
	for (size_t i = 0; i < AGENT_RECORDS; i++)
		agent.free(list[i]);
	CHECK_EQ(count_live(&agent), 0);
	agent_clear(&agent);
}

TEST(agent_jumps_straight_to_what_is_in_reach)
{
	size_t n = agent_place_bytes(), n_near = 0;
	CLEANUP(free) uint8_t *far = xmalloc(n), *near = xmalloc(n);
	uint64_t originals[N_AGENT_FUNCTIONS] = { 0 };
	const uint64_t a = UINT64_C(0x7f0000000000);

	agent_place_copy(far, a, originals);
	for (int i = 0; i < N_AGENT_FUNCTIONS; i++)
		originals[i] = a + (UINT64_C(1) << 31) + (1 << 20);
	agent_place_copy(near, a, originals);
	CHECK(!memcmp(near, far, n));
	for (int i = 0; i < N_AGENT_FUNCTIONS; i++)
		originals[i] = a + (UINT64_C(1) << 31) - (1 << 20);
	agent_place_copy(near, a, originals);
	for (size_t i = 0; i + 4 <= n; i += 4) { /* aligned words, each */
		int32_t jump;

		if (!memcmp(near + i, far + i, 4))
			continue;
		memcpy(&jump, near + i, 4);
		CHECK_EQ(a + i + 4 + (uint64_t)jump, originals[0]);
		n_near++;
	}
	CHECK(n_near > 20);
	CHECK(agent_place_is_code(near) && agent_place_is_code(far));
	near[0] ^= 1;
	CHECK(!agent_place_is_code(near));
}

static char *read_own_maps(void *ctx, size_t *out_len)
{
	(void)ctx;
	return io_read_file("/proc/self/maps", 1 << 20, out_len);
}

TEST(an_agent_comes_where_a_jump_reaches_the_libraries)
{
	struct image_source source = { .read_maps = read_own_maps };
	CLEANUP(close_fd) int fd = open("/proc/self/mem", O_RDONLY);
	struct modules modules;
	struct space *space;
	struct found found;

	modules_init(&modules);
	space = space_new(&modules, &source);
	space_refresh(space);
	found_look(&found, space, fd);
	CHECK(!found.has_a);
	CHECK(IS_SANITIZED || /* they have all the room there */
	      llabs((int64_t)((taddr)getpid - found.a)) < INT64_C(1) << 31);
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		CHECK(m->end <= found.a ||
		      m->start >= found.b + FOUND_B_BYTES);
	}
	space_free(space);
	modules_clear(&modules);
}

TEST_MAIN()
