"""The rows of guest_test.py: machine, form of the test kernel, memory, devices.  Data only.

Forms are the files that guest/Makefile builds; sizes without a suffix are MiB, as in -m.
"""

import dataclasses

from machines import Case

MIB = 1 << 20

# Processors without long mode, which refuse kernels that have a 64-bit entry.
OLD_PROCESSORS = ("486", "pentium", "pentium3", "qemu32")


def form_for(form, machine, args="", qemu="x86_64"):
    """The form, or its twin without a 64-bit entry where the processor has no long mode."""
    old = qemu == "i386" or (machine.startswith("isapc") and "-cpu" not in args)
    if not old and not any(f"-cpu {cpu}" in args for cpu in OLD_PROCESSORS):
        return form
    twins = {f"{name}.img": f"{name}-32.img"
             for name in ["bz-fixed", "bz-fixed16", "bz-big", "bz-high", "bz-low", "bz-junk",
                          "bz-cut", "bz-no-payload"]}
    return {"bz64.img": "bz32.img", "pvh64.elf": "pvh.elf", **twins}.get(form, form)


@dataclasses.dataclass(frozen=True)
class Guest(Case):
    """A machine that boots the test kernel.  Its append: words beside the memory size; None: no
    -append."""
    form: str = "pvh.elf"
    initrd: int | None = None       # bytes
    boots: int = 1


def guest(machine="pc", form="pvh.elf", memory="128", args="", append="", initrd=None, boots=1,
          qemu="x86_64", accel="tcg"):
    """One boot that must succeed, named by what differs from the default."""
    form = form_for(form, machine, args, qemu)
    words = [machine, form, memory]
    words += [accel] if accel != "tcg" else []
    words += [qemu] if qemu != "x86_64" else []
    words += [f"initrd {initrd}"] if initrd is not None else []
    words += [f"{len(append)} characters" if len(append) > 48 else append] if append else []
    words += ["no cmdline"] if append is None else []
    words += [" ".join(args.split())[:70]] if args else []
    return Guest(" ".join(words), machine, args, append, memory, qemu=qemu, accel=accel, form=form,
                 initrd=initrd, boots=boots, soak=boots > 99)


ANY_SIZE = ["pvh.elf", "bz-low.img", "mb.elf"]
ONE_OF_EACH = ["pvh.elf", "bz64.img", "bz32.img", "mb.elf"]
ALL_FORMS = ["pvh.elf", "pvh16.elf", "pvh64.elf", "mb.elf", "bz64.img", "bz32.img", "bz-fixed.img",
             "bz-fixed16.img", "bz-big.img", "bz-high.img", "bz-low.img", "bz-209.img",
             "bz-208.img", "bz-205.img"]

PCI = ["pc", "q35"]
TRIO = ["pc", "q35", "microvm"]
ALL = ["pc", "q35", "microvm", "isapc", "pc,acpi=off", "q35,acpi=off", "microvm,acpi=off"]

# Checks that must have been made, so that none is left out unnoticed.
ACPI_AND_PCI = ["acpi.fadt.pm1a", "acpi.pm_tmr.ticks", "acpi.facs", "acpi.madt.cpus",
                "smbios.type0", "smbios.type1", "smbios.equal-up-to", "pci.interrupt-line",
                "pci.bar", "irq.elcr"]
NO_ACPI = ["mp.cpus", "irq.lint0"]
REQUIRED = {
    "pc": ACPI_AND_PCI,
    "pc,smbios-entry-point-type=64": ACPI_AND_PCI,
    "q35": ACPI_AND_PCI + ["acpi.mcfg.base", "map.ecam"],
    "q35,smbios-entry-point-type=64": ACPI_AND_PCI,
    "microvm": ["acpi.madt.cpus"],
    "microvm,pcie=on": ["acpi.madt.cpus", "pci.bar"],
    "pc,acpi=off": NO_ACPI + ["smbios.type0", "irq.elcr", "pci.bar"],
    "q35,acpi=off": NO_ACPI + ["smbios.type0", "irq.elcr", "pci.interrupt-line", "pci.bar"],
    "microvm,acpi=off": NO_ACPI,
}
REQUIRED_BY_FORM = {
    "pvh": ["entry.tr", "pvh.magic", "cmdline.equal-up-to"],
    "mb": ["entry.cs", "multiboot.flags"],
    "bz": ["entry.cs.selector", "boot_params", "kernel.address", "setup_data.chain"],
    "bz-205": ["entry.cs.selector", "boot_params", "kernel.address"],
    "bz-208": ["entry.cs.selector", "boot_params", "kernel.address"],
}

