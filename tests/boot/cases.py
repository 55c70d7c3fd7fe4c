"""The boot tests' rows: data only, boot_test.py runs them.

A Case is one QEMU machine with one of Debian's kernels.  The rows named launcher-... are command
lines of real programs, cut down to what runs without their daemons.
"""

import dataclasses
import itertools

from machines import Linux, devices, disk, net, scsi


@dataclasses.dataclass(frozen=True)
class Case(Linux):
    """One row."""
    cpus_seen: int = 0              # what the guest must count, if not cpus
    host_mib: int = 0               # SKIP on a host with less memory free than that
    tolerated: tuple = ()           # patterns of what the kernel complains of with SeaBIOS, too
    bus: str = ""                   # where a disk is plugged while the guest runs

    @property
    def has_acpi(self):
        """Whether the kernel will find and use ACPI tables."""
        return ("acpi=off" not in self.machine and "acpi=off" not in self.append
                and not self.machine.startswith("isapc"))

    @property
    def has_pci(self):
        """Whether the kernel will find PCI."""
        if self.machine.startswith("isapc"):
            return False
        return not self.is_microvm or "pcie=on" in self.machine


MICROVM = "microvm"                 # acpi=on is its default
MICROVM_NO_ACPI = "microvm,acpi=off"
MACHINES = {"pc": "pc", "q35": "q35", "microvm": MICROVM, "microvm-noacpi": MICROVM_NO_ACPI}

DISK = disk()                       # without a controller
PCI_DISK, MMIO_DISK = disk("virtio-blk-pci"), disk("virtio-blk-device")
PCI_NET, MMIO_NET = net("virtio-net-pci,romfile="), net("virtio-net-device")

# microvm's PCI host bridge "has no io address window" (QEMU hw/i386/microvm.c), which the legacy
# registers of virtio devices want; and ECAM alone leads to configuration space, whose place the
# kernel learns from ACPI after it has looked for other ways.
MICROVM_PCIE = (r"PCI: Fatal: No config space access function found$",
                r"pci 0000:00:0[123]\.0: BAR 0 \[io  size 0x00[28]0\]: "
                r"(can't assign; no space|failed to assign)$")
# An extra root has the I/O ports that devices on it have, here none (QEMU hw/i386/acpi-build.c,
# build_crs()); the kernel wants some for what may be plugged into the root port.
PXB_WITHOUT_PORTS = (r"pci 0000:80:00\.0: bridge window \[io  size 0x1000\]: "
                     r"(can't assign; no space|failed to assign)$",)


def _devices(machine):
    """The arguments and test words for a disk and a network on MACHINE.  Without ACPI Debian's
    kernels do not look for virtio-mmio devices."""
    if machine.startswith(MICROVM):
        if "acpi=off" in machine:
            return "", "facts"
        return MMIO_DISK + MMIO_NET, "iso=vda,raw=vda,net"
    return PCI_DISK + PCI_NET, "iso=vda,raw=vda,net"


def _formats():
    """Every machine with every kernel in both formats, with a disk and a network."""
    for short, machine in MACHINES.items():
        args, tests = _devices(machine)
        for kernel in ("cloud", "generic"):
            for image in ("vmlinuz", "vmlinux"):
                yield Case(f"{short}-{kernel}-{image}", machine, args, kernel=kernel,
                           format=image, tests=tests)


