"""planted.py finds each fault that it plants, and says so when it cannot plant one."""

from pathlib import Path
import subprocess
import sys

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import mutants          # noqa: E402, the path is set above
import planted          # noqa: E402

# One of each kind; `make planted` tries all.
QUICK = ("size-read-twice-initrd", "initrd-border-off-by-one", "smram-lock-lost",
         "processor-counted-twice", "bar-outside-its-window")


@pytest.fixture(scope="module", name="compiler")
def fixture_compiler():
    """How the unit tests are compiled, once they are built."""
    subprocess.run(["make", "-s", f"{mutants.OUTPUT}/unit64/test_main"],
                   cwd=planted.ROOT, check=True)
    return mutants.flags()


@pytest.mark.parametrize("name", QUICK)
def test_noticed(name, compiler):
    """The whole boot fails with it."""
    fault, = (fault for fault in planted.FAULTS if fault.name == name)
    assert planted.judge(fault, compiler) is None


def test_all_can_be_planted(tmp_path):
    """Every row's text is in its source, once, and changes it; names are not used twice."""
    planted.copy_sources(tmp_path)
    sources = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.c")}
    for fault in planted.FAULTS:
        assert planted.plant(fault, tmp_path) is None, fault.name
        assert (tmp_path / fault.path).read_text(encoding="utf-8") != \
            sources[tmp_path / fault.path], fault.name
        (tmp_path / fault.path).write_text(sources[tmp_path / fault.path], encoding="utf-8")
    assert len({fault.name for fault in planted.FAULTS}) == len(planted.FAULTS) > 40


def test_no_fault_is_missed_in_silence(compiler):
    """What changes nothing is reported as unnoticed, what is not there as not planted."""
    assert "passes" in planted.judge(
        planted.Fault("nothing", "smp.c", '#include "smp.h"\n', '#include "smp.h"\n\n'), compiler)
    assert "0 times" in planted.judge(planted.Fault("none", "smp.c", "no such text", ""), compiler)
    assert "compile" in planted.judge(
        planted.Fault("broken", "smp.c", '#include "smp.h"\n', "int ("), compiler)
