/*
 * handoff.S - see handoff.h.  -mregparm=3: arguments in EAX, EDX, ECX, then the stack.
 */
#include "layout.h"
#include "spec/msr.h"

	.text
	.code32
	.globl handoff32
handoff32:
	movl    4(%esp), %esi
	movl    %ecx, %ebx
	movl    %eax, %ecx
	movl    %edx, %eax
	movw    $SELECTOR_TSS, %dx
	ltr     %dx
	xorl    %edx, %edx
	xorl    %edi, %edi
	xorl    %ebp, %ebp
	pushl   $0
	popfl
	jmp     *%ecx

/*
 * This runs in low RAM, because the page tables lack the ROM.  They have the stack, too.
 */
	.section .lowcode, "awx"
	.balign 8
gdt64:
	.quad   0
	.quad   0
	.quad   0x00af9b000000ffff              /* SELECTOR_CODE32: 64-bit here, for Linux */
	.quad   0x00cf93000000ffff              /* SELECTOR_DATA */
gdt64_pointer:
	.word   . - gdt64 - 1
	.long   gdt64

	.globl handoff64
handoff64:
	movl    %eax, %edi
	movl    %edx, %esi
	movl    %ecx, %cr3
	movl    $CR4_PAE, %eax
	movl    %eax, %cr4
	movl    $IA32_EFER, %ecx
	rdmsr
	orl     $EFER_LME, %eax
	wrmsr
	movl    %cr0, %eax
	orl     $CR0_PG, %eax
	movl    %eax, %cr0
	lgdtl   gdt64_pointer
	ljmpl   $SELECTOR_CODE32, $1f

	.code64
1:	movl    $SELECTOR_DATA, %eax
	movl    %eax, %ds
	movl    %eax, %es
	movl    %eax, %ss
	movl    %edi, %eax                      /* clears the upper half */
	xorl    %ebp, %ebp
	xorl    %edi, %edi
	xorl    %ebx, %ebx
	movl    %esi, %esi
	jmp     *%rax

/*
 * Real mode is entered from 16-bit protected mode, so that the segments have its limits.  The code
 * is in low RAM, in the segment that begins at LOWCODE_SEGMENT.
 */
#define LOWCODE_SEGMENT (FIRMWARE_DATA_BASE >> 4)
#define SELECTOR_CODE16 0x08
#define SELECTOR_DATA16 0x10

	.code32
	.balign 8
gdt16:
	.quad   0
	.quad   0x00009b000000ffff | (FIRMWARE_DATA_BASE << 16)
	.quad   0x000093000000ffff              /* SELECTOR_DATA16: base 0 */
gdt16_pointer:
	.word   . - gdt16 - 1
	.long   gdt16
idt16_pointer:
	.word   0x3ff
	.long   0
far_pm16:
	.long   pm16 - FIRMWARE_DATA_BASE
	.word   SELECTOR_CODE16
far_real:
	.long   real - FIRMWARE_DATA_BASE
	.word   LOWCODE_SEGMENT
target16:
	.word   0, 0                            /* offset, segment */

	.globl handoff16
handoff16:
	movl    %eax, %edx
	shrl    $4, %edx
	andl    $0xf, %eax
	movw    %ax, target16
	movw    %dx, target16 + 2
	movl    $far_real - FIRMWARE_DATA_BASE, %ebx
	movl    $target16 - FIRMWARE_DATA_BASE, %edi
	lgdtl   gdt16_pointer
	lidtl   idt16_pointer
	ljmpl   *far_pm16
	.code16
pm16:
	movw    $SELECTOR_DATA16, %ax
	movw    %ax, %ds
	movw    %ax, %es
	movw    %ax, %fs
	movw    %ax, %gs
	movw    %ax, %ss
	movl    %cr0, %eax
	andb    $~CR0_PE, %al
	movl    %eax, %cr0
	ljmpl   *%cs:(%bx)
real:
	xorw    %ax, %ax
	movw    %ax, %ds
	movw    %ax, %es
	movw    %ax, %fs
	movw    %ax, %gs
	movw    %ax, %ss
	ljmpw   *%cs:(%di)

	.section .note.GNU-stack, "", @progbits
