/*
 * pci_plan.h - where every BAR and every bridge window goes.
 *
 * The caller enters the buses, each bridge after the one above it, then the BARs, and says which
 * addresses are free.  pci_plan() sizes the windows from the leaves to the roots, places what is on
 * bus 0 and then what is in each window.  Pure: the result depends on what was entered alone, and
 * not on the order in which BARs were.
 *
 * Three spaces: I/O ports, memory below 4 GiB, memory above.  What is behind a bridge lies in one
 * of its three windows; the prefetchable one is above 4 GiB when something behind the same bridge
 * on bus 0 is too large for below, or when room for hot-plug is asked for there.  Below 4 GiB it
 * is used only where it is open for hot-plug anyway: each window that opens is a rebuild of
 * QEMU's memory topology, and a prefetchable BAR may be in the other window as well.
 *
 * What does not fit is given up, the largest first: its base is 0 and PCI_BAR_DROPPED is set.
 * Before a BAR is given up, everything that can moves above 4 GiB, and room for hot-plug is.  What
 * finds no place there, because that space is full, is tried below 4 GiB, in what the rest leaves.
 */
#ifndef PCI_PLAN_H
#define PCI_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_MAX_BUSES  256
#define PCI_MAX_BARS   1024
#define PCI_MAX_RANGES 8
#define PCI_LARGE_SIZE 0x10000000 /* a 64-bit BAR of this size goes above 4 GiB */
#define PCI_NO_BRIDGE  0xffff     /* struct pci_bus, bridge: the bus is a root */

enum pci_space { PCI_SPACE_IO, PCI_SPACE_LOW, PCI_SPACE_HIGH, PCI_SPACES };
enum pci_window_kind { PCI_WINDOW_IO, PCI_WINDOW_MEMORY, PCI_WINDOW_PREFETCH, PCI_WINDOWS };

struct pci_range {
	uint64_t base;
	uint64_t end; /* exclusive */
};

/* Free addresses, in the order in which they are to be used. */
struct pci_ranges {
	uint32_t count;
	struct pci_range ranges[PCI_MAX_RANGES];
};

/* A BAR, or a bridge window as the bus above sees it. */
struct pci_resource {
	uint64_t size;  /* bytes; of a BAR a power of two; 0: a closed window */
	uint64_t align; /* a power of two */
	uint64_t base;  /* what pci_plan() decides; 0: no address */
	struct pci_resource *next;
	uint16_t bdf;   /* of the device or bridge */
	uint8_t offset; /* of the register in configuration space */
	uint16_t flags;
	uint16_t bus; /* index of the bus it is on */
};

/* struct pci_resource, flags */
#define PCI_BAR_IO       (1u << 0)
#define PCI_BAR_64       (1u << 1)
#define PCI_BAR_PREFETCH (1u << 2)
#define PCI_BAR_ROM      (1u << 3)
#define PCI_BAR_DECODE \
	(1u << 4) /* for pci_program(): the function decodes it, for good or for a time */
#define PCI_BAR_VGA     (1u << 5) /* for pci_program(): the function decodes VGA's ports */
#define PCI_BAR_WINDOW  (1u << 6) /* this is no BAR, but the self of a struct pci_window */
#define PCI_BAR_DROPPED (1u << 7) /* set by pci_plan(): there is no place for it */
#define PCI_BAR_LASTING (1u << 8) /* for pci_program(): the function decodes it for good */
#define PCI_BAR_BELOW   (1u << 9) /* set by pci_plan(): there is no place for it above 4 GiB */

struct pci_window {
	struct pci_resource self;
	struct pci_resource *first; /* what is in the window, the largest alignment first */
	struct pci_resource *last;
	uint64_t room; /* bytes for hot-plug that the bridge asks for */
};

struct pci_bus {
	struct pci_window windows[PCI_WINDOWS];
	uint16_t bridge; /* bdf of the bridge above it, or PCI_NO_BRIDGE */
	uint16_t parent; /* index of the bus that the bridge is on; 0 for roots */
	uint16_t top;    /* index of the bus above which there is only bus 0 */
	uint8_t number;
	uint8_t no_room; /* a bit per enum pci_window_kind: hot-plug room is refused */
	bool one_slot;   /* a device that is plugged in replaces what is there: room is a minimum */
	bool high;       /* of a top bus: prefetchable windows below it are above 4 GiB */
	bool want_high;  /* room in the prefetchable window is asked for above 4 GiB */
	bool vga;        /* for pci_program(): a VGA device below answers at its fixed addresses */
	bool lasting;    /* for pci_program(): a function below decodes for good */
	bool no_io;      /* no I/O reaches the bus, on purpose: its BARs and room are none */
};

struct pci_plan {
	struct pci_ranges spaces[PCI_SPACES];
	struct pci_window roots[PCI_SPACES]; /* what is on bus 0 and the extra roots */
	bool crowded;                        /* all that can be above 4 GiB is there */
	bool high;                           /* something is above 4 GiB */
	uint32_t bus_count;
	uint32_t bar_count;
	struct pci_bus buses[PCI_MAX_BUSES];
	struct pci_resource bars[PCI_MAX_BARS];
	struct pci_resource *order[PCI_MAX_BARS];
};

/* Empties the plan: bus 0 only, no BARs, and no free addresses in any space. */
void pci_plan_clear(struct pci_plan *plan);

/*
 * Adds a bus.  The caller sets its number, room, one_slot, want_high, vga and no_io.  A root other
 * than bus 0 has no bridge and parent 0.  NULL when there are too many.
 */
struct pci_bus *pci_plan_add_bus(struct pci_plan *plan, uint32_t parent, uint32_t bridge);

/* Adds a BAR on a bus that was added.  False when there are too many. */
bool pci_plan_add_bar(struct pci_plan *plan, uint32_t bus, uint32_t bdf, uint32_t offset,
		      uint32_t flags, uint64_t size);

/* Adds a range to those of a space.  Nothing changes if it is empty, or one too many. */
void pci_ranges_add(struct pci_ranges *ranges, uint64_t base, uint64_t end);

/* True when a bus gets no room for hot-plug in a window although its bridge asks for some. */
bool pci_plan_is_refused(const struct pci_bus *bus, enum pci_window_kind kind);

/* Gives every BAR and every window its base, or sets PCI_BAR_DROPPED. */
void pci_plan(struct pci_plan *plan);

#endif
