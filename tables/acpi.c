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
#include "phys.h"
#include "string.h"
#include "table_loader.h"

#define SCRIPT_FILE "etc/table-loader"
#define RSDP_FILE   "etc/acpi/rsdp"

static noreturn void fail(const struct loader *loader, enum error error)
{
	panic("acpi: command %u of " SCRIPT_FILE
	      ", for \"%s\" at 0x%x, %s; this QEMU's tables cannot be "
	      "used, start it with acpi=off",
	      loader->failed_command, loader->failed_file, loader->failed_offset,
	      error_text(error));
}

/* Memory and contents for one file; it stays without bytes when QEMU has no such file. */
static void fetch(struct loader_file *file, const struct fw_cfg *cfg, struct memmap *map,
		  bool whole)
{
	struct fw_cfg_item item;

	if (!fw_cfg_find_sized(cfg, file->name, file->name_size, &item)) {
		log("acpi: \"%s\" is not among QEMU's files; doing without it", file->name);
		return;
	}
	file->size = item.size;
	if (file->checksummed && !whole && file->covered < item.size)
		file->size = file->covered;
	if (!file->size)
		return;
	file->paddr =
		memmap_alloc(map, file->size, file->align, MEMORY_KEPT, file->zone, file->name);
	file->bytes = phys_ptr(file->paddr);
	fw_cfg_read(cfg, item.selector, file->bytes, file->size);
}

static enum error load(struct loader *loader, const struct fw_cfg *cfg, struct memmap *map,
		       const struct cpu *cpu, bool whole)
{
	uint8_t (*sum)(const void *, uint32_t) = cpu_runs_mmx(cpu) ? checksum_sum_mmx :
								     checksum_sum;
	struct loader_checksum checksum;
	uint32_t next = 0;
	enum error error;

	for (uint32_t i = 0; i < loader->file_count; i++)
		fetch(&loader->files[i], cfg, map, whole);
	while ((error = table_loader_run(loader, &next, &checksum)) == OK && checksum.field)
		*checksum.field -= sum(checksum.bytes, checksum.size);
	return error;
}

static void note_write(struct acpi_writes *writes, uint16_t selector,
		       const struct loader_write *write)
{
	if (writes->count == ACPI_MAX_WRITES) {
		log("acpi: more than %u pointers; \"%s\" will not be told again after a sleep",
		    ACPI_MAX_WRITES, write->file);
		return;
	}
	writes->writes[writes->count].selector = selector;
	writes->writes[writes->count].offset = write->offset;
	writes->writes[writes->count].size = write->size;
	writes->writes[writes->count++].value = write->value;
}

static void write_pointers(struct loader *loader, const struct fw_cfg *cfg,
			   struct acpi_writes *writes)
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
		note_write(writes, item.selector, &write);
	}
}

void acpi_replay(const struct fw_cfg *cfg, const struct acpi_writes *writes)
{
	for (uint32_t i = 0; i < writes->count; i++)
		fw_cfg_write(cfg, (uint16_t)writes->writes[i].selector, writes->writes[i].offset,
			     &writes->writes[i].value, writes->writes[i].size);
}

uint32_t acpi_install(const struct fw_cfg *cfg, struct memmap *map, const struct cpu *cpu,
		      struct acpi_writes *writes)
{
	struct loader loader;
	struct loader_file *rsdp;
	struct fw_cfg_item item;
	uint32_t script;
	enum error error;

	writes->count = 0;
	if (!fw_cfg_find(cfg, SCRIPT_FILE, &item) || !item.size)
		return 0;
	script = memmap_alloc(map, item.size, sizeof(uint32_t), MEMORY_LOADED, ZONE_LOW,
			      SCRIPT_FILE);
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
		    "this image",
		    loader.unknown_count);
	write_pointers(&loader, cfg, writes);
	rsdp = table_loader_find(&loader, RSDP_FILE);
	return rsdp && rsdp->bytes ? rsdp->paddr : 0;
}
