"""callers.py: who makes an access is found, and nothing is lost.

    /usr/bin/python3 -m pytest -c tests/pytest.ini --all tests/bench/callers_test.py
"""

import collections

import callers
import events
import firmwares
import whole

KALLSYMS = """ffffffff81000000 T _text
ffffffff81000100 t pci_conf1_read
ffffffff81000200 T __pci_read_base
ffffffff81000300 t pci_setup_device.cold
ffffffff81000400 T _etext
ffffffff82000000 t early_pci_scan_bus
ffffffff82000100 T _einittext
ffffffff82000200 t no_text
"""


def test_chain():
    """Return addresses are the callers; those between, and what is no text, are left out."""
    symbols = callers.Symbols(KALLSYMS)
    words = [0xffffffff81000120, 0x1234, 0xffffffff81000210, 0xffffffff82000204,
             0xffffffff81000230, 0xffffffff81000304, 0xffffffff81000444, 0xffffffff82000010]
    stack = b"".join(word.to_bytes(8, "little") for word in words)
    assert callers.Watch(None, symbols).chain(stack) == (
        "__pci_read_base", "pci_setup_device.cold", "early_pci_scan_bus")


class Guest:
    """A gdb stub whose guest has a stack that ends at END."""

    def __init__(self, end):
        self.end = end

    def ask(self, question):
        """The bytes, or an error when one of them is not mapped."""
        address, size = (int(word, 16) for word in question[1:].split(","))
        return "ab" * size if address + size <= self.end else "E14"


def test_short_stack():
    """A stack that ends soon is read as far as its page goes, so that no access goes unseen."""
    assert len(callers.read_stack(Guest(0x3000), 0x1234)) == callers.STACK
    assert len(callers.read_stack(Guest(0x2000), 0x1f00)) == 0x100


def counts(conf, *roots):
    """An events.Counts of no guest."""
    return events.Counts(exits=collections.Counter(pci=conf), roots=collections.Counter(roots))


def test_groups():
    """Each function is in one group, and rebuilds are those of the root with the most."""
    found = callers.grouped({
        ("the firmware",): counts(5, "a", "b"), ("__pci_read_base", "x"): counts(7),
        ("pci_setup_device.cold",): counts(2, "a", "a", "b"), ("quirk",): counts(1),
        ("pci_msi_init",): counts(4), ("pci_arch_init",): counts(3, "a")})
    by_label = {label: pair for label, pair in found.items() if pair != (0, 0)}
    assert list(by_label.values()) == [(5, 1), (7, 0), (4, 0), (2, 2), (4, 1)]


def test_boot(firmware):
    """In a boot all is somebody's: as many as whole.py counts, the firmware's as many as it has."""
    row = next(row for row in whole.ROWS if row.name == "microvm, PCIe")
    ours = firmwares.Firmware(firmware.name, firmware)
    with whole.Counter() as counter:
        expected = counter.measure(row, ours)
        found = callers.watch(counter, row, counter.kernel.parent, ours)
    groups = callers.grouped(found)
    assert abs(sum(conf for conf, _ in groups.values()) - expected.conf) <= whole.SLACK["conf"]
    assert groups["the firmware"][0] == expected.firmware["conf"]
    assert len(found) > 10
