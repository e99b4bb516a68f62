/* SPDX-License-Identifier: MIT */
/*
 * demangle.c - demangle_name(): libiberty for the work, styles on top of it.
 */
#include "symbol/demangle.h"

#include <ctype.h>

#include "util/strbuf.h"

char *go_simplify_name(const char *name)
{
	const char *open = strchr(name, '['), *close = strrchr(name, ']');

	if (!open || !close || close <= open)
		return xstrdup(name);
	return xasprintf("%.*s[...]%s", (int)(open - name), name, close + 1);
}

#ifdef HAVE_LIBIBERTY
#ifdef HAVE_LIBIBERTY_DEMANGLE_H
#include <libiberty/demangle.h>
#else
#include <demangle.h>
#endif

/*
 * libiberty allocates with xmalloc() and friends and brings its own in one
 * object with xrealloc(). Those of util/mem.h mean the same; with the missing
 * one defined here, the linker has no reason to take both.
 */
void *xrealloc(void *p, size_t size);

void *xrealloc(void *p, size_t size)
{
	return xreallocarray(p, size, 1);
}

/*
 * libiberty refuses names above 1024 characters unless its recursion limit is
 * lifted; real template code has longer ones. Its stack use is proportional
 * to the length, so there is a limit of our own.
 */
#define NAME_MAX_BYTES 4096

/* Cut " [clone .cold]" and the like: clones count as their function. */
static void cut_clones(char *name)
{
	char *clone = strstr(name, " [clone ");

	if (clone)
		*clone = '\0';
}

static char *demangle_cplus(const char *name, enum demangle_style style)
{
	int options = DMGL_ANSI | DMGL_NO_RECURSE_LIMIT;
	char *text, *simple;

	if (strncmp(name, "_Z", 2) && strncmp(name, "_GLOBAL_", 8))
		return NULL;
	if (style == DEMANGLE_FULL)
		options |= DMGL_PARAMS;
	text = cplus_demangle_v3(name, options);
	if (!text)
		return NULL;
	if (style == DEMANGLE_FULL) {
		cut_clones(text);
		return text;
	}
	simple = cplus_simplify_name(text, style == DEMANGLE_SIMPLE);
	free(text);
	return simple;
}

/* Behind the "<...>" at @p. */
static const char *skip_generics(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '<')
			depth++;
		else if (*p == '>' && p[-1] != '-' && --depth == 0)
			return p + 1;
	}
	return p;
}

/*
 * Leave generic arguments out: those of "f::<u8>" and of "Vec<u8>". The
 * brackets of "<T as Trait>::f" are not arguments: no name stands before.
 */
static char *rust_simplify(const char *text)
{
	struct strbuf out = { 0 };

	for (const char *p = text; *p;) {
		bool is_named = out.len && (isalnum((unsigned char)p[-1]) ||
					    p[-1] == '_');

		if (p > text && !strncmp(p, "::<", 3))
			p = skip_generics(p + 2);
		else if (*p == '<' && is_named)
			p = skip_generics(p);
		else
			strbuf_addc(&out, *p++);
	}
	return strbuf_take(&out);
}

/* Legacy names ("_ZN...17h<hash>E") and v0 names ("_R..."). */
static char *demangle_rust(const char *name, enum demangle_style style)
{
	CLEANUP(free) char *text = NULL;

	if (strncmp(name, "_ZN", 3) && strncmp(name, "_R", 2))
		return NULL;
	text = rust_demangle(name, 0);
	if (!text || style != DEMANGLE_SIMPLE || name[1] != 'R')
		return TAKE(text); /* legacy names have no structure */
	return rust_simplify(text);
}

/* Behind the "(...)" at @p. */
static const char *skip_parentheses(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		depth += (*p == '(') - (*p == ')');
		if (!depth)
			return p + 1;
	}
	return p;
}

/*
 * Leave parameters out, and what is said behind them, also those of functions
 * around this one: "a.f(int).g(char) const"; template arguments, "f!(int)",
 * are kept if @has_templates.
 */
static char *d_simplify(const char *text, bool has_templates)
{
	struct strbuf out = { 0 };

	for (const char *p = text; *p;) {
		const char *end = *p == '(' ? skip_parentheses(p) : p + 1;
		bool is_template = *p == '(' && p > text && p[-1] == '!';

		if (*p == ' ' && p > text && p[-1] == ')')
			break;
		if (*p != '(' || (is_template && has_templates))
			strbuf_add(&out, p, (size_t)(end - p));
		else if (is_template)
			out.data[--out.len] = '\0';
		p = end;
	}
	return strbuf_take(&out);
}

/* D: "module.f(int)", "D main"; "f!(int)" has template arguments. */
static char *demangle_d(const char *name, enum demangle_style style)
{
	CLEANUP(free) char *text = NULL;

	if (strncmp(name, "_D", 2))
		return NULL;
	text = dlang_demangle(name, 0);
	if (!text || style == DEMANGLE_FULL)
		return TAKE(text);
	return d_simplify(text, style == DEMANGLE_TEMPLATES);
}

static char *demangle_any(const char *name, enum demangle_style style)
{
	char *text = demangle_rust(name, style);

	if (!text)
		text = demangle_cplus(name, style);
	if (!text)
		text = demangle_d(name, style);
	return text;
}

char *demangle_name(const char *name, enum demangle_style style)
{
	CLEANUP(free) char *plain = NULL;
	const char *suffix = strstr(name, ".llvm.");
	char *text;

	if (style == DEMANGLE_NONE || name[0] != '_' ||
	    strlen(name) > NAME_MAX_BYTES)
		return xstrdup(name);
	/* What LLVM appends to make a local name unique in a program. */
	plain = xstrndup(name, suffix ? (size_t)(suffix - name) :
					strlen(name));
	text = demangle_any(plain, style);
	return text ? text : xstrdup(name);
}

#else

char *demangle_name(const char *name, enum demangle_style style)
{
	(void)style;
	return xstrdup(name);
}

#endif
