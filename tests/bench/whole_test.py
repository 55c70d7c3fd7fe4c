"""The whole boot, a test for each row of whole.py: within its ceilings, and not above any firmware
that is installed here, counted in the same run.

    /usr/bin/python3 -m pytest -c tests/pytest.ini --all tests/bench/whole_test.py
"""

import collections

import pytest

import firmwares
import qemu
import whole


@pytest.fixture(scope="module", name="counter")
def fixture_counter():
    """Counts boots."""
    with whole.Counter() as counter:
        yield counter


@pytest.mark.parametrize("row", whole.ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_whole(row, firmware, counter):
    """No count is over its ceiling, none above another firmware's; what is new is named."""
    ours = counter.measure(row, firmwares.Firmware(firmware.name, firmware))
    over, behind = list(whole.excess(whole.load(), row, ours, counter.release())), []
    for peer in whole.peers(row.machine):
        try:
            behind += whole.behind(row, ours, counter.measure(row, peer), peer.name)
        except qemu.Error as error:
            print(f"{peer.name} does not boot it: {error}")
    assert not over, "\n".join(over)
    assert not behind, "\n".join(behind)


def boot(conf, rebuilds, **names):
    """A Whole of no machine."""
    return whole.Whole(conf, rebuilds, collections.Counter(names), {})


def test_new_access_is_named():
    """A count over the ceiling fails, and says which registers of which function are new."""
    row = whole.ROWS[0]
    names = {"write config 00:01.0 register 0x04": 30, "read config 00:01.0 register 0x10": 9,
             "read config 00:02.0 register 0x00": 3}
    found = whole.Whole(42, 3, collections.Counter(names), {})
    assert found.groups() == {"00:01.0 command": 30, "00:01.0 BARs": 9, "empty slots of bus 0": 3}
    entry = {"conf": 42 - whole.SLACK["conf"], "rebuilds": 3,
             "groups": {"00:01.0 command": 10, "00:01.0 BARs": 9}}
    budget = {"qemu": "{}.{}".format(*qemu.version()), "kernel": "6.1", "rows": {row.name: entry}}
    assert not list(whole.excess(budget, row, found, "6.1"))
    entry["conf"] -= 1
    said = "\n".join(whole.excess(budget, row, found, "6.1"))
    assert "42 conf" in said and "20 more: 00:01.0 command (30 x write config 00:01.0" in said
    assert "BARs" not in said and "3 more: empty slots" in said
    entry["conf"] //= 2
    assert list(whole.excess(budget, row, found, "6.1.9-cloud"))
    assert not list(whole.excess(budget, row, found, "6.12.9-cloud"))


def test_peer_below():
    """Another firmware with fewer fails, one with as many or more does not."""
    row, slack = whole.ROWS[0], whole.SLACK["rebuilds"]
    ours = boot(100, 10)
    assert not list(whole.behind(row, ours, boot(100, 10), "other"))
    assert not list(whole.behind(row, ours, boot(200, 10 - slack), "other"))
    assert "other has" in "\n".join(whole.behind(row, ours, boot(200, 9 - slack), "other"))
    assert "other has 50" in "\n".join(whole.behind(row, ours, boot(50, 20), "other"))


def test_peer_that_finds_less():
    """What Linux does not find under another firmware does not count for that."""
    row, command = whole.ROWS[0], "write config 00:0{}.0 register 0x04"
    ours = boot(100, 10, **{command.format(1): 2, command.format(2): 2})
    assert list(whole.behind(row, ours, boot(50, 5, **{command.format(i): 2 for i in (1, 2)}), "o"))
    assert not list(whole.behind(row, ours, boot(50, 5, **{command.format(1): 2}), "other"))


def test_nothing_is_a_fault(counter, monkeypatch, tmp_path):
    """A firmware that never starts Linux is an error, not a boot without accesses."""
    image = tmp_path / "rom"
    image.write_bytes(counter.lab.kernels["floor"].read_bytes())
    monkeypatch.setattr(counter, "limit", 10)
    with pytest.raises(qemu.Error):
        counter.measure(whole.ROWS[0], firmwares.Firmware("none", image))
