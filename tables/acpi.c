/*
 * acpi.c - see acpi.h.
 *
 * The script is fetched first.  Its checksums say how much of a padded table file is in use (QEMU
 * pads etc/acpi/tables to 128 KiB), and only that much is placed and read; should a pointer lead
 * past it, the whole file is.
 */
#include "acpi.h"

#include "checksum.h"
#include "console.h"
#include "io.h"
#include "layout.h"
#include "phys.h"
#include "string.h"
#include "table_loader.h"

#define SCRIPT_FILE             "etc/table-loader"
#define RSDP_FILE               "etc/acpi/rsdp"

static noreturn void fail(const struct loader *loader, enum error error)
{
	panic("acpi: command %u of " SCRIPT_FILE ", for \"%s\" at 0x%x, %s; this QEMU's tables cannot be "
	      "used, start it with acpi=off", loader->failed_command, loader->failed_file,
	      loader->failed_offset, error_text(error));
}

/* Memory and contents for one file; it stays without bytes when QEMU has no such file. */
static void fetch(struct loader_file *file, const struct fw_cfg *cfg, struct memmap *map, bool whole)
{
	struct fw_cfg_item item;
	uint32_t type = file->checksummed ? MEMORY_ACPI : MEMORY_NVS;

	if (!fw_cfg_find_sized(cfg, file->name, file->name_size, &item)) {
		log("acpi: \"%s\" is not among QEMU's files; doing without it", file->name);
		return;
	}
	file->size = item.size;
	if (file->checksummed && !whole && file->covered < item.size)
		file->size = file->covered;
	if (!file->size)
		return;
	file->paddr = memmap_alloc(map, file->size, file->align, type, file->zone, file->name);
	file->bytes = phys_ptr(file->paddr);
	fw_cfg_read(cfg, item.selector, file->bytes, file->size);
}

static uint8_t sum(const uint8_t *bytes, uint32_t size, bool mmx)
{
	return mmx && size >= 8 ? cpu_sum_bytes_mmx(bytes, size) : checksum_sum(bytes, size);
}

static enum error load(struct loader *loader, const struct fw_cfg *cfg, struct memmap *map,
		       const struct cpu *cpu, bool whole)
{
	bool mmx = cpu->leaf1_edx & CPUID_1_EDX_MMX;
	struct loader_checksum checksum;
	uint32_t next = 0;
	enum error error;

	for (uint32_t i = 0; i < loader->file_count; i++)
		fetch(&loader->files[i], cfg, map, whole);
	while ((error = table_loader_run(loader, &next, &checksum)) == OK && checksum.field)
		*checksum.field -= sum(checksum.bytes, checksum.size, mmx);
	if (mmx)
		mmx_done();
	return error;
}

/*
 * The FACS stays in use: the operating system and we write to it.  QEMU puts it first of the tables,
 * because it must be aligned.  Below 1 MiB no operating system takes memory that is not RAM.
 */
static void keep_facs(const struct loader_file *file, struct memmap *map)
{
	struct acpi_facs facs;

	if (file->paddr < LEGACY_HOLE_END || !file->bytes || file->size < sizeof(facs))
		return;
	memcpy(&facs, file->bytes, sizeof(facs));
	if (memcmp(facs.signature, "FACS", sizeof(facs.signature)) == 0 && facs.length <= file->size)
		memmap_reserve(map, file->paddr, file->paddr + facs.length, MEMORY_NVS, "the FACS");
}

static void write_pointers(struct loader *loader, const struct fw_cfg *cfg)
{
	struct loader_write write;
	struct fw_cfg_item item;
	uint32_t next = 0;

	while (table_loader_next_write(loader, &next, &write)) {
		if (!fw_cfg_find(cfg, write.file, &item)) {
			log("acpi: \"%s\" is not among QEMU's files; its address is not told",
			    write.file);
			continue;
		}
		if (write.offset > item.size || write.size > item.size - write.offset) {
			loader->failed_command = next - 1;
			loader->failed_file = write.file;
			loader->failed_offset = write.offset;
			fail(loader, ERR_RANGE);
		}
		fw_cfg_write(cfg, item.selector, write.offset, &write.value, write.size);
	}
}

uint32_t acpi_install(const struct fw_cfg *cfg, struct memmap *map, const struct cpu *cpu)
{
	struct loader loader;
	struct loader_file *rsdp;
	struct fw_cfg_item item;
	uint32_t script;
	enum error error;

	if (!fw_cfg_find(cfg, SCRIPT_FILE, &item) || !item.size)
		return 0;
	script = memmap_alloc(map, item.size, sizeof(uint32_t), MEMORY_LOADED, ZONE_LOW, SCRIPT_FILE);
	fw_cfg_read(cfg, item.selector, phys_ptr(script), item.size);
	error = table_loader_parse(&loader, phys_ptr(script), item.size);
	if (error != OK)
		fail(&loader, error);
	error = load(&loader, cfg, map, cpu, false);
	if (error == ERR_RANGE)
		error = load(&loader, cfg, map, cpu, true);
	if (error != OK)
		fail(&loader, error);
	if (loader.unknown_count)
		log("acpi: skipped %u unknown commands of " SCRIPT_FILE "; this QEMU is newer than "
		    "this image", loader.unknown_count);
	for (uint32_t i = 0; i < loader.file_count; i++)
		keep_facs(&loader.files[i], map);
	write_pointers(&loader, cfg);
	rsdp = table_loader_find(&loader, RSDP_FILE);
	return rsdp && rsdp->bytes ? rsdp->paddr : 0;
}
