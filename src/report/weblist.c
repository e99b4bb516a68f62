/* SPDX-License-Identifier: MIT */
/*
 * weblist.c - which instructions belong to which source lines.
 *
 * Debug information and profile may write a function's name differently, with
 * or without parameters and template arguments; they are compared without
 * both, and with the base names of their files.
 */
#include "report/weblist.h"

#include "util/log.h"

#define NEAR_BYTES 500 /* around samples, what is shown of a function */

/* --- lines ------------------------------------------------------------- */

/* Bytes of "operator<<" and the like at @p, or 0. */
static size_t operator_bytes(const char *p)
{
	size_t n = strlen("operator");

	if (strncmp(p, "operator", n) != 0)
		return 0;
	return n + (strncmp(p + n, "()", 2) ?
			    strspn(p + n, "<>=!-+*/%^&|~,[]") : 2);
}

/* Does a bracket at @p belong to the name? */
static bool is_part_of_name(const char *p)
{
	return !strncmp(p, "(*", 2) || !strncmp(p, "(anonymous", 10);
}

/*
 * "void ns::f<int>(char)::{lambda(int)#1}::operator()(int) const" ->
 * "ns::f::{lambda#1}::operator()"; Go's "main.(*T).f" stays.
 */
static void add_plain_name(const char *name, struct strbuf *out)
{
	const char *first = name;
	size_t start = out->len;
	int angles = 0, rounds = 0;

	while (*name) {
		size_t n = angles || rounds ? 0 : operator_bytes(name);

		if (n) {
			strbuf_add(out, name, n);
			name += n;
			continue;
		}
		if (rounds || (!angles && *name == '(' &&
			       !is_part_of_name(name)))
			rounds += (*name == '(') - (*name == ')');
		else if (angles || *name == '<')
			angles += (*name == '<') - (*name == '>');
		else if (*name == ' ' && (name == first || name[-1] != ')'))
			out->len = start; /* behind a return type */
		else if (*name == ' ')
			break; /* " const" */
		else
			strbuf_addc(out, *name);
		name++;
	}
	strbuf_adds(out, "\n");
}

static void make_key(const char *function, const char *file,
		     struct strbuf *out)
{
	add_plain_name(function, out);
	path_add_base(out, file);
}

static uint32_t add_listing(struct weblist *list, const struct node_info *info)
{
	const struct pp *pp = list->report->pp;
	uint32_t key[] = { info->name, info->file };
	uint32_t id = intern_bytes(&list->listing_keys, key, sizeof(key));
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };
	struct listing *listing;

	if (id < list->listings.n)
		return id;
	listing = vec_push(&list->listings);
	listing->name = info->name;
	listing->file = info->file;
	listing->first = INT64_MAX;
	listing->last = INT64_MIN;
	make_key(pp_text(pp, info->name), pp_text(pp, info->file), &name);
	if (intern_string(&list->names, name.data) == list->name_listings.n)
		*(uint32_t *)vec_push(&list->name_listings) = id;
	return id;
}

static uint32_t add_line(struct weblist *list, uint32_t listing,
			 int64_t number)
{
	uint64_t key[] = { listing, (uint64_t)number };
	uint32_t id = intern_bytes(&list->line_keys, key, sizeof(key));
	struct weblist_line *line;

	if (id < list->lines.n)
		return id;
	line = vec_push(&list->lines);
	line->listing = listing;
	line->number = number;
	return id;
}

/* Does the function's name, system name or file match? */
static bool matches(const struct weblist *list, const struct pp_line *line)
{
	const struct pp *pp = list->report->pp;
	const struct pp_function *f = vec_at(&pp->functions, line->function);
	struct regex *regex = list->report->symbol;

	return regex_matches(regex, pp_text(pp, f->name)) ||
	       regex_matches(regex, pp_text(pp, f->system_name)) ||
	       regex_matches(regex, pp_text(pp, f->filename));
}

