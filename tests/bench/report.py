"""The HTML report of bench.py: one file, pictures inside, no script and nothing fetched.

Pictures are SVG with text as text, so they can be searched and stay sharp.
"""

import html as markup
import io

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "qboot", "font.family": "sans-serif", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11,
    "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.frameon": False,
    "figure.constrained_layout.use": True,
})

from matplotlib import pyplot                           # pylint: disable=wrong-import-position
from matplotlib.ticker import FuncFormatter, LogLocator  # pylint: disable=wrong-import-position

import boots                                            # pylint: disable=wrong-import-position
import events                                           # pylint: disable=wrong-import-position
import exit_times                                       # pylint: disable=wrong-import-position
import summary                                          # pylint: disable=wrong-import-position

STEP_COLORS = {"QEMU": "#9aa5b1", "firmware": "#d1495b", "kernel": "#2e86ab",
               "userspace": "#66a182"}
CAUSE_COLORS = {"fw_cfg": "#edae49", "pci": "#2e86ab", "chipset": "#66a182", "other": "#9aa5b1"}
LINES = (("#d1495b", "o"), ("#2e86ab", "s"), ("#66a182", "^"), ("#edae49", "D"), ("#6a4c93", "v"),
         ("#333333", "x"))

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76em; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }
h1 { font-size: 1.6em } h2 { font-size: 1.25em; margin-top: 2.2em }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, .left { text-align: left }
tr.ours td:first-child { font-weight: bold }
code { font-size: .85em; background: #f4f4f4; padding: .1em .3em; overflow-wrap: anywhere }
figure { margin: 1em 0 } figcaption, .note { color: #555; font-size: .9em }
svg { max-width: 100%; height: auto }
.images td, .images th, .advice td:last-child, .advice th:last-child { text-align: left }
.summary td:nth-child(2), .summary th:nth-child(2) { text-align: left }
.summary td, .summary th { font-size: .9em } .summary td { white-space: nowrap }
.summary tr.ours td { font-weight: bold }
.images, .advice, .steps { font-size: .9em }
.steps td, .advice td:not(:first-child):not(:last-child) { white-space: nowrap }
.summary tr.first td { border-top: 2px solid #888 }
"""


def plain(value, _position=None):
    """A number on an axis: no exponent, no useless zeros."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


def picture(figure, caption):
    """A <figure> with the SVG inside."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    svg = buffer.getvalue()
    return (f"<figure>{svg[svg.index('<svg'):]}<figcaption>{markup.escape(caption)}</figcaption>"
            "</figure>")


def legend_above(axes):
    """The legend in one line, right above the axes."""
    count = len(axes.get_legend_handles_labels()[1])
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=count, fontsize=9,
                borderaxespad=0.2,
                columnspacing=1.2, handlelength=1.2)


def table(header, rows):
    """A table; rows are (is ours, cells); the first of those with the same first cell is marked."""
    head = "".join(f"<th>{markup.escape(cell)}</th>" for cell in header)
    body, last = "", None
    for ours, cells in rows:
        kinds = ["ours"] * ours + ["first"] * (cells[0] != last)
        body += (f'<tr class="{" ".join(kinds)}">' +
                 "".join(f"<td>{markup.escape(str(cell))}</td>" for cell in cells) + "</tr>")
        last = cells[0]
    return f"<table><tr>{head}</tr>{body}</table>"


def timed(entry):
    """The results that have times."""
    return [result for result in entry["results"] if "steps" in result]


def steps_of(entry):
    """The steps that were measured."""
    return [step for step in boots.STEPS if any(step in result["steps"] for result in timed(entry))]


def draw_bars(axes, entry, steps):
    """One stacked bar a firmware, medians, each step with its number where there is room."""
    results = timed(entry)[::-1]
    left = [0.0] * len(results)
    whole = max(sum(result["steps"][step]["median"] for step in steps) for result in results)
    for step in steps:
        widths = [result["steps"][step]["median"] for result in results]
        axes.barh(range(len(results)), widths, left=left, height=0.6, color=STEP_COLORS[step],
                  label=step)
        for i, width in enumerate(widths):
            if width > whole * 0.07:
                text = f"{width:,.1f}" if width < 100 else f"{width:,.0f}"
                axes.text(left[i] + width / 2, i, text,
                          ha="center", va="center", color="white", fontsize=9)
            left[i] += width
    axes.set_yticks(range(len(results)), [result["firmware"] for result in results])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlim(0, whole * 1.02)
    axes.set_xlabel("milliseconds")


def time_line(entry):
    """Whole boots above, and below what ends at the kernel's first instruction, magnified."""
    steps = steps_of(entry)
    height = 0.42 * len(timed(entry)) + 0.9
    if len(steps) > 2:
        figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(9, 2 * height + 0.4))
        draw_bars(upper, entry, steps)
        upper.set_title("Whole boot")
        draw_bars(lower, entry, steps[:2])
        lower.set_title("Up to the kernel's first instruction")
    else:
        figure, upper = pyplot.subplots(figsize=(9, height + 0.4))
        draw_bars(upper, entry, steps)
    legend_above(upper)
    return picture(figure, "Medians of interleaved runs, stacked in the order of the boot.")


def exits_picture(entry):
    """Exits of the firmware by cause."""
    results = [result for result in entry["results"] if "counts" in result][::-1]
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(results) + 1.2))
    left = [0] * len(results)
    for cause in events.CAUSES:
        widths = [summary.causes(result["counts"]["firmware"])[cause] for result in results]
        axes.barh(range(len(results)), widths, left=left, height=0.6, color=CAUSE_COLORS[cause],
                  label=cause)
        left = [a + b for a, b in zip(left, widths)]
    for i, result in enumerate(results):
        rebuilds = result["counts"]["firmware"]["rebuilds"]
        axes.annotate(f"{left[i]:,}, {rebuilds} rebuilds", (left[i], i), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(results)), [result["firmware"] for result in results])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, max(left) * 1.25 or 1)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlabel("exits to QEMU before the kernel's first instruction")
    legend_above(axes)
    return picture(figure, "What the firmware makes QEMU do: counted, not timed.")


