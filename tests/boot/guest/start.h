/* start.h - struct entry_state and enum protocol of guest.h for the assembly. */
#define PROTOCOL_PVH       1
#define PROTOCOL_LINUX32   2
#define PROTOCOL_LINUX64   3
#define PROTOCOL_MULTIBOOT 4

#define STATE_PROTOCOL 0
#define STATE_EAX      4
#define STATE_ECX      8
#define STATE_EDX      12
#define STATE_EBX      16
#define STATE_ESP      20
#define STATE_EBP      24
#define STATE_ESI      28
#define STATE_EDI      32
#define STATE_EFLAGS   36
#define STATE_CR0      40
#define STATE_CR3      44
#define STATE_CR4      48
#define STATE_EFER     52
#define STATE_CS       56
#define STATE_DS       60
#define STATE_ES       64
#define STATE_SS       68
#define STATE_FS       72
#define STATE_GS       76
#define STATE_TR       80
#define STATE_HIGH     84
#define STATE_GDT      88
#define STATE_SIZE     98

#ifdef __ASSEMBLER__
/* clang-format off */
/*
 * Stores what 32-bit code sees apart from the general registers.  `where` completes an operand that
 * starts with the offset into entry_state.  Uses EAX.
 */
.macro save_system_registers where
	movl	%cr0, %eax
	movl	%eax, STATE_CR0\where
	movl	%cr3, %eax
	movl	%eax, STATE_CR3\where
	movl	%cs, %eax
	movl	%eax, STATE_CS\where
	movl	%ds, %eax
	movl	%eax, STATE_DS\where
	movl	%es, %eax
	movl	%eax, STATE_ES\where
	movl	%ss, %eax
	movl	%eax, STATE_SS\where
	movl	%fs, %eax
	movl	%eax, STATE_FS\where
	movl	%gs, %eax
	movl	%eax, STATE_GS\where
	strl	%eax
	movl	%eax, STATE_TR\where
	sgdt	STATE_GDT\where
.endm
/* clang-format on */
#endif
