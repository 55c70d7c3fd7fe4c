"""The tables of bench.py's report as plain data, and the terminal's form of them.

The order is that of the questions: who wins, which images were compared, what the user can change,
and only then each boot step by step.
"""

import boots
import events
import exit_times

SUMMARY_HEADER = ("boot", "firmware", "all, ms", *(f"{step}, ms" for step in boots.STEPS),
                  "exits: firmware", "exits: later", "exits: PCI", "rebuilds: firmware",
                  "rebuilds: later")
SUMMARY_NOTE = ("Milliseconds are medians.  Exits and rebuilds are counted: the firmware's own, "
                "those of kernel and userspace after it, and how many of all are PCI "
                "configuration.  Left out is what KVM serves itself: interrupt controllers, the "
                "8254, the speaker's port.  * marks the least of each boot, and times that its "
                "spread does not tell from it.")
FIRMWARE_HEADER = ("firmware", "version", "SHA-256", "file")


def is_ours(name):
    """Whether a firmware is this project's."""
    return name.startswith("qboot.bin")


def milliseconds(value):
    """As text."""
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def left(counts):
    """The exits to QEMU that are ones under KVM, too."""
    return counts["total"] - counts["served"]


def causes(counts):
    """{cause: exits} of left()."""
    return counts["exits"] | {"chipset": counts["exits"]["chipset"] - counts["served"]}


def summary_numbers(result):
    """The numbers of a firmware in one boot, in the order of the header; None where unknown."""
    steps, counts = result.get("steps", {}), result.get("counts", {})
    times = [steps[step]["median"] if step in steps else None for step in ("all", *boots.STEPS)]
    after = [counts[step] for step in ("kernel", "userspace") if step in counts]
    firmware = counts.get("firmware")
    numbers = [None] * 5
    if firmware:
        numbers = [left(firmware), sum(map(left, after)) if after else None,
                   firmware["exits"]["pci"] + sum(count["exits"]["pci"] for count in after),
                   firmware["rebuilds"],
                   sum(count["rebuilds"] for count in after) if after else None]
    return times + numbers


def least_of(column, results):
    """The most that counts as the least of a column; for times, with the spread of the least."""
    known = [(numbers[column], result) for result, numbers in results
             if numbers[column] is not None]
    if not known:
        return None
    number, result = min(known, key=lambda pair: pair[0])
    if column > len(boots.STEPS):
        return number
    return number + result["steps"][("all", *boots.STEPS)[column]]["spread"]


def summary_rows(report):
    """(is ours, cells) for each boot and firmware, the fastest whole boot first."""
    for entry in report["scenarios"]:
        results = [(result, summary_numbers(result)) for result in entry["results"]
                   if "unsupported" not in result]
        results.sort(key=lambda pair: pair[1][0] if pair[1][0] is not None else float("inf"))
        least = [least_of(column, results) for column in range(len(SUMMARY_HEADER) - 2)]
        for result, numbers in results:
            cells = [entry["name"], result["firmware"]]
            for i, (number, best) in enumerate(zip(numbers, least)):
                text = "-" if number is None else \
                    milliseconds(number) if i <= len(boots.STEPS) else f"{number:,}"
                cells.append(text + ("*" if number is not None and number <= best and
                                     len(results) > 1 else ""))
            yield is_ours(result["firmware"]), cells
        for result in entry["results"]:
            if "unsupported" in result:
                yield is_ours(result["firmware"]), [entry["name"], result["firmware"],
                                                    "does not boot it"]


def firmware_rows(report):
    """(is ours, cells) for each image."""
    for image in report["firmwares"]:
        yield is_ours(image["name"]), [image["name"], image["version"], image["sha256"],
                                       image["path"]]


NOISE = 10                      # a tenth of all exits comes and goes with the host's timers
ADVICE_HEADER = ("change", "exits", "PCI", "rebuilds", "QEMU and firmware, ms", "all, ms", "why")


def change(value, base):
    """A number with what it differs by."""
    return f"{value:,} ({value - base:+,})"


def advice_rows(entry):
    """(is base, cells) for each change to a command line."""
    base = entry["base"]
    yield True, ["as it is", f"{base['exits']:,}", f"{base['pci']:,}", f"{base['rebuilds']:,}",
                 f"{base['start']:.1f}", milliseconds(base["all"]), ""]
    for item in entry["changes"]:
        if "unsupported" in item:
            yield False, [item["name"], "-", "-", "-", "-", "-", item["unsupported"]]
            continue
        yield False, [item["name"], *(change(item[what], base[what])
                                      for what in ("exits", "pci", "rebuilds")),
                      f"{item['start']:.1f} ({item['start'] - base['start']:+.1f})",
                      f"{milliseconds(item['all'])} ({item['all'] - base['all']:+,.1f})",
                      item["why"]]


