/*
 * debugcon.h - QEMU's debug console, at the port that SeaBIOS and OVMF use.  For C and assembly.
 * QEMU hw/char/debugcon.c.
 */
#ifndef SPEC_DEBUGCON_H
#define SPEC_DEBUGCON_H

#define DEBUGCON_PORT     0x402
#define DEBUGCON_READBACK 0xe9 /* what it reads as, where it is */

#endif
