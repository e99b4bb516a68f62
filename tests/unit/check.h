/* SPDX-License-Identifier: MIT */
/*
 * check.h - the whole unit test framework: tests collect themselves, TAP out.
 *
 *	TEST(map_finds_what_was_put)
 *	{
 *		CHECK_EQ(map_get(&m, 1), 7);
 *	}
 *	TEST_MAIN()
 *
 * A failed CHECK leaves its function, SKIP("why") leaves the test as skipped.
 */
#ifndef PS_TESTS_UNIT_CHECK_H
#define PS_TESTS_UNIT_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct check_case {
	const char *name;
	void (*run)(void);
	struct check_case *next;
};

/* One per test program: it is the program's only translation unit of tests. */
static struct {
	struct check_case *first, **last;
	int n_cases, n_failed;
	bool is_failed;
	const char *skip_reason;
} check_state = { .last = &check_state.first };

static inline void check_register(struct check_case *c)
{
	*check_state.last = c;
	check_state.last = &c->next;
	check_state.n_cases++;
}

static inline void check_fail(const char *file, int line, const char *text)
{
	check_state.is_failed = true;
	printf("# %s:%d: %s\n", file, line, text);
}

static inline bool check_eq(const char *file, int line, const char *text,
			    int64_t a, int64_t b)
{
	if (a == b)
		return true;
	check_fail(file, line, text);
	printf("#   left  %" PRId64 " (0x%" PRIx64 ")\n", a, (uint64_t)a);
	printf("#   right %" PRId64 " (0x%" PRIx64 ")\n", b, (uint64_t)b);
	return false;
}

static inline bool check_str(const char *file, int line, const char *text,
			     const char *a, const char *b)
{
	if (a && b && !strcmp(a, b))
		return true;
	check_fail(file, line, text);
	printf("#   left  \"%s\"\n", a ? a : "(null)");
	printf("#   right \"%s\"\n", b ? b : "(null)");
	return false;
}

static inline int check_run_all(void)
{
	int number = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", check_state.n_cases);
	for (struct check_case *c = check_state.first; c; c = c->next) {
		char title[160];

		snprintf(title, sizeof(title), "%s", c->name);
		for (char *p = title; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		check_state.is_failed = false;
		check_state.skip_reason = NULL;
		c->run();
		check_state.n_failed += check_state.is_failed;
		printf("%s %d - %s", check_state.is_failed ? "not ok" : "ok",
		       ++number, title);
		if (check_state.skip_reason && !check_state.is_failed)
			printf(" # SKIP %s", check_state.skip_reason);
		printf("\n");
	}
	return check_state.n_failed ? 1 : 0;
}

#define TEST(name)							\
	static void name(void);						\
	__attribute__((constructor)) static void check_add_##name(void)	\
	{								\
		static struct check_case c = { #name, name, NULL };	\
		check_register(&c);					\
	}								\
	static void name(void)

/* These return from the calling function, which must be void. */
#define CHECK(cond)							\
	do { if (!(cond)) { check_fail(__FILE__, __LINE__, #cond); return; } \
	} while (0)
#define CHECK_EQ(a, b)							\
	do { if (!check_eq(__FILE__, __LINE__, #a " == " #b,		\
			   (int64_t)(a), (int64_t)(b))) return;		\
	} while (0)
#define CHECK_STR(a, b)							\
	do { if (!check_str(__FILE__, __LINE__, #a " is " #b, (a), (b))) \
			return;						\
	} while (0)
#define SKIP(reason)							\
	do { check_state.skip_reason = (reason); return; } while (0)
#define TEST_MAIN() int main(void) { return check_run_all(); }

#endif
