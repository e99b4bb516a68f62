/* SPDX-License-Identifier: MIT */
/* test_picture.c - call graphs laid out: simplex, boxes, edges, hostility. */
#include "check.h"
#include "picture_check.h"

#include "report/simplex.h"

static uint64_t random_state = 1;

static unsigned random_below(unsigned n)
{
	random_state += 0x9e3779b97f4a7c15u;
	return (unsigned)(hash_u64(random_state) % n);
}

TEST(simplex_keeps_minimum_lengths_and_pulls_what_is_heavy)
{
	/* 0 -> 1 -> 3 is long, 0 -> 2 -> 3 has slack: 2 goes to 3, which
	 * pulls more. */
	const struct simplex_edge edges[] = {
		{ 0, 1, 1, 3 }, { 1, 3, 1, 3 }, { 0, 2, 1, 1 },
		{ 2, 3, 5, 1 },
	};
	int32_t places[4];
	struct simplex simplex = { 4, 4, edges, places };

	simplex_solve(&simplex, 100000);
	CHECK_EQ(places[0], 0);
	CHECK_EQ(places[1], 3);
	CHECK_EQ(places[2], 5);
	CHECK_EQ(places[3], 6);
}

static int64_t cost(const struct simplex *s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->n_edges; i++)
		sum += s->edges[i].weight * (s->place[s->edges[i].to] -
					     s->place[s->edges[i].from]);
	return sum;
}

/* All places below 6 of 5 nodes; the least cost of those that are allowed. */
static int64_t least_cost(const struct simplex *given)
{
	int64_t least = INT64_MAX;
	int32_t places[5];
	struct simplex s = *given;

	s.place = places;
	for (unsigned code = 0; code < 6 * 6 * 6 * 6 * 6; code++) {
		bool is_allowed = true;
		unsigned rest = code;

		for (int i = 0; i < 5; i++, rest /= 6)
			places[i] = (int32_t)(rest % 6);
		for (size_t i = 0; i < s.n_edges; i++)
			is_allowed &= places[s.edges[i].to] -
					      places[s.edges[i].from] >=
				      s.edges[i].min;
		if (is_allowed && cost(&s) < least)
			least = cost(&s);
	}
	return least;
}

TEST(simplex_finds_the_least_cost)
{
	for (int round = 0; round < 20; round++) {
		struct simplex_edge edges[8];
		int32_t places[5];
		struct simplex simplex = { 5, 8, edges, places };

		for (uint32_t i = 0; i < 8; i++) {
			uint32_t to = i < 4 ? i + 1 : 1 + random_below(4);
			uint32_t from = random_below(to);

			edges[i] = (struct simplex_edge){
				from, to, random_below(5),
				(int32_t)random_below(2),
			};
		}
		simplex_solve(&simplex, 100000);
		CHECK_EQ(cost(&simplex), least_cost(&simplex));
	}
}

static void add_random_graph(struct strbuf *out, unsigned n_nodes,
			     unsigned n_edges)
{
	strbuf_adds(out, "digraph \"x\" {\nnode [style=filled]\n"
		    "subgraph cluster_L { \"File: x\" [shape=box fontsize=16 "
		    "label=\"File: x\\lType: cpu\\l\"] }\n");
	for (unsigned i = 1; i <= n_nodes; i++)
		strbuf_addf(out, "N%u [label=\"f%u\\n%.*s\" id=\"node%u\" "
			    "fontsize=%u shape=box]\n", i, i,
			    (int)random_below(20), "12345678901234567890", i,
			    8 + random_below(16));
	for (unsigned i = 0; i < n_edges; i++)
		strbuf_addf(out, "N%u -> N%u [label=\" %us\" weight=%u "
			    "penwidth=%u]\n", 1 + random_below(n_nodes),
			    1 + random_below(n_nodes), i,
			    1 + random_below(100), 1 + random_below(6));
	strbuf_adds(out, "}\n");
}

