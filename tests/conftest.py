"""Options and fixtures shared by all boot tests.

    --firmware FILE   what QEMU's -bios gets        (build/qboot.bin)
    --qemu PROGRAM    the x86_64 QEMU; $QEMU too    (qemu-system-x86_64); its i386 sister is looked
                      for beside it
    --not-silent      the firmware is another one and may print
    --all             all rows, not only those of quick.py
"""

import os
from pathlib import Path
import shutil
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "boot"), str(ROOT / "tests")]

from quick import is_quick      # noqa: E402, the path is set above


def pytest_addoption(parser):
    """The options above."""
    parser.addoption("--firmware", default=os.environ.get("FIRMWARE") or
                     str(ROOT / "build" / "qboot.bin"))
    parser.addoption("--qemu", default=os.environ.get("QEMU") or "qemu-system-x86_64")
    parser.addoption("--not-silent", action="store_true")
    parser.addoption("--all", action="store_true")


def pytest_collection_modifyitems(config, items):
    """Leaves the quick rows, unless all are asked for; pytest counts the others as deselected."""
    if config.getoption("--all"):
        return
    left_out = [item for item in items if not is_quick(item.path.name, item.name)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_unconfigure(config):
    """The last line, in the form of the unit tests' one; xdist's workers have no reporter."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    count = {word: len(reporter.stats.get(word, ())) for word in
             ("passed", "failed", "error", "skipped")}
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['failed'] + count['error']} failed{skipped}")


@pytest.fixture(scope="session")
def firmware(pytestconfig):
    """The firmware's path."""
    path = Path(pytestconfig.getoption("firmware")).resolve()
    if not path.is_file():
        pytest.exit(f"no firmware {path}; 'make' builds it", returncode=2)
    return path


@pytest.fixture(scope="session")
def qemu(pytestconfig):
    """A function from an architecture (x86_64, i386) to the QEMU for it; skips if there is none."""
    chosen = pytestconfig.getoption("qemu")

    def find(architecture="x86_64"):
        name = chosen if architecture == "x86_64" else chosen.replace("x86_64", architecture)
        path = shutil.which(name)
        if not path:
            pytest.skip(f"no {name}")
        return path

    return find


@pytest.fixture(scope="session")
def silent(pytestconfig):
    """Whether the firmware must print nothing."""
    return not pytestconfig.getoption("not_silent")
