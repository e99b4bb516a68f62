/* SPDX-License-Identifier: MIT */
/*
 * oracle.c - walk the stacks of a live process by rows and by libunwind.
 *
 *	oracle -p PID [-n STACKS] [-b] [-v]
 *
 * Records STACKS snapshots of running threads (-b: of blocked ones, without
 * stopping them, so that only pc and sp are known), walks each by both
 * methods, and prints where they differ and what each costs.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "sampler/subject.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/mem.h"
#include "unwind/walk.h"

#define STACK_BYTES_MAX (256 * 1024u)
#define MAPS_BYTES_MAX (64u << 20)
#define THREADS_MAX 256
#define EXAMPLES 3
#define TIMING_NS (300 * NS_PER_MS)

enum verdict {
	SAME,
	SAME_OTHER_END, /* equal frames, but another reason to stop */
	ROWS_LONGER,
	LIBUNWIND_LONGER,
	DIVERGED,
	N_VERDICTS,
};

static const char *const verdict_names[N_VERDICTS] = {
	"identical", "identical, other end", "rows go further",
	"libunwind goes further", "frames differ",
};

struct options {
	int pid;
	size_t n_stacks;
	bool wants_blocked, is_verbose;
};

struct oracle {
	struct options options;
	pid_t threads[THREADS_MAX];
	size_t n_threads;
	struct vec snapshots; /* struct snapshot */
	struct modules modules;
	struct space *space;
	struct unwinder *unwinder;
};

static void die(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int source_open(void *ctx, const struct mapping *mapping)
{
	const struct options *options = ctx;
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
		 options->pid, mapping->start, mapping->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/root%s", options->pid,
		 mapping->path);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t source_read(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct options *options = ctx;
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };

	return process_vm_readv(options->pid, &local, 1, &remote, 1, 0);
}

static char *source_maps(void *ctx, size_t *out_len)
{
	const struct options *options = ctx;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", options->pid);
	return io_read_file(path, MAPS_BYTES_MAX, out_len);
}

static void threads_seize(struct oracle *oracle)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", oracle->options.pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((entry = readdir(dir)) && oracle->n_threads < THREADS_MAX) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (!oracle->options.wants_blocked &&
		    ptrace(PTRACE_SEIZE, tid, 0, 0))
			die("PTRACE_SEIZE");
		oracle->threads[oracle->n_threads++] = tid;
	}
	closedir(dir);
}

/* INTERRUPT @tid and wait for that stop; signals go on their way. */
static bool thread_stop(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return false;
	for (;;) {
		if (waitpid(tid, &status, __WALL) != tid ||
		    !WIFSTOPPED(status))
			return false;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return true;
		ptrace(PTRACE_CONT, tid, 0, WSTOPSIG(status));
	}
}

static void thread_resume(pid_t tid)
{
	ptrace(PTRACE_CONT, tid, 0, 0);
}

static void threads_release(struct oracle *oracle)
{
	if (oracle->options.wants_blocked)
		return;
	for (size_t i = 0; i < oracle->n_threads; i++)
		if (thread_stop(oracle->threads[i]))
			ptrace(PTRACE_DETACH, oracle->threads[i], 0, 0);
}

static void regs_from_user(const struct user_regs_struct *user,
			   struct regs *out)
{
	const uint64_t r[N_REGS] = {
		user->rax, user->rdx, user->rcx, user->rbx, user->rsi,
		user->rdi, user->rbp, user->rsp, user->r8,  user->r9,
		user->r10, user->r11, user->r12, user->r13, user->r14,
		user->r15, user->rip,
	};

	memcpy(out->r, r, sizeof(r));
	out->known = REGS_ALL_KNOWN;
}

/* What /proc/PID/task/TID/syscall says: "running", or "NR args... SP PC". */
static bool thread_is_running(pid_t pid, pid_t tid, struct regs *out_blocked)
{
	char path[80], *last, *before;
	CLEANUP(free) char *text = NULL;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	text = io_read_file(path, 512, &len);
	out_blocked->known = 0;
	if (!text || !strncmp(text, "running", 7))
		return text != NULL;
	last = strrchr(text, ' ');
	if (!last)
		return false;
	*last = '\0';
	before = strrchr(text, ' ');
	if (!before)
		return false;
	regs_set(out_blocked, CPU_PC, strtoull(last + 1, NULL, 16));
	regs_set(out_blocked, CPU_SP, strtoull(before + 1, NULL, 16));
	return false;
}

