/*
 * cmos.h - the CMOS RAM beside the RTC: how it is reached, and what QEMU keeps in it.
 * QEMU hw/i386/pc.c, pc_cmos_init() and pc_machine_wakeup().
 */
#ifndef SPEC_CMOS_H
#define SPEC_CMOS_H

/* clang-format off */
#define CMOS_INDEX_PORT         0x70
#define CMOS_DATA_PORT          0x71

#define CMOS_SHUTDOWN           0x0f
  #define CMOS_SHUTDOWN_WAKE      0xfe          /* QEMU's own mark, which it never erases */
#define CMOS_EXTENDED_KIB       0x30            /* u16: KiB above 1 MiB, at most 65535 */
#define CMOS_CENTURY            0x32
#define CMOS_ABOVE_16M          0x34            /* u16: 64 KiB units above 16 MiB */
#define CMOS_ABOVE_4G           0x5b            /* u24: 64 KiB units above 4 GiB */
/* clang-format on */

#endif