REQUIRED_BY_WORD = {
    "cpu.nmi": ["cpu.different", "cpu.not-in-mp-table"],
    "cpu.storm": ["cpu.storm", "cpu.others"],
    "cpu.init": ["cpu.different", "cpu.not-in-mp-table"],
    "cpu.smm": ["smm.acpi-enable", "smm.boot-processor", "smm.unserved", "smm.trapped"],
}

FORMS = [guest(machine, form) for machine in ALL for form in ALL_FORMS]

LITTLE_MEMORY = (
    [guest(machine, "pvh-low.elf", "1") for machine in ALL]
    + [guest(machine, form, memory) for machine in ALL for form in ANY_SIZE
       for memory in ["2", "4", "8"]]
    + [guest(machine, form, memory) for machine in TRIO for form in ANY_SIZE
       for memory in ["3", "5000k", "16", "64"]])

# Around every place where a machine may split its RAM, and beyond.
SPLITS = ["2047", "2048", "2049", "2815", "2816", "2817", "3071", "3072", "3073", "3583", "3584",
          "3585", "4092069k", "4095", "4096", "4097", "5120"]
MUCH_MEMORY = (
    [guest(machine, "pvh.elf", memory) for machine in TRIO + ["microvm,acpi=off"]
     for memory in SPLITS]
    + [guest(machine, "bz64.img", memory, initrd=5000) for machine in TRIO
       for memory in ["512", "2816", "3072", "3584", "4096"]]
    + [guest("isapc", "pvh.elf", memory) for memory in ["512", "3072", "3584"]]
    + [guest(machine, form, memory) for machine in PCI for form in ["pvh.elf", "bz64.img"]
       for memory in ["64G", "512G", "900G"]]
    + [guest(machine, form, "1024G", "-cpu qemu64,phys-bits=46") for machine in PCI
       for form in ["pvh.elf", "bz64.img"]]
    + [guest("microvm", "pvh.elf", "64G"),
       guest("pc,max-ram-below-4g=1G", memory="2048"),
       guest("q35,max-ram-below-4g=1G", memory="2048"),
       guest("q35", memory="512,slots=4,maxmem=4G"),
       guest("pc", "mb.elf", "4096", "-cpu qemu32", qemu="i386")])

PROCESSORS = (
    [guest(machine, args=f"-smp {n}") for machine in PCI for n in [2, 4, 64, 255]]
    + [guest(machine, args=f"-smp {n}")
       for machine in ["microvm", "microvm,acpi=off", "pc,acpi=off"] for n in [2, 64]]
    + [guest("q35,acpi=off", args="-smp 255"),
       guest("q35", args="-smp 2,maxcpus=8"),
       guest("q35", args="-smp 6,sockets=2,cores=3,threads=1"),
       guest("pc,acpi=off", args="-smp 6,sockets=2,cores=3,threads=1"),
       guest("pc,acpi=off", args="-smp 8,sockets=2,cores=2,threads=2")]
    + [guest(machine, form, qemu="i386") for machine in TRIO + ["isapc"]
       for form in ONE_OF_EACH]
    + [guest(machine, form, args=f"-cpu {cpu}", qemu=qemu)
       for machine in ["pc", "isapc"] for form in ["pvh.elf", "bz64.img"]
       for cpu in ["486", "pentium", "pentium3", "qemu32"] for qemu in ["x86_64", "i386"]]
    + [guest("pc,acpi=off", args="-cpu 486", qemu="i386"),
       guest("q35", "bz64.img", args="-cpu max"),
       guest("pc", "bz64.img", args="-cpu EPYC"),
       guest("microvm", "bz64.img", args="-cpu Haswell")])

