#!/usr/bin/env python3
"""Run unit test programs, two at a time, and add up what they report.

usage: run.py [--label TEXT] [--skipped TEXT]... PROGRAM...

Prints the output of programs in which something failed, and one line at the end: "N passed, N
failed".  A program that crashes, hangs or reports no test at all is one failure more.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

TIMEOUT = int(os.environ.get("UNIT_TIMEOUT", 120))      # seconds a program may take
OPTIONS = {
    'CMOCKA_MESSAGE_OUTPUT': 'TAP',
    'ASAN_OPTIONS': 'detect_leaks=0:abort_on_error=0:handle_abort=1',
    'UBSAN_OPTIONS': 'print_stacktrace=1',
}


def run(program):
    """(tests passed, tests failed, what to show)"""
    try:
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, **OPTIONS}, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b'').decode(errors='replace')
        return len(re.findall(r'^ok ', text, re.M)), 1, text + f'no end after {TIMEOUT} seconds\n'
    text = done.stdout.decode(errors='replace')
    passed = len(re.findall(r'^ok ', text, re.M))
    failed = len(re.findall(r'^not ok ', text, re.M))
    planned = re.search(r'^1\.\.(\d+)', text, re.M)
    if passed + failed == 0 or not planned or int(planned[1]) != passed + failed or \
            (done.returncode and not failed):
        failed += 1
        text += f'status {done.returncode} after {passed} of ' \
                f'{planned[1] if planned else "?"} tests\n'
    return passed, failed, text if failed else ''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--label', default='')
    parser.add_argument('--skipped', action='append', default=[])
    parser.add_argument('programs', nargs='+')
    options = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(run, options.programs))
    for program, (_, _, text) in zip(options.programs, results):
        if text:
            print(f'--- {program}\n{text}', end='')
    for why in options.skipped:
        print(f'SKIP {why}')
    passed, failed = (sum(result[i] for result in results) for i in range(2))
    label = f'{options.label}: ' if options.label else ''
    print(f'{label}{passed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


main()
