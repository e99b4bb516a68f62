/* SPDX-License-Identifier: MIT */
/* inject.c - map the agent's memory into a program, and write the agent. */
#include "heap/inject.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/agent_place.h"
#include "heap/begin.h"
#include "heap/found.h"
#include "heap/linkmap.h"
#include "target/permission.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"

#define PAGE_BYTES UINT64_C(4096)
#define STOPS_MAX 200000
#define RESTART_MIN (-516) /* ERESTART_RESTARTBLOCK ... ERESTARTSYS */
#define RESTART_MAX (-512)
#define STEP_WAIT_NS (2 * NS_PER_S)
#define NAPS_OF_BEGINNER 20000 /* of some 100 us: two seconds */
#define NAPS_OF_RUNNER 2000

/* agent.c */
extern const uint8_t agent_start[] __asm__("__start_agent_text")
	__attribute__((visibility("hidden")));

/* WRAPPER(MALLOC, malloc): the address of agent_wrap_malloc() */
#define WRAPPER(id, name)                                                    \
	extern const uint8_t agent_wrap_##name[];
#define ALL_WRAPPERS                                                         \
	WRAPPER(MALLOC, malloc) \
	WRAPPER(FREE, free) \
	WRAPPER(CALLOC, calloc) \
	WRAPPER(REALLOC, realloc) \
	WRAPPER(MEMALIGN, memalign) \
	WRAPPER(ALIGNED_ALLOC, aligned_alloc) \
	WRAPPER(POSIX_MEMALIGN, posix_memalign) \
	WRAPPER(VALLOC, valloc) \
	WRAPPER(PRCTL, prctl) \
	WRAPPER(SYSCALL, syscall) \
	WRAPPER(CXA_FINALIZE, cxa_finalize) \
	WRAPPER(NEW, new) \
	WRAPPER(NEW_ARRAY, new_array) \
	WRAPPER(NEW_NOTHROW, new_nothrow) \
	WRAPPER(NEW_ARRAY_NOTHROW, new_array_nothrow) \
	WRAPPER(NEW_ALIGNED, new_aligned) \
	WRAPPER(NEW_ARRAY_ALIGNED, new_array_aligned) \
	WRAPPER(NEW_ALIGNED_NOTHROW, new_aligned_nothrow) \
	WRAPPER(NEW_ARRAY_ALIGNED_NOTHROW, new_array_aligned_nothrow) \
	WRAPPER(DELETE, delete) \
	WRAPPER(DELETE_ARRAY, delete_array) \
	WRAPPER(DELETE_SIZED, delete_sized) \
	WRAPPER(DELETE_ARRAY_SIZED, delete_array_sized) \
	WRAPPER(DELETE_NOTHROW, delete_nothrow) \
	WRAPPER(DELETE_ARRAY_NOTHROW, delete_array_nothrow) \
	WRAPPER(DELETE_ALIGNED, delete_aligned) \
	WRAPPER(DELETE_ARRAY_ALIGNED, delete_array_aligned) \
	WRAPPER(DELETE_SIZED_ALIGNED, delete_sized_aligned) \
	WRAPPER(DELETE_ARRAY_SIZED_ALIGNED, delete_array_sized_aligned) \
	WRAPPER(MMAP, mmap) \
	WRAPPER(MMAP64, mmap64) \
	WRAPPER(MUNMAP, munmap) \
	WRAPPER(MREMAP, mremap) \
	WRAPPER(MPROTECT, mprotect)

ALL_WRAPPERS
#undef WRAPPER

void inject_wrappers(const struct inject *inject,
		     taddr out[N_AGENT_FUNCTIONS])
{
#define WRAPPER(id, name) [AGENT_##id] = agent_wrap_##name,
	const uint8_t *const wrappers[N_AGENT_FUNCTIONS] = { ALL_WRAPPERS };
#undef WRAPPER

	for (int i = 0; i < N_AGENT_FUNCTIONS; i++)
		out[i] = inject->stub.a + (taddr)(wrappers[i] - agent_start);
}

/* The next stop of the program; false: it has ended. */
static bool await_stop(pid_t pid, struct wait_event *event)
{
	while (!tracee_wait(pid, event))
		begin_await_event();
	return !event->is_exit;
}

