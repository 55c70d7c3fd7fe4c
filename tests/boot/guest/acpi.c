/* acpi.c - from the RSDP to every table, and the few fields that depend on the firmware. */
#include "guest.h"
#include "io.h"

/* ACPI 6.5 section 5.2 */
/* clang-format off */
#define RSDP_REVISION           15
#define RSDP_RSDT               16
#define RSDP_LENGTH             20
#define RSDP_XSDT               24

#define SDT_LENGTH              4
#define SDT_SIZE                36

#define FADT_FACS               36
#define FADT_DSDT               40
#define FADT_SCI_INT            46
#define FADT_PM1A_EVT           56
#define FADT_PM1A_CNT           64
#define FADT_PM_TMR             76
#define FADT_GPE0               80
#define FADT_FLAGS              112
  #define FADT_HW_REDUCED         (1u << 20)
#define FADT_X_FACS             132
#define FADT_X_DSDT             140

#define FACS_SIZE               64

#define MADT_LAPIC_ADDRESS      36
#define MADT_ENTRIES            44
  #define MADT_LAPIC              0
  #define MADT_X2APIC             9

#define MCFG_BASE               44
#define MCFG_START_BUS          54
#define MCFG_END_BUS            55

#define Q35_PCIEXBAR            0x60
#define PC_GPE0                 0xafe0u
#define Q35_GPE0_OFFSET         0x20u

#define BP_VERSION              0x206
/* clang-format on */

static const uint8_t *fadt, *madt, *mcfg;

bool acpi_expected(void)
{
	uint16_t selector;
	uint32_t size;

	return fw_cfg_find("etc/acpi/rsdp", &selector, &size);
}

/* As Linux' acpi_find_root_pointer() does, without the EBDA: QEMU's firmware puts none there. */
static uint32_t scan(void)
{
	for (uint32_t paddr = 0xe0000; paddr < 0x100000; paddr += 16)
		if (starts_with(at(paddr), "RSD PTR ") && !sum8(at(paddr), 20))
			return paddr;
	return 0;
}

static bool check_table(uint32_t paddr)
{
	const uint8_t *t = at(paddr);
	uint32_t length = get32(t + SDT_LENGTH);
	bool sane = length >= SDT_SIZE && length < 16 * MIB;
	uint32_t sum = sane ? sum8(t, length) : 0xff;

	if (sane)
		occupies(TABLE, "ACPI table", paddr, length);
	return check(sane && !sum, "acpi.table", "a length and a sum of 0",
		     "%c%c%c%c at %x, %x bytes, sum %x", t[0], t[1], t[2], t[3], paddr, length,
		     sum);
}

static void visit(uint64_t paddr)
{
	const uint8_t *t = at((uint32_t)paddr);

	if (!check(paddr && paddr < GIB4, "acpi.pointer", "below 4 GiB", "%llx", paddr) ||
	    !check_table((uint32_t)paddr))
		return;
	if (starts_with((const char *)t, "FACP"))
		fadt = t;
	if (starts_with((const char *)t, "APIC"))
		madt = t;
	if (starts_with((const char *)t, "MCFG"))
		mcfg = t;
}

static bool walk(uint32_t rsdp)
{
	const uint8_t *r = at(rsdp);
	uint64_t xsdt = r[RSDP_REVISION] >= 2 ? get64(r + RSDP_XSDT) : 0;
	uint32_t root = xsdt ? (uint32_t)xsdt : get32(r + RSDP_RSDT);
	uint32_t step = xsdt ? 8 : 4;
	const uint8_t *t = at(root);

	if (!check(root && xsdt < GIB4, "acpi.root", "RSDT or XSDT below 4 GiB", "%s at %x",
		   xsdt ? "XSDT" : "RSDT", root) ||
	    !check_table(root))
		return false;
	for (uint32_t offset = SDT_SIZE; offset < get32(t + SDT_LENGTH); offset += step)
		visit(xsdt ? get64(t + offset) : get32(t + offset));
	return true;
}

static void check_facs(uint32_t paddr)
{
	const uint8_t *facs = at(paddr);

	if (!check(starts_with((const char *)facs, "FACS") &&
			   get32(facs + SDT_LENGTH) >= FACS_SIZE && paddr % 64 == 0,
		   "acpi.facs", "FACS, 64 bytes or more, aligned", "%x bytes at %x",
		   get32(facs + SDT_LENGTH), paddr))
		return;
	occupies(TABLE, "FACS", paddr, FACS_SIZE);
	check(map_type(paddr, FACS_SIZE) != MAP_ACPI, "acpi.facs.type", "NVS or reserved",
	      "type %u", map_type(paddr, FACS_SIZE));
}