# cpu.c: the MSRs of every processor and where its SMI leads.  By NMI, since an INIT clears TCG's
# MTRRs; KVM keeps them, but the software KVM has no SMM.
SMM = "cpu.nmi cpu.smm"
CPUS = (
    [guest(machine, args=f"-smp {n}", append=SMM) for machine in PCI
     for n in [1, 2, 8, 64, 97, 98, 255]]
    # SMRAM in TSEG: no other in these machine types; or the kernel is where it would be.
    + [guest(machine, "bz64.img", args=f"-smp {n}", append=SMM)
       for machine in ["pc-q35-2.4", "pc-q35-4.2"] for n in [1, 4, 98, 255]]
    + [guest("q35", "pvh-low.elf", args="-smp 4", append=SMM),
       guest("pc-q35-5.0", args="-smp 4", append=SMM)]
    + [guest(f"{machine},smm=off", args=f"-smp {n}", append="cpu.nmi") for machine in PCI
       for n in [1, 2, 8, 64, 255]]
    + [guest(machine, args=f"-smp {n}", append="cpu.nmi")
       for machine in ["microvm", "microvm,acpi=off"] for n in [1, 2, 8]]
    + [guest(machine, args=f"-cpu {cpu} -smp {n}", append=SMM) for machine in PCI for n in [1, 4]
       for cpu in ["max", "qemu32", "486", "Haswell", "EPYC"]]
    + [guest(machine, args="-cpu qemu32 -smp 4", append=SMM, qemu="i386")
       for machine in PCI]
    + [guest(machine, args=f"-cpu {cpu} -smp 4", append="cpu.nmi")
       for machine in ["pc,smm=off", "q35,smm=off", "microvm"]
       for cpu in ["max", "Haswell", "EPYC"]]
    # APIC ids with a hole, of which no leaf of CPUID tells.
    + [guest(machine, args="-cpu Penryn -smp 6,sockets=2,cores=3,threads=1", append="cpu.nmi")
       for machine in ["q35,acpi=off", "microvm,acpi=off"]]
    # No MTRRs and no SMM: the others find nothing to do, and halt.
    + [guest(machine, args=f"-cpu {cpu} -smp 4")
       for machine in ["pc,smm=off", "q35,smm=off", "microvm"] for cpu in ["qemu32", "486"]]
    + [guest(machine, memory=memory, args="-smp 4", append=SMM) for machine in PCI
       for memory in ["2", "16", "3584", "4097", "5120"]]
    + [guest("pc-q35-4.2", memory="16", args="-smp 4 -vga std", append=SMM)]     # the A segment
    + [guest("pc", args="-smp 64 -vga std", append=SMM),     # SMRAM lies behind the VGA window
       guest("q35", memory="16", args="-smp 4 -vga std", append=SMM),
       guest("pc,acpi=off", args="-smp 4", append="cpu.nmi"),
       guest("q35,acpi=off", args="-smp 4", append=SMM)])

# SMRAM and every processor's SMI, each looked at after a boot, an INIT (which becomes a reset) and
# S3.  Where 98 do not fit into 0x30000-0x4ffff there is TSEG, in the old types for all.
SMRAM = [
    guest(machine, "bz-low.img", memory, args=f"-smp {cpus}{display}", boots=2,
         append=SMM + " reboot=1 reboot.init smm.wake")
    for machine, rows in [
        ("pc-q35-2.4", [(1, "16", " -vga std"), (97, "64", ""), (255, "128", " -vga std")]),
        ("pc-q35-4.2", [(2, "5120", " -vga std"), (98, "1100", "")]),
        ("pc-q35-5.0", [(1, "1100", " -vga std"), (2, "16", ""), (255, "64", "")]),
        ("q35", [(1, "16", ""), (2, "5120", " -vga std"), (97, "64", " -vga std"),
                 (98, "1100", ""), (255, "16", " -vga std"), (255, "5120", "")]),
        ("pc", [(1, "16", ""), (2, "5120", " -vga std"), (98, "64", ""), (255, "1100", "")])]
    for cpus, memory, display in rows] + [
        guest("q35,kernel-irqchip=split", "bz-low.img", args="-cpu max -smp 288", boots=2,
             append=SMM + " reboot=1 reboot.init smm.wake")]

NMIS = (
    [guest(machine, args="-smp 4", append="cpu.storm")
     for machine in ["pc", "q35", "microvm", "pc,smm=off", "microvm,acpi=off"]]
    + [guest(machine, args="-smp 4", append="cpu.storm", accel="kvm") for machine in TRIO])

# The highest leaf of CPUID is 0: neither features nor APIC are known.
NO_FEATURES = [guest(machine, "bz32.img", args="-cpu max,level=0 -smp 3") for machine in TRIO]

