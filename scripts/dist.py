#!/usr/bin/env python3
"""Writes a release: the tarball of the sources, the image, an SPDX list and SHA-256 sums.

    dist.py O           O: where the image was built; the release goes to O/dist

Contract: the tarball has what git has (where there is no git, what its MANIFEST names)
with the contents of now, sorted, owned by root, of the date of the newest entry of CHANGELOG.md:
the same sources give the same bytes.  It builds without a network and without git, to the same
image.
"""

import calendar
import hashlib
import io
from pathlib import Path
import re
import subprocess
import sys
import tarfile
import time

ROOT = Path(__file__).resolve().parent.parent
LICENSE = "BSD-2-Clause"


def sources():
    """The files of a release, relative to the top, sorted."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        listed = done.stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
    manifest = ROOT / "MANIFEST"
    if not any(listed) and manifest.is_file():
        listed = manifest.read_text("utf-8").split("\n")
    names = sorted(name for name in listed if name and (ROOT / name).is_file())
    if not names:
        sys.exit("dist.py: neither git nor a MANIFEST says what belongs to the sources")
    return names


def release():
    """(version, date as YYYY-MM-DD) of the newest entry of the changelog."""
    found = re.search(r"^## (\S+) \((\d+-\d+-\d+)\)", (ROOT / "CHANGELOG.md").read_text("utf-8"),
                      re.MULTILINE)
    if not found:
        sys.exit("dist.py: CHANGELOG.md has no entry '## VERSION (DATE)'")
    return found[1], found[2]


def sha256(data):
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_tar(path, top, names, stamp):
    """The tarball, with a MANIFEST of the files in it."""
    with tarfile.open(path, "w:xz", format=tarfile.PAX_FORMAT) as tar:
        def add(name, data, mode):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), mode, stamp
            entry.uname = entry.gname = "root"
            tar.addfile(entry, io.BytesIO(data))

        for name in names:
            file = ROOT / name
            add(name, file.read_bytes(), 0o755 if file.stat().st_mode & 0o100 else 0o644)
        add("MANIFEST", ("\n".join(names) + "\n").encode(), 0o644)


def spdx(top, version, date, names, image):
    """The list, in SPDX 2.3's tag-value form."""
    sums = [hashlib.sha1((ROOT / name).read_bytes()).hexdigest() for name in names]
    verification = hashlib.sha1("".join(sorted(sums)).encode()).hexdigest()
    lines = ["SPDXVersion: SPDX-2.3", "DataLicense: CC0-1.0", "SPDXID: SPDXRef-DOCUMENT",
             f"DocumentName: {top}",
             f"DocumentNamespace: https://spdx.org/spdxdocs/{top}-{sha256(image)[:32]}",
             "Creator: Tool: scripts/dist.py", f"Created: {date}T00:00:00Z", "",
             "PackageName: qboot.bin", "SPDXID: SPDXRef-Package", f"PackageVersion: {version}",
             f"PackageFileName: {top}.tar.xz", "PackageDownloadLocation: NOASSERTION",
             "FilesAnalyzed: true", f"PackageVerificationCode: {verification}",
             f"PackageLicenseConcluded: {LICENSE}", f"PackageLicenseInfoFromFiles: {LICENSE}",
             f"PackageLicenseDeclared: {LICENSE}", "PackageCopyrightText: NOASSERTION",
             "Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package", ""]
    for number, (name, sha1) in enumerate(zip(names, sums)):
        lines += [f"FileName: ./{name}", f"SPDXID: SPDXRef-File{number}",
                  f"FileChecksum: SHA1: {sha1}",
                  f"FileChecksum: SHA256: {sha256((ROOT / name).read_bytes())}",
                  f"LicenseConcluded: {LICENSE}", f"LicenseInfoInFile: {LICENSE}",
                  "FileCopyrightText: NOASSERTION", ""]
    return "\n".join(lines)


def main():
    """The command line."""
    built = Path(sys.argv[1])
    out = built / "dist"
    out.mkdir(parents=True, exist_ok=True)
    version, date = release()
    top = f"qboot-{version}"
    names = sources()
    image = (built / "qboot.bin").read_bytes()
    write_tar(out / f"{top}.tar.xz", top, names, calendar.timegm(time.strptime(
        date, "%Y-%m-%d")))
    (out / "qboot.bin").write_bytes(image)
    (out / f"{top}.spdx").write_text(spdx(top, version, date, names, image), encoding="utf-8")
    sums = [f"{sha256((out / name).read_bytes())}  {name}\n"
            for name in ("qboot.bin", f"{top}.spdx", f"{top}.tar.xz")]
    (out / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    print(f"{out}: {top}.tar.xz of {len(names)} files, qboot.bin, {top}.spdx, SHA256SUMS")


if __name__ == "__main__":
    main()
