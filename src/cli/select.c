/* SPDX-License-Identifier: MIT */
/* select.c - pids from lists and from regular expressions. */
#include "cli/select.h"

#include <errno.h>
#include <limits.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "target/permission.h"
#include "target/proc.h"
#include "util/log.h"

#define BETWEEN_IDS ", \t\n" /* as pidof(1) and pgrep(1) print them, too */

void select_add_id(struct vec *ids, pid_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (*(pid_t *)vec_at(ids, i) == id)
			return;
	*(pid_t *)vec_push(ids) = id;
}

struct error *select_parse_ids(const char *text, struct vec *out)
{
	const char *p = text + strspn(text, BETWEEN_IDS);

	do {
		char *end;
		long id;

		errno = 0;
		id = strtol(p, &end, 0);
		if (end == p || errno || id <= 0 || id > INT_MAX ||
		    (*end && !strchr(BETWEEN_IDS, *end)))
			return error_hint(
				error_new("bad list of ids: %s", text),
				"expected: numbers with commas between them; "
				"-n REGEX finds processes by name");
		select_add_id(out, (pid_t)id);
		p = end + strspn(end, BETWEEN_IDS);
	} while (*p);
	return NULL;
}

static bool matches(const pcre2_code *code, pcre2_match_data *data,
		    const char *subject)
{
	return pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0,
			   data, NULL) >= 0;
}

/* The name as ps shows it, or the first word of the command line. */
static bool process_matches(const pcre2_code *code, pcre2_match_data *data,
			    pid_t pid)
{
	CLEANUP(free) char *line = NULL;
	char comm[COMM_MAX];

	if (!proc_read_comm(pid, pid, comm))
		return false;
	if (matches(code, data, comm))
		return true;
	line = proc_command_line(pid);
	line[strcspn(line, " ")] = '\0';
	return line[0] != '[' && matches(code, data, line);
}

/* All processes but this one that match. */
static void find_matches(const pcre2_code *code, struct vec *out)
{
	pcre2_match_data *data =
		pcre2_match_data_create_from_pattern(code, NULL);
	struct vec pids = VEC_OF(pid_t);

	proc_list_processes(&pids);
	for (size_t i = 0; i < pids.n; i++) {
		pid_t pid = *(pid_t *)vec_at(&pids, i);

		if (pid != getpid() && process_matches(code, data, pid))
			*(pid_t *)vec_push(out) = pid;
	}
	vec_clear(&pids);
	pcre2_match_data_free(data);
}

/* Those of other users are counted, not tried: one word on all of them. */
static struct error *choose(const char *regex, const struct vec *found,
			    struct vec *out)
{
	size_t n_chosen = 0, n_foreign;

	for (size_t i = 0; i < found->n; i++) {
		pid_t pid = *(pid_t *)vec_at(found, i);

		if (attach_is_hopeless(pid))
			continue;
		select_add_id(out, pid);
		n_chosen++;
	}
	n_foreign = found->n - n_chosen;
	if (n_foreign && n_chosen)
		log_notice("left alone: %zu more of that name, of other users "
			   "or the kernel", n_foreign);
	if (n_chosen)
		return NULL;
	if (n_foreign)
		return error_hint(error_new("no process called %s is yours; "
					    "%zu are of other users or the "
					    "kernel", regex, n_foreign),
				  "try:   sudo psample -n %s", regex);
	return error_hint(error_new("no process is called %s", regex),
			  "try:   ps -e | grep ...; psample -p PID");
}

struct error *select_by_name(const char *regex, struct vec *out)
{
	struct vec found = VEC_OF(pid_t);
	PCRE2_UCHAR text[120];
	PCRE2_SIZE offset;
	int err;
	struct error *error;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex,
					 PCRE2_ZERO_TERMINATED, 0, &err,
					 &offset, NULL);

	if (!code) {
		pcre2_get_error_message(err, text, sizeof(text));
		return error_new("bad regular expression %s: %s at %zu", regex,
				 (const char *)text, offset);
	}
	find_matches(code, &found);
	error = choose(regex, &found, out);
	vec_clear(&found);
	pcre2_code_free(code);
	return error;
}
