/* SPDX-License-Identifier: MIT */
/* debugfile.c - hand a module to libdwfl, and give it the debug file. */
#include "symbol/debugfile.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/mman.h>

#include "symbol/split.h"
#include "symbol/symbol.h"
#include "util/io.h"

/*
 * libdwfl also asks for the file that a dwz'ed debug file shares with others;
 * its link comes without a checksum. debug_file_dwarf() looks for that one,
 * since only there its build id is known.
 */
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name,
			  Dwarf_Addr base, const char *file, const char *link,
			  GElf_Word crc, char **out_path)
{
	struct debug_search *search = *userdata;
	int fd;

	(void)mod;
	(void)name;
	(void)base;
	(void)file;
	if (!search || (link && !crc))
		return -1;
	fd = debug_search_main(search, link, crc, out_path);
	if (fd >= 0 && !search->directory)
		search->directory = split_directory(fd);
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

bool debug_file_open(struct debug_file *file, const struct module *module,
		     struct debuginfod *debuginfod)
{
	int fd = module->is_elf ? module_descriptor(module) : -1;
	void **userdata;
	GElf_Addr bias;

	*file = (struct debug_file){
		.search = xcalloc(1, sizeof(*file->search)),
		.alt_fd = -1,
	};
	*file->search = (struct debug_search){
		.module = module,
		.debuginfod = debuginfod,
	};
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
		file->module = NULL;
		return false;
	}
	dwfl_module_info(file->module, &userdata, NULL, NULL, NULL, NULL,
			 NULL, NULL);
	*userdata = file->search;
	file->bias = bias;
	return true;
}

void debug_file_close(struct debug_file *file)
{
	if (file->dwfl)
		dwfl_end(file->dwfl);
	if (file->alt)
		dwarf_end(file->alt);
	if (file->alt_fd >= 0)
		close(file->alt_fd);
	if (file->search)
		debug_search_clear(file->search);
	free(file->search);
	*file = (struct debug_file){ .alt_fd = -1 };
}

Elf *debug_file_elf(const struct debug_file *file)
{
	GElf_Addr bias;

	return dwfl_module_getelf(file->module, &bias);
}

/* Give @dwarf the file that it shares with others, if it needs one. */
static void debug_file_add_alt(struct debug_file *file, Dwarf *dwarf)
{
	CLEANUP(free) char *path = NULL;
	struct debug_alt alt;
	const char *own, *debug;
	const void *id;
	ssize_t n = dwelf_dwarf_gnu_debugaltlink(dwarf, &alt.name, &id);

	if (n <= 0 || file->has_alt)
		return;
	file->has_alt = true;
	dwfl_module_info(file->module, NULL, NULL, NULL, NULL, NULL, &own,
			 &debug);
	alt.debug_path = debug ? debug : file->search->module->path;
	alt.id = id;
	alt.id_bytes = (size_t)n;
	file->alt_fd = debug_search_alt(file->search, &alt, &path);
	if (file->alt_fd >= 0)
		file->alt = dwarf_begin(file->alt_fd, DWARF_C_READ);
	if (file->alt)
		dwarf_setalt(dwarf, file->alt);
}

Dwarf *debug_file_dwarf(struct debug_file *file, uint64_t *out_bias)
{
	Dwarf_Addr bias = 0;
	Dwarf *dwarf = dwfl_module_getdwarf(file->module, &bias);

	*out_bias = file->bias - bias;
	if (dwarf)
		debug_file_add_alt(file, dwarf);
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

bool debug_file_has_symtab(struct debug_file *file)
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
