#!/usr/bin/env python3
"""Do whole boots on the modelled machine notice a fault of each kind?

    planted.py [--jobs N] [PATTERN...]          all faults, or those whose name has a pattern

Each row of FAULTS is one fault, as somebody might make it: it replaces the one place in one source
where the row's text stands.  In a copy of the sources the module is compiled as the unit tests are
(64 bits, AddressSanitizer, UBSan), and linked into the row's test, which must fail.  A row whose
text is not in the source exactly once, or that does not compile, is a failure, too: rows follow the
source.

mutants.py makes small faults at random and asks each module's own test; these here are chosen, are
asked of main() as a whole, and stand between modules: a size read twice, a border of the memory map
off by one byte, a lock that is lost, a processor counted twice.

Prints a line for each fault that nothing noticed; ends with 1 if there is one.  Needs `make
unit64`.
"""

import argparse
import concurrent.futures
import dataclasses
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(Path(__file__).resolve().parent))

import mutants          # noqa: E402, the path is set above

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60
COPIED = ("*.c", "lib/*.c", "tables/*.c", "boot/*.c", "include", "tests/unit", "tests/fake")
INCLUDED = ("main.c", "tables/smbios.c")        # what tests/unit/machine.h includes


@dataclasses.dataclass(frozen=True)
class Fault:
    """NAME: what is wrong.  In PATH, BEFORE becomes AFTER; TEST must fail."""

    name: str
    path: str
    before: str
    after: str
    test: str = "main"


