/*
 * processors.h - the processors of the modelled machine, and what SMIs do; included by machine.h.
 *
 * The boot processor is the one that runs the firmware's C.  The others run what start.S and smi.S
 * have for them, a step at a time, between the boot processor's accesses and while it waits: each
 * has a pace, and may be late, never come, or report twice.  An SMI leads to the code at the
 * processor's SMBASE; whatever is there but the firmware's own ends the test.
 */
#ifndef PROCESSORS_H
#define PROCESSORS_H

#include "unit.h"

#include "layout.h"
#include "smp_block.h"
#include "smram.h"
#include "spec/lapic.h"

#define MAX_PROCESSORS 300
#define NEVER          UINT32_MAX

enum processor_state { WAITS_FOR_INIT, WAITS_FOR_STARTUP, STARTS, WAITS_FOR_TURN, HALTED };

static struct processor {
	uint32_t apic_id;
	uint32_t pace;    /* so many events of the boot processor make a step; NEVER: it is dead */
	uint32_t reports; /* how often it counts itself; 1 is right */
	enum processor_state state;
	uint32_t events;
	uint32_t step; /* of STARTS: which MSR is next */
	uint32_t turn;
	uint32_t smbase;
	bool smi_pending, x2apic;
	bool has_byte; /* no CPUID leaf 0Bh: of the APIC id it knows the lower byte */
	uint32_t smis, relocations;
	struct msr_list msrs; /* as they were written */
} processors[MAX_PROCESSORS];

static uint32_t processor_count;
static bool smi_on_write; /* to port 0xb2, where the chipset's registers say so */
static bool smi_is_boots; /* and it is the boot processor's, whoever writes there (PIIX4) */

extern const char smi_jump[];

static struct processor *add_processor(uint32_t apic_id)
{
	struct processor *processor = &processors[processor_count++];

	assert_true(processor_count <= MAX_PROCESSORS);
	*processor = (struct processor){
		.apic_id = apic_id, .pace = 1, .reports = 1, .smbase = SMBASE_DEFAULT
	};
	return processor;
}

/* smi.S, smi_relocate; the processor saves its state and finds it again. */
static void take_smi(struct processor *processor)
{
	static const uint8_t rsm[] = { 0x0f, 0xaa };
	uint8_t *entry, *place;

	processor->smi_pending = false;
	processor->smis++;
	smram_enter();
	entry = fake_phys(processor->smbase + SMBASE_ENTRY, 8);
	memset(fake_phys(processor->smbase + SMBASE_STATE, SMBASE_STATE_SIZE), 0x77,
	       SMBASE_STATE_SIZE);
	if (!memcmp(entry, smi_jump, 8)) {
		if (processor == processors && smp_block.resume)
			fake_fail("processors: an SMI leads the boot processor to 0x%x",
				  smp_block.resume);
		place = fake_phys(smp_block.smbase + SMBASE_ENTRY, sizeof(rsm));
		if (!place)
			fake_fail("processors: SMBASE 0x%x is not in RAM", smp_block.smbase);
		memcpy(place, rsm, sizeof(rsm));
		processor->smbase = smp_block.smbase;
		processor->relocations++;
		smp_block.relocated++;
	} else if (memcmp(entry, rsm, sizeof(rsm)) != 0) {
		fake_fail("processors: an SMI of APIC id %u runs what is at 0x%x",
			  processor->apic_id, processor->smbase + SMBASE_ENTRY);
	}
	smram_leave();
}

static uint32_t known_id(const struct processor *processor)
{
	return processor->has_byte ? processor->apic_id & 0xff : processor->apic_id;
}

/* start.S, ap_entry32: an MSR, then the bit, the turn and the count, all in steps of their own. */
static void start_step(struct processor *processor)
{
	const struct msr_list *list = phys_ptr(smp_block.msrs_paddr);
	uint32_t id = known_id(processor);

	if (processor->step < list->count) {
		processor->msrs.values[processor->step] = list->values[processor->step];
		if (++processor->step > processor->msrs.count)
			processor->msrs.count = processor->step;
		return;
	}
	if (id < SMP_NAMED_IDS)
		smp_block.present[id / 32] |= 1u << id % 32;
	if (id > LAPIC_MAX_XAPIC_ID) {
		processor->x2apic = true;
		processor->turn = ++smp_block.turns;
	}
	smp_block.arrived++;
	if (--processor->reports) {
		processor->step = 0; /* once more: a second start-up */
		return;
	}
	processor->state = processor->turn ? WAITS_FOR_TURN : HALTED;
}

