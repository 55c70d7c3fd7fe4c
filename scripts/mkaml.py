#!/usr/bin/env python3
"""Compile an ACPI table, the same with every version of the compiler that gives the same code.

usage: mkaml.py FILE.dsl FILE.aml

iasl puts its own version into the table's header; 1 stands there instead, and the checksum is made
right again.  What iasl says is printed when it fails.
"""
import pathlib
import subprocess
import sys
import tempfile

CHECKSUM = 9
CREATOR_REVISION = slice(32, 36)


def main():
    source, target = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        prefix = pathlib.Path(directory, 'table')
        try:
            result = subprocess.run(['iasl', '-p', prefix, source], capture_output=True, text=True)
        except FileNotFoundError:
            sys.exit('mkaml: there is no iasl; install the package acpica-tools')
        if result.returncode:
            sys.exit(f'mkaml: iasl {source}:\n{result.stdout}{result.stderr}')
        table = bytearray(prefix.with_suffix('.aml').read_bytes())
    table[CREATOR_REVISION] = (1).to_bytes(4, 'little')
    table[CHECKSUM] = (table[CHECKSUM] - sum(table)) & 0xff
    pathlib.Path(target).write_bytes(table)


main()
