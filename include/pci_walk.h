/*
 * pci_walk.h - finding the functions: bus numbers, BAR sizes, interrupt lines.
 *
 * The walk fills in the plan: every bus with its bridge and with the room that the bridge wants for
 * hot-plug, and every BAR with its size.  It writes bus numbers and interrupt lines, which need no
 * plan, and leaves everything else to pci_program().
 */
#ifndef PCI_WALK_H
#define PCI_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "pci_config.h"
#include "pci_plan.h"

/* One bus while it is walked; its index is that of the bus in struct pci_plan. */
struct pci_branch {
	uint16_t next;          /* slot * 8 + function to look at next */
	uint16_t end;           /* one past the last of them */
	uint8_t root_slot;      /* slot on the root bus of the outermost bridge above */
	uint8_t swizzle;        /* sum of the slots of all bridges between that one and this bus */
	uint8_t reserved_buses; /* bus numbers for hot-plug, after the last bus found below */
	uint8_t granted_buses;  /* how many of them there were */
	bool root;              /* no bridge leads here */
	bool multifunction;     /* function 0 of this slot says that there may be others */
	bool port;              /* the bridge above is a PCI Express port: one slot */
	bool occupied;          /* a function was found on the bus */
	bool hinted;            /* the bridge says how much room it wants */
	bool numbers_open;      /* the bridge above forwards all higher bus numbers */
};

struct pci_walk {
	const struct chipset *chipset;
	const struct pci_access *access;
	struct pci_plan *plan;
	uint32_t last_bus;  /* the highest bus number given out, those for hot-plug included */
	uint32_t bus_limit; /* the highest number that may be given out on this root */
	bool reserved;      /* some numbers of this root are for hot-plug */
	bool starved;       /* so that a bridge got none */
	bool no_reserve;    /* none are for hot-plug */
	bool decode;        /* every function shall decode */
	bool vga;           /* the first VGA device was seen */
	struct pci_branch branches[PCI_MAX_BUSES];
};

/*
 * Walks bus 0, extra_roots more roots (QEMU's pxb; fw_cfg file etc/extra-pci-roots) and all that is
 * below them.  The caller has set chipset, access, plan and decode, and the plan has the spaces of
 * the machine.  A bridge for which there is no bus number is named on the debug console.
 */
void pci_walk(struct pci_walk *walk, uint32_t extra_roots);

#endif
