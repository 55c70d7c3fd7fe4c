/*
 * smbios.h - put QEMU's SMBIOS structures where the anchor in the ROM says they are.
 *
 * Kernels scan 0xf0000-0xfffff for an anchor, and with no PAM register written that is the ROM, so
 * the anchor is part of the image: it names SMBIOS_BASE and the room there, both fixed.  What is
 * there always ends with an end-of-table structure, also when QEMU has none for us.
 */
#ifndef SMBIOS_H
#define SMBIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "fw_cfg.h"

/*
 * Places the structures, ours for type 0 first when QEMU has none.  Structures that do not fit are
 * left out, whole, with a message.  Cost: 1 VM exit, none where there is no SMBIOS.
 */
void smbios_install(const struct fw_cfg *cfg);

/*
 * Finds a structure by type among the size bytes at table.  Pure.  Returns its offset, or the
 * offset after the last whole structure before the end-of-table structure (or the end) when there
 * is none of that type; *found tells which.
 */
uint32_t smbios_find(const void *table, uint32_t size, uint8_t type, bool *found);

#endif
