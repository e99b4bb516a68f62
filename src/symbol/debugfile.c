/* SPDX-License-Identifier: MIT */
/*
 * debugfile.c - hand a module to libdwfl, and find its separate debug file.
 *
 * dwfl_standard_find_debuginfo() ends with a question to debuginfod servers,
 * which may take minutes; the search here is its local part.
 */
#include "symbol/debugfile.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "symbol/symbol.h"
#include "util/io.h"

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

static bool file_has_build_id(int fd, const struct module *module)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const void *id;
	bool is_equal = false;

	if (elf && module->build_id_bytes) {
		ssize_t n = dwelf_elf_gnu_build_id(elf, &id);

		is_equal = n > 0 && (size_t)n == module->build_id_bytes &&
			   !memcmp(id, module->build_id, (size_t)n);
	}
	elf_end(elf);
	return is_equal;
}

/* Open @path if it belongs to @module; @crc 0: only the build id counts. */
static int debuglink_open(const char *path, const struct module *module,
			  uint32_t crc)
{
	struct stat st, own = { 0 };
	/* A FIFO in the target's directory must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (module->fd >= 0 && fstat(module->fd, &own) < 0)
		own.st_ino = 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    !(st.st_dev == own.st_dev && st.st_ino == own.st_ino) &&
	    (file_has_build_id(fd, module) ||
	     (crc && file_has_crc(fd, crc))))
		return fd;
	close(fd);
	return -1;
}

/* The places that gdb and elfutils document for .gnu_debuglink. */
static int debuglink_search(const struct module *module, const char *link,
			    uint32_t crc, char **out_path)
{
	static const char *const places[][2] = {
		{ "", "" }, { "", "/.debug" }, { DEBUG_ROOT, "" },
	};
	const char *slash = strrchr(module->path, '/');
	int dir_len = slash ? (int)(slash - module->path) : 0;

	if (!slash || strchr(link, '/'))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path = xasprintf("%s%.*s%s/%s", places[i][0], dir_len,
				       module->path, places[i][1], link);
		int fd = debuglink_open(path, module, crc);

		if (fd >= 0) {
			*out_path = path; /* libdwfl frees it */
			return fd;
		}
		free(path);
	}
	return -1;
}

static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name,
			  Dwarf_Addr base, const char *file, const char *link,
			  GElf_Word crc, char **out_path)
{
	const struct module *module = *userdata;
	int fd = dwfl_build_id_find_debuginfo(mod, userdata, name, base, file,
					      link, crc, out_path);
	char *guess;

	if (fd >= 0 || !module)
		return fd;
	if (link)
		return debuglink_search(module, link, crc, out_path);
	guess = strrchr(module->path, '/');
	if (!guess)
		return -1;
	guess = xasprintf("%s.debug", guess + 1);
	fd = debuglink_search(module, guess, 0, out_path);
	free(guess);
	return fd;
}

/* The file itself is given to dwfl_report_elf(): nothing to find. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name,
		    Dwarf_Addr base, char **out_path, Elf **out_elf)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)out_path;
	(void)out_elf;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* A descriptor of the module's bytes for libdwfl to keep, or -1. */
static int module_descriptor(const struct module *module)
{
	int fd;

	if (module->fd >= 0)
		return fcntl(module->fd, F_DUPFD_CLOEXEC, 0);
	if (!module->image)
		return -1;
	fd = memfd_create("psample-image", MFD_CLOEXEC);
	if (fd >= 0 && !io_write_full(fd, module->image,
				      module->image_bytes)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool debug_file_open(struct debug_file *file, const struct module *module)
{
	int fd = module->is_elf ? module_descriptor(module) : -1;
	void **userdata;
	GElf_Addr bias;

	*file = (struct debug_file){ 0 };
	if (fd < 0)
		return false;
	file->dwfl = dwfl_begin(&callbacks);
	if (file->dwfl) {
		dwfl_report_begin(file->dwfl);
		/* Base 0 with p_vaddr added: addresses as in the file. */
		file->module = dwfl_report_elf(file->dwfl, module->path,
					       module->path, fd, 0, true);
		dwfl_report_end(file->dwfl, NULL, NULL);
	}
	if (!file->module)
		close(fd); /* libdwfl takes it over on success only */
	if (!file->module || !dwfl_module_getelf(file->module, &bias)) {
		debug_file_close(file);
		return false;
	}
	dwfl_module_info(file->module, &userdata, NULL, NULL, NULL, NULL,
			 NULL, NULL);
	*userdata = (void *)(uintptr_t)module;
	file->bias = bias;
	return true;
}

void debug_file_close(struct debug_file *file)
{
	if (file->dwfl)
		dwfl_end(file->dwfl);
	*file = (struct debug_file){ 0 };
}

Elf *debug_file_elf(const struct debug_file *file)
{
	GElf_Addr bias;

	return dwfl_module_getelf(file->module, &bias);
}

Dwarf *debug_file_dwarf(const struct debug_file *file, uint64_t *out_bias)
{
	Dwarf_Addr bias = 0;
	Dwarf *dwarf = dwfl_module_getdwarf(file->module, &bias);

	*out_bias = file->bias - bias;
	return dwarf;
}

/* The section of @elf called @name with type @type (0: any), or NULL. */
static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Word type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *text;

		if (!gelf_getshdr(section, &shdr))
			continue;
		text = elf_strptr(elf, names, shdr.sh_name);
		if (text && !strcmp(text, name) &&
		    (!type || shdr.sh_type == type))
			return section;
	}
	return NULL;
}

bool debug_file_has_symtab(const struct debug_file *file)
{
	uint64_t bias;
	Dwarf *dwarf = debug_file_dwarf(file, &bias);
	Elf *elf = debug_file_elf(file);

	if (find_section(elf, ".symtab", SHT_SYMTAB) ||
	    find_section(elf, ".gnu_debugdata", SHT_PROGBITS))
		return true;
	return dwarf && find_section(dwarf_getelf(dwarf), ".symtab",
				     SHT_SYMTAB);
}

bool debug_file_is_unreadable(const struct debug_file *file)
{
	Elf *elf = debug_file_elf(file);
	Elf_Scn *section = find_section(elf, ".debug_info", 0);
	GElf_Chdr chdr;

	/* ELFCOMPRESS_ZSTD is 2; elfutils before 0.189 only knows zlib. */
	return section && gelf_getchdr(section, &chdr) &&
	       chdr.ch_type == 2 &&
	       !dwfl_module_getdwarf(file->module, &(Dwarf_Addr){ 0 });
}

const char *symbol_library_version(void)
{
	return dwfl_version(NULL);
}