GROWTH_TITLES = {"devices": "virtio devices", "processors": "processors (each step doubles)",
                 "initrd": "initrd, MiB (each step is four times)"}
FAR_APART = 15                  # a line so many times above another leaves that flat on the axis


def lines_of(points, what, value):
    """{firmware: ([x], [y])} of one kind of growth."""
    lines = {}
    for point in points:
        if point["what"] == what:
            xs, ys = lines.setdefault(point["firmware"], ([], []))
            xs.append(point["count"])
            ys.append(value(point))
    return lines


def is_far_apart(points, value):
    """Whether the firmwares differ too much for one linear axis, in any kind of growth."""
    for what in GROWTH_TITLES:
        highest = [max(ys) for _, ys in lines_of(points, what, value).values()]
        if highest and max(highest) > FAR_APART * min(highest):
            return True
    return False


def draw_growth(axes, points, what, value, label):
    """A line a firmware."""
    for (name, (xs, ys)), (color, marker) in zip(lines_of(points, what, value).items(), LINES):
        axes.plot(xs, ys, color=color, marker=marker, markersize=4, label=name)
    axes.set_xlabel(GROWTH_TITLES[what])
    axes.set_ylabel(label)
    counts = sorted({point["count"] for point in points if point["what"] == what})
    if what != "devices":
        axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [plain(count) for count in counts])
    if is_far_apart(points, value):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.set_ylabel(f"{label} (log. scale)")
    else:
        axes.set_ylim(bottom=0)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(axis="y", color="#e5e5e5")


def growth_picture(growth):
    """Time and exits over devices, processors and initrd size."""
    points = growth["points"]
    figure, axes = pyplot.subplots(2, 3, figsize=(11.5, 6.8))
    for column, what in enumerate(("devices", "processors", "initrd")):
        draw_growth(axes[0][column], points, what, lambda point: point["ms"]["median"],
                    "firmware, ms")
        draw_growth(axes[1][column], points, what, lambda point: summary.left(point["counts"]),
                    "firmware, exits")
    legend_above(axes[0][2])
    return picture(figure, f"{growth['machine']} with a kernel that stops at its first instruction:"
                           " time (medians) above, exits below.")


