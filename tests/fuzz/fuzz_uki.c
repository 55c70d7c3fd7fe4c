/*
 * fuzz_uki.c - boot/uki.c on any file: PE headers and sections, .sbat, command line, OEM strings.
 *
 * The input is the profile (1 byte), how many bytes the file has more than those that follow (4),
 * and those: the head of the file, and each of the texts in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "uki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Sections lie in the file, behind the headers and apart: nobody reads outside it by them. */
static void check_parts(const struct uki *uki, uint64_t file_size)
{
	require(uki->parts[UKI_LINUX].size);
	for (uint32_t i = 0; i < UKI_USED; i++) {
		const struct uki_part *part = &uki->parts[i];
		uint64_t end = (uint64_t)part->offset + part->size;

		if (!part->size)
			continue;
		require(part->offset >= uki->head_size && end <= file_size);
		for (uint32_t j = 0; j < i; j++) {
			const struct uki_part *other = &uki->parts[j];

			require(!other->size || other->offset >= end ||
				(uint64_t)other->offset + other->size <= part->offset);
		}
	}
}

static void check_parse(const uint8_t *bytes, uint32_t size, uint32_t file_size, uint32_t profile)
{
	struct uki uki;
	enum error error = uki_parse(&uki, bytes, size, file_size, profile);

	if (error == OK)
		check_parts(&uki, file_size);
	if (error == ERR_TRUNCATED)
		require(uki.head_size > size);
	if (error == ERR_NO_KERNEL)
		require((uint64_t)uki.parts[UKI_SBAT].offset + uki.parts[UKI_SBAT].size <=
				file_size ||
			!uki.parts[UKI_SBAT].size);
	if (error == ERR_NOT_FOUND)
		require(profile && profile >= uki.profile_count);
	if (error == ERR_RANGE || error == ERR_OVERLAP)
		require(uki_section_name(uki.culprit)[0] == '.');
	require(uki_machine_name(uki.machine)[0]);
}

static void check_texts(char *text, uint32_t size)
{
	const char *number = text, *found;
	uint32_t skip, length;
	char name[8];

	uki_sbat_component(name, sizeof(name), text, size);
	require(strlen(name) < sizeof(name) && !strchr(name, ','));
	uki_parse_number(&number, size);
	require(number >= text && number <= text + size);
	if (uki_cmdline_profile(text, size, &skip) == UKI_NO_PROFILE)
		require(!skip);
	require(skip <= size);
	found = uki_oem_string(text, size, "k=");
	require(!found || (found - text >= 2 && memchr(found, 0, (size_t)(text + size - found))));
	length = uki_trim(text, size);
	require(length <= size && !memchr(text, 0, length));
	require(!length || (text[0] != ' ' && text[length - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t more, length;
	uint8_t *copy;

	if (size < 5 || size > 0x8000)
		return 0;
	memcpy(&more, data + 1, sizeof(more));
	length = (uint32_t)size - 5;
	copy = malloc(length ? length : 1);
	memcpy(copy, data + 5, length);
	check_parse(copy, length, length + (more & 0x7fffffff), data[0]);
	check_texts((char *)copy, length);
	free(copy);
	return 0;
}
