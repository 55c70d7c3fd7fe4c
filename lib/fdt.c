/*
 * fdt.c - see fdt.h.
 */
#include "fdt.h"

#include <stddef.h>

#include "within.h"

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1 /* the name follows, padded to 4 bytes */
#define FDT_END_NODE   2
#define FDT_PROPERTY   3 /* length, offset of the name, value padded to 4 bytes */
#define FDT_NOP        4

/* Cells of the header: offset and size of the tokens, and of the names of properties. */
#define FDT_HEADER_STRUCTURE      2
#define FDT_HEADER_STRINGS        3
#define FDT_HEADER_STRINGS_SIZE   8
#define FDT_HEADER_STRUCTURE_SIZE 9
#define FDT_HEADER_CELLS          10

static bool is_block(be32 offset, be32 length, uint32_t size)
{
	return is_within(be32_get(offset), be32_get(length), size);
}

bool fdt_is_whole(const void *bytes, uint32_t size)
{
	const be32 *cells = bytes;

	return size >= FDT_HEADER_CELLS * sizeof(be32) && be32_get(cells[0]) == FDT_MAGIC &&
	       is_block(cells[FDT_HEADER_STRUCTURE], cells[FDT_HEADER_STRUCTURE_SIZE], size) &&
	       is_block(cells[FDT_HEADER_STRINGS], cells[FDT_HEADER_STRINGS_SIZE], size);
}

/* True when the string at offset is name, and ends within size with a 0 or, if asked, an '@'. */
static bool is_name(const char *bytes, uint32_t size, uint32_t offset, const char *name, bool unit)
{
	for (; offset < size; offset++, name++) {
		if (!*name)
			return !bytes[offset] || (unit && bytes[offset] == '@');
		if (bytes[offset] != *name)
			return false;
	}
	return false;
}

const be32 *fdt_find_property(const void *bytes, uint32_t size, const char *node, const char *name,
			      uint32_t *cell_count)
{
	const be32 *cells = bytes;
	const char *text = bytes;
	uint32_t count = size / sizeof(be32);
	uint32_t depth = 0;
	bool inside = false;
	uint32_t strings, at;

	if (count <= FDT_HEADER_STRINGS || be32_get(cells[0]) != FDT_MAGIC)
		return NULL;
	strings = be32_get(cells[FDT_HEADER_STRINGS]);
	if (strings > size)
		return NULL;
	at = be32_get(cells[FDT_HEADER_STRUCTURE]) / sizeof(be32);
	while (at < count) {
		uint32_t length, name_offset;

		switch (be32_get(cells[at++])) {
		case FDT_BEGIN_NODE:
			if (++depth == 2)
				inside = is_name(text, size, at * sizeof(be32), node, true);
			/* Zeros fill up the last cell of a name. */
			while (at < count && be32_get(cells[at]) & 0xff)
				at++;
			at++;
			break;
		case FDT_END_NODE:
			if (inside && depth == 2)
				return NULL;
			depth--;
			break;
		case FDT_PROPERTY:
			if (at + 2 > count)
				return NULL;
			length = be32_get(cells[at]);
			name_offset = be32_get(cells[at + 1]);
			at += 2;
			if (length > (count - at) * sizeof(be32))
				return NULL;
			if (inside && depth == 2 && name_offset < size - strings &&
			    is_name(text, size, strings + name_offset, name, false)) {
				*cell_count = length / sizeof(be32);
				return &cells[at];
			}
			at += (length + sizeof(be32) - 1) / sizeof(be32);
			break;
		case FDT_NOP:
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}
