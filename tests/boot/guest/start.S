/* start.S - where all entries meet: own descriptor tables, then main(). */
#include "start.h"

	.text
	.global start
start:
	cld
	movl	$own_gdt, own_gdtr + 2
	lgdt	own_gdtr
	ljmp	$8, $1f
1:	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs

	movl	$exception_stubs, %eax          /* 16 bytes each */
	movl	$idt, %edi
	movl	$32, %ecx
2:	movw	%ax, (%edi)
	movw	$8, 2(%edi)
	movl	%eax, %edx
	movw	$0x8e00, %dx                    /* present, 32-bit interrupt gate */
	movl	%edx, 4(%edi)
	addl	$16, %eax
	addl	$8, %edi
	loop	2b
	movl	$idt, idtr + 2
	lidt	idtr
	call	main
	hlt

	.balign	16
exception_stubs:
	vector = 0
	.rept	32
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	pushl	$0
	.endif
	pushl	$vector
	jmp	exception_common
	vector = vector + 1
	.endr
exception_common:
	pushl	%esp
	call	exception

	.data
	.balign	8
	.global own_gdt, own_gdtr
own_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
own_gdtr:
	.word	own_gdtr - own_gdt - 1
	.quad	0
idtr:
	.word	32 * 8 - 1
	.long	0
	.balign	8
	.global entry_state
entry_state:
	.fill	STATE_SIZE, 1, 0

	.bss
	.balign	16
idt:
	.skip	32 * 8
	.skip	32768
	.global stack_top
stack_top:

	.section .note.GNU-stack, "", @progbits
