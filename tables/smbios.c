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

#define STRUCTURES_FILE "etc/smbios/smbios-tables"

/*
 * The release date is SeaBIOS's of these machines, because kernels choose workarounds by its year.
 * Linux takes the alarm of a machine of 2015 (Intel) or 2021 (AMD) and later from ACPI's RTC event
 * (drivers/rtc/rtc-cmos.c, use_acpi_alarm_quirks()), which QEMU never sends: neither alarms nor
 * update interrupts would arrive, and "hwclock -r" would fail after ten seconds.  Years before 2008
 * have workarounds of their own.  The version string tells which firmware it is.
 */
#define RELEASE_DATE "04/01/2014"
#define STRINGS      "qboot\0" QBOOT_VERSION "\0" RELEASE_DATE "\0"

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

/* The whole table if QEMU has no structures; QEMU's are placed over its end. */
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

/* Returns the offset after the structure at this one; 0 unless all of it lies in the size bytes. */
static uint32_t end_of(const uint8_t *bytes, uint32_t size, uint32_t offset)
{
	const struct smbios_header *header = (const void *)(bytes + offset);
	uint32_t next;

	if (size - offset <= sizeof(*header) || header->length < sizeof(*header))
		return 0;
	next = offset + header->length;
	/* The strings end with two zeros; a structure without strings has just these. */
	while (next + 1 < size) {
		next += (uint32_t)strnlen((const char *)bytes + next, size - next);
		if (next + 1 >= size || !bytes[next + 1])
			break;
		next++;
	}
	return next + 1 < size ? next + 2 : 0;
}

uint32_t smbios_find(const void *table, uint32_t size, uint8_t type, bool *found)
{
	const uint8_t *bytes = table;
	uint32_t offset = 0, next;

	*found = false;
	while ((next = end_of(bytes, size, offset))) {
		if (bytes[offset] == type) {
			*found = true;
			return offset;
		}
		if (bytes[offset] == SMBIOS_TYPE_END)
			break;
		offset = next;
	}
	return offset;
}

uint32_t smbios_copy(void *table, const void *given, uint32_t size)
{
	const uint8_t *from = given;
	uint8_t *to = table;
	uint32_t next;

	for (uint32_t offset = 0; (next = end_of(from, size, offset)); offset = next) {
		const struct smbios_header *header = (const void *)(from + offset);
		uint8_t type = header->type;

		if (type == SMBIOS_TYPE_PROCESSOR && header->length == SMBIOS_TYPE4_SIZE_2_6) {
			struct smbios_type4 *processor = (void *)to;

			memmove(processor, header, SMBIOS_TYPE4_SIZE_2_6);
			processor->header.length = sizeof(*processor);
			processor->core_count2 = processor->core_count;
			processor->core_enabled2 = processor->core_enabled;
			processor->thread_count2 = processor->thread_count;
			to += sizeof(*processor);
			offset += SMBIOS_TYPE4_SIZE_2_6;
		}
		memmove(to, from + offset, next - offset);
		to += next - offset;
		if (type == SMBIOS_TYPE_END)
			break;
	}
	return (uint32_t)(to - (uint8_t *)table);
}

/*
 * Makes the anchor that operating systems find lead to the structures.  The one in the ROM does,
 * unless the structures are not where it says, or an earlier boot has put RAM in the ROM's place,
 * which stays there in a reset.  There must be no second anchor where a scan would find it.
 */
static void show_anchor(struct smbios_table placed, const struct machine *machine)
{
	struct smbios30_entry_point *seen =
		phys_ptr(phys_addr(&anchor) - ROM_BASE + ROM_ALIAS_BASE);
	bool in_rom = placed.paddr == SMBIOS_BASE;

	if (in_rom && memcmp(seen, &anchor, sizeof(anchor)) == 0)
		return;
	chipset_open_f_segment(machine);
	memcpy(phys_ptr(ROM_ALIAS_BASE), phys_ptr(ROM_BASE), ROM_SIZE);
	if (in_rom)
		return;
	seen->table_address = placed.paddr;
	seen->table_max_size = placed.size;
	seen->checksum -= checksum_sum(seen, sizeof(*seen));
}

/*
 * Machine types before 2.1, and isapc, have fields and structures in an item of fw_cfg, for a
 * firmware that makes a table of them (QEMU hw/smbios/smbios.c, smbios_add_field()).  This one does
 * not, and says so unless they are those that pc-i440fx-2.0 has without any option.
 */
static void report_entries(const struct machine *machine)
{
	/* How many; each has its size, 0 for a field, type, offset, value. */
	static const char defaults[] = "\3\0"
				       "\13\0\0\1\4\0QEMU\0"
				       "\50\0\0\1\5\0Standard PC (i440FX + PIIX, 1996)\0"
				       "\24\0\0\1\6\0pc-i440fx-2.0";
	char entries[sizeof(defaults)];

	if (machine->chipset->no_smbios)
		return;
	fw_cfg_read(&machine->cfg, FW_CFG_KEY_SMBIOS_ENTRIES, entries, sizeof(entries));
	if (memcmp(entries, "\0", 2) != 0 && memcmp(entries, defaults, sizeof(entries)) != 0)
		console_log(
			"smbios: -smbios and -uuid have no effect, this machine type gives them in an old form "
			"that is not read; use pc-i440fx-2.1 or later");
}

struct smbios_table smbios_install(const struct machine *machine, struct memmap *map)
{
	struct smbios_table placed = { SMBIOS_BASE, sizeof(own_table) };
	const uint32_t own_size = offsetof(typeof(own_table), end);
	struct fw_cfg_item item;
	uint8_t *table, *given;
	uint32_t end, room;
	bool has_bios, has_end;

	if (!fw_cfg_find(&machine->cfg, STRUCTURES_FILE, &item) || !item.size) {
		/* Where RAM is in the ROM's place (microvm, isapc) this removes the anchor; in the
		 * ROM it stays, and leads to type 0 alone. */
		*(volatile char *)phys_ptr(phys_addr(&anchor) - ROM_BASE + ROM_ALIAS_BASE) = 0;
		memcpy(phys_ptr(placed.paddr), &own_table, sizeof(own_table));
		report_entries(machine);
		return placed;
	}
	if (item.size > UINT32_MAX / 2)
		panic("smbios: " STRUCTURES_FILE
		      " has %u bytes; give QEMU fewer or shorter -smbios options",
		      item.size);
	room = own_size + item.size + SMBIOS_COPY_GROWTH(item.size);
	if (room > SMBIOS_END - SMBIOS_BASE)
		placed.paddr = memmap_alloc(map, room, 16, MEMORY_KEPT, ZONE_LOW, STRUCTURES_FILE);
	/* QEMU's structures are read to the end of the place, and copied to its beginning. */
	table = phys_ptr(placed.paddr);
	given = table + room - item.size;
	memcpy(table, &own_table, own_size);
	fw_cfg_read(&machine->cfg, item.selector, given, item.size);
	smbios_find(given, item.size, SMBIOS_TYPE_BIOS, &has_bios);
	end = smbios_find(given, item.size, SMBIOS_TYPE_END, &has_end);
	if (!has_end)
		panic("smbios: " STRUCTURES_FILE
		      " of %u bytes has no whole structure at 0x%x; check the "
		      "files given with -smbios",
		      item.size, end);
	placed.size = has_bios ? 0 : own_size;
	placed.size += smbios_copy(table + placed.size, given, item.size);
	show_anchor(placed, machine);
	return placed;
}
