#!/usr/bin/env python3
"""Does each module's own unit test notice when the module is wrong?

    mutants.py [--sample N] [--seed N] [--jobs N] [MODULE...]       all modules, N mutants of each

A mutant is the module with one small fault: a comparison that takes in its border or not, a
condition turned round, a sum that is a difference, a statement left out.  It is compiled as the
unit tests are (64 bits, AddressSanitizer, UBSan) and linked into the module's test in the module's
place. Killed is what makes the test fail, crash or take too long; what does not compile is no
mutant.

Prints a line for each module and each survivor that ACCEPTED does not explain; ends with 1 if a
module kills less than LEAST of a hundred.  The same seed makes the same mutants.  Needs `make
unit64`.
"""

import argparse
import concurrent.futures
import dataclasses
import os
from pathlib import Path
import random
import re
import subprocess
import sys
import tempfile

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = os.environ.get("QBOOT_O", "build")     # make's O=DIR
BUILD = ROOT / OUTPUT / "unit64"
LEAST = 90
SECONDS = 20                    # for a test; all of them take less than two

# Modules whose test has another name.
TESTS = {"pci_walk": "pci", "pci_bar": "pci", "pci_program": "pci", "error": "format",
         "load": "boot", "boot_elf": "boot", "boot_linux": "boot"}

# Whose test includes the source, so that it is the test that is compiled with the mutant.
INCLUDED = {"console", "string", "smbios"}

# It is included by a test of the whole firmware, which does not look at each of its lines.
WITHOUT = {"main"}

# What a mutant may do: a pattern, and what stands there instead.
FAULTS = (
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r" - ", " + "), (r" & ", " | "), (r" << ", " >> "), (r" >> ", " << "),
    (r"\(!", "("), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\+\+", "--"),
    (r" \+= ", " -= "), (r" \|= ", " &= "), (r"continue;", "break;"),
    (r"^(\t+)(?!return|break|continue|goto|static|const|struct|enum|union|u?int|bool|char|be)"
     r"[\w>*(.\[\]-]+[^{}]*;$", r"\1;"),
)

