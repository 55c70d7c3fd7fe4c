/*
 * unit.c - see unit.h.
 */
#include "unit.h"

static void fail_test(const char *message)
{
	fail_msg("%s", message);
}

int unit_setup(void **state)
{
	(void)state;
	fake_fail_hook = fail_test;
	fake_reset();
	return 0;
}

int unit_teardown(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

uint8_t *unit_copy(const void *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		fail_msg("no memory for %u bytes", size);
	memcpy(copy, bytes, size);
	/* malloc(0) may be one byte long; an empty input must not be read at all. */
	return copy;
}

uint8_t *unit_read(const char *name, uint32_t *size)
{
	char path[256];
	uint8_t *bytes;
	FILE *file;
	long length;

	snprintf(path, sizeof(path), "%s/%s", UNIT_DATA, name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s; run make from the top", path);
	fseek(file, 0, SEEK_END);
	length = ftell(file);
	rewind(file);
	bytes = malloc(length ? (size_t)length : 1);
	if (fread(bytes, 1, (size_t)length, file) != (size_t)length)
		fail_msg("cannot read %s", path);
	fclose(file);
	*size = (uint32_t)length;
	return bytes;
}
