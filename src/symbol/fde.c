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

static bool fde_find_segment(Elf *elf, GElf_Phdr *out)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, out) &&
		    out->p_type == PT_GNU_EH_FRAME)
			return true;
	return false;
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
	if (!fde_find_segment(elf, &phdr))
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
}

static uint64_t fde_entry_start(const struct fde_table *table, size_t i)
{
	int32_t offset;

	memcpy(&offset, table->entries + i * FDE_ENTRY_BYTES, sizeof(offset));
	return table->base + (uint64_t)(int64_t)offset;
}

bool fde_table_find(const struct fde_table *table, uint64_t vaddr,
		    uint64_t *out_start)
{
	size_t lo = 0, hi = table->n;

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
	return true;
}
