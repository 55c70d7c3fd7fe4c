/*
 * guest.h - a kernel of a few KiB that believes nothing: it checks what the firmware handed over.
 *
 * It is entered by PVH, Linux (32 and 64 bits) or multiboot, in 32-bit protected mode without
 * paging (the 64-bit entry records its state and drops back), reads what each protocol passes into
 * `handoff`, and runs the topics listed in main.c.  Each check is one line on COM1:
 *
 *     GUEST pvh boot 1                         first line of every boot
 *     MAP 0x0 0x9f000 1                        one per memory map entry: base, end, type
 *     OK name: what was found
 *     FAIL name: expected ..., found ...
 *     PASS 123 checks  |  FAILED 2 of 123      last line
 *
 * and the run ends through isa-debug-exit at port 0xf4, iosize 4: QEMU exits with 33 or 35.
 *
 * What to expect comes from the machine itself (fw_cfg, PCI ids, CPUID); the words that a command
 * line may carry are listed in cmdline.c.
 *
 * A new check: a function in the file of its topic, or a new file and a line in main.c.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB  1024u
#define MIB  (1024u * 1024u)
#define GIB4 (1ull << 32)

/* start.h holds the same numbers for the assembly. */
enum protocol { PVH = 1, LINUX32, LINUX64, MULTIBOOT };

/* The processor at the first instruction. head_*.S fill it in, registers.c judges it. */
struct entry_state {
	uint32_t protocol;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t eflags, cr0, cr3, cr4, efer;
	uint32_t cs, ds, es, ss, fs, gs, tr;
	uint32_t high; /* bits 32-63 of RSI */
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint32_t gdt_base_high;
} __attribute__((packed));

struct map_entry {
	uint64_t base, end;
	uint32_t type;
};

enum { MAP_NONE, MAP_RAM, MAP_RESERVED, MAP_ACPI, MAP_NVS };

struct module {
	uint64_t base, size;
	const char *cmdline; /* or NULL */
};

struct handoff {
	enum protocol protocol;
	struct map_entry map[256];
	uint32_t map_count;
	const char *cmdline; /* or NULL */
	uint64_t rsdp;       /* 0: none passed */
	struct module modules[8];
	uint32_t module_count;
	uint8_t *boot_params; /* Linux only */
	const uint8_t *mbi;   /* multiboot only */
};

extern struct entry_state entry_state;
extern struct handoff handoff;
extern char image_start[], image_end[];

/* The checks, in the order of main.c. */
void check_registers(void);
void check_map(void);
void check_kernel(void);
void check_cmdline(void);
void check_modules(void);
void check_setup_data(void);
void check_multiboot(void);
void check_pci(void);
void check_bars(void);
void check_irq(void);
void check_acpi(void);
void check_smbios(void);
void check_mp(void);
/* Whether check_mp() has found a processor with that id. */
bool mp_names(uint32_t apic_id);
uint32_t acpi_cpus(uint32_t id_end);
void check_cpu(void);
void cpu_check_woken(bool msrs_too); /* after S3, all processors anew */
void check_placement(void);

/* print.c: %s %c %u %x %llx; check() and check_equal() return ok. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool check(bool ok, const char *name, const char *expected, const char *found, ...)
	__attribute__((format(printf, 4, 5)));
bool check_equal(const char *name, uint64_t expected, uint64_t found);
bool all_passed(void);
_Noreturn void finish(void);

/* handoff.c */
void read_handoff(void);

/* kernel.c: where this kernel may write, beyond its image. */
uint64_t kernel_runtime_base(void);
uint64_t kernel_runtime_end(void);

/* e820.c: MAP_NONE when no one entry holds the whole range. */
uint32_t map_type(uint64_t base, uint64_t size);
bool map_overlaps(uint64_t base, uint64_t size, uint32_t type);

/*
 * placement.c: remembers what occupies memory, for check_placement().  TABLE must not be in RAM
 * that an operating system would take.
 */
enum occupant { KERNEL, HANDED_OVER, TABLE };
void occupies(enum occupant kind, const char *name, uint64_t base, uint64_t size);

/* cmdline.c: words of the command line. */
bool word(const char *name);
bool word_value(const char *name, uint64_t *value);

/* acpi.c */
bool acpi_expected(void);

/* pci.c */
enum machine { NO_PCI, PC, Q35 };
enum machine pci_machine(void);
/* The PIRQ, A = 0, that a pin (from 1) of a slot on bus 0 drives, and its routing register. */
uint32_t pci_pirq(uint32_t slot, uint32_t pin);
uint8_t pci_pirq_route(uint32_t pirq);

/* fw_cfg.c */
enum {
	FW_CFG_KERNEL_ADDR = 0x07,
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_SETUP_DATA = 0x18,
	FW_CFG_NB_CPUS = 0x05,
};
void fw_cfg_init(void);
void fw_cfg_select(uint16_t selector);
void fw_cfg_read(void *buffer, uint32_t size);
uint32_t fw_cfg_u16(uint16_t selector);
uint32_t fw_cfg_u32(uint16_t selector);
bool fw_cfg_find(const char *name, uint16_t *selector, uint32_t *size);
/* How many bytes from paddr on equal the item's from offset on, up to size. */
uint32_t fw_cfg_compare(uint16_t selector, uint32_t offset, uint64_t paddr, uint32_t size);

/*
 * high.c: where up to *size bytes at paddr can be reached until the next call; *size becomes less
 * when it is above 4 GiB.  NULL when this processor cannot.
 */
void *reach(uint64_t paddr, uint32_t *size);

/* cpu.c: what attack.c needs of it. */
void smm_set_trap(uint32_t smbase); /* code that notes that it ran as a handler there */
uint32_t smm_trapped(void);
void smm_check_closed(void);  /* q35: nothing of SMRAM is seen from outside */
bool cpu_start_plugged(void); /* starts all others; each writes to port B2 */

/* attack.c */
void forge_if_asked(void);
void check_plugged(void);

/* reboot.c: returns when no further boot was asked for. */
uint32_t boot_number(void);
void mark_boot(uint32_t boot);
void reboot_if_asked(void);

/* string.c */
void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *string);
bool starts_with(const char *string, const char *prefix);
uint8_t sum8(const void *bytes, uint32_t size);

/* Physical memory, byte by byte where it must not be aligned. */
static inline void *at(uint32_t paddr)
{
	void *pointer = (void *)(uintptr_t)paddr;

	__asm__("" : "+r"(pointer)); /* address 0 is an address like any other */
	return pointer;
}

static inline uint32_t paddr_of(const void *p)
{
	return (uint32_t)(uintptr_t)p;
}

static inline uint16_t get16(const void *p)
{
	uint16_t value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}

static inline uint32_t get32(const void *p)
{
	uint32_t value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}

static inline uint64_t get64(const void *p)
{
	return get32(p) | (uint64_t)get32((const uint8_t *)p + 4) << 32;
}

#endif
