"""scripts/analyze.py finds a planted fault with either compiler, and keeps its list honest."""

from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
NULL = "int f(void)\n{\n\tint *p = 0;\n\n\treturn *p;\n}\n"
GOOD = "int f(int *p)\n{\n\treturn p ? *p : 0;\n}\n"


def analyze(directory, *options):
    """Status and output for the sources in DIRECTORY."""
    sources = sorted(str(path.relative_to(directory)) for path in directory.rglob("*.c"))
    done = subprocess.run([sys.executable, ROOT / "scripts/analyze.py", *options, *sources, "--",
                           "-O0"], cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_found(tmp_path):
    """By gcc and by clang; where it is, and what."""
    (tmp_path / "f.c").write_text(NULL, encoding="ascii")
    status, output = analyze(tmp_path)
    assert status == 1
    for words in ("f.c:5: dereference of NULL", "[gcc -Wanalyzer-null-dereference]",
                  "f.c:5: Dereference of null pointer", "[clang core.NullDereference]"):
        assert words in output


def test_good(tmp_path):
    """Nothing is found in what is right."""
    (tmp_path / "f.c").write_text(GOOD, encoding="ascii")
    assert analyze(tmp_path) == (0, "analyze: 0 faults in 1 files\n")


@pytest.mark.parametrize("text, options, words", [
    ("int (", (), "ends with 1"),
    (GOOD, ("--clang", "no-such-clang"), "no-such-clang is not installed"),
    (GOOD, ("--gcc", "no-such-gcc"), "no-such-gcc is not installed"),
], ids=["no C", "no clang", "no gcc"])
def test_not_analyzed(tmp_path, text, options, words):
    """What could not be analyzed is a fault."""
    (tmp_path / "pci_plan.c").write_text(text, encoding="ascii")
    status, output = analyze(tmp_path, *options)
    assert status == 1 and words in output


@pytest.mark.parametrize("version, status", [("14", 1), ("14.2.0", 1), ("99", 0), ("1.4", 0)])
def test_needless_exception(tmp_path, version, status):
    """An exception for what nobody finds is a fault, unless the compiler was not tried."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/table_loader.c").write_text(GOOD, encoding="ascii")
    gcc = tmp_path / "gcc"
    gcc.write_text(f'#!/bin/sh\n[ "$*" != -dumpversion ] || exec echo {version}\nexec gcc "$@"\n',
                   encoding="ascii")
    gcc.chmod(0o755)
    found, output = analyze(tmp_path, "--gcc", gcc)
    assert found == status and 'of tables/table_loader.c any more' in output
