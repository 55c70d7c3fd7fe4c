#!/usr/bin/env python3
"""Record what QEMU's fw_cfg gives a firmware, as inputs for the unit tests.

usage: record_blobs.py [--qemu QEMU] [--suffix -qemu10] [--output tests/data] [CASE...]

Each case below becomes a directory, with a suffix for another QEMU than Debian 12's, with the
command line that produced it (`command`), a list of the recorded files and items with their sizes
(`files`), and their bytes without trailing zeros,
under their fw_cfg name with '/' written as '_'.  No guest code runs: QEMU is started with qtest,
the registers that its table builder looks at are written as chipset.c does, and the files are read
by DMA.  What QEMU draws at random (vmgenid, UUID) is given on the command line, so that recording
twice with one QEMU gives the same bytes.  288 processors take KVM, a TPM takes swtpm.
"""
import argparse
import contextlib
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile

from qemu_process import ask, started
import swtpm

TABLES = ['etc/table-loader', 'etc/acpi/tables', 'etc/acpi/rsdp', 'etc/acpi/nvdimm-mem',
          'etc/vmgenid_guid', 'etc/vmgenid_addr', 'etc/hardware_errors', 'etc/tpm/log',
          'etc/smbios/smbios-tables', 'etc/e820']
ITEMS = {0x05: 'cpu-count'}

GUID = '12345678-9abc-def0-1234-56789abcdef0'
CASES = {
    'pc': '-M pc -m 128 -nodefaults',
    'pc-vmgenid': f'-M pc -m 128 -nodefaults -device vmgenid,guid={GUID} -smp 4',
    'pc-255': '-M pc -m 128 -nodefaults -smp 255',
    'q35': f'-M q35 -m 128 -nodefaults -device vmgenid,guid={GUID}',
    'q35-288': '-M q35,kernel-irqchip=split -accel kvm -m 128 -nodefaults -smp 288 '
               '-device intel-iommu,intremap=on,eim=on',
    'q35-devices': '-M q35,nvdimm=on -m 128,slots=2,maxmem=1G -nodefaults -smp 2,maxcpus=8 '
                   '-device pcie-root-port,id=r1,chassis=1 -device virtio-net-pci,bus=r1 '
                   '-device pxb-pcie,bus_nr=64,bus=pcie.0 '
                   '-object memory-backend-ram,id=n0,size=128M -numa node,memdev=n0 '
                   '-smbios type=1,manufacturer=Example,product=Machine,serial=1 '
                   '-smbios type=11,value=one,value=two',
    'pc-tpm': '-M pc -m 128 -nodefaults -device tpm-tis,tpmdev=t {tpm}',
    'q35-tpm': '-M q35 -m 128 -nodefaults -device tpm-crb,tpmdev=t {tpm}',
    'q35-nvdimm': '-M q35,nvdimm=on -m 128,slots=2,maxmem=1G -nodefaults '
                  '-object memory-backend-ram,id=b,size=16M -device nvdimm,id=n,memdev=b',
    'q35-numa': '-M q35,hmat=on -m 128,slots=4,maxmem=1G -nodefaults -smp 8 ' + ' '.join(
        f'-object memory-backend-ram,id=n{n},size=16M -numa node,nodeid={n},cpus={n},memdev=n{n},'
        f'initiator={n}' for n in range(8)),
    'q35-cxl': '-M q35,cxl=on,cxl-fmw.0.targets.0=x,cxl-fmw.0.size=4G -m 128,slots=2,maxmem=1G '
               '-nodefaults -object memory-backend-ram,id=p,size=256M '
               '-object memory-backend-ram,id=l,size=1M -device pxb-cxl,bus_nr=64,bus=pcie.0,id=x '
               '-device cxl-rp,port=0,bus=x,id=r,chassis=1,slot=1 '
               '-device cxl-type3,bus=r,memdev=p,lsa=l,id=c',
    'isapc': '-M isapc -m 128 -nodefaults',
    'microvm': '-M microvm,acpi=on -m 128 -nodefaults',
    'microvm-pcie': '-M microvm,acpi=on,pcie=on -m 128 -nodefaults',
    'microvm-288': '-M microvm,acpi=on -accel kvm -m 128 -nodefaults -smp 288',
    'pc-smbios0': '-M pc -m 128 -nodefaults '
                  '-smbios type=0,vendor=Example,version=7,date=01/02/2003',
}

DESCRIPTOR, BUFFER = 0x10000, 0x100000          # guest-physical, for DMA
DMA_READ, DMA_SELECT = 2, 8
PM_BASE = 0x600
SECONDS = 60                                    # for one machine


