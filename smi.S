/*
 * smi.S - the code that runs in SMM, and where the other processors wait for it.  smm.c draws who
 * does what when.
 *
 * SDM Vol. 3C, "System Management Mode"; QEMU target/i386/tcg/sysemu/smm_helper.c.
 */
#include "layout.h"
#include "smp_block.h"

#define PM1_CNT_PORT            (PM_BASE + 4)
#define PM1_CNT_SCI_EN          0x01

/* The saved state, from its base, in the layout that the revision tells. */
#define STATE_REVISION          0x0fc
  #define REVISION_64             0x64          /* low byte */
#define STATE64_SMBASE          0x100
#define STATE64_RIP             0x178
#define STATE32_SMBASE          0x0f8
#define STATE32_EIP             0x1f0

/*
 * The first SMI, through a far jump at the default SMBASE's entry: gives the processor the SMBASE
 * in smp_block, with a handler.
 *
 * In: SMM, 16-bit code, CS base AP_ENTRY, all other segments flat.  SMRAM is visible here and
 * nowhere else.  Out: by RSM, to smp_block.resume; where that is 0, whence it came, and counted in
 * smp_block.relocated.  Registers come back with it.
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
	rsm
3:	incl    SMP_BLOCK_RELOCATED(%ebp)
	rsm

/*
 * Every later SMI.  Copied to each SMBASE; trusts nothing outside SMRAM.  ACPI enable and disable,
 * as the FADT promises (QEMU does them itself and raises no SMI for them); all else is ignored.
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
 * Where the other processors end, until an INIT.
 *
 * In: 32-bit protected mode, flat; EBP smp_block, EDI 0 or, with an APIC id that the boot processor
 * cannot send an SMI to, a turn: when that comes, the processor raises its first SMI itself, which
 * it can through port 0xb2 of ICH9; PIIX4 has no such processors.  Out: halted in the ROM.
 */
	.section .entry, "ax"
	.code32
	.globl ap_wait, ap_park
ap_wait:
	testl   %edi, %edi
	jz      ap_park
1:	pause
	movl    SMP_BLOCK_TURN(%ebp), %eax
	cmpl    $SMP_NO_TURN, %eax
	je      ap_park
	cmpl    %edi, %eax
	jne     1b
	xorl    %eax, %eax
	outb    %al, $APM_CNT_PORT
	jmp     ap_park

/*
 * Back from the first SMI, wherever it came: the state that it saved is read, so the next processor
 * may save its own.
 */
	.globl smi_relocated
smi_relocated:
	incl    SMP_BLOCK_RELOCATED(%ebp)

/* An SMI or a debugger goes on after the HLT; an NMI comes here again (ap_idt in start.S). */
ap_park:
	movl    $ap_stack_top, %esp
	cli
	hlt
	jmp     ap_park

	.section .note.GNU-stack, "", @progbits
