/*
 * marker.h - tells a tracer on the host where in the boot the firmware is.
 *
 * Off unless QEMU was started with a fw_cfg file of this name, whatever it holds:
 *
 *     -fw_cfg name=opt/org.qboot/markers,string=1
 *
 * Port and values are those of qboot's benchmark.h and of the perf script of qemu-boot-time.
 * Nothing answers at the port, unless an isa-debug-exit covers it (iobase=0xf4): it ends QEMU at
 * the first marker, so put it elsewhere, such as at its default, 0x501.
 */
#ifndef MARKER_H
#define MARKER_H

#include <stdbool.h>

#include "fw_cfg.h"
#include "io.h"

#define MARKER_PORT 0xf5
#define MARKER_FILE "opt/org.qboot/markers"

enum marker {
	MARKER_FW_START = 1,  /* as soon as fw_cfg can be asked: 2 exits after the reset */
	MARKER_MULTIBOOT = 2, /* 2 to 4: the kernel's first instruction comes next */
	MARKER_LINUX = 3,
	MARKER_PVH = 4,
	MARKER_DO_BOOT = 5, /* the platform is ready; what is left is loading the kernel */
};

/*
 * Whether markers are wanted; if so, marks MARKER_FW_START.
 * Cost: fw_cfg_find()'s, no other VM exit when they are not.
 */
bool marker_init(const struct fw_cfg *cfg);

/* Cost: 1 VM exit when on. */
static inline void marker_write(bool on, enum marker marker)
{
	if (on)
		outb(MARKER_PORT, (uint8_t)marker);
}

#endif
