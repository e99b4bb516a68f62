/* SPDX-License-Identifier: MIT */
/* allocs_plugin.c - a library that is loaded late, and allocates 100 MB. */
#include <stdlib.h>

void *plugin_malloc(void);
void plugin_allocate(void);

static void *volatile sink;

/* What malloc is here. */
void *plugin_malloc(void)
{
	return (void *)malloc;
}

void plugin_allocate(void)
{
	for (int i = 0; i < 100000; i++) {
		sink = malloc(1000);
		free(sink);
	}
}
