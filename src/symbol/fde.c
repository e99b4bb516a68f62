/* SPDX-License-Identifier: MIT */
/*
 * fde.c - binary search in .eh_frame_hdr.
 *
 * Layout (LSB Core 5.0, 10.6.2): version 1, three encodings, the address of
 * .eh_frame, the count, then pairs (start of function, its FDE) sorted by the
 * first. Linkers write the pairs as signed 32-bit values relative to the
 * start of the section; nothing else is looked at.
 */
#include "symbol/fde.h"

#include <dwarf.h>
#include <gelf.h>

#define FDE_HEADER_BYTES 4
#define FDE_ENTRY_BYTES 8
#define FDE_TABLE_ENCODING (DW_EH_PE_datarel | DW_EH_PE_sdata4)

/* The header of @type that holds @vaddr (0: any). */
static bool fde_find_segment(Elf *elf, GElf_Word type, uint64_t vaddr,
			     GElf_Phdr *out)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, out) && out->p_type == type &&
		    (!vaddr || vaddr - out->p_vaddr < out->p_filesz))
			return true;
	return false;
}

/* Where the entries point: .eh_frame, in the segment of the table. */
static void fde_find_frames(struct fde_table *table, Elf *elf)
{
	GElf_Phdr phdr;
	Elf_Data *data;

	if (!fde_find_segment(elf, PT_LOAD, table->base, &phdr))
		return;
	data = elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset,
				    phdr.p_filesz, ELF_T_BYTE);
	if (!data)
		return;
	table->frames = data->d_buf;
	table->frames_vaddr = phdr.p_vaddr;
	table->frames_bytes = data->d_size;
}

/* Bytes of an encoded pointer, or 0 for those no linker writes here. */
static size_t fde_pointer_bytes(unsigned char encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	default:
		return 0;
	}
}

void fde_table_init(struct fde_table *table, Elf *elf)
{
	const unsigned char *p;
	size_t start, count_at;
	uint32_t n;
	GElf_Phdr phdr;
	Elf_Data *data;

	*table = (struct fde_table){ 0 };
	if (!fde_find_segment(elf, PT_GNU_EH_FRAME, 0, &phdr))
		return;
	data = elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset,
				    phdr.p_filesz, ELF_T_BYTE);
	if (!data || data->d_size < FDE_HEADER_BYTES + 8 + 4)
		return;
	p = data->d_buf;
	if (p[0] != 1 || p[2] != DW_EH_PE_udata4 ||
	    p[3] != FDE_TABLE_ENCODING || !fde_pointer_bytes(p[1]))
		return;
	count_at = FDE_HEADER_BYTES + fde_pointer_bytes(p[1]);
	start = count_at + sizeof(n);
	memcpy(&n, p + count_at, sizeof(n));
	table->n = (data->d_size - start) / FDE_ENTRY_BYTES;
	if (table->n > n)
		table->n = n;
	table->entries = p + start;
	table->base = phdr.p_vaddr;
	fde_find_frames(table, elf);
}

static uint64_t fde_entry_start(const struct fde_table *table, size_t i)
{
	int32_t offset;

	memcpy(&offset, table->entries + i * FDE_ENTRY_BYTES, sizeof(offset));
	return table->base + (uint64_t)(int64_t)offset;
}

/*
 * The size of the function of entry @i, or 0 if unknown. An FDE begins with
 * its length, the way back to its CIE, the start of the function relative to
 * this field, and the size (LSB Core 5.0, 10.6.1.2); other encodings, which
 * no linker writes beside such a table, do not give the start again.
 */
static uint64_t fde_entry_size(const struct fde_table *table, size_t i)
{
	int32_t offset, start;
	uint32_t size;
	uint64_t at;

	memcpy(&offset, table->entries + i * FDE_ENTRY_BYTES + 4,
	       sizeof(offset));
	at = table->base + (uint64_t)(int64_t)offset + 8;
	if (at - table->frames_vaddr >= table->frames_bytes ||
	    table->frames_bytes - (at - table->frames_vaddr) < 8)
		return 0;
	memcpy(&start, table->frames + (at - table->frames_vaddr), 4);
	memcpy(&size, table->frames + (at - table->frames_vaddr) + 4, 4);
	if (at + (uint64_t)(int64_t)start != fde_entry_start(table, i))
		return 0;
	return size;
}

bool fde_table_find(const struct fde_table *table, uint64_t vaddr,
		    uint64_t *out_start)
{
	size_t lo = 0, hi = table->n;
	uint64_t size;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (fde_entry_start(table, mid) <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	*out_start = fde_entry_start(table, lo - 1);
	size = fde_entry_size(table, lo - 1);
	return !size || vaddr - *out_start < size;
}