# APIC ids above 254, few of them with every id that is theirs but for the upper bytes; and many.
PAIRS = " ".join(f"-device max-x86_64-cpu,thread-id=0,socket-id={socket},core-id={core}"
                 for core in range(1, 13) for socket in range(2))
X2APIC = [
    guest("q35", args="-cpu max -smp 1,maxcpus=260,sockets=2,cores=130 " + PAIRS, append=SMM),
    guest("q35,kernel-irqchip=split", args="-cpu max -smp 288", append=SMM),
    guest("microvm", args="-cpu max -smp 288", append="cpu.nmi"),
    guest("pc", args="-cpu max -smp 1,maxcpus=195,sockets=3,cores=65 "
          "-device max-x86_64-cpu,thread-id=0,socket-id=2,core-id=0", append="cpu.nmi")]

MANY = " ".join(f"-device virtio-rng-pci,addr={slot:#x}" for slot in range(3, 29))
MULTIFUNCTION = " ".join(f"-device virtio-rng-pci,addr=4.{f},multifunction=on" for f in range(8))
NESTED = """
    -device pci-bridge,id=b1,chassis_nr=1,addr=3
    -device pci-bridge,id=b2,chassis_nr=2,bus=b1,addr=5
    -device pci-bridge,id=b3,chassis_nr=3,bus=b2,addr=6
    -device pci-bridge,id=b4,chassis_nr=4,addr=9
    -device virtio-rng-pci,bus=b1,addr=2
    -device virtio-rng-pci,bus=b2,addr=3
    -device virtio-rng-pci,bus=b3,addr=4
    -device e1000,romfile=,bus=b4,addr=1f
"""
PORTS = """
    -device pcie-root-port,id=p1,chassis=1,addr=2.0,multifunction=on
    -device pcie-root-port,id=p2,chassis=2,addr=2.1
    -device pcie-root-port,id=p3,chassis=3,addr=1e.0
    -device virtio-rng-pci,bus=p1
    -device virtio-blk-pci,bus=p2,drive=disk -drive if=none,id=disk,file=null-co://
    -device x3130-upstream,id=up,bus=p3
    -device xio3130-downstream,id=d1,bus=up,chassis=4,addr=1
    -device xio3130-downstream,id=d2,bus=up,chassis=5,addr=2
    -device virtio-rng-pci,bus=d2
    -device pcie-pci-bridge,id=c1,bus=d1
    -device pci-bridge,id=c2,bus=c1,chassis_nr=6,addr=7
    -device virtio-rng-pci,bus=c2,addr=3
"""
EMPTY_PORTS = " ".join(f"-device pcie-root-port,id=p{n},chassis={n}" for n in range(1, 25))
RESERVING_PORT = """
    -device pcie-root-port,id=p1,bus-reserve=4,mem-reserve=8M
    -device virtio-rng-pci,bus=p1
"""
PXB = """
    -device pxb,bus_nr=64,id=x
    -device virtio-rng-pci,bus=x,addr=1
"""
PXB_PCIE = """
    -device pxb-pcie,bus_nr=64,id=x,bus=pcie.0 -device pcie-root-port,id=p1,bus=x,chassis=1
    -device pxb-pcie,bus_nr=128,id=y,bus=pcie.0 -device pcie-root-port,id=p2,bus=y,chassis=2,addr=3
    -device virtio-rng-pci,bus=p1 -device virtio-rng-pci,bus=p2
"""
CONTROLLERS = """
    -device ich9-usb-uhci1 -device qemu-xhci
    -device nvme,serial=1,drive=disk -drive if=none,id=disk,file=null-co://
"""
DEVICES = (
    [guest(machine, args=MANY) for machine in PCI + ["pc,acpi=off", "q35,acpi=off"]]
    + [guest(machine, args=NESTED) for machine in PCI + ["pc,acpi=off"]]
    + [guest(machine, args=MULTIFUNCTION) for machine in PCI]
    + [guest(machine, args=PORTS) for machine in ["q35", "q35,acpi=off"]]
    + [guest("q35", args=EMPTY_PORTS),
       guest("q35", args=RESERVING_PORT),
       guest("pc", args=PXB),
       guest("q35", args=PXB_PCIE),
       guest("pc", args="-vga std -net nic,model=e1000 -net user"),
       guest("q35", "bz64.img", args="-vga std -net nic -net user"),
       guest("pc", args="-usb -device piix4-usb-uhci -device ich9-ahci"),
       guest("q35", args=CONTROLLERS),
       guest("isapc", "bz64.img", args="-vga std"),
       guest("microvm,pcie=on", args="-device virtio-rng-pci -device virtio-rng-pci"),
       guest("microvm,pcie=on,usb=on", "bz64.img", args="-device virtio-rng-pci"),
       guest("microvm,acpi=off", args="-device virtio-rng-device -device virtio-rng-device"),
       guest("microvm,acpi=off", "bz64.img", args="-device virtio-rng-device"),
       guest("microvm,acpi=off", "mb.elf", args="-device virtio-rng-device"),
       guest("microvm,x-option-roms=off,pit=off,pic=off,rtc=off")])

