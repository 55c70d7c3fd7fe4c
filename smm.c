/*
 * smm.c - see smm.h.
 *
 * SMRAM is never opened: the first SMI of each processor runs from plain RAM or from what is SMRAM
 * from then on, sees SMRAM because it is an SMI, and puts a handler there itself (smi.S).
 *
 *   boot processor                              each other processor
 *   --------------                              --------------------
 *   smm_reserve   keeps memory
 *   smp_start     INIT, SIPI  ----------------> MSRs; arrives; halts (start.S)
 *   smp_wait      until all have arrived
 *   smm_init      0x38000: jump to the relocator
 *                 chipset: SMRAM open to SMM, locked
 *                 for each: an SMBASE; SMI ---> relocator: handler there, SMBASE; RSM; halts
 *                 SMI to itself, the last; with SMRAM at the default SMBASE it keeps that, and the
 *                 handler takes the place of the jump: who is plugged in later runs the handler
 *
 * One at a time, because all come from reset with the same SMBASE and would save their state to the
 * same place.  Not before all have arrived: as long as a processor with an APIC id above 254 is not
 * in x2APIC mode, it gets what is sent to the id in its lower byte.
 */
#include "smm.h"

#include "acpi_find.h"
#include "console.h"
#include "layout.h"
#include "phys.h"
#include "spec/lapic.h"
#include "string.h"

/* i440FX, and Q35 as a part of a dword (QEMU hw/pci-host/i440fx.c, hw/pci-host/q35.c). */
/* clang-format off */
#define I440FX_SMRAM            0x72            /* u8 */
#define MCH_F_SMBASE            0x9c            /* u8, SMRAM at the default SMBASE; and two more: */
  #define F_SMBASE_QUERY          0xff          /* written; then it reads as 1 where it exists, */
  #define F_SMBASE_IN_RAM         0x01          /* and a write of 2 locks it until a reset */
  #define F_SMBASE_LOCK           0x02
  #define MCH_SMRAM_SHIFT         8
  #define MCH_ESMRAMC_SHIFT       16
#define SMRAM_C_BASE_SEG        0x02            /* reads so */
#define SMRAM_G_SMRAME          (1u << 3)       /* A segment and TSEG exist */
#define SMRAM_D_LCK             (1u << 4)       /* all this until reset (QEMU: Q35 alone) */
#define ESMRAMC_RESET           0x38u
  #define ESMRAMC_T_EN            (1u << 0)
  #define ESMRAMC_TSEG_2M         (1u << 1)
  #define ESMRAMC_TSEG_8M         (2u << 1)

#define PIIX4_APMC              0x5b            /* u8 */
  #define PIIX4_APMC_EN           (1u << 1)
#define ICH9_SMI_EN_PORT        (PM_BASE + 0x30)        /* u32 */
  #define ICH9_GBL_SMI_EN         (1u << 0)
  #define ICH9_APMC_EN            (1u << 5)

#define APM_CNT_NOTHING         0               /* at port 0xb2: no value of the FADT's */

#define MIB                     0x100000u
#define TSEG_MIN_BASE           (16 * MIB)      /* less memory keeps its TSEG */
#define TSEG_MANY_CPUS_END      (1024 * MIB)    /* less memory has no thousand processors */

#define LEAST_RAM               (2 * MIB)       /* less, and the kernel needs all below 640 KiB */
#define MAX_CPUS                4096            /* QEMU's, for what a record may say */

#define FAR_JUMP                0xea            /* offset, segment: 16 bits each */
/* clang-format on */

/* What SMIs at the default SMBASE overwrite. */
struct saved {
	uint8_t entry[8];
	uint8_t state[SMBASE_STATE_SIZE];
};

/* smi.S */
extern const char smi_relocate[], smi_relocated[];

/* What cpu_count processors take, from the first entry to the end of the last one's state. */
static uint32_t room(uint32_t cpu_count)
{
	return SMBASE_STATE + SMBASE_STATE_SIZE - SMBASE_ENTRY + (cpu_count - 1) * SMBASE_SPACING;
}

static struct smm_area fit_area(uint32_t base, uint32_t end)
{
	return (struct smm_area){ base - SMBASE_ENTRY,
				  (end - base - room(1)) / SMBASE_SPACING + 1 };
}

