/* SPDX-License-Identifier: MIT */
/* write_stacks.c - the reports folded and speedscope: for other tools. */
#include "report/flame.h"
#include "report/writers.h"

/* --- folded: "root;caller;leaf 12\n" ------------------------------------ */

/* ';' separates frames, and a line is a stack. */
static void add_folded_name(const char *name, struct strbuf *out)
{
	for (; *name; name++)
		strbuf_addc(out, *name == ';' ? ':' :
				 *name == '\n' ? ' ' : *name);
}

/* Depth first without recursion: stacks may be as deep as they like. */
static void add_all_folded(const struct flame *flame, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf path = { 0 };
	struct vec todo = VEC_OF(uint32_t);
	CLEANUP(free) size_t *lengths = /* of the path, by depth */
		xcalloc(flame->depth + 2, sizeof(*lengths));

	*(uint32_t *)vec_push(&todo) = 0;
	while (todo.n) {
		uint32_t id = *(uint32_t *)vec_at(&todo, todo.n - 1);
		const struct flame_frame *frame = flame_frame(flame, id);

		todo.n--;
		path.len = lengths[frame->depth];
		if (id) {
			strbuf_adds(&path, path.len ? ";" : "");
			add_folded_name(flame_name(flame, id), &path);
		}
		if (id && frame->self)
			strbuf_addf(out, "%.*s %lld\n", (int)path.len,
				    path.data, (long long)frame->self);
		lengths[frame->depth + 1] = path.len;
		for (uint32_t i = frame->n_children; i; i--)
			*(uint32_t *)vec_push(&todo) =
				flame->children[frame->first_child + i - 1];
	}
	vec_clear(&todo);
}

struct error *report_write_folded(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	struct flame flame;

	flame_make(graph, report->type, &flame);
	add_all_folded(&flame, out);
	flame_clear(&flame);
	return NULL;
}

/* --- speedscope -------------------------------------------------------- */

void report_add_json(const char *text, struct strbuf *out)
{
	strbuf_addc(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == '<') /* "</script>" in HTML */
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

/* What speedscope can scale; all else are plain numbers. */
static const char *speedscope_unit(const char *unit)
{
	static const char *const known[] = { "nanoseconds", "microseconds",
					     "milliseconds", "seconds",
					     "bytes" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i], unit))
			return known[i];
	return "none";
}

static void add_frames(struct graph *graph, struct strbuf *out)
{
	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);
		const char *file = pp_text(graph->pp, node->info.file);

		strbuf_adds(out, i ? ",\n{\"name\":" : "{\"name\":");
		report_add_json(graph_name(graph, node), out);
		if (*file) {
			strbuf_adds(out, ",\"file\":");
			report_add_json(file, out);
		}
		if (node->info.line > 0)
			strbuf_addf(out, ",\"line\":%lld",
				    (long long)node->info.line);
		strbuf_adds(out, "}");
	}
}

static void add_stack(const struct graph *graph, const struct pp_stack *stack,
		      struct strbuf *out)
{
	const char *comma = "";

	strbuf_adds(out, "[");
	for (uint32_t i = stack->n; i; i--) {
		uint32_t at = stack->frames[i - 1];
		const struct pp_location *l =
			vec_at(&graph->pp->locations, at);

		for (uint32_t j = l->n_lines; j; j--) {
			strbuf_addf(out, "%s%u", comma,
				    graph->line_nodes[l->first_line + j - 1]);
			comma = ",";
		}
		if (!l->n_lines)
			strbuf_addf(out, "%s%u", comma,
				    graph->location_nodes[at]);
		comma = ",";
	}
	strbuf_adds(out, "]");
}

static void add_samples(const struct graph *graph, size_t type,
			struct strbuf *out)
{
	const struct pp *pp = graph->pp;
	CLEANUP(strbuf_clear) struct strbuf weights = { 0 };
	const struct pp_type *t = vec_at(&pp->types, type);
	const char *comma = "";
	int64_t sum = 0;

	strbuf_adds(out, "{\"type\":\"sampled\",\"name\":");
	report_add_json(pp_text(pp, t->type), out);
	strbuf_addf(out, ",\"unit\":\"%s\",\"startValue\":0,\"samples\":[",
		    speedscope_unit(pp_text(pp, t->unit)));
	strbuf_adds(&weights, "");
	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		int64_t value = pp_values(pp, sample)[type];

		if (value <= 0)
			continue;
		strbuf_adds(out, comma);
		add_stack(graph, vec_at(&pp->stacks, sample->stack), out);
		strbuf_addf(&weights, "%s%lld", comma, (long long)value);
		comma = ",";
		sum = wrap_add(sum, value);
	}
	strbuf_addf(out, "],\n\"weights\":[%s],\"endValue\":%lld}",
		    weights.data, (long long)sum);
}

struct error *report_write_speedscope(struct report *report,
				      struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);

	strbuf_adds(out, "{\"$schema\":\"https://www.speedscope.app/"
			 "file-format-schema.json\",\n"
			 "\"exporter\":\"psample\",\"activeProfileIndex\":");
	strbuf_addf(out, "%zu,\n\"shared\":{\"frames\":[\n", report->type);
	add_frames(graph, out);
	strbuf_adds(out, "]},\n\"profiles\":[\n");
	for (size_t i = 0; i < report->pp->types.n; i++) {
		strbuf_adds(out, i ? ",\n" : "");
		add_samples(graph, i, out);
	}
	strbuf_adds(out, "]}\n");
	return NULL;
}
