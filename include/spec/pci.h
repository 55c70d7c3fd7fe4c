/*
 * pci.h - PCI configuration space: offsets and bits.
 * PCI Local Bus 3.0, "Configuration Space"; PCI-to-PCI Bridge 1.2; PCI Express Base.
 */
#ifndef SPEC_PCI_H
#define SPEC_PCI_H

#define PCI_PORT_ADDRESS        0xcf8
  #define PCI_ADDRESS_ENABLE      (1u << 31)
#define PCI_PORT_DATA           0xcfc

#define PCI_NO_DEVICE           0xffffffffu     /* vendor and device id where nothing answers */

#define PCI_VENDOR_ID           0x00            /* u16 */
#define PCI_DEVICE_ID           0x02            /* u16 */
#define PCI_COMMAND             0x04            /* u16 */
  #define PCI_COMMAND_IO          (1u << 0)
  #define PCI_COMMAND_MEMORY      (1u << 1)
  #define PCI_COMMAND_MASTER      (1u << 2)
  #define PCI_COMMAND_SERR        (1u << 8)
#define PCI_STATUS              0x06            /* u16 */
  #define PCI_STATUS_CAP_LIST     (1u << 4)
#define PCI_CLASS_REVISION      0x08            /* u32: class code in bits 31:8 */
  #define PCI_CLASS_IDE           0x0101
  #define PCI_CLASS_BRIDGE_PCI    0x0604
#define PCI_CACHE_LINE_SIZE     0x0c            /* u8; latency timer, header type, BIST follow */
#define PCI_HEADER_TYPE         0x0e            /* u8 */
  #define PCI_HEADER_TYPE_MASK    0x7f
  #define PCI_HEADER_TYPE_BRIDGE  0x01
  #define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_BAR(n)              (0x10 + 4 * (n))
#define PCI_CAP_POINTER         0x34            /* u8 */
  #define PCI_CAP_ID_EXPRESS      0x10          /* port type in bits 7:4 of the word at +2 */
  #define PCI_EXPRESS_ROOT_PORT   4
  #define PCI_EXPRESS_DOWNSTREAM  6
#define PCI_INTERRUPT_LINE      0x3c            /* u8, scratch */
#define PCI_INTERRUPT_PIN       0x3d            /* u8, 1 = INTA#, 0 = none */

/* Type 1 header. */
#define PCI_PRIMARY_BUS         0x18            /* u8; secondary, subordinate, latency follow */

#define PCI_SLOTS               32
#define PCI_FUNCTIONS           8
#define PCI_BUSES               256

/* Bus, device and function as one number; offsets stay below 256 except through ECAM. */
#define PCI_BDF(bus, slot, function) ((uint32_t)(bus) << 8 | (uint32_t)(slot) << 3 | (function))
#define PCI_BUS(bdf)            ((bdf) >> 8)
#define PCI_SLOT(bdf)           ((bdf) >> 3 & 0x1f)
#define PCI_FUNCTION(bdf)       ((bdf) & 7)

#endif