def _cpus():
    """Two and eight CPUs.  The cloud kernel reads no MP table: one CPU without ACPI."""
    for short, machine in MACHINES.items():
        blind = machine == MICROVM_NO_ACPI
        often = ((2, "cloud", "vmlinux"), (2, "generic", "vmlinuz"),
                 (8, "generic" if blind else "cloud", "vmlinux"))
        for cpus, kernel, image in itertools.product((2, 8), ("cloud", "generic"),
                                                     ("vmlinuz", "vmlinux")):
            yield Case(f"{short}-{cpus}cpus-{kernel}-{image}", machine, kernel=kernel,
                       format=image, cpus=cpus,
                       cpus_seen=1 if blind and kernel == "cloud" else cpus,
                       soak=(cpus, kernel, image) not in often)
    yield Case("pc-16cpus-topology", "pc", cpus=16,
               args="-smp 16,sockets=2,cores=4,threads=2", soak=True)
    yield Case("q35-64cpus", "q35", cpus=64, soak=True)
    for machine in ("pc", "q35"):
        yield Case(f"{machine}-2cpus-noacpi", f"{machine},acpi=off", PCI_DISK, kernel="generic",
                   cpus=2, tests="iso=vda")


# Sizes that other firmware failed at, one that is no multiple of a MiB, and those around each
# machine's split of RAM.  Every size on every machine is for the soak.
MEMORY = ("128M", "2047M", "2048M", "2049M", "2815M", "2816M", "2817M", "3071M", "3072M", "3073M",
          "3583M", "3584M", "4096M", "5120M", "4092069k")
SPLITS = {
    "pc": ("3071M", "3072M", "3073M", "3583M", "3584M"),
    "q35": ("2047M", "2049M", "2815M", "2816M", "2817M"),
    "microvm": ("2047M", "2049M", "3071M", "3072M", "3073M"),
    "microvm-noacpi": (),           # its map is microvm's
}
EVERYWHERE = ("128M", "2048M", "4096M", "4092069k")
# These sizes take the bzImage's way of placing things instead of PVH's.
MEMORY_BZIMAGE = ("128M", "2049M", "2816M", "3073M", "3584M", "4092069k")


def _memory():
    for short, machine in MACHINES.items():
        for size in MEMORY:
            image = "vmlinuz" if size in MEMORY_BZIMAGE else "vmlinux"
            yield Case(f"{short}-{size}", machine, format=image, memory=size,
                       soak=size not in SPLITS[short] + EVERYWHERE)
    for short in ("pc", "q35", "microvm"):
        yield Case(f"{short}-64G", f"{MACHINES[short]},memory-backend=ram", memory="64G",
                   args="-object memory-backend-ram,id=ram,size=64G,reserve=off",
                   host_mib=4096, soak=short != "q35")


def _i386():
    for machine in ("pc", "q35"):
        for qemu in ("x86_64", "i386"):
            yield Case(f"{machine}-i386-on-{qemu}", machine, PCI_DISK + PCI_NET, kernel="i386",
                       format="vmlinuz", qemu=qemu, cpus=2, tests="iso=vda,raw=vda,net")
        yield Case(f"{machine}-i386-vmlinux-4G", machine, PCI_DISK, kernel="i386",
                   memory="4096M", tests="iso=vda")     # QEMU's i386 one fails above 4 GiB
        yield Case(f"{machine}-i386-nopae-3073M", machine, PCI_DISK, kernel="i386-nopae",
                   format="vmlinuz", memory="3073M", tests="iso=vda")
    yield Case("isapc-i386-nopae", "isapc", "-cpu qemu32", "noapic nolapic", kernel="i386-nopae",
               format="vmlinuz", memory="256M", qemu="i386")


def _releases():
    """Kernels of other releases of Debian's, and the one for real time."""
    for kernel in ("cloud-bullseye", "cloud-trixie", "cloud-unstable", "rt", "i386-bullseye"):
        for short in ("pc", "q35", "microvm"):
            if short != "microvm" or kernel.startswith("cloud"):
                args, tests = _devices(MACHINES[short])
                yield Case(f"{short}-{kernel}", MACHINES[short], args, kernel=kernel,
                           format="vmlinuz", tests=tests, cpus=2)


