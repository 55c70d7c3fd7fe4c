/*
 * smm.c - see smm.h.
 *
 * SMRAM is never opened: the first SMI runs from RAM, sees SMRAM because it is one, and puts the
 * handler there itself.  So one write to the chipset, with the lock bit in it, is all.
 */
#include "smm.h"

#include "acpi_find.h"
#include "console.h"
#include "layout.h"
#include "phys.h"
#include "string.h"

/* i440FX, and Q35 as a part of a dword: written with what the other bytes hold after reset. */
/* clang-format off */
#define I440FX_SMRAM            0x72            /* u8 */
#define MCH_F_SMBASE            0x9c            /* u8, and two more: */
  #define MCH_SMRAM_SHIFT         8
  #define MCH_ESMRAMC_SHIFT       16
#define SMRAM_C_BASE_SEG        0x02            /* reads so */
#define SMRAM_G_SMRAME          (1u << 3)       /* processors in SMM see it */
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
#define ICH9_GEN_PMCON_1        0xa0            /* u16 */
  #define ICH9_SMI_LOCK           (1u << 4)

#define APM_CNT_PORT            0xb2
  #define APM_CNT_NOTHING         0             /* no value of the FADT's */

#define MIB                     0x100000u
#define TSEG_MIN_BASE           (16 * MIB)      /* less memory keeps its TSEG */
#define TSEG_MANY_CPUS_END      (1024 * MIB)    /* less memory has no thousand processors */

#define FAR_JUMP                0xea            /* offset, segment: 16 bits each */
#define SMI_PAUSES              (1u << 20)      /* an SMI of one's own comes at once, or never */
/* clang-format on */

/* smi.S */
extern const char smi_relocate[], smi_ap_relocated[];

/* What cpu_count processors take, from the first entry to the end of the last one's state. */
static uint32_t room(uint32_t cpu_count)
{
	return SMBASE_STATE + SMBASE_STATE_SIZE - SMBASE_ENTRY + cpu_count * SMBASE_SPACING;
}

static bool reserve_tseg(struct smm_plan *plan, struct memmap *map, uint32_t end, uint32_t mib)
{
	if (end < TSEG_MIN_BASE + mib * MIB || !memmap_is(map, end - mib * MIB, end, MEMORY_RAM))
		return false;
	memmap_reserve(map, end - mib * MIB, end, MEMORY_KEPT, "TSEG");
	plan->tseg_end = end;
	plan->tseg_mib = mib;
	return true;
}

void smm_reserve(struct smm_plan *plan, enum smm_kind kind, struct memmap *map)
{
	uint32_t end;

	*plan = (struct smm_plan){ 0 };
	if (kind != SMM_ICH9)
		return;
	end = memmap_low_ram_end(map);
	if (end < TSEG_MANY_CPUS_END || !reserve_tseg(plan, map, end, TSEG_MAX_MIB))
		reserve_tseg(plan, map, end, 1);
}

/* As much of what is reserved as the processors need; the rest is RAM again. */
static void fit_tseg(struct smm_plan *plan, struct memmap *map)
{
	static const uint8_t sizes[] = { 0, 1, 2, TSEG_MAX_MIB };
	uint32_t needed = plan->cpu_count ? room(plan->cpu_count) : 0;
	uint32_t base = plan->tseg_end - plan->tseg_mib * MIB;
	uint32_t i = 0;

	while (sizes[i] < plan->tseg_mib && sizes[i] * MIB < needed)
		i++;
	plan->tseg_mib = sizes[i];
	memmap_reserve(map, base, plan->tseg_end - plan->tseg_mib * MIB, MEMORY_RAM, "RAM");
}

void smm_plan(struct smm_plan *plan, struct memmap *map, uint32_t cpu_count)
{
	uint32_t base = SMRAM_BASE, end = SMRAM_END;
	uint32_t fitting;

	plan->cpu_count = cpu_count;
	if (plan->tseg_mib)
		fit_tseg(plan, map);
	if (!cpu_count)
		return;
	if (plan->tseg_mib) {
		base = plan->tseg_end - plan->tseg_mib * MIB;
		end = plan->tseg_end;
	}
	fitting = (end - base - room(0)) / SMBASE_SPACING + 1;
	plan->first = base - SMBASE_ENTRY;
	plan->end = plan->first + fitting * SMBASE_SPACING;
	if (cpu_count > fitting)
		plan->more = memmap_alloc(map, room(cpu_count - fitting), SMBASE_SPACING,
					  MEMORY_KEPT, ZONE_LOW, "SMBASEs") -
			     SMBASE_ENTRY;
	plan->save = !memmap_is(map, SMBASE_DEFAULT + SMBASE_ENTRY,
				SMBASE_DEFAULT + SMBASE_STATE + SMBASE_STATE_SIZE, MEMORY_RAM);
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

static void program_chipset(const struct smm_plan *plan, const struct chipset *chipset,
			    const struct pci_access *access)
{
	uint32_t smram = SMRAM_C_BASE_SEG | SMRAM_G_SMRAME | SMRAM_D_LCK;
	uint32_t esmramc = ESMRAMC_RESET;

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
		    smram << MCH_SMRAM_SHIFT | esmramc << MCH_ESMRAMC_SHIFT);
	outl(ICH9_SMI_EN_PORT, ICH9_APMC_EN | ICH9_GBL_SMI_EN);
	pci_write8(access, chipset->isa_bridge, ICH9_GEN_PMCON_1, ICH9_SMI_LOCK);
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

static void prepare_block(struct smp_block *block, const struct smm_plan *plan,
			  const struct chipset *chipset)
{
	block->smbase = plan->first;
	block->smbase_end = plan->end;
	block->smbase_more = plan->more;
	block->resume = 0;
	block->entered = 0;
	block->acpi_values = chipset->acpi_enable | (uint32_t)chipset->acpi_disable << 8;
}

void smm_program(const struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
		 const struct chipset *chipset, const struct pci_access *access)
{
	const volatile uint32_t *entered = &block->entered;
	uint8_t *entry = phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY);

	if (!plan->cpu_count)
		return;
	if (plan->save) {
		memcpy(saved->entry, entry, sizeof(saved->entry));
		memcpy(saved->state, phys_ptr(SMBASE_DEFAULT + SMBASE_STATE), sizeof(saved->state));
	}
	prepare_block(block, plan, chipset);
	put_far_jump(entry, phys_addr(smi_relocate));
	program_chipset(plan, chipset, access);
	outb(APM_CNT_PORT, APM_CNT_NOTHING);
	for (uint32_t i = 0; !*entered; i++) {
		if (i == SMI_PAUSES) {
			log("smm: no SMI after a write to port 0xb2; SMBASE stays where it is");
			return;
		}
		cpu_pause();
	}
	block->resume = phys_addr(smi_ap_relocated);
	if (plan->cpu_count > 1)
		block->places = plan->cpu_count - 1;
}

void smm_init(struct smm_plan *plan, struct smm_saved *saved, struct smp_block *block,
	      const struct chipset *chipset, const struct pci_access *access, struct memmap *map,
	      uint32_t cpu_count, uint32_t rsdp_paddr)
{
	smm_plan(plan, map, is_on(chipset, access, rsdp_paddr) ? cpu_count : 0);
	smm_program(plan, saved, block, chipset, access);
}

void smm_finish(const struct smm_plan *plan, const struct smm_saved *saved)
{
	if (!plan->save)
		return;
	memcpy(phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY), saved->entry, sizeof(saved->entry));
	memcpy(phys_ptr(SMBASE_DEFAULT + SMBASE_STATE), saved->state, sizeof(saved->state));
}