static void find_lines(struct weblist *list, uint64_t address)
{
	const struct pp *pp = list->report->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);
		bool is_address = address && l->address == address;

		for (uint32_t j = 0; j < l->n_lines; j++) {
			uint32_t at = l->first_line + j;
			const struct graph_node *node = graph_node(
				list->graph, list->graph->line_nodes[at]);
			uint32_t id;

			list->line_of[at] = NO_ID;
			if (!node->is_listed ||
			    !(matches(list, vec_at(&pp->lines, at)) ||
			      (is_address && j + 1 == l->n_lines)))
				continue;
			id = add_listing(list, &node->info);
			listing_widen(vec_at(&list->listings, id), &node->info);
			list->line_of[at] = add_line(list, id,
						     node->info.line);
		}
	}
}

/* --- instructions ------------------------------------------------------- */

static bool has_match(const struct weblist *list, const struct pp_location *l)
{
	for (uint32_t j = 0; j < l->n_lines; j++)
		if (list->line_of[l->first_line + j] != NO_ID)
			return true;
	return false;
}

static struct weblist_code *code_at(const struct weblist *list, size_t i)
{
	return vec_at(&list->codes, i);
}

/* The code of the symbol at @place, disassembled when first asked for. */
static struct error *open_code(struct weblist *list,
			       const struct code_place *place,
			       struct intern *symbols, uint32_t *out)
{
	const struct objfile *file = codemap_file(&list->map, place->file);
	const struct objfile_symbol *symbol =
		objfile_symbol_at(file, place->vaddr);
	const struct objfile_options options = {
		.intel = list->report->settings->intel_syntax,
		.inlines = true,
	};
	struct weblist_code *code;
	struct error *error;

	*out = NO_ID;
	if (!symbol || symbol->end == UINT64_MAX)
		return NULL;
	*out = intern_bytes(symbols, &symbol, sizeof(symbol));
	if (*out < list->codes.n)
		return NULL;
	code = vec_push(&list->codes);
	code->file = place->file;
	code->symbol = symbol;
	error = objfile_disassemble(file, symbol->start, symbol->end,
				    &options, &code->code);
	code->sums = xcalloc(code->code.insts.n, sizeof(*code->sums));
	code->locations = xcalloc(code->code.insts.n, sizeof(uint32_t));
	for (size_t i = 0; i < code->code.insts.n; i++)
		code->locations[i] = NO_ID;
	return error;
}

struct inst_places { /* by location; NO_ID: none */
	uint32_t *code, *inst;
};

static struct error *open_codes(struct weblist *list,
				const struct inst_places *places)
{
	const struct pp *pp = list->report->pp;
	struct error *error = NULL;
	struct intern symbols;

	intern_init(&symbols);
	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);
		struct weblist_code *code;

		if (error || list->map.places[i].file == NO_ID ||
		    !has_match(list, l))
			continue;
		error = open_code(list, &list->map.places[i], &symbols,
				  &places->code[i]);
		if (error || places->code[i] == NO_ID)
			continue;
		code = code_at(list, places->code[i]);
		places->inst[i] = code_find_inst(
			&code->code, list->map.places[i].vaddr);
		if (places->inst[i] != NO_ID)
			code->locations[places->inst[i]] = (uint32_t)i;
	}
	intern_clear(&symbols);
	return error;
}

static void sum_frame(struct weblist *list, const struct inst_places *places,
		      uint32_t location, const struct stack_weight *weight,
		      uint32_t stamp, bool is_leaf)
{
	const struct pp_location *l =
		vec_at(&list->report->pp->locations, location);

	for (uint32_t j = 0; j < l->n_lines; j++) {
		uint32_t id = list->line_of[l->first_line + j];
		struct weblist_line *line;
		struct listing *listing;

		if (id == NO_ID)
			continue;
		line = vec_at(&list->lines, id);
		listing = vec_at(&list->listings, line->listing);
		sum_add(&line->sum, weight, stamp, is_leaf);
		sum_add(&listing->sum, weight, stamp, is_leaf);
	}
	if (places->inst[location] != NO_ID)
		sum_add(&code_at(list, places->code[location])
				 ->sums[places->inst[location]],
			weight, stamp, is_leaf);
}

