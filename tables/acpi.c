/*
 * acpi.c - see acpi.h.
 *
 * The script is fetched first.  Its checksums say how much of a padded table file is in use (QEMU
 * pads etc/acpi/tables to 128 KiB), and only that much is placed and read; if a pointer leads past
 * it, the whole file is.  The sizes in the directory are older than the files; where that shows,
 * the directory is read again.
 */
#include "acpi.h"

#include "acpi_find.h"
#include "console.h"
#include "phys.h"
#include "string.h"
#include "within.h"

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

/*
 * Reads the script into memory of its own.  QEMU builds all ACPI files anew when the first of them
 * is selected, which is this one, so the script may be longer than the directory says.  One command
 * more than that is read: commands follow each other, and what follows an item reads as zeros.
 * Returns the size that the directory has; 0 when there is no script.
 */
static uint32_t fetch_script(const struct fw_cfg *cfg, struct memmap *map,
			     struct loader_command **script)
{
	struct fw_cfg_item item;
	uint32_t room;

	if (!fw_cfg_find(cfg, SCRIPT_FILE, &item) || !item.size)
		return 0;
	room = item.size + sizeof(**script);
	if (room < item.size)
		room = UINT32_MAX; /* for which there is no room */
	*script = phys_ptr(
		memmap_alloc(map, room, sizeof(uint32_t), MEMORY_LOADED, ZONE_LOW, SCRIPT_FILE));
	fw_cfg_read(cfg, item.selector, *script, room);
	return item.size;
}

static bool has_grown(const struct loader_command *script, uint32_t size)
{
	uint32_t next;

	memcpy(&next, (const uint8_t *)script + size, sizeof(next));
	return next != LOADER_PADDING;
}