def step_table(entry):
    """Median, 95th percentile and spread of each step."""
    columns = [*steps_of(entry), "all"]
    columns += [boots.CPU] if all(boots.CPU in result["steps"] for result in timed(entry)) else []
    rows = []
    for result in entry["results"]:
        ours = result["firmware"].startswith("qboot.bin")
        if "steps" not in result:
            why = result.get("unsupported") or result["failure"]
            rows.append((ours, [result["firmware"], "does not boot it: " + why]))
            continue
        cells = [result["firmware"]]
        for step in columns:
            times = result["steps"][step]
            cells.append(f"{times['median']:,.1f} / {times['p95']:,.1f} / {times['spread']:,.1f}")
        rows.append((ours, cells))
    return table(["milliseconds: median / p95 / spread", *columns], rows)


def count_table(entry):
    """Exits by cause, rebuilds and memory slots of each step."""
    rows = []
    for result in entry["results"]:
        ours = result["firmware"].startswith("qboot.bin")
        for step, counts in result.get("counts", {}).items():
            rows.append((ours, [f"{result['firmware']}, {step}",
                                *(f"{summary.causes(counts)[cause]:,}" for cause in events.CAUSES),
                                f"{summary.left(counts):,}", counts["rebuilds"],
                                counts["memslots"]]))
    return table(["exits to QEMU", *events.CAUSES, "all", "rebuilds", "memory slots"], rows)


def front(report):
    """What the reader came for: all boots, the images, what to change."""
    boots_table = table(summary.SUMMARY_HEADER, summary.summary_rows(report))
    yield f"<div class=summary>{boots_table}</div>"
    yield f"<p class=note>{markup.escape(summary.SUMMARY_NOTE)}</p>"
    images = table(summary.FIRMWARE_HEADER, summary.firmware_rows(report))
    yield f"<div class=images>{images}</div>"
    for entry in report["advice"]:
        name = markup.escape(entry["name"])
        yield (f"<h2>What a change to the command line gives: {name}</h2>"
               f"<p class=note>Each was tried with {markup.escape(entry['firmware'])}; in brackets,"
               " what differs from the command line as it is. Times of a busy host are "
               "noise where they contradict the counts.</p>")
        items = "".join(f"<li>{markup.escape(line)}</li>" for line in summary.advice_words(entry))
        yield f"<ul>{items}</ul>"
        rows = table(summary.ADVICE_HEADER, summary.advice_rows(entry))
        yield f"<div class=advice>{rows}</div>"
    yield ("<h2>What exits cost on hardware</h2>"
           f"<p class=note>{markup.escape(exit_times.note(report))}</p>")
    yield f"<div class=summary>{table(exit_times.HEADER, exit_times.rows(report))}</div>"


def html(report):
    """The whole page."""
    host = report["host"]
    parts = [
        "<h1>Firmware, from QEMU's start to userspace</h1>",
        f"<p>{markup.escape(host['qemu'])}, accelerator {report['accel']}, {report['runs']} "
        f"interleaved runs. {markup.escape(host['processor'])}, {host['processors']} processors, "
        f"Linux {markup.escape(host['kernel'])}.</p>",
        *front(report),
        "<h1>Each boot</h1>",
        "<p class=note>QEMU: process started to processor running. Firmware: to the kernel's first "
        "instruction. Kernel: to the start of init. Userspace: until it says that it is up. CPU: "
        "processor time of QEMU over the whole boot, which a busy host disturbs least. Spread is "
        "the width of the middle half of the runs. Rebuilds are of QEMU's memory topology. Times "
        "are comparable within this page, counts everywhere.</p>",
    ]
    for entry in report["scenarios"]:
        parts += [f"<h2>{markup.escape(entry['name'])}</h2>",
                  f"<p><code>{markup.escape(' '.join(entry['command']))}</code></p>"]
        if timed(entry):
            parts.append(time_line(entry))
        parts.append(f"<div class=steps>{step_table(entry)}</div>")
        if any("counts" in result for result in entry["results"]):
            parts += [exits_picture(entry), count_table(entry)]
    for growth in report["growth"]:
        if growth["points"]:
            parts += [f"<h2>Growth on {markup.escape(growth['machine'])}</h2>",
                      growth_picture(growth)]
    return ("<!doctype html><html lang=en><meta charset=utf-8><title>qboot.bin: make bench</title>"
            f"<style>{STYLE}</style>\n" + "\n".join(parts) + "</html>\n")
