/*
 * fake.h - the machine that unit tests run the firmware on.
 *
 * io.h, cpu.h and phys.h of this directory take the place of the ones in include/; what they do
 * ends here.  A test describes the machine (RAM, fw_cfg items, PCI functions), runs firmware code
 * and looks at what it left behind.  Every access is counted by kind and the first ones are kept in
 * order, so an exit budget or the order of two writes is an assertion.
 *
 * The model is strict: an access nobody modelled ends the test, unless it is a port, which reads as
 * all ones as on a PC.  All state is in `fake`; fake_reset() makes an empty machine of it.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "io.h"
#include "phys.h"

/* ---- Counting ---- */

enum fake_kind {
	FAKE_PORT_READ,
	FAKE_PORT_WRITE,
	FAKE_MMIO_READ,
	FAKE_MMIO_WRITE,
	FAKE_PCI_READ, /* what ports or ECAM were used for: address is bdf << 12 | offset */
	FAKE_PCI_WRITE,
	FAKE_DMA,   /* fw_cfg transfers: address is the selector, value the control word */
	FAKE_CPUID, /* address is the leaf, value the subleaf */
	FAKE_RDMSR,
	FAKE_WRMSR, /* size is 8, or 0 while the caches are off */
	FAKE_KINDS
};

struct fake_access {
	enum fake_kind kind;
	uint32_t address;
	uint32_t size; /* bytes */
	uint64_t value;
};

#define FAKE_LOG_SIZE      65536
#define FAKE_MAX_RAM       8
#define FAKE_MAX_WINDOWS   128
#define FAKE_MAX_ITEMS     600
#define FAKE_MAX_FUNCTIONS 1024
#define FAKE_MAX_DEVICES   16
#define FAKE_MAX_MSRS      64
#define FAKE_MAX_CPUID     32
#define FAKE_TEXT_SIZE     8192

/* ---- How firmware code that does not return ends ---- */

enum fake_end {
	FAKE_RETURNED,
	FAKE_PANIC,   /* panic() of fake/console.c */
	FAKE_STOPPED, /* cpu_stop() */
	FAKE_RESET,   /* cpu_reset(), or an access that a test chose */
	FAKE_HANDOFF, /* handoff16(), handoff32() or handoff64() */
};

struct fake_handoff {
	bool real_mode, long_mode;
	uint32_t entry, eax, ebx, esi, cr3;
};

/* ---- Devices ---- */

/* A range of ports or of MMIO that a test models itself; looked up before everything else. */
struct fake_device {
	uint32_t first, last;
	bool mmio;
	uint64_t (*read)(uint32_t address, uint32_t size);
	void (*write)(uint32_t address, uint32_t size, uint64_t value);
};

struct fake_ram {
	uint64_t base, size;
	uint8_t *bytes;
};

struct fake_item {
	uint16_t selector;
	bool writable;
	const char *name; /* NULL: not in the directory */
	uint8_t *bytes;
	uint32_t size;
	uint32_t reads; /* transfers that selected it or read more of it */
	uint32_t writes;
	void (*on_select)(struct fake_item *item);
};

struct fake_pci {
	struct fake_pci *parent; /* the bridge it is behind; NULL: on a root bus */
	uint32_t root_bus;
	uint32_t slot, function;
	bool loops; /* a bridge from the bus that it is on to that same bus */
	uint8_t config[4096];
	uint8_t writable[4096]; /* a mask for each byte */
	void (*on_write)(struct fake_pci *pci, uint32_t offset, uint32_t size, uint64_t value);
};

struct fake {
	/* Accesses. */
	uint32_t count[FAKE_KINDS];
	uint32_t log_count;
	struct fake_access log[FAKE_LOG_SIZE];

	/* The end. */
	uint32_t reset_after;    /* the access that resets the machine; 0: none does */
	void (*on_access)(void); /* after each access that is counted */
	bool armed;
	jmp_buf end;
	struct fake_handoff handoff;
	char panic[1024];             /* what panic() said */
	char console[FAKE_TEXT_SIZE]; /* what console_log() said, a line a message */
	int console_level;            /* of console_set() */
	bool console_serial;
	uint32_t console_tsc_khz; /* of console_set_rate() */

	/* Memory. */
	uint32_t ram_count;
	struct fake_ram ram[FAKE_MAX_RAM];
	uint32_t window_count;
	uintptr_t windows[FAKE_MAX_WINDOWS];
	const void *pinned; /* fake_phys_pin() */
	uint32_t pinned_paddr, pinned_size;

	/* fw_cfg.  present and dma are true after fake_reset(). */
	struct {
		bool present;
		bool dma;
		uint32_t
			fail_after; /* so many transfers succeed, the next has an error; ~0: none */
		uint32_t item_count;
		struct fake_item items[FAKE_MAX_ITEMS];
		uint16_t file_count;
		uint32_t claimed_files; /* what the directory's head says; 0: the truth */
		uint16_t selected;
		struct fake_item *current; /* NULL: there is no such item */
		uint32_t position;
		uint32_t dma_high;
		uint32_t transfers; /* DMA and port mode */
	} fw_cfg;

	/* PCI.  The host bridge of the test decides whether there is ECAM. */
	struct {
		uint32_t address;   /* 0xcf8 */
		bool has_ecam;      /* 00:00.0 has PCIEXBAR at 0x60 */
		uint32_t ecam_base; /* of ECAM that cannot be moved; 0: there is none */
		uint32_t function_count;
		struct fake_pci *functions[FAKE_MAX_FUNCTIONS];
	} pci;

