"""Random QEMU command lines that ought to work, for soak.py.

Contract: line(seed, index, machines) gives a Line; the same arguments give the same one, on every
host.  MACHINES is what the QEMU calls its machine types; nothing else of the host matters.  Files
are named in braces: {disk}, {table}, {tpm}.
"""

import dataclasses
import random
import re

KERNELS = ("cloud", "generic", "i386")
PC_VERSIONS = ("", "-i440fx-2.12", "-i440fx-4.2", "-i440fx-5.0", "-i440fx-6.2", "-i440fx-7.0",
               "-i440fx-7.2")
Q35_VERSIONS = ("", "-q35-2.12", "-q35-4.2", "-q35-5.0", "-q35-6.0", "-q35-7.0", "-q35-7.2")
CPUS = ("qemu64", "max", "Haswell-v4", "EPYC", "qemu64,phys-bits=36", "qemu64,phys-bits=46",
        "max,host-phys-bits=off,phys-bits=42", "SandyBridge", "Skylake-Server-v4", "EPYC-Rome",
        "Nehalem", "Opteron_G3")
# MiB: odd, small, and those around where each machine splits RAM at 4 GiB.
MEMORY = (160, 192, 255, 256, 256, 333, 384, 512, 512, 777, 1024, 1025, 2047, 2048, 2049, 2815,
          2816, 2817, 3071, 3072, 3073, 3584, 4096, 5000)
SIMPLE = ("virtio-rng-pci", "virtio-scsi-pci", "virtio-serial-pci",
          "virtio-keyboard-pci", "e1000,romfile=", "rtl8139,romfile=", "pci-testdev",
          "pvpanic-pci", "edu", "qemu-xhci", "piix3-usb-uhci",
          "usb-ehci", "lsi53c895a", "megasas", "pci-serial", "sdhci-pci", "i6300esb",
          "virtio-gpu-pci", "virtio-rng-pci,vectors=0", "virtio-rng-pci,disable-legacy=on",
          "am53c974", "ne2k_pci,romfile=", "pcnet,romfile=", "vmxnet3,romfile=", "ich9-ahci",
          "virtio-net-pci,romfile=", "virtio-net-pci", "e1000", "tulip,romfile=", "pci-serial-4x")
EXPRESS = ("e1000e,romfile=", "nec-usb-xhci", "virtio-rng-pci", "virtio-scsi-pci", "megasas-gen2",
           "mptsas1068", "virtio-net-pci,romfile=",
           "virtio-rng-pci,disable-modern=on,disable-legacy=off")
DISPLAYS = ("VGA", "bochs-display", "cirrus-vga", "qxl-vga", "virtio-vga", "secondary-vga",
            "vmware-svga", "VGA,vgamem_mb=64")
# An option each, with {port} for a root of PCI, and each may stand beside any other.
GLOBALS = ("{port}.pci-hole64-size=16G", "{port}.pci-hole64-size=1T", "{port}.x-pci-hole64-fix=off",
           "{port}.pci-hole64-size=0")
SMBIOS = ("type=1,manufacturer=Soak,serial=7", "type=0,vendor=Me,version=9",
          "type=11,value=io.systemd.credential:a=b", "type=17,manufacturer=Ram",
          "type=2,product=Board", "type=3,asset=Tag", "type=4,manufacturer=Soak,max-speed=4000",
          "type=41,designation=Soak,kind=other,instance=1", "type=8,external_reference=Soak")
GUID = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"


@dataclasses.dataclass
class Line:
    """One machine."""
    machine: str = ""
    memory: int = 256               # MiB
    cpus: int = 1                   # at the start
    image: str = "vmlinux"
    kernel: str = "cloud"
    append: str = ""
    arguments: list = dataclasses.field(default_factory=list)

    def add(self, *words):
        """More of QEMU's arguments."""
        self.arguments += words

    def device(self, text):
        """One -device."""
        self.add("-device", text)


