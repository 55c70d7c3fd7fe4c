"""The PCI tests' rows: data only, pci_test.py runs them.

Linux must keep every address that the firmware gave, complain of nothing that it does not complain
of under SeaBIOS, and read the disks and use the network that the row has.
"""

import dataclasses

from machines import Linux, devices, disk, net, scsi


@dataclasses.dataclass(frozen=True)
class Row(Linux):
    """One machine."""
    kernel: str = "generic"         # tells each BAR's first address
    plugs: tuple = ()               # buses into which a disk is plugged, one after another
    closed: str = ""                # the firmware's words for what has no place
    refused: str = ""               # the firmware's words for room that there is none of
    peer: str = ""                  # SeaBIOS cannot boot this machine: the row that it gets instead


def shared(size, bus="", name="shared"):
    """An ivshmem device of SIZE, whose memory NAME the host does not commit."""
    return (f"-object memory-backend-ram,id={name},size={size},share=off,reserve=off " +
            devices(f"ivshmem-plain,memdev={name}{bus}"))


def ports(count, options=""):
    """COUNT root ports p0, p1, ..."""
    return devices(*(f"pcie-root-port,id=p{i},chassis={i + 1},slot={i}{options}"
                     for i in range(count)))


def bridges(bus):
    """A conventional bridge on BUS, and another one behind it."""
    return (devices(f"pci-bridge,id=b1,bus={bus},addr=7,chassis_nr=1",
                    "pci-bridge,id=b2,bus=b1,addr=2,chassis_nr=2") +
            scsi("virtio-scsi-pci,bus=b2,addr=4") + net("e1000,bus=b1,addr=5"))


KATA = "pci-bridge,id=kata,bus={bus},chassis_nr=1,shpc=off,addr=2,io-reserve=4k,mem-reserve=1m," \
    "pref64-reserve=1m"
BLK = disk("virtio-blk-pci")
ONE = net("virtio-net-pci")
MANY = devices("virtio-rng-pci") * 22 + BLK + ONE
ZOO = (devices("VGA", "pvpanic-pci", "virtio-gpu-pci", "qemu-xhci", "ahci,id=sata") + net("e1000") +
       disk("nvme,serial=1", "nvme-disk") + disk("ide-cd,bus=sata.0", "cd") +
       scsi("virtio-scsi-pci"))
ZOO_TESTS = "iso=nvme0n1,iso=sr0,iso=sda,net"
LSI = scsi("lsi53c895a", "lsi")
PORTS = (ports(5) + disk("nvme,serial=1,bus=p0") + net("e1000e,bus=p1") +
         scsi("virtio-scsi-pci,bus=p4"))
SWITCH = ports(1) + devices(
    "x3130-upstream,id=up,bus=p0", "xio3130-downstream,id=d0,bus=up,chassis=20",
    "xio3130-downstream,id=d1,bus=up,chassis=21", "xio3130-downstream,id=d2,bus=up,chassis=22") + \
    disk("nvme,serial=1,bus=d0") + net("virtio-net-pci,bus=d2")
# 512M, 3G, 5G and room for more RAM; 16 and 32 GiB of device memory.
LARGE = shared("32G") + BLK
MORE_RAM = "2G,slots=4,maxmem=64G"

