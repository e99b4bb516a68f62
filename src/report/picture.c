/* SPDX-License-Identifier: MIT */
/*
 * picture.c - the text of the report dot, one statement a line:
 *
 *	N1 [label="main\n0 of 12s (100%)" id="node1" fontsize=8 ...]
 *	N1 -> N2 [label=" 12s" weight=100 penwidth=6 ...]
 *	subgraph cluster_L { "File: x" [shape=box fontsize=16 label="..."] }
 *
 * Sizes of text are those of Helvetica, whose widths are in its AFM file
 * (Adobe, "Core 14 fonts"), with some room for fonts that take its place.
 */
#include "report/picture.h"

#include <math.h>

#define ROOM 1.06

static const unsigned short widths[] = { /* of ' ' to '~', in 1/1000 */
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,
	278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278,
	584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
	500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944,
	667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556,
	278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
	278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
};

static double text_points(const char *text, double font)
{
	double sum = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c < 0x7f)
			sum += widths[c - ' '];
		else if ((c & 0xc0) != 0x80)
			sum += 1000; /* wide ones are an em */
	}
	return sum * font * ROOM / 1000;
}

/* --- the language ------------------------------------------------------- */

struct reader {
	const char *p;
	struct picture *picture;
};

struct attributes { /* raw, with escapes; "" if not given */
	const char *label, *id, *tooltip, *color, *fill, *shape, *style;
	double font, pen;
	int weight, min_length;
};

static void skip_blanks(struct reader *reader)
{
	reader->p += strspn(reader->p, " \t");
}

/* A word, or what stands between quotes, with its escapes. */
static const char *read_word(struct reader *reader)
{
	const char *start;
	size_t n = 0;

	skip_blanks(reader);
	start = reader->p;
	if (*start != '"') {
		n = strcspn(start, " \t\n=[]{}\"");
		reader->p += n;
		return arena_copy(&reader->picture->arena, start, n);
	}
	start++;
	while (start[n] && start[n] != '"')
		n += start[n] == '\\' && start[n + 1] ? 2 : 1;
	reader->p = start + n + (start[n] == '"');
	return arena_copy(&reader->picture->arena, start, n);
}

static double number_of(const char *text, double most)
{
	double value = strtod(text, NULL);

	return value >= 0 && value <= most ? value : 1;
}

static void set_attribute(struct attributes *a, const char *name,
			  const char *value)
{
	const struct { const char *name, **place; } texts[] = {
		{ "label", &a->label },	    { "id", &a->id },
		{ "tooltip", &a->tooltip }, { "color", &a->color },
		{ "fillcolor", &a->fill },  { "shape", &a->shape },
		{ "style", &a->style },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(name, texts[i].name))
			*texts[i].place = value;
	if (!strcmp(name, "fontsize"))
		a->font = number_of(value, 100);
	else if (!strcmp(name, "penwidth"))
		a->pen = number_of(value, 100);
	else if (!strcmp(name, "weight"))
		a->weight = (int)number_of(value, 1000);
	else if (!strcmp(name, "minlen"))
		a->min_length = (int)fmax(number_of(value, 10), 1);
}

static struct attributes read_attributes(struct reader *reader)
{
	struct attributes a = {
		.label = "", .id = "", .tooltip = "", .color = "#000000",
		.fill = "#f8f8f8", .shape = "", .style = "",
		.font = PICTURE_FONT, .pen = 1, .weight = 1, .min_length = 1,
	};

	skip_blanks(reader);
	if (*reader->p != '[')
		return a;
	reader->p++;
	for (;;) {
		const char *name, *before = reader->p;

		skip_blanks(reader);
		if (!*reader->p || *reader->p == ']' || *reader->p == '\n')
			break;
		name = read_word(reader);
		skip_blanks(reader);
		if (*reader->p == '=') {
			reader->p++;
			set_attribute(&a, name, read_word(reader));
		}
		if (reader->p == before)
			reader->p++;
	}
	return a;
}

