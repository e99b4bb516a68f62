/* SPDX-License-Identifier: MIT */
/* write_proto.c - the reports proto and topproto: profiles once more. */
#include "profile/unit.h"
#include "profile/write.h"
#include "report/encode.h"
#include "report/writers.h"

static struct error *add_compressed(const struct pp *pp, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };

	pp_encode(pp, &bytes);
	return gzip_compress(bytes.data, bytes.len, out);
}

struct error *report_write_proto(struct report *report, struct strbuf *out)
{
	struct pp *pp = report->pp;

	if (report->ratio > 0 && report->ratio != 1) {
		pp_own_values(pp);
		for (size_t i = 0; i < pp->n_rows * pp->types.n; i++)
			pp->values[i] = int64_of_double(
				(double)pp->values[i] * report->ratio);
	}
	return add_compressed(pp, out);
}

static uint32_t top_function(struct pp *to, struct intern *functions,
			     const struct node_info *info)
{
	uint64_t key[] = { info->name, info->file,
			   (uint64_t)info->start_line };
	uint32_t index = intern_bytes(functions, key, sizeof(key));

	if (index == to->functions.n) {
		struct pp_function *function = vec_push(&to->functions);

		function->id = index + 1;
		function->name = info->name;
		function->filename = info->file;
		function->start_line = info->start_line;
	}
	return index;
}

static void add_top_node(const struct report *report, struct pp *to,
			 struct intern *functions,
			 const struct graph_node *node)
{
	uint32_t index = (uint32_t)to->locations.n;
	struct pp_location *location = vec_push(&to->locations);
	struct pp_line *line = vec_push(&to->lines);
	const char *unit;
	int64_t *values;

	line->function = top_function(to, functions, &node->info);
	line->line = node->info.line;
	line->column = node->info.column;
	location->id = index + 1;
	location->address = node->info.address;
	location->mapping = NO_ID;
	location->first_line = index;
	location->n_lines = 1;
	values = pp_sample(to, pp_stack(to, &index, 1), 0);
	values[0] = int64_of_double(unit_scale(graph_cum(node), report->unit,
					       report->shown_unit, &unit));
	values[1] = int64_of_double(unit_scale(graph_flat(node),
					       report->unit,
					       report->shown_unit, &unit));
}

struct error *report_write_topproto(struct report *report, struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(graph_free) struct graph *graph =
		report_graph(report, &trimming);
	CLEANUP(pp_free) struct pp *to = pp_new(report->pp->strings);
	string_id unit = pp_string(to, report->shown_unit);
	struct intern functions;

	intern_init(&functions);
	*(struct pp_type *)vec_push(&to->types) =
		(struct pp_type){ pp_string(to, "cum"), unit };
	*(struct pp_type *)vec_push(&to->types) =
		(struct pp_type){ pp_string(to, "flat"), unit };
	to->time_ns = report->pp->time_ns;
	to->duration_ns = report->pp->duration_ns;
	to->period_type = report->pp->period_type;
	to->period = report->pp->period;
	for (size_t i = 0; i < graph->order.n; i++)
		add_top_node(report, to, &functions, graph_listed(graph, i));
	intern_clear(&functions);
	return add_compressed(to, out);
}
