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
#include "fw_cfg.h"
#include "memmap.h"
#include "pci_config.h"
#include "smp_block.h"

/* Where everything goes; all zeros where the machine has no SMM, or it is switched off. */
struct smm_plan {
	uint32_t cpu_count;
	uint32_t first;         /* the first SMBASE; SMBASE_SPACING to the next */
	uint32_t end;           /* the first that has no place there any more */
	uint32_t more;          /* where they go on */
	uint32_t tseg_mib;      /* 0: the A segment */
	uint32_t slots_paddr;   /* for smp_block; 0 with one processor */
	bool save;              /* what SMIs overwrite is not free RAM */
};

/* What SMIs overwrite, where that may be a part of the kernel, until smm_finish(). */
struct smm_saved {
	uint8_t entry[8];
	uint8_t state[SMBASE_STATE_SIZE];
};

/*
 * Finds a place for cpu_count processors and reserves it.  With ICH9 that is TSEG, because without a
 * VGA device QEMU lets everybody see the A segment as plain RAM; a guest with so little memory that
 * the kernel needs it makes do with the A segment.  With PIIX4 it is the A segment, and reserved RAM
 * for more processors than that has room for: that it cannot be locked makes them equal.  Pure.
 */
void smm_plan(struct smm_plan *plan, enum smm_kind kind, struct memmap *map, uint32_t cpu_count);

/*
 * Carries out the plan: opens SMRAM to SMM alone and locks it, switches the SMI of port 0xb2 on,
 * relocates this processor, locks that switch, and prepares the block for the others, whom
 * smp_start() wakes.  Nothing with a plan of zeros.
 * Cost: 4 VM exits on ICH9, 5 on PIIX4; 1 rebuild.
 */
void smm_program(const struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
		 const struct chipset *chipset, const struct pci_access *access);

/*
 * Probes, plans and programs.  chipset_init() has run; no kernel has been read to 0x38000.  With SMM
 * off QEMU has the SMI switch on from the start, and that is how it is told; nothing that is read
 * anyhow tells it before the ACPI tables, which come too late for TSEG.
 * Cost: 1 VM exit (ICH9) or 2 (PIIX4); with SMM on one more, and those of smm_program().
 */
void smm_init(struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
	      const struct chipset *chipset, const struct pci_access *access,
	      const struct fw_cfg *cfg, struct memmap *map);

/* All processors are relocated, or given up: puts back what was saved. */
void smm_finish(const struct smm_plan *plan, const struct smm_saved *saved);

#endif
