/*
 * start.S - from the reset vector to main(), the other processors' way, and the exception entries.
 *
 * Runs on the boot processor in the state of SDM Vol. 3A, "Processor State After Reset": real mode,
 * CS base 0xffff0000, EIP 0xfff0, caches off (CR0.CD and NW set).  Every branch before protected
 * mode is near: a far jump to F000:xxxx would run whatever the last operating system left in RAM
 * there (PAM registers survive a reset).
 *
 * 16-bit addresses of ROM symbols: the linker takes the lower half of an address in the upper 32
 * KiB of the ROM, which is where bios.lds puts everything, and refuses any other.
 *
 * Nothing in RAM is trusted: .data is copied, .bss cleared; .noinit has a checksum (resume.h).  Nor
 * is it trusted to be RAM: what cannot be written to would keep the code and the return addresses
 * that somebody has put there.
 */
#include "layout.h"
#include "msr_list.h"
#include "smp_block.h"
#include "spec/lapic.h"
#include "spec/msr.h"

#define INTERRUPT_GATE32 0x8e00                 /* present, of 32 bits */

	.section .reset, "ax"
	.code16
	.globl reset_vector
reset_vector:
	.byte   0xe9                            /* jmp rel16 */
	.word   entry16 - . - 2
	.balign 16, 0xff

	.section .entry, "ax"
	.code16
entry16:
	cli
	cld
	lgdtl   %cs:rom_gdt_pointer
	movl    %cr0, %eax
	andl    $~(CR0_NW | CR0_CD), %eax
	orl     $CR0_PE, %eax
	movl    %eax, %cr0
	ljmpl   $SELECTOR_CODE32, $entry32

	.code32
entry32:
	movw    $SELECTOR_DATA, %ax
	movw    %ax, %ds
	movw    %ax, %es
	movw    %ax, %fs
	movw    %ax, %gs
	movw    %ax, %ss
	lidtl   idt_pointer                     /* an NMI may come at any time */
	xorl    %ebx, %ebx
check_ram:
	movl    $STACK_TOP, %esp
	movl    $FIRMWARE_BASE + PAM_SIZE - 4, %edi
1:	movl    (%edi), %eax
	notl    (%edi)
	cmpl    (%edi), %eax
	je      not_ram
	notl    (%edi)
	addl    $PAM_SIZE, %edi
	cmpl    $FIRMWARE_DATA_END, %edi
	jb      1b

	movl    $data_image, %esi
	movl    $data_start, %edi
	movl    $data_end, %ecx
	subl    %edi, %ecx
	shrl    $2, %ecx
	rep movsl
	xorl    %eax, %eax
	movl    $bss_start, %edi
	movl    $bss_end, %ecx
	subl    %edi, %ecx
	shrl    $2, %ecx
	rep stosl

	lgdtl   gdt_pointer                     /* the same descriptors, writable for LTR */
	call    main
1:	hlt                                     /* main() does not return */
	jmp     1b

/*
 * There is no RAM, or a PAM register write-protects it, which the last operating system has left.
 * In a wake the stack here is that system's own memory.
 */
not_ram:
	movl    $SMALL_STACK_TOP, %esp
	testl   %ebx, %ebx
	jz      2f
	call    console_no_ram
2:	incl    %ebx
	call    chipset_open_e_segment
	jmp     check_ram

/*
 * Where the other processors (APs) start.
 *
 * In: real mode, CS base AP_ENTRY, IP 0, interrupts off, caches off; all at once, so nothing here
 * uses a stack or writes memory but for locked instructions.  smp_block is filled in.
 * Out: MSRs as smp_block lists them; x2APIC mode with an APIC id that xAPIC mode cannot hold;
 * counted in smp_block.arrived; then to ap_wait in smi.S.  Clobbers everything.
 */
	.section .ap, "awx"
	.code16
	.globl ap_entry
ap_entry:
	lgdtl   %cs:ap_gdt_pointer - ap_entry
	lidtl   %cs:ap_idt_pointer - ap_entry
	movl    %cr0, %eax
	andl    $~CR0_NW, %eax
	orl     $CR0_PE, %eax
	movl    %eax, %cr0
	ljmpl   $SELECTOR_CODE32, $ap_entry32
	.balign 4
ap_gdt_pointer:
	.word   rom_gdt_end - rom_gdt - 1
	.long   rom_gdt

/*
 * The other processors' vectors: an NMI, which may have ended HLT, parks its processor again.  All
 * share one stack, because none returns from there: NMIs stay blocked until an INIT.
 */
	.balign 4
ap_idt_pointer:
	.word   ap_idt_end - ap_idt - 1
	.long   ap_idt
	.balign 8
ap_idt:
	.quad   0, 0
	.word   ap_park                         /* the lower half: a 16-bit relocation keeps it */
	.word   SELECTOR_CODE32
	.word   INTERRUPT_GATE32
	.word   ROM_BASE >> 16
ap_idt_end:
	.skip   12                              /* what an NMI pushes */
	.globl ap_stack_top
