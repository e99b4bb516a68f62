/* SPDX-License-Identifier: MIT */
/* test_profile.c - the tables of a profile. */
#include "check.h"

#include "profile/profile.h"

static void add_one_sample(struct profile *p, int64_t value)
{
	location_id location = profile_pseudo_location(p, "f");
	stack_id stack = profile_stack(p, &location, 1);

	profile_add_sample(p, stack, 0, &value);
}

static bool is_consistent(const struct profile *p)
{
	struct error *error = profile_check(p);

	if (error)
		printf("# %s\n", error_text(error));
	error_free(error);
	return !error;
}

static bool has_fault(const struct profile *p, const char *text)
{
	struct error *error = profile_check(p);
	bool is_found = error && strstr(error_text(error), text);

	error_free(error);
	return is_found;
}

TEST(profile_starts_with_an_empty_string_and_no_labels)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	size_t n;

	CHECK_EQ(profile_string(p, ""), 0);
	CHECK_EQ(profile_labels(p, NULL, 0), 0);
	profile_label_set(p, 0, &n);
	CHECK_EQ(n, 0);
	CHECK(is_consistent(p));
}

TEST(profile_gives_equal_things_equal_ids)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	string_id f = profile_string(p, "f"), g = profile_string(p, "g");
	struct profile_function function = { f, f, g, 10 };
	location_id pair[2] = { profile_location(p, NO_ID, 16, false),
				profile_location(p, NO_ID, 32, false) };
	stack_id stack = profile_stack(p, pair, 2);

	CHECK(f != g);
	CHECK_EQ(profile_string(p, "f"), f);
	CHECK_EQ(profile_function(p, &function),
		 profile_function(p, &function));
	function.start_line = 11;
	CHECK_EQ(profile_function(p, &function), 1);
	CHECK_EQ(profile_location(p, NO_ID, 16, false), pair[0]);
	CHECK_EQ(profile_stack(p, pair, 2), stack);
	CHECK(profile_stack(p, pair, 1) != stack);
	CHECK_EQ(profile_pseudo_location(p, "[x]"),
		 profile_pseudo_location(p, "[x]"));
	CHECK(is_consistent(p));
}

/* Is @id the stack of these @n locations, leaf first? */
static bool has_locations(const struct profile *p, stack_id id,
			  const location_id *locations, size_t n)
{
	struct vec ids = VEC_OF(location_id);
	bool is_so;

	stack_tree_get(&p->stacks, id, &ids);
	is_so = ids.n == n &&
		(!n || !memcmp(ids.data, locations, n * sizeof(*locations)));
	vec_clear(&ids);
	return is_so;
}

TEST(profile_stacks_share_their_callers)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	location_id deep[1000], other[1000];
	stack_id a, b;
	size_t n;

	for (uint32_t i = 0; i < ARRAY_SIZE(deep); i++)
		deep[i] = other[i] = profile_location(p, NO_ID, i + 1, false);
	other[0] = deep[1];
	other[2] = deep[0];
	a = profile_stack(p, deep, ARRAY_SIZE(deep));
	n = p->stacks.nodes.keys.n;
	b = profile_stack(p, other, ARRAY_SIZE(other));
	CHECK_EQ(p->stacks.nodes.keys.n, n + 3);
	CHECK(has_locations(p, a, deep, ARRAY_SIZE(deep)));
	CHECK(has_locations(p, b, other, ARRAY_SIZE(other)));
	CHECK_EQ(profile_stack(p, deep + 1, ARRAY_SIZE(deep) - 1),
		 stack_callers(&p->stacks, a));
	CHECK_EQ(profile_stack(p, NULL, 0), STACK_EMPTY);
	CHECK(has_locations(p, STACK_EMPTY, NULL, 0));
	CHECK_EQ(profile_stack(p, deep, ARRAY_SIZE(deep)), a);
	CHECK_EQ(profile_stack(p, other, ARRAY_SIZE(other)), b);
	CHECK_EQ(p->stacks.nodes.keys.n, n + 3);
	CHECK(is_consistent(p));
}