NO_DMA = "-global fw_cfg.dma_enabled=off"
MANY_FILES = "-global fw_cfg_io.x-file-slots=400 " + " ".join(
    f"-fw_cfg name=opt/org.test/{n},string=x" for n in range(300))
MACHINE_OPTIONS = [
    guest("q35,smm=off"),
    guest("pc,smm=off"),
    guest("pc,hpet=off"),
    guest("q35,smbios-entry-point-type=64"),
    guest("pc,smbios-entry-point-type=64", "bz64.img"),
    guest("pc", args="-smbios type=0,vendor=x -smbios type=11,value=y"),
    guest("pc,smbios-entry-point-type=64", args="-smbios type=11,path={text}"),
    guest("q35,smbios-entry-point-type=64", "bz64.img", args="-smbios type=11,path={text}"),
    guest("q35,smbios-entry-point-type=64", memory="32", append="reboot=2", boots=3,
         args="-smbios type=11,path={text}"),
    guest("isapc", args="-cpu qemu64"),
    guest("q35", args="-smbios type=1,serial=x -smp 64"),
    guest("pc", args="-device vmgenid"),
    guest("q35", args="-device vmgenid -device pvpanic"),
    guest("q35,nvdimm=on", memory="128,slots=2,maxmem=1G"),
    guest("q35", args=MANY_FILES),
    guest("pc", "bz64.img", args=MANY_FILES + " " + NO_DMA),
    guest("microvm", args=MANY_FILES),
    guest("q35", args=NO_DMA),
    guest("pc", "bz64.img", args=NO_DMA, initrd=5000),
    guest("pc", "mb.elf", args=NO_DMA),
    guest("q35", "bz-high.img", "5120", args=NO_DMA, initrd=5000),
    guest("microvm", "bz32.img", args=NO_DMA, initrd=5000),
    guest("isapc", args=NO_DMA, initrd=5000),
    guest("pc-i440fx-2.4", "bz64.img", initrd=5000),
    guest("pc-i440fx-2.4", "mb.elf"),
    guest("pc-i440fx-2.4", "bz-high.img", "5120", initrd=5000),
    guest("pc-q35-2.4", "bz32.img"),
    guest("pc-i440fx-4.0"),
    guest("pc-q35-4.0"),
]

COMMAND_LINES = (
    [guest(machine, form, append=append) for machine in ["pc", "microvm"]
     for form in ["pvh.elf", "bz64.img", "bz-205.img", "mb.elf"] for append in [None, "word"]]
    + [guest(machine, form, append="x" * size) for machine in TRIO
       for form, sizes in [("pvh.elf", [2000, 4070, 4071, 4072, 4073, 4074, 4075, 60000]),
                           ("bz64.img", [2000, 4073, 40000]), ("bz32.img", [2020])]
       for size in sizes])      # 4096 with the memory size and a terminator is among them

INITRDS = (
    [guest(machine, form, initrd=size) for machine in TRIO + ["isapc"]
     for form in ["pvh.elf", "bz64.img", "bz-205.img"] for size in [0, 1, 4095, 4096, 5000]]
    + [guest(machine, form, "256", initrd=70 * MIB) for machine in TRIO
       for form in ["pvh.elf", "bz64.img", "bz-big.img", "mb.elf"]]
    + [guest(machine, form, "3000", initrd=70 * MIB) for machine in TRIO
       for form in ["bz64.img", "bz-high.img"]]
    + [guest(machine, "bz-fixed16.img", "24", initrd=12 * MIB) for machine in TRIO]
    + [guest(machine, "bz-low.img", "4", initrd=MIB) for machine in TRIO]
    + [guest(machine, "pvh.elf", "16", initrd=13 * MIB) for machine in TRIO]
    + [guest("pc", "mb.elf", initrd=5000), guest("microvm", "mb.elf", initrd=4095)])

