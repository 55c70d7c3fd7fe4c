/*
 * smi.S - the code that runs in SMM, and how each processor gets there once.
 *
 * All processors come from reset with the same SMBASE, so only one at a time may take its first SMI.
 * The boot processor is first.  The others form a chain in the order of their arrival: the last to
 * arrive sends its SMI to the first, and each, when it is back from SMM, to the next one, or leaves
 * word in its slot if that one is not ready.  Nobody polls, and the boot processor goes on with the
 * boot meanwhile.
 *
 * Not before all have arrived: as long as a processor with an APIC id above 254 is not in x2APIC
 * mode, QEMU's TCG delivers to it also what is for the id in its lower byte.
 *
 * SDM Vol. 3C, "System Management Mode"; QEMU target/i386/tcg/sysemu/smm_helper.c.
 */
#include "layout.h"
#include "smp_block.h"

#define APM_CNT_PORT            0xb2
#define PM1_CNT_PORT            (PM_BASE + 4)
#define PM1_CNT_SCI_EN          0x01

#define LAPIC_ICR_LOW           0x300
#define LAPIC_ICR_HIGH          0x310
#define X2APIC_ICR              0x830           /* the destination in the upper half */
#define ICR_SMI                 0x4200          /* SMI, assert, physical destination */

/* The saved state, from its base, in the layout that the revision tells. */
#define STATE_REVISION          0x0fc
  #define REVISION_64             0x64          /* low byte */
#define STATE64_SMBASE          0x100
#define STATE64_RIP             0x178
#define STATE32_SMBASE          0x0f8
#define STATE32_EIP             0x1f0

/*
 * The first SMI, through a far jump at the default SMBASE's entry: gives the processor an SMBASE of
 * its own, with a handler.
 *
 * In: SMM, 16-bit code, CS base AP_ENTRY, all other segments flat.  SMRAM is visible here and nowhere
 * else.  Out: by RSM, to smp_block.resume unless that is 0.  Registers come back with it.
 */
	.section .ap, "awx"
	.code16
	.globl smi_relocate
smi_relocate:
	movl    $smp_block, %ebp
	movl    SMP_BLOCK_SMBASE(%ebp), %ebx
	leal    SMBASE_ENTRY(%ebx), %edi
	movl    $smi_handler, %esi
	movl    $(smi_handler_end - smi_handler + 3) / 4, %ecx
	cld
	.byte   0x67                            /* 32-bit addresses; clang knows no addr32 here */
	rep movsl
	movw    SMP_BLOCK_ACPI_VALUES(%ebp), %ax
	movw    %ax, SMBASE_ENTRY + smi_acpi_values - smi_handler(%ebx)

	movl    $SMBASE_DEFAULT + SMBASE_STATE, %edi
	cmpb    $REVISION_64, STATE_REVISION(%edi)
	jne     1f
	movl    %ebx, STATE64_SMBASE(%edi)
	addl    $STATE64_RIP, %edi
	jmp     2f
1:	movl    %ebx, STATE32_SMBASE(%edi)
	addl    $STATE32_EIP, %edi
2:	movl    SMP_BLOCK_RESUME(%ebp), %eax
	testl   %eax, %eax
	jz      3f
	movl    %eax, (%edi)
3:	addl    $SMBASE_SPACING, %ebx
	cmpl    SMP_BLOCK_SMBASE_END(%ebp), %ebx
	jne     4f
	movl    SMP_BLOCK_SMBASE_MORE(%ebp), %ebx
4:	movl    %ebx, SMP_BLOCK_SMBASE(%ebp)
	incl    SMP_BLOCK_ENTERED(%ebp)
	rsm

/*
 * Every later SMI.  Copied to each SMBASE; trusts nothing outside SMRAM.  ACPI enable and disable, as
 * the FADT promises (QEMU does them itself and raises no SMI for them); all else is ignored.
 *
 * In: SMM, CS base SMBASE, IP SMBASE_ENTRY.  Out: by RSM, everything as it was.
 */
	.section .rodata, "a"
	.balign 4
