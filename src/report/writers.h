/* SPDX-License-Identifier: MIT */
/* writers.h - what writes the report of each format, appended to @out. */
#ifndef REPORT_WRITERS_H
#define REPORT_WRITERS_H

#include "report/report.h"

struct error *report_write_top(struct report *report, struct strbuf *out);
struct error *report_write_speedscope(struct report *report,
				      struct strbuf *out);
struct error *report_write_tree(struct report *report, struct strbuf *out);
struct error *report_write_callgrind(struct report *report,
				     struct strbuf *out);
struct error *report_write_disasm(struct report *report, struct strbuf *out);
struct error *report_write_dot(struct report *report, struct strbuf *out);
struct error *report_write_picture(struct report *report,
				   struct strbuf *out);
struct error *report_write_flame(struct report *report, struct strbuf *out);
struct error *report_write_folded(struct report *report, struct strbuf *out);
struct error *report_write_info(struct report *report, struct strbuf *out);
struct error *report_write_json(struct report *report, struct strbuf *out);
struct error *report_write_list(struct report *report, struct strbuf *out);
struct error *report_write_weblist(struct report *report, struct strbuf *out);
struct error *report_write_traces(struct report *report, struct strbuf *out);
struct error *report_write_tags(struct report *report, struct strbuf *out);
struct error *report_write_raw(struct report *report, struct strbuf *out);
struct error *report_write_comments(struct report *report,
				    struct strbuf *out);
struct error *report_write_proto(struct report *report, struct strbuf *out);
struct error *report_write_topproto(struct report *report,
				    struct strbuf *out);

#endif
