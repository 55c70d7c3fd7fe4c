#!/usr/bin/env python3
"""Print how many bytes of the image, and of low RAM, each module takes.

usage: size_report.py QBOOT.MAP OBJECT-DIRECTORY

Reads the linker's map.  Code, constants and the initial values of data are in the image; data, bss
and noinit are in low RAM.  Padding between sections is the row "(alignment)".  The columns add up
to what is in the map's output sections, which is checked.
"""
import collections
import pathlib
import re
import sys

# The columns of the report.
COLUMNS = ['code', 'constants', 'data', 'bss', 'image', 'RAM']
INPUT = re.compile(r'^ (\.[\w.]+|\*fill\*|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (\S.*))?$')
OUTPUT = re.compile(r'^(\.\w+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)')


def joined(lines):
    """The map's lines, with those that the linker broke after a long name put together."""
    pending = ''
    for line in lines:
        line = pending + line.rstrip('\n')
        pending = ''
        if re.fullmatch(r' ?\.[\w.]+', line):
            pending = line
            continue
        yield line


def column(output, name):
    """Where bytes of an input section are counted."""
    if output == '.data':
        return 'data'
    if output in ('.bss', '.noinit'):
        return 'bss'
    if output in ('.rom', '.reset', '.anchor'):
        return 'constants' if name.startswith(('.rodata', '.anchor')) else 'code'
    return None


def read_map(path, directory):
    """({module: {column: bytes}}, {output section: bytes})

    A section's bytes go up to the next one's address, but are no more than its size: strings that
    several modules have are counted where the linker kept them, and what is between is alignment.
    """
    modules = collections.defaultdict(collections.Counter)
    outputs = collections.Counter()
    text = path.read_text().split('Linker script and memory map', 1)[1]
    output = None
    pieces = []                 # (address, size, column, module) within one output section

    def count(end):
        for piece, following in zip(pieces, [*pieces[1:], (end,)]):
            address, size, where, module = piece
            used = max(0, min(size, following[0] - address))
            modules[module][where] += used
            modules['(alignment)'][where] += max(0, following[0] - address - used)
        pieces.clear()

    end = 0
    for line in joined(text.splitlines()):
        match = OUTPUT.match(line)
        if match:
            count(end)
            output, start, size = match[1], int(match[2], 16), int(match[3], 16)
            outputs[output] += size
            end = start + size
            continue
        match = INPUT.match(line)
        where = match and column(output, match[1])
        if not where or match[1] == '*fill*' or not int(match[3], 16):
            continue
        module = match[4].removeprefix(f'{directory}/').removesuffix('.o')
        pieces.append((int(match[2], 16), int(match[3], 16), where, module))
    count(end)
    return modules, outputs


def main():
    """Prints the table, the largest first."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    modules, outputs = read_map(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    for sizes in modules.values():
        sizes['image'] = sizes['code'] + sizes['constants'] + sizes['data']
        sizes['RAM'] = sizes['data'] + sizes['bss']
    total = sum(modules.values(), collections.Counter())
    for name, kinds in (('image', ('.rom', '.data', '.reset', '.anchor')),
                        ('RAM', ('.data', '.bss', '.noinit'))):
        wanted = sum(outputs[kind] for kind in kinds)
        if total[name] != wanted:
            sys.exit(f'size_report: the modules have {total[name]} bytes of {name}, the map\'s '
                     f'sections {wanted}; does bios.lds have a new section?')
    rows = sorted(modules.items(), key=lambda item: (-item[1]['image'], -item[1]['RAM'], item[0]))
    print(f'{"module":20}' + ''.join(f'{name:>11}' for name in COLUMNS))
    for module, sizes in [*rows, ('total', total)]:
        print(f'{module:20}' + ''.join(f'{sizes[name] or "":>11}' for name in COLUMNS))


main()
