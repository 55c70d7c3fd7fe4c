/*
 * smp_block.h - what the boot processor and the others share; start.S and smi.S walk it by these
 * offsets.
 */
#ifndef SMP_BLOCK_H
#define SMP_BLOCK_H

#define SMP_BLOCK_ARRIVED   0
#define SMP_BLOCK_TURNS     4
#define SMP_BLOCK_TURN      8
#define SMP_BLOCK_RELOCATED 12
#define SMP_BLOCK_SMBASE    16
#define SMP_BLOCK_RESUME    20
#define SMP_BLOCK_MSRS      24
#define SMP_BLOCK_PRESENT   28

/* Processors with a smaller APIC id can be told apart, and named in a message. */
#define SMP_NAMED_IDS 4096

#define SMP_NO_TURN 0xffffffff /* no processor has a turn any more */

#ifndef __ASSEMBLER__

	#include <stdbool.h>
	#include <stddef.h>
	#include <stdint.h>

	#include "cpu.h"
	#include "msr_list.h"

struct smp_block {
	uint32_t arrived;    /* other processors that have the MSRs */
	uint32_t turns;      /* those of them with an APIC id above LAPIC_MAX_XAPIC_ID */
	uint32_t turn;       /* which of those may raise its SMI now, from 1 on; or SMP_NO_TURN */
	uint32_t relocated;  /* processors back from their first SMI */
	uint32_t smbase;     /* for the processor whose SMI is next */
	uint32_t resume;     /* where RSM leads then; 0: to where the SMI came */
	uint32_t msrs_paddr; /* a struct msr_list */
	uint32_t present[SMP_NAMED_IDS / 32]; /* APIC ids of those that arrived, a bit each */
	bool missing;                         /* smp_wait() ended before all had arrived */
};
_Static_assert(offsetof(struct smp_block, arrived) == SMP_BLOCK_ARRIVED, "start.S");
_Static_assert(offsetof(struct smp_block, turns) == SMP_BLOCK_TURNS, "start.S");
_Static_assert(offsetof(struct smp_block, turn) == SMP_BLOCK_TURN, "smi.S");
_Static_assert(offsetof(struct smp_block, relocated) == SMP_BLOCK_RELOCATED, "smi.S");
_Static_assert(offsetof(struct smp_block, smbase) == SMP_BLOCK_SMBASE, "smi.S");
_Static_assert(offsetof(struct smp_block, resume) == SMP_BLOCK_RESUME, "smi.S");
_Static_assert(offsetof(struct smp_block, msrs_paddr) == SMP_BLOCK_MSRS, "start.S");
_Static_assert(offsetof(struct smp_block, present) == SMP_BLOCK_PRESENT, "start.S");

/*
 * Goes through the processors that are there, by their APIC ids: the boot processor, then those
 * that arrived, in ascending order.  *next is 0 at first; false at the end.  Ids from SMP_NAMED_IDS
 * on are left out.
 */
static inline bool smp_next_processor(const struct smp_block *block, const struct cpu *cpu,
				      uint32_t *next, uint32_t *apic_id)
{
	uint32_t boot_apic_id = cpu->leaf1_ebx >> 24;

	if (!*next) {
		*next = 1;
		*apic_id = boot_apic_id;
		return true;
	}
	for (uint32_t id = *next - 1; id < SMP_NAMED_IDS; id++) {
		if (id == boot_apic_id || !(block->present[id / 32] >> id % 32 & 1))
			continue;
		*next = id + 2;
		*apic_id = id;
		return true;
	}
	return false;
}

/* There is one, because a SIPI passes no argument. */
extern struct smp_block smp_block;

#endif
#endif
