/*
 * attack.c - what a hostile kernel tries to get into SMM.  Words of the command line:
 *
 *   smm.forge=N smm.value=V
 *              the N-th word of the record that the firmware keeps for S3 becomes V, its sum is
 *              mended, and a reset is made to look like a wake; where the firmware believes
 *              that, its wake leads to woken(), else it boots anew
 *   smm.wake   the same with the record as it is, after the last of reboot=N
 *   smm.plug   a processor that the host plugs in after "WAIT for a processor" raises an SMI of its
 *              own
 *
 * In each case the attacker's code lies where the first SMI of a processor leads after a reset, and
 * where the forged word might have moved that.
 */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define FIRMWARE_DATA           0xea000u
#define FIRMWARE_DATA_END       0xf0000u
#define RECORD_MAGIC            0x51335351u
#define RECORD_SUM              1               /* word after the magic; what it sums up follows */

#define FADT_FACS               36
#define FACS_VECTOR             12
#define SDT_SIZE                36

#define CMOS_SHUTDOWN           0x0f
  #define SHUTDOWN_WAKE           0xfe
#define VECTOR                  0x6000u

#define APM_CNT                 0xb2
#define SMI_EN                  0x630
#define ICR_LOW                 (LAPIC_BASE + 0x300)
#define ICR_HIGH                (LAPIC_BASE + 0x310)
#define PATIENCE                200000000u
/* clang-format on */

extern char ap_real[], ap_real_end[], ap_real_far[], wake32[];
void woken(void);

static uint64_t value;
static bool forges;

static uint32_t *find_record(void)
{
	for (uint32_t p = FIRMWARE_DATA; p < FIRMWARE_DATA_END; p += 4)
		if (get32(at(p)) == RECORD_MAGIC)
			return at(p);
	return NULL;
}

static uint8_t *find_facs(void)
{
	const uint8_t *rsdt = at(get32(at((uint32_t)handoff.rsdp + 16)));

	for (uint32_t offset = SDT_SIZE; handoff.rsdp && offset < get32(rsdt + 4); offset += 4) {
		const uint8_t *table = at(get32(rsdt + offset));

		if (starts_with((const char *)table, "FACP"))
			return at(get32(table + FADT_FACS));
	}
	return NULL;
}

/* The way of cpu_ap.S from real mode, but to wake32. */
static void write_vector(void)
{
	uint32_t entry = paddr_of(wake32);

	memcpy(at(VECTOR), ap_real, (size_t)(ap_real_end - ap_real));
	memcpy(at(VECTOR + (uint32_t)(ap_real_far - ap_real)), &entry, sizeof(entry));
}

void forge_if_asked(void)
{
	uint32_t *record = find_record();
	uint8_t *facs = find_facs();
	uint32_t vector = VECTOR;
	uint64_t n, reboots = 0;

	forges = word_value("smm.forge", &n) && word_value("smm.value", &value);
	word_value("reboot", &reboots);
	if ((!forges && !word("smm.wake")) || boot_number() != reboots + 1 || !all_passed())
		return;
	if (!check(record && facs, "smm.record", "a record and a FACS", "neither"))
		return;
	write_vector();
	memcpy(facs + FACS_VECTOR, &vector, sizeof(vector));
	if (forges) {
		n += RECORD_SUM + 1;
		record[RECORD_SUM] += (uint32_t)value - record[n];
		record[n] = (uint32_t)value;
	}
	mark_boot(boot_number());
	outb(PORT_CMOS, CMOS_SHUTDOWN);
	outb(PORT_CMOS + 1, SHUTDOWN_WAKE);
	outb(PORT_RESET, 0x02);
	outb(PORT_RESET, 0x06);
	for (;;)
		__asm__ volatile("pause");
}

static void enable_smi(void)
{
	if (pci_machine() == Q35)
		outl(SMI_EN, 0x21);
	else
		pci_write8(0xb, 0x5b, 2);
}

/* The firmware has gone through with the wake: nothing may have been won by it. */
void woken(void)
{
	print("OK smm.woken: the vector was called\n");
	enable_smi();
	smm_set_trap(0x30000);
	if (value >= MIB && value < 64 * MIB)
		smm_set_trap((uint32_t)value);
	outb(APM_CNT, 0x55);
	*(volatile uint32_t *)at(ICR_HIGH) = mmio_read32(LAPIC_BASE + LAPIC_ID);
	*(volatile uint32_t *)at(ICR_LOW) = 0x4200;
	for (uint32_t i = 0; i < 100000; i++)
		__asm__ volatile("pause");
	check_equal("smm.forged", 0, smm_trapped());
	if (pci_machine() == Q35)
		smm_check_closed();
	if (word("cpu.smm"))
		cpu_check_woken(!forges);
	finish();
}

/* A processor that was not there when the firmware ran. */
void check_plugged(void)
{
	uint32_t before = fw_cfg_u16(FW_CFG_NB_CPUS);

	if (!word("smm.plug"))
		return;
	print("WAIT for a processor\n");
	for (uint32_t i = 0; i < PATIENCE && fw_cfg_u16(FW_CFG_NB_CPUS) == before; i++)
		__asm__ volatile("pause");
	enable_smi();
	smm_set_trap(0x30000);
	check(cpu_start_plugged(), "smm.plugged", "the processor to run", "none");
	check_equal("smm.plugged-trapped", 0, smm_trapped());
}
