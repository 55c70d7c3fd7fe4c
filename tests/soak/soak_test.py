"""What soak.py concludes from two boots."""

from pathlib import Path
import sys
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import compare          # the path is set above
import soak

CPUS, MESSAGE = {"ours processors": "1, not 2"}, {"message tsc": "1 | 0"}
BOTH = {compare.BOTH_FAIL: "''"}
PEER = {compare.PEER_FAILS: "''"}


class Boots:
    """A Soak: each time a machine is booted twice, the next of SHOWS is what differs."""

    def __init__(self, monkeypatch, *shows, refused=""):
        self.machines, self.is_new, self.firmware = frozenset({"pc", "q35"}), False, "ours"
        self.shows, self.refused = list(shows), refused
        monkeypatch.setattr(compare, "differences", lambda *_: (self.shows.pop(0), {"crs"}))

    def boot(self, *_):
        """One guest."""
        return ["qemu"], SimpleNamespace(finished=not self.refused, refused=self.refused, seconds=1)


def judged(boots):
    """The machine, as main() treats it."""
    machine = soak.Machine(boots, 1, 0)
    if machine.is_doubtful:
        machine.compare(boots)
    return machine


@pytest.mark.parametrize("verdict, found, once, shows", [
    ("same", {}, {}, [{}]),
    ("differs", CPUS, {}, [CPUS, CPUS]),
    # The same difference, though its text is another.
    ("differs", {"message tsc": "2 | 0"}, {}, [MESSAGE, {"message tsc": "2 | 0"}]),
    ("once", {}, MESSAGE, [MESSAGE, {}]),
    ("once", {}, {**CPUS, **MESSAGE}, [CPUS, MESSAGE]),
    ("differs", CPUS, MESSAGE, [{**CPUS, **MESSAGE}, CPUS]),
    ("alone", PEER, {}, [PEER, PEER]),
    ("neither", BOTH, {}, [BOTH, BOTH]),
    ("alone", PEER, BOTH, [{**PEER, **BOTH}, PEER]),
    ("once", {}, PEER, [PEER, {}]),
    ("differs", {**PEER, **CPUS}, {}, [{**PEER, **CPUS}, {**PEER, **CPUS}]),
])
def test_verdict(monkeypatch, verdict, found, once, shows):
    """What is seen in both boots counts; what is in one of them is told."""
    boots = Boots(monkeypatch, *shows)
    machine = judged(boots)
    assert not boots.shows
    assert (machine.verdict, machine.found, machine.once) == (verdict, found, once)
    told = str(machine).split("\n    ")
    assert told[0].startswith(f"0 {verdict}: ")
    assert told[1:] == [f"{what}: {how}" for what, how in found.items()] + \
        [f"seen once: {what}: {how}" for what, how in once.items()]


def test_refused(monkeypatch):
    """A line that QEMU refuses is not booted again."""
    machine = judged(Boots(monkeypatch, refused="no such device"))
    assert machine.verdict == "refused" and "no such device" in str(machine)


def test_summary(monkeypatch):
    """The record has each verdict and each rule."""
    machines = [judged(Boots(monkeypatch, *shows)) for shows in ([{}], [{}], [CPUS, CPUS])]
    text = "\n".join(soak.summary(machines))
    assert "3 machines" in text and "2 alike\n" in text and "1 differ\n" in text
    assert "crs 3" in text and "noise" in text
