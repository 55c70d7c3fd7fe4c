/*
 * mtrr.c - see mtrr.h.
 *
 * Ranges are handed out from 4 GiB downwards, largest first, so that each is aligned to its size;
 * their number is the number of bits set in the size of what they cover.
 */
#include "mtrr.h"

#include "string.h"

#define FIXED(msr, type) \
	{ \
		msr, MTRR_FOUR(type), MTRR_FOUR(type) \
	}

/* F0000-FFFFF is the ROM; E0000-EFFFF is the firmware's RAM; option ROMs go below (layout.h). */
static const struct msr_value fixed_ranges[] = {
	FIXED(IA32_MTRR_FIX64K_00000, MTRR_WB),
	FIXED(IA32_MTRR_FIX16K_80000, MTRR_WB),
	FIXED(IA32_MTRR_FIX16K_A0000, MTRR_UC),
	FIXED(IA32_MTRR_FIX4K_C0000, MTRR_WP),
	FIXED(IA32_MTRR_FIX4K_C0000 + 1, MTRR_WP),
	FIXED(IA32_MTRR_FIX4K_C0000 + 2, MTRR_WP),
	FIXED(IA32_MTRR_FIX4K_C0000 + 3, MTRR_WP),
	FIXED(IA32_MTRR_FIX4K_C0000 + 4, MTRR_WB), /* E0000 */
	FIXED(IA32_MTRR_FIX4K_C0000 + 5, MTRR_WB),
	FIXED(IA32_MTRR_FIX4K_C0000 + 6, MTRR_WP), /* F0000 */
	FIXED(IA32_MTRR_FIX4K_C0000 + 7, MTRR_WP),
};
_Static_assert(sizeof(fixed_ranges) == (3 + IA32_MTRR_FIX4K_COUNT) * sizeof(fixed_ranges[0]),
	       "each fixed range has a type");
/* Two values for each variable range, the default type twice, and smp.c's feature control. */
_Static_assert(sizeof(fixed_ranges) / sizeof(fixed_ranges[0]) + 2 * MTRR_MAX_RANGES + 3 <=
		       MSR_LIST_MAX,
	       "all MSRs fit into the list");

static void plan_variable(struct msr_list *list, uint32_t max_ranges, uint32_t phys_bits,
			  uint32_t ram_end, uint32_t hole_base)
{
	uint32_t most = 0 - ram_end; /* bytes up to 4 GiB */
	uint32_t least = 0 - (hole_base > ram_end ? hole_base : ram_end);
	uint32_t mask_high = phys_bits > 32 ? (1u << (phys_bits - 32)) - 1 : 0;
	uint32_t covered = 0;
	uint32_t ranges = 0;

	for (uint32_t size = 1u << 31; covered < least && size >= 0x1000 && ranges < max_ranges;
	     size >>= 1) {
		if (!(most & size))
			continue;
		covered |= size;
		msr_list_add(list, IA32_MTRR_PHYSBASE0 + 2 * ranges, (0 - covered) | MTRR_UC, 0);
		msr_list_add(list, IA32_MTRR_PHYSMASK0 + 2 * ranges,
			     (0 - size) | MTRR_PHYSMASK_VALID, mask_high);
		ranges++;
	}
}

void mtrr_plan(struct msr_list *list, uint32_t capability, uint32_t phys_bits, uint32_t ram_end,
	       uint32_t hole_base)
{
	uint32_t def_type = MTRR_DEF_TYPE_ENABLE | MTRR_WB;
	uint32_t max_ranges = capability & MTRRCAP_VARIABLE_COUNT;

	if (max_ranges > MTRR_MAX_RANGES)
		max_ranges = MTRR_MAX_RANGES;
	list->count = 0;
	msr_list_add(list, IA32_MTRR_DEF_TYPE, 0, 0);
	if (capability & MTRRCAP_FIXED) {
		def_type |= MTRR_DEF_TYPE_FIXED;
		memcpy(&list->values[list->count], fixed_ranges, sizeof(fixed_ranges));
		list->count += sizeof(fixed_ranges) / sizeof(fixed_ranges[0]);
	}
	plan_variable(list, max_ranges, phys_bits, ram_end, hole_base);
	msr_list_add(list, IA32_MTRR_DEF_TYPE, def_type, 0);
}
