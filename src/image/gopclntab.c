/* SPDX-License-Identifier: MIT */
/*
 * gopclntab.c - the table that Go links into every program it builds.
 *
 * Only the index of functions is kept in memory; the rest is read where it
 * is needed, some hundred bytes a question. Values by pc are pairs of
 * varints, value up or down (zigzag) and pc up, from (-1, entry) on:
 *
 *	value += zigzag(varint); pc += varint; value holds below pc
 */
#include "image/gopclntab.h"

#include <string.h>

#include "image/elf_relocs.h"
#include "image/go_tables.h"
#include "util/map.h"
#include "util/mem.h"

#define NAME_BYTES_MAX 4096
#define FILE_BYTES_MAX 4096
#define READ_BYTES 128
#define SOUGHT_BYTES_MAX 64 /* longest name that is looked for */
/* A pair of varints holds for at least one byte of code. */
#define STEPS_MAX (4u << 20)
#define FUNCTION_BYTES_MAX 48
#define NOTHING UINT32_MAX
/* internal/abi/symtab.go */
#define PCDATA_INLINED 2
#define FUNCDATA_INLINED 3

struct slot {
	uint32_t start, data; /* code from text on, offset of its data */
};

struct gopclntab {
	const struct module *module;
	struct go_tables tables;
	struct slot *slots; /* one more than there are functions */
	size_t n;
	struct intern strings;
};

/* @len bytes at @offset of the table. */
static bool table_read(const struct gopclntab *table, uint64_t offset,
		       void *buf, size_t len)
{
	return offset <= table->tables.n_bytes &&
	       len <= table->tables.n_bytes - offset &&
	       module_read(table->module, table->tables.vaddr + offset, buf,
			   len) == (ssize_t)len;
}

static uint32_t read_u32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t read_u64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* Addresses of 8 bytes, as they were before 1.18, to offsets. */
static bool slots_from_addresses(struct gopclntab *table, const uint8_t *bytes)
{
	uint64_t text = read_u64(bytes);

	table->tables.text = text;
	for (size_t i = 0; i <= table->n; i++) {
		uint64_t start = read_u64(bytes + 16 * i) - text;
		uint64_t data = i < table->n ? read_u64(bytes + 16 * i + 8) :
					       0;

		if (start > UINT32_MAX || data > UINT32_MAX)
			return false;
		table->slots[i] = (struct slot){ (uint32_t)start,
						 (uint32_t)data };
	}
	return true;
}

static void slots_from_offsets(struct gopclntab *table, const uint8_t *bytes)
{
	for (size_t i = 0; i <= table->n; i++) {
		table->slots[i].start = read_u32(bytes + 8 * i);
		if (i < table->n)
			table->slots[i].data = read_u32(bytes + 8 * i + 4);
	}
}

static bool load_index(struct gopclntab *table)
{
	const struct go_tables *tables = &table->tables;
	size_t entry = go_tables_entry_bytes(tables);
	size_t len = (2 * table->n + 1) * entry;
	CLEANUP(free) uint8_t *bytes = xmalloc(len);

	if (!table_read(table, tables->index, bytes, len))
		return false;
	table->slots = xcalloc(table->n + 1, sizeof(*table->slots));
	if (entry == 8) {
		module_relocate(table->module, tables->vaddr + tables->index,
				bytes, len);
		if (!slots_from_addresses(table, bytes))
			return false;
	} else {
		slots_from_offsets(table, bytes);
	}
	for (size_t i = 0; i < table->n; i++)
		if (table->slots[i].start > table->slots[i + 1].start)
			return false;
	/* No function goes on at 0. */
	return table->tables.text <=
	       UINT64_MAX - table->slots[table->n].start;
}

struct gopclntab *gopclntab_open(const struct module *module)
{
	struct go_tables tables;
	struct gopclntab *table;

