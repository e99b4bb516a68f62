/* SPDX-License-Identifier: MIT */
/*
 * search.c - the places that gdb and elfutils document for debug files.
 *
 * dwfl_standard_find_debuginfo() knows only our own file system, and ends
 * with a question to debuginfod servers that may take minutes.
 */
#include "symbol/search.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "profile/names.h"
#include "util/io.h"
#include "util/log.h"

#define DEBUG_ROOT "/usr/lib/debug"

/* The CRC-32 of .gnu_debuglink (that of zlib), a nibble at a time. */
static uint32_t crc_update(uint32_t crc, const unsigned char *p, size_t len)
{
	static const uint32_t nibbles[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = nibbles[crc & 15] ^ (crc >> 4);
		crc = nibbles[crc & 15] ^ (crc >> 4);
	}
	return crc;
}

static bool file_has_crc(int fd, uint32_t expected)
{
	unsigned char buf[65536];
	uint32_t crc = 0xffffffff;
	off_t offset = 0;
	ssize_t n;

	while ((n = io_pread_full(fd, buf, sizeof(buf), offset)) > 0) {
		crc = crc_update(crc, buf, (size_t)n);
		offset += n;
	}
	return n == 0 && ~crc == expected;
}

static bool file_has_build_id(int fd, const unsigned char *id, size_t len)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const void *own;
	bool is_equal = false;

	if (elf && len) {
		ssize_t n = dwelf_elf_gnu_build_id(elf, &own);

		is_equal = n > 0 && (size_t)n == len && !memcmp(own, id, len);
	}
	elf_end(elf);
	return is_equal;
}

/* What an opened file must prove to be. */
struct proof {
	const unsigned char *id;
	size_t id_bytes;
	uint32_t crc; /* 0: only the build id counts */
};

static bool is_the_module(const struct module *module, const struct stat *st)
{
	struct stat own;

	return module->fd >= 0 && !fstat(module->fd, &own) &&
	       own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

/* Open @path below @root_fd if it is what @proof says. Takes @path over. */
static int try_path(struct debug_search *search, int root_fd, char *path,
		    const struct proof *proof, char **out_path)
{
	CLEANUP(free) char *owned = path;
	int fd = io_open_in_root(root_fd, path, O_RDONLY);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    is_the_module(search->module, &st)) {
		close(fd);
		return -1;
	}
	if (file_has_build_id(fd, proof->id, proof->id_bytes) ||
	    (proof->crc && file_has_crc(fd, proof->crc))) {
		log_info("%s: debug file %s", search->module->path, path);
		*out_path = TAKE(owned); /* libdwfl frees it */
		return fd;
	}
	close(fd);
	log_info("%s: %s is of another build, not used", search->module->path,
		 path);
	if (!search->refused)
		search->refused = TAKE(owned);
	return -1;
}

static int try_build_id(struct debug_search *search, int root_fd,
			const struct proof *proof, char **out_path)
{
	char hex[2 * BUILD_ID_MAX + 1] = "";
	struct module named = { .build_id_bytes = proof->id_bytes };

	if (proof->id_bytes < 2 || proof->id_bytes > BUILD_ID_MAX)
		return -1;
	memcpy(named.build_id, proof->id, proof->id_bytes);
	module_build_id_text(&named, hex);
	return try_path(search, root_fd,
			xasprintf(DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex,
				  hex + 2), proof, out_path);
}

static int try_link(struct debug_search *search, int root_fd,
		    const char *link, const struct proof *proof,
		    char **out_path)
{
	/* Before /lib and /usr/lib were one, debug files had the short name. */
	static const struct {
		const char *before, *behind;
		bool is_short;
	} places[] = {
		{ "", "", false },
		{ "", "/.debug", false },
		{ DEBUG_ROOT, "", false },
		{ DEBUG_ROOT, "", true },
	};
	const char *path = root_fd < 0 ? search->module->path
				       : module_path_in_root(search->module);
	const char *slash = strrchr(path, '/');
	int fd = -1;

	if (!slash || strchr(link, '/'))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		const char *dir = path;

		if (places[i].is_short && strncmp(path, "/usr/", 5))
			continue;
		dir += places[i].is_short ? 4 : 0;
		fd = try_path(search, root_fd,
			      xasprintf("%s%.*s%s/%s", places[i].before,
					(int)(slash - dir), dir,
					places[i].behind, link),
			      proof, out_path);
	}
	return fd;
}

static int fetch(struct debug_search *search, const struct proof *proof,
		 char **out_path)
{
	if (!search->debuginfod || !proof->id_bytes ||
	    search->module->path[0] != '/') /* the vdso */
		return -1;
	return debuginfod_fetch(search->debuginfod, proof->id,
				proof->id_bytes,
				path_base(search->module->path), out_path);
}

/* The file systems to look at: that of the process, then ours. */
static size_t list_roots(const struct debug_search *search, int roots[2])
{
	size_t n = 0;

	if (search->module->root)
		roots[n++] = search->module->root->fd;
	roots[n++] = -1;
	return n;
}

int debug_search_main(struct debug_search *search, const char *link,
		      uint32_t crc, char **out_path)
{
	const struct module *module = search->module;
	struct proof proof = { module->build_id, module->build_id_bytes,
			       crc };
	CLEANUP(free) char *guess = NULL;
	int roots[2], fd = -1;
	size_t n = list_roots(search, roots);

	guess = xasprintf("%s.debug", path_base(module->path));
	for (size_t i = 0; i < n && fd < 0; i++)
		fd = try_build_id(search, roots[i], &proof, out_path);
	for (size_t i = 0; i < n && fd < 0; i++)
		fd = try_link(search, roots[i], link ? link : guess, &proof,
			      out_path);
	return fd < 0 ? fetch(search, &proof, out_path) : fd;
}

int debug_search_open(const struct module *module)
{
	struct debug_search search = { .module = module };
	CLEANUP(free) char *path = NULL;
	const char *link = NULL;
	GElf_Word crc = 0;
	int fd;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(module->fd, ELF_C_READ, NULL);
	if (elf)
		link = dwelf_elf_gnu_debuglink(elf, &crc);
	fd = debug_search_main(&search, link, link ? crc : 0, &path);
	if (elf)
		elf_end(elf);
	debug_search_clear(&search);
	return fd;
}

int debug_search_alt(struct debug_search *search, const struct debug_alt *alt,
		     char **out_path)
{
	struct proof proof = { alt->id, alt->id_bytes, 0 };
	const char *slash = strrchr(alt->debug_path, '/');
	int roots[2], fd = -1;
	size_t n = list_roots(search, roots);

	for (size_t i = 0; i < n && fd < 0; i++)
		fd = try_build_id(search, roots[i], &proof, out_path);
	/* "../../.dwz/x86_64-linux-gnu/foo.debug", or absolute. */
	for (size_t i = 0; i < n && fd < 0 && slash; i++)
		fd = try_path(search, roots[i],
			      alt->name[0] == '/'
				      ? xstrdup(alt->name)
				      : xasprintf("%.*s/%s",
						  (int)(slash -
							alt->debug_path),
						  alt->debug_path, alt->name),
			      &proof, out_path);
	return fd < 0 ? fetch(search, &proof, out_path) : fd;
}

void debug_search_clear(struct debug_search *search)
{
	free(search->refused);
	free(search->directory);
	search->refused = search->directory = NULL;
}
