#!/usr/bin/env python3
"""Record what the firmware reads and writes in PCI configuration space under a real QEMU.

usage: record_pci.py [--qemu QEMU] [--firmware build/qboot.bin] [--output tests/data/pci]
                     [MACHINE...]

Each machine below becomes a file: the command line, then an access a line, in their order:

    r 00:03.0 14 fffff000       read: bus, slot, function; offset; what QEMU gave
    w 00:03.0 14 c0004000       written

tests/unit/test_replay.c runs the firmware on the modelled machine and compares: the model gives
what QEMU gave.  QEMU's trace has no size and leaves out functions that are not there; an access of
8 bytes is two.  The kernel ends QEMU with its first instruction: all accesses are the firmware's.
"""
import argparse
import pathlib
import re
import shlex
import struct
import sys
import tempfile

from qemu_process import ask, started

VIRTIO = '-device virtio-rng-pci,disable-legacy=on'
PORT = '-device pcie-root-port,chassis={n},id=port{n},addr={n}'
MACHINES = {
    'pc': f'-M pc {VIRTIO},addr=3',
    'q35': f'-M q35 {VIRTIO},addr=3 ' + ' '.join(
        f'{PORT.format(n=n)} {VIRTIO},bus=port{n}' for n in (4, 5)),
    'microvm-pcie': f'-M microvm,pcie=on {VIRTIO},addr=3',
}
ACCESS = re.compile(r'pci_cfg_(read|write) \S+ ([0-9a-f:.]+) @0x([0-9a-f]+) (?:->|<-) '
                    r'0x([0-9a-f]+)$')
SECONDS = 120
STATUS = 33             # of isa-debug-exit, (0x10 << 1) | 1


def kernel():
    """A Linux bzImage, in format only: 64-bit code that ends QEMU."""
    file = bytearray(0x1000)
    struct.pack_into('<B', file, 0x1f1, 1)
    struct.pack_into('<I', file, 0x1f4, 0xc00 // 16)
    struct.pack_into('<HBBIH', file, 0x1fe, 0xaa55, 0xeb, 0x6a, 0x53726448, 0x020f)
    struct.pack_into('<BBHIII', file, 0x210, 0, 1, 0, 0x100000, 0, 0)
    struct.pack_into('<IIIBBHI', file, 0x228, 0, 0x7fffffff, 0x200000, 1, 21, 1, 2047)
    struct.pack_into('<QQI', file, 0x250, 0, 0x200000, 0x100000)
    file[0x600:0x604] = b'\xb0\x10\xe6\xf4'             # mov $0x10, %al; out %al, $0xf4
    return bytes(file)


def record(qemu, firmware, options):
    """The accesses, a line each."""
    with tempfile.TemporaryDirectory() as scratch:
        image, log = pathlib.Path(scratch) / 'kernel', pathlib.Path(scratch) / 'log'
        image.write_bytes(kernel())
        argv = [qemu, *shlex.split(options), '-accel', 'tcg', '-m', '32', '-bios', firmware,
                '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-device',
                'isa-debug-exit,iobase=0xf4,iosize=1', '-kernel', image, '-trace', 'pci_cfg_*',
                '-D', log]
        with started(argv, SECONDS) as process:
            status = process.wait()
        if status != STATUS:
            sys.exit(f'record_pci: QEMU ends with {status}, {STATUS} is right')
        found = (ACCESS.search(line) for line in log.read_text().splitlines())
        return [f'{match[1][0]} {match[2]} {int(match[3], 16):x} {int(match[4], 16):x}'
                for match in found if match]


def main():
    """Records the machines asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--qemu', default='qemu-system-x86_64')
    parser.add_argument('--firmware', default='build/qboot.bin')
    parser.add_argument('--output', type=pathlib.Path, default=pathlib.Path('tests/data/pci'))
    parser.add_argument('machines', nargs='*', metavar='MACHINE')
    options = parser.parse_args()
    version = ask(options.qemu, '--version').splitlines()[0]
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.machines or MACHINES:
        if name not in MACHINES:
            sys.exit(f'record_pci: no machine "{name}"; there are {", ".join(MACHINES)}')
        lines = record(options.qemu, options.firmware, MACHINES[name])
        (options.output / name).write_text('\n'.join(
            [f'# {version}', f'# {MACHINES[name]}', *lines, '']))
        print(f'{name}: {len(lines)} accesses')


if __name__ == '__main__':
    main()