# Survivors that are no holes in a test: file, the line's text, why.
ACCEPTED = (
    ("cpu.c", "cpu_pause();", "only a hint to the processor"),
    ("mtrr.c", "hole_base > ram_end ? hole_base", "both are the same at the border"),
    ("mtrr.c", "phys_bits > 32 ?", "no bit above the 32 either way"),
    ("tpm.c", "now > PM_TIMER_MASK", "the last tick of 24 bits: once in five seconds"),
    ("cpu.c", "i >= PATIENCE_PAUSES", "one pause more of eight million"),
    ("tables/acpi.c", "file->covered < item.size", "both are the same at the border"),
    ("memmap.c", "end < FLASH_BASE ? end", "both are the same at the border"),
    ("lib/fdt.c", "bool inside = false", "every node at depth 2 sets it before it is asked"),
    ("mtrr.c", "max_ranges > MTRR_MAX_RANGES", "it would be set to what it is"),
    ("cpu.c", "has_tsc && seen < number", "read for nothing, and used by nobody"),
    ("smp.c", "CONSOLE_LINE_SIZE - length", "eight names are shorter than a line"),
    ("smp.c", "va_end(args);", "nothing, in gcc"),
    ("smp.c", "cpu_count > 1 &&", "nobody is waited for, and nobody missing"),
    ("smm.c", "cpu_count > areas[0].count ?", "their difference is 0 then"),
    ("console.c", "va_end(args);", "nothing, in gcc"),
    ("tables/acpi.c", "wide = file->size", "of an RSDP of revision 0 no more is fetched"),
    ("lib/string.c", "if (to <= from)", "each byte is copied to itself then"),
    ("tables/smbios.c", "size - offset <= sizeof(*header)", "it would end with the table"),
    ("tables/smbios.c", "while (next + 1 < size)", "the loop asks again before it goes on"),
    ("tables/smbios.c", "room > SMBIOS_END", "a table that just fits may be elsewhere, too"),
)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A fault at a line of a source."""

    path: Path
    line: int
    before: str
    after: str

    def source(self):
        """The whole file with it."""
        lines = self.path.read_text(encoding="utf-8").split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)

    def __str__(self):
        return (f"{self.path.relative_to(ROOT)}:{self.line}: {self.before.strip()}  ->  "
                f"{self.after.strip()}")

    def accepted(self):
        """Why it may survive, or None."""
        name = str(self.path.relative_to(ROOT))
        return next((why for file, text, why in ACCEPTED
                     if file == name and text in self.before), None)


def mutants(path):
    """All mutants of a source, in order."""
    inside, function = False, False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        code = re.sub(r'"(\\.|[^"])*"', lambda text: "\1" * len(text[0]), line)
        inside = inside or "/*" in code
        comment, inside = inside, inside and "*/" not in code
        function = code == "{" or function and code != "}"
        if comment or not function or code.startswith("#"):
            continue
        for pattern, other in FAULTS:
            for match in re.finditer(pattern, code):
                after = line[:match.start()] + match.expand(other) + line[match.end():]
                if after != line:
                    yield Mutant(path, number, line, after)


def flags():
    """How `make unit64` compiles and links: the words of its own commands."""
    said = subprocess.run(["make", "-n", "-W", "lib/format.c", "V=1",
                           f"{OUTPUT}/unit64/test_format"],
                          cwd=ROOT, check=True, capture_output=True, text=True).stdout
    compiling = next(line for line in said.splitlines() if " -c " in line and "format.c" in line)
    words = compiling[:compiling.index(" -MMD")]        # with quotes and $(...): the shell's
    return subprocess.run(["sh", "-c", f"printf '%s\\n' {words}"], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout.split("\n")[:-1]


def link(program, objects):
    """Links a unit test with all else that it needs; says why it cannot, or None."""
    done = subprocess.run(["gcc", "-m64", "-fsanitize=address,undefined", "-o", program, *objects,
                           BUILD / "libqboot.a", "-lcmocka"], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def survives(mutant, compiler, scratch):
    """True if the test passes with it, None if it does not compile."""
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        directory = Path(directory)
        source, module = directory / mutant.path.name, mutant.path.stem
        source.write_text(mutant.source(), encoding="utf-8")
        test = f"tests/unit/test_{TESTS.get(module, module)}"
        objects = [directory / "mutant.o"]
        include = ["-iquote", str(mutant.path.parent)]
        if module in INCLUDED:
            text = (ROOT / f"{test}.c").read_text(encoding="utf-8")
            text = text.replace(f'"../../{mutant.path.relative_to(ROOT)}"', f'"{source}"')
            source = directory / "test.c"
            source.write_text(text, encoding="utf-8")
            include += ["-iquote", "tests/unit"]
        else:
            objects.insert(0, BUILD / f"{test}.o")
        done = subprocess.run([*compiler, *include, "-Wno-error", "-w", "-c", "-o",
                               directory / "mutant.o", source], cwd=ROOT, check=False,
                              capture_output=True)
        if done.returncode:
            return None
        wrong = link(directory / "test", objects)
        if wrong:
            raise SystemExit(f"mutants.py: {mutant}: {wrong}")
        try:
            ran = subprocess.run([directory / "test"], cwd=ROOT, check=False, timeout=SECONDS,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return False
        return ran.returncode == 0


def modules():
    """{name: source} of all that have a test of their own."""
    paths = [*ROOT.glob("*.c"), *(ROOT / "lib").glob("*.c"), *(ROOT / "tables").glob("*.c"),
             *(ROOT / "boot").glob("*.c")]
    return {path.stem: path for path in sorted(paths) if path.stem not in WITHOUT and
            (ROOT / f"tests/unit/test_{TESTS.get(path.stem, path.stem)}.c").is_file()}


def judge(name, path, options, compiler, pool, scratch):
    """Prints what a module's test kills; returns whether it is enough."""
    test = BUILD / f"test_{TESTS.get(name, name)}"
    if subprocess.run([test], cwd=ROOT, check=False, capture_output=True).returncode:
        raise SystemExit(f"mutants.py: {test} fails without a mutant; 'make unit64' first")
    every = list(mutants(path))
    some = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    results = list(pool.map(lambda mutant: survives(mutant, compiler, scratch), some))
    tried = [(mutant, lives) for mutant, lives in zip(some, results) if lives is not None]
    left = [mutant for mutant, lives in tried if lives]
    holes = [mutant for mutant in left if not mutant.accepted()]
    killed = len(tried) - len(left)
    counted = len(tried) - (len(left) - len(holes))
    percent = 100 * killed / counted if counted else 0
    print(f"{name:<14} {killed:>4} of {counted:>4} killed, {percent:3.0f} %, "
          f"{len(left) - len(holes)} accepted, of {len(every)} mutants", flush=True)
    for mutant in holes:
        print(f"    {mutant}", flush=True)
    return counted and percent >= LEAST


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    options = parser.parse_args()
    known = modules()
    for name in options.modules:
        if name not in known:
            parser.error(f"no module {name} with a unit test; there are {', '.join(known)}")
    good = True
    with tempfile.TemporaryDirectory(prefix="qboot-mutants-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        compiler = flags()
        for name in options.modules or known:
            good &= judge(name, known[name], options, compiler, pool, scratch)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
