/*
 * layout.h - the fixed addresses: what the firmware lays out, and what several modules use.
 *
 *   0x00000000  interrupt vectors, which lead to "not supported", and the BIOS data area, two words
 *               of which are set (bios.h)
 *   0x00000500  conventional memory, the operating system's
 *   0x0009fc00  EBDA, 1 KiB: its size, and the MP floating pointer, if a kernel leaves no other
 *               place; the whole page from 0x9f000 on is kept                    (reserved)
 *   0x000a0000  VGA window or nothing; 0xc0000-0xdffff option ROM space          (not ours)
 *   0x000e0000  FIRMWARE_POOL: RSDP, small tables, boot structures               (reserved)
 *   0x000e8000  SMBIOS structures; the anchor in the ROM points here             (reserved)
 *   0x000ea000  where the other processors start: a page number is all a SIPI can say
 *               .data, .bss, .noinit, then the stack growing down from its end   (reserved)
 *   0x000f0000  the ROM's alias; operating systems scan it for the SMBIOS anchor
 *   0x00100000  RAM, the operating system's; large tables are taken from its top
 *   0xffff0000  the ROM; everything executes here
 *
 * Why 0xe0000-0xeffff: with a 64 KiB image QEMU leaves it plain RAM on every machine, no operating
 * system takes it for RAM, and kernels scan it for the RSDP.  So nothing the kernel could use is
 * lost, and no PAM register has to be written (hw/i386/x86.c, x86_bios_rom_init()).
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#define BDA_EBDA_SEGMENT    0x0000040e /* u16: EBDA_BASE >> 4 */
#define BDA_BASE_MEMORY_KIB 0x00000413 /* u16: RAM below the EBDA */

#define LOW_RAM_END     0x0009f000 /* the page that the EBDA begins in */
#define EBDA_BASE       0x0009fc00
#define MP_POINTER      0x0009fc10 /* in the first KiB of the EBDA, 16-byte aligned */
#define EBDA_END        0x000a0000
#define LEGACY_HOLE_END 0x00100000

#define FIRMWARE_BASE      0x000e0000
#define FIRMWARE_POOL_BASE 0x000e0000
#define FIRMWARE_POOL_END  0x000e8000
#define SMBIOS_BASE        0x000e8000
#define SMBIOS_END         0x000ea000
#define FIRMWARE_DATA_BASE 0x000ea000
#define FIRMWARE_DATA_END  0x000f0000
#define AP_ENTRY           FIRMWARE_DATA_BASE /* a multiple of 4 KiB */
#define STACK_TOP          FIRMWARE_DATA_END
#define STACK_SIZE         0x1000
#define SMALL_STACK_TOP    0x00008000 /* as long as there is no RAM up to STACK_TOP */

#define PAM_SIZE  0x4000 /* what half a PAM register stands for */
#define PAGE_SIZE 0x1000u
#define FOUR_GIB  0x100000000ull

#define ROM_ALIAS_BASE 0x000f0000
#define ROM_ALIAS_END  0x00100000
#define ROM_BASE       0xffff0000
#define ROM_SIZE       0x00010000

#define FLASH_BASE  0xfffc0000 /* top of the 32-bit space, kept by all firmware */
#define LAPIC_BASE  0xfee00000
#define IOAPIC_BASE 0xfec00000

/* SMM: where a processor's first SMI leads, and what both segments of SMRAM look like inside. */
#define SMBASE_DEFAULT     0x00030000
#define SMBASE_ENTRY       0x8000 /* from SMBASE: the first instruction */
#define SMBASE_STATE       0xfe00 /* from SMBASE: where the processor saves itself */
#define SMBASE_STATE_SIZE  0x200
#define SMBASE_SPACING     0x400      /* so the entry and state of one never meet another's */
#define SMRAM_BASE         0x000a0000 /* the A segment, over the VGA window */
#define SMRAM_END          0x000c0000
#define SMRAM_DEFAULT_BASE 0x00030000 /* Q35: around the default SMBASE */
#define SMRAM_DEFAULT_END  0x00050000
#define SMRAM_MORE_BASE    0x0006f000 /* i440FX: for processors 98 to 255, plain RAM */
#define SMRAM_MORE_END     LOW_RAM_END

/* The customary I/O address of the ACPI PM registers, free on every machine. */
#define PM_BASE       0x600
#define PM1_CNT_PORT  (PM_BASE + 4)
#define PM_TIMER_PORT (PM_BASE + 8)
#define PM_TIMER_MASK 0xffffffu /* it has 24 bits, and is read as 32 */
#define PM_TIMER_HZ   3579545u

/* A write raises an SMI, or switches ACPI on and off. */
#define APM_CNT_PORT 0xb2

/* Segment selectors; the Linux boot protocol prescribes the first two. */
#define SELECTOR_CODE32 0x10
#define SELECTOR_DATA   0x18
#define SELECTOR_TSS    0x20

#endif
