/*
 * mp.h - the MP tables.  Intel MultiProcessor Specification 1.4, chapter 4.
 */
#ifndef SPEC_MP_H
#define SPEC_MP_H

#include <stddef.h>
#include <stdint.h>

struct mp_floating_pointer {
	char signature[4]; /* "_MP_" */
	uint32_t table_address;
	uint8_t length;        /* 16-byte units: 1 */
	uint8_t spec_revision; /* 4: version 1.4 */
	uint8_t checksum;
	uint8_t features[5];
} __attribute__((packed));
_Static_assert(sizeof(struct mp_floating_pointer) == 16, "MP 1.4, 4.1");

struct mp_table_header {
	char signature[4]; /* "PCMP" */
	uint16_t length;
	uint8_t spec_revision;
	uint8_t checksum;
	char oem_id[8];
	char product_id[12];
	uint32_t oem_table;
	uint16_t oem_table_size;
	uint16_t entry_count;
	uint32_t lapic_address;
	uint16_t extended_length;
	uint8_t extended_checksum;
	uint8_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct mp_table_header) == 44, "MP 1.4, 4.2");

enum {
	MP_ENTRY_PROCESSOR = 0,
	MP_ENTRY_BUS = 1,
	MP_ENTRY_IOAPIC = 2,
	MP_ENTRY_INTERRUPT = 3,
	MP_ENTRY_LOCAL_INTERRUPT = 4,
};

struct mp_processor {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags;
	uint32_t signature; /* CPUID leaf 1 EAX */
	uint32_t features;  /* CPUID leaf 1 EDX */
	uint32_t reserved[2];
} __attribute__((packed));
_Static_assert(sizeof(struct mp_processor) == 20, "MP 1.4, 4.3.1");
#define MP_PROCESSOR_ENABLED (1u << 0)
#define MP_PROCESSOR_BSP     (1u << 1)

struct mp_bus {
	uint8_t type;
	uint8_t id;
	char name[6]; /* blank-filled */
} __attribute__((packed));
_Static_assert(sizeof(struct mp_bus) == 8, "MP 1.4, 4.3.2");

struct mp_ioapic {
	uint8_t type;
	uint8_t id;
	uint8_t version;
	uint8_t flags;
	uint32_t address;
} __attribute__((packed));
_Static_assert(sizeof(struct mp_ioapic) == 8, "MP 1.4, 4.3.3");
#define MP_IOAPIC_ENABLED (1u << 0)

/* Both interrupt entries have this layout; for a local one the destination is a LAPIC's LINTIN. */
struct mp_interrupt {
	uint8_t type;
	uint8_t kind;
	uint16_t flags;
	uint8_t source_bus;
	uint8_t source_irq; /* PCI: slot << 2 | pin, 0 = INTA# */
	uint8_t dest_id;    /* 0xff: all */
	uint8_t dest_pin;
} __attribute__((packed));
_Static_assert(sizeof(struct mp_interrupt) == 8, "MP 1.4, 4.3.4");
#define MP_INTERRUPT_INT    0
#define MP_INTERRUPT_NMI    1
#define MP_INTERRUPT_EXTINT 3
#define MP_FLAGS_CONFORM    0
#define MP_FLAGS_LEVEL_HIGH 0x000d /* level-triggered, active high */

#endif