static bool reserve_tseg(struct smm_plan *plan, struct memmap *map, uint32_t mib)
{
	uint32_t base = plan->tseg_end - mib * MIB;

	if (plan->tseg_end < TSEG_MIN_BASE + mib * MIB ||
	    !memmap_is(map, base, plan->tseg_end, MEMORY_RAM))
		return false;
	memmap_reserve(map, base, plan->tseg_end, MEMORY_KEPT, "TSEG");
	plan->tseg_max_mib = mib;
	plan->tseg_mib = mib;
	return true;
}

void smm_reserve(struct smm_plan *plan, const struct chipset *chipset, const struct cpu *cpu,
		 struct memmap *map)
{
	*plan = (struct smm_plan){ .chipset = chipset, .cpu = cpu };
	plan->tseg_end = memmap_low_ram_end(map);
	if (chipset->smm != SMM_ICH9 || plan->tseg_end < LEAST_RAM)
		return;
	plan->reserved = memmap_is(map, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END, MEMORY_RAM);
	if (plan->reserved)
		memmap_reserve(map, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END, MEMORY_KEPT, "SMRAM");
	if (plan->tseg_end < TSEG_MANY_CPUS_END || !reserve_tseg(plan, map, TSEG_MAX_MIB))
		reserve_tseg(plan, map, 1);
}

bool smm_restore(struct smm_plan *plan, uint32_t tseg_mib, struct smm_area more)
{
	plan->waking = true;
	if (plan->chipset->smm == SMM_PIIX4 && more.count) {
		plan->areas[1] = more;
		return more.count <= MAX_CPUS && more.first >= LEGACY_HOLE_END - SMBASE_ENTRY &&
		       more.first < plan->tseg_end &&
		       plan->tseg_end - more.first >= SMBASE_ENTRY + room(more.count);
	}
	if (tseg_mib > plan->tseg_max_mib)
		return false;
	plan->tseg_mib = tseg_mib;
	return true;
}

/* As much of what was kept as so many processors need; the rest is RAM again. */
static void fit_tseg(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count)
{
	static const uint8_t sizes[] = { 0, 1, 2, TSEG_MAX_MIB };
	uint32_t needed = cpu_count ? room(cpu_count) : 0;
	uint32_t base = plan->tseg_end - plan->tseg_max_mib * MIB;
	uint32_t i = 0;

	while (sizes[i] < plan->tseg_mib && sizes[i] * MIB < needed)
		i++;
	plan->tseg_mib = sizes[i];
	memmap_reserve(map, base, plan->tseg_end - plan->tseg_mib * MIB, MEMORY_RAM, "RAM");
}

static uint32_t without_place(const struct smm_plan *plan, uint32_t cpu_count)
{
	uint32_t places = plan->areas[0].count + plan->areas[1].count;

	return cpu_count > places ? cpu_count - places : 0;
}

static void place_in_ich9(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count)
{
	struct smm_area *area = plan->areas;

	if (plan->reserved && !plan->at_default)
		memmap_reserve(map, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END, MEMORY_RAM, "RAM");
	if (plan->at_default)
		*area++ = fit_area(SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END);
	else if (cpu_count && !plan->tseg_mib)
		*area++ = fit_area(SMRAM_BASE, SMRAM_END);
	fit_tseg(plan, map, without_place(plan, cpu_count));
	if (plan->tseg_mib)
		*area = fit_area(plan->tseg_end - plan->tseg_mib * MIB, plan->tseg_end);
}

static void place_in_piix4(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count)
{
	uint32_t left, paddr;

	plan->areas[0] = fit_area(SMRAM_BASE, SMRAM_END);
	left = without_place(plan, cpu_count);
	if (!left || plan->waking)
		return;
	paddr = memmap_alloc(map, room(left), SMBASE_SPACING, MEMORY_KEPT, ZONE_LOW, "SMBASEs");
	plan->areas[1] = fit_area(paddr, paddr + room(left));
}

void smm_place(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count, bool at_default)
{
	plan->can_wake = !cpu_count || plan->chipset->smm != SMM_ICH9 || plan->reserved;
	plan->at_default = at_default;
	if (plan->chipset->smm == SMM_ICH9)
		place_in_ich9(plan, map, cpu_count);
	else if (cpu_count)
		place_in_piix4(plan, map, cpu_count);
}

