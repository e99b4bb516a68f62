/* SPDX-License-Identifier: MIT */
/*
 * graft.h - the agent, put into one memory image of a process.
 *
 * A process that calls exec has another image, and needs another graft; a
 * forked child has a copy of its parent's, in which the agent is asleep. An
 * image is grafted while it begins, or runs, by native.h, or while its thread
 * is traced, by family.h.
 */
#ifndef HEAP_GRAFT_H
#define HEAP_GRAFT_H

#include "heap/entries.h"
#include "heap/inject.h"
#include "heap/slots.h"

struct graft_options {
	uint64_t mean_bytes;
	bool maps; /* mmap(2) and its kin, not malloc's */
	bool no_inuse; /* free() and its kin are left alone */
};

struct graft {
	struct inject inject; /* its mem_fd is owned */
	struct slots slots;
	struct entries entries; /* of a static program, in their place */
	struct agent_constants constants;
	bool is_copy; /* of a parent's: all slots are patched */
};

void graft_init(struct graft *graft, pid_t pid, int mem_fd,
		const struct graft_options *options);
void graft_clear(struct graft *graft);

/*
 * What is in @pid, a forked child of the process of @of: to be woken as if it
 * had been put there. Without a mem_fd if @mem_fd is -1: for a child to come.
 */
void graft_copy(struct graft *graft, const struct graft *of, pid_t pid,
		int mem_fd);

/*
 * Choose where all is to be, and find the functions. Its modules are loaded,
 * and @space is up to date, unless it is static: then it is held at the
 * return of its exec, or runs. Nothing is changed.
 */
struct error *graft_prepare(struct graft *graft,
			    struct space *space) MUST_USE;

/*
 * Send the thread of @graft, the only one of its process, which is traced by
 * us and stands, through the stub. If this fails it is as it was.
 */
struct error *graft_send(struct graft *graft) MUST_USE;

/*
 * Where is the thread that was sent? At STUB_HAS_B it waits for us; something
 * was refused to it at STUB_FAILED, and it goes on by itself.
 */
enum stub_step graft_look(const struct graft *graft);

/*
 * The thread is in the stub: write the agent, let it count and sample until
 * @poke is undone, point the slots at it.
 */
struct error *graft_install(struct graft *graft,
			    struct poke *poke) MUST_USE;

/* Put back what it has changed. */
void graft_restore(struct graft *graft);

/* Words or functions of the program that lead to the agent. */
size_t graft_count(const struct graft *graft);

/* In a forked child: does the agent sleep there, in memory of its own? */
bool graft_is_asleep(const struct graft *graft);

#endif
