"""A release builds without a network and without git, to the image of the checkout."""

import os
from pathlib import Path
import shutil
import subprocess
import tarfile

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILT = TOP / os.environ.get("QBOOT_O", "build")


def make(directory, *arguments, prefix=()):
    """Runs make, and fails with what it said."""
    done = subprocess.run([*prefix, "make", "--no-print-directory", *arguments], cwd=directory,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def without_network():
    """Words in front of a command that take the network away, as far as this user may."""
    prefix = ["unshare", "--map-root-user", "--net"]
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True) \
        if shutil.which("unshare") else None
    return prefix if tried and tried.returncode == 0 else []


@pytest.fixture(scope="module", name="release")
def _release():
    make(TOP, "dist")
    return BUILT / "dist"


def test_sums(release):
    """sha256sum -c agrees, and the list names each file of the tarball."""
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=release, check=False, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == 3
    listed = next(release.glob("*.spdx")).read_text("utf-8")
    with tarfile.open(next(release.glob("*.tar.xz"))) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert len(names) > 100
    for name in names:
        assert name == "MANIFEST" or f"FileName: ./{name}\n" in listed, name


def test_the_tarball_builds_the_same(release, tmp_path):
    """The image, and from it the same release again."""
    subprocess.run(["tar", "-xf", next(release.glob("*.tar.xz")), "-C", tmp_path], check=True)
    tree = next(tmp_path.iterdir())
    # Above it there may be a repository, which is not this tree's.
    environment = ["env", "-u", "FIRMWARE", "-u", "QBOOT_O", f"GIT_CEILING_DIRECTORIES={tmp_path}"]
    make(tree, "dist", prefix=[*environment, *without_network()])
    assert (tree / "build/qboot.bin").read_bytes() == (BUILT / "qboot.bin").read_bytes()
    again = tree / "build/dist/SHA256SUMS"
    assert again.read_bytes() == (release / "SHA256SUMS").read_bytes()