static void sum_stacks(struct weblist *list, const struct inst_places *places)
{
	const struct pp *pp = list->report->pp;
	CLEANUP(free) struct stack_weight *weights =
		graph_weigh_stacks(list->graph);

	for (size_t i = 0; i < pp->stacks.n; i++) {
		const struct pp_stack *stack = vec_at(&pp->stacks, i);

		for (uint32_t j = 0; weights[i].is_used && j < stack->n; j++)
			sum_frame(list, places, stack->frames[j], &weights[i],
				  (uint32_t)i + 1, !j);
	}
}

static void push_frame(struct weblist *list, const char *function,
		       const char *file, int64_t line)
{
	*(struct weblist_frame *)vec_push(&list->frames) =
		(struct weblist_frame){ function, file, line };
}

/* The calls inlined at an instruction, innermost first: how many. */
static uint32_t push_frames(struct weblist *list,
			    const struct weblist_code *code, size_t i)
{
	const struct objfile_inst *inst = vec_at(&code->code.insts, i);
	const struct pp *pp = list->report->pp;
	const struct pp_location *l;
	size_t before = list->frames.n;

	if (code->locations[i] == NO_ID) {
		if (*inst->file)
			push_frame(list, inst->function, inst->file,
				   inst->line);
		for (uint32_t j = 0; *inst->file && j < inst->n_calls; j++) {
			const struct objfile_call *call = vec_at(
				&code->code.calls, inst->first_call + j);

			push_frame(list, call->function, call->file,
				   call->line);
		}
		return (uint32_t)(list->frames.n - before);
	}
	l = vec_at(&pp->locations, code->locations[i]);
	for (uint32_t j = 0; j < l->n_lines; j++) {
		const struct node_info *info = &graph_node(
			list->graph,
			list->graph->line_nodes[l->first_line + j])->info;

		push_frame(list, pp_text(pp, info->name),
			   pp_text(pp, info->file), info->line);
	}
	return (uint32_t)(list->frames.n - before);
}

static uint32_t find_listing(const struct weblist *list,
			     const struct weblist_frame *frame)
{
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };
	uint32_t id;

	make_key(frame->function, frame->file, &name);
	id = intern_find(&list->names, name.data, name.len);
	return id == NO_ID ? NO_ID :
			     *(uint32_t *)vec_at(&list->name_listings, id);
}

/* Put instruction @i below the lines of its frames. */
static void attach(struct weblist *list, uint32_t code, uint32_t i)
{
	uint32_t first = (uint32_t)list->frames.n;
	uint32_t n = push_frames(list, code_at(list, code), i);

	for (uint32_t j = 0; j < n; j++) {
		const struct weblist_frame *frame =
			vec_at(&list->frames, first + j);
		uint32_t listing = find_listing(list, frame);
		struct weblist_inst *inst;

		if (listing == NO_ID)
			continue;
		inst = vec_push(&list->insts);
		inst->line = add_line(list, listing, frame->line);
		inst->code = code;
		inst->inst = i;
		inst->first_frame = first;
		inst->n_frames = j;
	}
}

/* Of a long function only what is near samples is worth the paper. */
static void attach_all(struct weblist *list, uint32_t id)
{
	const struct weblist_code *code = code_at(list, id);
	size_t n = code->code.insts.n;
	CLEANUP(free) bool *is_near = xcalloc(n, sizeof(*is_near));
	uint64_t last = 0;
	bool has_last = false;

	for (size_t i = 0; i < n; i++) {
		const struct objfile_inst *inst = vec_at(&code->code.insts, i);

		has_last |= code->locations[i] != NO_ID;
		last = code->locations[i] != NO_ID ? inst->vaddr : last;
		is_near[i] = has_last && inst->vaddr - last <= NEAR_BYTES;
	}
	has_last = false;
	for (size_t i = n; i--;) {
		const struct objfile_inst *inst = vec_at(&code->code.insts, i);

		has_last |= code->locations[i] != NO_ID;
		last = code->locations[i] != NO_ID ? inst->vaddr : last;
		is_near[i] |= has_last && last - inst->vaddr <= NEAR_BYTES;
	}
	for (size_t i = 0; i < n; i++)
		if (is_near[i])
			attach(list, id, (uint32_t)i);
}

