#!/usr/bin/env python3
"""The gate for the rules of CONTRIBUTING.md that a program can check: what `make lint` runs.

    lint.py [--only CHECK[,CHECK...]] [FILE...]     (all checks, all files of the repository)

    text         100 columns with tabs of 8, no blanks at the end of a line, tabs where they belong
    size         the image's files: no file over 450 lines, no function over 60 lines or six
    parameters assembly     inline assembly only in the files of ASSEMBLY
    names        what a module gives others begins with the module's name (nm on build/obj)
    format       clang-format 14 decides how C is laid out
    python       flake8 (.flake8), and autopep8 has nothing to change
    shell        shellcheck
    cppcheck     warnings, performance, portability; inline suppressions say why
    clang-tidy   .clang-tidy

Contract: prints one line for each fault, "file:line: what", and ends with 1 if there is one.  A
tool that is missing is a fault, too; one of another major version than the one the tree was
formatted with is "SKIP why".  Nothing is changed.
"""

import argparse
import concurrent.futures
import os
from pathlib import Path
import re
import subprocess
import sys

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 100
FILE_LINES, FUNCTION_LINES, PARAMETERS = 450, 60, 6
VERSION = '{}-DQBOOT_VERSION="1"'  # as the Makefile defines it
CLANG_FORMAT = 14               # another version lays out some lines in another way

IMAGE = re.compile(r"(?:(?:lib|tables|boot)/)?\w+\.[cS]|include/(?:spec/)?\w+\.h")
GENERATED = re.compile(r"tests/data/|tests/fuzz/corpus/|build/")

# Where inline assembly may stand, and why.
ASSEMBLY = {
    "include/io.h": "ports, MMIO",
    "include/cpu.h": "CPUID, MSRs, control registers",
    "include/phys.h": "a number becomes a pointer to memory that the compiler knows nothing about",
}

# A module's public names are its file's name or begin with it and "_", or match this, and why.
NAMES = {
    "console": (r"panic|console_\w+", "the word for the end of a boot"),
    "acpi_find": (r"acpi_(find|next|make)_\w+|acpi_is", "find a table, go through it, begin one"),
    "string": (r"(mem|str)\w+", "C's own names"),
    "handoff": (r"handoff(16|32|64)", "one for each width"),
    "smi": (r"smi_\w+|ap_wait|ap_park", "where application processors end"),
    "start": (r"ap_entry|ap_stack_top|reset_vector", "where processors begin"),
    "uki_load": (r"uki_\w+", "the half of uki.c that reads"),
    "pci_plan": (r"pci_\w+", "the pure half of pci.c"),
}


def lines_of(path):
    """Its lines, without their ends."""
    return (ROOT / path).read_text(encoding="utf-8").split("\n")


def check_text(files):
    """Columns, blanks, tabs."""
    for path in files:
        if not re.search(r"\.(c|h|S|lds|py|dsl)$", path):
            continue
        lines = lines_of(path)
        if lines[-1]:
            yield f"{path}:{len(lines)}: the last line does not end"
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(8))
            if width > COLUMNS and not re.search(r'"[^"]{60}', line):     # a message is one line
                yield f"{path}:{number}: {width} columns, {COLUMNS} at most"
            if line != line.rstrip():
                yield f"{path}:{number}: blanks at the end of the line"
            if path.endswith(".py") and "\t" in line:
                yield f"{path}:{number}: a tab; Python is indented with blanks"


def parameters(signature):
    """How many a function's declaration has."""
    depth, count = 0, 1
    inside = signature[signature.index("(") + 1:signature.rindex(")")]
    for letter in inside:
        depth += letter in "([{"
        depth -= letter in ")]}"
        count += letter == "," and depth == 0
    return 0 if inside.strip() in ("", "void") else count


