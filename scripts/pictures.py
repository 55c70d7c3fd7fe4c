#!/usr/bin/env python3
"""Draws the boot and the memory map from the source: docs/boot.svg and docs/memory.svg.

    pictures.py             writes them
    pictures.py --check     status 1 if what would be written is not what is there

Contract: the boot's boxes are the calls of main() in main.c, in their order, under the comments
that stand before them; the map's are the ranges that include/layout.h defines, by its constants.
The same source gives the same bytes.
"""

from pathlib import Path
import re
import sys
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WIDTH, ROW, GAP = 760, 26, 6

# Which constants of layout.h bound a range, and what lies there; from the top of the map down.
RANGES = (
    ("ROM_BASE", "ROM_BASE+ROM_SIZE", "the ROM: all code is executed here", "reserved"),
    ("FLASH_BASE", "ROM_BASE", "flash of larger firmwares: left alone", "reserved"),
    ("LAPIC_BASE", "LAPIC_BASE+PAGE_SIZE", "local APIC", "device"),
    ("IOAPIC_BASE", "IOAPIC_BASE+PAGE_SIZE", "I/O APIC", "device"),
    ("LEGACY_HOLE_END", None, "RAM of the operating system; large tables, TSEG at its top", "ram"),
    ("ROM_ALIAS_BASE", "ROM_ALIAS_END", "the ROM again, with the SMBIOS anchor", "reserved"),
    ("FIRMWARE_DATA_BASE", "FIRMWARE_DATA_END", "entry of the other processors, data, stack",
     "reserved"),
    ("SMBIOS_BASE", "SMBIOS_END", "SMBIOS structures", "reserved"),
    ("FIRMWARE_POOL_BASE", "FIRMWARE_POOL_END", "RSDP, small tables, what the kernel is handed",
     "reserved"),
    ("SMRAM_BASE", "SMRAM_END", "VGA window; SMRAM of pc lies under it", "device"),
    ("LOW_RAM_END", "EBDA_END", "EBDA, with the MP floating pointer", "reserved"),
    ("BDA_EBDA_SEGMENT", "BDA_BASE_MEMORY_KIB+2", "two words of the BIOS data area", "reserved"),
    (None, "LOW_RAM_END", "conventional memory of the operating system", "ram"),
)
COLOURS = {"ram": "#d8ecd8", "reserved": "#f4dcc8", "device": "#dce4f4", "step": "#eef2f7"}


def constants():
    """layout.h's numbers by name."""
    found = {}
    text = (ROOT / "include/layout.h").read_text("utf-8")
    for name, value in re.findall(r"^#define (\w+)\s+(\w+)", text, re.MULTILINE):
        value = re.sub(r"(?<=[0-9a-fA-F])(u|ull)$", "", value)
        if value in found:
            found[name] = found[value]
        elif value[0].isdigit():
            found[name] = int(value, 0)
    return found


def number(expression, known):
    """The value of NAME or NAME+NAME or NAME+2."""
    return sum(known[word] if word in known else int(word, 0) for word in expression.split("+"))


def svg(height, body):
    """A picture of that height."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n' + "\n".join(body)
            + "\n</svg>\n")


def box(left, top, width, height, colour):
    """A rectangle."""
    return (f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3" '
            f'fill="{COLOURS[colour]}" stroke="#555"/>')


def text_at(left, top, words, style=""):
    """A line of text."""
    return f'<text x="{left}" y="{top}"{style}>{escape(words)}</text>'


def steps():
    """The steps of main() as [(comment, [name, ...])]."""
    source = (ROOT / "main.c").read_text("utf-8")
    body = source[source.index("noreturn void main(void)\n{"):]
    sections = []
    for comment, call in re.findall(r"/\*(.*?)\*/|\b([a-z_0-9]+)\((?!\*)", body, re.DOTALL):
        if comment:
            sections.append([" ".join(word for word in comment.split() if word != "*"), []])
        elif call not in ("main", "if", "sizeof", "while", "console_step"):
            if not sections:
                sections.append(["", []])
            sections[-1][1].append(call)
    found = [(comment, calls) for comment, calls in sections if calls]
    if sum(len(calls) for _, calls in found) < 15:
        sys.exit("pictures.py: main() has not fifteen steps; is main.c no list of steps any more?")
    return found


def boot_picture():
    """Steps from left to right, in a row for each comment."""
    body, top = [], 10
    body.append(text_at(10, top + 12, "reset", ' font-weight="bold"'))
    body.append(text_at(70, top + 12, "start.S: protected mode, caches, data and stack"))
    top += ROW
    for comment, calls in steps():
        first = re.split(r"(?<=[.?]) ", comment)[0]
        if first:
            body.append(text_at(10, top + 16, first, ' font-style="italic" fill="#444"'))
            top += ROW
        left = 10
        for name in calls:
            width = 14 + 7.4 * len(name)
            if left + width > WIDTH - 10:
                left, top = 10, top + ROW + GAP
            body.append(box(left, top, f"{width:.0f}", ROW, "step"))
            body.append(text_at(left + 7, top + 17, name,
                                ' font-family="monospace" font-size="12"'))
            left += round(width) + GAP
        top += ROW + 2 * GAP
    body.append(text_at(10, top + 12, "the kernel's first instruction", ' font-weight="bold"'))
    return svg(top + 26, body)


def memory_picture():
    """The ranges, the highest first, not to scale."""
    known = constants()
    body, top = [], 10
    for first, end, words, kind in RANGES:
        base = number(first, known) if first else 0
        label = f"{base:08x}" if end is None else f"{base:08x} - {number(end, known) - 1:08x}"
        body.append(text_at(10, top + 17, label, ' font-family="monospace"'))
        body.append(box(190, top, WIDTH - 200, ROW, kind))
        body.append(text_at(200, top + 17, words))
        top += ROW
    top += 2 * GAP
    left = 190
    for kind, words in (("ram", "RAM of the operating system"), ("reserved", "told as reserved"),
                        ("device", "devices")):
        body.append(box(left, top, 14, 14, kind))
        body.append(text_at(left + 20, top + 12, words))
        left += 200
    return svg(top + 24, body)


def main():
    """The command line; returns the exit status."""
    status = 0
    for name, drawn in (("boot.svg", boot_picture()), ("memory.svg", memory_picture())):
        path = DOCS / name
        if "--check" not in sys.argv:
            path.write_text(drawn, encoding="utf-8")
        elif not path.is_file() or path.read_text("utf-8") != drawn:
            print(f"pictures.py: docs/{name} is not what the source says; run scripts/pictures.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