DEVICE_TREES = [
    guest(machine, form, args="-dtb {dtb}", initrd=initrd) for machine in TRIO
    for form in ["bz64.img", "bz32.img", "bz-fixed16.img", "bz-big.img", "bz-209.img"]
    for initrd in [None, 5000]]

REBOOTS = (
    [guest(machine, form, "32", append="reboot=2", boots=3) for machine in ALL
     for form in ONE_OF_EACH]
    + [guest(machine, form, "32", append="reboot=1 reboot.pam", boots=2, initrd=5000)
       for machine in PCI for form in ["pvh.elf", "bz64.img"]]
    + [guest(machine, memory="32", append="reboot=1 reboot.readonly", boots=2) for machine in PCI]
    + [guest(machine, memory="32", append="reboot=1 reboot.triple", boots=2) for machine in PCI]
    # A microvm under TCG has nothing that tells an INIT from a reset.
    + [guest(machine, form, "32", append="reboot=2 cpu.nmi reboot.init", boots=3, args="-smp 2")
       for machine in PCI for form in ["pvh.elf", "bz64.img"]]
    + [guest("q35", memory="32", append="reboot=2", boots=3, args="-smp 4" + PORTS),
       guest("pc", memory="32", append="reboot=2", boots=3, args="-smp 4" + NESTED),
       guest("pc", "pvh-low.elf", "1", append="reboot=2", boots=3)])

# A kernel that forges the record of S3: machine, memory, options.  Every word of it, or, where that
# takes minutes, the number of processors alone: on q35, for with fewer a pc has no place for
# the 98th, and nothing to lose, since its SMRAM cannot be locked.
FORGED = [
    ("pc", "128", ""), ("q35", "128", ""), ("pc-q35-4.2", "128", ""),
    ("pc-q35-2.4", "64", "-smp 2 -vga std"), ("q35", "28", "-smp 2 -vga std"),
    ("pc", "64", "-smp 2"), ("q35", "5120", "-smp 2"),
]
FORGED_COUNT = [("q35", "64", "-smp 98"), ("pc-q35-4.2", "64", "-smp 98"),
                ("q35", "64", "-smp 255")]

# A hundred resets in a row by each way that the machine has, SMM and all processors looked at in
# each boot.  The firmware takes an INIT of the boot processor for a wish to reset.
RESETS = {
    "pc": ["", "triple", "keyboard", "fast", "init", "host"],
    "q35": ["", "triple", "keyboard", "fast", "init", "host"],
    "microvm": ["triple", "acpi", "host"],
    "isapc": ["triple", "keyboard", "fast", "host"],
}
HUNDRED = [
    guest(machine, memory="32", boots=100, args="" if machine == "isapc" else "-smp 2",
         append="reboot=99 " + ("" if machine == "isapc" else SMM if machine in PCI else "cpu.nmi")
         + (f" reboot.{how}" if how else "")) for machine, ways in RESETS.items() for how in ways]

KVM = (
    [guest(machine, form, accel="kvm", initrd=initrd) for machine in ALL
     for form, initrd in [("pvh.elf", 5000), ("bz32.img", 5000), ("mb.elf", None)]]
    + [guest(machine, accel="kvm", args="-smp 4") for machine in TRIO + ["microvm,acpi=off"]]
    + [guest(machine, accel="kvm", args=f"-smp {n}", append="cpu.init")
       for machine in TRIO + ["microvm,acpi=off"] for n in [2, 8]])

FIELDS_OF_THE_FILE = [guest(machine, "bz-junk.img") for machine in TRIO + ["isapc"]]

CASES = tuple(dict.fromkeys(
    FORMS + LITTLE_MEMORY + MUCH_MEMORY + PROCESSORS + CPUS + SMRAM + NMIS + NO_FEATURES + X2APIC
    + DEVICES + MACHINE_OPTIONS + COMMAND_LINES + INITRDS + DEVICE_TREES + REBOOTS + KVM
    + FIELDS_OF_THE_FILE + HUNDRED))