static void processor_step(struct processor *processor)
{
	if (processor->smi_pending) {
		take_smi(processor);
		return;
	}
	switch (processor->state) {
	case STARTS:
		start_step(processor);
		break;
	case WAITS_FOR_TURN:
		if (smp_block.turn == SMP_NO_TURN)
			processor->state = HALTED;
		if (smp_block.turn != processor->turn)
			break;
		processor->state = HALTED;
		if (smi_on_write)
			take_smi(smi_is_boots ? processors : processor);
		break;
	case WAITS_FOR_INIT:
	case WAITS_FOR_STARTUP:
	case HALTED:
		break;
	}
}

/* Something has happened on the boot processor, or it waits. */
static void processors_go_on(void)
{
	for (uint32_t i = 1; i < processor_count; i++) {
		struct processor *processor = &processors[i];

		if (processor->pace != NEVER && ++processor->events >= processor->pace) {
			processor->events = 0;
			processor_step(processor);
		}
	}
}

static void send_to_others(uint32_t command)
{
	for (uint32_t i = 1; i < processor_count; i++) {
		struct processor *processor = &processors[i];

		if ((command & (7 << 8)) == LAPIC_ICR_INIT)
			processor->state = WAITS_FOR_STARTUP;
		else if ((command & (7 << 8)) != LAPIC_ICR_STARTUP)
			fake_fail("processors: 0x%x to all others", command);
		else if ((command & 0xff) != AP_ENTRY >> 12)
			fake_fail("processors: a start at page 0x%x", command & 0xff);
		else if (processor->state == WAITS_FOR_STARTUP)
			processor->state = STARTS;
	}
}

/* Whoever has that id in xAPIC mode: its lower byte, as long as the processor is in that mode. */
static void send_smi_to(uint32_t id)
{
	for (uint32_t i = 0; i < processor_count; i++) {
		struct processor *processor = &processors[i];
		uint32_t known = known_id(processor);

		if (processor->x2apic || (processor->apic_id & 0xff) != id)
			continue;
		if (i && !(smp_block.present[known / 32] >> known % 32 & 1))
			fake_fail("processors: an SMI to APIC id %u, which has not arrived",
				  processor->apic_id);
		if (i)
			processor->smi_pending = true;
		else
			take_smi(processor);
	}
}

static void write_lapic(uint32_t address, uint32_t size, uint64_t value)
{
	uint32_t offset = address - LAPIC_BASE;

	if (size != 4 || offset % 16)
		fake_fail("fake: a local APIC register is 4 bytes every 16, not %u at 0x%x", size,
			  address);
	fake.lapic[offset / 4] = (uint32_t)value;
	if (offset != LAPIC_ICR_LOW)
		return;
	if ((value & LAPIC_ICR_ALL_BUT_SELF) == LAPIC_ICR_ALL_BUT_SELF)
		send_to_others((uint32_t)value);
	else if ((value & (7 << 8)) == LAPIC_ICR_SMI)
		send_smi_to(fake.lapic[LAPIC_ICR_HIGH / 4] >> 24);
	else
		fake_fail("processors: 0x%x to one", (uint32_t)value);
}

static uint64_t read_lapic(uint32_t address, uint32_t size)
{
	(void)size;
	return fake.lapic[(address - LAPIC_BASE) / 4];
}

/* A byte written to port 0xb2 is an SMI of the boot processor where the chipset makes one. */
static void write_apm(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	(void)value;
	if (smi_on_write)
		take_smi(&processors[0]);
}

/* One processor as the first, then count - 1 others with the next APIC ids. */
static void add_processors(uint32_t count)
{
	static const struct fake_device lapic = { LAPIC_BASE, LAPIC_BASE + 0xfff, true, read_lapic,
						  write_lapic };

	processor_count = 0;
	for (uint32_t id = 0; id < count; id++)
		add_processor(id);
	fake_add_device(&lapic);
	fake.on_access = fake.on_pause = processors_go_on;
}

#endif
