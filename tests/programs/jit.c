/* SPDX-License-Identifier: MIT */
/*
 * jit.c - code made at run time, and listed in /tmp/perf-PID.map:
 * jit MODE SECONDS.
 *
 * main calls jit_caller, which calls jit_hot for three units of work and
 * jit_warm for one: 75 : 25, both below jit_caller below main. All three are
 * made at run time and keep frame pointers. MODE tells in what memory and
 * what the list says:
 *	anon	anonymous memory, an honest list
 *	memfd	a file in memory, mapped once to write and once to run
 *	late	the list is written at the very end
 *	moved	the addresses were other functions before: jit_old
 *	odd	among lines that are none, and names with escape sequences
 *	link	the list is a symbolic link to an honest one
 *	fork	a child runs the code that its parent listed
 *	bare	frames of 6 KiB, and rbp is used for something else
 * Prints "ready" and, by MODE link, leaves perf-PID.list behind in /tmp.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

enum { PAGE = 4096, HOT_AT = 0, WARM_AT = 256, CALLER_AT = 512, UNIT = 200000 };

/* push %rbp; mov %rsp,%rbp; 1: dec %rdi; jnz 1b; pop %rbp; ret */
static const unsigned char spinner[] = {
	0x55, 0x48, 0x89, 0xe5, 0x48, 0xff, 0xcf, 0x75, 0xfb, 0x5d, 0xc3,
};

/* push %rbp; mov %rsp,%rbp; mov $HOT,%rax; mov $N,%edi; call *%rax; the same
 * for WARM; pop %rbp; ret */
static const unsigned char caller_start[] = { 0x55, 0x48, 0x89, 0xe5 };
static const unsigned char caller_end[] = { 0x5d, 0xc3 };

/* 1: dec %rdi; jnz 1b; ret */
static const unsigned char bare_spinner[] = {
	0x48, 0xff, 0xcf, 0x75, 0xfb, 0xc3,
};

/* push %rbp; lea -0x1800(%rsp),%rsp; mov $42,%ebp; and back */
static const unsigned char bare_start[] = {
	0x55, 0x48, 0x8d, 0xa4, 0x24, 0x00, 0xe8, 0xff, 0xff, 0xbd, 0x2a, 0, 0,
	0,
};
static const unsigned char bare_end[] = {
	0x48, 0x8d, 0xa4, 0x24, 0x00, 0x18, 0x00, 0x00, 0x5d, 0xc3,
};

static unsigned char *put(unsigned char *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static unsigned char *put_call(unsigned char *p, uint64_t to, uint32_t n)
{
	p = put(p, "\x48\xb8", 2);
	p = put(p, &to, sizeof(to));
	p = put(p, "\xbf", 1);
	p = put(p, &n, sizeof(n));
	return put(p, "\xff\xd0", 2);
}

static unsigned char *put_calls(unsigned char *p, unsigned char *code)
{
	p = put_call(p, (uintptr_t)code + HOT_AT, 3 * UNIT);
	return put_call(p, (uintptr_t)code + WARM_AT, UNIT);
}

/* The parts that functions are put together of. */
struct parts {
	const unsigned char *spinner, *start, *end;
	size_t n_spinner, n_start, n_end;
};

static const struct parts with_frames = {
	spinner,	 caller_start,	       caller_end,
	sizeof(spinner), sizeof(caller_start), sizeof(caller_end),
};

static const struct parts without_frames = {
	bare_spinner,	      bare_start,	  bare_end,
	sizeof(bare_spinner), sizeof(bare_start), sizeof(bare_end),
};

static void assemble(const struct parts *parts, unsigned char *writable,
		     unsigned char *code)
{
	unsigned char *p = writable + CALLER_AT;

	put(writable + HOT_AT, parts->spinner, parts->n_spinner);
	put(writable + WARM_AT, parts->spinner, parts->n_spinner);
	p = put(p, parts->start, parts->n_start);
	p = put_calls(p, code);
	put(p, parts->end, parts->n_end);
}

static unsigned char *make_code(int is_memfd, int is_bare)
{
	unsigned char *code, *writable;
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (is_memfd) {
		fd = memfd_create("doublemapper", MFD_CLOEXEC);
		flags = MAP_SHARED;
		if (fd < 0 || ftruncate(fd, PAGE))
			return NULL;
	}
	writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
	code = writable;
	if (is_memfd)
		code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, flags, fd, 0);
	if (writable == MAP_FAILED || code == MAP_FAILED)
		return NULL;
	assemble(is_bare ? &without_frames : &with_frames, writable, code);
	if (!is_memfd && mprotect(code, PAGE, PROT_READ | PROT_EXEC))
		return NULL;
	return code;
}

static void list_function(FILE *list, const unsigned char *code,
			  const char *name)
{
	fprintf(list, "%" PRIxPTR " %x %s\n", (uintptr_t)code, 0x100, name);
}

static void list_odd_lines(FILE *list, const unsigned char *code)
{
	fprintf(list, "\n \nzz 10 no_number\n%" PRIxPTR "\n-1 10 sign\n",
		(uintptr_t)code);
	fprintf(list, "0 ffffffffffffffff [all memory]\n");
	fprintf(list, "ffffffffffffffff 10 too_far\n");
	fprintf(list, "%" PRIxPTR " 0 empty\n", (uintptr_t)code);
}

static void write_list(const char *mode, const unsigned char *code)
{
	char path[64], target[64];
	FILE *list;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	snprintf(target, sizeof(target), "/tmp/perf-%d.list", (int)getpid());
	if (!strcmp(mode, "link") && symlink(target, path))
		exit(1);
	list = fopen(path, "w");
	if (!list)
		exit(1);
	if (!strcmp(mode, "moved"))
		fprintf(list, "%" PRIxPTR " %x jit_old\n", (uintptr_t)code,
			PAGE);
	if (!strcmp(mode, "odd"))
		list_odd_lines(list, code);
	list_function(list, code + HOT_AT, "jit_hot");
	list_function(list, code + WARM_AT,
		      strcmp(mode, "odd") ? "jit_warm" : "jit_\033[31mwarm");
	list_function(list, code + CALLER_AT, "jit_caller");
	fclose(list);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "anon";
	unsigned char *code = make_code(!strcmp(mode, "memfd"),
					!strcmp(mode, "bare"));
	int is_late = !strcmp(mode, "late");
	uint64_t end = clock_read_ns(CLOCK_MONOTONIC) +
		       (uint64_t)(argc > 2 ? atof(argv[2]) * 1e9 : 1e9);
	void (*caller)(void);

	if (!code)
		return 77;
	if (!is_late)
		write_list(mode, code);
	printf("ready\n");
	fflush(stdout);
	caller = (void (*)(void))(uintptr_t)(code + CALLER_AT);
	if (!strcmp(mode, "fork") && fork()) {
		wait(NULL);
		return 0;
	}
	while (clock_read_ns(CLOCK_MONOTONIC) < end)
		caller();
	if (is_late)
		write_list(mode, code);
	return 0;
}
