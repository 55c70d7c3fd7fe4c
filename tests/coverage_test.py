"""scripts/coverage.py: what is not reached has a reason, and no reason is left over."""

from pathlib import Path
import sys

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import coverage         # noqa: E402, the path is set above


def test_rows_are_of_lines_that_exist():
    """Each has a file of the image, a text that is in it, and words."""
    for name, text, why in coverage.LEFT:
        assert text in (ROOT / name).read_text(encoding="utf-8"), (name, text)
        assert why and not (ROOT / name).is_relative_to(ROOT / "tests")


def test_unexplained(monkeypatch):
    """A line without a reason is named, and a reason without a line."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(coverage, "LEFT", (("smp.c", "#define MAX_NAMED", "a reason"),
                                           ("smp.c", "#define PIC1", "for what is reached")))
    lines = (ROOT / "smp.c").read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "#define MAX_NAMED" in line)
    assert list(coverage.unexplained({"smp.c": {number, 1}})) == [
        "smp.c:1 is not reached whole, and LEFT of coverage.py has no reason",
        'smp.c: "#define PIC1" is reached; LEFT of coverage.py need not have it']
