#!/usr/bin/env python3
"""How much of the image's C the unit tests reach, by file: lines and branches.

    coverage.py [--missing] DIRECTORY       where `make coverage` built and ran them with --coverage

Contract: prints a table of the image's files (those of tests/ are left out), with totals, and with
--missing the lines and branches that nothing reached.  A file that a test includes counts with the
object it belongs to: a line is reached when any object reached it.  Status 1 below the bounds.
"""

import argparse
import collections
import json
from pathlib import Path
import subprocess
import sys

LINES, BRANCHES = 97, 90        # per cent


def read(directory):
    """{file: {line: count}}, {file: {(line, n): count}} of all objects in DIRECTORY."""
    lines = collections.defaultdict(collections.Counter)
    branches = collections.defaultdict(collections.Counter)
    notes = sorted(map(str, Path(directory).rglob("*.gcno")))
    done = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", *notes],
                          capture_output=True, text=True, check=True)
    for text in done.stdout.splitlines():
        for file in json.loads(text)["files"] if text.startswith("{") else ():
            name = file["file"].replace("tests/unit/../../", "").replace("tests/fuzz/../unit/", "")
            if name.startswith(("/", "tests/")):
                continue
            seen = collections.Counter()
            for line in file["lines"]:
                number = line["line_number"]
                lines[name][number] += line["count"]
                for branch in line["branches"]:
                    branches[name][number, seen[number]] += branch["count"]
                    seen[number] += 1
    return lines, branches


def share(counts):
    """Per cent of COUNTS that are not zero; an empty one is whole."""
    return 100 * sum(map(bool, counts)) / len(counts) if counts else 100


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missing", action="store_true", help="name what nothing reached")
    parser.add_argument("directory")
    options = parser.parse_args()
    lines, branches = read(options.directory)
    if not lines:
        print(f"coverage.py: no object with counts in {options.directory}", file=sys.stderr)
        return 1
    print(f"{'file':24} {'lines':>6} {'%':>6} {'branches':>9} {'%':>6}")
    for name in sorted(lines, key=lambda name: (share(branches[name].values()), name)):
        print(f"{name:24} {len(lines[name]):6} {share(lines[name].values()):6.1f} "
              f"{len(branches[name]):9} {share(branches[name].values()):6.1f}")
        if options.missing:
            left = sorted(line for line, count in lines[name].items() if not count)
            half = sorted({line for (line, _), count in branches[name].items() if not count} -
                          set(left))
            for words, numbers in ("lines", left), ("branches of lines", half):
                if numbers:
                    print(f"    {words} {', '.join(map(str, numbers))}")
    totals = [[count for counts in kind.values() for count in counts.values()]
              for kind in (lines, branches)]
    shares = [share(total) for total in totals]
    print(f"{'all':24} {len(totals[0]):6} {shares[0]:6.1f} {len(totals[1]):9} {shares[1]:6.1f}")
    if shares[0] < LINES or shares[1] < BRANCHES:
        print(f"coverage: less than {LINES} % of the lines or {BRANCHES} % of the branches")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