def _devices_rows():
    """Devices whose addresses or interrupts the firmware answers for."""
    legacy = disk("virtio-blk-pci,vectors=0")           # no MSI-X: the interrupt line counts
    port = "pcie-root-port,id=rp,chassis=1,slot=1"
    for machine in ("pc", "q35"):
        yield Case(f"{machine}-intx", machine, legacy, tests="iso=vda")
        yield Case(f"{machine}-intx-noacpi", machine, legacy, "acpi=off", kernel="generic",
                   tests="iso=vda")
        yield Case(f"{machine}-intx-noapic", machine, legacy,
                   "acpi=off noapic nolapic pci=nomsi", kernel="generic", tests="iso=vda")
        yield Case(f"{machine}-bridge", machine,
                   devices("pci-bridge,id=bridge,chassis_nr=1,addr=2") +
                   disk("virtio-blk-pci,bus=bridge,addr=1") +
                   net("virtio-net-pci,romfile=,vectors=0,bus=bridge,addr=2"), tests="iso=vda,net")
        yield Case(f"{machine}-scsi", machine, scsi("virtio-scsi-pci"), tests="iso=sda")
        yield Case(f"{machine}-nvme", machine, disk("nvme,serial=1"), tests="iso=nvme0n1")
        yield Case(f"{machine}-big-bar", machine,
                   "-object memory-backend-ram,id=bar,size=32G,reserve=off " +
                   devices("ivshmem-plain,memdev=bar") + PCI_DISK, tests="iso=vda")
        yield Case(f"{machine}-modern-only", machine, disk("virtio-blk-pci,disable-legacy=on"),
                   tests="iso=vda")
        yield Case(f"{machine}-20-devices", machine, devices("virtio-rng-pci") * 20)
        yield Case(f"{machine}-vmgenid", machine,
                   devices("vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"))
        yield Case(f"{machine}-smm-off", f"{machine},smm=off", cpus=2)
    yield Case("pc-ide", "pc", disk("ide-cd,bus=ide.0"), tests="iso=sr0")
    yield Case("q35-ahci", "q35", disk("ide-cd,bus=ide.0"), kernel="generic", tests="iso=sr0")
    yield Case("pc-e1000", "pc", net("e1000,romfile="), kernel="generic", tests="net")
    yield Case("q35-e1000e", "q35", net("e1000e,romfile="), kernel="generic", tests="net")
    yield Case("q35-root-port", "q35", devices(port) + disk("virtio-blk-pci,bus=rp"),
               tests="iso=vda")
    yield Case("q35-switch", "q35", devices(
        port, "x3130-upstream,id=up,bus=rp", "xio3130-downstream,id=down,bus=up,chassis=2,slot=2") +
        disk("virtio-blk-pci,bus=down"), tests="iso=vda")
    yield Case("q35-pxb", "q35", devices("pxb-pcie,id=pxb,bus_nr=128,bus=pcie.0",
                                         "pcie-root-port,id=rp,bus=pxb,chassis=3,slot=3") +
               disk("virtio-blk-pci,bus=rp"), tests="iso=vda", tolerated=PXB_WITHOUT_PORTS)
    yield Case("pc-pxb", "pc", devices("pxb,id=pxb,bus_nr=128") +
               disk("virtio-blk-pci,bus=pxb,addr=1"), tests="iso=vda")
    yield Case("microvm-pcie", "microvm,pcie=on", PCI_DISK + PCI_NET, tests="iso=vda,net",
               tolerated=MICROVM_PCIE)
    yield Case("microvm-no-legacy", "microvm,pic=off,pit=off,rtc=off,x-option-roms=off",
               MMIO_DISK + MMIO_NET, tests="iso=vda,net")
    yield Case("q35-numa-hotplug-memory", "q35",
               "-smp 2,sockets=2 -m 1G,slots=4,maxmem=8G "
               "-object memory-backend-ram,id=a,size=512M "
               "-object memory-backend-ram,id=b,size=512M -numa node,cpus=0,memdev=a "
               "-numa node,cpus=1,memdev=b", memory="1G", cpus=2)
    yield Case("q35-iommu", "q35,kernel-irqchip=split",
               devices("intel-iommu,intremap=on") +
               disk("virtio-blk-pci,disable-legacy=on,iommu_platform=on"), tests="iso=vda")
    yield Case("q35-no-debugcon", "q35", debugcon=False)
    yield Case("microvm-no-debugcon", MICROVM, debugcon=False)


