"""The PCI tests' rows: data only, pci_test.py runs them.

Linux must keep every address that the firmware gave, and complain of nothing that it does not
complain of under SeaBIOS.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """One machine."""
    name: str
    machine: str
    args: tuple = ()
    memory: str = "512M"
    plugs: tuple = ()               # buses into which a disk is plugged, one after another
    closed: str = ""                # the firmware's words for what has no place


def devices(*words):
    """-device for each."""
    return tuple(part for word in words for part in ("-device", word))


def shared(size, bus=""):
    """An ivshmem device of SIZE, whose memory the host does not commit."""
    return ("-object", f"memory-backend-ram,id=shared,size={size},share=off,reserve=off",
            *devices(f"ivshmem-plain,memdev=shared{bus}"))


def ports(count, options=""):
    """COUNT root ports p0, p1, ..."""
    return devices(*(f"pcie-root-port,id=p{i},chassis={i + 1},slot={i}{options}"
                     for i in range(count)))


KATA = "pci-bridge,id=kata,bus={bus},chassis_nr=1,shpc=off,addr=2,io-reserve=4k,mem-reserve=1m," \
    "pref64-reserve=1m"
MANY = devices(*["virtio-rng-pci"] * 24)
ZOO = devices("VGA", "e1000", "nvme,serial=1", "ahci", "virtio-scsi-pci", "qemu-xhci")
NESTED = devices("pci-bridge,id=b1,chassis_nr=1", "pci-bridge,id=b2,bus=b1,addr=2,chassis_nr=2",
                 "virtio-rng-pci,bus=b2,addr=4", "e1000,bus=b1,addr=5")
SWITCH = (*ports(1), *devices(
    "x3130-upstream,id=up,bus=p0", "xio3130-downstream,id=d0,bus=up,chassis=20",
    "xio3130-downstream,id=d1,bus=up,chassis=21", "virtio-rng-pci,bus=d0"))

ROWS = (
    Row("pc-1", "pc", devices("virtio-rng-pci"), plugs=("pci.0", "pci.0")),
    Row("pc-24", "pc", MANY),
    Row("pc-zoo", "pc", (*ZOO, *devices("lsi53c895a"))),
    Row("pc-nested", "pc", NESTED, plugs=("b1", "b2", "b1")),
    Row("pc-kata", "pc", devices(KATA.format(bus="pci.0")), plugs=("kata", "kata", "kata")),
    Row("pc-pxb", "pc", devices("pxb,id=x,bus_nr=64,bus=pci.0", "virtio-rng-pci,bus=x,addr=1")),
    Row("pc-16g", "pc", (*shared("16G"), *devices("virtio-gpu-pci")), memory="3G"),
    Row("pc-5g-32g", "pc", shared("32G"), memory="5G"),
    Row("q35-1", "q35", devices("virtio-rng-pci")),
    Row("q35-24", "q35", MANY),
    Row("q35-zoo", "q35", ZOO, memory="3G"),
    Row("q35-ports", "q35", (*ports(4), *devices("virtio-rng-pci,bus=p0", "e1000e,bus=p1")),
        plugs=("p2", "p3")),
    Row("q35-16-ports", "q35", (*ports(16, ",io-reserve=4k"), *devices("e1000e,bus=p15"))),
    Row("q35-switch", "q35", SWITCH, plugs=("d1",)),
    Row("q35-nested", "q35", (*devices("pcie-pci-bridge,id=b0,bus=pcie.0"), *devices(
        "pci-bridge,id=b1,bus=b0,addr=1,chassis_nr=1",
        "pci-bridge,id=b2,bus=b1,addr=2,chassis_nr=2", "virtio-rng-pci,bus=b2,addr=4")),
        plugs=("b2", "b0")),
    Row("q35-kata", "q35", devices(KATA.format(bus="pcie.0")), plugs=("kata", "kata")),
    Row("q35-pxb", "q35", devices(
        "pxb-pcie,id=x,bus_nr=128,bus=pcie.0", "pcie-root-port,id=xp,bus=x,chassis=9",
        "virtio-rng-pci,bus=xp", "pcie-root-port,id=xq,bus=x,chassis=10"), plugs=("xq",)),
    Row("q35-32g-port", "q35", (*ports(1), *shared("32G", ",bus=p0")), memory="5G"),
    Row("q35-maxmem", "q35", shared("32G"), memory="2G,slots=4,maxmem=64G"),
    Row("q35-too-large", "q35", shared("1024G"), closed="no place for 0x10000000000 bytes"),
    Row("microvm-1", "microvm,pcie=on", devices("virtio-rng-pci")),
    Row("microvm-24", "microvm,pcie=on", MANY),
    Row("microvm-ports", "microvm,pcie=on", (*ports(2), *devices("virtio-rng-pci,bus=p0"))),
)
