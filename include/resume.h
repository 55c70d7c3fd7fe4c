/*
 * resume.h - S3: what a wake needs to know, and the way back into the operating system.
 *
 * A wake is a reset with RAM kept and a mark in CMOS.  To look there costs exits, so a boot leaves
 * a record in the firmware's own RAM, and only where that is whole is the mark asked for: a machine
 * that was just switched on pays nothing.
 *
 * The operating system can write to the record.  So it decides nothing about SMM (smm.h) and names
 * no MSR, for without its local APIC a processor could be sent no SMI; its counts and addresses are
 * bounded, and what is left in it the operating system could do itself.  A wake writes nothing
 * outside memory that the map calls reserved, but for some bytes below SMALL_STACK_TOP where the
 * operating system left 0xe0000-0xeffff read-only.
 *
 * QEMU hw/acpi/core.c and hw/i386/pc.c, pc_machine_wakeup(); ACPI 6.5, "Waking and Sleeping".
 */
#ifndef RESUME_H
#define RESUME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "acpi.h"
#include "chipset.h"

/* What a wake would find of the sleeping system. */
enum resume_system {
	RESUME_WHOLE,
	RESUME_RELOADED,    /* QEMU puts an ELF kernel into RAM again at each reset */
	RESUME_UNDER_SMRAM, /* the kernel lies where a wake sets SMRAM up (struct smm_plan) */
};

/* The record, which resume_arm() writes. */
struct resume {
	uint32_t magic;
	uint32_t checksum;         /* of all that follows, by words */
	uint32_t facs_paddr;       /* 0: no S3 */
	uint32_t system;           /* enum resume_system */
	uint32_t cpu_count;        /* of the boot: memory for the SMRAM of more is not kept */
	uint32_t hole_base;        /* for smp_probe_msrs() */
	struct acpi_writes writes; /* for acpi_replay() */
};

/*
 * True when the record is whole and this is a wake that can be gone through with; the mark is then
 * erased.  The record is void in any case, until resume_jump() or the next boot's resume_arm(): a
 * wake that stops halfway is no wake the next time.  What cannot be woken is booted anew, with a
 * message.  When nothing was reset (an INIT of the boot processor, while devices go on writing to
 * memory) it resets the machine instead of returning.  A microvm under TCG, where nothing tells an
 * INIT from a reset, is booted anew by an INIT.
 * Cost: none without a record; else 2 VM exits, 2 more for a wake or another boot.
 */
bool resume_probe(struct resume *resume, const struct machine *machine);

/* Leaves the record for the next reset.  It is the last step before the kernel is loaded. */
void resume_arm(struct resume *resume, enum resume_system system, const struct acpi_writes *writes,
		uint32_t hole_base, uint32_t cpu_count, uint32_t rsdp_paddr);

/*
 * Jumps to the operating system's waking vector: in real mode, or in 32-bit protected mode where
 * the FACS is of version 1 and has the longer vector.  Everything else has been restored.  ram_end
 * is where RAM below 4 GiB ends: a FACS beyond that is a panic, and so is a real-mode vector above
 * 1 MiB.  Without a vector no system sleeps: the machine is reset, and boots anew.
 */
noreturn void resume_jump(struct resume *resume, uint32_t ram_end);

#endif
