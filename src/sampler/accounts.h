/* SPDX-License-Identifier: MIT */
/* accounts.h - CPU time as the weight of hits; see accounts.c. */
#ifndef SAMPLER_ACCOUNTS_H
#define SAMPLER_ACCOUNTS_H

struct process;
struct sampler;
struct thread;

/* What ran before we came does not count; of the newborn all counts. */
void accounts_attach_thread(struct sampler *s, struct thread *thread);
void accounts_attach_process(struct sampler *s, struct process *process);
void accounts_end_thread(struct sampler *s, struct thread *thread);
/* The process is a zombie that can still be read, or is let go. */
void accounts_end_process(struct sampler *s, struct process *process);
/* @caller of exec: the hits of the subject that ends now are paid, or in a
 * pool where they will be. */
void accounts_exec(struct sampler *s, struct thread *caller);
/* Before the last process ends: those who lived briefly, if still unpaid. */
void accounts_end_brief(struct sampler *s, struct process *process);
void accounts_close_window(struct sampler *s);
/* The last window: with the exact run times of all threads. */
void accounts_finish(struct sampler *s);
void accounts_pause(struct sampler *s);
void accounts_resume(struct sampler *s);

#endif
