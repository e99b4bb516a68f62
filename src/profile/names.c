/* SPDX-License-Identifier: MIT */
/* names.c - names of frames, also of those without a function. */
#include "profile/names.h"

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static const char *line_name(const struct profile *profile,
			     const struct profile_location *location,
			     uint32_t i)
{
	const struct profile_line *line =
		vec_at(&profile->lines, location->first_line + i);
	const struct profile_function *function =
		vec_at(&profile->functions, line->function);

	return profile_string_text(profile, function->name);
}

void location_add_name(const struct profile *profile,
		       const struct profile_location *location, uint32_t i,
		       struct strbuf *out)
{
	const struct profile_mapping *mapping;
	const char *name = "";

	if (location->n_lines)
		name = line_name(profile, location, i);
	if (name[0]) {
		strbuf_adds(out, name);
		return;
	}
	name = "";
	if (location->mapping != NO_ID) {
		mapping = vec_at(&profile->mappings, location->mapping);
		name = profile_string_text(profile, mapping->filename);
	}
	if (name[0])
		strbuf_addf(out, "[%s]", path_base(name));
	else
		strbuf_adds(out, "<unknown>");
}
