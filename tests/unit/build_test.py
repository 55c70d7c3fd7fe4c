"""The build itself: two builds are the same bytes, both compilers build, mistakes are named.

Builds go into directories of their own, from copies of what git has and of what was changed since.
"""
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def copy_tree(directory):
    """The sources as they are now, without what was built."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                            cwd=TOP, check=True, capture_output=True, text=True).stdout
    for name in listed.split('\0'):
        if not name or name.startswith(('tests/data/', 'tests/boot/', 'tests/bench/')):
            continue
        if not (TOP / name).is_file():
            continue
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, target)
    return directory


def make(directory, *arguments):
    """(status, everything that was printed)"""
    # --no-print-directory: these tests may themselves run under make, which then says where it is.
    done = subprocess.run(['make', '--no-print-directory', *arguments], cwd=directory,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources."""
    return copy_tree(tmp_path / 'tree')


def test_two_builds_are_the_same_bytes(tmp_path):
    """Elsewhere, in another directory for objects, in another order."""
    first = copy_tree(tmp_path / 'first')
    second = copy_tree(tmp_path / 'a-second-one' / 'deeper')
    status, output = make(first)
    assert status == 0, output
    status, output = make(second, '-j3', 'O=elsewhere', 'all')
    assert status == 0, output
    assert (first / 'build/qboot.bin').read_bytes() == (second / 'elsewhere/qboot.bin').read_bytes()
    # Nothing in the image tells where it was built.
    assert str(first).encode() not in (first / 'build/qboot.elf').read_bytes()


@pytest.mark.parametrize('compiler', ['gcc', 'clang'])
def test_both_compilers(tree, compiler):
    """Without a warning: -Werror is on."""
    if not shutil.which(compiler):
        pytest.skip(f'{compiler} is not installed')
    status, output = make(tree, f'CC={compiler}')
    assert status == 0, output
    assert (tree / 'build/qboot.bin').stat().st_size == 0x10000


def test_a_path_with_spaces(tmp_path):
    """The sources may lie anywhere; what is built goes to a directory of one word."""
    plain = copy_tree(tmp_path / 'plain')
    spaced = copy_tree(tmp_path / 'my own firmware')
    for tree in plain, spaced:
        status, output = make(tree)
        assert status == 0, output
    assert (plain / 'build/qboot.bin').read_bytes() == (spaced / 'build/qboot.bin').read_bytes()
    status, output = make(spaced, 'O=two words')
    assert status != 0
    assert 'O=DIR is one word' in output


def test_other_flags_build_anew(tree):
    """Another compiler, or LTO= on the command line, makes another image; the same do nothing."""
    images = {}
    for arguments in (), ('LTO=',), ('LTO=', 'CC=gcc -O1'), ():
        status, output = make(tree, *arguments)
        assert status == 0, output
        assert 'bytes used' in output, 'nothing was built'
        status, output = make(tree, *arguments)
        assert status == 0 and 'bytes used' not in output, output
        images.setdefault(arguments, set()).add((tree / 'build/qboot.bin').read_bytes())
    assert all(len(image) == 1 for image in images.values())
    assert len(set().union(*images.values())) >= 2


def test_a_first_run_without_a_compiler(tree):
    """make run and make help say nothing of a compiler that is not there yet."""
    for target in 'help', 'clean':
        status, output = make(tree, target, 'CC=no-such-compiler')
        assert status == 0, output
        assert 'no-such-compiler' not in output, output


def add_ballast(tree, size):
    """So many bytes of constants more."""
    (tree / 'ballast.c').write_text(
        'extern const char ballast[];\n'
        '__attribute__((section(".rodata.ballast"), used)) '
        f'const char ballast[{size}] = {{ 1 }};\n')
    lds = tree / 'bios.lds'
    lds.write_text(lds.read_text().replace('*(.rodata .rodata.*)',
                                           'KEEP(*(.rodata.ballast)) *(.rodata .rodata.*)'))
    layers = tree / 'scripts/check_layers.py'
    layers.write_text(layers.read_text().replace("['main']", "['main', 'ballast']"))


def test_an_image_too_large(tree):
    """The linker says what is too large and where the limit is: by a little, and by far."""
    status, output = make(tree)
    assert status == 0, output
    used = int(output.split('qboot.bin: ')[1].split()[0])
    budget = int(re.search(r'ROM_BUDGET (0x\w+)', (tree / 'bios.lds').read_text())[1], 16)
    for size, fits in (budget - used - 256, True), (budget - used + 64, False), (0xf000, False):
        add_ballast(tree, size)
        status, output = make(tree)
        assert (status == 0) == fits, output
        if not fits:
            assert 'qboot.bin: code and data do not fit into the image; see ROM_BUDGET in ' \
                'bios.lds' in output


@pytest.mark.parametrize('code, words', [
    ('#include "boot.h"\nvoid *fw_cfg_up(void);\nvoid *fw_cfg_up(void) { return boot_probe; }\n',
     'fw_cfg calls boot_probe() of boot/boot: calls go downwards'),
    ('#include "pci.h"\nvoid *fw_cfg_step(void);\nvoid *fw_cfg_step(void) { return pci_init; }\n',
     'fw_cfg calls pci_init() of pci: main alone takes the steps of the boot'),
])
def test_a_call_upwards(tree, code, words):
    """A module that calls one above it does not build."""
    source = tree / 'fw_cfg.c'
    source.write_text(source.read_text() + code)
    status, output = make(tree)
    assert status != 0
    assert words in output


def test_a_pure_file_at_the_border(tree):
    """A pure file that includes a border header does not build."""
    source = tree / 'boot/pvh.c'
    source.write_text('#include "io.h"\n' + source.read_text())
    status, output = make(tree)
    assert status != 0
    assert 'boot/pvh includes io.h: pure files stay off the hardware border' in output


def test_a_file_in_no_layer(tree):
    """A new file has to be given its place."""
    (tree / 'lib/util.c').write_text('void util(void);\nvoid util(void) { }\n')
    status, output = make(tree)
    assert status != 0
    assert 'lib/util is in no layer' in output


def test_sizes_add_up(tree):
    """make size accounts for every byte that mkimage.py puts into an image of separate modules."""
    _, output = make(tree, 'LTO=')
    status, report = make(tree, 'size')
    assert status == 0, report
    used = int(output.split('qboot.bin: ')[1].split()[0])
    total = report.splitlines()[-1].split()
    assert total[0] == 'total'
    # From the map: alignment between segments is in neither.
    assert abs(int(total[-2]) - used) < 64
