"""events.py and its users read every form of QEMU's trace; a trace of nothing is a fault."""


import pytest

import budget
import events
import qemu
import run

# A guest of four instructions: a fw_cfg access, PCI configuration, the stop kernel's end.
LINES = """\
memory_region_ops_write cpu -1 mr 0x5 addr 0xfee00000 value 0x0 size 4 name 'apic-msi'
Trace 0: 0x7f6e50000100 [ffff0000/00000000fffffff0/00000040/ff020201]
memory_region_ops_read cpu 0 mr 0x5 addr 0x514 value 0x51454d55 size 4 name 'fwcfg.dma'
Trace 0: 0x7f6e50000200 [ffff0000/00000000ffffee60/00000040/ff020201]
memory_region_ops_write cpu 0 mr 0x5 addr 0xcf8 value 0x80000000 size 4 name 'pci-conf-idx'
flatview_new 0x555591118ee0 (root 0x5555911037d0)
Trace 0: 0x7f6e50000300 [ffff0000/00000000ffffee64/00000040/ff020201]
memory_region_ops_read cpu 0 mr 0x5 addr 0xcfc value 0x12378086 size 4 name 'pci-conf-data'
"""
SELECT = "fw_cfg_select 0x5 key 0x19 'file_dir', ret: 1\n"
# In front of a line, by QEMU's version; then with the time that it means.
STAMPS = {"plain": "", "10": "71@1764115783.025877:", "11": "2025-11-26T00:09:43.025877Z "}
TIME = 1764115783.025877


def stamped(text, stamp, logged):
    """The lines with a time; up to QEMU 10 those of an execution log have none."""
    return "".join((stamp if logged or not line.startswith("Trace") else "") + line
                   for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("form", STAMPS)
def test_forms(form, tmp_path):
    """Counts and times are the same in each."""
    trace = tmp_path / "trace"
    trace.write_text(stamped(LINES, STAMPS[form], form == "11"), encoding="ascii")
    reader = events.Reader(kvm=False).read(trace)
    assert dict(reader.counts.exits) == {"fw_cfg": 1, "pci": 2}
    assert (reader.counts.rebuilds, reader.counts.instructions) == (1, 3)
    assert reader.executed == {0xfffffff0, 0xffffee60, 0xffffee64}
    assert reader.time == (None if form == "plain" else pytest.approx(TIME, abs=1e-6))


@pytest.mark.parametrize("form", ("10", "11"))
def test_run_times(form, tmp_path):
    """`make run` finds the firmware's first and last access."""
    trace = tmp_path / "trace"
    trace.write_text(stamped(SELECT * 2, STAMPS[form], True), encoding="ascii")
    assert run.firmware_times(trace, None) == pytest.approx((TIME, TIME), abs=1e-6)


@pytest.mark.parametrize("text", ("", "another form of trace\n", LINES.splitlines()[0]))
def test_nothing_is_a_fault(text, tmp_path):
    """No access of the guest: an error, not a count of zero."""
    trace = tmp_path / "trace"
    trace.write_text(text, encoding="ascii")
    with pytest.raises(qemu.Error, match="no access of the guest"):
        events.Reader(kvm=False).read(trace)


def test_budget_of_nothing(monkeypatch, tmp_path):
    """A row of the budget of which nothing was counted is an error, whatever its ceilings."""
    counter = budget.Counter(tmp_path / "none")
    reader = events.Reader(kvm=True)
    monkeypatch.setattr(counter, "_run", lambda *_: ([], reader))
    with counter, pytest.raises(qemu.Error, match="no total counted"):
        counter.measure("kvm", budget.ROWS[0])
