"""The boot tests' rows: data only, boot_test.py runs them.

A Case is one QEMU machine with one kernel.  In args {disk} is the test disk's image, {tftp} the
directory served by TFTP.  The rows named launcher-... are command lines of real programs, cut down
to what runs without their daemons.
"""

import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Case:
    """One row."""
    name: str
    machine: str                    # QEMU's -machine
    kernel: str = "cloud"           # a name of scripts/kernels.py
    format: str = "vmlinux"         # vmlinux (PVH) or vmlinuz (bzImage)
    memory: str = "512M"            # QEMU's -m
    cpus: int = 1
    cpus_seen: int = 0              # what the guest must count, if not cpus
    args: tuple = ()                # more of QEMU's arguments
    append: str = ""                # more of the kernel's command line
    tests: str = "facts"            # words for qb.test, see scripts/guest-init.sh
    qemu: str = "x86_64"            # of qemu-system-...
    console: tuple = ("-serial", "chardev:serial")
    defaults: bool = False          # leave QEMU's default devices in
    debugcon: bool = True           # a debug console, which must stay empty
    soak: bool = False
    host_mib: int = 0               # SKIP on a host with less memory free than that
    tolerated: tuple = ()           # patterns of what the kernel complains of with SeaBIOS, too

    @property
    def is_microvm(self):
        """Whether the machine is a microvm."""
        return self.machine.startswith("microvm")

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

DISK = ("-drive", "if=none,id=disk,format=raw,readonly=on,file={disk}")
PCI_DISK = (*DISK, "-device", "virtio-blk-pci,drive=disk")
MMIO_DISK = (*DISK, "-device", "virtio-blk-device,drive=disk")
NET = ("-netdev", "user,id=net,tftp={tftp}")
PCI_NET = (*NET, "-device", "virtio-net-pci,netdev=net,romfile=")
MMIO_NET = (*NET, "-device", "virtio-net-device,netdev=net")
RNG_PCI = ("-device", "virtio-rng-pci")

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
            return (), "facts"
        return (*MMIO_DISK, *MMIO_NET), "iso=vda,raw=vda,net"
    return (*PCI_DISK, *PCI_NET), "iso=vda,raw=vda,net"


def _formats():
    """Every machine with every kernel in both formats, with a disk and a network."""
    for short, machine in MACHINES.items():
        args, tests = _devices(machine)
        for kernel in ("cloud", "generic"):
            for image in ("vmlinuz", "vmlinux"):
                yield Case(f"{short}-{kernel}-{image}", machine, kernel, image, args=args,
                           tests=tests)


def _cpus():
    """Two and eight CPUs.  The cloud kernel reads no MP table: one CPU without ACPI."""
    for short, machine in MACHINES.items():
        blind = machine == MICROVM_NO_ACPI
        often = ((2, "cloud", "vmlinux"), (2, "generic", "vmlinuz"),
                 (8, "generic" if blind else "cloud", "vmlinux"))
        for cpus, kernel, image in itertools.product((2, 8), ("cloud", "generic"),
                                                     ("vmlinuz", "vmlinux")):
            yield Case(f"{short}-{cpus}cpus-{kernel}-{image}", machine, kernel, image, cpus=cpus,
                       cpus_seen=1 if blind and kernel == "cloud" else cpus,
                       soak=(cpus, kernel, image) not in often)
    yield Case("pc-16cpus-topology", "pc", cpus=16,
               args=("-smp", "16,sockets=2,cores=4,threads=2"), soak=True)
    yield Case("q35-64cpus", "q35", cpus=64, soak=True)
    for machine in ("pc", "q35"):
        yield Case(f"{machine}-2cpus-noacpi", f"{machine},acpi=off", "generic", cpus=2,
                   args=PCI_DISK, tests="iso=vda")


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
                   args=("-object", "memory-backend-ram,id=ram,size=64G,reserve=off"),
                   host_mib=4096, soak=short != "q35")


def _i386():
    for machine in ("pc", "q35"):
        for qemu in ("x86_64", "i386"):
            yield Case(f"{machine}-i386-on-{qemu}", machine, "i386", "vmlinuz", qemu=qemu,
                       cpus=2, args=(*PCI_DISK, *PCI_NET), tests="iso=vda,raw=vda,net")
        yield Case(f"{machine}-i386-vmlinux-4G", machine, "i386", memory="4096M",
                   args=PCI_DISK, tests="iso=vda")  # QEMU's i386 one fails above 4 GiB
        yield Case(f"{machine}-i386-nopae-3073M", machine, "i386-nopae", "vmlinuz",
                   memory="3073M", args=PCI_DISK, tests="iso=vda")
    yield Case("isapc-i386-nopae", "isapc", "i386-nopae", "vmlinuz", memory="256M", qemu="i386",
               args=("-cpu", "qemu32"), append="noapic nolapic")


