/* SPDX-License-Identifier: MIT */
/*
 * go_rows.c - rows for Go's functions from Go's own tables.
 *
 * CFA = sp + delta + 8. The assembler of Go (cmd/internal/obj/x86) saves rbp
 * below the return address, at CFA - 16: since 1.21 by pushing it first,
 * before by a move behind the instruction that opened the frame. Functions
 * without a frame leave it alone.
 */
#include "unwind/go_rows.h"

#include <string.h>

#include "util/mem.h"

#define DELTA_MAX (1 << 30)
#define FP_OFFSET (-16)
#define PUSH_FP 0x55

/* What is special about some functions of the runtime. */
enum go_kind {
	GO_PLAIN,
	GO_ROOT,       /* nothing called it */
	GO_SWITCH,     /* goes on another stack from somewhere on */
	GO_SWITCH_MAY, /* sets sp, perhaps only to align it */
	GO_CALLBACK,   /* called by C on one stack, calls Go on another */
	GO_MAY_END,    /* begins a thread without a return address */
	GO_TRAMPOLINE, /* where a signal handler returns to */
};

static const struct {
	const char *name;
	enum go_kind kind;
} go_names[] = {
	{ "runtime.goexit", GO_ROOT },
	{ "runtime.mstart", GO_ROOT },
	{ "runtime.rt0_go", GO_ROOT },
	{ "runtime.systemstack", GO_SWITCH },
	{ "runtime.mcall", GO_SWITCH },
	{ "runtime.morestack", GO_SWITCH },
	{ "runtime.gogo", GO_SWITCH },
	{ "runtime.asmcgocall", GO_SWITCH },
	{ "runtime.switchToCrashStack0", GO_SWITCH },
	{ "runtime.nanotime1", GO_SWITCH },
	{ "runtime.walltime1", GO_SWITCH },
	{ "runtime.walltime", GO_SWITCH },
	{ "runtime.nanotime", GO_SWITCH },
	{ "runtime.vgetrandom1", GO_SWITCH },
	{ "time.now", GO_SWITCH },
	{ "runtime.cgocallback", GO_CALLBACK },
	{ "runtime.cgocallback_gofunc", GO_CALLBACK },
	/* It is marked as a root, but the interrupted code lies behind. */
	{ "runtime.sigtramp", GO_PLAIN },
	{ "runtime.cgoSigtramp", GO_PLAIN },
	{ "runtime.clone", GO_MAY_END },
	{ "runtime.sigreturn", GO_TRAMPOLINE },
	{ "runtime.sigreturn__sigaction", GO_TRAMPOLINE },
};

static enum go_kind kind_of(struct gopclntab *table,
			    const struct go_function *function)
{
	const char *name = gopclntab_name(table, function);

	for (size_t i = 0; i < ARRAY_SIZE(go_names); i++) {
		enum go_kind kind = go_names[i].kind;

		if (strcmp(name, go_names[i].name))
			continue;
		/* Compiled wrappers have the name of what they wrap. */
		if ((kind == GO_SWITCH || kind == GO_CALLBACK) &&
		    function->has_flags &&
		    !(function->flags & GO_SP_WRITE))
			return GO_PLAIN;
		return kind;
	}
	if (function->flags & GO_TOP_FRAME)
		return GO_ROOT;
	return function->flags & GO_SP_WRITE ? GO_SWITCH_MAY : GO_PLAIN;
}

/*
 * Behind which address rbp is saved at CFA - 16, if the frame opens at
 * @opened; false if it is not.
 */
static bool find_save(const struct module *module, uint64_t opened,
		      int32_t first_delta, uint64_t *out)
{
	uint8_t code[9]; /* from one byte before on */
	int32_t offset;

	if (module_read(module, opened - 1, code, sizeof(code)) !=
	    (ssize_t)sizeof(code))
		return false;
	*out = opened;
	if (code[0] == PUSH_FP && first_delta == 8)
		return true;
	if (!memcmp(code + 1, "\x48\x89\x2c\x24", 4)) {
		*out = opened + 4;
		return first_delta == 8;
	}
	if (!memcmp(code + 1, "\x48\x89\x6c\x24", 4)) {
		*out = opened + 5;
		return (int8_t)code[5] == first_delta - 8;
	}
	if (!memcmp(code + 1, "\x48\x89\xac\x24", 4)) {
		memcpy(&offset, code + 5, sizeof(offset));
		*out = opened + 8;
		return offset == first_delta - 8;
	}
	return false;
}

static uint8_t fp_rule(struct gopclntab *table, const struct module *module,
		       const struct go_function *function, uint64_t vaddr,
		       int32_t delta)
{
	uint64_t opened, saved;
	int32_t first_delta;

	if (delta == 0)
		return RULE_SAME;
	if (!gopclntab_first_delta(table, function, &opened) ||
	    !gopclntab_delta(table, function, opened, &first_delta) ||
	    !find_save(module, opened, first_delta, &saved))
		return RULE_UNKNOWN;
	return vaddr >= saved ? RULE_AT_CFA : RULE_SAME;
}

bool go_rows_find(struct gopclntab *table, const struct module *module,
		  uint64_t vaddr, struct row *out)
{
	struct go_function function;
	enum go_kind kind;
	int32_t delta;

	if (!gopclntab_find(table, vaddr, &function))
		return false;
	*out = (struct row){ .kind = ROW_NONE };
	kind = kind_of(table, &function);
	if (kind == GO_ROOT)
		out->kind = ROW_ROOT;
	if (kind == GO_ROOT || kind == GO_TRAMPOLINE)
		return true;
	if (!gopclntab_delta(table, &function, vaddr, &delta) || delta < 0 ||
	    delta > DELTA_MAX)
		return false;
	out->kind = ROW_PLAIN;
	out->cfa_reg = CPU_SP;
	out->cfa_offset = delta + 8;
	out->fp_rule = fp_rule(table, module, &function, vaddr, delta);
	out->fp_offset = FP_OFFSET;
	if (kind == GO_MAY_END)
		out->flags = ROW_MAY_END;
	if (kind == GO_PLAIN || kind == GO_MAY_END)
		return true;
	out->kind = ROW_SWITCH;
	out->extra = (int32_t)(vaddr - function.start);
	if (kind == GO_SWITCH)
		out->flags = ROW_MAY_END;
	if (kind == GO_CALLBACK)
		out->flags = ROW_LOOKS_PLAIN;
	return true;
}
