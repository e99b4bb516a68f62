/* SPDX-License-Identifier: MIT */
/* memfile.c - /proc/PID/mem, and words that are changed for a while. */
#include "target/memfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "target/permission.h"

struct error *memfile_open(pid_t pid, int *out_fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	*out_fd = open(path, O_RDWR | O_CLOEXEC);
	return *out_fd < 0 ? attach_error(pid, errno) : NULL;
}

size_t memfile_read(int fd, taddr addr, void *buf, size_t len)
{
	ssize_t n;

	if (addr >> 63) /* no offset of a file, and nobody's memory */
		return 0;
	do
		n = pread(fd, buf, len, (off_t)addr);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

bool memfile_write(int fd, taddr addr, const void *buf, size_t len)
{
	return !(addr >> 63) &&
	       pwrite(fd, buf, len, (off_t)addr) == (ssize_t)len;
}

/* All who open /proc/PID/mem get the same inode, so flock(2) works there. */
bool memfile_lock(int fd)
{
	return !flock(fd, LOCK_EX | LOCK_NB);
}

void memfile_unlock(int fd)
{
	flock(fd, LOCK_UN);
}

/* Write @value if the word is @expected. */
static enum poke_result replace(int fd, taddr addr, uint64_t expected,
				uint64_t value)
{
	uint64_t now;

	if (memfile_read(fd, addr, &now, sizeof(now)) != sizeof(now))
		return POKE_GONE;
	if (now != expected)
		return POKE_OTHER;
	return pwrite(fd, &value, sizeof(value), (off_t)addr) ==
			       (ssize_t)sizeof(value)
		       ? POKE_DONE
		       : POKE_GONE;
}

enum poke_result poke_write(struct poke *poke, int fd, taddr addr,
			    uint64_t before, uint64_t value)
{
	enum poke_result result;

	assert(addr % sizeof(uint64_t) == 0);
	poke->fd = fd;
	poke->addr = addr;
	poke->before = before;
	poke->written = value;
	/* First: if we die right behind the write, the guard knows of it. */
	atomic_store(&poke->is_armed, true);
	result = replace(fd, addr, before, value);
	if (result != POKE_DONE)
		atomic_store(&poke->is_armed, false);
	return result;
}

enum poke_result poke_undo(struct poke *poke)
{
	enum poke_result result;

	if (!atomic_load(&poke->is_armed))
		return POKE_DONE;
	result = replace(poke->fd, poke->addr, poke->written, poke->before);
	/* Last: if we die before, the guard finds it done. */
	atomic_store(&poke->is_armed, false);
	return result;
}

struct poke *pokes_take(struct pokes *pokes)
{
	for (uint32_t i = 0; i < POKES_MAX; i++) {
		if (atomic_load(&pokes->list[i].is_taken))
			continue;
		atomic_store(&pokes->list[i].is_taken, true);
		if (i >= atomic_load(&pokes->n))
			atomic_store(&pokes->n, i + 1);
		return &pokes->list[i].poke;
	}
	return NULL;
}

void pokes_give(struct pokes *pokes, struct poke *poke)
{
	size_t at = (size_t)((char *)poke - (char *)&pokes->list[0].poke) /
		    sizeof(pokes->list[0]);

	assert(at < POKES_MAX && poke == &pokes->list[at].poke);
	poke_undo(poke);
	atomic_store(&pokes->list[at].is_taken, false);
}

void pokes_undo_all(struct pokes *pokes)
{
	uint32_t n = atomic_load(&pokes->n);

	for (uint32_t i = 0; i < n && i < POKES_MAX; i++)
		poke_undo(&pokes->list[i].poke);
}