/* "\n" ends a line in the middle, "\l" one at the left. */
static struct picture_text make_text(struct picture *picture,
				     const char *raw, double font)
{
	struct picture_text text = { 0 };
	struct vec lines = VEC_OF(const char *);
	CLEANUP(strbuf_clear) struct strbuf line = { 0 };

	strbuf_adds(&line, "");
	for (; *raw || line.len; raw += *raw != '\0') {
		bool is_escape = *raw == '\\' && raw[1];

		raw += is_escape;
		if (*raw && !(is_escape && (*raw == 'n' || *raw == 'l'))) {
			strbuf_addc(&line, *raw);
			continue;
		}
		text.is_left |= is_escape && *raw == 'l';
		*(const char **)vec_push(&lines) =
			arena_copy(&picture->arena, line.data, line.len);
		text.width = fmax(text.width, text_points(line.data, font));
		strbuf_reset(&line);
	}
	text.n = lines.n;
	text.height = (double)lines.n * font * PICTURE_LINE;
	text.lines = arena_alloc(&picture->arena,
				 (lines.n + 1) * sizeof(*text.lines));
	for (size_t i = 0; i < lines.n; i++)
		text.lines[i] = *(const char **)vec_at(&lines, i);
	vec_clear(&lines);
	return text;
}

/* Escapes undone. */
static const char *plain(struct picture *picture, const char *raw)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	for (; *raw; raw++) {
		raw += *raw == '\\' && raw[1];
		strbuf_addc(&text, *raw);
	}
	return arena_copy(&picture->arena, text.data ? text.data : "",
			  text.len);
}

static uint32_t add_node(struct picture *picture, const char *name)
{
	uint32_t id = intern_string(&picture->names, name);

	if (id == picture->nodes.n) {
		struct picture_node *node = vec_push(&picture->nodes);

		node->id = node->tooltip = "";
		node->color = "#000000";
		node->fill = "#f8f8f8";
		node->font = PICTURE_FONT;
		node->width = 24;
		node->height = 16;
	}
	return id;
}

static void read_node(struct reader *reader, const char *name, bool is_legend)
{
	struct picture *picture = reader->picture;
	struct attributes a = read_attributes(reader);
	struct picture_node *node =
		picture_node(picture, add_node(picture, name));

	node->font = a.font;
	node->text = make_text(picture, a.label, a.font);
	node->id = plain(picture, a.id);
	node->tooltip = plain(picture, a.tooltip);
	node->color = plain(picture, a.color);
	node->fill = plain(picture, a.fill);
	node->is_legend = is_legend;
	node->is_tag = !strcmp(a.shape, "box3d");
	node->width = fmax(ceil(node->text.width + 0.9 * a.font), 24);
	node->height = fmax(ceil(node->text.height + 0.7 * a.font), 16);
}

static void read_edge(struct reader *reader, const char *from)
{
	struct picture *picture = reader->picture;
	uint32_t tail = add_node(picture, from);
	uint32_t head = add_node(picture, read_word(reader));
	struct attributes a = read_attributes(reader);
	struct picture_edge *edge = vec_push(&picture->edges);

	edge->from = tail;
	edge->to = head;
	edge->text = make_text(picture, a.label + (*a.label == ' '),
			       PICTURE_FONT);
	edge->tooltip = plain(picture, a.tooltip);
	edge->color = plain(picture, a.color);
	edge->pen = a.pen;
	edge->weight = a.weight;
	edge->min_length = a.min_length;
	edge->is_dotted = !strcmp(a.style, "dotted");
	edge->points = VEC_OF(struct point);
}

/* A line; '"' may follow the brace of the legend. */
static void read_statement(struct reader *reader)
{
	bool is_legend = !strncmp(reader->p, "subgraph", 8);
	const char *name, *brace = strchr(reader->p, '{');

	if (is_legend && brace)
		reader->p = brace + 1;
	name = read_word(reader);
	skip_blanks(reader);
	if (!*name || !strcmp(name, "node"))
		return;
	if (strncmp(reader->p, "->", 2)) {
		read_node(reader, name, is_legend);
		return;
	}
	reader->p += 2;
	read_edge(reader, name);
}

struct error *picture_read(const char *dot, struct picture *out)
{
	struct reader reader = { dot, out };

	*out = (struct picture){
		.title = "", .nodes = VEC_OF(struct picture_node),
		.edges = VEC_OF(struct picture_edge),
	};
	intern_init(&out->names);
	if (strncmp(dot, "digraph ", 8))
		return error_new("this is no graph");
	reader.p += 8;
	out->title = plain(out, read_word(&reader));
	while (*reader.p) {
		reader.p += strcspn(reader.p, "\n");
		reader.p += *reader.p == '\n';
		if (*reader.p != '}' && *reader.p)
			read_statement(&reader);
	}
	return NULL;
}

void picture_clear(struct picture *picture)
{
	for (size_t i = 0; i < picture->edges.n; i++)
		vec_clear(&picture_edge(picture, i)->points);
	vec_clear(&picture->nodes);
	vec_clear(&picture->edges);
	intern_clear(&picture->names);
	arena_clear(&picture->arena);
}
