"""mutants.py makes faults of each kind, at code alone."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).resolve().parent))

import mutants          # noqa: E402, the path is set above

SOURCE = """\
/* a < b && c */
#define A (a < b)
static const int table[] = { 1 + 1 };

int f(int a, int b)
{
\tint c = a + b;

\t/* a == b,
\t   a != b */
\tlog("a < b && a == b");
\tif (a < b && !c)
\t\treturn true;
\tc = a;
\treturn c;
}
"""


def test_faults(tmp_path):
    """Each fault of each line; none in comments, strings, macros and tables."""
    source = tmp_path / "f.c"
    source.write_text(SOURCE, encoding="ascii")
    found = {(mutant.line, mutant.after.strip()) for mutant in mutants.mutants(source)}
    assert found == {
        (7, "int c = a - b;"), (11, ";"), (12, "if (a <= b && !c)"), (12, "if (a < b || !c)"),
        (13, "return false;"), (14, ";")}
    assert next(mutants.mutants(source)).source().count("\n") == SOURCE.count("\n")


def test_modules():
    """Most modules have a unit test of their own, and every exception is a module."""
    known = set(mutants.modules())
    assert len(known) > 25 and not known & mutants.WITHOUT
    assert all((mutants.ROOT / name).is_file() for name, _, _ in mutants.ACCEPTED)
