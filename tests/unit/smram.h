/*
 * smram.h - who sees SMRAM on the modelled machine; included by machine.h.
 *
 * The host bridge's registers lock and unlock as QEMU's do.  What they close to everybody but SMM
 * is poisoned for AddressSanitizer, so that any access of the firmware's to it ends the test; SMM's
 * own view is between smram_enter() and smram_leave().  QEMU hw/pci-host/q35.c,
 * mch_update_smram() and mch_update_smbase_smram(); hw/pci-host/i440fx.c.
 */
#ifndef SMRAM_H
#define SMRAM_H

#include "unit.h"

#include "layout.h"

#include <sanitizer/asan_interface.h>

/* clang-format off */
#define MCH_F_SMBASE_OFFSET     0x9c
#define MCH_SMRAM_OFFSET        0x9d
#define MCH_ESMRAMC_OFFSET      0x9e
#define I440FX_SMRAM_OFFSET     0x72
  #define SMRAM_D_OPEN            0x40
  #define SMRAM_D_LOCKED          0x10
  #define SMRAM_SWITCHED_ON       0x08
#define ESMRAMC_TSEG_ON         0x01
/* clang-format on */

#define SMRAM_AREAS 3

/* What SMM alone sees.  locked: until a reset. */
static struct smram_area {
	uint32_t base, end;
	bool closed, locked;
} smram[SMRAM_AREAS];

static bool has_f_smbase; /* q35 from machine type 5.0 on */

static void smram_leave(void)
{
	for (uint32_t i = 0; i < SMRAM_AREAS; i++)
		if (smram[i].closed)
			ASAN_POISON_MEMORY_REGION(fake_phys(smram[i].base,
							    smram[i].end - smram[i].base),
						  smram[i].end - smram[i].base);
}

static void smram_enter(void)
{
	for (uint32_t i = 0; i < SMRAM_AREAS; i++)
		if (smram[i].closed)
			ASAN_UNPOISON_MEMORY_REGION(fake_phys(smram[i].base,
							      smram[i].end - smram[i].base),
						    smram[i].end - smram[i].base);
}

/* As a reset has it, and before RAM goes away. */
static void smram_reset(void)
{
	smram_enter();
	memset(smram, 0, sizeof(smram));
}

/* Whether [base, base + size) is out of everybody's reach but SMM's, for good where it can be. */
static bool smram_is_closed(uint32_t base, uint32_t size, bool for_good)
{
	for (uint32_t i = 0; i < SMRAM_AREAS; i++)
		if (smram[i].closed && base >= smram[i].base && base + size <= smram[i].end)
			return smram[i].locked || !for_good;
	return false;
}

static void smram_set(uint32_t n, uint32_t base, uint32_t end, bool closed, bool locked)
{
	smram_enter();
	smram[n] = (struct smram_area){ base, end, closed, locked };
	smram_leave();
}

static void write_mch(struct fake_pci *mch, uint32_t offset, uint32_t size, uint64_t value)
{
	static const uint32_t tseg_mib[] = { 1, 2, 8, 8 };
	uint8_t *config = mch->config;
	uint32_t ram_end = (uint32_t)fake.ram[0].size;
	bool on, locked;

	(void)value;
	if (offset > MCH_ESMRAMC_OFFSET || offset + size <= MCH_F_SMBASE_OFFSET)
		return;
	if (has_f_smbase && config[MCH_F_SMBASE_OFFSET] == 0xff) {
		config[MCH_F_SMBASE_OFFSET] = 1;
		mch->writable[MCH_F_SMBASE_OFFSET] = 2;
	} else if (has_f_smbase && config[MCH_F_SMBASE_OFFSET] & 2) {
		config[MCH_F_SMBASE_OFFSET] = 2;
		mch->writable[MCH_F_SMBASE_OFFSET] = 0;
		smram_set(0, SMRAM_DEFAULT_BASE, SMRAM_DEFAULT_END, true, true);
	}
	locked = config[MCH_SMRAM_OFFSET] & SMRAM_D_LOCKED;
	if (locked) {
		config[MCH_SMRAM_OFFSET] &= (uint8_t)~SMRAM_D_OPEN;
		mch->writable[MCH_SMRAM_OFFSET] = mch->writable[MCH_ESMRAMC_OFFSET] = 0;
	}
	on = (config[MCH_SMRAM_OFFSET] & SMRAM_SWITCHED_ON) &&
	     !(config[MCH_SMRAM_OFFSET] & SMRAM_D_OPEN);
	smram_set(1, SMRAM_BASE, SMRAM_END, on, locked);
	smram_set(2, ram_end - tseg_mib[config[MCH_ESMRAMC_OFFSET] >> 1 & 3] * (uint32_t)MIB,
		  ram_end, on && (config[MCH_ESMRAMC_OFFSET] & ESMRAMC_TSEG_ON), locked);
}

static void add_mch_registers(struct fake_pci *mch)
{
	mch->config[MCH_SMRAM_OFFSET] = 0x02;
	mch->config[MCH_ESMRAMC_OFFSET] = 0x38;
	mch->writable[MCH_F_SMBASE_OFFSET] = has_f_smbase ? 0xff : 0;
	mch->writable[MCH_SMRAM_OFFSET] = 0x78;
	mch->writable[MCH_ESMRAMC_OFFSET] = 0x87;
	mch->on_write = write_mch;
}

static void write_i440fx(struct fake_pci *bridge, uint32_t offset, uint32_t size, uint64_t value)
{
	uint8_t smram_register = bridge->config[I440FX_SMRAM_OFFSET];

	(void)value;
	if (offset <= I440FX_SMRAM_OFFSET && offset + size > I440FX_SMRAM_OFFSET)
		smram_set(1, SMRAM_BASE, SMRAM_END,
			  (smram_register & SMRAM_SWITCHED_ON) && !(smram_register & SMRAM_D_OPEN),
			  false);
}

static void add_i440fx_registers(struct fake_pci *bridge)
{
	bridge->config[I440FX_SMRAM_OFFSET] = 0x02;
	bridge->writable[I440FX_SMRAM_OFFSET] = 0x78;
	bridge->on_write = write_i440fx;
}

#endif
