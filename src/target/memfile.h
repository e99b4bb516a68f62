/* SPDX-License-Identifier: MIT */
/*
 * memfile.h - /proc/PID/mem: a target's memory, read and changed from outside.
 *
 * An open file stays with the memory that it was opened for: after an exec,
 * or the end of the process, it reads as empty and cannot change what came
 * after it. A struct poke is one word that is changed for a while; it lies in
 * memory that is shared with the guard (guard.h), which puts the word back
 * when psample cannot.
 */
#ifndef TARGET_MEMFILE_H
#define TARGET_MEMFILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "arch/regs.h"
#include "util/error.h"

/* Open for reading and writing; fails with cause and remedy. */
struct error *memfile_open(pid_t pid, int *out_fd) MUST_USE;

/* Bytes read, fewer where the mapping ends; 0: nothing there, or gone. */
size_t memfile_read(int fd, taddr addr, void *buf, size_t len);

/* Also where the process itself may not write; false: not all of it. */
bool memfile_write(int fd, taddr addr, const void *buf, size_t len);

/*
 * Only one psample at a time may change this memory: false if another has the
 * right. It ends with memfile_unlock(), or with the last process that has
 * @fd open, so that a guard of ours keeps it until it has put things back.
 */
bool memfile_lock(int fd) MUST_USE;
void memfile_unlock(int fd);

struct poke {
	_Atomic bool is_armed;
	int fd; /* of memfile_open(), open as long as it is armed */
	taddr addr;
	uint64_t before, written;
};

enum poke_result {
	POKE_DONE,
	POKE_OTHER, /* somebody else has changed the word: left as it is */
	POKE_GONE,  /* the memory is no more */
};

/*
 * Change the word at @addr, a multiple of 8, from @before to @value. Whoever
 * reads it sees one or the other: the kernel copies eight bytes at once.
 */
enum poke_result poke_write(struct poke *poke, int fd, taddr addr,
			    uint64_t before, uint64_t value);

/* Put the word back if it is still as we wrote it; once. */
enum poke_result poke_undo(struct poke *poke);

#define POKES_MAX 4096

/* Words of many processes; all zeros at first. */
struct pokes {
	struct {
		_Atomic bool is_taken;
		struct poke poke;
	} list[POKES_MAX];
	_Atomic uint32_t n; /* behind the last that was ever taken */
};

/* One to be written; NULL: there are too many. For one thread at a time. */
struct poke *pokes_take(struct pokes *pokes);

/* Undo it, before its file is closed: another one may have it then. */
void pokes_give(struct pokes *pokes, struct poke *poke);
void pokes_undo_all(struct pokes *pokes);

#endif