	if (!go_tables_find(module, &tables))
		return NULL;
	table = xcalloc(1, sizeof(*table));
	table->module = module;
	table->tables = tables;
	table->n = tables.n_functions;
	intern_init(&table->strings);
	if (!load_index(table)) {
		gopclntab_close(table);
		return NULL;
	}
	return table;
}

void gopclntab_close(struct gopclntab *table)
{
	if (!table)
		return;
	intern_clear(&table->strings);
	free(table->slots);
	free(table);
}

/* The last slot whose function starts at or before @start. */
static size_t find_slot(const struct gopclntab *table, uint32_t start)
{
	size_t low = 0, high = table->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (table->slots[middle].start <= start)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * struct _func of runtime/runtime2.go: entry, name, args, deferreturn, pcsp,
 * pcfile, pcln, npcdata, [cu since 1.16], [start line since 1.20], then
 * bytes: id, flags (since 1.17, else zero), padding, nfuncdata.
 */
static void parse_function(const struct gopclntab *table, const uint8_t *bytes,
			   struct go_function *out)
{
	enum go_version version = table->tables.version;
	const uint8_t *p = bytes + go_tables_entry_bytes(&table->tables);

	out->name = read_u32(p);
	out->deltas = read_u32(p + 12);
	out->files = read_u32(p + 16);
	out->lines = read_u32(p + 20);
	out->n_pcdata = read_u32(p + 24);
	p += 28;
	out->unit = 0;
	if (version >= GO_1_16) {
		out->unit = read_u32(p);
		p += 4;
	}
	out->start_line = 0;
	if (version >= GO_1_20) {
		out->start_line = read_u32(p);
		p += 4;
	}
	out->has_flags = version >= GO_1_18;
	out->flags = out->has_flags ? p[1] : 0;
	out->n_funcdata = p[3];
	out->data += (size_t)(p + 4 - bytes);
}

bool gopclntab_find(const struct gopclntab *table, uint64_t vaddr,
		    struct go_function *out)
{
	uint64_t at = vaddr - table->tables.text;
	uint8_t bytes[FUNCTION_BYTES_MAX] = { 0 };
	const struct slot *slot;
	size_t len = FUNCTION_BYTES_MAX;

	if (at < table->slots[0].start || at >= table->slots[table->n].start)
		return false;
	slot = &table->slots[find_slot(table, (uint32_t)at)];
	out->start = table->tables.text + slot[0].start;
	out->end = table->tables.text + slot[1].start;
	out->data = table->tables.data + slot->data;
	if (out->data >= table->tables.n_bytes)
		return false;
	if (len > table->tables.n_bytes - out->data)
		len = table->tables.n_bytes - out->data;
	if (!table_read(table, out->data, bytes, len))
		return false;
	parse_function(table, bytes, out);
	return true;
}

void gopclntab_find_names(const struct gopclntab *table,
			  const char *const *names, size_t n,
			  struct go_function *out)
{
	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < table->n; i++) {
		uint64_t vaddr = table->tables.text + table->slots[i].start;
		uint8_t name[SOUGHT_BYTES_MAX] = { 0 };
		struct go_function function;

		/* The last name of the table ends before the table does. */
		if (!gopclntab_find(table, vaddr, &function) ||
		    !table_read(table, table->tables.names + function.name,
				name, sizeof(name)))
			continue;
		for (size_t j = 0; j < n; j++)
			if (!strncmp((char *)name, names[j], sizeof(name)))
				out[j] = function;
	}
}

/* The string at @offset of the table, or "". */
static const char *table_string(struct gopclntab *table, uint64_t offset,
				size_t max)
{
	char bytes[NAME_BYTES_MAX];
	size_t n = 0;
	uint32_t id;

	while (n < max) {
		size_t want = max - n < READ_BYTES ? max - n : READ_BYTES;
		uint64_t at = offset + n;
		size_t got;

		if (at >= table->tables.n_bytes)
			break;
		if (want > table->tables.n_bytes - at)
			want = table->tables.n_bytes - at;
		if (!table_read(table, at, bytes + n, want))
			break;
		got = strnlen(bytes + n, want);
		n += got;
		if (got < want)
			break;
	}
	id = intern_bytes(&table->strings, bytes, n);
	return intern_get(&table->strings, id)->bytes;
}

