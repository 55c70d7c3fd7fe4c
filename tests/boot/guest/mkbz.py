#!/usr/bin/env python3
"""mkbz.py IMAGE PAYLOAD OUTPUT - a bzImage around PAYLOAD, its header as IMAGE's name says.

The real-mode part is a header and, in every other byte, code that ends QEMU with status 37: no
loader may run it.  The same code fills the fields that an older header does not have.
"""
import struct
import sys

MIB = 1 << 20
LOADED_HIGH = 1
XLF_KERNEL_64 = 1
XLF_CAN_BE_LOADED_ABOVE_4G = 2
SETUP_SECTS = 15
VERSION_OFFSET = 0x5B0                                  # in the file, where memdisk has it
FAIL_16BIT = bytes.fromhex("baf400b012ee90f4")  # mov dx,f4; mov al,12; out dx,al; nop; hlt

DEFAULTS = dict(protocol=0x20F, loadflags=LOADED_HIGH, relocatable=1, xloadflags=XLF_KERNEL_64,
                alignment=2 * MIB, pref_address=16 * MIB, init_size=4 * MIB, cmdline_size=0xFFFF)

VARIANTS = {
    "bz64": {},
    "bz32": dict(xloadflags=0),
    "bz-low": dict(alignment=0x1000, pref_address=MIB, init_size=MIB),      # for little memory
    "bz-fixed": dict(relocatable=0, pref_address=MIB),
    "bz-fixed16": dict(relocatable=0),
    "bz-big": dict(init_size=40 * MIB),
    "bz-high": dict(xloadflags=XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G),
    "bz-209": dict(protocol=0x209),
    "bz-208": dict(protocol=0x208),
    "bz-205": dict(protocol=0x205),
    "bz-zimage": dict(loadflags=0, xloadflags=0),                           # 16-bit entry only
    "bz-cut": dict(cut=4096),                                               # the file's end is lost
    "bz-no-payload": dict(cut=4096, syssize=0),
    "bz-memdisk": dict(version=b"MEMDISK 6.04", xloadflags=0),
    "bz-junk": dict(junk=True),                     # values in fields that a loader has to fill in
}
# The same for processors without long mode.
VARIANTS |= {f"{name}-32": dict(variant, xloadflags=0) for name, variant in VARIANTS.items()}

# End of the header by protocol version: Linux Documentation/arch/x86/boot.rst
HEADER_END = {0x205: 0x238, 0x208: 0x250, 0x209: 0x258, 0x20F: 0x26C}


def build(payload, v):
    payload += bytes(-len(payload) % 16)
    size = (SETUP_SECTS + 1) * 512
    setup = bytearray(FAIL_16BIT * (size // len(FAIL_16BIT)))
    end = HEADER_END[v["protocol"]]
    header = bytearray(end - 0x1F1)

    def put(offset, form, *values):
        if offset < end:
            struct.pack_into(form, header, offset - 0x1F1, *values)

    put(0x1F1, "<B", SETUP_SECTS)
    put(0x1F4, "<I", v.get("syssize", len(payload) // 16))
    put(0x1FE, "<H", 0xAA55)
    put(0x200, "<H", 0xEB | (end - 0x202) << 8)
    put(0x202, "<4s", b"HdrS")
    put(0x206, "<H", v["protocol"])
    put(0x211, "<B", v["loadflags"])
    put(0x214, "<I", MIB)                               # code32_start
    put(0x22C, "<I", 0x7FFFFFFF)                        # initrd_addr_max
    put(0x230, "<I", v["alignment"])
    put(0x234, "<B", v["relocatable"])
    put(0x236, "<H", v["xloadflags"])
    put(0x238, "<I", v["cmdline_size"])
    put(0x258, "<Q", v["pref_address"])
    put(0x248, "<II", 0, len(payload))                  # payload_offset, payload_length
    put(0x260, "<I", v["init_size"])
    if v.get("junk"):
        put(0x218, "<II", 0x1234000, 48 * MIB)          # ramdisk_image, ramdisk_size
        put(0x226, "<BB", 0x11, 0x22)                   # ext_loader_ver, ext_loader_type
        put(0x23C, "<IQ", 0x33, 0x44)                   # hardware_subarch and its data
    if "version" in v:
        put(0x20E, "<H", VERSION_OFFSET - 0x200)
        setup[VERSION_OFFSET:VERSION_OFFSET + len(v["version"])] = v["version"]
    setup[0x1F1:end] = header
    return bytes(setup) + payload[:len(payload) - v.get("cut", 0)]


def main():
    name, payload, output = sys.argv[1:]
    variant = VARIANTS[name.removeprefix("guest-").removesuffix(".img")]
    with open(payload, "rb") as f:
        image = build(f.read(), DEFAULTS | variant)
    with open(output, "wb") as f:
        f.write(image)


main()
