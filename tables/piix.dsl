/*
 * piix.dsl - the DSDT of i440FX machines to which QEMU gives no ACPI tables.  See piix_acpi.c,
 * which replaces the base and length of the PCI window above RAM, and all of the one above 4 GiB.
 *
 * Interrupts: chipset.c routes PIRQA# and PIRQB# to 10, PIRQC# and PIRQD# to 11, for good.
 */
DefinitionBlock ("", "DSDT", 1, "QBOOT", "QBOOTPC", 1)
{
    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (LOW, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x00, 0xff, 0, 0x100)
                IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0cf7, 0, 0x0cf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0d00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000a0000, 0x000bffff, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0x80000000, 0xfebfffff, 0, 0x7ec00000)
            })
            Name (HIGH, ResourceTemplate ()
            {
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x0011223300000000, 0x0011223344556676, 0, 0x44556677)
            })
            // 18: the upper half of the window's minimum, which is 0 if there is none.
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (HIGH, 18, TOP)
                If (TOP) { Return (ConcatenateResTemplate (LOW, HIGH)) }
                Return (LOW)
            }

            // Slot and pin of each of 128 entries; link (slot - 1 + pin) & 3.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local3 = ((Local1 >> 2) + Local1 - 1) & 3
                    If (Local3 == 0) { Local2 = Package () { 0, 0, LNKA, 0 } }
                    If (Local3 == 1) { Local2 = Package () { 0, 0, LNKB, 0 } }
                    If (Local3 == 2) { Local2 = Package () { 0, 0, LNKC, 0 } }
                    If (Local3 == 3) { Local2 = Package () { 0, 0, LNKD, 0 } }
                    Local2[0] = (Local1 >> 2) << 16 | 0xffff
                    Local2[1] = Local1 & 3
                    Local0[Local1] = Local2
                    Local1++
                }
                Return (Local0)
            }

            Device (PX13)
            {
                Name (_ADR, 0x00010003)
                // The power management function's registers, and its GPE block.
                Device (RES)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0600, 0x0600, 1, 0x40)
                        IO (Decode16, 0xafe0, 0xafe0, 1, 4)
                        IO (Decode16, 0x00b2, 0x00b2, 1, 2)
                    })
                }
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 1, 8)
                        IRQNoFlags () { 8 }
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
                }
            }
        }

        Name (PRS0, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 10 }
        })
        Name (PRS1, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 11 }
        })
        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Method (_PRS) { Return (PRS0) }
            Method (_CRS) { Return (PRS0) }
            Method (_SRS, 1) {}
            Method (_DIS) {}
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_PRS) { Return (PRS0) }
            Method (_CRS) { Return (PRS0) }
            Method (_SRS, 1) {}
            Method (_DIS) {}
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_PRS) { Return (PRS1) }
            Method (_CRS) { Return (PRS1) }
            Method (_SRS, 1) {}
            Method (_DIS) {}
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_PRS) { Return (PRS1) }
            Method (_CRS) { Return (PRS1) }
            Method (_SRS, 1) {}
            Method (_DIS) {}
        }
    }
}
