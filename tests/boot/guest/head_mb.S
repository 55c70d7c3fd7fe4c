/* head_mb.S - the multiboot 1 header and entry. The loader has cleared .bss. */
#include "start.h"

#define MAGIC   0x1badb002
#define FLAGS   3               /* modules on page boundaries, memory map wanted */

	.section .head, "ax"
	.balign	4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.global mb_entry
mb_entry:
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
	movl	$PROTOCOL_MULTIBOOT, entry_state + STATE_PROTOCOL
	jmp	start
