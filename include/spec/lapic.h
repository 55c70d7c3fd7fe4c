/*
 * lapic.h - registers of the local APIC, as offsets from LAPIC_BASE.  For C and assembly.
 * SDM Vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef SPEC_LAPIC_H
#define SPEC_LAPIC_H

/* clang-format off */
#define LAPIC_ID                0x20    /* bits 31:24 */
#define LAPIC_SVR               0xf0
  #define LAPIC_SVR_ENABLE        (1 << 8)
  #define LAPIC_SPURIOUS_VECTOR   0xff
#define LAPIC_ICR_LOW           0x300   /* the write sends */
  #define LAPIC_ICR_SMI           (2 << 8)
  #define LAPIC_ICR_INIT          (5 << 8)
  #define LAPIC_ICR_STARTUP       (6 << 8)      /* vector: page number of the entry */
  #define LAPIC_ICR_ASSERT        (1 << 14)
  #define LAPIC_ICR_ALL_BUT_SELF  (3 << 18)
#define LAPIC_ICR_HIGH          0x310   /* APIC id in bits 31:24 */
#define LAPIC_LVT_LINT0         0x350
  #define LAPIC_LVT_EXTINT        (7 << 8)
  #define LAPIC_LVT_MASKED        (1 << 16)

#define LAPIC_MAX_XAPIC_ID      254     /* 255 is everybody; larger ids need x2APIC mode */
/* clang-format on */

#endif