TEST(profile_label_sets_are_equal_in_any_order)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	struct profile_label a, b;
	struct profile_label one[2], two[2];

	memset(&a, 0xff, sizeof(a)); /* padding must not matter */
	memset(&b, 0, sizeof(b));
	a.key = b.key = profile_string(p, "tid");
	a.str = b.str = 0;
	a.num = b.num = 7;
	a.num_unit = b.num_unit = profile_string(p, "id");
	one[0] = a;
	one[1] = b;
	one[1].key = profile_string(p, "cpu");
	two[0] = one[1];
	two[1] = b;
	CHECK_EQ(profile_labels(p, one, 2), profile_labels(p, two, 2));
	CHECK(profile_labels(p, one, 1) != profile_labels(p, one, 2));
	CHECK(is_consistent(p));
}

TEST(profile_adds_up_samples_of_one_stack)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	const struct profile_sample *sample;

	profile_add_type(p, "cpu", "nanoseconds");
	add_one_sample(p, 40);
	add_one_sample(p, 2);
	CHECK_EQ(p->samples.n, 1);
	sample = vec_at(&p->samples, 0);
	CHECK_EQ(sample->values[0], 42);
	add_one_sample(p, INT64_MAX);
	sample = vec_at(&p->samples, 0);
	CHECK_EQ(sample->values[0], INT64_MAX);
}

TEST(profile_repairs_bytes_that_are_not_utf8)
{
	static const char *const cases[][2] = {
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "a\xff", "a\xef\xbf\xbd" },
		{ "\xc3(", "\xef\xbf\xbd(" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd"
				      "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
	};
	CLEANUP(profile_free) struct profile *p = profile_new();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		string_id id = profile_string(p, cases[i][0]);

		CHECK_STR(profile_string_text(p, id), cases[i][1]);
	}
	CHECK(is_consistent(p));
}

TEST(profile_types_have_no_hyphen)
{
	CLEANUP(profile_free) struct profile *p = profile_new();

	profile_add_type(p, "off-cpu", "nanoseconds");
	CHECK_STR(profile_string_text(p, p->types[0].type), "off_cpu");
}

TEST(profile_believes_a_location_that_was_once_no_guess)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	location_id id = profile_location(p, NO_ID, 16, true);
	const struct profile_location *location = vec_at(&p->locations, id);

	CHECK(location->is_guessed);
	profile_location(p, NO_ID, 16, false);
	location = vec_at(&p->locations, id);
	CHECK(!location->is_guessed);
	profile_location(p, NO_ID, 16, true);
	location = vec_at(&p->locations, id);
	CHECK(!location->is_guessed);
}

TEST(profile_check_finds_ids_out_of_range)
{
	CLEANUP(profile_free) struct profile *p = profile_new();
	struct profile_location *location;
	location_id id;

	add_one_sample(p, 1);
	CHECK(has_fault(p, "no sample type"));
	profile_add_type(p, "cpu", "nanoseconds");
	CHECK(is_consistent(p));
	id = profile_location(p, 5, 16, false);
	CHECK(has_fault(p, "no mapping"));
	location = vec_at(&p->locations, id);
	location->mapping = NO_ID;
	location->first_line = 1;
	location->n_lines = UINT32_MAX;
	CHECK(has_fault(p, "no lines"));
	location->n_lines = 0;
	CHECK(is_consistent(p));
	profile_stack(p, &(location_id){ 99 }, 1);
	CHECK(has_fault(p, "no location"));
}

TEST(profile_check_finds_labels_without_a_key)
{
	CLEANUP(profile_free) struct profile *p = profile_new();

	profile_labels(p, &(struct profile_label){ .num = 3 }, 1);
	CHECK(has_fault(p, "no key"));
}

