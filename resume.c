/*
 * resume.c - see resume.h.
 */
#include "resume.h"

#include "acpi_find.h"
#include "console.h"
#include "handoff.h"
#include "io.h"
#include "layout.h"
#include "phys.h"
#include "spec/cmos.h"
#include "spec/msr.h"
#include "string.h"

/* clang-format off */
#define MAGIC                   0x51335351u     /* "QS3Q" */

#define FACS_MIN_LENGTH         33              /* up to the version */
#define REAL_MODE_END           0x100000u
/* clang-format on */

static uint32_t checksum(const struct resume *resume)
{
	const uint32_t *words = (const void *)resume;
	uint32_t sum = 0;

	for (uint32_t i = offsetof(struct resume, facs_paddr) / 4; i < sizeof(*resume) / 4; i++)
		sum += words[i];
	return sum;
}

/* The checksum proves nothing, as a forger can sum, too: all counts and names are checked. */
static bool is_bounded(const struct resume *resume)
{
	const struct acpi_writes *writes = &resume->writes;

	if (!resume->cpu_count || writes->count > LOADER_MAX_WRITES)
		return false;
	for (uint32_t i = 0; i < writes->count; i++)
		if (writes->writes[i].size > sizeof(writes->writes[i].value) ||
		    writes->writes[i].file[FW_CFG_NAME_SIZE - 1])
			return false;
	return true;
}

static bool woken(void)
{
	outb(CMOS_INDEX_PORT, CMOS_SHUTDOWN);
	if (inb(CMOS_DATA_PORT) != CMOS_SHUTDOWN_WAKE)
		return false;
	outb(CMOS_INDEX_PORT, CMOS_SHUTDOWN);
	outb(CMOS_DATA_PORT, 0);
	return true;
}

/*
 * An INIT leaves the chipset as it was and, under KVM, the MTRRs.  Where neither tells (a microvm
 * whose accelerator clears the MTRRs) an INIT counts as a reset.
 */
static bool was_reset(const struct machine *machine)
{
	uint32_t needed = CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR;

	if ((machine->cpu.leaf1_edx & needed) == needed && rdmsr(IA32_MTRR_DEF_TYPE))
		return false;
	return chipset_is_reset(machine->chipset);
}

bool resume_probe(struct resume *resume, const struct machine *machine)
{
	if (resume->magic != MAGIC || resume->checksum != checksum(resume))
		return false;
	resume->magic = 0;
	if (!is_bounded(resume) || !resume->facs_paddr || !woken()) {
		if (!was_reset(machine))
			cpu_reset();
		return false;
	}
	if (resume->system == RESUME_RELOADED)
		console_log(
			"resume: QEMU has put the ELF kernel's image back over the sleeping system; "
			"booting anew, use a bzImage or a UKI for a guest that sleeps");
	else if (resume->system != RESUME_WHOLE)
		console_log(
			"resume: the kernel lies where a wake sets SMRAM up; booting anew, give the "
			"guest more memory (-m)");
	return resume->system == RESUME_WHOLE;
}

void resume_arm(struct resume *resume, enum resume_system system, const struct acpi_writes *writes,
		uint32_t hole_base, uint32_t cpu_count, uint32_t rsdp_paddr)
{
	const struct acpi_fadt *fadt = (const void *)acpi_find_table(rsdp_paddr, "FACP");

	resume->facs_paddr = fadt ? fadt->firmware_ctrl : 0;
	resume->system = system;
	resume->cpu_count = cpu_count;
	resume->hole_base = hole_base;
	resume->writes = *writes;
	resume->checksum = checksum(resume);
	resume->magic = MAGIC;
}

noreturn void resume_jump(struct resume *resume, uint32_t ram_end)
{
	const struct acpi_facs *facs;

	if (resume->facs_paddr > ram_end - sizeof(*facs))
		panic("resume: the FACS is at 0x%x, RAM ends at 0x%x; the guest has changed the firmware's "
		      "memory and must be started anew",
		      resume->facs_paddr, ram_end);
	facs = phys_ptr(resume->facs_paddr);
	/* The mark may be of an older sleep, whose wake found no record and left it in CMOS. */
	if (!facs->firmware_waking_vector && !facs->x_firmware_waking_vector) {
		console_log("resume: the FACS at 0x%x has no waking vector; booting anew",
			    resume->facs_paddr);
		cpu_reset();
	}
	resume->magic = MAGIC; /* for the next wake */
	if (facs->length >= FACS_MIN_LENGTH && facs->version >= 1 &&
	    facs->x_firmware_waking_vector && !(facs->x_firmware_waking_vector >> 32))
		handoff32((uint32_t)facs->x_firmware_waking_vector, 0, 0, 0);
	if (!facs->firmware_waking_vector || facs->firmware_waking_vector >= REAL_MODE_END)
		panic("resume: the waking vector in the FACS at 0x%x is 0x%x, no real-mode address; the "
		      "operating system cannot wake, do not suspend it to RAM",
		      resume->facs_paddr, facs->firmware_waking_vector);
	handoff16(facs->firmware_waking_vector);
}
