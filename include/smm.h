/*
 * smm.h - system management mode: SMRAM with a handler for every processor, closed and locked.
 *
 * QEMU's machines need no SMI handler: ACPI enable and disable are served by the chipset.  But SMM
 * that nobody sets up is anybody's: with SMBASE where a reset leaves it, in plain RAM, whoever can
 * write there runs in SMM at the next SMI.
 */
#ifndef SMM_H
#define SMM_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "pci_config.h"
#include "smp_block.h"

#define TSEG_MAX_MIB 8

/* Where everything goes. */
struct smm_plan {
	uint32_t cpu_count; /* 0: no SMM, or it is switched off */
	uint32_t first;     /* the first SMBASE; SMBASE_SPACING to the next */
	uint32_t end;       /* the first that has no place there any more */
	uint32_t more;      /* where they go on */
	uint32_t tseg_end;
	uint32_t tseg_mib; /* 0: the A segment */
	bool save;         /* what SMIs overwrite is not free RAM */
};

/* What SMIs overwrite, where that may be a part of the kernel, until smm_finish(). */
struct smm_saved {
	uint8_t entry[8];
	uint8_t state[SMBASE_STATE_SIZE];
};

/*
 * Keeps the top of RAM for TSEG, with ICH9, before anything else takes it: 8 MiB where there is 1 GiB
 * or more and they are free, else 1 MiB.  TSEG, because without a VGA device QEMU lets everybody see
 * the A segment as plain RAM; a guest with so little memory that the kernel needs it makes do with
 * the A segment.  Pure.
 */
void smm_reserve(struct smm_plan *plan, enum smm_kind kind, struct memmap *map);

/*
 * Finds a place for cpu_count processors, 0 with SMM off, and gives back what is reserved and not
 * needed.  Without TSEG that is the A segment, and reserved RAM for more processors than that has
 * room for: with PIIX4, which cannot be locked, that makes them equal.  Pure.
 */
void smm_plan(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count);

/*
 * Carries out the plan: opens SMRAM to SMM alone and locks it, switches the SMI of port 0xb2 on,
 * relocates this processor, locks that switch, and prepares the block for the others, whom
 * smp_start() has woken and smp_relocate() sends there.  Nothing with no processors in the plan.
 * Cost: 4 VM exits on ICH9, 5 on PIIX4; 1 rebuild.
 */
void smm_program(const struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
		 const struct chipset *chipset, const struct pci_access *access);

/*
 * Finds out whether SMM is on, plans and programs.  smm_reserve() and smp_start() have run; no kernel
 * has been read to 0x38000.  rsdp_paddr is that of QEMU's own tables, whose FADT tells for nothing; 0
 * where there are none: then it is the switch of the SMI, which with SMM off QEMU has on from the
 * start.
 * Cost: that of smm_program(), and without QEMU's tables 1 VM exit (ICH9) or 2 (PIIX4).
 */
void smm_init(struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
	      const struct chipset *chipset, const struct pci_access *access, struct memmap *map,
	      uint32_t cpu_count, uint32_t rsdp_paddr);

/* All processors are relocated, or given up: puts back what was saved. */
void smm_finish(const struct smm_plan *plan, const struct smm_saved *saved);

#endif
