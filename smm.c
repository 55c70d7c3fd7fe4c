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
 *                 for each: an SMBASE; SMI ---> relocator: RSM there, SMBASE; RSM; halts
 *                 SMI to itself, the last; with SMRAM at the default SMBASE it keeps that, and the
 *                 RSM takes the place of the jump: who is plugged in later runs it, too
 *
 * SMIs go out one at a time, because all processors come from reset with the same SMBASE and would
 * save their state to one place; and after all have arrived, because a processor with an APIC id
 * above 254 gets what is sent to the id in its lower byte until it is in x2APIC mode.  If one may
 * be missing, or knows no more than that byte of its id, none is sent: it would take the SMBASE of
 * another.
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
#define MCH_F_SMBASE            0x9c            /* u8: SMRAM at the default SMBASE; two u8 follow */
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
  #define ESMRAMC_TSEG_8M         (2u << 1)

#define PIIX4_APMC              0x5b            /* u8 */
  #define PIIX4_APMC_EN           (1u << 1)
#define ICH9_SMI_EN_PORT        (PM_BASE + 0x30)        /* u32 */
  #define ICH9_GBL_SMI_EN         (1u << 0)
  #define ICH9_APMC_EN            (1u << 5)

#define APM_CNT_NOTHING         0               /* for port 0xb2: none of the FADT's values */

#define MIB                     0x100000u
#define TSEG_MIN_BASE           (16 * MIB)      /* TSEG is not taken from lower memory */
#define MANY_CPUS_RAM           (1024 * MIB)    /* with less a guest is not that large */
#define LEAST_RAM               (2 * MIB)       /* with less a kernel needs all of it */
/* clang-format on */

/* smi.S */
#define SMI_JUMP_SIZE 8
extern const char smi_jump[], smi_relocated[];

/* What the first SMIs overwrite, which are taken at the default SMBASE. */
struct saved {
	uint8_t entry[SMI_JUMP_SIZE];
	uint8_t state[SMBASE_STATE_SIZE];
};

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

/* Keeps a range, unless a kernel is there: a wake would keep it, and cannot take place then. */
static bool keep(struct smm_plan *plan, struct memmap *map, uint32_t base, uint32_t end)
{
	bool is_free = memmap_is(map, base, end, MEMORY_RAM);

	plan->can_wake &= is_free;
	if (is_free)
		memmap_reserve(map, base, end, MEMORY_KEPT, "SMRAM");
	return is_free;
}

static void give_back(struct memmap *map, uint32_t base, uint32_t end)
{
	memmap_reserve(map, base, end, MEMORY_RAM, "RAM");
}

void smm_reserve(struct smm_plan *plan, const struct machine *machine, struct memmap *map)
{
	uint32_t ram_end = memmap_low_ram_end(map);
	uint32_t mib = ram_end < MANY_CPUS_RAM ? 1 : TSEG_MAX_MIB;

	*plan = (struct smm_plan){ .machine = machine, .can_wake = true };
	if (machine->chipset->smm != SMM_ICH9 || ram_end < LEAST_RAM)
		return;
	plan->default_kept = keep(plan, map, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END);
	for (; mib && !plan->tseg_mib; mib /= TSEG_MAX_MIB)
		if (ram_end - mib * MIB >= TSEG_MIN_BASE &&
		    keep(plan, map, ram_end - mib * MIB, ram_end))
			plan->tseg_mib = mib;
}

/* Fits TSEG to the processors that have no place yet; gives back what is not needed. */
static struct smm_area fit_tseg(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count)
{
	uint32_t ram_end = memmap_low_ram_end(map);
	uint32_t kept_base = ram_end - plan->tseg_mib * MIB;

	if (!cpu_count)
		plan->tseg_mib = 0;
	else if (plan->tseg_mib && room(cpu_count) <= MIB)
		plan->tseg_mib = 1;
	give_back(map, kept_base, ram_end - plan->tseg_mib * MIB);
	if (!plan->tseg_mib)
		return (struct smm_area){ 0, 0 };
	return fit_area(ram_end - plan->tseg_mib * MIB, ram_end);
}