/* The n-th processor's SMBASE.  The default one is the boot processor's. */
static uint32_t find_smbase(const struct smm_plan *plan, uint32_t n)
{
	const struct smm_area *area = plan->areas;

	n += plan->at_default && n >= (SMBASE_DEFAULT - area->first) / SMBASE_SPACING;
	if (n >= area->count) {
		n -= area->count;
		area++;
	}
	return n < area->count ? area->first + n * SMBASE_SPACING : SMBASE_DEFAULT;
}

/* QEMU's FADT names port 0xb2 where SMM is on; without tables the chipset has the answer. */
static bool is_on(const struct chipset *chipset, const struct pci_access *access,
		  uint32_t rsdp_paddr)
{
	const struct acpi_fadt *fadt = NULL;

	if (chipset->smm != SMM_NONE && rsdp_paddr)
		fadt = (const void *)acpi_find_table(rsdp_paddr, "FACP");
	if (fadt)
		return fadt->smi_cmd;
	switch (chipset->smm) {
	case SMM_PIIX4:
		/* Reads as all ones where there is no such function. */
		return !(pci_read32(access, chipset->pm_function, PIIX4_APMC & ~3u) >>
				 (PIIX4_APMC % 4 * 8) &
			 PIIX4_APMC_EN);
	case SMM_ICH9:
		return !(inl(ICH9_SMI_EN_PORT) & ICH9_APMC_EN);
	case SMM_NONE:
	default:
		return false;
	}
}

/* True when the host bridge can have SMRAM at the default SMBASE (machine types since 5.0). */
static bool has_default_smram(const struct pci_access *access)
{
	uint8_t answer;

	pci_write8(access, PCI_BDF(0, 0, 0), MCH_F_SMBASE, F_SMBASE_QUERY);
	answer = (uint8_t)pci_read32(access, PCI_BDF(0, 0, 0), MCH_F_SMBASE);
	if (answer == F_SMBASE_LOCK)
		cpu_reset();
	return answer == F_SMBASE_IN_RAM;
}

static void program_chipset(const struct smm_plan *plan, const struct pci_access *access)
{
	const struct chipset *chipset = plan->chipset;
	uint32_t smram = SMRAM_C_BASE_SEG | SMRAM_D_LCK;
	uint32_t esmramc = ESMRAMC_RESET;

	/* Nothing is in the A segment where all are at the default SMBASE: it is locked away. */
	if (!plan->at_default || plan->tseg_mib)
		smram |= SMRAM_G_SMRAME;
	if (chipset->smm == SMM_PIIX4) {
		pci_write8(access, PCI_BDF(0, 0, 0), I440FX_SMRAM, (uint8_t)smram);
		pci_write8(access, chipset->pm_function, PIIX4_APMC, PIIX4_APMC_EN);
		return;
	}
	if (plan->tseg_mib)
		esmramc |= ESMRAMC_T_EN;
	if (plan->tseg_mib == 2)
		esmramc |= ESMRAMC_TSEG_2M;
	if (plan->tseg_mib == 8)
		esmramc |= ESMRAMC_TSEG_8M;
	pci_write32(access, PCI_BDF(0, 0, 0), MCH_F_SMBASE,
		    (plan->at_default ? F_SMBASE_LOCK : 0) | smram << MCH_SMRAM_SHIFT |
			    esmramc << MCH_ESMRAMC_SHIFT);
	/* ICH9's SMI_LOCK would be an exit for nothing: in QEMU it locks GBL_SMI_EN alone, which
	 * switches nothing (hw/isa/lpc_ich9.c). */
	outl(ICH9_SMI_EN_PORT, ICH9_APMC_EN | ICH9_GBL_SMI_EN);
}

static void put_far_jump(uint8_t *code, uint32_t target)
{
	uint32_t offset = target - AP_ENTRY;

	code[0] = FAR_JUMP;
	code[1] = (uint8_t)offset;
	code[2] = (uint8_t)(offset >> 8);
	code[3] = (uint8_t)(AP_ENTRY >> 4);
	code[4] = (uint8_t)(AP_ENTRY >> 12);
}

