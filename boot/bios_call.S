/*
 * bios_call.S - the one handler of all real-mode interrupts, see bios.h.
 *
 * In: real mode, in the ROM's alias below 1 MiB; FLAGS, CS and IP on the stack.
 * Out: after an INT instruction CF is set and AH is 86h, "function not supported", as a BIOS
 * answers where it lacks a service.  An interrupt or an exception changes nothing.  The first one
 * is told on the debug console.  The firmware's data must still be where it was.
 */
#include "layout.h"
#include "spec/debugcon.h"

#define INT_OPCODE       0xcd
#define NOT_SUPPORTED    0x86
#define FLAGS_CF         0x01

/* The stack, from BP on. */
#define CALLER_AX        -4
#define CALLER_AH        -3
#define CALLER_IP        2
#define CALLER_CS        4
#define CALLER_FLAGS     6

	.section .entry, "ax"
	.code16
bios_call:
	pushw   %bp
	movw    %sp, %bp
	pushal
	pushw   %ds
	cld
	ldsw    CALLER_IP(%bp), %bx
	cmpb    $INT_OPCODE, -2(%bx)
	jne     1f
	movzbw  -1(%bx), %cx                    /* which interrupt, and with what in AX */
	movw    CALLER_AX(%bp), %bx
	orb     $FLAGS_CF, CALLER_FLAGS(%bp)
	movb    $NOT_SUPPORTED, CALLER_AH(%bp)
	movw    $call_text, %si
	jmp     2f
1:	movw    CALLER_CS(%bp), %cx
	movw    CALLER_IP(%bp), %bx
	movw    $interrupt_text, %si
2:	movw    $FIRMWARE_DATA_BASE >> 4, %ax
	movw    %ax, %ds
	movl    $was_told - FIRMWARE_DATA_BASE, %eax
	btsw    $0, (%eax)
	jc      3f
	call    tell
3:	popw    %ds
	popal
	popw    %bp
	iretw

/* Writes the text at CS:SI, in which each '#' stands for a number: CX first, then BX. */
tell:
	movw    $DEBUGCON_PORT, %dx
	inb     %dx, %al
	cmpb    $DEBUGCON_READBACK, %al
	jne     3f
1:	lodsb   %cs:(%si), %al
	cmpb    $'#', %al
	je      4f
	testb   %al, %al
	jz      3f
2:	outb    %al, %dx
	jmp     1b
3:	ret
4:	movw    $4, %di
5:	rolw    $4, %cx
	movw    %cx, %ax
	andb    $0x0f, %al
	addb    $'0', %al
	cmpb    $'9', %al
	jbe     6f
	addb    $'a' - '9' - 1, %al
6:	outb    %al, %dx
	decw    %di
	jnz     5b
	movw    %bx, %cx
	jmp     1b

call_text:
	.ascii  "qboot: bios: the kernel calls interrupt 0x# with AX 0x#; this firmware has no BIOS "
	.asciz  "services, the answer is \"not supported\"\r\n"
interrupt_text:
	.ascii  "qboot: bios: an interrupt or exception came in real mode, at 0x#:0x#; this firmware "
	.asciz  "handles none\r\n"

	.balign 4
	.globl  bios_call_vector
bios_call_vector:
	.word   bios_call                       /* the lower half: a 16-bit relocation keeps it */
	.word   ROM_ALIAS_BASE >> 4

	.section .data, "aw"
	.balign 2
was_told:
	.word   0

	.section .note.GNU-stack, "", @progbits
