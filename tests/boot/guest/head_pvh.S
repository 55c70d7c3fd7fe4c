/* head_pvh.S - the PVH entry, named by the ELF note. The loader has cleared .bss. */
#include "start.h"

	.section .note.pvh, "a", @note
	.long	4, 4, 18                /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	pvh_entry

	.section .head, "ax"
	.global pvh_entry
pvh_entry:
	movl	%eax, entry_state + STATE_EAX
	movl	%ecx, entry_state + STATE_ECX
	movl	%edx, entry_state + STATE_EDX
	movl	%ebx, entry_state + STATE_EBX
	movl	%esp, entry_state + STATE_ESP
	movl	%ebp, entry_state + STATE_EBP
	movl	%esi, entry_state + STATE_ESI
	movl	%edi, entry_state + STATE_EDI
	movl	$stack_top, %esp
	pushfl
	popl	entry_state + STATE_EFLAGS
	save_system_registers "+entry_state"
	movl	$PROTOCOL_PVH, entry_state + STATE_PROTOCOL
	jmp	start
