/* SPDX-License-Identifier: MIT */
/* test_report_names.c - names of nodes, paths, settings, patterns. */
#include "check.h"

#include "report/names.h"
#include "report/regex.h"
#include "report/settings.h"

static const char *clean(const char *path)
{
	static struct strbuf out;

	strbuf_reset(&out);
	path_add_clean(&out, path);
	return out.data;
}

static const char *base(const char *path)
{
	static struct strbuf out;

	strbuf_reset(&out);
	path_add_base(&out, path);
	return out.data;
}

TEST(paths_are_cleaned_as_go_does)
{
	CHECK_STR(clean(""), ".");
	CHECK_STR(clean("/"), "/");
	CHECK_STR(clean("a//b/./c/"), "a/b/c");
	CHECK_STR(clean("a/b/../../c"), "c");
	CHECK_STR(clean("a/.."), ".");
	CHECK_STR(clean("../../a/../b"), "../../b");
	CHECK_STR(clean("/../a"), "/a");
	CHECK_STR(clean("/a/../.."), "/");
	CHECK_STR(clean("./..x/.y"), "..x/.y");
}

TEST(the_base_of_a_path_is_its_last_part)
{
	CHECK_STR(base("/usr/bin/x"), "x");
	CHECK_STR(base("x/"), "x");
	CHECK_STR(base("///"), "/");
	CHECK_STR(base(""), ".");
}

TEST(prefixes_are_cut_from_paths)
{
	CHECK_STR(path_trim("/a/b/c.c", "/x:/a", ""), "b/c.c");
	CHECK_STR(path_trim("/ab/c.c", "/a", ""), "/ab/c.c");
	CHECK_STR(path_trim("/proc/self/cwd/./c.c", "", ""), "c.c");
	CHECK_STR(path_trim("/far/project/d/c.c", "", "/near/project"),
		  "d/c.c");
	CHECK_STR(path_trim("/far/project/d/c.c", "/far", "/near/project"),
		  "project/d/c.c");
}

TEST(a_node_is_called_by_what_is_known)
{
	struct intern strings;
	struct pp *pp;
	struct strbuf out = { 0 };
	struct node_info info = { 0 };

	intern_init(&strings);
	pp = pp_new(&strings);
	node_add_name(pp, &info, &out);
	CHECK_STR(out.data, "<unknown>");
	info.object = pp_string(pp, "/lib/libx.so");
	info.address = 0x1234;
	strbuf_reset(&out);
	node_add_name(pp, &info, &out);
	CHECK_STR(out.data, "0000000000001234 [libx.so]");
	info.name = pp_string(pp, "f");
	info.file = pp_string(pp, "f.c");
	info.line = 7;
	info.column = 3;
	strbuf_reset(&out);
	node_add_name(pp, &info, &out);
	CHECK_STR(out.data, "0000000000001234 f f.c:7:3");
	strbuf_clear(&out);
	pp_free(pp);
	intern_clear(&strings);
}

TEST(settings_take_text_and_give_it_back)
{
	struct settings settings, copy;
	char *text;

	settings_init(&settings);
	CHECK_EQ(settings.nodecount, -1);
	CHECK(settings.trim);
	CHECK(setting_find("relative-percentages"));
	CHECK(!setting_find("nonsense"));
	CHECK_STR(setting_find_choice("lines")->name, "granularity");
	CHECK(!setting_set(&settings, setting_find("trim"), "No"));
	CHECK(!settings.trim);
	CHECK(!setting_set(&settings, setting_find("nodefraction"), "0.25"));
	CHECK(!setting_set(&settings, setting_find("focus"), "a|b"));
	settings_copy(&copy, &settings);
	settings_clear(&settings);
	text = setting_text(&copy, setting_find("nodefraction"));
	CHECK_STR(text, "0.25");
	free(text);
	CHECK_STR(copy.focus, "a|b");
	settings_clear(&copy);
}

TEST(settings_refuse_what_they_do_not_understand)
{
	static const char *const bad[][2] = {
		{ "trim", "perhaps" }, { "nodecount", "1x" },
		{ "nodecount", "99999999999" }, { "divide_by", "" },
		{ "sort", "sideways" },
	};
	struct settings settings;

	settings_init(&settings);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error *error = setting_set(
			&settings, setting_find(bad[i][0]), bad[i][1]);

		CHECK(error);
		error_free(error);
	}
	settings_clear(&settings);
}

TEST(patterns_match_anywhere_and_give_up_in_time)
{
	struct regex *regex;
	char text[64];

	CHECK(!regex_new("b+$", &regex));
	CHECK(regex_matches(regex, "aabb"));
	CHECK(!regex_matches(regex, "bb\n"));
	regex_free(regex);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 2] = '!';
	text[sizeof(text) - 1] = '\0';
	CHECK(!regex_new("^(a+)+$", &regex));
	CHECK(!regex_matches(regex, text));
	CHECK(regex_is_exhausted(regex));
	regex_free(regex);
}

TEST_MAIN()
