/* main.c - the topics, in order. */
#include "guest.h"

/* clang-format off */
static void (*const topics[])(void) = {
	check_registers, check_map,
	check_kernel,		/* overwrites init_size: what was handed over must not suffer */
	check_cmdline, check_modules, check_setup_data, check_multiboot,
	check_pci, check_bars, check_irq,
	check_acpi, check_smbios, check_mp,
	check_cpu,		/* takes the other processors out of the firmware */
	check_placement,	/* last: judges what the others noted with occupies() */
};
/* clang-format on */

void main(void);

void main(void)
{
	static const char *const names[] = { "", "pvh", "linux32", "linux64", "multiboot" };

	print("GUEST %s boot %u\n", names[entry_state.protocol], boot_number());
	fw_cfg_init();
	read_handoff();
	for (uint32_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		topics[i]();
	check_plugged();
	forge_if_asked();
	reboot_if_asked();
	finish();
}
