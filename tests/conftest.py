"""Options and fixtures shared by all boot tests.

    --firmware FILE   what QEMU's -bios gets        (build/qboot.bin)
    --qemu PROGRAM    the x86_64 QEMU; $QEMU too    (qemu-system-x86_64); its i386 sister is looked
                      for beside it
    --not-silent      the firmware is another one and may print
    --all             all rows, not only those of quick.py

While they run: a row that fails is named at once, with the command that repeats it, and every half
minute a line says how far all is and which rows take how long already.
"""

import contextlib
import os
from pathlib import Path
import shutil
import sys
import tempfile
import threading
import time

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "boot"), str(ROOT / "tests" / "bench"),
                str(ROOT / "tests")]

from machines import Bench, Initrds
from quick import is_quick
import swtpm as swtpm_process
import testmedia


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


class Progress:
    """What runs, and what came of it; in the process that reports."""

    SECONDS = 30

    def __init__(self, config):
        self.config, self.running, self.done, self.failed, self.total = config, {}, 0, 0, None
        self.over = threading.Event()

    def say(self, text):
        """A line of its own between pytest's dots."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        reporter.ensure_newline()
        reporter.write_line(text)

    def pytest_sessionstart(self):
        """Reports from now on."""
        threading.Thread(target=self._report, daemon=True).start()

    def pytest_sessionfinish(self):
        """No more reports."""
        self.over.set()

    def pytest_collection_finish(self, session):
        """How many there are, without xdist."""
        self.total = self.total or len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        """The same with it."""
        self.total = len(ids)

    def pytest_runtest_logstart(self, nodeid):
        """A test begins."""
        self.running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid):
        """It is over."""
        self.running.pop(nodeid, None)
        self.done += 1

    def pytest_runtest_logreport(self, report):
        """Names a failure without waiting for the end."""
        if not report.failed:
            return
        self.failed += 1
        name = report.nodeid.split("::")[-1]
        self.say(f"FAILED {report.nodeid}")
        if "/boot/" in report.nodeid:
            self.say(f"  again: make boot-test TESTS='-k \"{name}\"'")

    def _report(self):
        while not self.over.wait(self.SECONDS):
            now = time.monotonic()
            running = ", ".join(f"{name.split('::')[-1]} ({now - since:.0f} s)"
                                for name, since in list(self.running.items()))
            self.say(f"  {self.done} of {self.total or '?'} done, {self.failed} failed; "
                     f"running: {running or 'nothing'}")


def pytest_configure(config):
    """Progress is told by one process: xdist's workers have no terminal."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "qboot-progress")


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


@pytest.fixture
def swtpm(tmp_path):
    """A function that starts a TPM emulator for the test, see scripts/swtpm.py; skips if there is
    none."""
    with contextlib.ExitStack() as started:

        def start(version="2.0", seconds=150):
            if not shutil.which("swtpm"):
                pytest.skip("no swtpm")
            directory = Path(tempfile.mkdtemp(prefix="tpm", dir=tmp_path))
            return started.enter_context(swtpm_process.emulated(directory, version, seconds))

        yield start


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """The files that rows name in braces: {name: path}."""
    return testmedia.make(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def initrds(tmp_path_factory):
    """The guests' kernels and initramfs, see tests/boot/machines.py."""
    return Initrds(tmp_path_factory.mktemp("initrds"))


@pytest.fixture
def bench(qemu, firmware, media, initrds, swtpm, tmp_path):
    """Starts machines, see tests/boot/machines.py."""
    return Bench(qemu, firmware, media, initrds, swtpm, tmp_path)


@pytest.fixture(scope="session")
def silent(pytestconfig):
    """Whether the firmware must print nothing."""
    return not pytestconfig.getoption("not_silent")
