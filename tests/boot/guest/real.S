/*
 * real.S - a Multiboot kernel of its own, from 0x8000 on as old kernels are, that calls the BIOS.
 *
 * QEMU has the information structure at 0x9500, where this kernel itself is.  Ends QEMU with the
 * code CODE_PASS, or with one that says what was wrong.
 */
#define MAGIC           0x1badb002
#define INFO_SIZE       0x58

#define CODE_PASS       0x10
#define CODE_INFO       0x21            /* the information structure is inside the kernel */
#define CODE_BIOS_DATA  0x22            /* the BIOS data area does not name the EBDA */
#define CODE_CARRY      0x23            /* a call returned without CF */
#define CODE_ANSWER     0x24            /* AH is not 86h */
#define CODE_REGISTERS  0x25            /* something else has changed */
#define CODE_INTERRUPT  0x26            /* what was no call changed a register or the flags */

#define CODE16          0x08
#define DATA16          0x10

	.macro	fail_unless condition, code
	j\condition	9f
	movw	$\code, %ax
	jmp	leave
9:
	.endm

	.section .head, "ax"
	.balign	4
	.long	MAGIC, 0, -MAGIC

	.code32
	.global	real_entry
real_entry:
	cli
	movl	%ebx, info
	lgdtl	gdt_pointer
	lidtl	vectors_pointer
	ljmpl	$CODE16, $1f
	.code16
1:	movw	$DATA16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	%cr0, %eax
	andb	$0xfe, %al
	movl	%eax, %cr0
	ljmpw	$0, $2f
2:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$stack_end, %esp

	movl	info, %eax
	cmpl	$image_end, %eax
	jae	3f
	addl	$INFO_SIZE, %eax
	cmpl	$image_start, %eax
	fail_unless be, CODE_INFO
3:	cmpw	$0x9fc0, 0x40e
	fail_unless e, CODE_BIOS_DATA
	cmpw	$639, 0x413
	fail_unless e, CODE_BIOS_DATA

	.irp	vector, 0x15, 0x10, 0, 0xff
	movw	$0xec00, %ax
	movw	$0x1234, %bx
	movw	$0x2345, %cx
	movw	$0x3456, %dx
	movw	$0x4567, %si
	movw	$0x5678, %di
	movw	$0x6789, %bp
	clc
	int	$\vector
	fail_unless c, CODE_CARRY
	cmpw	$0x8600, %ax
	fail_unless e, CODE_ANSWER
	call	check_registers
	.endr

	/* Arrive at a vector as an interrupt does, without an INT instruction. */
	movw	$0xec00, %ax
	clc
	pushfw
	lcallw	*(8 * 4)
	fail_unless nc, CODE_INTERRUPT
	cmpw	$0xec00, %ax
	fail_unless e, CODE_INTERRUPT
	call	check_registers
	movw	$CODE_PASS, %ax
leave:
	movw	$0xf4, %dx
	outb	%al, %dx
	hlt

check_registers:
	cmpw	$0x1234, %bx
	jne	1f
	cmpw	$0x2345, %cx
	jne	1f
	cmpw	$0x3456, %dx
	jne	1f
	cmpw	$0x4567, %si
	jne	1f
	cmpw	$0x5678, %di
	jne	1f
	cmpw	$0x6789, %bp
	jne	1f
	movw	%ds, %ax
	testw	%ax, %ax
	jne	1f
	ret
1:	movw	$CODE_REGISTERS, %ax
	jmp	leave

	.balign	8
gdt:
	.quad	0
	.quad	0x00009b000000ffff
	.quad	0x000093000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
vectors_pointer:
	.word	0x3ff
	.long	0
info:
	.long	0

	.bss
	.balign	4
	.skip	0x5000
stack_end:

	.section .note.GNU-stack, "", @progbits