TEST(profile_check_finds_negative_times_and_unknown_types)
{
	CLEANUP(profile_free) struct profile *p = profile_new();

	p->duration_ns = -1;
	CHECK(has_fault(p, "negative time"));
	p->duration_ns = 0;
	profile_add_type(p, "cpu", "nanoseconds");
	p->default_type = profile_string(p, "wall");
	CHECK(has_fault(p, "default sample type"));
	p->default_type = p->types[0].type;
	CHECK(is_consistent(p));
}

/* The one table that is spoiled; the rest is sound. */
static void spoil_period(struct profile *p)
{
	p->period = -1;
}

static void spoil_period_type(struct profile *p)
{
	p->period_type.unit = 1000;
}

static void spoil_comment(struct profile *p)
{
	profile_add_comment(p, "said");
	*(string_id *)vec_at(&p->comments, 0) = 1000;
}

static void spoil_type(struct profile *p)
{
	p->types[0].type = 0;
}

static void spoil_type_name(struct profile *p)
{
	p->types[0].type = profile_string(p, "cpu-time");
}

static void spoil_n_types(struct profile *p)
{
	p->n_types = PROFILE_MAX_TYPES + 1;
}

static void spoil_mapping(struct profile *p)
{
	((struct profile_mapping *)vec_at(&p->mappings, 0))->filename = 1000;
}

static void spoil_range(struct profile *p)
{
	((struct profile_mapping *)vec_at(&p->mappings, 0))->start = 0x3000;
}

static void spoil_function(struct profile *p)
{
	((struct profile_function *)vec_at(&p->functions, 0))->name = 1000;
}

static void spoil_start_line(struct profile *p)
{
	((struct profile_function *)vec_at(&p->functions, 0))->start_line = -1;
}

static void spoil_line(struct profile *p)
{
	((struct profile_line *)vec_at(&p->lines, 0))->line = -1;
}

static void spoil_line_function(struct profile *p)
{
	((struct profile_line *)vec_at(&p->lines, 0))->function = 1000;
}

static void spoil_sample(struct profile *p)
{
	((struct profile_sample *)vec_at(&p->samples, 0))->stack = 1000;
}

static void spoil_sample_labels(struct profile *p)
{
	((struct profile_sample *)vec_at(&p->samples, 0))->labels = 1000;
}

static void spoil_text(struct profile *p)
{
	intern_bytes(&p->strings, "a\xff", 2);
}

static void spoil_text_end(struct profile *p)
{
	intern_bytes(&p->strings, "a\0b", 3);
}

TEST(profile_check_tells_which_table_is_wrong)
{
	static const struct {
		void (*spoil)(struct profile *p);
		const char *fault;
	} cases[] = {
		{ spoil_period, "negative period" },
		{ spoil_period_type, "period type has no name" },
		{ spoil_comment, "a comment without text" },
		{ spoil_type, "sample type 0 has no name" },
		{ spoil_type_name, "sample type 0 has a '-'" },
		{ spoil_n_types, "5 sample types" },
		{ spoil_mapping, "mapping 0 has no name" },
		{ spoil_range, "mapping 0 ends before it starts" },
		{ spoil_function, "function 0 has no name" },
		{ spoil_start_line, "function 0: negative line" },
		{ spoil_line, "line 0 is negative" },
		{ spoil_line_function, "line 0 has no function" },
		{ spoil_sample, "sample 0 has no stack" },
		{ spoil_sample_labels, "sample 0 has no label set" },
		{ spoil_text, "is not UTF-8" },
		{ spoil_text_end, "is not UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(profile_free) struct profile *p = profile_new();
		struct profile_mapping mapping = { .start = 0x1000,
						   .limit = 0x2000 };

		profile_add_type(p, "cpu", "nanoseconds");
		profile_add_mapping(p, &mapping);
		add_one_sample(p, 1);
		CHECK(is_consistent(p));
		cases[i].spoil(p);
		CHECK(has_fault(p, cases[i].fault));
	}
}

TEST_MAIN()