void smm_place(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count, bool at_default)
{
	struct smm_area *areas = plan->areas;
	uint32_t left;

	plan->at_default = at_default;
	if (at_default)
		areas[0] = fit_area(SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END);
	else if (!plan->tseg_mib)
		areas[0] = fit_area(SMRAM_BASE, SMRAM_END);
	if (plan->default_kept && !at_default)
		give_back(map, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END);
	left = cpu_count > areas[0].count ? cpu_count - areas[0].count : 0;
	if (plan->machine->chipset->smm == SMM_ICH9)
		areas[1] = fit_tseg(plan, map, left);
	else if (left && keep(plan, map, SMRAM_MORE_BASE, SMRAM_MORE_END))
		areas[1] = fit_area(SMRAM_MORE_BASE, SMRAM_MORE_END);
	plan->can_wake |= !cpu_count;
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
static bool is_on(const struct machine *machine, uint32_t rsdp_paddr)
{
	const struct chipset *chipset = machine->chipset;
	const struct acpi_fadt *fadt;
	uint32_t apmc;

	if (chipset->smm == SMM_NONE)
		return false;
	fadt = (const void *)acpi_find_table(rsdp_paddr, "FACP");
	if (fadt)
		return fadt->smi_cmd;
	if (chipset->smm == SMM_ICH9)
		return !(inl(ICH9_SMI_EN_PORT) & ICH9_APMC_EN);
	/* The register reads as all ones where there is no such function. */
	apmc = pci_read32(&machine->pci, chipset->pm_function, PIIX4_APMC & ~3u);
	return !(apmc >> (PIIX4_APMC % 4 * 8) & PIIX4_APMC_EN);
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

static void program_chipset(const struct smm_plan *plan)
{
	const struct chipset *chipset = plan->machine->chipset;
	const struct pci_access *access = &plan->machine->pci;
	uint32_t smram = SMRAM_C_BASE_SEG | SMRAM_D_LCK;
	uint32_t esmramc = ESMRAMC_RESET;

	/* The A segment is not used if all SMBASEs are around the default one: it stays off. */
	if (!plan->at_default || plan->tseg_mib)
		smram |= SMRAM_G_SMRAME;
	if (chipset->smm == SMM_PIIX4) {
		pci_write8(access, PCI_BDF(0, 0, 0), I440FX_SMRAM, (uint8_t)smram);
		pci_write8(access, chipset->pm_function, PIIX4_APMC, PIIX4_APMC_EN);
		return;
	}
	if (plan->tseg_mib)
		esmramc |= ESMRAMC_T_EN;
	if (plan->tseg_mib == TSEG_MAX_MIB)
		esmramc |= ESMRAMC_TSEG_8M;
	pci_write32(access, PCI_BDF(0, 0, 0), MCH_F_SMBASE,
		    (plan->at_default ? F_SMBASE_LOCK : 0) | smram << MCH_SMRAM_SHIFT |
			    esmramc << MCH_ESMRAMC_SHIFT);
	/* ICH9's SMI_LOCK would be an exit for nothing: in QEMU it locks GBL_SMI_EN alone, which
	 * switches nothing (hw/isa/lpc_ich9.c). */
	outl(ICH9_SMI_EN_PORT, ICH9_APMC_EN | ICH9_GBL_SMI_EN);
}

static void send_smi(uint32_t apic_id)
{
	mmio_write32(LAPIC_BASE + LAPIC_ICR_HIGH, apic_id << 24);
	mmio_write32(LAPIC_BASE + LAPIC_ICR_LOW, LAPIC_ICR_ASSERT | LAPIC_ICR_SMI);
}

/*
 * Gives each other processor its SMBASE by an SMI; false when one does not take it.  An id above
 * LAPIC_MAX_XAPIC_ID is a turn: that processor cannot be sent an SMI, and raises it itself.  With
 * PIIX4 it cannot: what it writes to the port is an SMI of the boot processor's.
 */
static bool relocate_others(const struct smm_plan *plan, struct smp_block *block)
{
	uint32_t n = !plan->at_default; /* else the boot processor has the first */
	uint32_t turns = plan->machine->chipset->smm == SMM_ICH9 ? block->turns : 0;
	uint32_t done = 0;

	block->resume = phys_addr(smi_relocated);
	for (uint32_t id = 0; id <= LAPIC_MAX_XAPIC_ID + turns; id++) {
		bool by_turn = id > LAPIC_MAX_XAPIC_ID;

		if (!by_turn && !(block->present[id / 32] >> id % 32 & 1))
			continue;
		block->smbase = find_smbase(plan, n++);
		if (block->smbase == SMBASE_DEFAULT)
			return true;
		if (by_turn)
			*(volatile uint32_t *)&block->turn = id - LAPIC_MAX_XAPIC_ID;
		else
			send_smi(id);
		if (!cpu_wait(&plan->machine->cpu, &block->relocated, ++done))
			return false;
	}
	return true;
}

static bool relocate_self(const struct smm_plan *plan, struct smp_block *block, bool by_apic)
{
	const struct cpu *cpu = &plan->machine->cpu;

	block->relocated = 0;
	block->resume = 0;
	block->smbase = plan->at_default ? SMBASE_DEFAULT : find_smbase(plan, 0);
	if (by_apic)
		send_smi(cpu->leaf1_ebx >> 24);
	else
		outb(APM_CNT_PORT, APM_CNT_NOTHING);
	return cpu_wait(cpu, &block->relocated, 1);
}

/*
 * Whether the ids of those that have arrived differ.  Without CPUID leaf 0Bh a processor knows the
 * lower byte of its id alone, and may find another there, or the boot processor.
 */
static bool ids_differ(const struct machine *machine, const struct smp_block *block)
{
	uint32_t boot_apic_id = machine->cpu.leaf1_ebx >> 24;
	uint32_t arrived = block->arrived - block->turns, ids = 0;

	for (uint32_t id = 0; id <= LAPIC_MAX_XAPIC_ID; id++)
		ids += id != boot_apic_id && block->present[id / 32] >> id % 32 & 1;
	return ids >= arrived;
}

/*
 * Whether an SMI that is sent to an APIC id reaches nobody else.  The limit is one more than the
 * highest id that there can be (QEMU hw/i386/fw_cfg.c); 0, where nobody says it, is any.
 */
static bool ids_are_unique(const struct machine *machine, const struct smp_block *block)
{
	return (!block->missing && ids_differ(machine, block)) ||
	       fw_cfg_read_u32(&machine->cfg, FW_CFG_KEY_APIC_ID_LIMIT) - 1 <= LAPIC_MAX_XAPIC_ID;
}

static void set_up(const struct smm_plan *plan, struct smp_block *block)
{
	const struct machine *machine = plan->machine;
	bool unique = ids_are_unique(machine, block);
	bool has_apic = machine->cpu.leaf1_edx & CPUID_1_EDX_APIC;
	uint8_t *entry = phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY);
	uint8_t *state = phys_ptr(SMBASE_DEFAULT + SMBASE_STATE);
	struct saved saved;

	memcpy(saved.entry, entry, sizeof(saved.entry));
	memcpy(saved.state, state, sizeof(saved.state));
	memcpy(entry, smi_jump, sizeof(saved.entry));
	program_chipset(plan);
	if (!unique && block->missing)
		console_log(
			"smm: one that did not answer may get the SMIs of others; only the boot processor has an SMBASE of its own");
	else if (!unique)
		console_log(
			"smm: one without CPUID leaf 0xb may get the SMIs of others; only the boot processor has an SMBASE of its own, add level=11 to -cpu");
	else if (!relocate_others(plan, block))
		console_log(
			"smm: a processor took no SMI; it and those after it keep the SMBASE of a reset");
	if (!relocate_self(plan, block, has_apic && unique))
		console_log("smm: no SMI on the boot processor; it keeps the SMBASE of a reset");
	if (plan->at_default)
		return;
	memcpy(entry, saved.entry, sizeof(saved.entry));
	memcpy(state, saved.state, sizeof(saved.state));
}

void smm_init(struct smm_plan *plan, struct smp_block *block, struct memmap *map,
	      uint32_t cpu_count, uint32_t rsdp_paddr)
{
	bool on = is_on(plan->machine, rsdp_paddr);

	smm_place(plan, map, on ? cpu_count : 0,
		  on && plan->default_kept && has_default_smram(&plan->machine->pci));
	if (on)
		set_up(plan, block);
	block->turn = SMP_NO_TURN;
}
