"""The report: who wins comes first, images are told apart, and advice fits the command line."""

from pathlib import Path

import pytest

import advice
import boots
import events
import firmwares
import summary


def counts(total, rebuilds):
    """As events.Counts.table() has them."""
    exits = {"fw_cfg": 1, "pci": total - 1, "chipset": 0, "other": 0}
    return {"exits": exits, "total": total, "served": 0, "rebuilds": rebuilds, "memslots": 0,
            "names": {}}


def result(name, whole, total):
    """Of one firmware in one boot."""
    steps = {step: {"median": whole / 4, "p95": whole, "spread": 0.0} for step in boots.STEPS}
    return {"firmware": name, "steps": steps | {"all": {"median": whole, "p95": 1, "spread": 0}},
            "counts": {"firmware": counts(total, 3), "kernel": counts(1000, 7)}}


def test_summary_begins_with_the_winner():
    """Every boot, the fastest first, the least of each column marked; then what does not boot."""
    report = {"scenarios": [{"name": "q35, vmlinux", "results": [
        result("SeaBIOS", 900.0, 900), result("qboot.bin", 500.0, 79),
        {"firmware": "other", "unsupported": "it gave up"}]}]}
    rows = [cells for _, cells in summary.summary_rows(report)]
    assert [row[1] for row in rows] == ["qboot.bin", "SeaBIOS", "other"]
    assert rows[0][2] == "500.0*" and rows[1][2] == "900.0"
    assert rows[0][7:9] == ["79*", "1,000*"] and rows[0][10:] == ["3*", "7*"]
    assert rows[0][9] == "1,077*" and rows[1][9] == "1,898"
    text = list(summary.text_table(summary.SUMMARY_HEADER, summary.summary_rows(report)))
    assert len(text) == 4 and len({len(line) for line in text[:3]}) == 1


def test_times_within_the_spread_win_together():
    """The host's noise names no winner; counts have none."""
    report = {"scenarios": [{"name": "q35", "results": [
        result("SeaBIOS", 520.0, 80), result("qboot.bin", 500.0, 79), result("other", 531.0, 79)]}]}
    report["scenarios"][0]["results"][1]["steps"]["all"]["spread"] = 30.0
    rows = [cells for _, cells in summary.summary_rows(report)]
    assert [row[2] for row in rows] == ["500.0*", "520.0*", "531.0"]
    assert [row[7] for row in rows] == ["79*", "80", "79*"]


def test_a_firmware_whose_timed_boots_failed():
    """The report says why it has no times."""
    pictures = pytest.importorskip("report", reason="needs matplotlib")
    entry = {"results": [result("qboot.bin", 500.0, 79), {
        "firmware": "other", "counts": {}, "failures": 1, "failure": "it hung"}]}
    assert "does not boot it: it hung" in pictures.step_table(entry)


def test_images_are_told_apart(tmp_path):
    """Version and SHA-256 are the file's."""
    image = tmp_path / "bios.bin"
    image.write_bytes(b"\0\xff1.16.2-debian-1.16.2-1\0")
    found = firmwares.Firmware("SeaBIOS", image).described()
    assert found["version"] == "1.16.2-debian-1.16.2-1" and len(found["sha256"]) == 64
    image.write_bytes(b"qboot\x001.0\0")
    assert firmwares.Firmware("qboot.bin", image).described()["version"] == "1.0"


def test_advice_in_words():
    """What saves most comes first; a time is told only where the runs do not overlap it."""
    base = {"exits": 5000, "rebuilds": 10, "start": 80.0, "start_width": 4.0, "all": 900.0,
            "all_width": 50.0}
    changes = [base | {"name": "small", "exits": 4990, "start": 77.0},
               base | {"name": "large", "exits": 3000, "rebuilds": 4, "start": 60.0, "all": 1000.0},
               base | {"name": "one", "rebuilds": 9},
               {"name": "never", "unsupported": "it gave up"}]
    assert list(summary.advice_words({"base": base, "changes": changes})) == [
        "large: 2,000 exits less, 6 rebuilds less, 20.0 ms of QEMU and firmware less, "
        "100.0 ms of the whole boot more.",
        "one: 1 rebuild less.", "small: no difference beyond that of the runs."]
    base["all_width"] = base["start_width"] = 0.0
    once = base | {"name": "once", "start": 60.0}
    assert list(summary.advice_words({"base": base, "changes": [once]})) == [
        "once: no difference beyond that of the runs."]


def test_what_kvm_serves_is_left_out():
    """The polls of a kernel under TCG are none under KVM."""
    found = events.Counts()
    found.names.update({"read pcspk 0x61": 900, "write apic-msi 0xfee000b0": 30, "read pit 0x42": 5,
                        "read picture 0x0": 1, "write serial 0x3f8": 7})
    found.exits.update({"chipset": 935, "other": 8})
    assert summary.left(found.table()) == 8
    assert summary.causes(found.table()) == {"fw_cfg": 0, "pci": 0, "chipset": 0, "other": 8}


def scenario(arguments, append="console=ttyS0", kernel="/nowhere/vmlinuz"):
    """A boot that is not made."""
    return boots.Scenario("test", Path(kernel), arguments.split(), "tcg", append=append)


def changed(start):
    """{name: the scenario with the change}"""
    return {name: after for name, _, after in advice.changes(start)}


def test_advice_fits(tmp_path, monkeypatch):
    """What is said already, or cannot be, is not advised."""
    monkeypatch.setattr(advice, "has_property", lambda machine, name: True)
    monkeypatch.setattr(advice.qemu, "program", lambda: "qemu")
    found = changed(scenario("-M q35 -nodefaults"))
    assert found["smm=off"].arguments == ["-M", "q35,smm=off", "-nodefaults"]
    assert found["pci=lastbus=0"].append == "console=ttyS0 pci=lastbus=0"
    assert "-nodefaults" not in found and "vmlinux instead of the bzImage" not in found
    assert "smm=off" not in changed(scenario("-M q35,smm=on"))
    assert "quiet" not in changed(scenario("-M q35", "quiet"))
    assert changed(scenario("-m 1G"))["hpet=off"].arguments[-1] == "pc,hpet=off"
    chosen = changed(scenario("-M pc"))["a processor model"].arguments
    assert chosen == ["-M", "pc", "-cpu", "EPYC"]
    assert "a processor model" not in changed(scenario("-M pc -cpu max"))
    microvm = changed(scenario("-M microvm -nodefaults"))
    assert set(microvm) == {"quiet"}

    ports = changed(scenario("-M q35 -nodefaults -device pcie-root-port,id=a "
                             "-device pcie-root-port,id=b -device virtio-rng-pci,bus=b"))
    assert "pci=lastbus=0" not in ports
    kept = ports["no root ports that nobody uses"].arguments
    assert "pcie-root-port,id=a" not in kept and "pcie-root-port,id=b" in kept

    (tmp_path / "vmlinux-6").write_bytes(b"")
    elf = changed(scenario("-M pc", kernel=str(tmp_path / "vmlinuz-6")))
    assert elf["vmlinux instead of the bzImage"].kernel.name == "vmlinux-6"
