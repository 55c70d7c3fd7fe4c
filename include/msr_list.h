/*
 * msr_list.h - MSR values that every processor gets: one list, so that none can differ.
 *
 * The boot processor writes it by msr_list_program(), the others by start.S.
 */
#ifndef MSR_LIST_H
#define MSR_LIST_H

#define MSR_LIST_COUNT  0
#define MSR_LIST_VALUES 4
#define MSR_VALUE_MSR   0
#define MSR_VALUE_LOW   4
#define MSR_VALUE_HIGH  8
#define MSR_VALUE_SIZE  12

#ifndef __ASSEMBLER__

	#include <stddef.h>
	#include <stdint.h>

	#define MSR_LIST_MAX 32 /* mtrr.c takes 29, smp.c one */

struct msr_value {
	uint32_t msr;
	uint32_t low;
	uint32_t high;
};

/* Written in this order.  An empty list leaves the processors as they are. */
struct msr_list {
	uint32_t count;
	struct msr_value values[MSR_LIST_MAX];
};
_Static_assert(offsetof(struct msr_list, count) == MSR_LIST_COUNT, "start.S");
_Static_assert(offsetof(struct msr_list, values) == MSR_LIST_VALUES, "start.S");
_Static_assert(offsetof(struct msr_value, msr) == MSR_VALUE_MSR, "start.S");
_Static_assert(offsetof(struct msr_value, low) == MSR_VALUE_LOW, "start.S");
_Static_assert(offsetof(struct msr_value, high) == MSR_VALUE_HIGH, "start.S");
_Static_assert(sizeof(struct msr_value) == MSR_VALUE_SIZE, "start.S");

/* Adds a value at the end; a full list is a panic.  Pure but for that. */
void msr_list_add(struct msr_list *list, uint32_t msr, uint32_t low, uint32_t high);

/* Programs this processor, caches off: SDM Vol. 3A, "MTRR Considerations in MP Systems". */
void msr_list_program(const struct msr_list *list);

#endif
#endif
