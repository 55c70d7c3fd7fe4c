/*
 * smbios.c - see smbios.h.
 */
#include "smbios.h"

#include "checksum.h"
#include "console.h"
#include "layout.h"
#include "phys.h"
#include "spec/smbios.h"
#include "string.h"
#include "version.h"

#define STRUCTURES_FILE "etc/smbios/smbios-tables"
#define STRINGS         "qboot\0" QBOOT_VERSION "\0" QBOOT_RELEASE_DATE "\0"

/*
 * The checksum of the anchor is a constant too: all bytes sum to zero.  The compiler adds up what
 * the initializer below has.
 */
#define BYTE(value, n) ((uint32_t)(value) >> (8 * (n)) & 0xff)
#define SUM32(value)   (BYTE(value, 0) + BYTE(value, 1) + BYTE(value, 2) + BYTE(value, 3))
#define ANCHOR_SUM \
	('_' + 'S' + 'M' + '3' + '_' + 0x18 + 3 + 1 + SUM32(SMBIOS_END - SMBIOS_BASE) + \
	 SUM32(SMBIOS_BASE))

__attribute__((section(".anchor"), used)) static const struct smbios30_entry_point anchor = {
	.anchor = { '_', 'S', 'M', '3', '_' },
	.checksum = (uint8_t)-ANCHOR_SUM,
	.length = sizeof(anchor),
	.major_version = 3,
	.minor_version = 0,
	.revision = 1,
	.table_max_size = SMBIOS_END - SMBIOS_BASE,
	.table_address = SMBIOS_BASE,
};

struct bios_information {
	struct smbios_type0 fixed;
	char strings[sizeof(STRINGS)];
} __attribute__((packed));

/* All that there is without QEMU's structures, which go over its end. */
static const struct {
	struct bios_information bios;
	struct smbios_header end;
	uint8_t end_strings[2];
} __attribute__((packed)) own_table = {
	.bios.fixed = {
		.header = { SMBIOS_TYPE_BIOS, sizeof(struct smbios_type0), 0x0000 },
		.vendor_string = 1,
		.version_string = 2,
		.start_segment = ROM_ALIAS_BASE >> 4,
		.release_date_string = 3,
		.rom_size = ROM_SIZE / 0x10000 - 1,
		.characteristics = SMBIOS_BIOS_CHARACTERISTICS_UNSUPPORTED,
		.characteristics_extension = { 0, SMBIOS_BIOS_EXTENSION2_VIRTUAL_MACHINE },
		.ec_major_release = 0xff,
		.ec_minor_release = 0xff,
	},
	.bios.strings = STRINGS,
	.end = { SMBIOS_TYPE_END, sizeof(struct smbios_header), 0xfeff },
};

uint32_t smbios_find(const void *table, uint32_t size, uint8_t type, bool *found)
{
	const uint8_t *bytes = table;
	uint32_t offset = 0;

	*found = false;
	while (size - offset > sizeof(struct smbios_header)) {
		const struct smbios_header *header = (const void *)(bytes + offset);
		uint32_t next = offset + header->length;

		if (header->length < sizeof(*header))
			break;
		/* The strings end with two zeros; a structure without strings has just these. */
		while (next + 1 < size) {
			next += (uint32_t)strnlen((const char *)bytes + next, size - next);
			if (next + 1 >= size || !bytes[next + 1])
				break;
			next++;
		}
		if (next + 1 >= size)
			break;
		if (header->type == type) {
			*found = true;
			return offset;
		}
		if (header->type == SMBIOS_TYPE_END)
			break;
		offset = next + 2;
	}
	return offset;
}

/*
 * Makes the anchor that operating systems find be this one.  It is in the ROM already, unless the
 * structures are not where the ROM says, or an earlier boot has put RAM in the ROM's place: what is
 * set up for that survives a reset.
 */
static void show_anchor(const struct smbios30_entry_point *entry, const struct chipset *chipset,
			const struct pci_access *pci)
{
	void *seen = phys_ptr(phys_addr(&anchor) - ROM_BASE + ROM_ALIAS_BASE);

	if (memcmp(seen, entry, sizeof(*entry)) == 0)
		return;
	chipset_open_f_segment(chipset, pci);
	memcpy(phys_ptr(ROM_ALIAS_BASE), phys_ptr(ROM_BASE), ROM_SIZE);
	memcpy(seen, entry, sizeof(*entry));
}

void smbios_install(struct smbios_table *placed, const struct fw_cfg *cfg, struct memmap *map,
		    const struct chipset *chipset, const struct pci_access *pci)
{
	struct smbios30_entry_point entry = anchor;
	uint32_t table_paddr = SMBIOS_BASE;
	struct fw_cfg_item item;
	uint8_t *table, *given;
	uint32_t end;
	bool has_bios, has_end;

	*placed = (struct smbios_table){ table_paddr, sizeof(own_table) };
	if (!fw_cfg_find(cfg, STRUCTURES_FILE, &item) || !item.size) {
		/* Where the ROM is RAM (microvm, isapc) the anchor goes; else it names type 0 alone. */
		*(volatile char *)phys_ptr(phys_addr(&anchor) - ROM_BASE + ROM_ALIAS_BASE) = 0;
		memcpy(phys_ptr(table_paddr), &own_table, sizeof(own_table));
		return;
	}
	if (item.size > SMBIOS_END - SMBIOS_BASE - sizeof(own_table)) {
		if (item.size > UINT32_MAX - sizeof(own_table))
			panic("smbios: " STRUCTURES_FILE
			      " has %u bytes; give QEMU fewer or shorter "
			      "-smbios options",
			      item.size);
		entry.table_max_size = sizeof(own_table) + item.size;
		table_paddr = memmap_alloc(map, entry.table_max_size, 16, MEMORY_KEPT, ZONE_LOW,
					   STRUCTURES_FILE);
		entry.table_address = table_paddr;
		entry.checksum -= checksum_sum(&entry, sizeof(entry));
	}
	table = phys_ptr(table_paddr);
	given = table + offsetof(typeof(own_table), end);
	memcpy(table, &own_table, sizeof(own_table));
	fw_cfg_read(cfg, item.selector, given, item.size);
	end = smbios_find(given, item.size, SMBIOS_TYPE_BIOS, &has_bios);
	if (has_bios)
		end = smbios_find(given, item.size, SMBIOS_TYPE_END, &has_end);
	else
		smbios_find(given + end, item.size - end, SMBIOS_TYPE_END, &has_end);
	if (!has_end)
		panic("smbios: " STRUCTURES_FILE
		      " of %u bytes has no whole structure at 0x%x; check the "
		      "files given with -smbios",
		      item.size, end);
	if (has_bios)
		memmove(table, given, item.size);
	*placed =
		(struct smbios_table){ table_paddr, offsetof(typeof(own_table), end) + item.size };
	show_anchor(&entry, chipset, pci);
}