/* Places one file and reads it.  Its bytes stay NULL when QEMU has no such file. */
static void fetch(struct loader_file *file, struct fw_cfg *cfg, struct memmap *map, bool whole)
{
	struct fw_cfg_item item;
	bool found = fw_cfg_find(cfg, file->name, &item);

	/* The script is newer than the directory, and knows of a longer file. */
	if (found && item.size < file->covered) {
		fw_cfg_reread(cfg);
		found = fw_cfg_find(cfg, file->name, &item);
	}
	if (!found) {
		console_log("acpi: \"%s\" is not among QEMU's files; doing without it", file->name);
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

static enum error load(struct loader *loader, struct fw_cfg *cfg, struct memmap *map, bool whole)
{
	for (uint32_t i = 0; i < loader->file_count; i++)
		fetch(&loader->files[i], cfg, map, whole);
	return table_loader_run(loader);
}

/* Finds a file that QEMU wants to be told an address in, or says that there is none. */
static bool find_told(const struct fw_cfg *cfg, const char *file, struct fw_cfg_item *item)
{
	if (fw_cfg_find(cfg, file, item))
		return true;
	console_log("acpi: \"%s\" is not among QEMU's files; its address is not told", file);
	return false;
}

/* Tells QEMU the pointers that it wants, and notes them for acpi_replay(). */
static void write_pointers(struct loader *loader, const struct fw_cfg *cfg,
			   struct acpi_writes *writes)
{
	struct fw_cfg_item item;

	for (uint32_t i = 0; i < loader->write_count; i++) {
		const struct loader_write *write = &loader->writes[i];

		if (!find_told(cfg, write->file, &item))
			continue;
		if (!is_within(write->offset, write->size, item.size)) {
			loader->failed_command = write->command;
			loader->failed_file = write->file;
			loader->failed_offset = write->offset;
			fail(loader, ERR_RANGE);
		}
		fw_cfg_write(cfg, item.selector, write->offset, &write->value, write->size);
		memcpy(writes->writes[writes->count].file, write->file, FW_CFG_NAME_SIZE);
		writes->writes[writes->count].offset = write->offset;
		writes->writes[writes->count].size = write->size;
		writes->writes[writes->count++].value = write->value;
	}
}

void acpi_replay(const struct fw_cfg *cfg, const struct acpi_writes *writes)
{
	struct fw_cfg_item item;

	for (uint32_t i = 0; i < writes->count; i++)
		if (find_told(cfg, writes->writes[i].file, &item))
			fw_cfg_write(cfg, item.selector, writes->writes[i].offset,
				     &writes->writes[i].value, writes->writes[i].size);
}

/* Returns the table at paddr; a panic unless it has that many bytes and lies in one file. */
static const struct acpi_header *check_table(const struct loader *loader, uint64_t paddr,
					     uint32_t least)
{
	for (uint32_t i = 0; i < loader->file_count; i++) {
		const struct loader_file *file = &loader->files[i];
		const struct acpi_header *table;
		uint32_t rest;

		if (!file->bytes || paddr < file->paddr || paddr - file->paddr >= file->size)
			continue;
		rest = file->size - (uint32_t)(paddr - file->paddr);
		table = phys_ptr((uint32_t)paddr);
		if (rest >= least && table->length >= least && table->length <= rest)
			return table;
	}
	panic("acpi: the table at 0x%llx does not lie in one of QEMU's files, or is shorter than %u "
	      "bytes; this QEMU's tables cannot be used, start it with acpi=off",
	      (unsigned long long)paddr, least);
}

/* Checks an RSDT or XSDT, the tables that it lists, and the FACS that the FADT leads to. */
static void check_root(const struct loader *loader, uint64_t root_paddr, uint32_t entry_size)
{
	const struct acpi_header *root = check_table(loader, root_paddr, sizeof(*root));

	for (uint32_t offset = sizeof(*root); offset + entry_size <= root->length;
	     offset += entry_size) {
		const struct acpi_header *table;
		const struct acpi_fadt *fadt;
		uint64_t paddr = 0;

		memcpy(&paddr, (const uint8_t *)root + offset, entry_size);
		table = check_table(loader, paddr, sizeof(*table));
		if (!acpi_is(table, "FACP"))
			continue;
		fadt = (const void *)check_table(loader, paddr, sizeof(*fadt));
		if (fadt->firmware_ctrl)
			check_table(loader, fadt->firmware_ctrl, sizeof(struct acpi_facs));
	}
}

/*
 * Checks all that leads from the RSDP to a table; returns its address, 0 when QEMU has none.  An
 * RSDP that leads nowhere is refused: it would hide all tables without a word.
 */
static uint32_t check_rsdp(struct loader *loader)
{
	const struct loader_file *file = table_loader_find(loader, RSDP_FILE);
	const struct acpi_rsdp *rsdp;
	bool wide;

	if (!file || !file->bytes)
		return 0;
	rsdp = (const void *)file->bytes;
	wide = file->size >= sizeof(*rsdp) && rsdp->revision >= 2;
	if (!file->linked || file->size < offsetof(struct acpi_rsdp, length) ||
	    (rsdp->revision >= 2 && !wide))
		panic("acpi: no command of " SCRIPT_FILE " links \"" RSDP_FILE
		      "\" to a table; this QEMU's tables cannot be used, start it with acpi=off");
	if (rsdp->rsdt_address)
		check_root(loader, rsdp->rsdt_address, sizeof(uint32_t));
	if (wide && rsdp->xsdt_address)
		check_root(loader, rsdp->xsdt_address, sizeof(uint64_t));
	return file->paddr;
}

uint32_t acpi_install(struct fw_cfg *cfg, struct memmap *map, struct acpi_writes *writes)
{
	struct loader loader;
	struct loader_command *script;
	uint32_t size;
	enum error error;

	writes->count = 0;
	size = fetch_script(cfg, map, &script);
	if (size && has_grown(script, size)) {
		fw_cfg_reread(cfg);
		size = fetch_script(cfg, map, &script);
	}
	if (!size)
		return 0;
	error = table_loader_parse(&loader, script, size);
	if (error != OK)
		fail(&loader, error);
	error = load(&loader, cfg, map, false);
	if (error == ERR_RANGE) {
		fw_cfg_reread(cfg);
		error = load(&loader, cfg, map, true);
	}
	if (error != OK)
		fail(&loader, error);
	if (loader.unknown_count)
		console_log("acpi: skipped %u unknown commands of " SCRIPT_FILE
			    "; this QEMU is newer than "
			    "this image",
			    loader.unknown_count);
	write_pointers(&loader, cfg, writes);
	return check_rsdp(&loader);
}
