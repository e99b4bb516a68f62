/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a ring of frames: 16 bytes of header, then the record.
 *
 * Positions count bytes ever written, so head - tail is what is pending. A
 * record never wraps: the rest of the buffer becomes a filler frame.
 */
#include "sampler/ring.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

struct ring_frame {
	uint64_t bytes; /* of the whole frame, a multiple of 16 */
	uint64_t len;	/* of the record; FILLER: skip this frame */
};

/* An empty ring starts again once it is beyond this part of the buffer. */
#define RING_NEAR_BYTES (RING_BYTES / 4)

#define FILLER UINT64_MAX
#define FRAME_BYTES sizeof(struct ring_frame)

struct error *ring_init(struct ring *ring)
{
	*ring = (struct ring){ .wake_fd = -1 };
	ring->bytes = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring->bytes == MAP_FAILED) {
		ring->bytes = NULL;
		return error_errno(errno, "cannot allocate the sample ring");
	}
	/* A fork shares memory until either writes, and this is written into
	 * while a thread is held. No child of ours needs it. */
	madvise(ring->bytes, RING_BYTES, MADV_DONTFORK);
	ring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->wake_fd < 0)
		return error_errno(errno, "cannot make an eventfd");
	return NULL;
}

void ring_clear(struct ring *ring)
{
	if (ring->bytes)
		munmap(ring->bytes, RING_BYTES);
	if (ring->wake_fd >= 0)
		close(ring->wake_fd);
	ring->bytes = NULL;
	ring->wake_fd = -1;
}

static struct ring_frame *frame_at(struct ring *ring, uint64_t position)
{
	return (struct ring_frame *)(void *)(ring->bytes +
					     position % RING_BYTES);
}

size_t ring_pending(const struct ring *ring)
{
	return (size_t)(atomic_load_explicit(&ring->head,
					     memory_order_relaxed) -
			atomic_load_explicit(&ring->tail,
					     memory_order_acquire));
}

/* Fill up to the end of the buffer; the filler is committed at once. */
static void skip_to_start(struct ring *ring, uint64_t head)
{
	uint64_t rest = RING_BYTES - head % RING_BYTES;

	*frame_at(ring, head) = (struct ring_frame){ .bytes = rest,
						     .len = FILLER };
	atomic_store_explicit(&ring->head, head + rest, memory_order_release);
}

void *ring_reserve(struct ring *ring, size_t len, size_t spare)
{
	uint64_t head = atomic_load_explicit(&ring->head,
					     memory_order_relaxed);
	uint64_t pending = ring_pending(ring);
	uint64_t rest = RING_BYTES - head % RING_BYTES;
	uint64_t need = FRAME_BYTES + ((len + 15) & ~(size_t)15);

	bool is_far = !pending && RING_BYTES - rest > RING_NEAR_BYTES;

	if (is_far || rest < need) {
		if (pending + rest + need + spare > RING_BYTES)
			return NULL;
		skip_to_start(ring, head);
		head += rest;
		pending += rest;
	}
	if (pending + need + spare > RING_BYTES)
		return NULL;
	ring->reserved = head;
	return frame_at(ring, head) + 1;
}

void ring_commit(struct ring *ring, size_t len)
{
	uint64_t bytes = FRAME_BYTES + ((len + 15) & ~(size_t)15);

	*frame_at(ring, ring->reserved) =
		(struct ring_frame){ .bytes = bytes, .len = len };
	atomic_store_explicit(&ring->head, ring->reserved + bytes,
			      memory_order_release);
}

void ring_wake(struct ring *ring)
{
	uint64_t one = 1;

	if (!atomic_exchange(&ring->is_waiting, 0))
		return;
	while (write(ring->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

const void *ring_peek(struct ring *ring, size_t *out_len)
{
	for (;;) {
		uint64_t tail = atomic_load_explicit(&ring->tail,
						     memory_order_relaxed);
		struct ring_frame *frame = frame_at(ring, tail);

		if (tail == atomic_load_explicit(&ring->head,
						 memory_order_acquire))
			return NULL;
		if (frame->len != FILLER) {
			*out_len = frame->len;
			return frame + 1;
		}
		atomic_store_explicit(&ring->tail, tail + frame->bytes,
				      memory_order_release);
	}
}

void ring_release(struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail,
					     memory_order_relaxed);

	struct ring_frame *frame = frame_at(ring, tail);

	/* Somebody's keys may have been on that stack (core dumps, swap). */
	memset(frame + 1, 0, frame->len);
	atomic_store_explicit(&ring->tail, tail + frame->bytes,
			      memory_order_release);
}

void ring_wait(struct ring *ring, int timeout_ms)
{
	struct pollfd pfd = { .fd = ring->wake_fd, .events = POLLIN };
	uint64_t count;
	size_t len;

	atomic_store(&ring->is_waiting, 1);
	if (!ring_peek(ring, &len) || timeout_ms < 0)
		poll(&pfd, 1, timeout_ms);
	atomic_store(&ring->is_waiting, 0);
	while (read(ring->wake_fd, &count, sizeof(count)) < 0 &&
	       errno == EINTR)
		;
}
