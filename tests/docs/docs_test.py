"""The documents say what the source does: options, targets, links, figures, command lines."""

import json
from pathlib import Path
import re
import shlex
import subprocess
import sys

import pytest

import initramfs
import kernels
import tables
from vm import Vm

TOP = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("tests/*.md")])
SOURCES = [path for pattern in ("*.c", "*/*.c", "include/*.h") for path in TOP.glob(pattern)
           if path.parts[-2] not in ("tests", "build")]


def anchors(path):
    """The names that a renderer gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links(document):
    """Each names a file of the tree, and a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if re.match(r"\w+://", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_every_document_is_in_the_index():
    """docs/README.md leads to all of them."""
    index = (TOP / "docs/README.md").read_text("utf-8")
    for document in (TOP / "docs").iterdir():
        assert document.name == "README.md" or f"]({document.name})" in index, document


def test_options():
    """docs/options.md has those of the source, and no other."""
    source = "".join(path.read_text("utf-8") for path in SOURCES)
    known = set(re.findall(r'"(opt/org\.qboot/[a-z0-9-]+)"', source))
    documented = set(re.findall(r"^\| `(opt/org\.qboot/[a-z0-9-]+)` \|",
                                (TOP / "docs/options.md").read_text("utf-8"), re.MULTILINE))
    assert known and documented == known


def targets():
    """What `make help` lists."""
    said = subprocess.run(["make", "--no-print-directory", "help"], cwd=TOP, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return set(re.findall(r"^  make ([a-z0-9-]+) ", said, re.MULTILINE))


@pytest.mark.parametrize("name", ["budget", "whole"])
def test_measured_tables(name):
    """A table that comes from a file alone shows what the file has; else run tables.py."""
    text = tables.DOCUMENT.read_text(encoding="utf-8")
    block, = re.findall(rf"<!-- generated: {name} -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert block == tables.BLOCKS[name](), f"stale: run tests/bench/tables.py {name}"


def test_make_targets():
    """make help lists what there is; the documents name no other."""
    listed = targets()
    makefiles = [TOP / "Makefile", *TOP.glob("tests/*.mk"), *TOP.glob("packaging/*.mk")]
    lines = "".join(path.read_text("utf-8") for path in makefiles)
    phony = set(re.findall(r"[a-z][a-z0-9-]*", " ".join(
        re.findall(r"^\.PHONY: (.*)$", re.sub(r"\$\([^)]*\)+", "", lines), re.MULTILINE))))
    assert phony <= listed, "targets without a line in make help"
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        named = set(re.findall(r"`make ([a-z][a-z0-9-]*)", text))
        named |= set(re.findall(r"^    make ([a-z][a-z0-9-]*)", text, re.MULTILINE))
        assert named <= listed, f"{document.name}: no such target"


def test_figures_of_the_readme():
    """The table of exits is that of the budget, and of performance.md for the peers."""
    rows = dict(re.findall(r"^\| ([^|]*) \| (\d+ .*) \|$", (TOP / "README.md").read_text("utf-8"),
                           re.MULTILINE))
    budget = json.loads((TOP / "tests/bench/budget.json").read_text("utf-8"))["rows"]
    peers = (TOP / "docs/performance.md").read_text("utf-8")
    assert len(rows) == 3
    for name, cells in rows.items():
        for machine, cell in zip(("pc", "q35", "microvm"), cells.split(" | ")):
            exits, rebuilds = re.fullmatch(r"(\d+) \((\d+)\)", cell).groups()
            if name.startswith("qboot.bin"):
                counted = budget[f"{machine} pvh"]["kvm"]
                assert int(exits) == counted["total"], machine
                assert int(rebuilds) == counted["rebuilds"], machine
            else:
                peer = "SeaBIOS" if "SeaBIOS" in name else "qboot.rom"
                assert f"| {machine} | {peer} | {exits} | {rebuilds} |" in peers, (machine, peer)


def test_whole_boot_of_the_readme():
    """What Linux does until init, as tests/bench/whole.json has it."""
    row = json.loads((TOP / "tests/bench/whole.json").read_text("utf-8"))["rows"]["q35, one device"]
    told = re.search(r"Linux makes (\d+) accesses .*?of (\d+) under upstream qboot and (\d+) under",
                     (TOP / "README.md").read_text("utf-8"), re.DOTALL)
    assert [int(number) for number in told.groups()] == \
        [row["conf"], row["peers"]["qboot.rom"][0], row["peers"]["SeaBIOS"][0]]


def test_messages():
    """docs/messages.md has all that the source can say, and nothing else."""
    done = subprocess.run([sys.executable, TOP / "scripts/messages.py", "--check"], check=False,
                          stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def test_pictures():
    """They are drawn from the source as it is."""
    done = subprocess.run([sys.executable, TOP / "scripts/pictures.py", "--check"], check=False,
                          stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def command_lines():
    """QEMU's lines of docs/launchers.md, section QEMU, as lists of words."""
    text = (TOP / "docs/launchers.md").read_text("utf-8").replace("\\\n", " ")
    section = text.split("\n## QEMU\n")[1].split("\n## ")[0]
    return [shlex.split(line)
            for line in re.findall(r"^    (qemu-system.*)$", section, re.MULTILINE)]


@pytest.mark.parametrize("line", command_lines(), ids=lambda line: " ".join(line[1:5]))
def test_launchers_line(line, firmware, qemu, tmp_path):
    """Reaches userspace as it is written, but for the names of files and the end."""
    directory = kernels.provide("cloud")
    drop_in = tmp_path / "drop-in"
    drop_in.mkdir()
    (drop_in / "bios-256k.bin").symlink_to(firmware)
    files = {"/usr/share/qboot/qboot.bin": firmware, "/usr/share/qboot/drop-in": drop_in,
             "vmlinuz": directory / "vmlinuz", "vmlinux": directory / "vmlinux",
             "initrd.img": initramfs.provide(directory, tmp_path / "initrd.img"),
             "mon:stdio": "chardev:serial"}
    words = [str(files.get(word, word)) for word in line[1:]]
    words[words.index("-append") + 1] += " panic=-1 qb.run=once tsc_early_khz=2000000"
    with Vm(qemu(), [*words, "-accel", "tcg", "-monitor", "none"], tmp_path) as vm:
        vm.wait_for(rb" is up after ", seconds=120)


def test_there_are_command_lines():
    """Of each machine."""
    lines = [" ".join(line) for line in command_lines()]
    for machine in ("pc", "q35", "microvm"):
        assert any(f"-M {machine}" in line for line in lines)
