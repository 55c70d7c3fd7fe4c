/*
 * log_option.h - how much the firmware says, as the user wants it:
 *
 *     -fw_cfg name=opt/org.qboot/log,string=steps
 */
#ifndef LOG_OPTION_H
#define LOG_OPTION_H

#include "cpu.h"
#include "fw_cfg.h"

/*
 * Reads the option, if it is there, sets the console to it, and tells the version as the first
 * step.  A value that is not known gets one line.  Cost: fw_cfg_find()'s, no other VM
 * exit without the option.
 */
void log_option_init(const struct fw_cfg *cfg, const struct cpu *cpu);

/*
 * Finds out how fast the TSC runs, so that steps tell microseconds.  has_pm_timer as in tsc.h.
 * Cost: none, unless steps are told and CPUID does not tell the rate.
 */
void log_option_time(const struct cpu *cpu, bool has_pm_timer);

#endif