smi_handler:
	jmp     1f
smi_acpi_values:
	.byte   0, 0
1:	inb     $APM_CNT_PORT, %al
	movw    $PM1_CNT_PORT, %dx
	cmpb    %cs:SMBASE_ENTRY + smi_acpi_values - smi_handler, %al
	je      2f
	cmpb    %cs:SMBASE_ENTRY + smi_acpi_values - smi_handler + 1, %al
	jne     4f
	inw     %dx, %ax
	andb    $~PM1_CNT_SCI_EN, %al
	jmp     3f
2:	inw     %dx, %ax
	orb     $PM1_CNT_SCI_EN, %al
3:	outw    %ax, %dx
4:	rsm
	.balign 4
smi_handler_end:

/*
 * One of the other processors waits for its turn, takes its first SMI and passes the turn on.
 *
 * In: 32-bit protected mode, flat; EAX the order of arrival from 0, EDI the APIC id, ESI the slots,
 * EBP smp_block.  Out: halted in ap_park.  Clobbers everything.
 */
	.section .entry, "ax"
	.code32
	.globl smi_ap
smi_ap:
	movl    %esi, %ecx
	leal    SMP_SLOT_SIZE(%esi,%eax,SMP_SLOT_SIZE), %esi
	cmpl    SMP_BLOCK_SLOTS_END(%ebp), %esi
	ja      ap_park                         /* plugged in just now: not counted */
	leal    -SMP_SLOT_SIZE(%esi), %esi
	movl    $1f, %ebx
	je      smi_pass                        /* the last one: all are there */
1:	cmpl    $MAX_XAPIC_ID, %edi
	ja      2f
	movl    %edi, %eax
	movb    %al, 1(%esi)
	movb    $SMP_SLOT_PARKED, %al
	xchgb   %al, (%esi)
	cmpb    $SMP_SLOT_TURN, %al
	jne     ap_park
	movl    %edi, %edx
	movl    $ap_park, %ebx
	jmp     smi_send

	/* No xAPIC can name it.  Only ICH9 has such: port 0xb2 reaches the processor that writes. */
2:	pause
	cmpb    $SMP_SLOT_TURN, (%esi)
	jne     2b
	xorl    %eax, %eax
	outb    %al, $APM_CNT_PORT
	jmp     ap_park

/*
 * Back from the first SMI; wherever it came, it is over, so that a HLT just ahead does not matter.
 * In: ESI, EDI and EBP as before.
 */
	.globl smi_ap_relocated
smi_ap_relocated:
	lock incl SMP_BLOCK_RELOCATED(%ebp)
	leal    SMP_SLOT_SIZE(%esi), %ecx
	movl    $ap_park, %ebx
	cmpl    SMP_BLOCK_SLOTS_END(%ebp), %ecx
	jae     ap_park

	/* Gives the slot at ECX its turn, goes on at EBX.  In: EDI the own APIC id. */
smi_pass:
	movb    $SMP_SLOT_TURN, %al
	xchgb   %al, (%ecx)
	cmpb    $SMP_SLOT_PARKED, %al
	jne     3f                              /* not ready yet, or it polls */
	movzbl  1(%ecx), %edx

	/* Sends an SMI to the APIC id in EDX, goes on at EBX. */
smi_send:
	movl    $ICR_SMI, %eax
	cmpl    $MAX_XAPIC_ID, %edi
	ja      4f
	shll    $24, %edx
	movl    %edx, LAPIC_BASE + LAPIC_ICR_HIGH
	movl    %eax, LAPIC_BASE + LAPIC_ICR_LOW
3:	jmp     *%ebx
4:	movl    $X2APIC_ICR, %ecx
	wrmsr
	jmp     *%ebx

	.section .note.GNU-stack, "", @progbits
