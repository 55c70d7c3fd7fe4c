/*
 * fdt.h - flattened device trees: find a property of a node below the root.
 *
 * Pure, and believes no field: whatever the bytes, nothing outside them is read.
 * Devicetree Specification 0.3, "Flattened Devicetree (DTB) Format".
 */
#ifndef FDT_H
#define FDT_H

#include <stdbool.h>
#include <stdint.h>

#include "endian.h"

/*
 * True when bytes begin with a tree whose tokens and property names are all within size.  The file
 * that QEMU keeps a tree in is much larger than the tree.  bytes is aligned to 4.
 */
bool fdt_is_whole(const void *bytes, uint32_t size);

/*
 * The cells of a property of the first node below the root whose name, up to an '@', is node, and
 * how many cells of 4 bytes they are.  NULL, and no count, when there is none, or when the tree is
 * malformed or cut before it.  bytes is aligned to 4.
 */
const be32 *fdt_find_property(const void *bytes, uint32_t size, const char *node, const char *name,
			      uint32_t *cell_count);

#endif
