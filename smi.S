/*
 * smi.S - the code that runs in SMM, and how each processor gets there once.
 *
 * All processors come from reset with the same SMBASE, so only one at a time may take its first SMI.
 * The boot processor is first.  The others form a chain: each, as it arrives, leaves its APIC id and
 * remembers whose it found there.  The last to be ready, which may be the boot processor, sends an SMI
 * to the head of the chain, and each, when it is back from SMM, to the one before it.
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
 * One of the other processors waits for its first SMI, which may never come.
 *
 * In: 32-bit protected mode, flat; EDI the own APIC id, ESI that of the one that arrived before or
 * SMP_NOBODY, EBP smp_block.  Out: halted in the ROM, until an INIT.
 */
	.section .entry, "ax"
	.code32
	.globl ap_wait
ap_wait:
	cmpl    $MAX_XAPIC_ID, %edi
	jbe     ap_park
	/* The boot processor cannot name it.  Only ICH9 has such: port 0xb2 reaches who writes to it. */
1:	pause
	movl    SMP_BLOCK_TURN(%ebp), %eax
	cmpl    $SMP_NOBODY, %eax
	je      ap_park
	cmpl    %edi, %eax
	jne     1b
	xorl    %eax, %eax
	outb    %al, $APM_CNT_PORT

/*
 * The end of all others, until an INIT.  An SMI or a debugger goes on after the HLT, an NMI comes here
 * again (ap_idt in start.S).
 */
	.globl ap_park
ap_park:
	movl    $ap_stack_top, %esp
	cli
	hlt
	jmp     ap_park

/*
 * Back from the first SMI; wherever it came, it is over, so that a HLT just ahead does not matter.
 * In: ESI, EDI and EBP as before.  Alone here, until the SMI to the next.
 */
	.globl smi_ap_relocated
smi_ap_relocated:
	movl    SMP_BLOCK_RELOCATED(%ebp), %ecx
	incl    %ecx
	movl    %ecx, SMP_BLOCK_RELOCATED(%ebp)
	cmpl    SMP_BLOCK_PLACES(%ebp), %ecx
	jae     ap_park                         /* the next was plugged in just now: not counted */
	cmpl    $SMP_NOBODY, %esi
	je      ap_park
	movl    %esi, %ecx
	movl    $ap_park, %ebx

/*
 * Gives another processor, or this one, its turn.
 * In: ECX its APIC id, EDI the own one, EBX where to go on.  ESI and EBP stay.
 */
	.globl smi_send
smi_send:
	cmpl    $MAX_XAPIC_ID, %ecx
	ja      3f
	movl    $ICR_SMI, %eax
	cmpl    $MAX_XAPIC_ID, %edi
	ja      2f
	shll    $24, %ecx
	movl    %ecx, LAPIC_BASE + LAPIC_ICR_HIGH
	movl    %eax, LAPIC_BASE + LAPIC_ICR_LOW
	jmp     *%ebx
2:	movl    %ecx, %edx
	movl    $X2APIC_ICR, %ecx
	wrmsr
	jmp     *%ebx
3:	movl    %ecx, SMP_BLOCK_TURN(%ebp)
	jmp     *%ebx

	.section .note.GNU-stack, "", @progbits