TEST(boxes_do_not_overlap_and_edges_keep_clear_of_them)
{
	for (unsigned round = 0; round < 30; round++) {
		CLEANUP(strbuf_clear) struct strbuf text = { 0 };
		CLEANUP(strbuf_clear) struct strbuf svg = { 0 };
		struct picture picture;
		unsigned n = 1 + random_below(30);

		add_random_graph(&text, n, random_below(2 * n + 1));
		CHECK(!picture_read(text.data, &picture));
		CHECK_EQ(picture.nodes.n, n + 1);
		CHECK(!picture_lay_out(&picture));
		CHECK_EQ(count_overlaps(&picture), 0);
		CHECK_EQ(count_through(&picture), 0);
		picture_add_svg(&picture, &svg);
		CHECK(strstr(svg.data, "</svg>"));
		picture_clear(&picture);
	}
}

TEST(edges_go_from_box_to_box)
{
	struct picture picture;
	const struct picture_edge *e;
	const struct picture_node *from, *to;
	const struct point *points;

	CHECK(!picture_read("digraph \"x\" {\nA [label=\"a\"]\n"
			    "B [label=\"b\"]\nA -> B [label=\" 1\"]\n"
			    "B -> A [label=\" 2\"]\nA -> A [label=\" 3\"]\n"
			    "}\n", &picture));
	CHECK(!picture_lay_out(&picture));
	e = picture_edge(&picture, 0);
	from = picture_node(&picture, e->from);
	to = picture_node(&picture, e->to);
	points = e->points.data;
	CHECK_EQ(lround(points[0].y), lround(from->y + from->height / 2));
	CHECK_EQ(lround(points[e->points.n - 1].y + PICTURE_ARROW + e->pen),
		 lround(to->y - to->height / 2));
	CHECK(picture_edge(&picture, 1)->is_reversed);
	CHECK_EQ(picture_edge(&picture, 2)->points.n, 0);
	picture_clear(&picture);
}

TEST(names_are_text_in_the_picture)
{
	CLEANUP(strbuf_clear) struct strbuf svg = { 0 };
	struct picture picture;

	CHECK(!picture_read("digraph \"x\\\"<y>\" {\nA [label=\"<b> & "
			    "\\\"q\\\" \\\\ c\\nd\" tooltip=\"</g>\"]\n}\n",
			    &picture));
	CHECK(!picture_lay_out(&picture));
	picture_add_svg(&picture, &svg);
	CHECK(strstr(svg.data, "&lt;b&gt; &amp; &quot;q&quot; \\ c<"));
	CHECK(strstr(svg.data, "<title>&lt;/g&gt;</title>"));
	CHECK(!strstr(svg.data, "<b>"));
	picture_clear(&picture);
}

TEST(any_text_is_read_without_harm)
{
	static const char bytes[] = "N1 ->[]={}\"\\\n label fontsize 9-.;";

	for (int round = 0; round < 2000; round++) {
		CLEANUP(strbuf_clear) struct strbuf text = { 0 };
		struct picture picture;

		strbuf_adds(&text, "digraph \"x\" {\n");
		for (unsigned n = random_below(80); n; n--)
			strbuf_addc(&text, bytes[random_below(
						   sizeof(bytes) - 1)]);
		CHECK(!picture_read(text.data, &picture));
		CHECK(!picture_lay_out(&picture));
		picture_clear(&picture);
	}
}

/* Each of @n calls the next one, the first one calls all. */
static void add_ladder(struct strbuf *out, int n)
{
	strbuf_adds(out, "digraph \"x\" {\n");
	for (int i = 1; i < n; i++)
		strbuf_addf(out, "N%d -> N%d [label=\" 1\"]\n"
			    "N0 -> N%d [label=\" 2\"]\n", i - 1, i, i);
	strbuf_adds(out, "}\n");
}

TEST(what_is_too_large_to_draw_is_refused)
{
	CLEANUP(strbuf_clear) struct strbuf small = { 0 };
	CLEANUP(strbuf_clear) struct strbuf large = { 0 };
	struct picture picture;
	struct error *error;

	add_ladder(&small, 60);
	CHECK(!picture_read(small.data, &picture));
	CHECK(!picture_lay_out(&picture));
	CHECK_EQ(count_overlaps(&picture), 0);
	CHECK_EQ(count_through(&picture), 0);
	picture_clear(&picture);
	add_ladder(&large, 800);
	CHECK(!picture_read(large.data, &picture));
	error = picture_lay_out(&picture);
	CHECK(error && strstr(error_text(error), "too large"));
	error_free(error);
	picture_clear(&picture);
}

TEST_MAIN()
