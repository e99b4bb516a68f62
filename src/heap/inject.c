/* SPDX-License-Identifier: MIT */
/* inject.c - map the agent's memory into a program that begins. */
#include "heap/inject.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "heap/begin.h"
#include "heap/linkmap.h"
#include "heap/stub.h"
#include "target/memfile.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"

#define PAGE_BYTES UINT64_C(4096)
#define STOPS_MAX 200000
#define RESTART_MIN (-516) /* ERESTART_RESTARTBLOCK ... ERESTARTSYS */
#define RESTART_MAX (-512)
#define HOLE_BELOW (UINT64_C(32) << 30) /* nothing grows down so far */
#define A_TO_B (UINT64_C(1) << 24)
#define STEP_WAIT_NS (2 * NS_PER_S)

/* agent.c */
extern const uint8_t agent_start[] __asm__("__start_agent_text")
	__attribute__((visibility("hidden")));
extern const uint8_t agent_end[] __asm__("__stop_agent_text")
	__attribute__((visibility("hidden")));

extern const uint8_t agent_wrap_malloc[], agent_wrap_free[],
	agent_wrap_calloc[], agent_wrap_realloc[], agent_wrap_memalign[],
	agent_wrap_aligned_alloc[], agent_wrap_posix_memalign[],
	agent_wrap_valloc[], agent_wrap_prctl[], agent_wrap_syscall[];

void inject_wrappers(const struct inject *inject,
		     taddr out[N_AGENT_FUNCTIONS])
{
	const uint8_t *const wrappers[N_AGENT_FUNCTIONS] = {
		[AGENT_MALLOC] = agent_wrap_malloc,
		[AGENT_FREE] = agent_wrap_free,
		[AGENT_CALLOC] = agent_wrap_calloc,
		[AGENT_REALLOC] = agent_wrap_realloc,
		[AGENT_MEMALIGN] = agent_wrap_memalign,
		[AGENT_ALIGNED_ALLOC] = agent_wrap_aligned_alloc,
		[AGENT_POSIX_MEMALIGN] = agent_wrap_posix_memalign,
		[AGENT_VALLOC] = agent_wrap_valloc,
		[AGENT_PRCTL] = agent_wrap_prctl,
		[AGENT_SYSCALL] = agent_wrap_syscall,
	};

	for (int i = 0; i < N_AGENT_FUNCTIONS; i++)
		out[i] = inject->a + (taddr)(wrappers[i] - agent_start);
}

/* The next stop of the program; false: it has ended. */
static bool await_stop(pid_t pid, struct wait_event *event)
{
	while (!tracee_wait(pid, event))
		begin_await_event();
	return !event->is_exit;
}

static bool is_ready(const struct inject *inject, struct inject *out)
{
	taddr phdr = proc_auxv(inject->pid, AT_PHDR);
	uint64_t n = proc_auxv(inject->pid, AT_PHNUM);

	out->debug = link_find_debug(inject->mem_fd, phdr, n);
	return out->debug && link_is_consistent(inject->mem_fd, out->debug);
}

/* Back from a call, and not to be restarted by the kernel's hand. */
static bool is_plain_return(pid_t pid)
{
	struct user_regs_struct regs;
	long result;

	if (tracee_get_regs(pid, &regs) != TRACEE_OK)
		return false;
	result = (long)regs.rax;
	return result < RESTART_MIN || result > RESTART_MAX;
}

/*
 * The linker says that it is done (r_state) and then unmaps its cache, or the
 * first constructor makes a system call: the return from that call is ours.
 */
struct error *inject_await_modules(struct inject *inject)
{
	taddr phdr = proc_auxv(inject->pid, AT_PHDR);
	bool is_return = true; /* the first stop is the return of exec */
	struct wait_event event;
	int signal = 0;

