#!/usr/bin/env python3
"""Debian packages without installing them, for any architecture, without root.

    debian.py unpack ARCH DIR PACKAGE...        download the packages and unpack them into DIR
    debian.py unpack-all SUITE DIR PACKAGE...   the same for another release of Debian, amd64, with
                                                all that the packages depend on
    debian.py mirror                            print the URI of the host's own Debian archive
    debian.py cache                             print the cache directory

Contract: apt runs with a state and a cache of its own below the cache directory ($QBOOT_CACHE, by
default ${XDG_CACHE_HOME:-~/.cache}/qboot), so neither dpkg's architectures nor apt's lists on the
host change.  Archives, keys and proxies are those of the host's apt configuration.  Nothing of a
package is run.  Progress goes to stderr.  Fails with one line and status 1.

kernels.py, cmocka32.sh and debian_qemu.sh are built on this file.
"""

import contextlib
import fcntl
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile

# What the private configuration replaces, and what would act on the host.
_HOST_ONLY = ("Dir::State", "Dir::Cache", "Dir::Etc::main", "Dir::Etc::parts", "DPkg",
              "APT::Update", "APT::Architecture", "APT::Sandbox", "Acquire::IndexTargets",
              "CommandLine")


# Where the keys of every release are, from stretch on; a host's apt may trust only its own.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Error(Exception):
    """Cannot go on; the text says why and what to do."""


def progress(text):
    """Tells the user what takes time."""
    print(f"  {text}", file=sys.stderr, flush=True)


def cache_root():
    """The one directory outside the source tree that the scripts write to."""
    chosen = os.environ.get("QBOOT_CACHE")
    if not chosen:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        chosen = Path(base) / "qboot"
    root = Path(chosen).absolute()
    root.mkdir(parents=True, exist_ok=True)
    return root


