/*
 * msr.h - model-specific registers and control registers.  For C and, but for MTRRs, assembly.
 * SDM Vol. 4, "Architectural MSRs"; SDM Vol. 3A, "Memory Type Range Registers (MTRRs)" and "Control
 * Registers".
 */
#ifndef SPEC_MSR_H
#define SPEC_MSR_H

/* clang-format off */
#define CR0_PE                          0x00000001
#define CR0_NW                          0x20000000
#define CR0_CD                          0x40000000
#define CR0_PG                          0x80000000
#define CR4_PAE                         0x00000020

#define IA32_EFER                       0xc0000080
  #define EFER_LME                        0x100
#define IA32_APIC_BASE                  0x01b
  #define APIC_BASE_X2APIC                0x400         /* beside the enable bit */
#define IA32_FEATURE_CONTROL            0x03a
  #define FEATURE_CONTROL_LOCKED          (1u << 0)     /* a write after this one faults */

#define IA32_MTRRCAP                    0x0fe
  #define MTRRCAP_VARIABLE_COUNT          0xffu
  #define MTRRCAP_FIXED                   (1u << 8)
#define IA32_MTRR_PHYSBASE0             0x200   /* bits 7:0 type; PHYSMASK is the next one */
#define IA32_MTRR_PHYSMASK0             0x201
  #define MTRR_PHYSMASK_VALID             (1u << 11)
#define IA32_MTRR_FIX64K_00000          0x250           /* 0x00000-0x7ffff, a byte each 64 KiB */
#define IA32_MTRR_FIX16K_80000          0x258           /* 0x80000-0x9ffff, a byte each 16 KiB */
#define IA32_MTRR_FIX16K_A0000          0x259
#define IA32_MTRR_FIX4K_C0000           0x268           /* eight of them, a byte each 4 KiB */
#define IA32_MTRR_FIX4K_COUNT           8
#define IA32_MTRR_DEF_TYPE              0x2ff           /* bits 7:0 type */
  #define MTRR_DEF_TYPE_FIXED             (1u << 10)
  #define MTRR_DEF_TYPE_ENABLE            (1u << 11)

/* Memory types, and the same one in all bytes of half a fixed-range register. */
#define MTRR_UC                         0u
#define MTRR_WP                         5u
#define MTRR_WB                         6u
#define MTRR_FOUR(type)                 ((type) * 0x01010101u)
/* clang-format on */

#endif
