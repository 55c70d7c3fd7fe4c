/*
 * smp_block.h - what the boot processor and the others share; start.S and smi.S walk it by these
 * offsets.
 */
#ifndef SMP_BLOCK_H
#define SMP_BLOCK_H

#define SMP_BLOCK_ARRIVED     0
#define SMP_BLOCK_LAST        4
#define SMP_BLOCK_TURN        8
#define SMP_BLOCK_PLACES      12
#define SMP_BLOCK_RELOCATED   16
#define SMP_BLOCK_SMBASE      20
#define SMP_BLOCK_SMBASE_END  24
#define SMP_BLOCK_SMBASE_MORE 28
#define SMP_BLOCK_RESUME      32
#define SMP_BLOCK_ENTERED     36
#define SMP_BLOCK_ACPI_VALUES 40
#define SMP_BLOCK_PRESENT     44
#define SMP_BLOCK_MSR_COUNT   (44 + SMP_NAMED_IDS / 8)
#define SMP_BLOCK_MSRS        (SMP_BLOCK_MSR_COUNT + 4)

/* Processors with a smaller APIC id can be told apart, and named in a message. */
#define SMP_NAMED_IDS 4096

#define MAX_XAPIC_ID 254 /* 255 is everybody */

#define SMP_NOBODY    0xffffffff /* no APIC id */
#define SMP_NO_PLACES 0xffffffff

#define MSR_VALUE_MSR  0
#define MSR_VALUE_LOW  4
#define MSR_VALUE_HIGH 8
#define MSR_VALUE_SIZE 12

#ifndef __ASSEMBLY__

	#include <stddef.h>
	#include <stdint.h>

	#include "mtrr.h"

struct smp_block {
	uint32_t arrived; /* other processors that have the MSRs; and the boot processor,
					 * when all is ready for SMM */

	/* SMM: each of the others in turn, from the last to arrive to the first; begun by whoever finds
	 * all the others arrived. */
	uint32_t last;       /* APIC id of the last to arrive; each keeps the one before it */
	uint32_t turn;       /* of a processor with a larger id than MAX_XAPIC_ID, whose turn
					 * it is; SMP_NOBODY: nobody's any more */
	uint32_t places;     /* SMBASEs for the others; SMP_NO_PLACES until there are any */
	uint32_t relocated;  /* others that have theirs */
	uint32_t smbase;     /* for the next processor */
	uint32_t smbase_end; /* when smbase gets there, it goes on at smbase_more */
	uint32_t smbase_more;
	uint32_t resume;      /* where RSM leads after the first SMI; 0: whence it came */
	uint32_t entered;     /* first SMIs served */
	uint32_t acpi_values; /* port 0xb2: ACPI enable, in the next byte disable */

	uint32_t present[SMP_NAMED_IDS / 32]; /* APIC ids of those that arrived, a bit each */

	struct msr_list msrs;
};
_Static_assert(offsetof(struct smp_block, arrived) == SMP_BLOCK_ARRIVED, "start.S");
_Static_assert(offsetof(struct smp_block, last) == SMP_BLOCK_LAST, "start.S");
_Static_assert(offsetof(struct smp_block, turn) == SMP_BLOCK_TURN, "smi.S");
_Static_assert(offsetof(struct smp_block, places) == SMP_BLOCK_PLACES, "smi.S");
_Static_assert(offsetof(struct smp_block, relocated) == SMP_BLOCK_RELOCATED, "smi.S");
_Static_assert(offsetof(struct smp_block, smbase) == SMP_BLOCK_SMBASE, "smi.S");
_Static_assert(offsetof(struct smp_block, smbase_end) == SMP_BLOCK_SMBASE_END, "smi.S");
_Static_assert(offsetof(struct smp_block, smbase_more) == SMP_BLOCK_SMBASE_MORE, "smi.S");
_Static_assert(offsetof(struct smp_block, resume) == SMP_BLOCK_RESUME, "smi.S");
_Static_assert(offsetof(struct smp_block, entered) == SMP_BLOCK_ENTERED, "smi.S");
_Static_assert(offsetof(struct smp_block, acpi_values) == SMP_BLOCK_ACPI_VALUES, "smi.S");
_Static_assert(offsetof(struct smp_block, present) == SMP_BLOCK_PRESENT, "start.S");
_Static_assert(offsetof(struct smp_block, msrs.count) == SMP_BLOCK_MSR_COUNT, "start.S");
_Static_assert(offsetof(struct smp_block, msrs.values) == SMP_BLOCK_MSRS, "start.S");
_Static_assert(offsetof(struct msr_value, msr) == MSR_VALUE_MSR, "start.S");
_Static_assert(offsetof(struct msr_value, low) == MSR_VALUE_LOW, "start.S");
_Static_assert(offsetof(struct msr_value, high) == MSR_VALUE_HIGH, "start.S");
_Static_assert(sizeof(struct msr_value) == MSR_VALUE_SIZE, "start.S");

/* The one there is: a SIPI passes no argument. */
extern struct smp_block smp_block;

#endif
#endif
