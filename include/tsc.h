/*
 * tsc.h - how fast the processor's time-stamp counter runs.
 */
#ifndef TSC_H
#define TSC_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

/*
 * The counter's rate in kHz, or 0 when nothing tells it.  CPUID may; else it is measured with the
 * ACPI PM timer, if has_pm_timer: chipset_init() has put that at PM_BASE, if there is one.
 * Cost: none by CPUID; to measure one VM exit a read, for a millisecond; 3 without a timer.
 */
uint32_t tsc_khz(const struct cpu *cpu, bool has_pm_timer);

#endif