def _releases():
    """Kernels of other releases of Debian's, and the one for real time."""
    for kernel in ("cloud-bullseye", "cloud-trixie", "cloud-unstable", "rt", "i386-bullseye"):
        for short in ("pc", "q35", "microvm"):
            if short != "microvm" or kernel.startswith("cloud"):
                args, tests = _devices(MACHINES[short])
                yield Case(f"{short}-{kernel}", MACHINES[short], kernel, "vmlinuz", args=args,
                           tests=tests, cpus=2)


def _devices_rows():
    """Devices whose addresses or interrupts the firmware answers for."""
    legacy = "virtio-blk-pci,drive=disk,vectors=0"      # no MSI-X: the interrupt line counts
    behind = "pcie-root-port,id=rp,chassis=1,slot=1"
    for machine in ("pc", "q35"):
        yield Case(f"{machine}-intx", machine, args=(*DISK, "-device", legacy), tests="iso=vda")
        yield Case(f"{machine}-intx-noacpi", machine, "generic", append="acpi=off",
                   args=(*DISK, "-device", legacy), tests="iso=vda")
        yield Case(f"{machine}-intx-noapic", machine, "generic",
                   append="acpi=off noapic nolapic pci=nomsi",
                   args=(*DISK, "-device", legacy), tests="iso=vda")
        yield Case(f"{machine}-bridge", machine, args=(
            "-device", "pci-bridge,id=bridge,chassis_nr=1,addr=2", *DISK,
            "-device", "virtio-blk-pci,drive=disk,bus=bridge,addr=1", *NET,
            "-device", "virtio-net-pci,netdev=net,romfile=,vectors=0,bus=bridge,addr=2"),
            tests="iso=vda,net")
        yield Case(f"{machine}-scsi", machine, args=(
            *DISK, "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk"), tests="iso=sda")
        yield Case(f"{machine}-nvme", machine, args=(
            *DISK, "-device", "nvme,drive=disk,serial=1"), tests="iso=nvme0n1")
        yield Case(f"{machine}-big-bar", machine, args=(
            "-object", "memory-backend-ram,id=bar,size=32G,reserve=off",
            "-device", "ivshmem-plain,memdev=bar", *PCI_DISK), tests="iso=vda")
        yield Case(f"{machine}-modern-only", machine, args=(
            *DISK, "-device", "virtio-blk-pci,drive=disk,disable-legacy=on"), tests="iso=vda")
    yield Case("pc-ide", "pc", args=(*DISK, "-device", "ide-cd,drive=disk,bus=ide.0"),
               tests="iso=sr0")
    yield Case("q35-ahci", "q35", "generic", args=(*DISK, "-device", "ide-cd,drive=disk,bus=ide.0"),
               tests="iso=sr0")
    yield Case("pc-e1000", "pc", "generic", args=(*NET, "-device", "e1000,netdev=net,romfile="),
               tests="net")
    yield Case("q35-e1000e", "q35", "generic", args=(*NET, "-device", "e1000e,netdev=net,romfile="),
               tests="net")
    yield Case("q35-root-port", "q35", args=(
        "-device", behind, *DISK, "-device", "virtio-blk-pci,drive=disk,bus=rp"), tests="iso=vda")
    yield Case("q35-switch", "q35", args=(
        "-device", behind, "-device", "x3130-upstream,id=up,bus=rp",
        "-device", "xio3130-downstream,id=down,bus=up,chassis=2,slot=2", *DISK,
        "-device", "virtio-blk-pci,drive=disk,bus=down"), tests="iso=vda")
    yield Case("q35-pxb", "q35", args=(
        "-device", "pxb-pcie,id=pxb,bus_nr=128,bus=pcie.0",
        "-device", "pcie-root-port,id=rp,bus=pxb,chassis=3,slot=3", *DISK,
        "-device", "virtio-blk-pci,drive=disk,bus=rp"), tests="iso=vda",
        tolerated=PXB_WITHOUT_PORTS)
    yield Case("pc-pxb", "pc", args=(
        "-device", "pxb,id=pxb,bus_nr=128", *DISK,
        "-device", "virtio-blk-pci,drive=disk,bus=pxb,addr=1"), tests="iso=vda")
    yield Case("q35-20-devices", "q35", args=RNG_PCI * 20)
    yield Case("pc-20-devices", "pc", args=RNG_PCI * 20)
    yield Case("microvm-pcie", "microvm,pcie=on", args=(*PCI_DISK, *PCI_NET),
               tests="iso=vda,net", tolerated=MICROVM_PCIE)
    yield Case("microvm-no-legacy", "microvm,pic=off,pit=off,rtc=off,x-option-roms=off",
               args=(*MMIO_DISK, *MMIO_NET), tests="iso=vda,net")
    yield Case("q35-vmgenid", "q35", args=(
        "-device", "vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"))
    yield Case("pc-vmgenid", "pc", args=(
        "-device", "vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"))
    yield Case("q35-smm-off", "q35,smm=off", cpus=2)
    yield Case("pc-smm-off", "pc,smm=off", cpus=2)
    yield Case("q35-numa-hotplug-memory", "q35", memory="1G", cpus=2, args=(
        "-smp", "2,sockets=2", "-m", "1G,slots=4,maxmem=8G",
        "-object", "memory-backend-ram,id=a,size=512M",
        "-object", "memory-backend-ram,id=b,size=512M", "-numa", "node,cpus=0,memdev=a",
        "-numa", "node,cpus=1,memdev=b"))
    yield Case("q35-iommu", "q35,kernel-irqchip=split", args=(
        "-device", "intel-iommu,intremap=on", *DISK, "-device",
        "virtio-blk-pci,drive=disk,disable-legacy=on,iommu_platform=on"), tests="iso=vda")
    yield Case("q35-no-debugcon", "q35", debugcon=False)
    yield Case("microvm-no-debugcon", MICROVM, debugcon=False)