const char *gopclntab_name(struct gopclntab *table,
			   const struct go_function *function)
{
	return table_string(table, table->tables.names + function->name,
			    NAME_BYTES_MAX);
}

/* Reads the pairs of one function's table of values. */
struct values {
	const struct gopclntab *table;
	uint64_t offset; /* of what is behind bytes[] */
	size_t at, n;
	uint8_t bytes[READ_BYTES];
	int32_t value;
	uint64_t from, until; /* the value holds for these vaddrs */
	uint64_t n_steps;
};

static void values_init(struct values *values, const struct gopclntab *table,
			uint32_t offset, uint64_t start)
{
	values->table = table;
	values->offset = table->tables.values + offset;
	values->at = values->n = 0;
	values->value = -1;
	values->from = values->until = start;
	values->n_steps = 0;
}

static bool values_byte(struct values *values, uint8_t *out)
{
	if (values->at == values->n) {
		uint64_t size = values->table->tables.n_bytes;
		size_t n = READ_BYTES;

		if (values->offset >= size)
			return false;
		if (n > size - values->offset)
			n = size - values->offset;
		if (!table_read(values->table, values->offset, values->bytes,
				n))
			return false;
		values->offset += n;
		values->n = n;
		values->at = 0;
	}
	*out = values->bytes[values->at++];
	return true;
}