static void check_pm(void)
{
	uint32_t event = get32(fadt + FADT_PM1A_EVT), timer = get32(fadt + FADT_PM_TMR), first, n;

	check(event >= 0x100 && event < 0x10000, "acpi.fadt.pm1a", "an I/O port", "%x", event);
	check_equal("acpi.fadt.pm1a_cnt", event + 4, get32(fadt + FADT_PM1A_CNT));
	check_equal("acpi.fadt.pm_tmr", event + 8, timer);
	check_equal("acpi.fadt.gpe0", pci_machine() == PC ? PC_GPE0 : event + Q35_GPE0_OFFSET,
		    get32(fadt + FADT_GPE0));
	check_equal("acpi.fadt.sci", 9, get16(fadt + FADT_SCI_INT));
	first = inl((uint16_t)timer);
	for (n = 0; n < 100000 && inl((uint16_t)timer) == first; n++)
		;
	check(n < 100000 && first != 0xffffffff, "acpi.pm_tmr.ticks", "a running timer", "%x",
	      first);
}

static void check_fadt(void)
{
	uint32_t length = get32(fadt + SDT_LENGTH);
	uint64_t x_dsdt = length >= FADT_X_DSDT + 8 ? get64(fadt + FADT_X_DSDT) : 0;
	uint64_t x_facs = length >= FADT_X_FACS + 8 ? get64(fadt + FADT_X_FACS) : 0;
	uint32_t dsdt = get32(fadt + FADT_DSDT), facs = get32(fadt + FADT_FACS);
	bool reduced = get32(fadt + FADT_FLAGS) & FADT_HW_REDUCED;

	if (dsdt && x_dsdt)
		check_equal("acpi.fadt.x_dsdt", dsdt, x_dsdt);
	visit(dsdt ? dsdt : x_dsdt);
	if (!reduced) {
		check_facs(facs ? facs : (uint32_t)x_facs);
		check_pm();
	}
}

/* Processors that the MADT enables, with ids below an end; 0 without a MADT. */
uint32_t acpi_cpus(uint32_t id_end)
{
	uint32_t length = madt ? get32(madt + SDT_LENGTH) : 0, cpus = 0;

	for (uint32_t offset = MADT_ENTRIES; offset + 8 <= length && madt[offset + 1];
	     offset += madt[offset + 1])
		if (madt[offset] == MADT_LAPIC)
			cpus += (madt[offset + 4] & 1) && madt[offset + 3] < id_end;
		else if (madt[offset] == MADT_X2APIC)
			cpus += (madt[offset + 8] & 1) && get32(madt + offset + 4) < id_end;
	return cpus;
}

static void check_madt(void)
{
	check_equal("acpi.madt.cpus", fw_cfg_u16(FW_CFG_NB_CPUS), acpi_cpus(~0u));
	check_equal("acpi.madt.lapic", LAPIC_BASE, get32(madt + MADT_LAPIC_ADDRESS));
}

static void check_mcfg(void)
{
	uint64_t base = get64(mcfg + MCFG_BASE);
	uint32_t size = (mcfg[MCFG_END_BUS] - mcfg[MCFG_START_BUS] + 1u) << 20;

	if (pci_machine() == Q35)
		check_equal("acpi.mcfg.base", pci_read32(0, Q35_PCIEXBAR) & ~7u, base);
	check_equal("acpi.mcfg.reserved", MAP_RESERVED, map_type(base, size));
	check(mmio_read32((uint32_t)base) != 0xffffffff, "acpi.mcfg.answers", "a host bridge",
	      "%x at %llx", mmio_read32((uint32_t)base), base);
}

void check_acpi(void)
{
	uint32_t rsdp = scan();
	bool optional = handoff.protocol == MULTIBOOT ||
			(handoff.boot_params && get16(handoff.boot_params + BP_VERSION) < 0x20e);

	check(acpi_expected() == (rsdp != 0), "acpi.rsdp.scan", acpi_expected() ? "one" : "none",
	      "%x", rsdp);
	if (!optional || handoff.rsdp)
		check_equal("acpi.rsdp.passed", rsdp, handoff.rsdp);
	if (!rsdp)
		return;
	if (*((const uint8_t *)at(rsdp) + RSDP_REVISION) >= 2) {
		uint32_t length = get32((const uint8_t *)at(rsdp) + RSDP_LENGTH);

		check(length >= 36 && !sum8(at(rsdp), length), "acpi.rsdp.extended", "a sum of 0",
		      "%x bytes", length);
	}
	occupies(TABLE, "RSDP", rsdp, 20);
	if (!walk(rsdp))
		return;
	if (check(fadt, "acpi.fadt", "one", "%x", paddr_of(fadt)))
		check_fadt();
	if (check(madt, "acpi.madt", "one", "%x", paddr_of(madt)))
		check_madt();
	if (mcfg)
		check_mcfg();
	else
		check(pci_machine() != Q35, "acpi.mcfg", "one on q35", "none");
}
