"""What `make install` installs is all there, whole, and boots; `make uninstall` leaves nothing.

Contract: installs into a directory of its own, from the image that was built, and starts QEMU with
the installed names alone.
"""

import html
import json
import os
from pathlib import Path
import re
import shutil
import subprocess

import pytest

from machines import Case
import own_guest

TOP = Path(__file__).resolve().parents[2]

# Without the benchmark's modules, which test_bench() runs.
FILES = {"bin/qboot-bench", "share/man/man1/qboot-bench.1", "share/man/man7/qboot.7",
         "share/qboot/qboot.bin", "share/qboot/qboot.elf", "share/qboot/firmware/90-qboot.json",
         *(f"share/qboot/drop-in/{name}"
           for name in ("bios.bin", "bios-256k.bin", "bios-microvm.bin", "qboot.rom"))}

# QEMU docs/interop/firmware.json: what a descriptor may say.
INTERFACES = {"bios", "openfirmware", "uboot", "uefi"}
FEATURES = {"acpi-s3", "acpi-s4", "amd-sev", "amd-sev-es", "amd-sev-snp", "intel-tdx",
            "enrolled-keys", "requires-smm", "secure-boot", "verbose-dynamic", "verbose-static"}


def make(target, root, *arguments):
    """Runs make and returns the directory that stands for /usr."""
    done = subprocess.run(["make", "--no-print-directory", target, f"DESTDIR={root}", "PREFIX=/usr",
                           *arguments], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout
    return root / "usr"


@pytest.fixture(scope="module", name="usr")
def _usr(tmp_path_factory):
    return make("install", tmp_path_factory.mktemp("a root"))


def names(usr):
    """Files and links, the benchmark's modules apart."""
    return {str(path.relative_to(usr)) for path in usr.rglob("*")
            if (path.is_symlink() or path.is_file()) and "qboot/bench/" not in str(path)}


def test_files(usr):
    """All are there, no other, and none knows the directory it was put into."""
    assert names(usr) == FILES
    image = (usr / "share/qboot/qboot.bin").read_bytes()
    assert len(image) == 0x10000
    for name in FILES:
        content = (usr / name).read_bytes()
        assert str(usr.parent).encode() not in content, name
        assert b"@DATADIR@" not in content, name
        if "drop-in" in name:
            assert content == image, name


def test_uninstall(tmp_path):
    """With another datadir, too."""
    for arguments in (), ("datadir=/opt/data",):
        make("install", tmp_path, *arguments)
        make("uninstall", tmp_path, *arguments)
        left = [path for path in tmp_path.rglob("*") if not path.is_dir()]
        assert not left


@pytest.mark.parametrize("page", ["man7/qboot.7", "man1/qboot-bench.1"])
def test_manual(usr, page):
    """mandoc finds nothing to say, and the options are in the page."""
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    path = usr / "share/man" / page
    done = subprocess.run(["mandoc", "-Tlint", "-W", "style", path], capture_output=True, text=True,
                          check=False)
    # Pages of programs that are not installed here are no fault of this one.
    said = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert not said
    if page.endswith("7"):
        shown = subprocess.run(["mandoc", "-Tmarkdown", path], capture_output=True, text=True,
                               check=True).stdout
        documented = re.findall(r"^\| `(opt/[^`]*)`", (TOP / "docs/options.md").read_text("utf-8"),
                                re.MULTILINE)
        assert documented and all(option in html.unescape(shown) for option in documented)


def test_descriptor(usr):
    """By the rules of QEMU's firmware.json; where no program looks by itself."""
    path = usr / "share/qboot/firmware/90-qboot.json"
    found = json.loads(path.read_text("utf-8"))
    assert set(found) == {"description", "interface-types", "mapping", "targets", "features",
                          "tags"}
    assert found["interface-types"] and set(found["interface-types"]) <= INTERFACES
    assert found["mapping"] == {"device": "memory", "filename": "/usr/share/qboot/qboot.bin"}
    assert set(found["features"]) <= FEATURES
    for target in found["targets"]:
        assert target["architecture"] in ("x86_64", "i386") and target["machines"]
    assert not (usr / "share/qemu").exists()


def test_version(usr):
    """One version, of the file VERSION: in the image, the ELF file's note, the newest release."""
    version = (TOP / "VERSION").read_text("ascii").strip()
    assert f"qboot.bin {version}".encode() in (usr / "share/qboot/qboot.bin").read_bytes()
    note = b"qboot\0\0\0" + version.encode() + b"\0"
    assert note in (usr / "share/qboot/qboot.elf").read_bytes()
    assert note not in (usr / "share/qboot/qboot.bin").read_bytes()
    changes = (TOP / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## (\S+) ", changes, re.MULTILINE)[1] == version
    package = (TOP / "debian/changelog").read_text("utf-8")
    assert re.match(r"qboot-bin \((\S+)\)", package)[1] == version


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_drop_in(usr, machine, bench):
    """qemu -L finds ours under the name that it looks for, without -bios."""
    with bench.start(Case("", machine, memory="32"), own_guest.kernel("pvh.elf"),
                     append=f"expect.ram={32 << 20}", firmware=None,
                     more=["-L", usr / "share/qboot/drop-in", *own_guest.EXIT]) as vm:
        status = vm.wait_exit(60)
        vm.check(status == own_guest.STATUS_PASS, f"QEMU ended with status {status}")


def test_bench(usr, tmp_path):
    """The installed benchmark finds its modules and, by default, the installed image."""
    program = (usr / "bin/qboot-bench").read_text("utf-8").replace("/usr/share", f"{usr}/share")
    (tmp_path / "program").write_text(program, encoding="utf-8")
    # make names the image that it built, for all that it starts.
    environment = {name: value for name, value in os.environ.items() if name != "FIRMWARE"}
    done = subprocess.run(
        ["sh", tmp_path / "program", "--kernel", own_guest.kernel("pvh.elf"),
         "--firmware-only", "--accel", "tcg", "--runs", "1", "--no-growth", "--machine", "microvm"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False)
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "qboot-bench/report.json").read_text("utf-8"))
    assert "qboot.bin" in json.dumps(report), done.stdout
    assert (usr / "share/qboot/bench/tests/bench/kvm_run.c").is_file()
    assert not list(usr.rglob("__pycache__"))