static void send_smi(uint32_t apic_id)
{
	mmio_write32(LAPIC_BASE + LAPIC_ICR_HIGH, apic_id << 24);
	mmio_write32(LAPIC_BASE + LAPIC_ICR_LOW, LAPIC_ICR_ASSERT | LAPIC_ICR_SMI);
}

/* The other processors with a place, one after the other; false when one does not take its SMI. */
static bool relocate_others(const struct smm_plan *plan, struct smp_block *block)
{
	uint32_t n = !plan->at_default; /* else the boot processor has the first */
	uint32_t done = 0;

	block->resume = phys_addr(smi_relocated);
	for (uint32_t id = 0; id <= LAPIC_MAX_XAPIC_ID; id++) {
		if (!(block->present[id / 32] >> id % 32 & 1))
			continue;
		block->smbase = find_smbase(plan, n++);
		if (block->smbase == SMBASE_DEFAULT)
			return true;
		send_smi(id);
		if (!cpu_wait(plan->cpu, &block->relocated, ++done))
			return false;
	}
	/* Larger ids cannot be sent to: those raise the SMI themselves when it is their turn. */
	for (uint32_t turn = 1; turn <= block->turns; turn++) {
		block->smbase = find_smbase(plan, n++);
		if (block->smbase == SMBASE_DEFAULT)
			return true;
		*(volatile uint32_t *)&block->turn = turn;
		if (!cpu_wait(plan->cpu, &block->relocated, ++done))
			return false;
	}
	return true;
}

static bool relocate_self(const struct smm_plan *plan, struct smp_block *block)
{
	block->relocated = 0;
	block->resume = 0;
	block->smbase = plan->at_default ? SMBASE_DEFAULT : find_smbase(plan, 0);
	if (plan->cpu->leaf1_edx & CPUID_1_EDX_APIC)
		send_smi(plan->cpu->leaf1_ebx >> 24);
	else
		outb(APM_CNT_PORT, APM_CNT_NOTHING);
	return cpu_wait(plan->cpu, &block->relocated, 1);
}

static void set_up(const struct smm_plan *plan, struct smp_block *block,
		   const struct pci_access *access)
{
	uint8_t *entry = phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY);
	uint8_t *state = phys_ptr(SMBASE_DEFAULT + SMBASE_STATE);
	struct saved saved;

	memcpy(saved.entry, entry, sizeof(saved.entry));
	memcpy(saved.state, state, sizeof(saved.state));
	put_far_jump(entry, phys_addr(smi_relocate));
	block->acpi_values = plan->chipset->acpi_enable | (uint32_t)plan->chipset->acpi_disable
								  << 8;
	program_chipset(plan, access);
	if (!relocate_others(plan, block))
		console_log(
			"smm: a processor took no SMI; it and those after it keep the SMBASE of a reset");
	if (!relocate_self(plan, block))
		console_log("smm: no SMI on the boot processor; it keeps the SMBASE of a reset");
	if (plan->at_default)
		return;
	memcpy(entry, saved.entry, sizeof(saved.entry));
	memcpy(state, saved.state, sizeof(saved.state));
}

/* Whether SMRAM is what this chipset and RAM can have, which the boot had before a wake. */
static bool is_safe(const struct smm_plan *plan, uint32_t cpu_count)
{
	return plan->chipset->smm != SMM_ICH9 || plan->at_default || !plan->tseg_max_mib ||
	       (plan->tseg_mib && !without_place(plan, cpu_count));
}

void smm_init(struct smm_plan *plan, struct smp_block *block, const struct pci_access *access,
	      struct memmap *map, uint32_t cpu_count, uint32_t rsdp_paddr)
{
	bool on = is_on(plan->chipset, access, rsdp_paddr);

	smm_place(plan, map, on ? cpu_count : 0, on && plan->reserved && has_default_smram(access));
	if (on && plan->waking && !is_safe(plan, cpu_count)) {
		console_log(
			"smm: %u MiB of TSEG, by the record of the last boot, are not what %u processors "
			"need; booting anew instead of waking",
			plan->tseg_mib, cpu_count);
		cpu_reset();
	}
	if (on)
		set_up(plan, block, access);
	block->turn = SMP_NO_TURN;
}
