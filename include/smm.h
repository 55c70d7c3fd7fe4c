/*
 * smm.h - system management mode: SMRAM with a handler for every processor, closed and locked.
 *
 * QEMU's machines need no SMI handler: ACPI enable and disable are served by the chipset.  But SMM
 * must be set up: a reset leaves SMBASE in plain RAM, and whoever writes there would run in SMM at
 * the next SMI.  So every SMI leads to an RSM in SMRAM.
 *
 * What the operating system can write decides nothing here: a wake from S3 plans anew, as the boot
 * did, from the memory that QEMU tells of, the chipset, and a number of processors.  That number
 * may be forged: on Q35 none leaves a processor outside SMRAM that the boot had in it.
 *
 * SDM Vol. 3C, "System Management Mode"; QEMU hw/pci-host/q35.c and i440fx.c.
 */
#ifndef SMM_H
#define SMM_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "smp_block.h"

#define TSEG_MAX_MIB 8

/* SMBASEs, SMBASE_SPACING apart. */
struct smm_area {
	uint32_t first;
	uint32_t count;
};

/* Where everything goes. */
struct smm_plan {
	const struct machine *machine;
	bool can_wake;            /* else a kernel lies where a wake would have SMRAM */
	bool default_kept;        /* 0x30000-0x4ffff */
	bool at_default;          /* it is SMRAM, and the default SMBASE in it */
	uint32_t tseg_mib;        /* kept for TSEG at the end of RAM below 4 GiB, then: its size */
	struct smm_area areas[2]; /* the second is used when the first is full */
};

/*
 * Begins a plan.  Keeps what may become SMRAM, with ICH9, before anything else takes it: RAM at
 * 0x30000-0x4ffff, and the top of RAM for TSEG, 8 MiB where there is 1 GiB or more and they are
 * free, else 1 MiB.  Nothing that a kernel is loaded to, no TSEG of a guest with less than 17 MiB,
 * and nothing at all with less than 2 MiB.  Pure, but panics where the map is full.
 */
void smm_reserve(struct smm_plan *plan, const struct machine *machine, struct memmap *map);

/*
 * Finds places for cpu_count processors and gives back to the map what they do not need; 0
 * processors, with SMM off, need none.  at_default: the chipset can have SMRAM at the default
 * SMBASE.
 *
 *   ICH9, at_default    97 there, more in TSEG of 1 MiB (993) or 8 MiB
 *   ICH9, else          all in TSEG; without it 97 in the A segment, which is plain RAM for all
 *                       code where QEMU has no VGA device
 *   PIIX4               97 in the A segment, 161 more in RAM below 640 KiB; nothing of it can be
 *                       locked, and a plugged processor has its first SMI in RAM, as has one with
 *                       an APIC id above 254
 *
 * Processors without a place keep the default SMBASE.  Pure, but panics where the map is full.
 */
void smm_place(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count, bool at_default);

/*
 * Sets SMM up where it is on: places the processors, opens SMRAM to SMM alone, locks it, and gives
 * every processor that has arrived (smp_wait()) its SMBASE and an RSM there; the boot processor
 * alone if ids above 254 are possible and one is missing or has the id of another, with a message.
 * A processor that is plugged in later has the default SMBASE; with at_default our RSM is there,
 * too.
 *
 * No kernel has been read to 0x38000.  rsdp_paddr is that of QEMU's own tables, whose FADT says
 * whether SMM is on.  It is 0 where there are none, and in a wake, since the operating system may
 * have changed them: then the bit that enables the SMI of port 0xb2 says it, which a reset leaves
 * set if SMM is off.
 *
 * If the chipset is locked already it was not reset, and this resets the machine.
 * Cost: 4 VM exits, 1 rebuild; without tables 1 VM exit (ICH9) or 2 (PIIX4) more.
 */
void smm_init(struct smm_plan *plan, struct smp_block *block, struct memmap *map,
	      uint32_t cpu_count, uint32_t rsdp_paddr);

#endif
