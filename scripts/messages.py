#!/usr/bin/env python3
"""The messages of the firmware, from its source, and docs/messages.md held against them.

    messages.py             lists them, a line each, with where they are
    messages.py --check     status 1 if docs/messages.md lacks one, or has one that is not there

Contract: a message is the first argument of panic() or console_log() in the image's C files,
without the prefix "qboot: ", its strings joined, macros of its file put in, and "…" for each
conversion.  A phrase that a message takes from elsewhere (error.h, refuse.c) is not one of its own.
"""

import json
from pathlib import Path
import re
import sys

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "messages.md"
CONVERSION = re.compile(r"%0?\d*(?:ll|l|h)?[a-z]")
STRING = r'"(?:[^"\\]|\\.)*"'


def macros(source):
    """Strings that a file defines by name."""
    return dict(re.findall(rf"^\s*#define (\w+)\s+({STRING}(?:\s*{STRING})*)\s*(?:/\*.*)?$", source,
                           re.MULTILINE))


def messages():
    """{message: where it is said}"""
    found = {}
    headers = "".join(path.read_text("utf-8") for path in sorted(ROOT.glob("include/*.h")))
    for path in sorted([*ROOT.glob("*.c"), *ROOT.glob("lib/*.c"), *ROOT.glob("tables/*.c"),
                        *ROOT.glob("boot/*.c")]):
        source = path.read_text("utf-8")
        known = {**macros(headers), **macros(source)}
        call = rf"\b(panic|console_log)\(\s*((?:{STRING}|[A-Z_0-9]+|\s)+?)\s*[,)]"
        for match in re.finditer(call, source):
            text = ""
            for word in re.findall(rf"{STRING}|[A-Z_0-9]+", match[2]):
                for piece in re.findall(STRING, known.get(word, word)):
                    text += piece[1:-1].replace('\\"', '"')
            if text:
                found[CONVERSION.sub("…", text)] = f"{path.relative_to(ROOT)}, {match[1]}()"
    if len(found) < 20:
        sys.exit("messages.py: fewer than twenty messages; are they written in another way now?")
    path = ROOT / "boot" / "bios_call.S"            # '#' stands for a number there
    for match in re.finditer(rf"((?:\s*\.asci[iz]\s+{STRING})+)", path.read_text("utf-8")):
        text = "".join(json.loads(string) for string in re.findall(STRING, match[1]))
        found[text.strip().removeprefix("qboot: ").replace("#", "…")] = "boot/bios_call.S, text"
    return found


def documented():
    """The messages of the document's tables."""
    return set(re.findall(r"^\| `([^`]*)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))


def main():
    """The command line; returns the exit status."""
    found = messages()
    if "--check" not in sys.argv:
        for message, where in found.items():
            print(f"{where}: {message}")
        return 0
    known = {message.replace("\\|", "|") for message in documented()}
    for message in sorted(set(found) - known):
        print(f"docs/messages.md lacks, of {found[message]}: {message}")
    for message in sorted(known - set(found)):
        print(f"docs/messages.md has what nothing says: {message}")
    return int(known != set(found))


if __name__ == "__main__":
    sys.exit(main())
