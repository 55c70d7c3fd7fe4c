/*
 * handoff.h - leaving the firmware: the register state each boot protocol demands (handoff.S).
 *
 * Xen docs/misc/pvh.pandoc; Multiboot Specification 0.6.96, 3.2 "Machine state"; Linux
 * Documentation/arch/x86/boot.rst, "32-bit Boot Protocol" and "64-bit Boot Protocol"; ACPI 6.5,
 * 5.2.10 "Firmware ACPI Control Structure (FACS)" for the waking vector.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <stdint.h>
#include <stdnoreturn.h>

/*
 * Jumps to entry in 32-bit protected mode without paging: CS 0x10, DS ES FS GS SS 0x18, flat; TR a
 * 32-bit TSS with base 0 and limit 0x67; interrupts off, EFLAGS otherwise clear, CR4 0, EBP EDI EDX
 * 0, EAX EBX ESI as given.  Serves PVH (EBX), Multiboot (EAX, EBX) and Linux's 32-bit entry (ESI).
 */
noreturn void handoff32(uint32_t entry, uint32_t eax, uint32_t ebx, uint32_t esi);

/*
 * Jumps to entry in long mode, with CR3 = pml4_paddr: CS 0x10, DS ES SS 0x18, interrupts off, RSI
 * as given.  The page tables map entry and the firmware's low memory to themselves.
 */
noreturn void handoff64(uint32_t entry, uint32_t rsi, uint32_t pml4_paddr);

/*
 * Jumps to paddr, below 1 MiB, in real mode: CS paddr >> 4, IP the rest, all other segments 0,
 * their limits 64 KiB, interrupts off, interrupt vectors at 0.  What a waking vector is entered
 * with.
 */
noreturn void handoff16(uint32_t paddr);

#endif
