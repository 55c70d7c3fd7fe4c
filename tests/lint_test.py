"""scripts/lint.py finds a planted fault of each kind, and nothing in what is right.

Each row is one file in a tree of its own, with lint.py's and the tools' configuration.  The tree of
the project itself is judged by `make lint`, which `make check` calls first.
"""

from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = (".clang-format", ".clang-tidy", ".flake8", "scripts/lint.py")

GOOD_C = "int good(int a)\n{\n\treturn a;\n}\n"
SIX, SEVEN = (", ".join(f"int a{i}" for i in range(n)) for n in (6, 7))


def function(name, arguments, count):
    """A function of COUNT lines."""
    return f"int {name}({arguments})\n{{\n" + "\n" * (count - 4) + "\treturn 0;\n}\n"


# check, file, text, what is said; None: no fault.
FAULTS = [
    ("text", "good.c", GOOD_C, None),
    ("text", "good.c", "/* " + "x" * 95 + " */\n", "101 columns"),
    ("text", "include/good.h", "\t/* " + "x" * 87 + " */\n", "101 columns"),
    ("text", "good.c", "/* a */ \n", "blanks at the end"),
    ("text", "good.py", "if True:\n\tpass\n", "a tab"),
    ("text", "good.c", "/* a */", "does not end"),
    ("size", "good.c", "\n" * 450, None),
    ("size", "good.c", "\n" * 451, "451 lines"),
    ("size", "tables/good.c", function("good", SIX, 60), None),
    ("size", "good.c", function("good", "void", 61), "good() has 61 lines"),
    ("size", "lib/good.c", function("good", SEVEN, 5), "good() has 7 parameters"),
    ("size", "lib/good.c", function("good", SEVEN.replace("a3, ", "a3,\n\t"), 5),
     "good() has 7 parameters"),
    ("assembly", "include/io.h", '__asm__ volatile("hlt");\n', None),
    ("assembly", "good.c", 'void good(void)\n{\n\t__asm__("hlt");\n}\n', "inline assembly"),
    ("assembly", "include/good.h", 'asm volatile("hlt");\n', "inline assembly"),
    ("names", "good.c", GOOD_C + "int good_too;\nstatic int bad(void)\n{\n\treturn 0;\n}\n", None),
    ("names", "good.c", GOOD_C + "int bad(void)\n{\n\treturn 0;\n}\n", "bad is public"),
    ("names", "good.c", "int goods;\n", "goods is public"),
    ("names", "good.c", None, "not compiled"),
    ("format", "good.c", GOOD_C, None),
    ("format", "good.c", "int good(int a) { return a; }\n", "clang-formatted"),
    ("python", "good.py", '"""Good."""\n\nNAME = 1\n', None),
    ("python", "good.py", '"""Bad."""\n\nimport os\n', "F401"),
    ("python", "good.py", '"""Bad."""\n\nname = [ 1,2 ]\n', "E201"),
    ("python", "good.py", '"""Bad."""\nimport sys\nprint( sys.argv)\n', "-print( sys.argv)"),
    ("shell", "good.sh", '#!/bin/sh\necho "$1"\n', None),
    ("shell", "good.sh", "#!/bin/sh\nrm -rf $1/*\n", "SC2086"),
    ("cppcheck", "good.c", GOOD_C, None),
    ("cppcheck", "good.c", "int good(void)\n{\n\tint a[2] = { 0, 1 };\n\n\treturn a[2];\n}\n",
     "arrayIndexOutOfBounds"),
    ("clang-tidy", "good.c", GOOD_C, None),
    ("clang-tidy", "good.c", "int good(int a)\n{\n\tint b = a;\n\n\tb = 2;\n\treturn a;\n}\n",
     "DeadStores"),
    ("clang-tidy", "good.c", "int good(int a)\n{\n\tif (a);\n\treturn a;\n}\n", "semicolon"),
]


def name_of(row):
    """Check, file, fault."""
    return f"{row[0]}-{row[1]}-{row[3] or 'good'}"


@pytest.mark.parametrize("row", FAULTS, ids=name_of)
def test_planted(row, tmp_path):
    """A fault is told and fails; what is right passes."""
    check, path, text, said = row
    for name in CONFIGURATION:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text or GOOD_C, encoding="ascii")
    if check == "names" and text:
        (tmp_path / "build/obj").mkdir(parents=True)
        subprocess.run(["gcc", "-c", "-o", tmp_path / "build/obj/good.o", file], check=True)
    done = subprocess.run([sys.executable, tmp_path / "scripts/lint.py", "--only", check, file],
                          capture_output=True, text=True, check=False, cwd=tmp_path)
    if "SKIP" in done.stdout:
        pytest.skip(done.stdout.strip())
    if said:
        assert done.returncode == 1 and said in done.stdout, done
        assert any(path in line or line.startswith("python: ") for line in done.stdout.split("\n"))
    else:
        assert done.returncode == 0, done


def test_missing_tool(tmp_path, monkeypatch):
    """A tool that is not there is a fault: a check that does nothing is none."""
    file = tmp_path / "good.py"
    file.write_text("", encoding="ascii")
    monkeypatch.setenv("PATH", str(tmp_path))
    for check in ("python", "shell", "format", "cppcheck", "clang-tidy"):
        source = tmp_path / {"python": "a.py", "shell": "a.sh"}.get(check, "a.c")
        source.write_text("", encoding="ascii")
        (tmp_path / "scripts").mkdir(exist_ok=True)
        shutil.copy(ROOT / "scripts/lint.py", tmp_path / "scripts/lint.py")
        done = subprocess.run([sys.executable, tmp_path / "scripts/lint.py", "--only", check,
                               source], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "is not installed" in done.stdout, (check, done)


def test_all_checks_are_planted():
    """Every check of lint.py has a row that it must fail."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import lint
    assert {row[0] for row in FAULTS if row[3]} == set(lint.CHECKS)
