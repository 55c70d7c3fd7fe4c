/*
 * mcfg.c - see mcfg.h.
 */
#include "mcfg.h"

#include "acpi_find.h"
#include "checksum.h"
#include "console.h"
#include "string.h"

#define OPTION_FILE "opt/org.qboot/pci-mcfg"
#define OPTION_QEMU "qemu"

/* True when the user wants QEMU's table as it is. */
static bool keeps_qemus(const struct fw_cfg *cfg)
{
	char value[16];

	if (!fw_cfg_read_text(cfg, OPTION_FILE, value, sizeof(value)))
		return false;
	if (strcmp(value, OPTION_QEMU) == 0)
		return true;
	console_log("mcfg: " OPTION_FILE
		    " is \"%s\", which is not understood; its only value is \"" OPTION_QEMU "\"",
		    value);
	return false;
}

void mcfg_limit_buses(const struct fw_cfg *cfg, uint32_t rsdp_paddr, uint32_t last_bus)
{
	struct acpi_mcfg *mcfg = (void *)acpi_find_table(rsdp_paddr, "MCFG");

	/* QEMU's tables for the machines known here have one allocation. */
	if (!mcfg || mcfg->header.length != sizeof(*mcfg) || mcfg->start_bus ||
	    mcfg->end_bus <= last_bus || keeps_qemus(cfg))
		return;
	mcfg->end_bus = (uint8_t)last_bus;
	mcfg->header.checksum -= checksum_sum(mcfg, sizeof(*mcfg));
}
