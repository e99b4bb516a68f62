/* SPDX-License-Identifier: MIT */
/*
 * prune.c - cut the leaf side of stacks: drop_frames and prune_from.
 *
 * drop_frames is looked for from the root and takes the match along, unless
 * that would leave nothing of the user; prune_from is looked for from the
 * leaf and keeps it.
 */
#include "report/filter.h"

#include "util/strbuf.h"

/*
 * "ns::f(int) const" -> "ns::f", but "(anonymous namespace)" and "operator()"
 * are parts of names. A leading dot is of ELFv1 on PowerPC.
 */
static void simplify_name(const char *name, struct strbuf *out)
{
	static const char *const reserved[] = { "(anonymous namespace)",
						"operator()" };
	const char *end;

	name += *name == '.';
	end = name;
	while (*end) {
		size_t n = *end != '(';

		for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
			if (!strncmp(end, reserved[i], strlen(reserved[i])))
				n = strlen(reserved[i]);
		if (!n)
			break;
		end += n;
	}
	strbuf_add(out, name, (size_t)(end - name));
}

struct pruner {
	struct pp *pp;
	struct regex *drop, *keep; /* keep may be NULL */
	unsigned char *known;	   /* by function: 0 not asked, 1 no, 2 yes */
};

static bool pruner_matches(struct pruner *pruner, uint32_t line)
{
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };
	const struct pp_line *l = vec_at(&pruner->pp->lines, line);
	const struct pp_function *f =
		vec_at(&pruner->pp->functions, l->function);
	unsigned char *known = &pruner->known[l->function];

	if (!f->name)
		return false;
	if (*known)
		return *known == 2;
	simplify_name(pp_text(pruner->pp, f->name), &name);
	*known = 1;
	if (regex_matches(pruner->drop, name.data) &&
	    (!pruner->keep || !regex_matches(pruner->keep, name.data)))
		*known = 2;
	return *known == 2;
}

enum { PRUNE_NOTHING, PRUNE_BELOW, PRUNE_WHOLE };

static unsigned char prune_location(struct pruner *pruner,
				    struct pp_location *location)
{
	uint32_t n = location->n_lines;

	while (n && !pruner_matches(pruner, location->first_line + n - 1))
		n--;
	if (!n)
		return PRUNE_NOTHING;
	if (n == location->n_lines)
		return PRUNE_WHOLE;
	location->first_line += n;
	location->n_lines -= n;
	return PRUNE_BELOW;
}

static void prune_stack(struct pp_stack *stack, const unsigned char *prunes)
{
	bool has_user = false;

	for (uint32_t i = stack->n; i; i--) {
		unsigned char prune = prunes[stack->frames[i - 1]];
		uint32_t cut = prune == PRUNE_WHOLE ? i : i - 1;

		if (prune == PRUNE_NOTHING) {
			has_user = true;
		} else if (has_user) {
			stack->frames += cut;
			stack->n -= cut;
			return;
		}
	}
}

static void prune(struct pp *pp, struct regex *drop, struct regex *keep)
{
	CLEANUP(free) unsigned char *known = xcalloc(pp->functions.n, 1);
	CLEANUP(free) unsigned char *prunes = xcalloc(pp->locations.n, 1);
	struct pruner pruner = { pp, drop, keep, known };

	for (size_t i = 0; i < pp->locations.n; i++)
		prunes[i] = prune_location(&pruner,
					   vec_at(&pp->locations, i));
	for (size_t i = 0; i < pp->stacks.n; i++)
		prune_stack(vec_at(&pp->stacks, i), prunes);
}

static struct regex *anchored_regex(const char *pattern)
{
	CLEANUP(free) char *anchored = xasprintf("^(%s)$", pattern);
	struct regex *regex = NULL;

	error_free(regex_new(anchored, &regex));
	return regex;
}

void pp_remove_uninteresting(struct pp *pp)
{
	CLEANUP(regex_free) struct regex *drop = NULL;
	CLEANUP(regex_free) struct regex *keep = NULL;

	if (!pp->drop_frames)
		return;
	drop = anchored_regex(pp_text(pp, pp->drop_frames));
	if (pp->keep_frames)
		keep = anchored_regex(pp_text(pp, pp->keep_frames));
	if (drop && (keep || !pp->keep_frames))
		prune(pp, drop, keep);
}

void pp_prune_from(struct pp *pp, struct regex *regex)
{
	CLEANUP(free) unsigned char *known = xcalloc(pp->functions.n, 1);
	CLEANUP(free) bool *is_found = xcalloc(pp->locations.n, sizeof(bool));
	struct pruner pruner = { pp, regex, NULL, known };

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct pp_location *l = vec_at(&pp->locations, i);
		uint32_t at = 0;

		while (at < l->n_lines &&
		       !pruner_matches(&pruner, l->first_line + at))
			at++;
		is_found[i] = at < l->n_lines;
		if (is_found[i]) {
			l->first_line += at;
			l->n_lines -= at;
		}
	}
	for (size_t i = 0; i < pp->stacks.n; i++) {
		struct pp_stack *stack = vec_at(&pp->stacks, i);
		uint32_t at = 0;

		while (at < stack->n && !is_found[stack->frames[at]])
			at++;
		if (at < stack->n) {
			stack->frames += at;
			stack->n -= at;
		}
	}
}
