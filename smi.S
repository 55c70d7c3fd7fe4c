/*
 * smi.S - the code that runs in SMM, and where the other processors wait for it.  smm.c draws who
 * does what when.
 *
 * SDM Vol. 3C, "System Management Mode"; QEMU target/i386/tcg/sysemu/smm_helper.c.
 */
#include "layout.h"
#include "smp_block.h"

#define FAR_JUMP32              0x66, 0xea      /* in 16-bit code; offset, segment */
#define RSM                     0xaa0f          /* 0f aa */

/* The saved state, from its base, in the layout that the revision tells. */
#define STATE_REVISION          0x0fc
  #define REVISION_64             0x64          /* low byte */
#define STATE64_SMBASE          0x100
#define STATE64_RIP             0x178
#define STATE32_SMBASE          0x0f8
#define STATE32_EIP             0x1f0

	.section .rodata, "a"
	.globl smi_jump
smi_jump:
	.byte   FAR_JUMP32
	.long   smi_relocate - AP_ENTRY
	.word   AP_ENTRY >> 4

/*
 * The first SMI leads here, by smi_jump at the default SMBASE's entry.  It gives the processor the
 * SMBASE in smp_block, and puts an RSM there for every later SMI.  No other handler is needed: QEMU
 * switches ACPI on and off itself, and raises no SMI for it.
 *
 * In: SMM, 16-bit code, CS base AP_ENTRY, all other segments flat.  SMRAM is visible here and
 * nowhere else.  Out: by RSM, to smp_block.resume; if that is 0, to where the SMI came, which is
 * counted in smp_block.relocated.  RSM restores all registers.
 */
	.section .ap, "awx"
	.code16
smi_relocate:
	movl    $smp_block, %ebp
	movl    SMP_BLOCK_SMBASE(%ebp), %ebx
	movw    $RSM, SMBASE_ENTRY(%ebx)
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
 * Where the other processors wait for an INIT.
 *
 * In: 32-bit protected mode, flat; EBP smp_block; EDI 0, or the turn of a processor that the boot
 * processor cannot send an SMI to: when smp_block.turn is that, the processor raises its first SMI
 * itself, through port 0xb2 of ICH9; with PIIX4 none has a turn.  Out: halted in the ROM.
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
 * The first SMI returns here, whatever it interrupted.  The state that it saved has been read, so
 * that the next processor may save its own.
 */
	.globl smi_relocated
smi_relocated:
	incl    SMP_BLOCK_RELOCATED(%ebp)

/* After an SMI the processor goes on behind the HLT; an NMI enters here (ap_idt in start.S). */
ap_park:
	movl    $ap_stack_top, %esp
	cli
	hlt
	jmp     ap_park

	.section .note.GNU-stack, "", @progbits
