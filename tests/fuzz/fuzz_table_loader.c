/*
 * fuzz_table_loader.c - tables/table_loader.c on any script and any files.
 *
 * The input is a number of commands (one byte), the commands, and bytes that become the contents of
 * each file: as many as there are, or as the script reaches.
 */
#include <stdlib.h>
#include <string.h>

#include "table_loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void give_files(struct loader *loader, const uint8_t *contents, uint32_t size)
{
	uint32_t paddr = 0xfff00000;

	for (uint32_t i = 0; i < loader->file_count; i++) {
		struct loader_file *file = &loader->files[i];

		/* A file in three is one that QEMU does not have. */
		file->size = file->checksummed && file->covered < size ? file->covered : size;
		file->bytes = i % 3 != 2 && file->size ? malloc(file->size) : NULL;
		file->paddr = paddr;
		if (file->bytes)
			memcpy(file->bytes, contents, file->size);
		paddr += 0x10000;
	}
}

static void run(struct loader *loader)
{
	if (table_loader_run(loader) != OK) {
		require(loader->failed_command < loader->command_count);
		return;
	}
	require(loader->write_count <= LOADER_MAX_WRITES);
	for (uint32_t i = 0; i < loader->write_count; i++) {
		const struct loader_write *write = &loader->writes[i];

		require(strlen(write->file) < FW_CFG_NAME_SIZE);
		require(write->size == 8 || write->value < 1ull << 8 * write->size);
		require(write->value >= 0xfff00000 && write->value <= UINT32_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loader loader = { 0 };
	uint32_t script_size;
	uint8_t *script;

	if (!size || size > 0x10000)
		return 0;
	script_size = data[0] * (uint32_t)sizeof(struct loader_command);
	if (script_size > size - 1)
		script_size = (uint32_t)size - 1;
	script = malloc(script_size ? script_size : 1);
	memcpy(script, data + 1, script_size);
	if (table_loader_parse(&loader, script, script_size) == OK) {
		give_files(&loader, data + 1 + script_size, (uint32_t)size - 1 - script_size);
		run(&loader);
		for (uint32_t i = 0; i < loader.file_count; i++)
			free(loader.files[i].bytes);
	}
	free(script);
	return 0;
}
