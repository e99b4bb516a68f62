/* SPDX-License-Identifier: MIT */
/*
 * test_go_vars.c - Go programs made by hand: what version they say they are,
 * and which of their variables the heap profile is.
 */
#include "check.h"
#include "heap/go_vars.h"
#include "made_file.h"

#define FILE_BYTES 0x5000
#define INFO_AT 0x1000	/* .go.buildinfo */
#define TABLE_AT 0x1400 /* .gopclntab */
#define NAMES 0x100	/* in the table */
#define FUNCTIONS 0x300
#define DATA_AT 0x2000	/* words of data */
#define CODE_AT 0x3000
#define STEP 0x40 /* bytes of each function */

static struct made program(void)
{
	struct made made = made_new(FILE_BYTES, ET_EXEC);

	made_add_segment(&made, PT_LOAD, PF_R, 0, CODE_AT);
	made_add_segment(&made, PT_LOAD, PF_R | PF_X, CODE_AT,
			 FILE_BYTES - CODE_AT);
	memset(made.bytes + CODE_AT, 0xcc, FILE_BYTES - CODE_AT);
	return made;
}

/* --- versions --------------------------------------------------------- */

static void put_info(struct made *made, uint8_t flags)
{
	made_add_section(made, ".go.buildinfo", SHT_PROGBITS, INFO_AT, 0x200);
	made_put(made, INFO_AT, "\xff Go buildinf:\x08", 15);
	made->bytes[INFO_AT + 15] = flags;
}

/* As since Go 1.18: the text follows. */
static void put_version(struct made *made, const char *text)
{
	size_t n = strlen(text);

	put_info(made, 2);
	made->bytes[INFO_AT + 32] = (uint8_t)n;
	made_put(made, INFO_AT + 33, text, n < 0x100 ? n : 0x100);
}

/* As before: a pointer to a pointer and a length. */
static void put_old_version(struct made *made, const char *text, uint64_t n)
{
	uint64_t words[] = { INFO_AT + 0x80, INFO_AT + 0x100, n };

	put_info(made, 0);
	made_put(made, INFO_AT + 16, &words[0], 8);
	made_put(made, INFO_AT + 0x80, &words[1], 16);
	made_put(made, INFO_AT + 0x100, text, strlen(text));
}

/* What is said of a program whose version is not known, to be freed. */
static char *complaint(struct made *made)
{
	struct module module = made_module(made);
	struct go_vars vars;
	/* Without a table: the version comes first. */
	struct error *error = go_vars_find(&module, NULL, &vars);
	char *text = xstrdup(error ? error_text(error) : "");

	error_free(error);
	made_module_free(&module);
	return text;
}

TEST(a_version_of_go_that_is_too_new_or_old_or_none_is_said)
{
	static const struct {
		const char *version, *said;
	} cases[] = {
		{ "go1.99.1", "go1.99.1, whose heap profile" },
		{ "go1.8", "\"go1.8\", is not known" },
		{ "go2.1", "\"go2.1\", is not known" },
		{ "go1.x", "\"go1.x\", is not known" },
		{ "go1.-5", "\"go1.-5\", is not known" },
		{ "devel \x1b[2J\n go1.77", "devel ?[2J? go1.77, whose" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free) char *text = NULL;
		struct made made = program();

		put_version(&made, cases[i].version);
		text = complaint(&made);
		if (!strstr(text, cases[i].said))
			printf("# \"%s\": \"%s\"\n", cases[i].version, text);
		CHECK(strstr(text, cases[i].said) != NULL);
	}
}

TEST(a_version_behind_a_pointer_is_read_too)
{
	CLEANUP(free) char *text = NULL;
	struct made made = program();

	put_old_version(&made, "go1.6", 5);
	text = complaint(&made);
	CHECK(strstr(text, "\"go1.6\", is not known") != NULL);
}

/* --- functions and variables ------------------------------------------ */

struct go_code {
	struct made *made;
	uint32_t n, n_names;
};

/* The next function, which uses these words of data (0: none). */
static void add_function(struct go_code *code, const char *name,
			 const uint64_t words[3])
{
	uint64_t at = CODE_AT + STEP * code->n;
	uint32_t slot[2] = { STEP * code->n, 0x80 + 48 * code->n };
	uint32_t data[2] = { slot[0], code->n_names };
	uint64_t index = TABLE_AT + FUNCTIONS;

	made_put(code->made, index + 8 * code->n, slot, sizeof(slot));
	made_put(code->made, index + slot[1], data, sizeof(data));
	made_put(code->made, TABLE_AT + NAMES + code->n_names, name,
		 strlen(name));
	code->n_names += (uint32_t)strlen(name) + 1;
	code->n++;
	slot[0] += STEP;
	made_put(code->made, index + 8 * code->n, slot, 4);
	made_put(code->made, at, "\x06", 1); /* is no instruction */
	at++;
	for (int i = 0; i < 3 && words[i]; i++) { /* mov word(%rip),%rax */
		int32_t distance = (int32_t)(words[i] - (at + 7));

		made_put(code->made, at, "\x48\x8b\x05", 3);
		made_put(code->made, at + 3, &distance, 4);
		at += 7;
	}
}