# What a sentence tells: key, name for one and for more; less than a part of the base is noise.
TOLD = (("exits", "exit", "exits"), ("rebuilds", "rebuild", "rebuilds"),
        ("start", "ms of QEMU and firmware", "ms of QEMU and firmware"),
        ("all", "ms of the whole boot", "ms of the whole boot"))


def saved(item, base, what):
    """How much less there is of it; 0 where the runs or the host's timers may have made it."""
    less = base[what] - item[what]
    if what == "exits":
        noise = base[what] // NOISE
    elif f"{what}_width" in base:
        noise = max(base[f"{what}_width"], item[f"{what}_width"]) or abs(less)  # 0: a single run
    else:
        noise = 0
    return less if abs(less) > noise else 0


def advice_words(entry):
    """A sentence for each change, the one that saves most first: of exits, of time."""
    base = entry["base"]
    tried = [item for item in entry["changes"] if "unsupported" not in item]
    tried.sort(key=lambda item: (-saved(item, base, "exits"), -saved(item, base, "all"),
                                 -saved(item, base, "start"), -saved(item, base, "rebuilds")))
    for item in tried:
        found = []
        for what, one, more in TOLD:
            less = saved(item, base, what)
            if less:
                count = f"{abs(less):,}" if isinstance(less, int) else milliseconds(abs(less))
                found.append(f"{count} {one if abs(less) == 1 else more} "
                             f"{'less' if less > 0 else 'more'}")
        yield f"{item['name']}: {', '.join(found) or 'no difference beyond that of the runs'}."


def text_table(header, rows, left=2):
    """Lines of a table; the first LEFT columns and a last one of words to the left."""
    rows = [[str(cell) for cell in cells] for _, cells in rows]
    rows = [cells + [""] * (len(header) - len(cells)) for cells in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows)]
    for cells in (header, *rows):
        yield "  ".join(cell.ljust(width) if i < left or header[i] == "why" else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()


def print_front(report):
    """What comes first on the terminal."""
    print("\nAll boots\n")
    print("\n".join(text_table(SUMMARY_HEADER, summary_rows(report))))
    print(f"\n{SUMMARY_NOTE}\n")
    print("\n".join(text_table(FIRMWARE_HEADER, firmware_rows(report), 4)))
    for entry in report["advice"]:
        print(f"\nWhat a change to the command line gives: {entry['name']}, {entry['firmware']}\n")
        print("\n".join(f"* {line}" for line in advice_words(entry)) + "\n")
        print("\n".join(text_table(ADVICE_HEADER, advice_rows(entry), 1)))
    print("\nWhat exits cost on hardware\n")
    print("\n".join(text_table(exit_times.HEADER, exit_times.rows(report))))
    print(f"\n{exit_times.note(report)}")


def print_scenario(entry):
    """The steps of one boot."""
    print(f"\n{entry['name']}: milliseconds, median / 95th percentile / spread")
    columns = (*boots.STEPS, "all", boots.CPU)
    header = "".join(f"{step:>26}" for step in columns)
    print(f"  {'':<14}{header}")
    for result in entry["results"]:
        if "unsupported" in result:
            print(f"  {result['firmware']:<14} does not boot it: {result['unsupported']}")
            continue
        cells = ""
        for step in columns:
            times = result.get("steps", {}).get(step)
            text = f"{times['median']:.1f} / {times['p95']:.1f} / {times['spread']:.1f}" if times \
                else "-"
            cells += f"{text:>26}"
        print(f"  {result['firmware']:<14}{cells}")
        if "failures" in result:
            print(f"  {'':<14} {result['failures']} runs failed: {result['failure']}")
    header = "".join(f"{cause:>10}" for cause in (*events.CAUSES, "exits", "rebuilds", "memslots"))
    print(f"  {'':<25}{header}")
    for result in entry["results"]:
        for step, counts in result.get("counts", {}).items():
            numbers = [causes(counts)[cause] for cause in events.CAUSES]
            numbers += [left(counts), counts["rebuilds"], counts["memslots"]]
            cells = "".join(f"{number:>10}" for number in numbers)
            print(f"  {result['firmware']:<14} {step:<10}{cells}", flush=True)