def _launchers():
    """Real command lines, named by who writes them."""
    yield Case("launcher-microvm-docs", MICROVM, memory="512m", cpus=2,
               args=(*MMIO_DISK, *MMIO_NET), tests="iso=vda,net")
    yield Case("launcher-microvm-docs-minimal",
               "microvm,x-option-roms=off,pit=off,pic=off,isa-serial=off,rtc=off",
               console=("-device", "virtio-serial-device", "-device", "virtconsole,chardev=serial"),
               append="qb.console=hvc0", debugcon=False)
    yield Case("launcher-microvm.nix",
               "microvm,accel=tcg,acpi=on,mem-merge=on,pcie=on,pic=off,pit=off,rtc=on,usb=off",
               format="vmlinuz", cpus=2, memory="2048M", args=(
                   "-numa", "node,memdev=mem", "-device", "virtio-rng-pci",
                   "-object", "memory-backend-memfd,id=mem,size=2048M,share=on",
                   "-fw_cfg", "name=opt/io.systemd.credentials/hello,string=world",
                   "-device", "i8042", *PCI_DISK, *PCI_NET), tests="iso=vda,net",
               tolerated=MICROVM_PCIE)
    yield Case("launcher-virtme-ng", "microvm,accel=tcg,pcie=on,rtc=on", format="vmlinuz", cpus=2,
               memory="1G", args=("-object", "memory-backend-memfd,id=mem,size=1G,share=on",
                                  "-numa", "node,memdev=mem", "-cpu", "max", *PCI_NET),
               tests="net", tolerated=MICROVM_PCIE)
    # Without pit=off,pic=off: Linux needs a timer interrupt there.
    yield Case("launcher-osv", "microvm,x-option-roms=off,rtc=off,auto-kernel-cmdline=on,acpi=off",
               kernel="generic", cpus=2,
               args=("-global", "virtio-mmio.force-legacy=off", "-cpu", "max"))
    yield Case("launcher-kata", "q35,accel=tcg", memory="2048M", cpus=1, args=(
        "-m", "2048M,slots=10,maxmem=9G", "-cpu", "max,pmu=off", "-device",
        "pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2,io-reserve=4k,"
        "mem-reserve=1m,pref64-reserve=1m", "-device", "virtio-serial-pci,disable-modern=false",
        *DISK, "-device", "virtio-blk-pci,drive=disk,share-rw=on", "-device",
        "virtio-scsi-pci,id=scsi0", "-object", "memory-backend-memfd,id=dimm1,size=2048M,share=on",
        "-numa", "node,memdev=dimm1", "-rtc", "base=utc,driftfix=slew,clock=host",
        "-global", "kvm-pit.lost_tick_policy=discard", "-vga", "none", *PCI_NET),
        append="tsc=reliable reboot=k pci=lastbus=0", tests="iso=vda,net")
    yield Case("launcher-melange", "q35,hpet=off,smm=off,pit=off,i8042=off,sata=off,smbus=off,"
               "usb=off,vmport=off,graphics=off", format="vmlinuz",
               memory="4092069k", cpus=2, args=(
                   "-smp", "2,dies=1,sockets=1,cores=2,threads=1", "-cpu", "Haswell-v4", "-device",
                   "virtio-serial-pci,id=virtio-serial0", "-device", "virtconsole,chardev=serial"),
               console=(), append="qb.console=hvc0 no_timer_check")
    yield Case("launcher-libguestfs", "q35,accel=tcg,graphics=off", "generic", "vmlinuz",
               memory="1280", args=(
                   "-global", "virtio-blk-pci.scsi=off", "-cpu", "max", "-rtc", "driftfix=slew",
                   "-global", "kvm-pit.lost_tick_policy=discard", *DISK, "-device",
                   "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=disk", "-device",
                   "virtio-serial-pci"), tests="iso=sda")
    yield Case("launcher-mkosi", "q35,smm=off,hpet=off,accel=tcg", format="vmlinuz", memory="2G",
               cpus=2, args=(
                   "-object", "memory-backend-memfd,id=mem,size=2G,share=on", "-machine",
                   "memory-backend=mem", "-smbios", "type=11,value=io.systemd.credential:a=b",
                   "-fw_cfg", "name=opt/io.systemd.credentials/c,string=d", "-device",
                   "virtio-serial-pci", *PCI_DISK, *PCI_NET), tests="iso=vda,net")
    yield Case("launcher-kraftkit", "pc,accel=tcg", cpus=1, memory="64M", kernel="i386",
               format="vmlinuz", args=("-cpu", "qemu64,+pdpe1gb,+rdrand,-vmx,-svm", "-device",
                                       "pvpanic", "-rtc", "base=utc", "-vga", "none"), soak=True)
    yield Case("launcher-plain", "pc", "generic", "vmlinuz", memory="512M", defaults=True,
               args=("-nic", "user,tftp={tftp}"), tests="net")
    yield Case("launcher-plain-q35", "q35", "generic", "vmlinuz", memory="512M", defaults=True,
               args=("-nic", "user,tftp={tftp}"), tests="net")
    ports = tuple(word for port in range(6) for word in (
        "-device", f"pcie-root-port,port={16 + port},chassis={port + 1},id=pci.{port + 1},"
        f"bus=pcie.0,addr=0x2.{port}" + (",multifunction=on" if port == 0 else "")))
    yield Case("launcher-libvirt", "pc-q35-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram",
               format="vmlinuz", memory="1024", cpus=2, args=(
                   "-object", "memory-backend-ram,id=pc.ram,size=1024M", "-overcommit",
                   "mem-lock=off", "-rtc", "base=utc,driftfix=slew", "-global",
                   "kvm-pit.lost_tick_policy=delay", "-global", "ICH9-LPC.disable_s3=1",
                   "-global", "ICH9-LPC.disable_s4=1", "-boot", "strict=on", *ports, *DISK,
                   "-device", "virtio-blk-pci,bus=pci.2,addr=0x0,drive=disk", *NET, "-device",
                   "virtio-net-pci,netdev=net,bus=pci.1,addr=0x0,romfile=", "-device",
                   "virtio-balloon-pci,bus=pci.3,addr=0x0"), tests="iso=vda,net")


