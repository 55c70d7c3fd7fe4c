#!/usr/bin/env python3
"""Prove that the firmware's stack is large enough, from the compiler's call graph.

usage: check_stack.py LAYOUT_H CALL_GRAPH...

CALL_GRAPH is what gcc's -fcallgraph-info=su wrote for the code as it is linked.  The deepest chain
of calls from main(), with an exception at its deepest point and all that its handler calls, must
fit into STACK_SIZE of LAYOUT_H.  Prints that chain's depth.

Fails on recursion, on a call through a pointer, on a frame whose size the compiler does not know,
and on a stack that is too small: each with the functions' names.
"""
import re
import sys

NODE = re.compile(
    r'^node: \{ title: "([^"]+)" label: "([^"\\]+)\\n[^"]*?(?:(\d+) bytes \(([^)]*)\))?"')
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
STACK_SIZE = re.compile(r'^#define STACK_SIZE\s+(\w+)', re.MULTILINE)

# Both are entered from assembly.  A function of assembly that is called counts as none: it pushes
# a few words at most.  So do the string functions, which gcc compiles by themselves.
ROOT = 'main'
HANDLER = 'console_exception'
RETURN_ADDRESS = 4
EXCEPTION_FRAME = 6 * 4         # error code, vector, EIP, CS, EFLAGS, and the call's return address
INDIRECT = '__indirect_call'


def read_graph(paths):
    """({title: name}, {title: frame in bytes}, {title: {title}}) of all files together."""
    names, frames, calls = {}, {}, {}
    for path in paths:
        for line in open(path, encoding='utf-8'):
            if node := NODE.match(line):
                title, name, size, kind = node.groups()
                names[title] = name
                if size is None:
                    continue        # declared here, defined elsewhere: assembly, if nowhere
                if 'dynamic' in kind and 'bounded' not in kind:
                    sys.exit(f'check_stack.py: {name} has a frame of unknown size')
                frames[title] = int(size)
            elif edge := EDGE.match(line):
                calls.setdefault(edge[1], set()).add(edge[2])
    return names, frames, calls


def deepest(title, graph, chain=()):
    """(bytes, [name]) of the deepest chain of calls that starts with a function."""
    names, frames, calls = graph
    if title in chain:
        loop = [names[t] for t in chain[chain.index(title):]] + [names[title]]
        sys.exit(f'check_stack.py: recursion: {" -> ".join(loop)}')
    below = (0, [])
    for callee in sorted(calls.get(title, ())):
        if callee == INDIRECT:
            sys.exit(f'check_stack.py: {names[title]} calls through a pointer; '
                     'how deep that goes cannot be told')
        below = max(below, deepest(callee, graph, chain + (title,)))
    return frames.get(title, 0) + RETURN_ADDRESS + below[0], [names[title], *below[1]]


def find(name, graph):
    """The title of a function that must be there."""
    found = [title for title, n in graph[0].items() if n == name and title in graph[1]]
    if len(found) != 1:
        sys.exit(f'check_stack.py: {len(found)} functions are called {name}; the call graph is not '
                 'that of the firmware')
    return found[0]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    size = STACK_SIZE.search(open(sys.argv[1], encoding='utf-8').read())
    if not size:
        sys.exit(f'check_stack.py: no STACK_SIZE in {sys.argv[1]}')
    size = int(size[1], 0)
    graph = read_graph(sys.argv[2:])
    depth, chain = deepest(find(ROOT, graph), graph)
    handler, handler_chain = deepest(find(HANDLER, graph), graph)
    total = depth + EXCEPTION_FRAME + handler
    text = (f'{total} of {size} bytes of stack: {" -> ".join(chain)}, {depth}; an exception there, '
            f'{" -> ".join(handler_chain)}, {EXCEPTION_FRAME + handler}')
    if total > size:
        sys.exit(f'check_stack.py: {text}')
    print(f'stack: {text}')


if __name__ == '__main__':
    main()