def _launchers():
    """Real command lines, named by who writes them."""
    console = "-device {} -device virtconsole,chardev=serial"
    yield Case("launcher-microvm-docs", MICROVM, MMIO_DISK + MMIO_NET, memory="512m", cpus=2,
               tests="iso=vda,net")
    yield Case("launcher-microvm-docs-minimal",
               "microvm,x-option-roms=off,pit=off,pic=off,isa-serial=off,rtc=off",
               console=console.format("virtio-serial-device"), append="qb.console=hvc0",
               debugcon=False)
    yield Case("launcher-microvm.nix",
               "microvm,accel=tcg,acpi=on,mem-merge=on,pcie=on,pic=off,pit=off,rtc=on,usb=off",
               "-numa node,memdev=mem -device virtio-rng-pci "
               "-object memory-backend-memfd,id=mem,size=2048M,share=on "
               "-fw_cfg name=opt/io.systemd.credentials/hello,string=world "
               "-device i8042 " + PCI_DISK + PCI_NET, format="vmlinuz", cpus=2, memory="2048M",
               tests="iso=vda,net", tolerated=MICROVM_PCIE)
    yield Case("launcher-virtme-ng", "microvm,accel=tcg,pcie=on,rtc=on",
               "-object memory-backend-memfd,id=mem,size=1G,share=on "
               "-numa node,memdev=mem -cpu max " + PCI_NET, format="vmlinuz", cpus=2, memory="1G",
               tests="net", tolerated=MICROVM_PCIE)
    # Without pit=off,pic=off: Linux needs a timer interrupt there.
    yield Case("launcher-osv", "microvm,x-option-roms=off,rtc=off,auto-kernel-cmdline=on,acpi=off",
               "-global virtio-mmio.force-legacy=off -cpu max", kernel="generic", cpus=2)
    yield Case("launcher-kata", "q35,accel=tcg",
               "-m 2048M,slots=10,maxmem=9G -cpu max,pmu=off -device "
               "pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2,io-reserve=4k,"
               "mem-reserve=1m,pref64-reserve=1m -device virtio-serial-pci,disable-modern=false "
               f"{disk('virtio-blk-pci,share-rw=on')} -device "
               "virtio-scsi-pci,id=scsi0 -object memory-backend-memfd,id=dimm1,size=2048M,share=on "
               "-numa node,memdev=dimm1 -rtc base=utc,driftfix=slew,clock=host "
               "-global kvm-pit.lost_tick_policy=discard -vga none " + PCI_NET,
               "tsc=reliable reboot=k pci=lastbus=0", memory="2048M", tests="iso=vda,net")
    yield Case("launcher-melange", "q35,hpet=off,smm=off,pit=off,i8042=off,sata=off,smbus=off,"
               "usb=off,vmport=off,graphics=off",
               "-smp 2,dies=1,sockets=1,cores=2,threads=1 -cpu Haswell-v4",
               "qb.console=hvc0 no_timer_check", format="vmlinuz", memory="4092069k", cpus=2,
               console=console.format("virtio-serial-pci,id=virtio-serial0"))
    yield Case("launcher-libguestfs", "q35,accel=tcg,graphics=off",
               "-global virtio-blk-pci.scsi=off -cpu max -rtc driftfix=slew "
               "-global kvm-pit.lost_tick_policy=discard " + scsi("virtio-scsi-pci") +
               devices("virtio-serial-pci"), kernel="generic",
               format="vmlinuz", memory="1280", tests="iso=sda")
    yield Case("launcher-mkosi", "q35,smm=off,hpet=off,accel=tcg",
               "-object memory-backend-memfd,id=mem,size=2G,share=on -machine memory-backend=mem "
               "-smbios type=11,value=io.systemd.credential:a=b "
               "-fw_cfg name=opt/io.systemd.credentials/c,string=d -device virtio-serial-pci " +
               PCI_DISK + PCI_NET, format="vmlinuz", memory="2G", cpus=2, tests="iso=vda,net")
    yield Case("launcher-kraftkit", "pc,accel=tcg",
               "-cpu qemu64,+pdpe1gb,+rdrand,-vmx,-svm -device pvpanic -rtc base=utc -vga none",
               memory="64M", kernel="i386", format="vmlinuz", soak=True)
    for name, machine in (("launcher-plain", "pc"), ("launcher-plain-q35", "q35")):
        yield Case(name, machine, "-nic user,tftp={tftp}", kernel="generic", format="vmlinuz",
                   defaults=True, tests="net")
    ports = devices(*(
        f"pcie-root-port,port={16 + port},chassis={port + 1},id=pci.{port + 1},"
        f"bus=pcie.0,addr=0x2.{port}{'' if port else ',multifunction=on'}" for port in range(6)))
    yield Case("launcher-libvirt", "pc-q35-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram",
               "-object memory-backend-ram,id=pc.ram,size=1024M -overcommit mem-lock=off "
               "-rtc base=utc,driftfix=slew -global kvm-pit.lost_tick_policy=delay "
               "-global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1 -boot strict=on "
               f"{ports} " + disk("virtio-blk-pci,bus=pci.2,addr=0x0") +
               net("virtio-net-pci,bus=pci.1,addr=0x0,romfile=") +
               devices("virtio-balloon-pci,bus=pci.3,addr=0x0"), format="vmlinuz", memory="1024",
               cpus=2, tests="iso=vda,net")


