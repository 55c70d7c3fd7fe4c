#!/usr/bin/env python3
"""Fills in a template of packaging/.

    manpage.py DATADIR TEMPLATE OUT

Contract: @DATADIR@ becomes where the files are installed; @DATE@ the date of the newest entry of
CHANGELOG.md; @OPTIONS@ and @MESSAGES@ the tables of docs/options.md and docs/messages.md as mdoc(7)
items, so that they have one source.  OUT is executable if it is a program.  A table without a row
is an error.
"""

from pathlib import Path
import re
import sys
import textwrap

ROOT = Path(__file__).resolve().parent.parent


def table(name):
    """The rows of the tables of docs/NAME that begin with a name, as lists of cells."""
    lines = (ROOT / "docs" / name).read_text("utf-8").split("\n")
    rows = [line.strip()[1:-1] for line in lines if line.startswith("| `")]
    if not rows:
        sys.exit(f"manpage.py: docs/{name} has no table")
    return [[cell.strip() for cell in re.split(r" \|(?= )", row)] for row in rows]


def text(markdown):
    """A cell's text for mdoc(7): without markup, each sentence on a line of its own."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "").replace("…", "...")
    plain = plain.replace("\\|", "|").replace("\\", r"\e").replace("-", r"\-")
    lines = re.sub(r"(?<=[a-z0-9)][.?!:]) (?=[A-Z])", "\n", plain).split("\n")
    return "\n".join(r"\&" + line if line.startswith((".", "'")) else line for line in lines)


def words(markdown):
    """Text as arguments of a macro: what is no word of it is quoted."""
    return '"' + text(markdown).replace('"', r"\(dq").replace("\n", " ") + '"'


def options():
    """Items of a tagged list."""
    return "\n".join(f".It Cm {words(name)} = {words(values)}\n{text(effect)}"
                     for name, values, effect in table("options.md"))


def messages():
    """Items of a tagged list."""
    return "\n".join("\n".join(filter(None, (f".It {words(message)}", text(meaning), text(remedy))))
                     for message, meaning, remedy in table("messages.md"))


def wrapped(page):
    """The page with lines of text that fit a terminal, as mandoc -Tlint wants them."""
    lines = []
    for line in page.split("\n"):
        macro = line.startswith((".", " "))
        lines += [line] if macro or len(line) <= 80 else textwrap.wrap(line, 78,
                                                                       break_on_hyphens=False)
    return "\n".join(lines)


def date():
    """Of the newest release, in mdoc's form."""
    found = re.search(r"^## .*\((\d+)-(\d+)-(\d+)\)", (ROOT / "CHANGELOG.md").read_text("utf-8"),
                      re.MULTILINE)
    if not found:
        sys.exit("manpage.py: CHANGELOG.md has no entry with a date")
    months = "January February March April May June July August September October November December"
    return f"{months.split()[int(found[2]) - 1]} {int(found[3])}, {found[1]}"


def main():
    """The command line."""
    datadir, template, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    filled = template.read_text("utf-8")
    for word, value in (("@DATADIR@", lambda: datadir), ("@DATE@", date), ("@OPTIONS@", options),
                        ("@MESSAGES@", messages)):
        if word in filled:
            filled = filled.replace(word, value())
    if template.suffixes[0] in (".1", ".7"):
        filled = wrapped(filled)
    out.write_text(filled, encoding="utf-8")
    out.chmod(0o755 if filled.startswith("#!") else 0o644)


if __name__ == "__main__":
    main()
