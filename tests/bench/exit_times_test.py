"""exit_times.py reads records and trace together, subtracts what tracing takes, and says what is
measured and what is assumed."""

import shutil

import pytest

import boots
import exit_times
import firmwares
import qemu

START = 1764115783_025000_000           # nanoseconds
IO, MMIO = exit_times.EXIT_IO, exit_times.EXIT_MMIO


def record(at, spent, address, reason=IO, slots=(0, 0)):
    """A record of an exit AT microseconds after the start; SPENT microseconds, None for no end."""
    left = START + at * 1000
    return exit_times.RECORD.pack(left, left + round(spent * 1000) if spent else 0,
                                  slots[1] * 1000, address, slots[0], reason)


RECORDS = (record(0, 0.9, 0, 0xffffffff) +                  # interrupted
           record(10, 1.5, 0x518) +
           record(20, 1500, 0x518) +                        # ACPI
           record(2000, 0.5, 0xcfc) +
           record(2010, 0.6, 0xb00f8000, MMIO) +
           record(2100, 190, 0xb00f8004, MMIO, (2, 80)) +   # a rebuild, two slots
           record(2400, 0.4, 0x3f8) +
           record(2500, 0.4, 0x510) +                       # the stop kernel's
           record(2510, None, 0x501))
STAMPS = {"10": "71@1764115783.{:06}:", "11": "2025-11-26T00:09:43.{:06}Z "}


def traced(form):
    """The lines of the rebuild, and one from before the processor ran."""
    return exit_times.trace_times(
        STAMPS[form].format(25000 + at) + "flatview_new 0x5 (root 0x6)" for at in (-9, 2100, 2150))


@pytest.mark.parametrize("form", STAMPS)
def test_exits(form):
    """Causes; the rebuild is without slots and without its two lines; the stop is left out."""
    found = exit_times.exits(RECORDS, traced(form), "q35,smm=off", 2.0)
    assert [(one.cause, round(one.spent, 3), one.slots) for one in found] == [
        ("fw_cfg", 1.5, 0), (exit_times.LONGEST, 1500, 0), ("PCI by ports", 0.5, 0),
        ("PCI by ECAM", 0.6, 0), ("rebuild", 106, 2), ("other", 0.4, 0)]


def test_ecam_is_the_machines():
    """The same address is a device's on another machine."""
    causes = [exit_times.cause_of(MMIO, 0xe0000000, machine) for machine in
              ("q35", "pc", "microvm,pcie=on")]
    assert causes == ["other", "other", "PCI by ECAM"]


def report(measured):
    """One boot of one firmware."""
    exits = {"fw_cfg": 10, "pci": 60, "chipset": 0, "other": 0}
    firmware = {"exits": exits, "total": 70, "rebuilds": 2, "memslots": 1, "names": {}}
    kernel = firmware | {"exits": exits | {"pci": 1500}, "rebuilds": 10,
                         "names": {"write pci-conf-idx": 500}}
    result = {"firmware": "qboot.bin", "counts": {"firmware": firmware, "kernel": kernel}}
    if measured:
        result["exit_times"] = measured
    return {"scenarios": [{"name": "q35", "machine": "q35", "results": [result]}],
            "no_exit_times": "KVM runs no guest here"}


def test_measured_and_assumed():
    """Only what was measured stands without brackets, and the note says which."""
    runs = [exit_times.exits(RECORDS, traced("10"), "q35", 2.0)] * 2
    found = report(exit_times.condensed(runs) | {"line_us": 2.0})
    (_, cells), = exit_times.rows(found)
    row = dict(zip(exit_times.HEADER, cells, strict=True))
    assert row["rebuild"] == "106 × 1" and row["PCI by ports"] == "0.50 × 1"
    assert row["in QEMU, ms"] == "1.61" and row["KVM's part, ms"] == "(0.09)"
    assert row["later: PCI and rebuilds, ms"] == "(3.06)"
    assert "is measured on this host" in exit_times.note(found)

    (_, cells), = exit_times.rows(report(None))
    row = dict(zip(exit_times.HEADER, cells, strict=True))
    assert row["rebuild"] == "-" and row["in QEMU, ms"] == "(1.93)"
    assert row["KVM's part, ms"] == "(0.14)" and row["firmware, ms"] == "(2.08)"
    assert "since KVM runs no guest here" in exit_times.note(report(None))


@pytest.mark.skipif(not qemu.kvm_works() or not shutil.which("cc"), reason="no KVM or no compiler")
def test_real(tmp_path, firmware):
    """Every exit that is counted is measured."""
    ours, lab = firmwares.Firmware("qboot.bin", firmware), boots.Lab(tmp_path)
    scenario = boots.Scenario("", lab.kernels["pvh"], ["-M", "q35", "-nodefaults"], "kvm")
    counts = lab.count_firmware(scenario, ours)
    clock = exit_times.Clock(lab)
    found = clock.measure(scenario, ours)
    assert found["exits"] == counts.total and 0 < clock.line_cost < 100
    assert found["causes"]["rebuild"]["count"] == counts.rebuilds
    assert 0 < found["causes"]["PCI by ECAM"]["us"] < found["causes"]["rebuild"]["us"]