class Maker:
    """What is being made."""

    def __init__(self, seed, index, machines):
        self.random = random.Random(f"{seed}/{index}")
        self.machines = machines
        self.line = Line()
        self.names = 0

    def chance(self, percent):
        """True that often."""
        return self.random.randrange(100) < percent

    def name(self):
        """A new id."""
        self.names += 1
        return f"n{self.names}"

    def backend(self, size, kind="ram"):
        """A memory backend of so many MiB that the host does not commit."""
        name = self.name()
        self.line.add("-object", f"memory-backend-{kind},id={name},size={size}M,reserve=off")
        return name

    def make(self):
        """The whole line."""
        kind = self.random.choices(("pc", "q35", "microvm"), (35, 50, 15))[0]
        getattr(self, kind)()
        line = self.line
        if kind != "microvm" and self.chance(16):
            line.kernel = self.random.choice(("generic",) * 4 + ("i386",))
        # Linux 6.1 of 32 bits stops on qemu32 with high memory.  On a processor of 64 bits SeaBIOS
        # puts BARs above 4 GiB, where its drivers read other things than /dev/mem shows there.
        if line.kernel == "i386" and line.memory > 777:
            line.kernel = "generic"
        if line.kernel == "i386":
            line.add("-cpu", "qemu32")
            line.arguments = [re.sub(",maxmem=.*", ",maxmem=8G", word) for word in line.arguments]
        # The machines of 2.12 do not know PVH, a kernel of 32 bits has no ELF file that does.
        if line.kernel == "i386" or self.chance(12) or "-2.12" in line.machine:
            line.image = "vmlinuz"
        if kind != "microvm":
            self.options()
        return line

    def options(self):
        """What the kernel is told."""
        line, choice = self.line, self.random.random()
        if choice < 0.06:
            line.append += " pci=nomsi"
        elif choice < 0.09 and line.cpus == 1:
            line.append += " noapic pci=nomsi"
        elif choice < 0.12 and line.kernel == "generic":
            line.append += " acpi=off"

    # ---- Processors and memory ----

    def processors(self, most):
        """-cpu and -smp."""
        rnd, line = self.random, self.line
        if self.chance(40):
            line.add("-cpu", rnd.choice(CPUS))
        line.cpus = rnd.choices((1, 2, 3, 4, 6, 8, 12, 24), (42, 22, 8, 12, 5, 7, 3, 1))[0]
        line.cpus = min(line.cpus, most)
        text = str(line.cpus)
        if self.chance(50) and line.cpus > 1:
            # Linux 6.1 stops in stop_machine() with two packages of three cores, with any firmware.
            sockets = rnd.choice([n for n in (1, 2, 3, 4) if line.cpus % n == 0 and
                                  (n == 1 or (line.cpus // n).bit_count() == 1)])
            left = line.cpus // sockets
            threads = 2 if left % 2 == 0 and self.chance(40) else 1
            left //= threads
            dies = 2 if left % 2 == 0 and "micro" not in line.machine and self.chance(25) else 1
            text += f",sockets={sockets}" + (f",dies={dies}" if dies > 1 else "") + \
                f",cores={left // dies},threads={threads}"
        elif self.chance(25) and line.cpus < most:
            text += f",maxcpus={min(most, line.cpus + rnd.choice((1, 3, 8)))}"
        line.add("-smp", text)

    def ram(self, hotplug):
        """-m, NUMA nodes, NVDIMMs; returns machine options."""
        rnd, line = self.random, self.line
        line.memory = rnd.choice(MEMORY)
        text, options = f"{line.memory}M", ""
        small = any("bits=36" in word for word in line.arguments)
        hotplug = hotplug and not small
        nvdimm = hotplug and self.chance(15)
        if hotplug and (nvdimm or self.chance(20)):
            text += f",slots={rnd.choice((2, 4, 16))},maxmem={rnd.choice((8, 16, 64, 200))}G"
        line.add("-m", text)
        if self.chance(20):
            options += self.nodes()
        elif self.chance(15):
            options += f",memory-backend={self.backend(line.memory, 'memfd,share=on')}"
        if nvdimm:
            options += ",nvdimm=on"
            for _ in range(rnd.choice((1, 1, 2))):
                line.device(f"nvdimm,memdev={self.backend(rnd.choice((64, 128, 256)))}")
        elif "slots" in text and self.chance(40):
            line.device(f"pc-dimm,memdev={self.backend(rnd.choice((128, 256)))}")
        elif "slots" in text and self.chance(40):
            name = self.backend(256)
            line.device(rnd.choice((f"virtio-mem-pci,memdev={name},requested-size=0",
                                    f"virtio-pmem-pci,memdev={name}")))
        return options

    def smp(self):
        """The word after -smp."""
        return self.line.arguments[self.line.arguments.index("-smp") + 1]

    def nodes(self):
        """NUMA nodes that share RAM and processors; returns machine options."""
        line, count = self.line, self.random.choice((1, 2, 2, 3, 4))
        each, hmat = line.memory // count, self.chance(15) and self.smp() == "1"
        for i in range(count):
            size = each if i else line.memory - each * (count - 1)
            line.add("-numa", f"node,nodeid={i},memdev={self.backend(size)}" +
                     (",initiator=0" if hmat else ""))
        if count > 1 and self.chance(50):
            for i in range(count):
                for j in range(i):
                    line.add("-numa", f"dist,src={i},dst={j},val={self.random.randrange(11, 90)}")
        sockets = re.search(r"sockets=(\d+)", self.smp())
        if sockets and not hmat and self.chance(60):
            for i in range(int(sockets[1])):
                line.add("-numa", f"cpu,node-id={self.random.randrange(count)},socket-id={i}")
        return ",hmat=on" if hmat else ""

    # ---- PCI ----

    def disk(self, bus):
        """The test disk behind one of some controllers."""
        name = self.name()
        self.line.add("-drive", f"if=none,id={name},format=raw,readonly=on,file={{disk}}")
        self.line.device(self.random.choice(
            ("virtio-blk-pci", "virtio-blk-pci", "virtio-blk-pci,vectors=0",
             "virtio-blk-pci,disable-legacy=on", f"nvme,serial={name}")) + f",drive={name}{bus}")

    def devices(self, kinds, bus, count, slot=None):
        """Some devices on a bus, from a slot on."""
        for i in range(count):
            place = f",addr={slot + i}" if slot else ""
            self.line.device(self.random.choice(kinds) + bus + place)

    def functions(self, bus, kinds):
        """Some functions of one device, in a slot that is far from those that QEMU chooses."""
        count, slot = self.random.choice((2, 3, 8)), self.random.choice((0x18, 0x1c))
        for i in range(count):
            self.line.device(f"{self.random.choice(kinds)}{bus},addr={slot:#x}.{i}" +
                             (",multifunction=on" if i == 0 else ""))

    def root_functions(self):
        """Root ports that are functions of one device."""
        for i in range(self.random.choice((2, 4, 8))):
            name = self.name()
            self.line.device(f"pcie-root-port,id={name},chassis={self.names},slot={self.names},"
                             f"bus=pcie.0,addr=0x17.{i}" + (",multifunction=on" if i == 0 else ""))
            if self.chance(50):
                self.devices(EXPRESS, f",bus={name}", 1)

    def big_bar(self, bus):
        """A device with a large 64-bit BAR."""
        size = self.random.choice((16, 64, 256, 1024, 8192, 32768))
        self.line.device(f"ivshmem-plain,memdev={self.backend(size, 'ram,share=off')}{bus}")

    def conventional(self, bus, depth=0):
        """A conventional bridge with devices, and maybe another one."""
        name = self.name()
        more = self.random.choice(("", ",shpc=off", ",shpc=on", ",msi=off"))
        self.line.device(f"pci-bridge,id={name},chassis_nr={self.names}{bus}{more}")
        self.devices(SIMPLE, f",bus={name}", self.random.randrange(4), 1)
        if depth < 2 and self.chance(30):
            self.conventional(f",bus={name},addr=8", depth + 1)
        if self.chance(20):
            self.disk(f",bus={name},addr=9")

    def port(self, bus):
        """A root port, and what is in it."""
        rnd, line, name = self.random, self.line, self.name()
        kind = rnd.choice(("pcie-root-port", "pcie-root-port", "ioh3420"))
        more = rnd.choice(("", "", ",bus-reserve=8", ",mem-reserve=4M", ",pref64-reserve=256M",
                           ",io-reserve=4K", ",hotplug=off")) if kind == "pcie-root-port" else ""
        line.device(f"{kind},id={name},chassis={self.names},slot={self.names}{bus}{more}")
        here, what = f",bus={name}", rnd.random()
        if what < 0.4:
            self.devices(EXPRESS, here, 1)
        elif what < 0.5:
            self.disk(here)
        elif what < 0.58:
            self.big_bar(here)
        elif what < 0.7:
            self.switch(here)
        elif what < 0.78:
            bridge = self.name()
            line.device(f"pcie-pci-bridge,id={bridge}{here}")
            self.devices(SIMPLE, f",bus={bridge}", rnd.randrange(4), 1)

    def switch(self, bus):
        """A PCI Express switch."""
        up = self.name()
        self.line.device(f"x3130-upstream,id={up}{bus}")
        for slot in range(self.random.randrange(1, 5)):
            down = self.name()
            self.line.device(f"xio3130-downstream,id={down},bus={up},chassis={self.names},"
                             f"slot={slot}")
            if self.chance(60):
                self.devices(EXPRESS, f",bus={down}", 1)

    def ports(self, bus, most):
        """Some root ports."""
        for _ in range(self.random.randrange(most)):
            self.port(bus)

    def display(self, bus):
        """Perhaps a display."""
        if self.chance(20):
            self.line.device(self.random.choice(DISPLAYS) + bus)

    # ---- Other devices ----

    def extras(self):
        """Small things that have tables of their own."""
        rnd, line = self.random, self.line
        if self.chance(12):
            line.device(f"vmgenid,guid={GUID}")
        if self.chance(8):
            line.device("vmcoreinfo")
        if self.chance(8):
            line.device("pvpanic")
        if self.chance(10):
            line.add("-acpitable", "sig=SOAK,rev=1,data={table}")
        if self.chance(15):
            for text in rnd.sample(SMBIOS, rnd.choice((1, 1, 2, 3))):
                line.add("-smbios", text)
        if self.chance(6):
            # Beside a TPM's log SeaBIOS has so many tables that QEMU loads the initrd of a vmlinux
            # over them.
            line.image = "vmlinuz"
            line.device(rnd.choice(("tpm-tis", "tpm-crb")) + ",tpmdev=t")
            line.add("{tpm}")
        if self.chance(8):
            line.add("-fw_cfg", "name=opt/soak,string=soak")
        if self.chance(5):
            name = self.name()
            line.device(f"ipmi-bmc-sim,id={name}")
            line.device(rnd.choice(("isa-ipmi-kcs", "isa-ipmi-bt")) + f",bmc={name}")
        if self.chance(5):
            line.device(f"acpi-erst,memdev={self.backend(1, 'ram,share=off')}")
        if self.chance(6):
            port = "q35-pcihost" if "q35" in line.machine else "i440FX-pcihost"
            line.add("-global", rnd.choice(GLOBALS).format(port=port))
        if self.chance(5):
            line.add("-global", ("ICH9-LPC" if "q35" in line.machine else "PIIX4_PM") +
                     rnd.choice((".disable_s3=1", ".disable_s4=1",
                                 ".acpi-pci-hotplug-with-bridge-support=off")))

    def switches(self, names):
        """Machine options that are on or off."""
        return "".join(f",{name}={self.random.choice(('on', 'off'))}"
                       for name in names if self.chance(12))

    def version(self, versions, prefix):
        """A machine type that this QEMU has."""
        there = [v for v in versions if not v or prefix + v in self.machines]
        choice = self.random.choice(there) if self.chance(40) else ""
        return prefix + choice

    # ---- Machines ----

    def pc(self):
        """i440FX."""
        line = self.line
        line.machine = self.version(PC_VERSIONS, "pc")
        self.processors(24)
        line.machine += self.switches(("smm", "hpet", "usb", "i8042", "vmport", "sata", "smbus"))
        line.machine += self.random.choice(("", "", "", ",smbios-entry-point-type=64",
                                            ",max-ram-below-4g=1G", ",kernel-irqchip=split"))
        line.machine += self.ram(hotplug=True)
        self.devices(SIMPLE, "", self.random.choice((0, 1, 2, 3, 6, 12)))
        if self.chance(50):
            self.disk("")
        if self.chance(30):
            self.conventional("")
        if self.chance(15):
            self.functions("", SIMPLE)
        if self.chance(12):
            name = self.name()
            line.device(f"pxb,id={name},bus_nr={self.random.choice((32, 100, 200))},bus=pci.0")
            self.devices(SIMPLE, f",bus={name},addr=3", 1)
            self.devices(SIMPLE, f",bus={name},addr=4", 1)
        if self.chance(10):
            self.big_bar("")
        self.display(",bus=pci.0")
        self.extras()

    def q35(self):
        """Q35."""
        rnd, line = self.random, self.line
        line.machine = self.version(Q35_VERSIONS, "pc")
        line.machine = "q35" if line.machine == "pc" else line.machine
        self.processors(24)
        line.machine += self.switches(("smm", "hpet", "usb", "i8042", "vmport", "sata", "smbus"))
        line.machine += rnd.choice(("", "", "", ",smbios-entry-point-type=64",
                                    ",max-ram-below-4g=1G", ",max-ram-below-4g=2G"))
        line.machine += self.ram(hotplug=True)
        self.iommu()
        self.devices(SIMPLE, ",bus=pcie.0", rnd.choice((0, 1, 2, 3, 6)))
        self.ports(",bus=pcie.0", 7)
        if self.chance(12):
            self.functions(",bus=pcie.0", SIMPLE)
        if self.chance(12):
            self.root_functions()
        if self.chance(45):
            self.disk("")
        if self.chance(15):
            self.conventional("")
        if self.chance(15):
            self.pxb()
        if self.chance(8) and ("," not in line.machine or "nvdimm" not in line.machine) \
                and line.machine.startswith("q35"):
            self.cxl()
        if self.chance(8):
            self.big_bar("")
        self.display(",bus=pcie.0")
        self.extras()

    def iommu(self):
        """An IOMMU: of Intel, of AMD, of virtio, or none."""
        choice = self.random.random()
        if choice < 0.06:
            self.line.machine += ",kernel-irqchip=split"
            self.line.device("intel-iommu" + self.random.choice(("", ",intremap=on",
                                                                 ",caching-mode=on")))
        elif choice < 0.1:
            self.line.device("amd-iommu")
        elif choice < 0.14:
            self.line.device("virtio-iommu-pci")

    def pxb(self):
        """An extra root, with ports."""
        for number in self.random.choice(((128,), (64, 192), (20,))):
            name = self.name()
            self.line.device(f"pxb-pcie,id={name},bus_nr={number},bus=pcie.0")
            for _ in range(self.random.randrange(1, 3)):
                port = self.name()
                self.line.device(f"pcie-root-port,id={port},bus={name},chassis={self.names},"
                                 f"slot={self.names}")
                if self.chance(70):
                    self.devices(EXPRESS, f",bus={port}", 1)

    def cxl(self):
        """A CXL host bridge with a memory device, which no one else on the line may address."""
        line, root, port, window = self.line, self.name(), self.name(), "4G"
        line.machine += f",cxl=on,cxl-fmw.0.targets.0={root},cxl-fmw.0.size={window}"
        line.device(f"pxb-cxl,id={root},bus_nr=52,bus=pcie.0")
        line.device(f"cxl-rp,id={port},port=0,bus={root},chassis={self.names},slot={self.names}")
        if self.chance(70):
            line.device(f"cxl-type3,bus={port},volatile-memdev={self.backend(256)},sn=1"
                        if self.chance(50) and "cxl-volatile" in self.machines else
                        f"cxl-type3,bus={port},memdev={self.backend(256)},"
                        f"lsa={self.backend(1)}")

    def microvm(self):
        """microvm."""
        rnd, line = self.random, self.line
        line.machine = "microvm" + self.switches(("rtc", "auto-kernel-cmdline", "ioapic2"))
        pcie = self.chance(30)
        if pcie:
            line.machine += ",pcie=on"
        if self.chance(15):
            line.machine += ",usb=on"
        self.processors(24)
        line.machine += self.ram(hotplug=False)
        if self.chance(60):
            name = self.name()
            line.add("-drive", f"if=none,id={name},format=raw,readonly=on,file={{disk}}")
            line.device(f"virtio-blk-device,drive={name}")
        self.devices(("virtio-rng-device", "virtio-serial-device"), "",
                     rnd.randrange(4))
        if pcie:
            self.devices(("virtio-rng-pci", "virtio-scsi-pci", "qemu-xhci", "e1000e,romfile="), "",
                         rnd.randrange(5))
            self.ports(",bus=pcie.0", 3)


def line(seed, index, machines):
    """See above."""
    return Maker(seed, index, machines).make()
