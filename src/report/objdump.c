/* SPDX-License-Identifier: MIT */
/*
 * objdump.c - instructions, as objdump prints them.
 *
 * Lines are told apart by their shape, as in pprof (its binutils/disasm.go),
 * so that both show the same text:
 *
 *	    1171:	mov    %rsi,%rbx	an instruction
 *	/src/a.c:4 (discriminator 2)	where the next ones are from
 *	fact():				and of which function
 *	0000000000001170 <fact>:	the same, if nothing else is known
 *	inlined by /src/a.c:6 (fact)	GNU, with --inlines
 *
 * LLVM writes "; " before lines of source. Any other line ends what is known.
 */
#include "report/objfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "profile/text.h"
#include "util/child.h"

#define INLINED_BY "inlined by "

struct dump {
	struct objfile_code *code;
	const char *function, *file; /* in the code's arena, or "" */
	int64_t line;
	uint32_t first_call; /* of the lines since the last instruction */
};

/* A name in a file may hold any bytes; what is shown is UTF-8. */
static const char *keep(struct dump *dump, const char *text, size_t len)
{
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };
	CLEANUP(free) char *copy = NULL;
	struct arena *arena = &dump->code->arena;

	if (!len)
		return "";
	copy = xstrndup(text, len);
	if (utf8_is_valid(copy))
		return arena_copy(arena, text, len);
	utf8_add_repaired(&repaired, copy);
	return arena_copy(arena, repaired.data, repaired.len);
}

/* "    1171:\tmov ..." */
static bool take_inst(struct dump *dump, const char *line)
{
	struct objfile_inst *inst;
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	const char *text = line + digits + 1;
	uint64_t vaddr;

	if (!digits || line[digits] != ':' || !isspace((unsigned char)*text))
		return false;
	errno = 0;
	vaddr = strtoull(line, NULL, 16);
	if (errno)
		return false;
	text += strspn(text, " \t\r\v\f");
	inst = vec_push(&dump->code->insts);
	*inst = (struct objfile_inst){
		.vaddr = vaddr, .text = keep(dump, text, strlen(text)),
		.function = dump->function, .file = dump->file,
		.line = dump->line, .first_call = dump->first_call,
		.n_calls = (uint32_t)dump->code->calls.n - dump->first_call,
	};
	dump->first_call = (uint32_t)dump->code->calls.n;
	return true;
}

/* The last ':' with a digit behind it, as ".*:[0-9]+" has it, or NULL. */
static const char *find_number(const char *line)
{
	const char *found = NULL;

	for (const char *p = line; (p = strchr(p, ':')); p++)
		if (isdigit((unsigned char)p[1]))
			found = p;
	return found;
}

static const char *skip_mark(const char *line)
{
	line += *line == ';';
	return line + (*line == ' ');
}

/* "inlined by /src/a.c:6 (fact)" */
static bool take_call(struct dump *dump, const char *line)
{
	const char *path = line + strlen(INLINED_BY);
	const char *colon = find_number(line), *end;
	struct objfile_call *call;
	char *behind;

	if (strncmp(line, INLINED_BY, strlen(INLINED_BY)) || !colon ||
	    colon < path)
		return false;
	end = line + strlen(line);
	call = vec_push(&dump->code->calls);
	call->file = keep(dump, path, (size_t)(colon - path));
	call->line = strtoll(colon + 1, &behind, 10);
	call->function = "";
	if (!strncmp(behind, " (", 2) && end[-1] == ')')
		call->function = keep(dump, behind + 2,
				      (size_t)(end - 1 - behind - 2));
	return true;
}

static bool take_file(struct dump *dump, const char *line)
{
	const char *path = skip_mark(line);
	const char *colon = find_number(path);
	unsigned long number;

	if (!colon)
		return false;
	errno = 0;
	number = strtoul(colon + 1, NULL, 10);
	if (!errno && number <= UINT32_MAX) {
		dump->file = keep(dump, path, (size_t)(colon - path));
		dump->line = (int64_t)number;
	}
	return true;
}

/* "fact():" */
static bool take_function(struct dump *dump, const char *line)
{
	const char *name = skip_mark(line), *end = NULL;

	for (const char *p = name; (p = strstr(p, "():")); p++)
		end = p;
	if (!end || end == name)
		return false;
	dump->function = keep(dump, name, (size_t)(end - name));
	return true;
}

/* "0000000000001170 <fact>:"; pprof takes all with a colon for one. */
static bool take_label(struct dump *dump, const char *line)
{
	const char *name = line + strspn(line, "0123456789abcdefABCDEF");
	const char *end = strrchr(line, ':');

	if (!end)
		return false;
	name += *name == ' ';
	if (end < name)
		name = line;
	dump->function = keep(dump, name, (size_t)(end - name));
	return true;
}

static void take_line(struct dump *dump, char *line)
{
	size_t n = strlen(line);

	while (n && isspace((unsigned char)line[n - 1]))
		line[--n] = '\0';
	line += strspn(line, " \t\r\v\f");
	if (take_inst(dump, line) || take_call(dump, line) ||
	    take_file(dump, line) || take_function(dump, line) ||
	    take_label(dump, line))
		return;
	dump->function = dump->file = "";
	dump->line = 0;
}

/* GNU's first, if calls that were inlined are wanted: LLVM's has them not. */
static char *find_objdump(bool wants_inlines, bool *out_is_llvm)
{
	static const char *const names[] = { "objdump", "llvm-objdump",
					     "objdump", NULL };
	char *found = objfile_find_tool(names + !wants_inlines);
	const char *base = found ? strrchr(found, '/') : NULL;

	*out_is_llvm = base && !strncmp(base, "/llvm", 5);
	return found;
}

static struct error *run_objdump(const struct objfile *file, uint64_t start,
				 uint64_t end,
				 const struct objfile_options *options,
				 struct strbuf *out)
{
	bool is_llvm;
	CLEANUP(free) char *tool = find_objdump(options->inlines, &is_llvm);
	CLEANUP(free) char *from = xasprintf("--start-address=0x%llx",
					     (unsigned long long)start);
	CLEANUP(free) char *to = xasprintf("--stop-address=0x%llx",
					   (unsigned long long)end);
	const char *argv[12] = { tool, "--disassemble", "--demangle",
				 "--no-show-raw-insn", "--line-numbers", from,
				 to };
	size_t n = 7;

	if (!tool)
		return error_hint(error_new("objdump, which disassembles "
					    "programs, is not installed"),
				  "try:   apt-get install binutils");
	if (options->intel && !is_llvm)
		argv[n++] = "-M";
	if (options->intel)
		argv[n++] = is_llvm ? "--x86-asm-syntax=intel" : "intel";
	if (options->inlines && !is_llvm)
		argv[n++] = "--inlines";
	argv[n] = file->path;
	return child_run(argv, NULL, true, out);
}

struct error *objfile_disassemble(const struct objfile *file, uint64_t start,
				  uint64_t end,
				  const struct objfile_options *options,
				  struct objfile_code *out)
{
	struct dump dump = { .code = out, .function = "", .file = "" };
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct error *error;
	char *line;

	*out = (struct objfile_code){
		.insts = VEC_OF(struct objfile_inst),
		.calls = VEC_OF(struct objfile_call),
	};
	error = run_objdump(file, start, end, options, &text);
	line = error ? NULL : text.data;
	while (line && *line) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		take_line(&dump, line);
		line = next;
	}
	return error;
}

void objfile_code_clear(struct objfile_code *code)
{
	vec_clear(&code->insts);
	vec_clear(&code->calls);
	arena_clear(&code->arena);
	*code = (struct objfile_code){ 0 };
}
