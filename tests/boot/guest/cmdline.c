/*
 * cmdline.c - the command line, byte for byte, and the words in it that steer this kernel:
 *
 *   expect.ram=BYTES   what -m gave
 *   reboot=N           after a pass fill free memory with garbage and reset, N times
 *   reboot.pam         before that, make C0000-FFFFF RAM and fill it too (pc, q35)
 *   reboot.readonly    and make E0000-EFFFF, full of garbage, read-only (pc, q35)
 *   reboot.init        not a reset but an INIT of the boot processor
 *   reboot.keyboard    reset by the keyboard controller,
 *   reboot.fast        by port 92,
 *   reboot.acpi        by the FADT's register of microvm,
 *   reboot.host        by the monitor: "WAIT for a reset" asks for it
 *   reboot.triple      reset by a triple fault even where port CF9 would do
 *
 *   cpu.*, smm.*       see cpu.c and attack.c
 *
 * Numbers are decimal.
 */
#include "guest.h"

static const char *find(const char *name)
{
	const char *p = handoff.cmdline;

	while (p && *p) {
		if (starts_with(p, name) && (p == handoff.cmdline || p[-1] == ' '))
			return p + strlen(name);
		p++;
	}
	return NULL;
}

bool word(const char *name)
{
	const char *p = find(name);

	return p && (*p == ' ' || *p == '\0');
}

bool word_value(const char *name, uint64_t *value)
{
	const char *p = find(name);

	if (!p || *p != '=')
		return false;
	*value = 0;
	for (p++; *p >= '0' && *p <= '9'; p++)
		*value = *value * 10 + (uint32_t)(*p - '0');
	return true;
}

void check_cmdline(void)
{
	uint32_t size;

	if (handoff.protocol == MULTIBOOT) /* QEMU puts it into the image, not into fw_cfg */
		return;
	size = fw_cfg_u32(FW_CFG_CMDLINE_SIZE);
	if (!check(handoff.cmdline || size <= 1, "cmdline.pointer", "a string", "%s",
		   handoff.cmdline ? "a string" : "none") ||
	    !handoff.cmdline)
		return;
	check_equal("cmdline.length", size ? size - 1 : 0, strlen(handoff.cmdline));
	check_equal("cmdline.equal-up-to", size,
		    fw_cfg_compare(FW_CFG_CMDLINE_DATA, 0, paddr_of(handoff.cmdline), size));
}
