/* SPDX-License-Identifier: MIT */
/* ahead.c - many addresses of many modules, named by one child. */
#include "symbol/ahead.h"

#include "util/clock.h"
#include "util/log.h"

struct course { /* of one run */
	struct ahead *ahead;
	const struct confine_question *questions; /* in order */
	size_t n, n_asked, n_done;
	int64_t start_ns, shown_ns;
};

static int compare_questions(const void *a, const void *b)
{
	const struct confine_question *x = a, *y = b;

	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

/* In order, each once. */
static void sort_questions(struct vec *questions)
{
	struct confine_question *all = questions->data;
	size_t n = 0;

	if (!questions->n)
		return;
	qsort(all, questions->n, sizeof(*all), compare_questions);
	for (size_t i = 0; i < questions->n; i++)
		if (!n || compare_questions(&all[n - 1], &all[i]))
			all[n++] = all[i];
	questions->n = n;
}

/* A fork knows the subjects of its time: for a later one there is another. */
static bool ensure_child(struct course *course, uint64_t n_subjects)
{
	struct ahead *ahead = course->ahead;

	if (ahead->child &&
	    course->questions[course->n - 1].subject < ahead->n_known)
		return true;
	ahead_clear(ahead);
	ahead->n_known = n_subjects;
	ahead->child = confined_new(false, ahead->find, ahead->ctx);
	course->n_asked = course->n_done;
	return ahead->child != NULL;
}

static void show_progress(struct course *course)
{
	int64_t now = clock_now_ns();

	if (now - course->start_ns < NS_PER_S ||
	    now - course->shown_ns < NS_PER_S / 4)
		return;
	course->shown_ns = now;
	log_progress("naming %zu of %zu addresses", course->n_done + 1,
		     course->n);
}

static void ask_more(struct course *course)
{
	while (course->n_asked < course->n &&
	       course->n_asked - course->n_done < CONFINED_ASKED_MAX) {
		const struct confine_question *question =
			&course->questions[course->n_asked++];

		confined_ask(course->ahead->child, question->subject,
			     question->address);
	}
}

/* The child has ended at the first question that has no answer. */
static void give_up_subject(struct course *course, enum confine_result why)
{
	const struct confine_question *broke =
		&course->questions[course->n_done];

	ahead_clear(course->ahead);
	course->ahead->take(course->ahead->ctx, broke->subject, broke->address,
			    why, NULL);
	while (course->n_done < course->n &&
	       course->questions[course->n_done].subject == broke->subject)
		course->n_done++;
}

static void take_answer(struct course *course)
{
	const struct confine_question *question =
		&course->questions[course->n_done];
	struct confined_answer answer;
	enum confine_result result = confined_take(course->ahead->child,
						   &answer);

	if (result != CONFINE_DONE) {
		give_up_subject(course, result);
		return;
	}
	course->ahead->take(course->ahead->ctx, question->subject,
			    question->address, CONFINE_DONE, &answer);
	course->n_done++;
}

bool ahead_run(struct ahead *ahead, struct vec *questions, uint64_t n_subjects)
{
	struct course course = { .ahead = ahead,
				 .start_ns = clock_now_ns() };

	sort_questions(questions);
	course.questions = questions->data;
	course.n = questions->n;
	while (course.n_done < course.n) {
		if (!ensure_child(&course, n_subjects))
			break;
		ask_more(&course);
		take_answer(&course);
		show_progress(&course);
	}
	log_progress(NULL);
	return course.n_done == course.n;
}

void ahead_clear(struct ahead *ahead)
{
	confined_free(ahead->child);
	ahead->child = NULL;
}
