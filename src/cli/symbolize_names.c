/* SPDX-License-Identifier: MIT */
/*
 * symbolize_names.c - the names that a profile brought along, made readable.
 *
 * Names of C++ that are not mangled, as some writers have them, lose what the
 * demangled ones would not have. Rules and order are pprof's.
 */
#include "cli/symbolize.h"

/* "foo(int, bar(*)())" -> "foo"; unchanged if the brackets do not match. */
static char *without_brackets(const char *name, char open, char close)
{
	char *out = xstrdup(name), *to = out;
	int depth = 0;

	for (const char *p = name; *p; p++) {
		if (*p == open)
			depth++;
		if (*p == close && --depth < 0)
			break;
		if (!depth && *p != close)
			*to++ = *p;
	}
	if (depth) {
		strcpy(out, name);
		return out;
	}
	*to = '\0';
	return out;
}

/* Not Java's "a.B.<init>", nor Go's "a.(*B[...]).c" and "a.(*B).c[...]". */
static bool looks_like_cplus(const char *name)
{
	return !strstr(name, ".<") && !strstr(name, "]).") &&
	       !strstr(name, ".(*") &&
	       (strpbrk(name, "<>[]") || strstr(name, "::"));
}

static char *simplified(const char *name, enum demangle_style style)
{
	CLEANUP(free) char *plain = NULL;

	if (style == DEMANGLE_FULL || !looks_like_cplus(name))
		return xstrdup(name);
	plain = without_brackets(name, '(', ')');
	return style == DEMANGLE_SIMPLE ? without_brackets(plain, '<', '>') :
					  TAKE(plain);
}

static char *readable(const char *name, enum demangle_style style)
{
	char *text = demangle_name(name, style);

	if (!strcmp(text, name) && *name == '_') {
		/* Some systems put one more in front of all names. */
		free(text);
		text = demangle_name(name + 1, style);
		if (!strcmp(text, name + 1)) {
			free(text);
			text = xstrdup(name);
		}
	}
	if (!strcmp(text, name)) {
		free(text);
		text = simplified(name, style);
	}
	return text;
}

void symbolize_demangle(const struct symbolize *symbolize, struct pp *pp)
{
	for (size_t i = 0; i < pp->functions.n; i++) {
		struct pp_function *function = vec_at(&pp->functions, i);
		CLEANUP(free) char *text = NULL;

		if (symbolize->is_forced && function->name &&
		    function->system_name)
			function->name = function->system_name;
		if (symbolize->style == DEMANGLE_NONE ||
		    (function->name &&
		     function->name != function->system_name))
			continue;
		text = readable(pp_text(pp, function->system_name),
				symbolize->style);
		function->name = pp_string(pp, text);
	}
}