	/* Small devices. */
	uint8_t cmos_index;
	uint8_t cmos[128];
	bool has_debugcon, has_com1, has_debug_exit;
	uint8_t pvpanic; /* the events it knows; 0: there is none */
	char debugcon[FAKE_TEXT_SIZE];
	char com1[FAKE_TEXT_SIZE];
	uint8_t pvpanic_events; /* what was written */
	uint8_t debug_exit_code;
	uint32_t lapic[1024]; /* by offset / 4 */
	uint32_t device_count;
	struct fake_device devices[FAKE_MAX_DEVICES];

	/* The processor. */
	uint32_t cpuid_count;
	struct {
		uint32_t leaf, subleaf;
		struct cpuid regs;
	} cpuid[FAKE_MAX_CPUID];
	uint32_t msr_count;
	struct {
		uint32_t index;
		uint64_t value;
	} msrs[FAKE_MAX_MSRS];
	uint64_t tsc;
	bool caches_off;
	uint32_t cache_flushes; /* how often they were switched off and on */
	uint32_t pauses;
	void (*on_pause)(void); /* what other processors do meanwhile */
};

extern struct fake fake;

/* An empty machine: no RAM, no PCI, fw_cfg with DMA and without files. */
void fake_reset(void);

/* Ends the test with a message; unit.h sets it, otherwise it aborts. */
extern void (*fake_fail_hook)(const char *message);
_Noreturn void fake_fail(const char *message, ...) __attribute__((format(printf, 1, 2)));

/* Runs a statement that may not return; the value says how it ended. */
#define fake_run(statement) \
	__extension__({ \
		fake.armed = true; \
		int fake_end_ = setjmp(fake.end); \
		if (!fake_end_) { \
			statement; \
		} \
		fake.armed = false; \
		(enum fake_end) fake_end_; \
	})

_Noreturn void fake_leave(enum fake_end end);

void fake_note(enum fake_kind kind, uint32_t address, uint32_t size, uint64_t value);
void fake_forget(void);    /* counters and log back to nothing */
uint32_t fake_exits(void); /* port and MMIO accesses, CPUID */
/* The n-th access (0 is the first) of a kind to an address; NULL when there are fewer. */
const struct fake_access *fake_find(enum fake_kind kind, uint32_t address, uint32_t n);
uint32_t fake_count(enum fake_kind kind, uint32_t address);

/*
 * RAM, filled with fake_fill (0xa5 unless a test says otherwise).  Pages may also lie above 4 GiB.
 * What firmware code takes the physical address of without its being in RAM (its stack, its
 * constants) gets an address made up for it.
 */
extern uint8_t fake_fill;
uint8_t *fake_ram_add(uint64_t base, uint64_t size);
void *fake_phys(uint64_t paddr, uint64_t size); /* NULL: not RAM */
/* Gives one object the address it has in the image. */
void fake_phys_pin(const void *object, uint32_t size, uint32_t paddr);

/* The bytes are copied; a size with NULL makes zeros. */
struct fake_item *fake_fw_cfg_item(uint16_t selector, const void *bytes, uint32_t size);
struct fake_item *fake_fw_cfg_u16(uint16_t selector, uint16_t value);
struct fake_item *fake_fw_cfg_u32(uint16_t selector, uint32_t value);
struct fake_item *fake_fw_cfg_file(const char *name, const void *bytes, uint32_t size);
struct fake_item *fake_fw_cfg_find(const char *name);
struct fake_item *fake_fw_cfg_get(uint16_t selector);

/* Functions: type 0, or type 1 with its bus numbers and windows writable. */
struct fake_pci *fake_pci_add(struct fake_pci *bridge, uint32_t slot, uint32_t function,
			      uint16_t vendor, uint16_t device);
struct fake_pci *fake_pci_add_bridge(struct fake_pci *bridge, uint32_t slot, uint32_t function,
				     uint16_t vendor, uint16_t device);
/* size is a power of two; kind the low bits of the register (1 I/O, 4 64-bit, 8 prefetchable). */
void fake_pci_bar(struct fake_pci *pci, uint32_t n, uint64_t size, uint32_t kind);
/* Puts a capability (size bytes with its two-byte head) in front of the list. */
void fake_pci_capability(struct fake_pci *pci, uint32_t offset, uint8_t id, const void *body,
			 uint32_t size);
void fake_pci_express(struct fake_pci *pci, uint32_t port_type);
void fake_pci_set(struct fake_pci *pci, uint32_t offset, uint32_t size, uint64_t value);
uint64_t fake_pci_get(const struct fake_pci *pci, uint32_t offset, uint32_t size);
/* The function that answers at this address now; NULL when none does. */
struct fake_pci *fake_pci_at(uint32_t bdf);

void fake_add_device(const struct fake_device *device);
void fake_cpuid_set(uint32_t leaf, uint32_t subleaf, struct cpuid regs);
void fake_msr_set(uint32_t index, uint64_t value); /* makes it exist */
uint64_t fake_msr_get(uint32_t index);

/* Between the files of this directory. */
uint64_t fake_io(uint32_t port, uint32_t size, bool write, uint64_t value);
uint64_t fake_fw_cfg_io(uint32_t port, uint32_t size, bool write, uint64_t value);
uint64_t fake_pci_io(uint32_t port, uint32_t size, bool write, uint64_t value);
bool fake_pci_mmio(uint32_t paddr, uint32_t size, bool write, uint64_t *value);
void fake_pci_reset(void);
void fake_ram_reset(void);
void fake_fw_cfg_reset(void);

#endif
