/*
 * msr_list.c - see msr_list.h.
 */
#include "msr_list.h"

#include "console.h"
#include "cpu.h"

void msr_list_add(struct msr_list *list, uint32_t msr, uint32_t low, uint32_t high)
{
	if (list->count >= MSR_LIST_MAX)
		panic("msr_list: MSR 0x%x does not fit, %u are the most; please report this", msr,
		      MSR_LIST_MAX);
	list->values[list->count++] = (struct msr_value){ msr, low, high };
}

void msr_list_program(const struct msr_list *list)
{
	const struct msr_value *end = &list->values[list->count];

	if (!list->count)
		return;
	cpu_disable_caches();
	for (const struct msr_value *value = list->values; value != end; value++)
		wrmsr(value->msr, (uint64_t)value->high << 32 | value->low);
	cpu_enable_caches();
}
