/*
 * mcfg.h - ACPI's MCFG tells the buses that there are, not all that there could be.
 *
 * QEMU's MCFG names 256 buses, and Linux asks each of 32 slots of every bus up to the last one
 * named for a vendor id, by ports (pcibios_fixup_peer_bridges()): 16,320 accesses where there is
 * one bus. So the table's end bus number becomes that of the last bus given out or reserved for
 * hot-plug. That byte and the checksum are all that changes, and the fw_cfg file
 * opt/org.qboot/pci-mcfg with the value "qemu" leaves them alone.
 *
 * A smaller ECAM window would do less: QEMU knows sizes of 64, 128 and 256 buses only
 * (hw/pci-host/q35.c, mch_update_pciexbar()).  PCI Firmware Specification 3.3, 4.1.2 "MCFG Table
 * Description".
 */
#ifndef MCFG_H
#define MCFG_H

#include <stdint.h>

#include "fw_cfg.h"

/*
 * Corrects the MCFG among the tables at rsdp_paddr, if there is one: last_bus is the highest number
 * of a bus that has a device or can get one.  Cost: none; 1 VM exit where the option is given.
 */
void mcfg_limit_buses(const struct fw_cfg *cfg, uint32_t rsdp_paddr, uint32_t last_bus);

#endif