@dataclasses.dataclass(frozen=True)
class Refused(Case):
    """One boot that must be refused, and why.  With args the kernel is taken as it is."""
    message: str = ""           # regular expression for all of the line after "qboot: boot: "
    kernel: str | None = None   # a form, a file that guest_test.py makes, or none
    initrd: int | None = None


def refused(name, message, kernel, memory="128", initrd=None, machines=(*TRIO, "isapc"), args=""):
    """The row on each of MACHINES."""
    return [Refused(name, machine, args, memory=memory, message=message, kernel=kernel,
                    initrd=initrd) for machine in machines]


ALMOST_16_MIB = 15 * MIB + 500 * 1024       # more, and QEMU refuses it itself
NO_KERNEL = (r"the file given with -kernel {}; a Linux bzImage, "
             r"a UKI, an ELF kernel with a PVH note, or a Multiboot kernel is needed")
WRONG_FILE = r"the file given with -kernel {}"
NO_INITRD = (r"the initrd of 16 MiB does not fit into one piece of free RAM, the guest has 16 MiB "
             r"below 4 GiB and needs 40; give it more memory \(-m\), or give it a smaller initrd")
NO_BZIMAGE = (r"the kernel needs {} MiB of memory from 16 MiB on, the guest has {} MiB below "
              r"4 GiB and needs {}; give it more memory \(-m\), or take a smaller kernel")
NO_ELF = (r"the {} from {} to 0x\w+, the guest has {} MiB below 4 GiB and needs \d+; "
          r"give it more memory \(-m\), or link the kernel to lower addresses")
CUT_SHORT = (r"the kernel has been cut short: \d+ bytes follow its real-mode part, and its header "
             r"tells of \d+ or more; copy the file anew")
NO_LONG_MODE = (r"the {}kernel is for 64-bit processors and this one has no long mode; give QEMU "
                r"another -cpu, or start qemu-system-x86_64")

# What is wrong, with the values that tell one case from another, and what to change.
REFUSED = [
    *refused("no-kernel",
               r"no kernel; this firmware boots no disks, start QEMU with -kernel FILE", None),
    *refused("random-file", NO_KERNEL.format(
        r"is no kernel known here \(0x77ec231b at offset 0x202\)"), "random"),
    *refused("text-file", WRONG_FILE.format("is a text;.*"), "text"),
    *refused("gzip-file", WRONG_FILE.format("is compressed by gzip;.*gunzip"), "gzip"),
    *refused("disk-image", WRONG_FILE.format("is a disk image.*boots no disks.*"), "disk"),
    *refused("arm64-kernel", WRONG_FILE.format("is a Linux for 64-bit ARM;.*"), "arm64"),
    *refused("16-bit-only", NO_KERNEL.format(
        "has a 16-bit entry only, as iPXE and other boot loaders do"),
        "bz-zimage.img"),
    *refused("initrd-too-big-pvh", NO_INITRD, "pvh.elf", "16", ALMOST_16_MIB),
    *refused("initrd-too-big-linux", NO_INITRD, "bz-low.img", "16", ALMOST_16_MIB),
    *refused("init-size-too-big", NO_BZIMAGE.format(40, 32, 64), "bz-big.img", "32"),
    *refused("no-ram-at-preferred-address", NO_BZIMAGE.format(4, 16, 28), "bz-fixed16.img", "16"),
    *refused("no-ram-for-elf", NO_ELF.format("ELF kernel lies", "0x1000000", 8), "pvh16.elf", "8"),
    *refused("no-ram-for-multiboot", NO_ELF.format("Multiboot kernel, with its modules, lies",
                                                   "0x100000", 1), "mb.elf", "1"),
    *refused("cut-short", CUT_SHORT, "bz-cut.img"),
    *refused("payload-cut-short", CUT_SHORT, "bz-no-payload.img"),
    *refused("memdisk", NO_KERNEL.format(
        "is a loader that needs BIOS services, of which this firmware has none"), "bz-memdisk.img"),
    *refused("64-bit-kernel", NO_LONG_MODE.format(""), "bz64.img", args="-cpu qemu32"),
    *refused("64-bit-elf", NO_LONG_MODE.format("ELF "), "pvh64.elf", args="-cpu qemu32"),
    *refused("64-bit-kernel-486", NO_LONG_MODE.format(""), "bz64.img", machines=("isapc",),
               args="-cpu 486"),
]
