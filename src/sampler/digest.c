/* SPDX-License-Identifier: MIT */
/* digest.c - the unwinder thread: from records to tables. */
#include "sampler/digest.h"

#include "sampler/labels.h"
#include "sampler/naming.h"
#include "sampler/priority.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "target/proc.h"
#include "util/clock.h"

#define POLL_MS 50 /* records wait this long at most */
#define NEED_DECAY 64
#define TOP_SLACK 2048
#define PHASE_LABELS_MAX 63
#define RENAME_NS NS_PER_S /* a thread's name may change so often */

void digest_init(struct digest *digest, struct ring *ring,
		 const struct sampler_options *options)
{
	struct profile *profile = profile_new();

	*digest = (struct digest){
		.options = *options,
		.ring = ring,
		.unwinder = unwinder_new(&options->walk),
		.frames.list = VEC_OF(struct frame),
		.subjects = VEC_OF(struct subject *),
		.slots = VEC_OF(struct slot),
		.brief = VEC_OF(struct hit),
		.locations = VEC_OF(location_id),
		.flushed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	registry_init(&digest->registry, profile);
	digest->registry.agent_at = options->agent_at;
	profile_add_type(profile, "samples", "count");
	profile_add_type(profile, "cpu", "nanoseconds");
	if (options->mode == MODE_WALL)
		profile_add_type(profile, "wall", "nanoseconds");
	profile->period = options->period_ns;
	profile->period_type = (struct value_type){
		profile_string(profile,
			       options->mode == MODE_WALL ? "wall" : "cpu"),
		profile_string(profile, "nanoseconds"),
	};
	digest->truncated = profile_pseudo_location(profile, "[truncated]");
	digest->no_fp = profile_pseudo_location(profile,
						"[frame pointer unknown]");
	digest->unsampled = profile_pseudo_location(profile, "[unsampled]");
}

void digest_clear(struct digest *digest)
{
	for (size_t i = 0; i < digest->subjects.n; i++)
		subject_free(*(struct subject **)vec_at(&digest->subjects,
							i));
	for (size_t i = 0; i < digest->slots.n; i++)
		vec_clear(&((struct slot *)vec_at(&digest->slots, i))->hits);
	if (digest->flushed_fd >= 0)
		close(digest->flushed_fd);
	vec_clear(&digest->subjects);
	vec_clear(&digest->slots);
	vec_clear(&digest->brief);
	vec_clear(&digest->locations);
	vec_clear(&digest->frames.list);
	unwinder_free(digest->unwinder);
	registry_clear(&digest->registry);
}

static struct subject *subject_at(struct digest *digest, uint32_t id)
{
	if (id >= digest->subjects.n)
		return NULL;
	return *(struct subject **)vec_at(&digest->subjects, id);
}

static struct slot *slot_at(struct digest *digest, uint32_t id)
{
	while (digest->slots.n <= id) {
		struct slot *slot = vec_push(&digest->slots);

		slot->hits = VEC_OF(struct hit);
		slot->labels = NO_ID;
	}
	return vec_at(&digest->slots, id);
}

static struct profile_label string_label(struct profile *profile,
					 const char *key, const char *text)
{
	return (struct profile_label){
		.key = profile_string(profile, key),
		.str = profile_string(profile, text),
	};
}

/* All labels that may be wanted; naming.c takes away what is not. */
static uint32_t make_labels(struct digest *digest,
			    const struct subject *subject, struct slot *slot,
			    pid_t tid)
{
	struct profile *profile = digest->registry.profile;
	struct profile_label labels[4];
	char number[16];
	size_t n = 0;

	snprintf(number, sizeof(number), "%d", (int)subject->pid);
	labels[n++] = string_label(profile, LABEL_PID, number);
	labels[n++] = string_label(profile, LABEL_PROCESS, subject->process);
	if (slot && digest->options.by_thread) {
		if (!proc_read_comm(subject->pid, tid, slot->thread_name) &&
		    !slot->thread_name[0])
			snprintf(slot->thread_name, sizeof(slot->thread_name),
				 "%d", (int)tid);
		snprintf(number, sizeof(number), "%d", (int)tid);
		labels[n++] = string_label(profile, LABEL_THREAD_ID, number);
		labels[n++] = string_label(profile, LABEL_THREAD_NAME,
					   slot->thread_name);
	}
	return profile_labels(profile, labels, n);
}

static uint32_t labels_of(struct digest *digest, struct subject *subject,
			  const struct record *record)
{
	struct slot *slot = slot_at(digest, record->slot);
	int64_t now = digest->options.by_thread ? clock_now_ns() : 0;

	if (!slot->born_ns)
		slot->born_ns = now;
	/* The young are about to be named, and may then block for good. */
	if (slot->labels == NO_ID || slot->labels_of != record->subject ||
	    now - slot->labels_ns > RENAME_NS ||
	    (now && now - slot->born_ns < RENAME_NS)) {
		slot->labels = make_labels(digest, subject, slot,
					   record->tid);
		slot->labels_of = record->subject;
		slot->labels_ns = now;
	}
	return slot->labels;
}

/* How a walk ended is shown where its root should be. */
static void push_end(struct digest *digest, enum walk_end end)
{
	location_id *mark;

	if (end == WALK_ROOT)
		return;
	mark = vec_push(&digest->locations);
	*mark = end == WALK_NO_FP ? digest->no_fp : digest->truncated;
}

/* The most that was needed lately, for depths come and go. */
static void answer_need(struct digest *digest,
			const struct stack_record *stack)
{
	_Atomic uint32_t *answer = &stack->answers->need;
	uint32_t before = atomic_load_explicit(answer, memory_order_relaxed);
	uint32_t need = (uint32_t)digest->frames.used_bytes;

	if (digest->frames.end == WALK_CUT)
		need = 2 * stack->n_bytes;
	if (need < before - before / NEED_DECAY)
		need = before - before / NEED_DECAY;
	atomic_store_explicit(answer, need, memory_order_relaxed);
}

/*
 * Two walks that end at one address: that is where its stack begins. Those on
 * the system stack of Go's runtime end elsewhere.
 */
static void answer_top(struct digest *digest, struct slot *slot,
		       const struct stack_record *stack)
{
	taddr top = stack->base + digest->frames.used_bytes, last = slot->top;

	if (digest->frames.end != WALK_ROOT || digest->frames.other_fp)
		return;
	slot->top = top;
	if (top - last + TOP_SLACK > 2 * TOP_SLACK)
		top = 0;
	atomic_store_explicit(&stack->answers->top, top,
			      memory_order_relaxed);
}

static void answer_thread(struct digest *digest, struct slot *slot,
			  const struct stack_record *stack)
{
	struct walk_answers *answers = stack->answers;

	answer_need(digest, stack);
	answer_top(digest, slot, stack);
	atomic_store_explicit(&answers->needs_fp,
			      digest->frames.end == WALK_NO_FP,
			      memory_order_relaxed);
	atomic_store_explicit(&answers->ends_early,
			      digest->frames.end == WALK_CUT ||
				      digest->frames.end == WALK_NO_RULE,
			      memory_order_relaxed);
	if (digest->frames.other_fp)
		atomic_store_explicit(&answers->other_fp,
				      digest->frames.other_fp,
				      memory_order_relaxed);
}

static void walk_stack(struct digest *digest, struct subject *subject,
		       const struct stack_record *stack)
{
	struct snapshot snapshot = {
		.regs = stack->regs,
		.base = stack->base,
		.bytes = stack->bytes,
		.n_bytes = stack->n_bytes,
		.is_cut = stack->is_cut,
		.other_base = stack->other_base,
		.other_bytes = stack->bytes + stack->n_bytes,
		.n_other_bytes = stack->n_other_bytes,
	};

	unwinder_walk(digest->unwinder, subject->space, &snapshot,
		      &digest->frames);
	digest->locations.n = 0;
	subject_locate(&digest->registry, subject, &digest->frames,
		       &digest->locations);
	push_end(digest, digest->frames.end);
	answer_thread(digest, slot_at(digest, stack->record.slot), stack);
}

/* Walked in the stop: pcs, the callers' being return addresses. */
static void take_walked(struct digest *digest, struct subject *subject,
			const struct stack_record *stack)
{
	const taddr *pcs = (const void *)stack->bytes;

	digest->locations.n = 0;
	for (size_t i = 0; i < stack->n_bytes / sizeof(taddr); i++) {
		taddr addr = pcs[i] - (i > 0);
		const struct mapping *mapping =
			space_find(subject->space, addr);

		*(location_id *)vec_push(&digest->locations) =
			subject_location(&digest->registry, subject,
					 mapping ? mapping->id : NO_ID, addr,
					 false);
	}
	push_end(digest, stack->is_cut ? WALK_DEPTH : WALK_ROOT);
}

static void add_values(struct digest *digest, const struct hit *hit,
		       uint32_t samples, int64_t cpu_ns, int64_t wall_ns)
{
	int64_t values[PROFILE_MAX_TYPES] = { 0 };

	values[VALUE_SAMPLES] = samples;
	values[VALUE_CPU] = cpu_ns;
	if (digest->options.mode == MODE_WALL)
		values[VALUE_WALL] = wall_ns;
	profile_add_sample(digest->registry.profile, hit->stack, hit->labels,
			   values);
}

/* So that a client of a lower rate can have every n-th tick. */
static uint32_t add_phase(struct digest *digest, uint32_t set, uint32_t phase)
{
	struct profile *profile = digest->registry.profile;
	struct profile_label labels[PHASE_LABELS_MAX + 1];
	size_t n;
	const struct profile_label *before =
		profile_label_set(profile, set, &n);

	if (digest->options.n_phases <= 1 || n > PHASE_LABELS_MAX)
		return set;
	if (n)
		memcpy(labels, before, n * sizeof(*labels));
	labels[n] = (struct profile_label){
		.key = profile_string(profile, LABEL_PHASE),
		.num = phase,
		.num_unit = profile_string(profile, "ticks"),
	};
	return profile_labels(profile, labels, n + 1);
}

static void take_stack(struct digest *digest, struct subject *subject,
		       const struct stack_record *stack)
{
	const struct record *record = &stack->record;
	struct slot *slot = slot_at(digest, record->slot);
	struct hit hit;

	if (!subject->n_stacks)
		digest->n_sampled_subjects++;
	subject_prepare(&digest->registry, subject, record->tid);
	subject_keep_fresh(subject);
	subject_count_stack(&digest->registry, subject);
	if (record->kind == RECORD_WALKED)
		take_walked(digest, subject, stack);
	else
		walk_stack(digest, subject, stack);
	hit.stack = profile_stack(digest->registry.profile,
				  digest->locations.data,
				  digest->locations.n);
	hit.labels = labels_add(digest->registry.profile,
				labels_of(digest, subject, record),
				stack->bytes + stack->n_bytes +
					stack->n_other_bytes,
				stack->n_label_bytes);
	slot->last = hit;
	hit.labels = add_phase(digest, hit.labels, record->phase);
	add_values(digest, &hit, record->samples, 0, record->wall_ns);
	if (record->is_hit)
		*(struct hit *)vec_push(&slot->hits) = hit;
}

static struct hit unsampled_hit(struct digest *digest, struct subject *subject,
				const struct record *record)
{
	struct profile *profile = digest->registry.profile;

	return (struct hit){
		.stack = profile_stack(profile, &digest->unsampled, 1),
		.labels = record->kind == RECORD_UNSAMPLED
				  ? make_labels(digest, subject, NULL, 0)
				  : labels_of(digest, subject, record),
	};
}

static uint32_t periods_of(const struct digest *digest, int64_t ns)
{
	int64_t period = digest->options.period_ns;

	return (uint32_t)((ns + period / 2) / period);
}

static void start_subject(struct digest *digest, const struct record *record)
{
	struct subject *parent = subject_at(digest, record->parent);
	struct subject *subject;

	/* A child that ends before its maps are read has its parent's. */
	if (parent)
		subject_prepare(&digest->registry, parent, parent->tid);
	while (digest->subjects.n <= record->subject)
		vec_push(&digest->subjects);
	subject = subject_new(&digest->registry, record->pid, parent);
	proc_read_comm(subject->pid, subject->pid, subject->process);
	if (!digest->registry.profile->mappings.n)
		proc_read_program(subject->pid, digest->program,
				  sizeof(digest->program));
	*(struct subject **)vec_at(&digest->subjects, record->subject) =
		subject;
}

static void end_subject(struct digest *digest, uint32_t id)
{
	struct subject *subject = subject_at(digest, id);

	if (!subject)
		return;
	unwinder_forget(digest->unwinder, subject->space);
	subject_free(subject);
	*(struct subject **)vec_at(&digest->subjects, id) = NULL;
}

/* Without any stack nothing else tells what program it was. */
static void name_program(struct digest *digest)
{
	struct profile *profile = digest->registry.profile;
	const char *program = *digest->program ? digest->program
					       : "[program]";
	struct profile_mapping mapping = {
		.filename = profile_string(profile, program),
		.has_functions = true,
		.has_filenames = true,
		.has_line_numbers = true,
		.has_inline_frames = true,
	};

	if (!profile->mappings.n)
		profile->main_mapping = profile_add_mapping(profile, &mapping);
}

static void take_weights(struct digest *digest, struct subject *subject,
			 const struct record *record)
{
	struct profile *profile = digest->registry.profile;
	struct slot *slot = slot_at(digest, record->slot);
	struct hit hit;

	switch (record->kind) {
	case RECORD_REPEAT:
		add_values(digest, &slot->last,
			   periods_of(digest, record->wall_ns), 0,
			   record->wall_ns);
		break;
	case RECORD_UNSEEN:
		hit = unsampled_hit(digest, subject, record);
		add_values(digest, &hit, 0, 0, record->wall_ns);
		break;
	case RECORD_UNSAMPLED:
		hit = unsampled_hit(digest, subject, record);
		add_values(digest, &hit, 0, record->cpu_ns, 0);
		break;
	case RECORD_PAY:
		tally_pay(profile, &slot->hits, record->cpu_ns);
		break;
	case RECORD_TO_POOL:
		tally_move(&subject->pool, &slot->hits);
		break;
	case RECORD_POOL:
		tally_pay(profile, &subject->pool, record->cpu_ns);
		break;
	case RECORD_TO_BRIEF:
		if (digest->is_brief_paid)
			digest->brief.n = 0;
		digest->is_brief_paid = false;
		tally_move(&digest->brief, &subject->pool);
		break;
	default:
		break;
	}
}

static void take(struct digest *digest, const struct record *record)
{
	struct subject *subject = subject_at(digest, record->subject);
	struct slot *slot;

	switch (record->kind) {
	case RECORD_SUBJECT:
		start_subject(digest, record);
		return;
	case RECORD_SUBJECT_END:
		end_subject(digest, record->subject);
		return;
	case RECORD_SLOT_END:
		slot = slot_at(digest, record->slot);
		slot->labels = NO_ID;
		slot->born_ns = 0;
		slot->top = 0;
		slot->thread_name[0] = '\0';
		return;
	case RECORD_MAPS:
		if (subject)
			subject_take_maps(subject, (const void *)record);
		return;
	case RECORD_STACK:
	case RECORD_WALKED:
		if (subject)
			take_stack(digest, subject, (const void *)record);
		return;
	case RECORD_BRIEF:
		tally_divide(digest->registry.profile, &digest->brief,
			     record->cpu_ns);
		digest->is_brief_paid = true;
		return;
	case RECORD_END:
		name_program(digest);
		return;
	case RECORD_FLUSH:
		told_walks(digest->told, unwinder_counts(digest->unwinder));
		eventfd_write(digest->flushed_fd, 1);
		return;
	default:
		if (subject)
			take_weights(digest, subject, record);
		return;
	}
}

void digest_run(struct digest *digest)
{
	struct hurry hurry = { 0 };

	for (;;) {
		const struct record *record;
		bool is_end;
		size_t len;

		digest->watch(digest->watch_arg);
		hurry_update(&hurry, ring_pending(digest->ring), RING_BYTES);
		record = ring_peek(digest->ring, &len);
		if (!record) {
			told_walks(digest->told,
				   unwinder_counts(digest->unwinder));
			ring_wait(digest->ring, POLL_MS);
			continue;
		}
		is_end = record->kind == RECORD_END;
		digest_lock(digest);
		take(digest, record);
		digest_unlock(digest);
		ring_release(digest->ring);
		if (is_end)
			return;
	}
}
