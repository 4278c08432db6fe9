# SPDX-License-Identifier: GPL-2.0
"""Debian packages from any suite, without touching the machine's apt.

A private apt lives in the cache: its sources are derived from those the
machine has, its state is its own, and it only ever downloads.
"""

import os
import re
import shutil
from pathlib import Path

from common import CACHE, LabError, clean_env, locked, log_path, run, say

APT = CACHE / "apt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Suites by archive. The host's own suite is bookworm; the rest are pinned low.
SUITES = {
    "main": ["bookworm", "bookworm-updates", "bookworm-backports",
             "trixie", "trixie-backports"],
    "security": ["bookworm-security", "trixie-security"],
}


def configured_uris():
    """URIs of the main and the security archive, from the machine's apt."""
    found = {}
    etc = Path("/etc/apt")

    def note(uris, suites):
        for suite in suites:
            kind = "security" if suite.rstrip("/").endswith(("-security", "/updates")) else "main"
            if re.match(r"(bookworm|trixie|stable|oldstable)(-security|-updates|-backports)?$",
                        suite):
                for uri in uris:
                    found.setdefault(kind, uri)

    lists = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    for path in lists:
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            match = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
            if match:
                note([match[1]], [match[2]])
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            stanza = re.sub(r"^#.*\n?", "", stanza, flags=re.M)
            fields = {}
            for match in re.finditer(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.M):
                fields[match[1].lower()] = match[2].split()
            if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
                note(fields.get("uris", []), fields.get("suites", []))
    if "main" not in found:
        raise LabError("no Debian archive among the apt sources of this machine;\n"
                       "  the lab needs Debian 12 with its archive in /etc/apt/sources.list*")
    return found


def _configure():
    uris = configured_uris()
    for sub in ("lists/partial", "archives/partial", "etc", "empty"):
        (APT / sub).mkdir(parents=True, exist_ok=True)
    text = "".join(
        f"deb [signed-by={KEYRING}] {uris[kind]} {suite} main\n"
        for kind, suites in SUITES.items() if kind in uris for suite in suites)
    (APT / "etc/sources.list").write_text(text)
    (APT / "etc/preferences").write_text("".join(
        f"Package: *\nPin: release n={suite}\nPin-Priority: 50\n\n"
        for suites in SUITES.values() for suite in suites
        if not suite.startswith("bookworm") or suite.endswith("-backports")))
    (APT / "status").touch()
    (APT / "apt.conf").write_text(f"""
Dir::State "{APT}";
Dir::State::lists "{APT}/lists";
Dir::State::status "{APT}/status";
Dir::Cache "{APT}";
Dir::Cache::archives "{APT}/archives";
Dir::Etc::sourcelist "{APT}/etc/sources.list";
Dir::Etc::sourceparts "{APT}/empty";
Dir::Etc::preferences "{APT}/etc/preferences";
Dir::Etc::preferencesparts "{APT}/empty";
APT::Sandbox::User "root";
APT::Architecture "amd64";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Post-Invoke;
#clear DPkg::Post-Invoke;
Acquire::Languages "none";
Acquire::Retries "3";
""")


def _apt(tool, *argv, **kwargs):
    # With -c our settings are read last, after those of the machine.
    return run([tool, "-c", APT / "apt.conf", *argv],
               env=clean_env(DEBIAN_FRONTEND="noninteractive"), **kwargs)


_UPDATED = False


def update():
    """Refresh the private package lists, once a process."""
    global _UPDATED
    if _UPDATED:
        return
    with locked(APT / "lock", "the package lists"):
        _configure()
        say("reading the package lists of the archive")
        _apt("apt-get", "-q", "update", log=log_path("apt"), what="apt-get update",
             hint="is the package archive reachable from here?")
    _UPDATED = True


def versions(package):
    """[(version, suites)] of a package, newest first."""
    update()
    rows = []
    out = _apt("apt-cache", "madison", package)
    for line in out.splitlines():
        parts = [p.strip() for p in line.split("|")]
        if len(parts) == 3 and parts[0] == package and "Packages" in parts[2]:
            rows.append((parts[1], parts[2].split()[1].split("/")[0]))
    return rows


def search(regex):
    """Names of packages that match a regular expression."""
    update()
    out = _apt("apt-cache", "pkgnames")
    return sorted(n for n in out.split() if re.fullmatch(regex, n))


def depends(package, version):
    """What a package depends on: [(name, version or None)], first alternatives."""
    update()
    out = _apt("apt-cache", "show", "--no-all-versions", f"{package}={version}")
    rows = []
    for field in ("Pre-Depends", "Depends"):
        match = re.search(rf"^{field}: (.*)$", out, re.M)
        if not match:
            continue
        for item in match[1].split(","):
            first = item.split("|")[0].strip()
            name = re.match(r"([a-z0-9.+-]+)", first)[1]
            exact = re.search(r"\(= ([^)]+)\)", first)
            rows.append((name, exact[1] if exact else None))
    return rows


def fetch(wanted, folder):
    """Download [(package, version)] as .deb files; return their paths."""
    update()
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in (1, 2, 3):
        try:
            _apt("apt-get", "-q", "download", *[f"{p}={v}" for p, v in wanted],
                 cwd=folder, log=log_path("apt"), what="downloading packages")
            break
        except LabError:
            if attempt == 3:
                raise
            say("download failed; trying again")
    debs = []
    for package, version in wanted:
        name = f"{package}_{version.replace(':', '%3a')}_*.deb"
        hits = list(folder.glob(name))
        if not hits:
            raise LabError(f"{package} {version} was downloaded but {name} is not there")
        debs += hits
    return debs


def fetch_whole(package, suite, folder):
    """Download a package of a suite with all that it needs, as if nothing were installed."""
    update()
    [version] = [v for v, where in versions(package) if where == suite][:1] or [None]
    if not version:
        raise LabError(f"the archive has no {package} in {suite}")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "partial").mkdir(parents=True)
    _apt("apt-get", "-q", "-y", "--download-only", "--no-install-recommends",
         "-o", f"Dir::Cache::archives={folder}", "-o", "Debug::NoLocking=true",
         "-t", suite, "install", f"{package}={version}",
         log=log_path("apt"), what=f"downloading {package} {version}")
    return version, sorted(folder.glob("*.deb"))


def unpack(deb, folder):
    """Extract a package's files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    run(["dpkg-deb", "-x", deb, folder])


def download_for(root, packages, folder):
    """Download packages and what they need for a Debian root's dpkg state."""
    update()
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "partial").mkdir(parents=True)
    status = Path(root) / "var/lib/dpkg/status"
    _apt("apt-get", "-q", "-y", "--download-only", "--no-install-recommends",
         "-o", f"Dir::State::status={status}", "-o", f"Dir::Cache::archives={folder}",
         "-o", "Debug::NoLocking=true", "-o", f"Dir::Etc::preferences={os.devnull}",
         "-t", "trixie-backports", "install", *packages,
         log=log_path("apt"), what="downloading for the Debian 13 root")
    return sorted(folder.glob("*.deb"))