ROWS = (
    Row("pc-1", "pc", ONE, tests="net", plugs=("pci.0", "pci.0")),
    Row("pc-24", "pc", MANY, tests="iso=vda,net"),
    Row("pc-zoo", "pc", ZOO + LSI, tests=ZOO_TESTS + ",iso=sdb"),
    Row("pc-nested", "pc", bridges("pci.0"), tests="iso=sda,net", plugs=("b1", "b2", "b1")),
    Row("pc-kata", "pc", devices(KATA.format(bus="pci.0")) +
        scsi("virtio-scsi-pci,bus=kata,addr=1"), tests="iso=sda", plugs=("kata", "kata", "kata")),
    Row("pc-pxb", "pc", devices("pxb,id=x,bus_nr=64,bus=pci.0") +
        disk("virtio-blk-pci,bus=x,addr=1") + net("e1000,bus=x,addr=2"), tests="iso=vda,net"),
    Row("pc-16g", "pc", shared("16G") + devices("virtio-gpu-pci") + BLK, tests="iso=vda",
        memory="3G"),
    Row("pc-5g-32g", "pc", LARGE, tests="iso=vda", memory="5G"),
    Row("pc-maxmem", "pc", LARGE, tests="iso=vda", memory=MORE_RAM),
    Row("pc-33-bits", "pc", "-cpu qemu64,phys-bits=33 " + shared("4G") +
        shared("512M", name="more") + BLK, tests="iso=vda"),
    Row("q35-1", "q35", ONE, tests="net"),
    Row("q35-24", "q35", MANY, tests="iso=vda,net"),
    Row("q35-zoo", "q35", ZOO + LSI, tests=ZOO_TESTS + ",iso=sdb", memory="3G"),
    Row("q35-ports", "q35", PORTS, tests="iso=nvme0n1,iso=sda,net", plugs=("p2", "p3")),
    Row("q35-16-ports", "q35", ports(16) + net("e1000e,bus=p15"), tests="net"),
    Row("q35-16-reserves", "q35", ports(16, ",io-reserve=4k") + net("e1000e,bus=p15"),
        tests="net", refused="no place for 0x1000 bytes of I/O", peer="q35-16-ports"),
    Row("q35-switch", "q35", SWITCH, tests="iso=nvme0n1,net", plugs=("d1",)),
    Row("q35-nested", "q35", devices("pcie-pci-bridge,id=b0,bus=pcie.0") + bridges("b0"),
        tests="iso=sda,net", plugs=("b2", "b0")),
    Row("q35-kata", "q35", devices(KATA.format(bus="pcie.0")) +
        scsi("virtio-scsi-pci,bus=kata,addr=1"), tests="iso=sda", plugs=("kata", "kata")),
    Row("q35-pxb", "q35", devices(
        "pxb-pcie,id=x,bus_nr=128,bus=pcie.0", "pcie-root-port,id=xp,bus=x,chassis=9",
        "pcie-root-port,id=xq,bus=x,chassis=10", "pcie-root-port,id=xr,bus=x,chassis=11") +
        disk("nvme,serial=1,bus=xp") + net("virtio-net-pci,bus=xr"), tests="iso=nvme0n1,net",
        plugs=("xq",)),
    Row("q35-cxl", "q35,cxl=on,cxl-fmw.0.targets.0=x,cxl-fmw.0.size=4G", devices(
        "pxb-cxl,id=x,bus_nr=12,bus=pcie.0", "cxl-rp,id=xp,port=0,bus=x,chassis=9,slot=2") +
        "-object memory-backend-ram,id=cxl-memory,size=256M,share=on "
        "-object memory-backend-ram,id=cxl-labels,size=256M,share=on " +
        devices("cxl-type3,bus=xp,memdev=cxl-memory,lsa=cxl-labels,id=cxl-device") +
        disk("virtio-blk-pci,bus=pcie.0") + net("e1000e,bus=pcie.0"), tests="iso=vda,net",
        memory="4G"),
    Row("q35-32g-port", "q35", ports(1) + shared("32G", ",bus=p0") + BLK, tests="iso=vda",
        memory="5G"),
    Row("q35-maxmem", "q35", LARGE, tests="iso=vda", memory=MORE_RAM),
    Row("q35-too-large", "q35", shared("1024G") + BLK, tests="iso=vda",
        closed="no place for 0x10000000000 bytes"),
    Row("microvm-1", "microvm,pcie=on", ONE, tests="net"),
    Row("microvm-24", "microvm,pcie=on", MANY, tests="iso=vda,net"),
    Row("microvm-zoo", "microvm,pcie=on", ZOO, tests=ZOO_TESTS, memory="3G"),
    Row("microvm-ports", "microvm,pcie=on", PORTS, tests="iso=nvme0n1,iso=sda,net"),
    Row("microvm-switch", "microvm,pcie=on", SWITCH, tests="iso=nvme0n1,net"),
    Row("microvm-nested", "microvm,pcie=on",
        devices("pcie-pci-bridge,id=b0,bus=pcie.0") + bridges("b0"), tests="iso=sda,net"),
    Row("microvm-full", "microvm,pcie=on", ports(1, ",mem-reserve=1G") + shared("128G") +
        shared("128G", name="more") + BLK + ONE, tests="iso=vda,net",
        refused="no place for 0x40000000 bytes of memory"),
    Row("microvm-5g-32g", "microvm,pcie=on", LARGE, tests="iso=vda", memory="5G"),
)