class Machine:
    """A QEMU process that runs no guest code and answers on the qtest protocol."""

    def __init__(self, process):
        self.process = process

    def do(self, *words):
        """Sends one command; returns the answer's value."""
        line = ' '.join(hex(word) if isinstance(word, int) else word for word in words)
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().split()
        if not answer or answer[0] != 'OK':
            sys.exit(f'record_blobs: "{line}" was answered with "{" ".join(answer)}"; does '
                     f'{shlex.join(self.process.args)} start?')
        return answer[1] if len(answer) > 1 else ''

    def read_item(self, selector, size):
        """The first bytes of an fw_cfg item, by DMA."""
        control = selector << 16 | DMA_SELECT | DMA_READ
        self.do('write', DESCRIPTOR, 16,
                '0x' + struct.pack('>IIQ', control, size, BUFFER).hex())
        self.do('outl', 0x518, int.from_bytes(DESCRIPTOR.to_bytes(4, 'big'), 'little'))
        return bytes.fromhex(self.do('read', BUFFER, size)[2:]) if size else b''

    def directory(self):
        """{name: (selector, size)}"""
        count, = struct.unpack('>I', self.read_item(0x19, 4))
        raw = self.read_item(0x19, 4 + 64 * count)
        entries = (struct.unpack_from('>IHH56s', raw, 4 + 64 * i) for i in range(count))
        return {name.rstrip(b'\0').decode(): (selector, size)
                for size, selector, _, name in entries}

    def pci_write(self, slot, function, offset, value):
        """One dword of configuration space on bus 0."""
        self.do('outl', 0xcf8, 1 << 31 | slot << 11 | function << 8 | offset)
        self.do('outl', 0xcfc, value)


def program_chipset(machine, kind):
    """What QEMU's table builder reads back: PM base and ECAM."""
    if kind == 'pc':
        machine.pci_write(1, 3, 0x40, PM_BASE | 1)
        machine.pci_write(1, 3, 0x80, 1)
    elif kind == 'q35':
        machine.pci_write(0, 0, 0x60, 0xb0000001)
        machine.pci_write(31, 0, 0x40, PM_BASE | 1)
        machine.pci_write(31, 0, 0x44, 0x80)


def record(qemu, name, options, output):
    """Starts the machine of one case and writes its directory."""
    options += ' -display none -S -qtest stdio -qtest-log /dev/null'
    with contextlib.ExitStack() as open_now:
        command = options
        if '{tpm}' in options:
            directory = pathlib.Path(open_now.enter_context(tempfile.TemporaryDirectory()))
            tpm = open_now.enter_context(swtpm.emulated(directory))
            command = options.replace('{tpm}', shlex.join(tpm.arguments))
        process = open_now.enter_context(started(
            [qemu, *shlex.split(command)], SECONDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL))
        write_files(Machine(process), name, output / name)
    (output / name / 'command').write_text(
        f"# {ask(qemu, '--version').splitlines()[0]}\n"
        f'{pathlib.Path(qemu).name} {shlex.join(shlex.split(options))}\n')


def write_files(machine, name, directory):
    """The files of a started machine, and the list of them."""
    directory.mkdir(parents=True, exist_ok=True)
    keep_for_others(directory)
    for old in directory.iterdir():
        old.unlink()
    program_chipset(machine, name.split('-')[0])
    files = machine.directory()
    recorded = [(file, *files[file]) for file in TABLES if file in files]
    recorded += [(item, selector, 4) for selector, item in ITEMS.items()]
    listing = []
    for file, selector, size in recorded:
        data = machine.read_item(selector, size)
        # The files grow when they are built anew; their size is the one in the directory now.
        if data.strip(b'\0'):
            (directory / file.replace('/', '_')).write_bytes(data.rstrip(b'\0'))
        listing.append(f'{file} {size}\n')
    (directory / 'files').write_text(''.join(listing))
    print(f'{name}: {", ".join(line.strip() for line in listing)}')


def keep_for_others(directory):
    """Links to a case's files become files, before that case is recorded again."""
    for link in directory.parent.glob('*/*'):
        if link.is_symlink() and link.parent != directory and \
                link.resolve().parent == directory.resolve():
            data = link.read_bytes()
            link.unlink()
            link.write_bytes(data)


def link_equals(output):
    """A file that another case has, too, is stored once: the later ones are links."""
    first = {}
    for path in sorted(output.glob('*/*')):
        if path.is_symlink() or path.name in ('files', 'command'):
            continue
        kept = first.setdefault((path.name, path.read_bytes()), path)
        if kept != path:
            path.unlink()
            path.symlink_to(pathlib.Path('..') / kept.parent.name / kept.name)


def main():
    """Records the cases asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--qemu', default='qemu-system-x86_64')
    parser.add_argument('--suffix', default='')
    parser.add_argument('--output', type=pathlib.Path, default=pathlib.Path('tests/data'))
    parser.add_argument('cases', nargs='*', metavar='CASE')
    options = parser.parse_args()
    for name in options.cases or CASES:
        if name not in CASES:
            sys.exit(f'record_blobs: no case "{name}"; there are {", ".join(CASES)}')
        record(options.qemu, name + options.suffix, CASES[name], options.output)
    link_equals(options.output)


main()
