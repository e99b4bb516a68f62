/* SPDX-License-Identifier: MIT */
/*
 * simplify.c - a demangled C++ name without what makes it long.
 *
 * "void ns::f<int>(int)::{lambda(char)#1}::operator()(char) const" becomes
 * "ns::f()::{lambda(char)#1}::operator()", which is what pprof shows. Works on
 * text, since libiberty has no option to leave template arguments out; a text
 * that does not balance is returned as it is.
 */
#include "symbol/demangle.h"

#include <ctype.h>

#include "util/strbuf.h"

#define ANONYMOUS "(anonymous namespace)"

struct simplifier {
	const char *p; /* the rest of the input */
	struct strbuf out;
	size_t prefix;	   /* bytes of "virtual thunk to " and the like */
	size_t name_start; /* in out: behind what may be a return type */
	bool in_operator;  /* "operator unsigned long": spaces belong to it */
	bool drop_templates, is_broken;
};

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Bytes of the keyword and symbol of an operator's name at @p, or 0. */
static size_t operator_bytes(const char *p, const char *start)
{
	static const char *const symbols[] = {
		"<<=", ">>=", "<=>", "->*", "<<", ">>", "<=", ">=",
		"->",  "()",  "<",   ">",
	};
	size_t word = strlen("operator");

	if (!starts_with(p, "operator") || (p > start && is_word(p[-1])) ||
	    is_word(p[word]))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		if (starts_with(p + word, symbols[i]))
			return word + strlen(symbols[i]);
	return word;
}

/*
 * Behind the bracket that closes the one at @p, or NULL. Angles inside round
 * ones are comparisons or shifts, so only round ones count there.
 */
static const char *skip_brackets(const char *p)
{
	const char *start = p;
	int angles = 0, rounds = 0;

	while (*p) {
		size_t operator_name = operator_bytes(p, start);

		if (operator_name) {
			p += operator_name;
			continue;
		}
		if (*p == '(')
			rounds++;
		else if (*p == ')')
			rounds--;
		else if (*p == '<' && !rounds)
			angles++;
		else if (*p == '>' && !rounds)
			angles--;
		p++;
		if (rounds < 0 || angles < 0)
			return NULL;
		if (!rounds && !angles)
			return p;
	}
	return NULL;
}

static bool at_component_start(const struct simplifier *s)
{
	size_t len = s->out.len;

	return len == s->prefix || s->out.data[len - 1] == ':' ||
	       (s->out.data[len - 1] == ' ' && !s->in_operator);
}

static void copy_to(struct simplifier *s, const char *end)
{
	strbuf_add(&s->out, s->p, (size_t)(end - s->p));
	s->p = end;
}

/* "{lambda(int)#1}", "{unnamed type#2}": kept, but for templates inside. */
static void copy_braces(struct simplifier *s)
{
	int depth = 0;

	while (*s->p) {
		const char *end = s->p + 1;

		if (*s->p == '<' && s->drop_templates) {
			end = skip_brackets(s->p);
			if (!end)
				break;
			s->p = end;
			continue;
		}
		depth += (*s->p == '{') - (*s->p == '}');
		copy_to(s, end);
		if (!depth)
			return;
	}
	s->is_broken = true;
}

static void take_template(struct simplifier *s)
{
	const char *end = skip_brackets(s->p);

	if (!end) {
		s->is_broken = true;
		return;
	}
	if (!s->drop_templates || at_component_start(s)) {
		copy_to(s, end);
		return;
	}
	/* libiberty writes "operator<< <int>" */
	if (s->out.len && s->out.data[s->out.len - 1] == ' ')
		s->out.data[--s->out.len] = '\0';
	s->p = end;
}

/* Behind what may follow the parameters of a member function at @p. */
static const char *skip_qualifiers(const char *p)
{
	static const char *const words[] = { " const", " volatile", " &&",
					     " &", " noexcept" };
	size_t i = 0;

	while (i < ARRAY_SIZE(words)) {
		if (starts_with(p, words[i])) {
			p += strlen(words[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return p;
}

/* A function that the name is local to: its return type goes, too. */
static void take_enclosing(struct simplifier *s, const char *end)
{
	struct strbuf *out = &s->out;

	if (s->name_start > s->prefix) {
		memmove(out->data + s->prefix, out->data + s->name_start,
			out->len - s->name_start + 1);
		out->len -= s->name_start - s->prefix;
		s->name_start = s->prefix;
	}
	strbuf_adds(out, "()");
	copy_to(s, end);
}

static void take_parameters(struct simplifier *s)
{
	const char *end = skip_brackets(s->p);

	if (!end) {
		s->is_broken = true;
		return;
	}
	if (at_component_start(s)) { /* "(anonymous class)" */
		copy_to(s, end);
		return;
	}
	s->p = end;
	end = skip_qualifiers(end);
	s->in_operator = false;
	if (starts_with(end, "::"))
		take_enclosing(s, end);
	else
		s->p = end;
}

static void take_char(struct simplifier *s)
{
	if (starts_with(s->p, "::"))
		s->in_operator = false;
	copy_to(s, s->p + (starts_with(s->p, "::") ? 2 : 1));
	if (s->p[-1] == ' ' && !s->in_operator)
		s->name_start = s->out.len;
}

static void take_next(struct simplifier *s, const char *start)
{
	size_t operator_name = operator_bytes(s->p, start);

	if (operator_name) {
		copy_to(s, s->p + operator_name);
		s->in_operator = true;
	} else if (starts_with(s->p, ANONYMOUS)) {
		copy_to(s, s->p + strlen(ANONYMOUS));
	} else if (*s->p == '{') {
		copy_braces(s);
	} else if (*s->p == '<') {
		take_template(s);
	} else if (*s->p == '(') {
		take_parameters(s);
	} else if (starts_with(s->p, " [clone ")) {
		s->p += strlen(s->p);
	} else {
		take_char(s);
	}
}

/* Words before the name of a thing that belongs to a function. */
static size_t prefix_bytes(const char *name)
{
	static const char *const prefixes[] = {
		"non-virtual thunk to ",
		"virtual thunk to ",
		"covariant return thunk to ",
		"TLS init function for ",
		"TLS wrapper function for ",
		"guard variable for ",
		"vtable for ",
		"typeinfo for ",
		"typeinfo name for ",
		"global constructors keyed to ",
		"global destructors keyed to ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (starts_with(name, prefixes[i]))
			return strlen(prefixes[i]);
	return 0;
}

char *cplus_simplify_name(const char *name, bool drop_templates)
{
	struct simplifier s = { .p = name, .drop_templates = drop_templates };

	s.prefix = s.name_start = prefix_bytes(name);
	copy_to(&s, name + s.prefix);
	while (*s.p && !s.is_broken)
		take_next(&s, name);
	if (s.is_broken || !s.out.len) {
		strbuf_clear(&s.out);
		return xstrdup(name);
	}
	return strbuf_take(&s.out);
}