static bool snapshot_take(struct oracle *oracle, const struct regs *regs)
{
	const struct mapping *stack;
	struct snapshot *snapshot;
	size_t len = STACK_BYTES_MAX;
	taddr base = regs->r[CPU_SP] - RED_ZONE_BYTES;
	uint8_t *bytes;
	ssize_t n;

	stack = space_find(oracle->space, regs->r[CPU_SP]);
	if (!stack)
		return false;
	if (stack->end - base < len)
		len = stack->end - base;
	bytes = xmalloc(len);
	n = source_read(&oracle->options, base, bytes, len);
	if (n <= 0) {
		free(bytes);
		return false;
	}
	snapshot = vec_push(&oracle->snapshots);
	snapshot->regs = *regs;
	snapshot->base = base;
	snapshot->bytes = bytes;
	snapshot->n_bytes = (size_t)n;
	snapshot->is_cut = base + (size_t)n < stack->end;
	return true;
}

static void thread_record(struct oracle *oracle, pid_t tid)
{
	struct user_regs_struct user;
	struct iovec iov = { &user, sizeof(user) };
	struct regs regs;

	if (!thread_is_running(oracle->options.pid, tid, &regs)) {
		if (oracle->options.wants_blocked && regs.known)
			snapshot_take(oracle, &regs);
		return;
	}
	if (oracle->options.wants_blocked || !thread_stop(tid))
		return;
	if (!ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov)) {
		regs_from_user(&user, &regs);
		snapshot_take(oracle, &regs);
	}
	thread_resume(tid);
}

/* Let signals through that stopped a thread meanwhile. */
static void threads_pass_signals(struct oracle *oracle)
{
	int status;

	for (size_t i = 0; i < oracle->n_threads; i++) {
		pid_t tid = oracle->threads[i];

		while (waitpid(tid, &status, __WALL | WNOHANG) == tid &&
		       WIFSTOPPED(status))
			ptrace(PTRACE_CONT, tid, 0,
			       status >> 16 ? 0 : WSTOPSIG(status));
	}
}

static void oracle_record(struct oracle *oracle)
{
	size_t wanted = oracle->options.n_stacks;
	int64_t end = clock_now_ns() + 60 * NS_PER_S;

	while (oracle->snapshots.n < wanted && clock_now_ns() < end) {
		struct timespec pause = timespec_of_ns(random() % 3000000);

		for (size_t i = 0; i < oracle->n_threads; i++)
			thread_record(oracle, oracle->threads[i]);
		if (!oracle->options.wants_blocked)
			threads_pass_signals(oracle);
		nanosleep(&pause, NULL);
		if (kill(oracle->options.pid, 0))
			break;
	}
}

static struct snapshot *snapshot_at(struct oracle *oracle, size_t i)
{
	return vec_at(&oracle->snapshots, i);
}

static const struct frame *frame_at(const struct frames *frames, size_t i)
{
	return vec_at(&frames->list, i);
}

static enum verdict compare(const struct frames *rows,
			    const struct frames *other, size_t *out_at)
{
	size_t n = rows->list.n < other->list.n ? rows->list.n :
						  other->list.n;

	for (size_t i = 0; i < n; i++) {
		*out_at = i;
		if (frame_at(rows, i)->addr != frame_at(other, i)->addr)
			return DIVERGED;
	}
	*out_at = n;
	if (rows->list.n != other->list.n)
		return rows->list.n > n ? ROWS_LONGER : LIBUNWIND_LONGER;
	return rows->end == other->end ? SAME : SAME_OTHER_END;
}

