/*
 * pci.c - see pci.h.
 *
 * Everything is sized, then planned, then programmed: pci_walk.c and pci_bar.c find what there is,
 * pci_spaces.c and pci_plan.c (pure) say where it goes, pci_program.c writes that.  Each access
 * leaves the guest, so none is made twice.
 */
#include "pci.h"

#include "console.h"
#include "pci_plan.h"
#include "pci_program.h"
#include "pci_spaces.h"
#include "pci_walk.h"
#include "phys.h"

#define DECODE_FILE "opt/org.qboot/pci-decode"

/* What pci_init() works with, in memory that is free again when it returns. */
struct pci_scratch {
	struct pci_plan plan;
	struct pci_walk walk;
};

_Static_assert(sizeof(struct pci_scratch) <= LOW_RAM_END / 2, "there is room on every machine");
_Static_assert(CHIPSET_PORT_RANGES <= PCI_MAX_RANGES, "no range of ports is left out");

static uint64_t read_u64(const struct fw_cfg *cfg, const char *name)
{
	uint64_t value = 0;

	fw_cfg_read_file(cfg, name, &value, sizeof(value));
	return value;
}

/* Whether every function shall decode: as the user says, or else by_default. */
static bool read_decode(const struct fw_cfg *cfg, bool by_default)
{
	char word[16];

	if (!fw_cfg_read_text(cfg, DECODE_FILE, word, sizeof(word)))
		return by_default;
	if (strcmp(word, "on") == 0)
		return true;
	if (strcmp(word, "off") == 0)
		return false;
	console_log("pci: the fw_cfg file " DECODE_FILE
		    " says \"%s\"; it can say \"on\" or \"off\", and is "
		    "ignored",
		    word);
	return by_default;
}

/* Tells the plan which addresses are free. */
static void find_spaces(struct pci_plan *plan, const struct machine *machine,
			const struct memmap *map)
{
	const struct chipset *chipset = machine->chipset;
	struct pci_limits limits = {
		.low_base = chipset->mmio_base,
		.low_end = chipset->mmio_end,
		.top_quarter = chipset->mmio64_top_quarter,
	};

	/* The kernel of a processor without 64-bit mode may be unable to reach above 4 GiB. */
	if (machine->cpu.leaf81_edx & CPUID_81_EDX_LM) {
		limits.high_base = read_u64(&machine->cfg, "etc/reserved-memory-end");
		limits.phys_bits = machine->cpu.phys_bits;
	}
	for (uint32_t i = 0; i < CHIPSET_PORT_RANGES && chipset->ports[i].last; i++)
		pci_ranges_add(&plan->spaces[PCI_SPACE_IO], chipset->ports[i].base,
			       chipset->ports[i].last + 1u);
	pci_spaces_find(plan, &limits, map);
}

static void report_dropped(const struct pci_plan *plan)
{
	for (uint32_t i = 0; i < plan->bar_count; i++) {
		const struct pci_resource *bar = &plan->bars[i];

		/* A machine or a bridge without I/O is meant to be so, and drivers do without. */
		if (!(bar->flags & PCI_BAR_DROPPED) ||
		    ((bar->flags & PCI_BAR_IO) && plan->buses[bar->bus].no_io))
			continue;
		console_log(
			"pci: %02x:%02x.%u register 0x%x gets no address, there is no place for 0x%llx "
			"bytes of %s",
			PCI_PARTS((uint32_t)bar->bdf), bar->offset, (unsigned long long)bar->size,
			bar->flags & PCI_BAR_IO ? "I/O ports" :
			bar->flags & PCI_BAR_64 ? "memory" :
						  "memory below 4 GiB");
	}
}

static void report_refused(const struct pci_plan *plan)
{
	static const char *const names[PCI_WINDOWS] = {
		[PCI_WINDOW_IO] = "I/O",
		[PCI_WINDOW_MEMORY] = "memory",
		[PCI_WINDOW_PREFETCH] = "prefetchable memory",
	};

	for (uint32_t i = 1; i < plan->bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++) {
			const struct pci_bus *bus = &plan->buses[i];
			uint32_t bdf = bus->bridge;

			if (!pci_plan_is_refused(bus, kind))
				continue;
			console_log(
				"pci: bridge %02x:%02x.%u gets no room for hot-plug, there is no place for "
				"0x%llx bytes of %s; reserve less, or have fewer bridges",
				PCI_PARTS(bdf), (unsigned long long)bus->windows[kind].room,
				names[kind]);
		}
}

struct pci_layout pci_init(const struct machine *machine, const struct memmap *map, bool decode)
{
	const struct chipset *chipset = machine->chipset;
	struct pci_layout layout = { .mmio_base = IOAPIC_BASE };
	struct pci_scratch *scratch;
	struct pci_plan *plan;
	struct pci_walk *walk;

	if (!chipset->mmio_end)
		return layout;
	scratch =
		phys_ptr(memmap_scratch(map, sizeof(*scratch), sizeof(uint64_t), "the PCI tables"));
	plan = &scratch->plan;
	pci_plan_clear(plan);
	find_spaces(plan, machine, map);

	walk = &scratch->walk;
	walk->chipset = chipset;
	walk->access = &machine->pci;
	walk->plan = plan;
	walk->decode = read_decode(&machine->cfg, decode);
	pci_walk(walk, (uint32_t)read_u64(&machine->cfg, "etc/extra-pci-roots"));
	pci_plan(plan);
	pci_program(plan, &machine->pci, walk->decode, &layout.shown);
	report_dropped(plan);
	report_refused(plan);
	if (machine->pci.wide)
		mmx_done();

	if (chipset->ecam_base && chipset->ecam_base < layout.mmio_base)
		layout.mmio_base = chipset->ecam_base;
	layout.mmio_base = pci_spaces_lowest(plan, layout.mmio_base);
	layout.high = pci_spaces_high(plan);
	layout.last_bus = walk->last_bus; /* extra roots come in ascending order */
	return layout;
}

void pci_tables_built(const struct pci_layout *layout, const struct pci_access *access)
{
	for (uint32_t i = 0; i < layout->shown.count; i++)
		pci_write16(access, layout->shown.bdfs[i], PCI_COMMAND, 0);
}