/* The linker writes once where its list is, and early. */
static bool is_loaded(struct inject *inject)
{
	if (!inject->debug)
		inject->debug = link_find_debug(inject->mem_fd, inject->phdr,
						inject->n_phdrs);
	return inject->debug &&
	       link_is_consistent(inject->mem_fd, inject->debug);
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

bool inject_is_ready(struct inject *inject)
{
	return is_loaded(inject) && is_plain_return(inject->pid);
}

struct error *inject_check_dynamic(struct inject *inject)
{
	inject->phdr = proc_auxv(inject->pid, AT_PHDR);
	inject->n_phdrs = proc_auxv(inject->pid, AT_PHNUM);
	if (link_is_dynamic(inject->mem_fd, inject->phdr, inject->n_phdrs))
		return NULL;
	return error_hint(error_new("it is static: its malloc is called "
				    "without a way between"),
			  "try:   a program that is linked with libc.so; or "
			  "-e cpu");
}

/*
 * The linker says that it is done (r_state) and then unmaps its cache, or the
 * first constructor makes a system call: the return from that call is ours.
 */
struct error *inject_await_modules(struct inject *inject)
{
	struct error *error = inject_check_dynamic(inject);
	bool is_return = true; /* the first stop is the return of exec */
	struct wait_event event;
	int signal = 0;

	if (error)
		return error;
	for (int i = 0; i < STOPS_MAX; i++) {
		tracee_resume_to_call(inject->pid, signal);
		signal = 0;
		if (!await_stop(inject->pid, &event))
			return error_new("it ended before it began");
		if (event.signal != TRACEE_CALL_SIGNAL) {
			signal = event.event ? 0 : event.signal;
			continue;
		}
		if (is_return && inject_is_ready(inject))
			return NULL;
		is_return = !is_return;
	}
	return error_new("its dynamic linker does not come to an end");
}

/* What the stub and the agent will do there. */
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
	select(0, NULL, NULL, NULL, &(struct timeval){ .tv_usec = 1 });
	getppid();
	process_vm_readv(getpid(), NULL, 0, NULL, 0, 0);
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

struct error *inject_prepare(struct inject *inject, const struct space *space)
{
	struct stub_parameters *stub = &inject->stub;
	struct found found;

	if (agent_place_bytes() > AGENT_CONSTANTS_AT)
		return error_new("the agent was built too large");
	stub->code = found_cave(space, inject->mem_fd);
	if (!stub->code)
		return error_new("no place for %zu bytes behind the code of "
				 "any of its files", stub_bytes());
	found_look(&found, space, inject->mem_fd);
	if (found.owner && found_is_in_use(&found, inject->mem_fd))
		return error_hint(error_new("another psample profiles its "
					    "heap already"),
				  "try:   wait for its end");
	stub->a = found.a;
	stub->b = found.b;
	stub->b_bytes = FOUND_B_BYTES;
	stub->has_a = found.has_a;
	stub->has_b = found.has_b;
	stub->owner_before = found.owner;
	stub->session = found_new_session();
	stub->naps = inject->is_running ? NAPS_OF_RUNNER : NAPS_OF_BEGINNER;
	stub->parent = inject->is_running ? 0 : getpid();
	return NULL;
}

struct error *inject_write_stub(struct inject *inject)
{
	taddr cave = inject->stub.code;

	/* Beyond it, ftruncate(2) is a deadly signal. */
	if (!process_may_make_file(inject->pid, FOUND_B_BYTES))
		return error_hint(error_new("a limit of the size of its files "
					    "would kill it"),
				  "cause: ulimit -f; memory that is shared "
				  "counts as a file of %zu kB",
				  (size_t)FOUND_B_BYTES >> 10);
	if (found_has_stub(inject->mem_fd, cave) ||
	    memfile_write(inject->mem_fd, cave, stub_code(), stub_bytes()))
		return NULL;
	return error_new("its code cannot be written");
}

struct error *inject_enter(struct inject *inject)
{
	struct user_regs_struct regs;
	struct stub_frame frame;
	struct error *error;

	if (is_filter_deadly(inject->pid))
		return error_new("a seccomp filter would kill it for mapping "
				 "memory");
	error = inject_write_stub(inject);
	if (error)
		return error;
	if (tracee_get_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("it has ended");
	stub_enter(&inject->stub, &regs, &frame);
	if (!memfile_write(inject->mem_fd, regs.rsp, &frame, sizeof(frame)) ||
	    tracee_set_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("it has ended");
	return NULL;
}

static taddr state_at(const struct inject *inject, size_t offset)
{
	return inject->stub.a + AGENT_STATE_AT + offset;
}

static bool read_state(const struct inject *inject, struct agent_state *out)
{
	size_t len = offsetof(struct agent_state, unused_rest);

	return memfile_read(inject->mem_fd, state_at(inject, 0), out, len) ==
	       len;
}

static bool is_of_other(const struct inject *inject, uint64_t owner)
{
	return owner && owner != inject->stub.session &&
	       owner != inject->stub.owner_before;
}

/* Until the stub has come to B; the state's first words in @out. */
static enum stub_step await_b(struct inject *inject, struct agent_state *out)
{
	struct timespec moment = timespec_of_ns(20 * NS_PER_US);
	int64_t bound_ns = clock_now_ns() + STEP_WAIT_NS;
	uint32_t tag = stub_tag(inject->stub.session);

	do {
		bool is_there = read_state(inject, out);

		if (is_there && is_of_other(inject, out->owner))
			break;
		if (is_there && out->owner == inject->stub.session &&
		    out->stub_step - tag >= STUB_HAS_B &&
		    out->stub_step - tag < STUB_STEPS)
			return out->stub_step - tag;
		nanosleep(&moment, NULL);
	} while (clock_now_ns() < bound_ns);
	return STUB_NOWHERE;
}

static struct error *map_shared(struct inject *inject, int fd)
{
	CLEANUP(close_fd) int own = proc_open_fd(inject->pid, fd, O_RDWR);
	struct stat st;
	void *at;

	if (own < 0 || fstat(own, &st))
		return error_errno(errno, "cannot share memory with it");
	if (!S_ISREG(st.st_mode) || st.st_size != FOUND_B_BYTES)
		return error_new("its memory is not what was made");
	at = mmap(NULL, FOUND_B_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		  own, 0);
	if (at == MAP_FAILED)
		return error_errno(errno, "cannot share memory with it");
	inject->shared = at;
	return NULL;
}

/* Of an earlier session there may be anything. */
static bool clear_state(const struct inject *inject)
{
	size_t from = offsetof(struct agent_state, counters);
	size_t len = sizeof(struct agent_state) - from;
	CLEANUP(free) void *zeros = xcalloc(1, len);

	return memfile_write(inject->mem_fd, state_at(inject, from), zeros,
			     len);
}

static bool write_agent(const struct inject *inject,
			const struct agent_constants *constants)
{
	uint32_t is_mute = inject->filtered.must_be_mute;
	uint64_t nobody = 0;
	taddr a = inject->stub.a;

	/* All the rest is its parent's: pages that stay shared with it. */
	if (inject->is_copy)
		return memfile_write(
			inject->mem_fd,
			a + AGENT_CONSTANTS_AT +
				offsetof(struct agent_constants, seed),
			&constants->seed, sizeof(constants->seed));
	return memfile_write(inject->mem_fd,
			     state_at(inject, offsetof(struct agent_state,
						       active)),
			     &nobody, sizeof(nobody)) &&
	       memfile_write(inject->mem_fd,
			     state_at(inject, offsetof(struct agent_state,
						       is_filtered)),
			     &is_mute, sizeof(is_mute)) &&
	       memfile_write(inject->mem_fd, a + AGENT_CONSTANTS_AT,
			     constants, sizeof(*constants)) &&
	       agent_place_write(inject->mem_fd, a, constants->originals) &&
	       (inject->is_fresh || clear_state(inject));
}

struct error *inject_install(struct inject *inject,
			     const struct agent_constants *constants)
{
	struct agent_state state;
	enum stub_step step = await_b(inject, &state);
	struct error *error;

	if (step != STUB_HAS_B)
		return error_hint(error_new("its memory could not be "
					    "extended"),
				  "cause: a limit, SELinux, or another "
				  "psample that was faster");
	error = map_shared(inject, (int)state.stub_fd);
	if (inject->is_running)
		inject_finish(inject); /* its thread has waited enough */
	if (error)
		return error;
	if (inject->is_running && !inject->filtered.must_be_mute)
		error_free(filtered_survey(&inject->filtered, inject->pid));
	inject->shared->beat = 1;
	if (!write_agent(inject, constants))
		return error_new("its memory cannot be written");
	return NULL;
}

struct error *inject_activate(struct inject *inject, struct poke *poke)
{
	taddr word = state_at(inject, offsetof(struct agent_state, active));

	if (!inject_is_owner(inject))
		return error_new("another psample was faster");
	if (poke_write(poke, inject->mem_fd, word, 0,
		       inject->stub.session) != POKE_DONE)
		return error_new("its memory cannot be written");
	return NULL;
}

/* The stub stays: nobody can tell from outside when the thread has left it. */
void inject_finish(struct inject *inject)
{
	uint32_t yes = 1;

	memfile_write(inject->mem_fd,
		      state_at(inject, offsetof(struct agent_state, may_go)),
		      &yes, sizeof(yes));
}

bool inject_is_owner(const struct inject *inject)
{
	struct agent_state state;

	return read_state(inject, &state) &&
	       state.owner == inject->stub.session;
}

void inject_leave(struct inject *inject)
{
	uint64_t nobody = 0;

	if (inject_is_owner(inject))
		memfile_write(inject->mem_fd,
			      state_at(inject, offsetof(struct agent_state,
							owner)),
			      &nobody, sizeof(nobody));
}

/* Whoever writes there later gets pages that are empty. */
void inject_clear(struct inject *inject)
{
	filtered_clear(&inject->filtered);
	if (!inject->shared)
		return;
	madvise(inject->shared, FOUND_B_BYTES, MADV_REMOVE);
	munmap(inject->shared, FOUND_B_BYTES);
	inject->shared = NULL;
}