/* The table of Go 1.20, of what @code has; then its variables are sought. */
static struct error *find(struct go_code *code, struct go_vars *out)
{
	struct {
		uint32_t magic;
		uint8_t bytes[4];
		uint64_t words[8];
	} header = { 0xfffffff1, { 0, 0, 1, 8 },
		     { code->n, 0, CODE_AT, NAMES, 0x40, 0x40, 0x40,
		       FUNCTIONS } };
	struct gopclntab *table;
	struct module module;
	struct error *error;

	made_put(code->made, TABLE_AT, &header, sizeof(header));
	made_add_section(code->made, ".gopclntab", SHT_PROGBITS, TABLE_AT,
			 DATA_AT - TABLE_AT);
	module = made_module(code->made);
	table = gopclntab_open(&module);
	error = table ? go_vars_find(&module, table, out)
		      : error_new("no table");
	gopclntab_close(table);
	made_module_free(&module);
	return error;
}

#define RATE (DATA_AT + 8)
#define BUCKETS (DATA_AT + 16)
#define OTHER (DATA_AT + 24)
#define THIRD (DATA_AT + 32)

/* The words that four functions use; whether both variables are found. */
struct uses {
	uint64_t sample[3], start[3], bucket[3], flush[3];
	const char *fault; /* NULL: none */
};

static struct error *find_by(const struct uses *uses, const char *version,
			     struct go_vars *out)
{
	struct made made = program();
	struct go_code code = { .made = &made };
	struct error *error;

	if (version)
		put_version(&made, version);
	add_function(&code, "runtime.nextSample", uses->sample);
	add_function(&code, "runtime.parsedebugvars", uses->start);
	add_function(&code, "runtime.stkbucket", uses->bucket);
	add_function(&code, "runtime.mProf_Flush", uses->flush);
	error = find(&code, out);
	free(made.bytes);
	return error;
}

TEST(the_variables_are_the_only_words_that_certain_functions_share)
{
	static const struct uses cases[] = {
		{ { RATE, OTHER }, { RATE, THIRD }, { BUCKETS },
		  { BUCKETS, OTHER }, NULL },
		/* Code, words that are not aligned, and the same twice. */
		{ { CODE_AT + 8, RATE, RATE }, { CODE_AT + 8, RATE },
		  { BUCKETS, OTHER + 1 }, { BUCKETS, OTHER + 1 }, NULL },
		{ { RATE }, { OTHER }, { BUCKETS }, { BUCKETS },
		  "runtime.MemProfileRate was not found" },
		{ { RATE, OTHER }, { RATE, OTHER }, { BUCKETS }, { BUCKETS },
		  "runtime.MemProfileRate was not found" },
		{ { RATE }, { RATE }, { BUCKETS }, { 0 },
		  "runtime.mbuckets was not found" },
		{ { RATE }, { RATE }, { RATE }, { RATE },
		  "runtime.mbuckets was not found" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct go_vars vars = { 0 };
		struct error *error = find_by(&cases[i], "go1.22.3", &vars);

		if (error)
			printf("# %zu: %s\n", i, error_text(error));
		if (cases[i].fault) {
			CHECK(error && strstr(error_text(error),
					      cases[i].fault));
		} else {
			CHECK(!error);
			CHECK_EQ(vars.rate, RATE);
			CHECK_EQ(vars.buckets, BUCKETS);
			CHECK_EQ(vars.minor, 22);
		}
		error_free(error);
	}
}

TEST(a_version_that_cannot_be_read_is_an_old_one)
{
	static const struct uses uses = { { RATE }, { RATE }, { BUCKETS },
					  { BUCKETS }, NULL };
	char lengthy[65];

	memset(lengthy, 'g', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	for (int i = 0; i < 6; i++) {
		struct made made = program();
		struct go_code code = { .made = &made };
		struct go_vars vars = { .minor = 99 };
		struct error *error;

		if (i == 1)
			put_version(&made, lengthy);
		else if (i == 2)
			put_old_version(&made, "go1.22", 0);
		else if (i == 3)
			put_old_version(&made, "go1.22", UINT64_MAX);
		else if (i == 4)
			made_add_section(&made, ".go.buildinfo", SHT_PROGBITS,
					 FILE_BYTES - 8, 0x200);
		else if (i == 5) { /* the text is outside of the file */
			put_old_version(&made, "go1.22", 6);
			memset(made.bytes + INFO_AT + 0x80, 0xff, 8);
		}
		add_function(&code, "runtime.nextSample", uses.sample);
		add_function(&code, "runtime.parsedebugvars", uses.start);
		add_function(&code, "runtime.stkbucket", uses.bucket);
		add_function(&code, "runtime.mProf_Flush", uses.flush);
		error = find(&code, &vars);
		CHECK(!error);
		CHECK_EQ(vars.minor, 0);
		free(made.bytes);
	}
}

TEST(a_runtime_without_a_heap_profiler_is_said)
{
	struct made made = program();
	struct go_code code = { .made = &made };
	struct go_vars vars;
	struct error *error;

	add_function(&code, "runtime.nextSample", (uint64_t[3]){ RATE });
	error = find(&code, &vars);
	CHECK(error && strstr(error_text(error), "no heap profiler"));
	error_free(error);
}

TEST_MAIN()