static void print_frames(struct oracle *oracle, const char *name,
			 const struct frames *frames, size_t from)
{
	size_t first = from > 2 ? from - 2 : 0;

	printf("    %s: %zu frames, end: %s\n", name, frames->list.n,
	       walk_end_name(frames->end));
	for (size_t i = first; i < frames->list.n && i < from + 3; i++) {
		const struct frame *frame = frame_at(frames, i);
		const struct mapping *mapping = NULL;
		uint64_t vaddr = 0;

		if (frame->mapping_id != NO_ID)
			mapping = space_mapping(oracle->space,
						frame->mapping_id);
		if (mapping)
			mapping_vaddr(mapping, frame->addr, &vaddr);
		printf("      %c%zu %#" PRIx64 " %s+%#" PRIx64 "%s\n",
		       i == from ? '>' : ' ', i, frame->addr,
		       mapping ? mapping->path : "-", vaddr,
		       frame->flags & FRAME_GUESSED ? " (guessed)" : "");
	}
}

static void print_ends(const char *name, const uint64_t *ends, size_t n)
{
	printf("%-10s to root %6.2f %%", name,
	       100.0 * (double)ends[WALK_ROOT] / (double)(n ? n : 1));
	for (int i = 0; i < N_WALK_ENDS; i++)
		if (i != WALK_ROOT && ends[i])
			printf(", %s %" PRIu64,
			       walk_end_name((enum walk_end)i), ends[i]);
	printf("\n");
}

static void oracle_compare(struct oracle *oracle)
{
	struct frames rows = { 0 }, other = { 0 };
	uint64_t ends[2][N_WALK_ENDS] = { 0 }, counts[N_VERDICTS] = { 0 };
	uint64_t n_frames = 0, n_guessed = 0, n_lost = 0;
	const struct walk_counts *c = unwinder_counts(oracle->unwinder);
	int64_t start = clock_now_ns();

	for (size_t i = 0; i < oracle->snapshots.n; i++) {
		enum verdict verdict;
		size_t at = 0;

		unwinder_walk(oracle->unwinder, oracle->space,
			      snapshot_at(oracle, i), &rows);
		unwinder_walk_libunwind(oracle->unwinder, oracle->space,
					snapshot_at(oracle, i), &other);
		ends[0][rows.end]++;
		ends[1][other.end]++;
		n_frames += rows.list.n;
		for (size_t k = 0; k < rows.list.n; k++)
			n_guessed += frame_at(&rows, k)->flags & 1;
		if (rows.end != WALK_ROOT && n_lost++ < EXAMPLES) {
			printf("  rows do not reach the root\n");
			print_frames(oracle, "rows", &rows, rows.list.n - 1);
		}
		verdict = compare(&rows, &other, &at);
		if (counts[verdict]++ >= EXAMPLES ||
		    (verdict == SAME && !oracle->options.is_verbose))
			continue;
		printf("  %s at frame %zu\n", verdict_names[verdict], at);
		print_frames(oracle, "rows", &rows, at);
		print_frames(oracle, "libunwind", &other, at);
	}
	printf("stacks %zu, frames %.1f a stack, guessed %.2f %%\n",
	       oracle->snapshots.n,
	       (double)n_frames / (double)(oracle->snapshots.n + !n_frames),
	       100.0 * (double)n_guessed / (double)(n_frames + !n_frames));
	for (int i = 0; i < N_VERDICTS; i++)
		printf("  %-24s %" PRIu64 "\n", verdict_names[i], counts[i]);
	print_ends("rows", ends[0], oracle->snapshots.n);
	print_ends("libunwind", ends[1], oracle->snapshots.n);
	printf("asked libdw %" PRIu64 " times, libunwind steps %" PRIu64
	       ", first pass %.1f ms\n", c->row_lookups, c->libunwind_steps,
	       (double)(clock_now_ns() - start) / 1e6);
	vec_clear(&rows.list);
	vec_clear(&other.list);
}

typedef void (*walk_fn)(struct unwinder *, struct space *,
			const struct snapshot *, struct frames *);

static double oracle_time(struct oracle *oracle, walk_fn walk,
			  const char *name)
{
	struct frames frames = { 0 };
	uint64_t n_frames = 0, n_stacks = 0;
	int64_t start = clock_now_ns(), spent = 0;
	double per_frame;

	while (spent < TIMING_NS && oracle->snapshots.n > 0) {
		for (size_t i = 0; i < oracle->snapshots.n; i++) {
			walk(oracle->unwinder, oracle->space,
			     snapshot_at(oracle, i), &frames);
			n_frames += frames.list.n;
		}
		n_stacks += oracle->snapshots.n;
		spent = clock_now_ns() - start;
	}
	vec_clear(&frames.list);
	if (!n_frames)
		return 0;
	per_frame = (double)spent / (double)n_frames;
	printf("%-10s %8.0f ns a stack, %7.1f ns a frame, %6.2f M frames/s\n",
	       name, (double)spent / (double)n_stacks, per_frame,
	       1e3 / per_frame);
	return per_frame;
}