ap_stack_top:

	.section .entry, "ax"
	.code32
ap_entry32:
	movw    $SELECTOR_DATA, %ax
	movw    %ax, %ds
	movw    %ax, %es
	movw    %ax, %ss
	movl    $ap_stack_top, %esp
	wbinvd                                  /* SDM Vol. 3A, "MTRR Considerations */
	movl    $smp_block, %ebp                /* in MP Systems"; msr_list_program() does, too */
	movl    SMP_BLOCK_MSRS(%ebp), %esi
	movl    MSR_LIST_COUNT(%esi), %edi
	addl    $MSR_LIST_VALUES, %esi
	testl   %edi, %edi
	jz      2f
1:	movl    MSR_VALUE_MSR(%esi), %ecx
	movl    MSR_VALUE_LOW(%esi), %eax
	movl    MSR_VALUE_HIGH(%esi), %edx
	wrmsr
	addl    $MSR_VALUE_SIZE, %esi
	decl    %edi
	jnz     1b
2:	wbinvd
	movl    %cr0, %eax
	andl    $~(CR0_NW | CR0_CD), %eax
	movl    %eax, %cr0

	/* EDI gets the APIC id: leaf 0Bh has all of it, the register only the lower byte. */
	xorl    %eax, %eax
	cpuid
	cmpl    $0x0b, %eax
	jb      3f
	movl    $0x0b, %eax
	xorl    %ecx, %ecx
	cpuid
	movl    %edx, %edi
	testl   %ebx, %ebx                      /* no threads: the leaf is empty */
	jnz     4f
3:	movl    LAPIC_BASE + LAPIC_ID, %edi
	shrl    $24, %edi
4:	cmpl    $SMP_NAMED_IDS, %edi
	jae     5f
	lock btsl %edi, SMP_BLOCK_PRESENT(%ebp)
5:	xorl    %esi, %esi                      /* its turn */
	cmpl    $LAPIC_MAX_XAPIC_ID, %edi
	jbe     6f
	/* In xAPIC mode its id would be the lower byte, which is the id of another processor. */
	movl    $IA32_APIC_BASE, %ecx
	rdmsr
	orl     $APIC_BASE_X2APIC, %eax         /* a reset has enabled the APIC */
	wrmsr
	movl    $1, %esi
	lock xaddl %esi, SMP_BLOCK_TURNS(%ebp)
	incl    %esi
6:	movl    %esi, %edi
	lock incl SMP_BLOCK_ARRIVED(%ebp)
	jmp     ap_wait

/*
 * Exceptions 0 to 31.  Vectors 8, 10-14, 17, 21, 29 and 30 push an error code; the others get a 0.
 * console_exception(vector, error_code, eip) takes its arguments in EAX, EDX and ECX (-mregparm=3).
 */
	.altmacro
	.macro exception n
exception\n:
	.if \n == 2
	iretl                                   /* the boot goes on after an NMI */
	.endif
	.if \n != 8 && (\n < 10 || \n > 14) && \n != 17 && \n != 21 && \n != 29 && \n != 30
	pushl   $0
	.endif
	pushl   $\n
	jmp     exception_common
	.endm
	.set i, 0
	.rept 32
	exception %i
	.set i, i + 1
	.endr

exception_common:
	popl    %eax
	popl    %edx
	popl    %ecx                            /* EIP; CS and EFLAGS stay on the stack */
	call    console_exception

	.balign 8
idt:
	.macro gate n
	.word   exception\n                     /* the lower half: a 16-bit relocation keeps it */
	.word   SELECTOR_CODE32
	.word   INTERRUPT_GATE32
	.word   ROM_BASE >> 16
	.endm
	.set i, 0
	.rept 32
	gate %i
	.set i, i + 1
	.endr
idt_end:

idt_pointer:
	.word   idt_end - idt - 1
	.long   idt

	.macro descriptors
	.quad   0
	.quad   0
	.quad   0x00cf9b000000ffff              /* SELECTOR_CODE32: flat, 32-bit, accessed */
	.quad   0x00cf93000000ffff              /* SELECTOR_DATA: flat, writable, accessed */
	.quad   0x0000890000000067              /* SELECTOR_TSS: base 0, limit 0x67, available */
	.endm

	.balign 8
rom_gdt:
	descriptors
rom_gdt_end:
rom_gdt_pointer:
	.word   rom_gdt_end - rom_gdt - 1
	.long   rom_gdt
gdt_pointer:
	.word   rom_gdt_end - rom_gdt - 1
	.long   gdt

	.section .data, "aw"
	.balign 8
gdt:
	descriptors

	/* An ELF note with the version: the owner's name, type 1, a string. */
	.section .note.qboot, "", @note
	.long   1f - 0f, 3f - 2f, 1
0:	.asciz  "qboot"
1:	.balign 4
2:	.asciz  QBOOT_VERSION
3:	.balign 4

	.section .note.GNU-stack, "", @progbits
