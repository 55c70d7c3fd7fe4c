/*
 * fuzz_acpi.c - what tables/acpi_find.c finds in tables that tables/acpi.c takes.
 *
 * The input is a number of commands (one byte), the commands of etc/table-loader, 36 bytes of
 * etc/acpi/rsdp, and bytes that become the contents of every other file.  acpi_find.c checks no
 * address and no length, because acpi.c has: so each file is RAM of its own, of just its size, and
 * all else is none.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi_find.h"
#include "fake.h"

/* Included for check_rsdp(). */
#include "../../tables/acpi.c"

#define FILES_BASE 0xc0000000u /* files are a MiB apart */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool give_files(struct loader *loader, const uint8_t *contents, uint32_t size)
{
	if (loader->file_count > FAKE_MAX_RAM || size < sizeof(struct acpi_rsdp))
		return false;
	for (uint32_t i = 0; i < loader->file_count; i++) {
		struct loader_file *file = &loader->files[i];
		bool is_rsdp = !strcmp(file->name, RSDP_FILE);
		uint32_t skipped = is_rsdp ? 0 : sizeof(struct acpi_rsdp);

		file->size = is_rsdp ? sizeof(struct acpi_rsdp) : size - skipped;
		if (file->checksummed && file->covered < file->size)
			file->size = file->covered;
		if (!file->size)
			continue;
		file->paddr = FILES_BASE + i * 0x100000;
		file->bytes = fake_ram_add(file->paddr, file->size);
		memcpy(file->bytes, contents + skipped, file->size);
	}
	return true;
}

/* Every table that is found is whole, and the processors are as many as are counted. */
static void find(uint32_t rsdp_paddr)
{
	static const char *const signatures[] = { "FACP", "APIC", "MCFG", "HPET", "SSDT", "none" };
	const struct acpi_fadt *fadt;
	const struct acpi_header *madt;
	uint32_t offset = ACPI_MADT_ENTRIES, id, count = 0;

	for (uint32_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		const struct acpi_header *table = acpi_find_table(rsdp_paddr, signatures[i]);

		require(!table || acpi_is(table, signatures[i]));
		require(!table || fake_phys(phys_addr(table), table->length));
	}
	fadt = (const void *)acpi_find_table(rsdp_paddr, "FACP");
	require(!fadt || !fadt->firmware_ctrl ||
		fake_phys(fadt->firmware_ctrl, sizeof(struct acpi_facs)));
	madt = acpi_find_table(rsdp_paddr, "APIC");
	while (madt && acpi_next_processor(madt, &offset, &id))
		require(offset <= madt->length && count++ < madt->length);
	require(acpi_find_processors(rsdp_paddr) == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loader loader = { 0 };
	uint32_t script_size, rsdp_paddr = 0;
	uint8_t *script;

	if (!size || size > 0x10000)
		return 0;
	script_size = data[0] * (uint32_t)sizeof(struct loader_command);
	if (script_size > size - 1)
		return 0;
	fake_reset();
	script = malloc(script_size ? script_size : 1);
	memcpy(script, data + 1, script_size);
	if (table_loader_parse(&loader, script, script_size) == OK &&
	    give_files(&loader, data + 1 + script_size, (uint32_t)size - 1 - script_size) &&
	    table_loader_run(&loader) == OK &&
	    fake_run(rsdp_paddr = check_rsdp(&loader)) == FAKE_RETURNED)
		find(rsdp_paddr);
	free(script);
	return 0;
}