/* Rows again, each stack put into the tables of a profile as psample does. */
static double oracle_time_interning(struct oracle *oracle)
{
	struct profile *profile = profile_new();
	struct registry registry;
	struct subject *subject;
	struct vec ids = VEC_OF(location_id);
	struct frames frames = { 0 };
	uint64_t n_frames = 0;
	int64_t start, spent = 0;

	registry_init(&registry, profile);
	profile_add_type(profile, "samples", "count");
	subject = subject_new(&registry, oracle->options.pid, NULL);
	subject_prepare(&registry, subject, oracle->options.pid);
	start = clock_now_ns();
	while (spent < TIMING_NS && oracle->snapshots.n > 0) {
		for (size_t i = 0; i < oracle->snapshots.n; i++) {
			unwinder_walk(oracle->unwinder, subject->space,
				      snapshot_at(oracle, i), &frames);
			n_frames += frames.list.n;
			ids.n = 0;
			subject_locate(&registry, subject, &frames, &ids);
			profile_add_sample(profile,
					   profile_stack(profile, ids.data,
							 ids.n),
					   NO_ID, (int64_t[]){ 1 });
		}
		spent = clock_now_ns() - start;
	}
	unwinder_forget(oracle->unwinder, subject->space);
	subject_free(subject);
	registry_clear(&registry);
	vec_clear(&frames.list);
	vec_clear(&ids);
	if (!n_frames)
		return 0;
	printf("interned   %7.1f ns a frame, %6.2f M frames/s\n",
	       (double)spent / (double)n_frames,
	       1e3 * (double)n_frames / (double)spent);
	return (double)spent / (double)n_frames;
}

static bool options_parse(int argc, char **argv, struct options *out)
{
	int c;

	*out = (struct options){ .n_stacks = 300 };
	while ((c = getopt(argc, argv, "p:n:bv")) != -1) {
		if (c == 'p')
			out->pid = atoi(optarg);
		else if (c == 'n')
			out->n_stacks = strtoul(optarg, NULL, 10);
		else if (c == 'b')
			out->wants_blocked = true;
		else if (c == 'v')
			out->is_verbose = true;
		else
			return false;
	}
	return out->pid > 0;
}

int main(int argc, char **argv)
{
	struct oracle oracle = { .snapshots = VEC_OF(struct snapshot) };
	struct walk_options walk = { .method = WALK_AUTO };
	struct image_source source = {
		.open_mapping = source_open,
		.read_memory = source_read,
		.read_maps = source_maps,
		.ctx = &oracle.options,
	};
	double rows, interned, libunwind;

	if (!options_parse(argc, argv, &oracle.options)) {
		fprintf(stderr, "usage: oracle -p PID [-n STACKS] [-b] [-v]\n");
		return 2;
	}
	modules_init(&oracle.modules);
	oracle.space = space_new(&oracle.modules, &source);
	oracle.unwinder = unwinder_new(&walk);
	if (!space_refresh(oracle.space))
		die("cannot read the maps");
	threads_seize(&oracle);
	oracle_record(&oracle);
	threads_release(&oracle);
	oracle_compare(&oracle);
	rows = oracle_time(&oracle, unwinder_walk, "rows");
	interned = oracle_time_interning(&oracle);
	libunwind = oracle_time(&oracle, unwinder_walk_libunwind, "libunwind");
	if (rows > 0 && interned > 0)
		printf("rows are %.1f times faster a frame, interning "
		       "included %.1f times\n", libunwind / rows,
		       libunwind / interned);
	for (size_t i = 0; i < oracle.snapshots.n; i++)
		free((void *)snapshot_at(&oracle, i)->bytes);
	vec_clear(&oracle.snapshots);
	unwinder_free(oracle.unwinder);
	space_free(oracle.space);
	modules_clear(&oracle.modules);
	return 0;
}
