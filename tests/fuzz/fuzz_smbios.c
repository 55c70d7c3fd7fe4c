/*
 * fuzz_smbios.c - smbios_find() on any table, against a walk by the letter of the specification.
 */
#include <stdlib.h>
#include <string.h>

#include "smbios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* The end of the structure at an offset, or 0 when it is not whole: DSP0134 6.1.3. */
static uint32_t end_of(const uint8_t *table, uint32_t size, uint32_t at)
{
	uint32_t end;

	if (size - at < 4 || table[at + 1] < 4)
		return 0;
	for (end = at + table[at + 1]; end + 2 <= size; end++)
		if (!table[end] && !table[end + 1])
			return end + 2;
	return 0;
}

static void check(const uint8_t *table, uint32_t size, uint8_t type)
{
	uint32_t at = 0, end, offset;
	bool found;

	offset = smbios_find(table, size, type, &found);
	require(offset <= size);
	while ((end = end_of(table, size, at)) && table[at] != type && table[at] != 127)
		at = end;
	require(offset == at);
	require(found == (end && table[at] == type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t types[] = { 0, 1, 4, 127, 255 };
	uint8_t *table;

	if (size > 0x10000)
		return 0;
	table = malloc(size ? size : 1);
	memcpy(table, data, size);
	for (uint32_t i = 0; i < sizeof(types); i++)
		check(table, (uint32_t)size, types[i]);
	free(table);
	return 0;
}
