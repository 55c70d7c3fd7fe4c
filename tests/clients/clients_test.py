"""Programs that start virtual machines, as docs/launchers.md says to use them with this firmware.

Contract: runs what is installed (libvirt's virsh and libvirtd, libguestfs-test-tool, vng) in a
directory of its own; what is not installed is a SKIP that names Debian's package.
"""

import os
import shutil
import subprocess
import time
import xml.sax.saxutils

import pytest

import initramfs
import kernels
import yardstick

SECONDS = 120


def needs(program, package):
    """Skips where it is not installed; returns where it is."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/libexec")
    if not path:
        pytest.skip(f"no {program}; Debian's package is {package}")
    return path


def run(*argv, seconds=SECONDS, environment=None):
    """Runs it to its end and returns what it said; fails with that if it failed."""
    done = subprocess.run([str(word) for word in argv], check=False, text=True,
                          timeout=seconds * yardstick.LIMIT, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{argv}: status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(name="guest")
def _guest(tmp_path):
    """(kernel, initrd): prints a line of its own when it is up."""
    directory = kernels.provide("cloud")
    return directory / "vmlinuz", initramfs.provide(directory, tmp_path / "initrd.img")


@pytest.fixture(scope="module", name="virsh")
def _virsh():
    """The first words of virsh.  A user's libvirtd starts by itself; root's is started here."""
    words = [needs("virsh", "libvirt-clients"), "-c", "qemu:///session"]
    daemon = needs("libvirtd", "libvirt-daemon")
    if subprocess.run([*words, "version"], check=False, capture_output=True).returncode == 0:
        yield words
        return
    with subprocess.Popen([daemon], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as own:
        patience = yardstick.Patience(30)
        while subprocess.run([*words, "version"], check=False, capture_output=True).returncode:
            assert patience.left() > 0, f"libvirtd does not answer in {patience}"
            time.sleep(0.2)
        yield words
        own.terminate()


DOMAIN = """
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>512</memory><vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader type='rom' readonly='yes'>{firmware}</loader>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd>
    <cmdline>console=ttyS0 panic=-1 tsc_early_khz=2000000 qb.test=facts qb.end=wait</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>{qemu}</emulator>
    <serial type='file'><source path='{serial}'/></serial>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


def wait_for(path, words, count):
    """Until the file has the words so many times."""
    patience = yardstick.Patience(SECONDS)
    while not path.exists() or path.read_bytes().count(words) < count:
        assert patience.left() > 0, f"no {count} x {words} in {patience}"
        time.sleep(0.2)


def test_libvirt(guest, firmware, qemu, virsh, tmp_path):
    """A domain is defined, started, reset, saved and restored."""
    name, serial = f"qboot-test-{os.getpid()}", tmp_path / "serial"
    values = {"name": name, "firmware": firmware, "kernel": guest[0], "initrd": guest[1],
              "serial": serial, "qemu": qemu()}
    (tmp_path / "domain.xml").write_text(DOMAIN.format(**{
        key: xml.sax.saxutils.escape(str(value)) for key, value in values.items()}), "utf-8")
    run(*virsh, "define", tmp_path / "domain.xml")
    try:
        run(*virsh, "start", name)
        wait_for(serial, b"QB done", 1)
        run(*virsh, "reset", name)
        wait_for(serial, b"QB done", 2)
        run(*virsh, "save", name, tmp_path / "saved")
        run(*virsh, "restore", tmp_path / "saved")
        assert "running" in run(*virsh, "domstate", name)
        assert b"qboot: " not in serial.read_bytes()
    finally:
        subprocess.run([*virsh, "destroy", name], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        run(*virsh, "undefine", name)


def test_libvirt_chooses_us_for_no_disk(virsh):
    """Installed as it is, the descriptor is not among the firmwares that libvirt chooses from."""
    said = run(*virsh, "domcapabilities", "--machine", "q35", "--virttype", "qemu")
    assert "<loader supported='yes'>" in said
    assert "qboot" not in said


def test_libguestfs(firmware, qemu, tmp_path):
    """libguestfs-test-tool makes a filesystem in its appliance."""
    tool = needs("libguestfs-test-tool", "libguestfs-tools")
    wrapper = tmp_path / "qemu-qboot"
    wrapper.write_text(f'#!/bin/sh\nexec "{qemu()}" "$@" -bios "{firmware}"\n', "utf-8")
    wrapper.chmod(0o755)
    environment = dict(os.environ, LIBGUESTFS_BACKEND="direct", LIBGUESTFS_HV=str(wrapper),
                       LIBGUESTFS_BACKEND_SETTINGS="force_tcg")
    said = run(tool, seconds=300, environment=environment)
    assert "TEST FINISHED OK" in said
    assert "SeaBIOS" not in said


def test_virtme_ng(guest, firmware):
    """vng runs a command in the host's file system."""
    vng = needs("vng", "virtme-ng")
    needs("busybox", "busybox-static")      # vng's own needs, which Debian's package recommends
    needs("virtiofsd", "virtiofsd")
    said = run(vng, "--run", guest[0], "--disable-kvm", "--disable-microvm",
               f"--qemu-opts=-bios {firmware}", "--", "uname", "-r", seconds=300)
    assert kernels.provide("cloud").joinpath("release").read_text("ascii").strip() in said
