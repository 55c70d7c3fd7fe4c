/* cpu_ap.S - the other processors' way to ap_main(). */
	.text
	.globl	ap_nmi
	/* By NMI, in 32-bit protected mode with the firmware's segments; the stack is of no use. */
ap_nmi:
	movl	$1, %eax
	lock xaddl %eax, ap_next
	movl	%eax, %esp
	shll	$9, %esp
	addl	$ap_stacks + 512, %esp
	pushl	%eax
	call	ap_main
1:	cli
	hlt
	call	ap_woken
	jmp	1b

	/* By SIPI: copied to page 2. */
	.globl	ap_real, ap_real_end, ap_real_far
	.code16
ap_real:
	cli
	lgdtl	%cs:ap_real_gdtr - ap_real
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	*%cs:ap_real_far - ap_real
	.code32
ap_real32:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	jmp	ap_nmi
	.balign	4
ap_real_gdtr:
	.word	23
	.long	own_gdt
ap_real_far:
	.long	ap_real32
	.word	8
ap_real_end:

	/* Out of S3, by way of ap_real: attack.c. */
	.globl	wake32
wake32:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$stack_top, %esp
	call	woken

	.bss
	.balign	16
ap_stacks:
	.skip	512 * 289

	.section .note.GNU-stack, "", @progbits
