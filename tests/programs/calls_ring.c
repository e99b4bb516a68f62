/* SPDX-License-Identifier: MIT */
/* calls_ring.c - Linux' two kinds of asynchronous I/O, without libraries. */
#include "calls.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>

static int open_aio(struct scene *s)
{
	aio_context_t context = 0;

	if (pipe(s->fd) != 0 || syscall(SYS_io_setup, 8, &context) != 0)
		return -1;
	s->ring = (void *)context; // NOLINT: an address, as a number
	return 0;
}

static long io_getevents(struct scene *s, struct timespec *t)
{
	struct io_event event;

	return syscall(SYS_io_getevents, s->ring, 1l, 1l, &event, t);
}

static long call_io_getevents(struct scene *s)
{
	struct timespec t = timespec_wait();

	return io_getevents(s, &t);
}

/* An event when the pipe can be read. */
static int ready_aio_poll(struct scene *s)
{
	static struct iocb cb;
	struct iocb *list[] = { &cb };

	cb = (struct iocb){
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = (uint32_t)s->fd[0],
		.aio_buf = 1, /* POLLIN */
	};
	return syscall(SYS_io_submit, s->ring, 1l, list) == 1 ? 0 : -1;
}

static long call_io_getevents_infinite(struct scene *s)
{
	long result = io_getevents(s, NULL);

	if (result > 0)
		take_bytes(s->fd[0]);
	return result;
}

static long call_io_pgetevents(struct scene *s)
{
	struct timespec t = timespec_wait();
	struct io_event event;

	return syscall(SYS_io_pgetevents, s->ring, 1l, 1l, &event, &t, NULL);
}

struct uring {
	int fd;
	char *sq, *cq;
	struct io_uring_params params;
	struct io_uring_sqe *sqes;
};

static int open_uring(struct scene *s)
{
	struct uring *ring = calloc(1, sizeof(*ring));

	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return -1;
	if (!(ring->params.features & IORING_FEAT_EXT_ARG)) {
		errno = ENOSYS;
		return -1;
	}
	ring->sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			ring->fd, IORING_OFF_SQ_RING);
	ring->cq = ring->sq; /* one mapping has both since Linux 5.4 */
	ring->sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, (off_t)IORING_OFF_SQES);
	s->ring = ring;
	return ring->sq == MAP_FAILED || ring->sqes == MAP_FAILED ? -1 : 0;
}

static uint32_t *uring_word(char *base, uint32_t offset)
{
	return (uint32_t *)(void *)(base + offset);
}

static void wake_uring(struct scene *s)
{
	struct uring *ring = s->ring;
	const struct io_sqring_offsets *at = &ring->params.sq_off;
	uint32_t tail = *uring_word(ring->sq, at->tail);
	uint32_t slot = tail & *uring_word(ring->sq, at->ring_mask);

	ring->sqes[slot] = (struct io_uring_sqe){ .opcode = IORING_OP_NOP };
	uring_word(ring->sq, at->array)[slot] = slot;
	__atomic_store_n(uring_word(ring->sq, at->tail), tail + 1,
			 __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0) != 1)
		_exit(4);
}

static long uring_wait(struct scene *s, struct __kernel_timespec *t)
{
	struct uring *ring = s->ring;
	struct io_uring_getevents_arg arg = { .ts = (uint64_t)(uintptr_t)t };
	long result = syscall(SYS_io_uring_enter, ring->fd, 0, 1,
			      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			      &arg, sizeof(arg));
	int err = errno;

	if (result == 0) /* taken */
		++*uring_word(ring->cq, ring->params.cq_off.head);
	errno = err;
	return result;
}

static long call_uring(struct scene *s)
{
	struct __kernel_timespec t = { .tv_nsec = WAIT_MS * NS_PER_MS };

	return uring_wait(s, &t);
}

static long call_uring_infinite(struct scene *s)
{
	return uring_wait(s, NULL);
}

const struct call_case calls_ring[] = {
	{ "io_getevents", open_aio, NULL, call_io_getevents, .want = 0 },
	{ "io_getevents_infinite", open_aio, ready_aio_poll,
	  call_io_getevents_infinite, .wake = wake_pipe, .want = 1 },
	{ "io_pgetevents", open_aio, NULL, call_io_pgetevents, .want = 0 },
	{ "io_uring_enter", open_uring, NULL, call_uring, .want = -1,
	  .want_errno = ETIME },
	{ "io_uring_enter_infinite", open_uring, NULL, call_uring_infinite,
	  .wake = wake_uring },
	{ .name = NULL },
};