FAULTS = (
    # Sizes that change between two reads.
    Fault("size-read-twice-initrd", "boot/load.c",
          "FW_CFG_KEY_INITRD_DATA, 0, paddr, size)",
          "FW_CFG_KEY_INITRD_DATA, 0, paddr, fw_cfg_read_u32(cfg, FW_CFG_KEY_INITRD_SIZE))"),
    Fault("size-read-twice-cmdline", "boot/load.c",
          "phys_ptr(paddr), size)",
          "phys_ptr(paddr), fw_cfg_read_u32(cfg, FW_CFG_KEY_CMDLINE_SIZE))"),
    Fault("size-read-twice-kernel", "boot/boot_linux.c",
          "phys_ptr(handover->kernel_paddr),\n\t\t\t    image->kernel_size);",
          "phys_ptr(handover->kernel_paddr), fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_SIZE));"),
    Fault("size-read-twice-tables", "tables/acpi.c",
          "\tfw_cfg_read(cfg, item.selector, file->bytes, file->size);",
          "\tfw_cfg_reread(cfg);\n\tfw_cfg_find(cfg, file->name, &item);\n"
          "\tfw_cfg_read(cfg, item.selector, file->bytes, item.size);"),
    Fault("old-directory-believed", "tables/acpi.c",
          "if (size && has_grown(script, size))", "if (0 && has_grown(script, size))"),

    # Memory.
    Fault("initrd-border-off-by-one", "boot/load.c",
          "memmap_reserve(map, paddr, paddr + size, MEMORY_LOADED",
          "memmap_reserve(map, paddr, paddr + size - 1, MEMORY_LOADED"),
    Fault("ram-begins-one-byte-late", "memmap.c",
          "\t\tbase = LEGACY_HOLE_END;", "\t\tbase = LEGACY_HOLE_END + 1;"),
    Fault("allocation-one-byte-short", "memmap.c",
          "memmap_set(map, place, place + pages_size, type)",
          "memmap_set(map, place, place + pages_size - 1, type)"),
    Fault("told-range-one-byte-short", "memmap.c",
          "*entry = (struct e820_entry){ range->base, range->end - range->base,",
          "*entry = (struct e820_entry){ range->base, range->end - range->base - 1,"),
    Fault("tables-called-ram", "memmap.c",
          "range->type & ~(uint32_t)MEMORY_OURS };",
          "(range->type & MEMORY_OURS) ? MEMORY_RAM : range->type };"),
    Fault("pool-handed-out-twice", "memmap.c", "\tmap->pool_end = place;\n", ""),
    Fault("page-tables-beyond-their-buffer", "boot/boot_linux.c",
          "uint32_t size = sizeof(struct boot_area) +\n\t\t\tpaging_size(",
          "uint32_t size = sizeof(struct boot_area) +\n\t\t\t0 * paging_size("),
    Fault("read-beyond-a-buffer", "chipset.c",
          "fw_cfg_read(cfg, fdt_selector, tree, sizeof(tree))",
          "fw_cfg_read(cfg, fdt_selector, tree, sizeof(tree) + 1)"),
    Fault("start-info-out-of-reach", "boot/boot_elf.c",
          "ZONE_NEAR,\n\t\t\t\t   \"hvm_start_info\"", "ZONE_LOW,\n\t\t\t\t   \"hvm_start_info\""),
    Fault("initrd-byte-lost", "boot/load.c",
          "FW_CFG_KEY_INITRD_DATA, 0, paddr, size)",
          "FW_CFG_KEY_INITRD_DATA, 0, paddr, size - 1)"),
    Fault("kernel-place-not-kept", "boot/bzimage.c",
          "memmap_set(map, base, end, MEMORY_LOADED) == OK", "1"),
    Fault("kernel-byte-lost", "boot/boot_linux.c",
          "\t\t\t    image->kernel_size);", "\t\t\t    image->kernel_size - 1);"),

    # What is left in RAM.
    Fault("boot-params-not-cleared", "boot/boot_linux.c",
          "return memset(phys_ptr(paddr), 0, size);", "return phys_ptr(paddr);"),
    Fault("page-tables-not-cleared", "boot/boot_linux.c",
          "return memset(phys_ptr(paddr), 0, size);",
          "return memset(phys_ptr(paddr), 0, sizeof(struct boot_area));"),
    Fault("record-believed-without-a-sleep", "resume.c",
          "\tif (inb(CMOS_DATA_PORT) != CMOS_SHUTDOWN_WAKE)\n\t\treturn false;\n",
          "\tinb(CMOS_DATA_PORT);\n"),
    Fault("old-mark-believed", "resume.c",
          "if (!facs->firmware_waking_vector && !facs->x_firmware_waking_vector) {", "if (0) {"),
    Fault("record-not-summed-up", "resume.c",
          "resume->magic != MAGIC || resume->checksum != checksum(resume)",
          "resume->magic != MAGIC"),
    # main() begins with .bss cleared: of this only the module's own test can know.
    Fault("old-acpi-writes-believed", "tables/acpi.c", "\twrites->count = 0;\n", "", "acpi"),
    Fault("init-taken-for-a-reset", "resume.c", "\t\t\tcpu_reset();\n", "\t\t\t;\n"),

    # SMM.
    Fault("smram-lock-lost", "smm.c", "SMRAM_C_BASE_SEG | SMRAM_D_LCK;", "SMRAM_C_BASE_SEG;"),
    Fault("smbase-lock-lost", "smm.c", "(plan->at_default ? F_SMBASE_LOCK : 0) |", "0 |"),
    Fault("tseg-not-switched-on", "smm.c", "\t\tesmramc |= ESMRAMC_T_EN;\n", "\t\t;\n"),
    Fault("smram-not-switched-on", "smm.c", "\t\tsmram |= SMRAM_G_SMRAME;\n", "\t\t;\n"),
    Fault("smram-left-open", "smm.c", "SMRAM_C_BASE_SEG | SMRAM_D_LCK;",
          "SMRAM_C_BASE_SEG | SMRAM_D_LCK | (1u << 6);\n\tsmram &= ~SMRAM_D_LCK;"),
    Fault("smram-written-when-closed", "smm.c", "\tif (plan->at_default)\n\t\treturn;\n", ""),
    Fault("two-processors-one-smbase", "smm.c",
          "find_smbase(plan, n++)", "find_smbase(plan, n)"),
    Fault("smbase-of-the-boot-processor-given-away", "smm.c",
          "uint32_t n = !plan->at_default;", "uint32_t n = 0;"),
    Fault("smi-to-an-id-that-two-have", "smm.c", "\treturn ids >= arrived;\n",
          "\treturn ids || !arrived;\n"),
    Fault("smi-while-a-large-id-is-missing", "smm.c", "return (!block->missing &&",
          "return ((!block->missing || block->arrived) &&"),
    Fault("no-smi-for-the-boot-processor", "smm.c",
          "if (!relocate_self(plan, block, has_apic && unique))", "if (0)"),
    Fault("lost-turn-unsaid", "smm.c",
          "\t\tif (!cpu_wait(&plan->machine->cpu, &block->relocated, ++done))\n"
          "\t\t\treturn false;\n",
          "\t\tcpu_wait(&plan->machine->cpu, &block->relocated, ++done);\n"),
    Fault("smi-entry-not-restored", "smm.c",
          "\tmemcpy(entry, saved.entry, sizeof(saved.entry));\n", ""),
    Fault("smi-state-not-restored", "smm.c",
          "\tmemcpy(state, saved.state, sizeof(saved.state));\n", ""),

    # Processors.
    Fault("processor-counted-twice", "tables/acpi_find.c", "\t\tcount++;\n", "\t\tcount += 2;\n"),
    Fault("not-waited-for", "smp.c",
          "!cpu_wait(cpu, &block->arrived, cpu_count - 1)",
          "!cpu_wait(cpu, &block->arrived, cpu_count - 2)"),
    Fault("msrs-planned-too-late", "main.c",
          "\tsmp_probe_msrs(&msrs, &machine, &map, layout.mmio_base);\n"
          "\tsmp_start(&smp_block, &msrs, &machine.cpu);\n",
          "\tsmp_start(&smp_block, &msrs, &machine.cpu);\n"
          "\tsmp_probe_msrs(&msrs, &machine, &map, layout.mmio_base);\n"
          "\tmsr_list_program(&msrs);\n"),
    Fault("feature-control-on-one-processor", "smp.c",
          "\tmsr_list_program(msrs);\n",
          "\tmsr_list_program(msrs);\n\t((struct msr_list *)(uintptr_t)msrs)->count--;\n"),
    Fault("mtrr-missing", "mtrr.c", "\t\tlist->count += sizeof(fixed_ranges)",
          "\t\tlist->count += sizeof(fixed_ranges) - sizeof(fixed_ranges[0])"),
    Fault("caches-left-off", "msr_list.c", "\tcpu_enable_caches();\n", ""),
    Fault("mp-table-lists-one-too-few", "tables/mptable.c",
          "add_processors(&writer, &machine->cpu, block, cpu_count, madt);",
          "add_processors(&writer, &machine->cpu, block, cpu_count - 1, madt);"),

    # Waking up.
    Fault("wake-without-mtrrs", "main.c",
          "\tsmp_probe_msrs(&msrs, &machine, &map, resume.hole_base);\n", ""),
    Fault("wake-without-smm", "main.c",
          "\tsmm_init(&smm, &smp_block, &map, cpu_count, 0);\n", ""),
    Fault("wake-without-8259s", "main.c", "\tsmp_virtual_wire(&machine, 0);\n", ""),
    Fault("wake-without-acpi-writes", "main.c",
          "\tacpi_replay(&machine.cfg, &resume.writes);\n", ""),

    # PCI.
    Fault("hot-plug-before-what-is-there", "pci_walk.c",
          "\telse if (walk->reserved)\n", "\telse if (0)\n", "pci"),
    Fault("bar-outside-its-window", "pci_plan.c",
          "\t\t\t\titem->base += window->self.base;\n", "\t\t\t\t;\n"),
    Fault("bars-on-top-of-each-other", "pci_plan.c",
          "\t\trange->base = base + item->size;\n", ""),
    Fault("window-closed", "pci_program.c",
          "uint32_t limit = base + (uint32_t)window->size - 1;\n\n"
          "\treturn window->size ? (base >> 16",
          "uint32_t limit = base + 0 * (uint32_t)window->size - 1;\n\n"
          "\treturn window->size ? (base >> 16"),
    Fault("window-not-written", "pci_program.c",
          "\t\tprogram_windows(access, bus, has_io);\n",
          "\t\t(void)program_windows, (void)has_io;\n"),

    # Tables.
    Fault("acpi-checksum-not-mended", "tables/table_loader.c",
          "\tfile->bytes[offset] -= checksum_sum(file->bytes + start, length);\n", ""),
    Fault("acpi-pointer-not-added", "tables/table_loader.c",
          "\tvalue += src->paddr;\n", ""),
    Fault("mp-checksum-not-mended", "tables/mptable.c",
          "\theader->checksum = -checksum_sum(header, header->length);\n", ""),
    Fault("mp-pointer-checksum-not-mended", "tables/mptable.c",
          "\tpointer->checksum = -checksum_sum(pointer, sizeof(*pointer));\n", ""),
    Fault("smbios-anchor-checksum-wrong", "tables/smbios.c",
          ".checksum = (uint8_t)-ANCHOR_SUM", ".checksum = (uint8_t)(1 - ANCHOR_SUM)"),
    Fault("smbios-without-its-end", "tables/smbios.c",
          "\t\tmemmove(to, from + offset, next - offset);\n",
          "\t\tif (type != SMBIOS_TYPE_END)\n\t\t\tmemmove(to, from + offset, next - offset);\n"),
    Fault("vmgenid-not-told", "tables/acpi.c",
          "\t\tfw_cfg_write(cfg, item.selector, write->offset, &write->value, write->size);\n",
          ""),
    Fault("rsdp-not-handed-over", "main.c", "facts = { rsdp_paddr,", "facts = { 0,"),

    # Errors.
    Fault("failed-transfer-passes", "fw_cfg.c",
          "\tif (status != be32_make(control).raw)\n\t\treport_failure(&dma, control);\n"
          "\treturn false;",
          "\tif (status == 2)\n\t\treport_failure(&dma, control);\n\treturn true;"),
)


