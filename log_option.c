/*
 * log_option.c - see log_option.h.
 */
#include "log_option.h"

#include "console.h"
#include "string.h"
#include "tsc.h"

#define OPTION     "opt/org.qboot/log"
#define VALUE_SIZE 32 /* no value that is known is as long */

static const struct {
	const char *value;
	enum console_level level;
	bool serial;
} choices[] = {
	{ "off", CONSOLE_OFF, false },
	{ "errors", CONSOLE_ERRORS, false },
	{ "steps", CONSOLE_STEPS, false },
	{ "steps,serial", CONSOLE_STEPS, true },
};

void log_option_time(const struct cpu *cpu, bool has_pm_timer)
{
	if (console_wants_rate())
		console_set_rate(tsc_khz(cpu, has_pm_timer));
}

void log_option_init(const struct fw_cfg *cfg, const struct cpu *cpu)
{
	char value[VALUE_SIZE];

	if (!fw_cfg_read_text(cfg, OPTION, value, sizeof(value)))
		return;
	for (uint32_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcmp(value, choices[i].value) != 0)
			continue;
		console_set(choices[i].level, choices[i].serial, cpu->leaf1_edx & CPUID_1_EDX_TSC);
		log_option_time(cpu, false);
		console_step("qboot.bin " QBOOT_VERSION);
		return;
	}
	console_log("options: " OPTION
		    " is \"%s\"; off, errors, steps or \"steps,serial\" are known",
		    value);
}