BOOTS = (*_formats(), *_cpus(), *_memory(), *_i386(), *_releases(), *_devices_rows(), *_launchers())

# How a guest may reset each machine: the kernel's reboot=; microvm knows only the triple fault.
REBOOTS = (
    Case("pc-acpi", "pc", PCI_DISK, "reboot=a"),
    Case("pc-keyboard", "pc", PCI_DISK, "reboot=k", cpus=2),
    Case("q35-acpi", "q35", PCI_DISK, "reboot=a"),
    Case("q35-pci", "q35", PCI_DISK, "reboot=p", cpus=2),
    Case("q35-triple", "q35", PCI_DISK, "reboot=t", format="vmlinuz"),
    Case("microvm-triple", MICROVM, MMIO_DISK, "reboot=t", cpus=2),
    Case("microvm-noacpi-triple", MICROVM_NO_ACPI, append="reboot=t"),
)

SYSTEM_RESETS = (
    Case("pc", "pc", PCI_DISK, cpus=2),
    Case("q35", "q35", PCI_DISK, cpus=2),
    Case("microvm", MICROVM, MMIO_DISK, cpus=2),
    Case("microvm-noacpi", MICROVM_NO_ACPI),
)

HOTPLUGS = (
    Case("q35-root-port", "q35", DISK + devices("pcie-root-port,id=rp,chassis=1,slot=1"),
         tests="plug=vda", bus="rp"),
    Case("q35-kata-bridge", "q35", DISK + devices(
        "pci-bridge,bus=pcie.0,id=br,chassis_nr=1,shpc=off,addr=2,io-reserve=4k,mem-reserve=1m,"
        "pref64-reserve=1m"), tests="plug=vda", bus="br"),
    Case("pc-root-bus", "pc", DISK, tests="plug=vda", bus="pci.0"),
    Case("pc-bridge", "pc", DISK + devices("pci-bridge,id=br,chassis_nr=1,shpc=off,addr=2"),
         tests="plug=vda", bus="br"),
)
