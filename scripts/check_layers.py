#!/usr/bin/env python3
"""Check that modules call in one direction only.

usage: check_layers.py DIRECTORY OBJECT...

A module is called after its object file's path below DIRECTORY.

Reads what each object file defines and what it wants (nm), and the headers that pure files were
compiled with (the compiler's .d files).  A module may call the layers below its own; what it may
call beside that is listed here with the reason.  A file that is in no layer is an error: put it
into one.  Calls that the compiler inlined from a header are not seen.

Prints each wrong call with the rule it breaks, and fails if there is one.
"""
import pathlib
import re
import subprocess
import sys

# From the top.  Whoever is in one line does not call the others there.
LAYERS = [
    ['main'],
    ['boot/boot'],
    ['boot/boot_elf', 'boot/boot_linux'],
    ['boot/bios', 'boot/load', 'boot/uki_load', 'resume', 'smm', 'smp', 'tables/acpi',
     'tables/fpdt', 'tables/mcfg',
     'tables/mptable', 'tables/piix_acpi', 'tables/smbios'],
    ['pci', 'mtrr', 'tables/acpi_find', 'tpm'],
    ['pci_walk', 'pci_program'],
    ['chipset', 'pci_bar'],
    ['memmap'],
    ['fw_cfg', 'log_option', 'marker', 'msr_list'],
    ['console', 'cpu', 'tsc'],
    ['lib/checksum', 'lib/divide', 'lib/error', 'lib/fdt', 'lib/format', 'lib/string'],
]

# No I/O, no state: these call lib alone, and are called by anybody.
PURE = {'boot/bzimage', 'boot/multiboot', 'boot/paging', 'boot/pvh', 'boot/refuse', 'boot/uki',
        'pci_plan', 'pci_spaces', 'tables/table_loader'}
# Pure functions of modules that are not pure as a whole.
PURE_FUNCTIONS = {'memmap_is', 'memmap_set', 'memmap_low_ram_end'}
BORDER = {'io.h', 'cpu.h', 'phys.h', 'pci_config.h'}

# Entered from anywhere and calling C where the processor leads them; data that the assembler made.
ASSEMBLY = {'start', 'smi', 'boot/bios_call', 'boot/handoff', 'tables/piix_dsdt'}

# Neighbours that one module does call, and why.
NEIGHBOURS = {
    ('marker', 'fw_cfg'): 'a file switches markers on',
    ('log_option', 'fw_cfg'): 'a file says how much is said',
    ('boot/uki_load', 'tables/smbios'): 'a command line may be among the OEM strings',
}

# Steps of the boot, which main alone takes.
STEP = re.compile(r'_(init|install)$')


def nm(option, objects):
    """{module: {symbol}} for the symbols of one kind in all object files."""
    found = {module: set() for module in objects.values()}
    text = subprocess.run(['nm', '-A', option, *map(str, objects)], check=True,
                          capture_output=True, text=True).stdout
    for line in text.splitlines():
        path, rest = line.split(':', 1)
        found[objects[pathlib.Path(path)]].add(rest.split()[-1])
    return found


def headers(path):
    """The names of the headers a file was compiled with."""
    dependencies = path.with_suffix('.d')
    return {pathlib.Path(word.rstrip(':')).name for word in dependencies.read_text().split()
            if word.endswith('.h') or word.endswith('.h:')}


def why_not(caller, callee, symbol, rank):
    """The rule that a call breaks, or None."""
    if caller == callee or caller in ASSEMBLY or callee in ASSEMBLY:
        return None
    is_lib = callee.startswith('lib/')
    if caller.startswith('lib/'):
        return None if is_lib else 'lib calls nobody'
    if caller in PURE:
        allowed = is_lib or callee in PURE or symbol in PURE_FUNCTIONS
        return None if allowed else 'pure files call lib alone'
    if STEP.search(symbol) and caller != 'main':
        return 'main alone takes the steps of the boot'
    if callee in PURE or (caller, callee) in NEIGHBOURS:
        return None
    if rank[caller] == rank[callee]:
        return 'neighbours do not call each other; main passes results between them'
    if rank[caller] > rank[callee]:
        return 'calls go downwards: ' + ' -> '.join(layer[0] for layer in LAYERS)
    return None


def check(directory, paths):
    """All complaints about the object files."""
    rank = {module: i for i, layer in enumerate(LAYERS) for module in layer}
    objects = {path: str(path.relative_to(directory).with_suffix(''))
               for path in sorted(paths)}
    complaints = [f'{module} is in no layer; add it to scripts/check_layers.py'
                  for module in objects.values()
                  if module not in rank and module not in PURE and module not in ASSEMBLY]
    if complaints:
        return complaints
    defined = nm('--defined-only', objects)
    owner = {symbol: module for module, symbols in defined.items() for symbol in symbols}
    for caller, symbols in nm('--undefined-only', objects).items():
        for symbol in sorted(symbols):
            rule = symbol in owner and why_not(caller, owner[symbol], symbol, rank)
            if rule:
                complaints.append(f'{caller} calls {symbol}() of {owner[symbol]}: {rule}')
    for path, module in objects.items():
        if module in PURE or module.startswith('lib/'):
            complaints += [f'{module} includes {header}: pure files stay off the hardware border'
                           for header in sorted(headers(path) & BORDER)]
    return complaints


def main():
    """Complains and fails, or says nothing."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    directory, *paths = map(pathlib.Path, sys.argv[1:])
    complaints = check(directory, paths)
    for complaint in complaints:
        print(f'check_layers: {complaint}', file=sys.stderr)
    sys.exit(bool(complaints))


main()
