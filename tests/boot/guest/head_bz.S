/*
 * head_bz.S - the protected-mode part of a bzImage, linked at 0 and loaded anywhere.
 *
 * The 32-bit entry is its first byte, the 64-bit entry lies 0x200 behind.  Either records its
 * state, applies the relocations, clears .bss and continues in start.  There is no stack at the
 * 32-bit entry, so as in Linux four bytes of boot_params serve (its field "scratch"); EAX, ECX and
 * EDX are lost.
 */
#include "start.h"

#define BP_SCRATCH      0x1e4
#define rva(symbol)     ((symbol) - startup_32)

	.section .head, "ax"
	.global startup_32
startup_32:
	movl	%esp, %eax
	leal	BP_SCRATCH + 4(%esi), %esp
	pushfl
	popl	%ecx
	call	1f
1:	popl	%edx
	subl	$(1b - startup_32), %edx
	movl	%eax, STATE_ESP + rva(entry_state)(%edx)
	movl	%ecx, STATE_EFLAGS + rva(entry_state)(%edx)
	movl	%ebx, STATE_EBX + rva(entry_state)(%edx)
	movl	%ebp, STATE_EBP + rva(entry_state)(%edx)
	movl	%esi, STATE_ESI + rva(entry_state)(%edx)
	movl	%edi, STATE_EDI + rva(entry_state)(%edx)
	save_system_registers "+entry_state-startup_32(%edx)"
	movl	$PROTOCOL_LINUX32, STATE_PROTOCOL + rva(entry_state)(%edx)

/* EDX = load address, which is also what to add; 32-bit flat mode without paging. */
relocate:
	cld
	movl	%edx, %ebp
	leal	rva(relocations)(%ebp), %esi
	leal	rva(relocations_end)(%ebp), %edi
1:	cmpl	%edi, %esi
	jae	2f
	movl	(%esi), %eax                    /* r_offset; all are R_386_RELATIVE */
	addl	%ebp, (%eax, %ebp)
	addl	$8, %esi
	jmp	1b
2:	leal	rva(bss_start)(%ebp), %edi
	leal	rva(image_end)(%ebp), %ecx
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	leal	rva(stack_top)(%ebp), %esp
	jmp	start

	.org	0x200
	.code64
startup_64:
	movl	%eax, entry_state + STATE_EAX(%rip)
	movl	%ecx, entry_state + STATE_ECX(%rip)
	movl	%edx, entry_state + STATE_EDX(%rip)
	movl	%ebx, entry_state + STATE_EBX(%rip)
	movl	%esp, entry_state + STATE_ESP(%rip)
	movl	%ebp, entry_state + STATE_EBP(%rip)
	movl	%esi, entry_state + STATE_ESI(%rip)
	movl	%edi, entry_state + STATE_EDI(%rip)
	shrq	$32, %rsi
	movl	%esi, entry_state + STATE_HIGH(%rip)
	leaq	stack_top(%rip), %rsp
	pushfq
	popq	%rax
	movl	%eax, entry_state + STATE_EFLAGS(%rip)
	movq	%cr0, %rax
	movl	%eax, entry_state + STATE_CR0(%rip)
	movq	%cr3, %rax
	movl	%eax, entry_state + STATE_CR3(%rip)
	movq	%cr4, %rax
	movl	%eax, entry_state + STATE_CR4(%rip)
	movl	$0xc0000080, %ecx               /* IA32_EFER */
	rdmsr
	movl	%eax, entry_state + STATE_EFER(%rip)
	movl	%cs, %eax
	movl	%eax, entry_state + STATE_CS(%rip)
	movl	%ds, %eax
	movl	%eax, entry_state + STATE_DS(%rip)
	movl	%es, %eax
	movl	%eax, entry_state + STATE_ES(%rip)
	movl	%ss, %eax
	movl	%eax, entry_state + STATE_SS(%rip)
	sgdt	entry_state + STATE_GDT(%rip)
	movl	$PROTOCOL_LINUX64, entry_state + STATE_PROTOCOL(%rip)

	/* Back to 32 bits: a code segment without L, then paging and long mode off. */
	leaq	own_gdt(%rip), %rax
	movq	%rax, own_gdtr + 2(%rip)
	lgdt	own_gdtr(%rip)
	leaq	startup_32(%rip), %rdx
	leaq	1f(%rip), %rax
	pushq	$8
	pushq	%rax
	lretq
	.code32
1:	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	%edx, %ebx
	movl	$0xc0000080, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	movl	%eax, %cr4
	movl	%ebx, %edx
	jmp	relocate