def copy_sources(tree):
    """The C sources and headers, in a tree of their own."""
    for pattern in COPIED:
        for path in ROOT.glob(pattern):
            target = tree / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target)
            else:
                shutil.copy(path, target)


def plant(fault, tree):
    """Changes the source in the tree; says why it cannot, or None."""
    source = tree / fault.path
    text = source.read_text(encoding="utf-8")
    if text.count(fault.before) != 1:
        return f"the text to replace is {text.count(fault.before)} times in {fault.path}"
    source.write_text(text.replace(fault.before, fault.after), encoding="utf-8")
    return None


def fails(program):
    """Whether a test program fails, crashes, or takes more processor time than SECONDS."""
    limit = f"ulimit -t {SECONDS}; exec {program}"
    with subprocess.Popen(["sh", "-c", limit], cwd=ROOT, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        for line in process.stderr:
            if "[  FAILED  ]" in line:          # the other tests need not run
                process.kill()
                return True
        return process.wait() != 0


def judge(fault, compiler):
    """None when the fault is noticed, else why not."""
    with tempfile.TemporaryDirectory(prefix="qboot-planted-") as scratch:
        tree = Path(scratch)
        copy_sources(tree)
        wrong = plant(fault, tree)
        if wrong:
            return wrong
        test_object = mutants.BUILD / f"tests/unit/test_{fault.test}.o"
        compiled = tree / fault.path
        if fault.path in INCLUDED and fault.test == "main":
            compiled = tree / "tests/unit/test_main.c"
        done = subprocess.run([*compiler, "-Wno-error", "-w", "-c", "-o", tree / "planted.o",
                               compiled], cwd=tree, check=False, capture_output=True, text=True)
        if done.returncode:
            return "it does not compile: " + done.stderr.strip().splitlines()[0]
        objects = [tree / "planted.o"]
        if compiled == tree / fault.path:
            objects.insert(0, test_object)
        wrong = mutants.link(tree / "test", objects)
        if wrong:
            return "it does not link: " + wrong
        return None if fails(tree / "test") else f"test_{fault.test} passes with it"


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if not options.patterns or
              any(pattern in fault.name for pattern in options.patterns)]
    compiler = mutants.flags()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda fault: judge(fault, compiler), faults))
    missed = 0
    for fault, why in zip(faults, results):
        if why:
            missed += 1
            print(f"planted.py: {fault.name}: {why}")
    print(f"planted faults: {len(faults) - missed} of {len(faults)} noticed")
    return 0 if faults and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