static int compare_insts(const void *p, const void *q)
{
	const struct weblist_inst *a = p, *b = q;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	if (a->inst != b->inst)
		return a->inst < b->inst ? -1 : 1;
	return (a->n_frames > b->n_frames) - (a->n_frames < b->n_frames);
}

static void link_insts(struct weblist *list)
{
	if (list->insts.n)
		qsort(list->insts.data, list->insts.n,
		      sizeof(struct weblist_inst), compare_insts);
	for (size_t i = list->insts.n; i--;) {
		const struct weblist_inst *inst = vec_at(&list->insts, i);
		struct weblist_line *line = vec_at(&list->lines, inst->line);

		line->first_inst = (uint32_t)i;
		line->n_insts++;
	}
}

/* By mapping: is anything of it on the page? */
static bool *find_wanted(const struct weblist *list)
{
	const struct pp *pp = list->report->pp;
	bool *is_wanted = xcalloc(pp->mappings.n, sizeof(*is_wanted));

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);

		if (l->mapping != NO_ID && has_match(list, l))
			is_wanted[l->mapping] = true;
	}
	return is_wanted;
}

/* Without a program, or without objdump, there are still the sources. */
static void add_code(struct weblist *list)
{
	size_t n = list->report->pp->locations.n;
	CLEANUP(free) uint32_t *ids = xcalloc(2 * n, sizeof(*ids));
	struct inst_places places = { ids, ids + n };
	CLEANUP(free) bool *is_wanted = find_wanted(list);
	struct error *error = codemap_make(list->report->pp, is_wanted,
					   &list->map);

	for (size_t i = 0; i < 2 * n; i++)
		ids[i] = NO_ID;
	if (!error)
		error = open_codes(list, &places);
	if (error)
		log_warning("no instructions: %s", error_text(error));
	error_free(error);
	sum_stacks(list, &places);
	for (uint32_t i = 0; i < list->codes.n; i++)
		attach_all(list, i);
	link_insts(list);
}

struct error *weblist_make(struct report *report, struct graph *graph,
			   struct weblist *out)
{
	uint64_t address = code_address(regex_pattern(report->symbol));

	*out = (struct weblist){
		.report = report, .graph = graph,
		.listings = VEC_OF(struct listing),
		.lines = VEC_OF(struct weblist_line),
		.codes = VEC_OF(struct weblist_code),
		.insts = VEC_OF(struct weblist_inst),
		.frames = VEC_OF(struct weblist_frame),
		.name_listings = VEC_OF(uint32_t),
		.line_of = xcalloc(report->pp->lines.n, sizeof(uint32_t)),
	};
	intern_init(&out->listing_keys);
	intern_init(&out->line_keys);
	intern_init(&out->names);
	find_lines(out, address);
	if (!out->listings.n)
		return error_new("no matches found for regexp: %s",
				 regex_pattern(report->symbol));
	add_code(out);
	return NULL;
}

void weblist_clear(struct weblist *list)
{
	for (size_t i = 0; i < list->codes.n; i++) {
		objfile_code_clear(&code_at(list, i)->code);
		free(code_at(list, i)->sums);
		free(code_at(list, i)->locations);
	}
	codemap_clear(&list->map);
	intern_clear(&list->listing_keys);
	intern_clear(&list->line_keys);
	intern_clear(&list->names);
	vec_clear(&list->listings);
	vec_clear(&list->lines);
	vec_clear(&list->codes);
	vec_clear(&list->insts);
	vec_clear(&list->frames);
	vec_clear(&list->name_listings);
	free(list->line_of);
}

const struct weblist_line *weblist_find_line(const struct weblist *list,
					     uint32_t listing, int64_t number)
{
	uint64_t key[] = { listing, (uint64_t)number };
	uint32_t id = intern_find(&list->line_keys, key, sizeof(key));

	return id == NO_ID ? NULL : vec_at(&list->lines, id);
}