def functions(lines):
    """(line, name, lines, parameters) of each function that is defined: clang-format has put its
    braces into the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number - 1
            while start > 1 and re.match(r"[\w\s(*]", lines[start - 2]) and \
                    not lines[start - 2].endswith((";", "}", "*/")):
                start -= 1
            signature = " ".join(lines[start - 1:number - 1])
        elif line == "}" and start:
            name = re.search(r"(\w+)\(", re.sub(r"__attribute__\(\(.*?\)\)", "", signature))
            if name:
                yield start, name[1], number - start + 1, parameters(signature[name.start():])
            start = None


def check_size(files):
    """Files, functions, parameters of the image."""
    for path in filter(IMAGE.fullmatch, files):
        lines = lines_of(path)
        if len(lines) - 1 > FILE_LINES:
            yield f"{path}: {len(lines) - 1} lines, {FILE_LINES} at most; it is two files"
        for start, name, length, count in functions(lines) if path.endswith((".c", ".h")) else ():
            if length > FUNCTION_LINES:
                yield f"{path}:{start}: {name}() has {length} lines, {FUNCTION_LINES} at most"
            if count > PARAMETERS:
                yield (f"{path}:{start}: {name}() has {count} parameters, {PARAMETERS} at most; "
                       "what travels together is a structure")


def check_assembly(files):
    """Inline assembly."""
    for path in filter(IMAGE.fullmatch, files):
        if path.endswith(".S") or path in ASSEMBLY:
            continue
        for number, line in enumerate(lines_of(path), 1):
            if re.search(r"\b(__asm__|asm)\b\s*(volatile|goto|\()", line):
                yield f"{path}:{number}: inline assembly; it belongs into include/io.h or cpu.h"


def check_names(files):
    """One public prefix a module."""
    sources = [path for path in files if IMAGE.fullmatch(path) and path.endswith((".c", ".S"))]
    objects = {path: ROOT / os.environ.get("O", "build") / "obj" / Path(path).with_suffix(".o")
               for path in sources}
    missing = [path for path, file in objects.items() if not file.is_file()]
    if missing:
        yield f"{missing[0]}: not compiled, so its names are unknown; 'make' first"
        return
    for path, file in objects.items():
        module = Path(path).stem
        pattern = NAMES.get(module, (rf"{module}(_\w+)?", ""))[0]
        said = subprocess.run(["nm", "-g", "--defined-only", file], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for name in re.findall(r" [A-Z] (\w+)$", said, re.MULTILINE):
            if not re.fullmatch(pattern, name):
                yield f"{path}: {name} is public, but its name is not like {pattern}"


def tool(argv, files, pattern=None, each=None):
    """Runs a tool on files; its lines, or those that match PATTERN, are faults.  EACH: so many at
    once, in two processes."""
    if not files:
        return
    step = each or len(files)
    batches = [files[i:i + step] for i in range(0, len(files), step)]

    def run(batch):
        return subprocess.run([*argv, *batch], cwd=ROOT, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = list(pool.map(run, batches))
    except FileNotFoundError:
        yield f"{argv[0]} is not installed; 'scripts/deps.sh lint' installs it"
        return
    for one in done:
        said = [line.replace(f"{ROOT}/", "") for line in one.stdout.splitlines()]
        found = [line for line in said if re.search(pattern, line)] if pattern else said
        yield from found
        if one.returncode and not found:
            yield f"{argv[0]} ended with status {one.returncode}: {said[-1] if said else 'silent'}"


def c_files(files, image_only=False):
    """Those in C."""
    return [path for path in files if path.endswith((".c", ".h") if not image_only else ".c")
            and (not image_only or IMAGE.fullmatch(path))]


def check_format(files):
    """clang-format."""
    try:
        said = subprocess.run(["clang-format", "--version"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
    except FileNotFoundError:
        yield "clang-format is not installed; 'scripts/deps.sh lint' installs it"
        return
    version = int(re.search(r"version (\d+)", said)[1])
    if version != CLANG_FORMAT:
        print(f"SKIP format: clang-format {version} is here, {CLANG_FORMAT} decides")
        return
    yield from tool(["clang-format", "--dry-run", "-Werror"], c_files(files), r": error: ")


def check_python(files):
    """flake8 and autopep8."""
    files = [path for path in files if path.endswith(".py")]
    yield from tool(["flake8"], files)
    yield from tool(["autopep8", "--diff", "--max-line-length", str(COLUMNS),
                     "--ignore", "E116,E127,E128,E402,W503,W504,E226,E24"], files, r"^[-+@]")


def check_shell(files):
    """shellcheck; the guests' /init scripts are read by busybox's ash."""
    files = [path for path in files if path.endswith(".sh")]
    # SC1091: /setup is in the guest.  SC2013, SC2044: words of a command line and names below /sys
    # have no blanks.
    yield from tool(["shellcheck", "-f", "gcc", "-s", "dash", "-e", "SC1091,SC2013,SC2044"], files,
                    r": (error|warning|note): ")


def check_cppcheck(files):
    """cppcheck."""
    yield from tool(["cppcheck", "-q", "--enable=warning,performance,portability",
                     "--inline-suppr", "--std=c11", "--platform=unix32", "-D__i386__", "-Iinclude",
                     VERSION.format(""),
                     # Marks of the linker script are compared, and told apart by it; QEMU fills
                     # memory; newer versions say how far they looked.
                     "--suppress=comparePointers", "--suppress=uninitvar:fw_cfg.c",
                     "--suppress=normalCheckLevelMaxBranches",
                     "--template={file}:{line}: {message} [{id}]"], c_files(files, True),
                    r"\[\w+\]$")


def check_clang_tidy(files):
    """clang-tidy."""
    yield from tool(["clang-tidy", "--quiet", "--extra-arg=-m32", "--extra-arg=-march=i486",
                     "--extra-arg=-std=gnu11", "--extra-arg=-ffreestanding",
                     "--extra-arg=-Iinclude", VERSION.format("--extra-arg=")],
                    c_files(files, True), r": (error|warning): ", each=4)


CHECKS = {"text": check_text, "size": check_size, "assembly": check_assembly,
          "names": check_names, "format": check_format, "python": check_python,
          "shell": check_shell, "cppcheck": check_cppcheck, "clang-tidy": check_clang_tidy}


def repository():
    """All files, those that are not committed yet included."""
    said = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, text=True).stdout.split("\n")
    if len(said) < 2:       # no repository: an unpacked archive
        said = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    return sorted(path for path in said
                  if path and (ROOT / path).is_file() and not GENERATED.match(path))


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default=",".join(CHECKS), help=",".join(CHECKS))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    files = [os.path.relpath(file, ROOT) for file in options.files] or repository()
    if not files:
        print("lint.py: no files")
        return 1
    count = 0
    for name in options.only.split(","):
        for fault in CHECKS[name](files):
            print(f"{fault}" if ":" in fault else f"{name}: {fault}")
            count += 1
    print(f"lint: {count} faults in {len(files)} files")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
