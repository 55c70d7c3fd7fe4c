/* fault.S - a Multiboot kernel whose first instruction is none. */
#define MAGIC   0x1badb002

	.section .head, "ax"
	.balign	4
	.long	MAGIC, 0, -MAGIC

	.global	fault_entry
fault_entry:
	ud2

	.section .note.GNU-stack, "", @progbits
