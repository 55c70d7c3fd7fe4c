#!/usr/bin/env python3
"""Static analysis of the image's C: gcc -fanalyzer and clang --analyze, and no finding is left.

    analyze.py [--gcc GCC] [--clang CLANG] SOURCE... -- FLAG...     what `make analyze` calls

Contract: every source is compiled by each of the two with FLAGs, for its findings alone.  A finding
is printed and makes the status 1, unless ACCEPTED has its checker and the line of source that it is
about, with the reason why it is none.  A compiler that is not there or that cannot compile a
source is a failure, too.  So is a row of ACCEPTED that no finding needed, where the compiler is of
TRIED; of another version, which may know better, it is only told.
"""

import argparse
import concurrent.futures
import itertools
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

# Analyzer, checker, file, text of the line, and why it is no fault.
ACCEPTED = (
    ("gcc", "-Wanalyzer-null-dereference", "tables/table_loader.c", "if (!file->bytes)",
     "parse_checksum() has refused a checksum of a file that is not there"),
)
# Major versions that find all of ACCEPTED.
TRIED = {"gcc": (12, 13, 14, 15, 16), "clang": (14, 17, 19, 21, 22)}
FINDING = re.compile(r"^(?P<file>[\w./]+):(?P<line>\d+):\d+: (?P<kind>warning|error|fatal error): "
                     r"(?P<text>.*?)(?: \[CWE-\d+\])? \[(?P<checker>[\w.,=-]+)\]$")
COMMANDS = {
    "gcc": ("-fanalyzer", "-fdiagnostics-plain-output", "-c", "-o", os.devnull),
    "clang": ("--analyze", "-Xclang", "-analyzer-output=text", "-o", os.devnull),
}


def analyze(analyzer, compiler, source, flags):
    """Yields (checker, line number, message) of each finding, and what else went wrong."""
    try:
        done = subprocess.run([compiler, *flags, *COMMANDS[analyzer], source], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        yield None, 0, f"{compiler} is not installed"
        return
    for line in done.stderr.splitlines():
        found = FINDING.match(line)
        if found and found["kind"] == "warning" and found["file"] == source:
            yield found["checker"], int(found["line"]), found["text"]
    if done.returncode:
        yield None, 0, f"{compiler} ends with {done.returncode}: {done.stderr.strip()[:400]}"


def accepted(analyzer, checker, source, text):
    """The row of ACCEPTED for a finding, or None."""
    return next((row for row in ACCEPTED if row[:3] == (analyzer, checker, source) and
                 row[3] in text), None)


def is_tried(analyzer, compiler):
    """Whether this version of the compiler is known to find all that ACCEPTED has."""
    if not shutil.which(compiler):
        return False
    done = subprocess.run([compiler, "-dumpversion"], check=False, capture_output=True, text=True)
    return done.stdout.split(".")[0].strip() in map(str, TRIED[analyzer])


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gcc", default="gcc")
    parser.add_argument("--clang", default="clang")
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options, flags = parser.parse_args(words[:end]), words[end + 1:]
    compilers = {"gcc": options.gcc, "clang": options.clang}
    jobs = list(itertools.product(compilers, options.sources))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(
            lambda job: list(analyze(job[0], compilers[job[0]], job[1], flags)), jobs))
    used, bad = set(), 0
    for (analyzer, source), findings in zip(jobs, results):
        lines = Path(source).read_text(encoding="utf-8").splitlines()
        for checker, number, message in findings:
            row = accepted(analyzer, checker, source, lines[number - 1]) if number else None
            used.add(row)
            if not row:
                bad += 1
                print(f"{source}:{number}: {message} [{analyzer} {checker}]")
    for row in ACCEPTED:
        if row not in used and row[2] in options.sources:
            bad += is_tried(row[0], compilers[row[0]])
            print(f"analyze.py: nobody finds {row[1]} at \"{row[3]}\" of {row[2]} any more")
    print(f"analyze: {bad} faults in {len(options.sources)} files")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