static bool values_varint(struct values *values, uint32_t *out)
{
	uint32_t value = 0;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		uint8_t byte;

		if (!values_byte(values, &byte))
			return false;
		value |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* The next value; false at the end, which is a value change of zero. */
static bool values_next(struct values *values)
{
	uint32_t change, bytes;

	if (values->n_steps >= STEPS_MAX || !values_varint(values, &change) ||
	    (change == 0 && values->n_steps > 0) ||
	    !values_varint(values, &bytes))
		return false;
	values->n_steps++;
	change = change & 1 ? ~(change >> 1) : change >> 1;
	values->value = (int32_t)((uint32_t)values->value + change);
	values->from = values->until;
	values->until += bytes;
	return true;
}

/* The value of the table at @offset that holds for @vaddr. */
static bool find_value(const struct gopclntab *table, uint32_t offset,
		       uint64_t start, uint64_t vaddr, int32_t *out)
{
	struct values values;

	/* The table at 0 is the empty one. */
	if (offset == 0)
		return false;
	values_init(&values, table, offset, start);
	while (values_next(&values)) {
		if (vaddr >= values.until)
			continue;
		*out = values.value;
		return true;
	}
	return false;
}

bool gopclntab_delta(const struct gopclntab *table,
		     const struct go_function *function, uint64_t vaddr,
		     int32_t *out)
{
	return find_value(table, function->deltas, function->start, vaddr,
			  out);
}

bool gopclntab_first_delta(const struct gopclntab *table,
			   const struct go_function *function,
			   uint64_t *out_vaddr)
{
	struct values values;

	if (function->deltas == 0)
		return false;
	values_init(&values, table, function->deltas, function->start);
	while (values_next(&values)) {
		if (values.value == 0)
			continue;
		*out_vaddr = values.from;
		return values.from < function->end;
	}
	return false;
}

/* Word @i of those behind the fixed part of the function's data. */
static bool function_word(const struct gopclntab *table,
			  const struct go_function *function, uint64_t i,
			  uint32_t *out)
{
	return table_read(table, function->data + 4 * i, out, sizeof(*out));
}

static const char *find_file(struct gopclntab *table,
			     const struct go_function *function,
			     uint64_t vaddr)
{
	const struct go_tables *tables = &table->tables;
	bool is_old = tables->version == GO_1_2;
	uint64_t list = is_old ? tables->files : tables->units;
	uint32_t offset;
	int32_t number;

	if (!find_value(table, function->files, function->start, vaddr,
			&number) || number < is_old)
		return "";
	list += 4 * ((uint64_t)function->unit + (uint32_t)number);
	if (!table_read(table, list, &offset, sizeof(offset)) ||
	    offset == NOTHING)
		return "";
	return table_string(table, (is_old ? 0 : tables->files) + offset,
			    FILE_BYTES_MAX);
}

static uint32_t find_line(const struct gopclntab *table,
			  const struct go_function *function, uint64_t vaddr)
{
	int32_t line;

	if (!find_value(table, function->lines, function->start, vaddr,
			&line) || line < 0)
		return 0;
	return (uint32_t)line;
}

struct inlined_call {
	uint32_t name, start_line;
	uint64_t call_vaddr; /* where the caller is, for its line */
};

/* Entry @i of the function's tree of inlined calls (runtime/symtabinl.go). */
static bool read_inlined(const struct gopclntab *table,
			 const struct go_function *function, uint32_t tree,
			 uint32_t i, struct inlined_call *out)
{
	bool is_old = table->tables.version < GO_1_20;
	size_t bytes = is_old ? 20 : 16;
	uint8_t entry[20];
	uint64_t vaddr = table->tables.inlined + tree + (uint64_t)i * bytes;
	uint32_t parent;

	if (module_read(table->module, vaddr, entry, bytes) !=
	    (ssize_t)bytes)
		return false;
	/* 1.18: parent, file, line, name, pc; 1.20: id, name, pc, line. */
	out->name = read_u32(entry + (is_old ? 12 : 4));
	parent = read_u32(entry + (is_old ? 16 : 8));
	out->start_line = is_old ? 0 : read_u32(entry + 12);
	out->call_vaddr = function->start + parent;
	return out->call_vaddr < function->end;
}

/* Where the tree of inlined calls and its index by pc are. */
static bool find_tree(const struct gopclntab *table,
		      const struct go_function *function, uint32_t *out_tree,
		      uint32_t *out_index)
{
	return table->tables.inlined &&
	       function->n_pcdata > PCDATA_INLINED &&
	       function->n_funcdata > FUNCDATA_INLINED &&
	       function_word(table, function, PCDATA_INLINED, out_index) &&
	       function_word(table, function,
			     (uint64_t)function->n_pcdata + FUNCDATA_INLINED,
			     out_tree) &&
	       *out_tree != NOTHING;
}

static void add_frame(struct gopclntab *table,
		      const struct go_function *function, uint64_t vaddr,
		      const struct inlined_call *call, struct go_frame *out)
{
	uint32_t name = call ? call->name : function->name;

	out->name = table_string(table, table->tables.names + name,
				 NAME_BYTES_MAX);
	out->file = find_file(table, function, vaddr);
	out->line = find_line(table, function, vaddr);
	out->start_line = call ? call->start_line : function->start_line;
	if (!call && !out->start_line)
		out->start_line = find_line(table, function, function->start);
}

size_t gopclntab_frames(struct gopclntab *table, uint64_t vaddr,
			struct go_frame *out, size_t max)
{
	struct go_function function;
	uint32_t tree, index;
	bool has_tree;
	size_t n = 0;

	if (!gopclntab_find(table, vaddr, &function))
		return 0;
	has_tree = find_tree(table, &function, &tree, &index);
	while (has_tree && n + 1 < max) {
		struct inlined_call call;
		int32_t i;

		if (!find_value(table, index, function.start, vaddr, &i) ||
		    i < 0 ||
		    !read_inlined(table, &function, tree, (uint32_t)i, &call))
			break;
		add_frame(table, &function, vaddr, &call, &out[n++]);
		vaddr = call.call_vaddr;
	}
	if (n < max)
		add_frame(table, &function, vaddr, NULL, &out[n++]);
	return n;
}
