"""The proof that the stack is large enough: what it adds up, and each reason why it fails."""
import pathlib
import subprocess
import sys

import pytest

CHECK = pathlib.Path(__file__).resolve().parents[2] / 'scripts' / 'check_stack.py'

# main calls middle and leaf; the handler of exceptions calls leaf.  As gcc writes it.
GRAPH = '''graph: { title: "x.o"
node: { title: "x.o:main" label: "main\\nmain.c:1:1\\n100 bytes (static)" }
node: { title: "x.o:middle" label: "middle\\na.c:1:1\\n200 bytes (dynamic,bounded)" }
node: { title: "x.o:leaf" label: "leaf\\na.c:9:1\\n40 bytes (static)" }
node: { title: "x.o:console_exception" label: "console_exception\\nc.c:1:1\\n60 bytes (static)" }
node: { title: "handoff32" label: "handoff32\\nh.h:1:1" shape : ellipse }
edge: { sourcename: "x.o:main" targetname: "x.o:middle" label: "main.c:2:2" }
edge: { sourcename: "x.o:main" targetname: "handoff32" label: "main.c:3:2" }
edge: { sourcename: "x.o:middle" targetname: "x.o:leaf" label: "a.c:2:2" }
edge: { sourcename: "x.o:console_exception" targetname: "x.o:leaf" label: "c.c:2:2" }
'''
# Four bytes a call; six words of the exception.
NEEDED = (100 + 4 + 200 + 4 + 40 + 4) + 24 + (60 + 4 + 40 + 4)


def check(tmp_path, graph, size):
    """(status, what was said)"""
    (tmp_path / 'layout.h').write_text(f'#define STACK_SIZE {size:#x}\n')
    (tmp_path / 'x.ci').write_text(graph)
    done = subprocess.run([sys.executable, CHECK, tmp_path / 'layout.h', tmp_path / 'x.ci'],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def test_just_enough(tmp_path):
    """To the byte."""
    status, output = check(tmp_path, GRAPH, NEEDED)
    assert status == 0, output
    assert f'stack: {NEEDED} of {NEEDED} bytes of stack: main -> middle -> leaf, 352;' in output
    status, output = check(tmp_path, GRAPH, NEEDED - 1)
    assert status == 1
    assert f'{NEEDED} of {NEEDED - 1} bytes' in output


@pytest.mark.parametrize('old, new, words', [
    ('edge: { sourcename: "x.o:middle" targetname: "x.o:leaf"',
     'edge: { sourcename: "x.o:middle" targetname: "x.o:main"',
     'recursion: main -> middle -> main'),
    ('edge: { sourcename: "x.o:middle" targetname: "x.o:leaf"',
     'edge: { sourcename: "x.o:middle" targetname: "__indirect_call"', 'through a pointer'),
    ('200 bytes (dynamic,bounded)', '200 bytes (dynamic)', 'middle has a frame of unknown size'),
    ('label: "console_exception', 'label: "another', '0 functions are called console_exception'),
], ids=['recursion', 'pointer', 'unknown frame', 'no handler'])
def test_refused(tmp_path, old, new, words):
    """Each by its name."""
    assert old in GRAPH
    status, output = check(tmp_path, GRAPH.replace(old, new), 0x1000)
    assert status == 1
    assert words in output
