/*
 * pci.h - PCI configuration space: offsets and bits.
 * PCI Local Bus 3.0, "Configuration Space"; PCI-to-PCI Bridge 1.2; PCI Express Base.
 */
#ifndef SPEC_PCI_H
#define SPEC_PCI_H

/* clang-format off */
#define PCI_PORT_ADDRESS        0xcf8
  #define PCI_ADDRESS_ENABLE      (1u << 31)
#define PCI_PORT_DATA           0xcfc

#define PCI_NO_DEVICE           0xffffffffu     /* what a read gives where nothing answers */

#define PCI_VENDOR_ID           0x00            /* u16 */
#define PCI_DEVICE_ID           0x02            /* u16 */
#define PCI_COMMAND             0x04            /* u16 */
  #define PCI_COMMAND_IO          (1u << 0)
  #define PCI_COMMAND_MEMORY      (1u << 1)
#define PCI_STATUS              0x06            /* u16 */
  #define PCI_STATUS_CAP_LIST     (1u << 4)
#define PCI_CLASS_REVISION      0x08            /* u32: class code in bits 31:8 */
  #define PCI_CLASS_VGA           0x0300
  #define PCI_CLASS_BRIDGE_PCI    0x0604
#define PCI_CACHE_LINE_SIZE     0x0c            /* u8; latency timer, header type, BIST follow */
#define PCI_HEADER_TYPE         0x0e            /* u8 */
  #define PCI_HEADER_TYPE_MASK    0x7f
  #define PCI_HEADER_TYPE_DEVICE  0x00
  #define PCI_HEADER_TYPE_BRIDGE  0x01
  #define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_BAR(n)              (0x10 + 4 * (n))
  #define PCI_BAR_MASK_IO         0xfffcu       /* of 16 bits; the upper 16 may read as 0 */
  #define PCI_BAR_MASK_MEMORY     0xfffffff0u
  #define PCI_BAR_TYPE_IO         (1u << 0)
  #define PCI_BAR_RESERVED_IO     (1u << 1)     /* reads as 0 */
  #define PCI_BAR_TYPE_MEMORY     (3u << 1)
    #define PCI_BAR_TYPE_64         (2u << 1)
    #define PCI_BAR_TYPE_RESERVED   (3u << 1)
  #define PCI_BAR_TYPE_PREFETCH   (1u << 3)
#define PCI_BARS                6               /* of a device; a bridge has PCI_BRIDGE_BARS */
#define PCI_BRIDGE_BARS         2
#define PCI_ROM                 0x30            /* u32 */
  #define PCI_ROM_MASK            0xfffff800u
#define PCI_CAP_POINTER         0x34            /* u8 */
  #define PCI_CAP_ID_VENDOR       0x09          /* length at +2 */
  #define PCI_CAP_ID_EXPRESS      0x10          /* port type in bits 7:4 of the word at +2 */
    #define PCI_EXPRESS_ROOT_PORT   4
    #define PCI_EXPRESS_UPSTREAM    5
    #define PCI_EXPRESS_DOWNSTREAM  6
#define PCI_INTERRUPT_LINE      0x3c            /* u8, scratch */
#define PCI_INTERRUPT_PIN       0x3d            /* u8, 1 = INTA#, 0 = none */

/* Type 1 header. */
#define PCI_PRIMARY_BUS         0x18            /* u8; secondary, subordinate, latency follow */
#define PCI_IO_BASE             0x1c            /* u8 base, u8 limit: address bits 15:12 in 7:4 */
#define PCI_MEMORY_BASE         0x20            /* u16 base, u16 limit: bits 31:20 in 15:4 */
#define PCI_PREFETCH_BASE       0x24            /* as PCI_MEMORY_BASE; bit 0: 64-bit capable */
#define PCI_PREFETCH_UPPER      0x28            /* u32 base, u32 limit: bits 63:32 */
#define PCI_BRIDGE_CONTROL      0x3e            /* u16 */
  #define PCI_BRIDGE_CONTROL_VGA  (1u << 3)

/*
 * QEMU docs/pcie_pci_bridge.txt: the "resource reserve" capability of QEMU's bridges.  All ones in
 * a field: nothing is asked for.
 */
#define PCI_VENDOR_REDHAT       0x1b36
  #define PCI_ID_ERST             0x00121b36u   /* device and vendor: QEMU's acpi-erst */
#define RESERVE_CAP_SIZE        32
  #define RESERVE_CAP_TYPE        1             /* in the byte at +3 */
#define RESERVE_CAP_BUSES       4               /* u32 */
#define RESERVE_CAP_IO          8               /* u64 */
#define RESERVE_CAP_MEMORY      16              /* u32 */
#define RESERVE_CAP_PREFETCH32  20              /* u32 */
#define RESERVE_CAP_PREFETCH64  24              /* u64 */

#define PCI_SLOTS               32
#define PCI_FUNCTIONS           8
#define PCI_BUSES               256

/* Bus, device and function as one number; offsets stay below 256 except through ECAM. */
#define PCI_BDF(bus, slot, function) ((uint32_t)(bus) << 8 | (uint32_t)(slot) << 3 | (function))
#define PCI_BUS(bdf)            ((bdf) >> 8)
#define PCI_SLOT(bdf)           ((bdf) >> 3 & 0x1f)
#define PCI_FUNCTION(bdf)       ((bdf) & 7)
#define PCI_PARTS(bdf)          PCI_BUS(bdf), PCI_SLOT(bdf), PCI_FUNCTION(bdf)  /* for "%x:%x.%u" */
/* clang-format on */

#endif
