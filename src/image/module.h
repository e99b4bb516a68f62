/* SPDX-License-Identifier: MIT */
/*
 * module.h - an ELF file that is mapped somewhere, opened once.
 *
 * Modules are shared by all processes that map the same file (device, inode
 * and build id), live as long as their struct modules, and are only touched
 * by the thread that owns it (the unwinder; after the run, the main thread).
 * "vaddr" is an address as the file's program headers count it, independent
 * of where a process mapped it.
 *
 * The file descriptor is opened when the mapping is first seen, so a file
 * that is deleted or replaced, or whose process ends, stays readable.
 */
#ifndef IMAGE_MODULE_H
#define IMAGE_MODULE_H

#include <stdint.h>
#include <sys/types.h>

#include "arch/regs.h"
#include "util/map.h"

#define BUILD_ID_MAX 64

struct segment { /* one PT_LOAD */
	uint64_t offset, vaddr, file_bytes, memory_bytes;
	bool is_executable;
};

/* The root directory of a process; where its paths begin. */
struct image_root {
	int fd; /* O_PATH */
	/* Maps show paths from the root of the mount namespace: what of them
	 * is above the root of a process that called chroot(2), or "". */
	const char *prefix;
};

struct module {
	uint32_t id;	   /* dense, index into its struct modules */
	char *path;	   /* as in /proc/PID/maps, without " (deleted)" */
	bool is_deleted;   /* maps said " (deleted)" */
	int fd;		   /* -1: no file (vdso: see image); owned */
	uint8_t *image;	   /* bytes copied from memory, or NULL; owned: the
			    * vdso, or a file that cannot be opened */
	size_t image_bytes;
	bool is_elf;	   /* false: unreadable or not ELF; nothing below */
	bool is_executable_type; /* ET_EXEC: vaddr == address */
	bool is_32_bit; /* nothing but its segments is known, then */
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_bytes; /* 0: none */
	struct segment *segments;
	size_t n_segments;
	uint64_t entry;		/* vaddr of the first instruction, or 0 */
	uint64_t unwind_header; /* vaddr of PT_GNU_EH_FRAME, or 0 */
	uint32_t dev_major, dev_minor; /* where it was first seen */
	uint64_t inode, file_bytes;
	const char *fault; /* why it is not ELF or unreadable, or NULL */
	const struct image_root *root; /* of @path; NULL: our own */
};

struct mapping;

/* How a module's bytes are reached; given by the live side, or by a test. */
struct image_source {
	/* A descriptor of the mapped file (O_CLOEXEC, a regular file), or
	 * -1. The caller owns it. */
	int (*open_mapping)(void *ctx, const struct mapping *mapping);
	/* Up to @len bytes of memory at @addr; bytes read, or -1. */
	ssize_t (*read_memory)(void *ctx, taddr addr, void *buf, size_t len);
	/* The text of /proc/PID/maps, freed by the caller, or NULL. */
	char *(*read_maps)(void *ctx, size_t *out_len);
	/* Outlives all modules; NULL: the process sees files as we do. */
	const struct image_root *root;
	bool takes_32_bit; /* files of 32 bits are programs, too */
	void *ctx;
};

struct modules {
	struct vec list; /* struct module * */
	struct intern keys;	/* what identifies a file */
	struct vec key_modules; /* uint32_t: id of key -> id of module */
};

void modules_init(struct modules *modules);
void modules_clear(struct modules *modules);

/*
 * The module of @mapping, opened through @source if it is new. Never NULL:
 * what cannot be read gives a module with is_elf false and a fault. NULL
 * only for mappings without any file or image (anonymous memory, [stack]).
 */
struct module *modules_open(struct modules *modules,
			    const struct mapping *mapping,
			    const struct image_source *source);

struct module *modules_get(const struct modules *modules, uint32_t id);

/*
 * The vaddr of the byte at file offset @offset; false when no PT_LOAD holds
 * it (rounded to pages, as the kernel maps it).
 */
bool module_vaddr_of_offset(const struct module *module, uint64_t offset,
			    uint64_t *out_vaddr);

/* Up to @len bytes of the file at @vaddr into @buf; bytes read, or -1. */
ssize_t module_read(const struct module *module, uint64_t vaddr, void *buf,
		    size_t len);

/*
 * Does the file of @module belong to root or to our user, so that libraries
 * which were not written for hostile files may read it here?
 */
bool module_is_trusted(const struct module *module);

/* The path of @module as its process would write it. */
const char *module_path_in_root(const struct module *module);

/* The build id as lower-case hex, or ""; at least 2*BUILD_ID_MAX+1 bytes. */
char *module_build_id_text(const struct module *module, char *buf);

#endif