BOOTS = (*_formats(), *_cpus(), *_memory(), *_i386(), *_releases(), *_devices_rows(), *_launchers())

# How a guest may reset each machine: the kernel's reboot=; microvm knows only the triple fault.
REBOOTS = (
    Case("pc-acpi", "pc", append="reboot=a", args=PCI_DISK),
    Case("pc-keyboard", "pc", append="reboot=k", args=PCI_DISK, cpus=2),
    Case("q35-acpi", "q35", append="reboot=a", args=PCI_DISK),
    Case("q35-pci", "q35", append="reboot=p", args=PCI_DISK, cpus=2),
    Case("q35-triple", "q35", append="reboot=t", format="vmlinuz", args=PCI_DISK),
    Case("microvm-triple", MICROVM, append="reboot=t", args=MMIO_DISK, cpus=2),
    Case("microvm-noacpi-triple", MICROVM_NO_ACPI, append="reboot=t"),
)

SYSTEM_RESETS = (
    Case("pc", "pc", args=PCI_DISK, cpus=2),
    Case("q35", "q35", args=PCI_DISK, cpus=2),
    Case("microvm", MICROVM, args=MMIO_DISK, cpus=2),
    Case("microvm-noacpi", MICROVM_NO_ACPI),
)

# A disk plugged while the guest runs: where, and QEMU's arguments for the place.
HOTPLUGS = (
    (Case("q35-root-port", "q35", tests="plug=vda", args=(
        *DISK, "-device", "pcie-root-port,id=rp,chassis=1,slot=1")), "rp"),
    (Case("q35-kata-bridge", "q35", tests="plug=vda", args=(
        *DISK, "-device", "pci-bridge,bus=pcie.0,id=br,chassis_nr=1,shpc=off,addr=2,"
        "io-reserve=4k,mem-reserve=1m,pref64-reserve=1m")), "br"),
    (Case("pc-root-bus", "pc", tests="plug=vda", args=DISK), "pci.0"),
    (Case("pc-bridge", "pc", tests="plug=vda", args=(
        *DISK, "-device", "pci-bridge,id=br,chassis_nr=1,shpc=off,addr=2")), "br"),
)
