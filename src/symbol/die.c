/* SPDX-License-Identifier: MIT */
/*
 * die.c - names and lines of functions in DWARF.
 *
 * The facts about one function are spread over its concrete entry, the
 * abstract one (DW_AT_abstract_origin) and its declaration in a class
 * (DW_AT_specification); dwarf_attr_integrate() looks through all three.
 */
#include "symbol/die.h"

#include <dwarf.h>

#define DIE_MAX_LINKS 16 /* origin of an origin...: a loop if there are more */
#define DIE_MAX_DEPTH 64 /* namespaces and classes around a function */

const char *die_linkage_name(Dwarf_Die *die)
{
	static const unsigned names[] = { DW_AT_linkage_name,
					  DW_AT_MIPS_linkage_name };
	Dwarf_Attribute attr;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name;

		if (!dwarf_attr_integrate(die, names[i], &attr))
			continue;
		name = dwarf_formstring(&attr);
		if (name && name[0])
			return name;
	}
	return NULL;
}

const char *die_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_name, &attr))
		name = dwarf_formstring(&attr);
	return name && name[0] ? name : NULL;
}

int64_t die_decl_line(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Word line;

	if (!dwarf_attr_integrate(die, DW_AT_decl_line, &attr) ||
	    dwarf_formudata(&attr, &line) || line > INT32_MAX)
		return 0;
	return (int64_t)line;
}

uint64_t die_number(Dwarf_Die *die, unsigned attribute)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, attribute, &attr) ||
	    dwarf_formudata(&attr, &value))
		return 0;
	return value;
}

/* The entry that @attribute of @die refers to. */
static bool die_follow(Dwarf_Die *die, unsigned attribute, Dwarf_Die *out)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, attribute, &attr) &&
	       dwarf_formref_die(&attr, out);
}

Dwarf_Die die_abstract(Dwarf_Die *die)
{
	Dwarf_Die at = *die, next;

	for (int i = 0; i < DIE_MAX_LINKS; i++) {
		if (!die_follow(&at, DW_AT_abstract_origin, &next))
			break;
		at = next;
	}
	return at;
}

bool die_language_qualifies(int language)
{
	switch (language) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case 0x2b: /* DW_LANG_C_plus_plus_17, DWARF 6 */
	case 0x2c: /* DW_LANG_C_plus_plus_20 */
		return true;
	default:
		return false;
	}
}

/*
 * The entries around the one at @offset, outermost first. libdw keeps no
 * parents; but entries lie in the file in the order of their offsets, so the
 * way down leads through the last child that starts before @offset.
 */
static size_t die_ancestors(Dwarf_Die *unit, Dwarf_Off offset,
			    Dwarf_Die out[DIE_MAX_DEPTH])
{
	Dwarf_Die at, child, next;
	size_t n = 0;
	int more;

	if (dwarf_child(unit, &child) != 0)
		return 0;
	while (n < DIE_MAX_DEPTH) {
		do {
			at = child;
			more = dwarf_siblingof(&at, &next);
			child = next;
		} while (more == 0 && dwarf_dieoffset(&next) <= offset);
		if (dwarf_dieoffset(&at) >= offset)
			return n;
		out[n++] = at;
		if (dwarf_child(&at, &child) != 0)
			return 0;
	}
	return 0;
}

/* A class without a name whose operator() this is was a lambda. */
static void die_add_scope_name(Dwarf_Die *die, const char *function,
			       struct strbuf *out)
{
	const char *unnamed = strncmp(function, "operator()", 10) ?
				      "{unnamed type}" :
				      "{lambda}";
	const char *name = die_name(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
		strbuf_adds(out, name ? name : "(anonymous namespace)");
		break;
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		strbuf_adds(out, name ? name : unnamed);
		break;
	case DW_TAG_subprogram:
		if (!name)
			return;
		strbuf_adds(out, name);
		/* As in demangled names: main() has no parameters there. */
		if (die_linkage_name(die))
			strbuf_adds(out, "()");
		break;
	default:
		return; /* lexical blocks have no name */
	}
	strbuf_adds(out, "::");
}

void die_add_qualified_name(Dwarf_Die *die, const char *name,
			    struct strbuf *out)
{
	Dwarf_Die at = die_abstract(die), unit, next;
	Dwarf_Die around[DIE_MAX_DEPTH];
	size_t n = 0;

	if (die_follow(&at, DW_AT_specification, &next))
		at = next;
	if (dwarf_diecu(&at, &unit, NULL, NULL))
		n = die_ancestors(&unit, dwarf_dieoffset(&at), around);
	for (size_t i = 0; i < n; i++)
		die_add_scope_name(&around[i], name, out);
	strbuf_adds(out, name);
}