	if (!link_is_dynamic(inject->mem_fd, phdr,
			     proc_auxv(inject->pid, AT_PHNUM)))
		return error_hint(error_new("it is static: its malloc is "
					    "called without a way between"),
				  "try:   a program that is linked with "
				  "libc.so; or -e cpu");
	for (int i = 0; i < STOPS_MAX; i++) {
		tracee_resume_to_call(inject->pid, signal);
		signal = 0;
		if (!await_stop(inject->pid, &event))
			return error_new("it ended before it began");
		if (event.signal != TRACEE_CALL_SIGNAL) {
			signal = event.event ? 0 : event.signal;
			continue;
		}
		if (is_return && is_ready(inject, inject) &&
		    is_plain_return(inject->pid))
			return NULL;
		is_return = !is_return;
	}
	return error_new("its dynamic linker does not come to an end");
}

static bool is_zero(int mem_fd, taddr addr, size_t len)
{
	uint8_t bytes[1024];

	if (len > sizeof(bytes) || memfile_read(mem_fd, addr, bytes, len) !=
					   len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/*
 * Zeros behind the code of a module, up to the end of its last page: nothing
 * refers to them. 0: none in @mapping.
 */
static taddr find_cave_in(const struct inject *inject,
			  const struct mapping *mapping, size_t len)
{
	const struct module *module = mapping->module;
	uint64_t vaddr;

	if (!mapping->is_live || !mapping->is_executable || !module ||
	    !module->is_elf || mapping->path[0] != '/' ||
	    !mapping_vaddr(mapping, mapping->start, &vaddr))
		return 0;
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *s = &module->segments[i];
		taddr addr = s->vaddr + s->memory_bytes - vaddr +
			     mapping->start;
		taddr end = (addr + PAGE_BYTES - 1) & -PAGE_BYTES;

		addr = (addr + 15) & ~(taddr)15;
		if (s->is_executable && addr > mapping->start &&
		    end <= mapping->end && end - addr >= len &&
		    is_zero(inject->mem_fd, addr, len))
			return addr;
	}
	return 0;
}

/* A hole far below everything that is mapped near the libraries. */
static void choose_place(struct inject *inject, const struct space *space)
{
	taddr lowest = UINT64_C(1) << 46;

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *mapping = space_mapping(space, id);

		if (mapping->is_live && mapping->start > HOLE_BELOW * 4 &&
		    mapping->module && mapping->start < lowest &&
		    mapping->start > UINT64_C(0x600000000000))
			lowest = mapping->start;
	}
	inject->a = (lowest - HOLE_BELOW) & ~(A_TO_B - 1);
	inject->b = inject->a + A_TO_B;
	inject->b_bytes = (sizeof(struct agent_shared) + PAGE_BYTES - 1) &
			  -PAGE_BYTES;
}

/* What the stub will do there. */
static void __attribute__((noreturn)) try_calls(void)
{
	struct rlimit no_core = { 0, 0 };
	int fd;
	void *at = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	setrlimit(RLIMIT_CORE, &no_core);
	mprotect(at, PAGE_BYTES, PROT_READ | PROT_WRITE);
	madvise(at, PAGE_BYTES, MADV_WIPEONFORK);
	fd = memfd_create("psample", MFD_CLOEXEC);
	if (ftruncate(fd, (off_t)PAGE_BYTES))
		_exit(0); /* forbidden, but not by death */
	mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	madvise(at, PAGE_BYTES, MADV_DONTFORK);
	nanosleep(&(struct timespec){ .tv_nsec = 1 }, NULL);
	close(fd);
	_exit(0);
}

/*
 * A program that has only begun has the seccomp filters of psample, which it
 * was forked from. Would they kill it for the calls of the stub?
 */
static bool is_filter_deadly(pid_t pid)
{
	int status = 0;
	pid_t child;

	if (proc_status_number(pid, "Seccomp") <= 0)
		return false;
	child = fork();
	if (child == 0)
		try_calls();
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child < 0 || !WIFEXITED(status);
}

struct error *inject_enter(struct inject *inject, const struct space *space)
{
	uint8_t stub[1024];
	struct user_regs_struct regs;
	struct stub_parameters parameters;