@contextlib.contextmanager
def locked(name):
    """Holds the cache's lock NAME; another process that wants it waits."""
    directory = cache_root() / "locks"
    directory.mkdir(exist_ok=True)
    with open(directory / name, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def replacing(target):
    """Gives an empty directory that becomes TARGET if the block succeeds and vanishes if not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh.chmod(0o755)
        yield fresh
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def run(argv, **options):
    """Runs a program to its end and returns its output; raises Error with what it said."""
    try:
        done = subprocess.run([str(word) for word in argv], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    except FileNotFoundError as missing:
        raise Error(f"{argv[0]} is not installed") from missing
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing said"]
        raise Error(f"{Path(argv[0]).name} failed: {said[-1]}")
    return done.stdout


class Archive:
    """The host's Debian archive as seen by one architecture, or another release in it."""

    def __init__(self, architecture, suite=None):
        self.architecture = architecture
        self.suite = suite
        self.state = cache_root() / "apt" / "-".join(filter(None, (suite, architecture)))
        self.environment = dict(os.environ, LC_ALL="C", APT_CONFIG=str(self.state / "apt.conf"))
        self.fresh = False
        self.broken = None          # what apt says of a source that it cannot use

    def _configure(self):
        """Writes the private configuration: the host's, with other directories."""
        for name in ("lists/partial", "archives/partial"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        (self.state / "status").touch()
        kept = [line for line in run(["apt-config", "dump"]).splitlines()
                if not line.startswith(_HOST_ONLY)]
        kept += [
            f'Dir::State "{self.state}";', f'Dir::State::lists "{self.state}/lists/";',
            f'Dir::State::status "{self.state}/status";', f'Dir::Cache "{self.state}";',
            f'Dir::Cache::archives "{self.state}/archives/";',
            'Dir::Cache::pkgcache "";', 'Dir::Cache::srcpkgcache "";',
            'Dir::Etc::parts "/dev/null";', 'Dir::Etc::main "/dev/null";',
            f'APT::Architecture "{self.architecture}";',
            f'APT::Architectures {{ "{self.architecture}"; }};',
            'APT::Sandbox::User "root";', 'Acquire::Languages "none";',
            'Acquire::GzipIndexes "true";', 'Acquire::Retries "2";',
        ]
        if self.suite:
            sources = self.state / "sources.list"
            signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
            sources.write_text(f"deb {signed}{mirror()} {self.suite} main\n", encoding="utf-8")
            kept += [f'Dir::Etc::sourcelist "{sources}";', 'Dir::Etc::sourceparts "/dev/null";']
        (self.state / "apt.conf").write_text("\n".join(kept) + "\n", encoding="utf-8")

    def _update(self):
        """Fetches the package lists, once for each object."""
        if self.fresh:
            return
        self._configure()
        progress(f"package lists of {self.suite or self.architecture}")
        # One broken source of the host's is no reason to stop: the package may come from another.
        said = subprocess.run(["apt-get", "-qq", "update"], env=self.environment, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        self.broken = next((line for line in said.splitlines() if line.startswith("E:")), None)
        self.fresh = True

    def describe(self, package):
        """The fields of PACKAGE's newest version, as a dict."""
        self._update()
        try:
            text = run(["apt-cache", "show", "--no-all-versions", package], env=self.environment)
        except Error as error:
            raise Error(f"no package {package} for {self.architecture} in this host's apt sources "
                        f"({self.broken or error}); check them with 'apt-get update'") from error
        fields = re.findall(r"^([\w-]+): *(.*)$", text.split("\n\n", maxsplit=1)[0], re.MULTILINE)
        if not fields:          # apt knows the name from other packages' dependencies alone
            raise Error(f"no package {package} for {self.suite or self.architecture}")
        return dict(fields)

    def unpack(self, package, directory):
        """Downloads PACKAGE and unpacks it into DIRECTORY."""
        size = int(self.describe(package).get("Size", 0))
        progress(f"{package} ({self.architecture}, {size / 1e6:.1f} MB)")
        with tempfile.TemporaryDirectory(dir=self.state) as scratch:
            run(["apt-get", "-qq", "download", package], env=self.environment, cwd=scratch)
            for deb in Path(scratch).glob("*.deb"):
                run(["dpkg-deb", "-x", deb, directory])

    def unpack_all(self, packages, directory):
        """Downloads PACKAGES and all that they depend on, and unpacks them into DIRECTORY."""
        self._update()
        install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]
        uris = run([*install, "--print-uris", *packages], env=self.environment).splitlines()
        size = sum(int(line.split()[2]) for line in uris)
        progress(f"{' '.join(packages)} and dependencies: {len(uris)} packages, "
                 f"{size / 1e6:.0f} MB")
        run([*install, "--download-only", *packages], env=self.environment)
        for deb in sorted((self.state / "archives").glob("*.deb")):
            run(["dpkg-deb", "-x", deb, directory])
            deb.unlink()


def mirror():
    """The URI that the host's apt takes its own release from.  Unstable has two names for itself,
    of which /etc/os-release knows neither."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text("utf-8"),
                              re.MULTILINE)).get("VERSION_CODENAME", "")
    listing = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"])
    archives = {suite: uri for suite, component, uri in
                (line.split(" ", 2) for line in listing.splitlines()) if component == "main"}
    for suite in (release, "unstable", "sid", "testing"):
        if suite in archives:
            return archives[suite]
    raise Error(f"apt's sources on this host name no archive of {release or 'its release'}")


def main(arguments):
    """The command line; returns the exit status."""
    try:
        if arguments[:1] == ["unpack"] and len(arguments) > 3:
            archive = Archive(arguments[1])
            with locked(f"apt-{arguments[1]}"):
                for package in arguments[3:]:
                    archive.unpack(package, arguments[2])
        elif arguments[:1] == ["unpack-all"] and len(arguments) > 3:
            with locked(f"apt-{arguments[1]}"):
                Archive("amd64", arguments[1]).unpack_all(arguments[3:], arguments[2])
        elif arguments == ["mirror"]:
            print(mirror())
        elif arguments == ["cache"]:
            print(cache_root())
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Error as error:
        print(f"debian.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
