/* SPDX-License-Identifier: MIT */
/*
 * client.h - libpsample inside: one run of psample on the caller's behalf.
 *
 * Nothing here dies, prints, or allocates on the heap; failures are errno
 * numbers with a text for the caller. The library shares no code with psample
 * (src/util dies when memory is out), only the words of --control fd:N.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <psample.h>

#define CLIENT_HIDDEN __attribute__((visibility("hidden")))
#define CLIENT_WORDS_MAX 32
#define CLIENT_PATH_BYTES 8400 /* a path of which every byte is a % sign */
#define CLIENT_STACK_BYTES (16u << 10)

/*
 * What the keeper runs on: mapped before it starts, unmapped when it is gone.
 * It shares the memory of the program, but has descriptors of its own.
 */
struct client_room {
	size_t n_bytes;
	int fds[4]; /* what become 0..3: nothing, output, messages, control */
	int exec_errno;		   /* set when psample could not be executed */
	_Atomic pid_t program_pid; /* psample */
	const char *words[CLIENT_WORDS_MAX + 1];
	size_t n_words;
	char path[CLIENT_PATH_BYTES];	/* of psample */
	char output[CLIENT_PATH_BYTES]; /* its -o */
	char numbers[4][24];
	size_t n_numbers;
	/* %fs of the keeper: the thread that made it may end before it. */
	_Alignas(64) uintptr_t thread_block[64];
	_Alignas(64) char keeper_stack[CLIENT_STACK_BYTES];
	_Alignas(64) char program_stack[CLIENT_STACK_BYTES];
	const char *environment[]; /* as many as there are */
};

/* One run; zero when there is none. */
struct client_run {
	struct client_room *room;
	int control_fd; /* our end of the socket */
	int text_fd;	/* a memfd: what psample says on stderr */
	pid_t keeper;
	bool is_ptracer; /* PR_SET_PTRACER is to be taken back */
	unsigned stop_ms;
	bool has_file;	/* not a descriptor */
};

/* error.c: fill in @error, if any; give @code. */
CLIENT_HIDDEN int client_fail(struct psample_error *error, int code,
			      const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with what @errnum means behind it. */
CLIENT_HIDDEN int client_fail_errno(struct psample_error *error, int errnum,
				    const char *what);
CLIENT_HIDDEN void client_succeed(struct psample_error *error);

/* words.c: memory for a run, and in it psample's path, words, environment. */
CLIENT_HIDDEN int client_room_new(struct client_room **out,
				  struct psample_error *error);
CLIENT_HIDDEN void client_room_free(struct client_room *room);
CLIENT_HIDDEN int client_find_program(struct client_room *room,
				      const char *program,
				      struct psample_error *error);
CLIENT_HIDDEN void client_add_word(struct client_room *room,
				   const char *word);
CLIENT_HIDDEN void client_add_number(struct client_room *room,
				     const char *option, unsigned long value);
CLIENT_HIDDEN void client_add_address(struct client_room *room,
				      const char *option, uintptr_t address);
/* "-o FILE", without any of psample's % signs. */
CLIENT_HIDDEN int client_add_output(struct client_room *room,
				    const char *file,
				    struct psample_error *error);

/* keeper.c: a process that has psample as its child. Its pid, or -errno. */
CLIENT_HIDDEN pid_t client_keeper_start(struct client_room *room);

/*
 * run.c: psample with the words in run->room, output to @output_fd (or -1).
 * On failure nothing is left of the run.
 */
CLIENT_HIDDEN int client_run_begin(struct client_run *run, int output_fd,
				   unsigned start_ms,
				   struct psample_error *error);
/* Send @word and await a line; 0, or EIO with psample's words. */
CLIENT_HIDDEN int client_run_ask(struct client_run *run, const char *word,
				 struct psample_error *error);
/* Let go of the program, for another psample; then go on. */
CLIENT_HIDDEN int client_run_suspend(struct client_run *run,
				     struct psample_error *error);
CLIENT_HIDDEN int client_run_resume(struct client_run *run,
				    struct psample_error *error);
/*
 * Send @word, or nothing if it ends by itself; await the profile, and that
 * psample is gone.
 */
CLIENT_HIDDEN int client_run_end(struct client_run *run, const char *word,
				 struct psample_error *error);
/* In a forked child: it is the parent's. */
CLIENT_HIDDEN void client_run_forget(struct client_run *run);
/* Where Yama is: permit it to attach, in the place of another one. */
CLIENT_HIDDEN void client_run_permit(const struct client_run *run);

/*
 * session.c: who may do what with a run. A task is one call of the library,
 * which is not interrupted by cancellation and leaves errno as it was.
 */
enum client_state {
	CLIENT_IDLE,
	CLIENT_BUSY, /* some thread is at it */
	CLIENT_RUNNING,
};

enum client_kind { CLIENT_CPU, CLIENT_HEAP, CLIENT_STACKS, CLIENT_N_KINDS };

struct client_task {
	enum client_kind kind;
	struct client_run *run;
	int saved_errno, cancel_state;
};

/* The run is the caller's, if it was in state @from. */
CLIENT_HIDDEN int client_task_begin(struct client_task *task,
				    enum client_kind kind,
				    enum client_state from,
				    struct psample_error *error);
/* It is in state @to now; gives @result. */
CLIENT_HIDDEN int client_task_end(struct client_task *task,
				  enum client_state to, int result,
				  struct psample_error *error);
CLIENT_HIDDEN enum client_state client_state(enum client_kind kind);

/* labels.c: where psample finds them; a forked child has none. */
CLIENT_HIDDEN uintptr_t client_labels_address(void);
CLIENT_HIDDEN void client_labels_forget(void);

#define CLIENT_START_MS 10000
#define CLIENT_STOP_MS 120000

#endif