	if (stub_bytes() > sizeof(stub) ||
	    (size_t)(agent_end - agent_start) > AGENT_CONSTANTS_AT)
		return error_new("the agent was built too large");
	if (is_filter_deadly(inject->pid))
		return error_new("a seccomp filter would kill it for mapping "
				 "memory");
	for (uint32_t id = 0; id < space_n_mappings(space) && !inject->cave;
	     id++)
		inject->cave = find_cave_in(inject, space_mapping(space, id),
					    stub_bytes());
	if (!inject->cave)
		return error_new("no place for %zu bytes behind the code of "
				 "any of its files", stub_bytes());
	choose_place(inject, space);
	if (tracee_get_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("it has ended");
	parameters = (struct stub_parameters){
		.a = inject->a, .a_bytes = AGENT_BYTES,
		.b = inject->b, .b_bytes = inject->b_bytes,
		.resume = regs.rip,
	};
	stub_make(&parameters, stub);
	if (!memfile_write(inject->mem_fd, inject->cave, stub, stub_bytes()))
		return error_new("its code cannot be written");
	regs.rip = inject->cave;
	regs.orig_rax = (unsigned long)-1; /* no call to be restarted */
	if (tracee_set_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("it has ended");
	return NULL;
}

static bool read_state(const struct inject *inject, struct agent_state *out,
		       size_t len)
{
	return memfile_read(inject->mem_fd, inject->a + AGENT_STATE_AT, out,
			    len) == len;
}

/* Until the stub has come to @step; the state's first words in @out. */
static bool await_step(struct inject *inject, enum stub_step step,
		       struct agent_state *out)
{
	struct timespec moment = timespec_of_ns(50 * NS_PER_US);
	int64_t bound_ns = clock_now_ns() + STEP_WAIT_NS;
	size_t len = offsetof(struct agent_state, unused);

	do {
		if (read_state(inject, out, len) && out->stub_step >= step)
			return out->stub_step == step;
		nanosleep(&moment, NULL);
	} while (clock_now_ns() < bound_ns);
	return false;
}

static struct error *map_shared(struct inject *inject, int fd)
{
	CLEANUP(close_fd) int own = proc_open_fd(inject->pid, fd, O_RDWR);
	void *at;

	if (own < 0)
		return error_errno(errno, "cannot share memory with it");
	at = mmap(NULL, inject->b_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		  own, 0);
	if (at == MAP_FAILED)
		return error_errno(errno, "cannot share memory with it");
	inject->shared = at;
	return NULL;
}

struct error *inject_install(struct inject *inject,
			     const struct agent_constants *constants)
{
	uint32_t yes = 1;
	struct agent_state state;
	struct error *error;
	taddr a = inject->a;

	if (!await_step(inject, STUB_HAS_B, &state))
		return error_new("its memory could not be extended");
	error = map_shared(inject, (int)state.stub_fd);
	if (error)
		return error;
	if (!memfile_write(inject->mem_fd, a, agent_start,
			   (size_t)(agent_end - agent_start)) ||
	    !memfile_write(inject->mem_fd, a + AGENT_CONSTANTS_AT, constants,
			   sizeof(*constants)) ||
	    !memfile_write(inject->mem_fd, a + AGENT_STATE_AT +
			   offsetof(struct agent_state, is_enabled), &yes,
			   sizeof(yes)))
		return error_new("its memory cannot be written");
	return NULL;
}

/* The stub stays: nobody can tell from outside when the thread has left it. */
void inject_finish(struct inject *inject)
{
	uint32_t yes = 1;

	memfile_write(inject->mem_fd, inject->a + AGENT_STATE_AT +
		      offsetof(struct agent_state, may_go), &yes, sizeof(yes));
}

void inject_clear(struct inject *inject)
{
	if (inject->shared)
		munmap(inject->shared, inject->b_bytes);
	inject->shared = NULL;
}
