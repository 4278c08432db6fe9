# SPDX-License-Identifier: GPL-2.0
"""The cache: kernels and what their modules are built against.

    source/VERSION_KEY/        a kernel source tree (Debian's linux-source, PATCHES)
    trixie/                    a Debian 13 root, for headers that need its tools
    kernels/NAME/KEY/          one kernel, described by its entry.json
    stock kernels:             vmlinuz, lib/modules/RELEASE, usr/src/linux-headers-*
    our own (from source/):    linux or vmlinuz, and build/, the kernel's build tree;
                               those for a PC have lib/modules/RELEASE, too

An entry counts only once its entry.json is there, which is written last: an
interrupted preparation is carried on, or started again, the next time.
"""

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import packages
from common import (CACHE, TOP, LabError, as_root, clean_env, jobs, locked,
                    log_path, on_path, run, say, step)

SOURCE_PACKAGE = "linux-source-7.3"

# Stock kernels: the names of their headers packages in Debian's archive.
STOCK = {
    "6.1": r"linux-headers-(6\.1\.0-\d+-cloud-amd64)",
    "6.1-amd64": r"linux-headers-(6\.1\.0-\d+-amd64)",
    "6.12": r"linux-headers-(6\.12\.\d+\+deb12(?:\.\d+)?-cloud-amd64)",
    "7.3": r"linux-headers-(7\.3\.\d+\+deb13(?:\.\d+)?-cloud-amd64)",
}
# Those whose headers need a newer Debian than the lab's own.
IN_ROOT = {"7.3"}

# Kernels of our own: make's ARCH, and the fragments on top of allnoconfig.
OWN = {
    "uml-fast": ("um", ["kunit/uml.config", "kunit/uml-fast.config"]),
    "uml-san": ("um", ["kunit/uml.config", "kunit/uml-san.config"]),
    "x86": ("x86_64", ["kunit/x86.config", "kunit/x86-fast.config"]),
    "x86-lockdep": ("x86_64", ["kunit/x86.config", "kunit/x86-lockdep.config"]),
}

# What is changed in their source: files that User-Mode Linux alone is built of.
PATCHES = ["kunit/uml-stacktrace.patch"]

# Those of them that find bugs, and are slow.
SANITISED = ["uml-san", "x86-lockdep"]

NAMES = [*STOCK, *OWN]
RECIPE = 1      # raise when an entry's contents change in kind


@dataclass
class Entry:
    """One prepared kernel."""

    name: str
    release: str            # what uname -r says
    path: str               # the entry's folder
    image: str              # the bootable file
    kdir: str               # what modules are built against (inside `root`, if any)
    arch: str = ""          # make's ARCH, "" for the machine's
    root: str = ""          # the Debian root that kdir is in, "" for none

    @property
    def modules(self):
        """The stock modules, with modules.dep."""
        return Path(self.path) / "lib/modules" / self.release


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _read(files):
    return "".join((TOP / file).read_text() for file in files)


def _digest(name):
    """What of our own tree goes into an entry's key."""
    text = f"recipe {RECIPE}\n"
    if name in OWN:
        arch, fragments = OWN[name]
        text += _read(fragments + (PATCHES if arch == "um" else []))
        text += run(["gcc", "-dumpfullversion"])
    return _hash(text)


def _version_key(text):
    return [int(n) if n.isdigit() else n for n in re.split(r"(\d+)", text)]


def find(name):
    """The prepared kernel of that name; the newest where there are several."""
    if name not in NAMES:
        raise LabError(f"no kernel is called {name!r}; there are: {', '.join(NAMES)}")
    digest = _digest(name)
    found = sorted((p for p in (CACHE / "kernels" / name).glob(f"*_{digest}/entry.json")),
                   key=lambda p: _version_key(p.parent.name))
    if not found:
        raise LabError(f"kernel {name} is not in the cache ({CACHE});\n"
                       f"  run `make cache`, or `tools/lab/lab cache {name}` for it alone")
    return Entry(**json.loads(found[-1].read_text()), path=str(found[-1].parent))


def source():
    """The prepared kernel source tree; the newest where there are several."""
    found = sorted((CACHE / "source").glob(f"*_{_hash(_read(PATCHES))}/.complete"),
                   key=lambda p: _version_key(p.parent.name))
    if not found:
        raise LabError("the kernel source is not in the cache; run `make cache`")
    return found[-1].parent


def _finish(folder, **fields):
    folder = Path(folder)
    entry = Entry(path=str(folder), **fields)
    rows = asdict(entry)
    del rows["path"]        # the cache may be moved
    (folder / "release").write_text(entry.release + "\n")
    (folder / "entry.json.new").write_text(json.dumps(rows, indent=1) + "\n")
    (folder / "entry.json.new").rename(folder / "entry.json")
    return entry


def prepare_source(refresh=False):
    """Unpack Debian's kernel source, and patch it."""
    if not refresh:
        try:
            return source()
        except LabError:
            pass
    rows = packages.versions(SOURCE_PACKAGE)
    if not rows:
        raise LabError(f"the archive has no {SOURCE_PACKAGE} (trixie-backports)")
    version = rows[0][0]
    # Make takes no ':' in a path, and '~' may be expanded.
    folder = CACHE / "source" / (re.sub(r"[^\w.+-]", "-", version) +
                                 f"_{_hash(_read(PATCHES))}")
    if (folder / ".complete").exists():
        return folder
    with step(f"kernel source {version}"):
        work = CACHE / "tmp" / "source"
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        [deb] = packages.fetch([(SOURCE_PACKAGE, version)], work)
        packages.unpack(deb, work / "deb")
        [tarball] = (work / "deb/usr/src").glob("linux-source-*.tar.xz")
        (work / "tree").mkdir()
        run(["tar", "-C", work / "tree", "--strip-components=1", "-xf", tarball])
        for patch in PATCHES:
            run(["patch", "-s", "-p1", "-d", work / "tree", "-i", TOP / patch],
                what=f"{patch}, which does not fit {SOURCE_PACKAGE} {version}")
        (work / "tree/.complete").touch()
        folder.parent.mkdir(parents=True, exist_ok=True)
        (work / "tree").rename(folder)
        shutil.rmtree(work)
    return folder


def _resolve_stock(name):
    """(release, version) of the newest stock kernel that has all its packages."""
    names = [re.fullmatch(STOCK[name], n) for n in packages.search(STOCK[name])]
    for match in sorted(names, key=lambda m: _version_key(m[1]), reverse=True):
        headers = packages.versions(match[0])
        image = {v for v, _ in packages.versions(f"linux-image-{match[1]}")}
        for version, _ in headers:
            if version in image:
                return match[1], version
    raise LabError(f"the archive has no kernel for {name} (no package like {STOCK[name]})")


def _closure(start, version):
    """A kernel package and what of the same source package it needs."""
    todo, done = [(start, version)], []
    while todo:
        item = todo.pop()
        if item in done:
            continue
        done.append(item)
        for package, exact in packages.depends(*item):
            if package.startswith("linux-kbuild-"):
                todo.append((package, exact or version))
            elif exact and package.startswith("linux-"):
                todo.append((package, exact))
    return done


def _relocate_headers(tree, release):
    """Make unpacked headers usable where they lie: their paths are absolute."""
    kdir = tree / "usr/src" / f"linux-headers-{release}"
    makefile = kdir / "Makefile"
    text = makefile.read_text()
    text = re.sub(r"(?<![\w/])/usr/(src|lib)/", rf"{tree}/usr/\1/", text)
    makefile.write_text(text)
    for link in [p for p in tree.rglob("*") if p.is_symlink()]:
        target = str(link.readlink())
        if target.startswith("/usr/"):
            link.unlink()
            link.symlink_to(str(tree) + target)
    return kdir


def _prepare_stock(name):
    release, version = _resolve_stock(name)
    folder = CACHE / "kernels" / name / f"{release}_{_digest(name)}"
    if (folder / "entry.json").exists():
        return find(name)
    with step(f"kernel {name}: {release}"):
        shutil.rmtree(folder, ignore_errors=True)
        wanted = _closure(f"linux-image-{release}", version)
        if name not in IN_ROOT:
            wanted += _closure(f"linux-headers-{release}", version)
        debs = CACHE / "tmp" / f"debs-{name}"
        shutil.rmtree(debs, ignore_errors=True)
        for deb in packages.fetch(sorted(set(wanted)), debs):
            packages.unpack(deb, folder)
        shutil.rmtree(debs)
        if (folder / "usr/lib/modules").is_dir() and not (folder / "lib").exists():
            (folder / "lib").symlink_to("usr/lib")
        [image] = [*(folder / "boot").glob("vmlinuz-*"),
                   *(folder / "lib/modules" / release).glob("vmlinuz")][:1]
        shutil.copy(image, folder / "vmlinuz")
        shutil.rmtree(folder / "boot", ignore_errors=True)
        shutil.rmtree(folder / "usr/share", ignore_errors=True)
        run([on_path("depmod"), "-b", folder, release])
    if name in IN_ROOT:
        root = prepare_root(release, version)
        kdir = f"/usr/src/linux-headers-{release}"
        if not Path(f"{root}{kdir}/Makefile").exists():
            raise LabError(f"{root} has no {kdir}; remove {root} and run `make cache` again")
        return _finish(folder, name=name, release=release, image="vmlinuz",
                       kdir=kdir, root=str(root))
    kdir = _relocate_headers(folder, release)
    return _finish(folder, name=name, release=release, image="vmlinuz",
                   kdir=str(kdir))


def prepare_root(release, version):
    """A Debian 13 root with the compiler and the headers of one kernel."""
    root = CACHE / "trixie" / "root"
    stamp = CACHE / "trixie" / "complete"
    if not stamp.exists():
        with step("Debian 13 root (debootstrap)"):
            run(as_root(["rm", "-rf", root]))
            root.parent.mkdir(parents=True, exist_ok=True)
            run(as_root([on_path("debootstrap"), "--variant=minbase", "--arch=amd64",
                         "trixie", root, packages.configured_uris()["main"]]),
                log=log_path("debootstrap"), what="debootstrap trixie",
                hint="debootstrap needs real root (mounts, device nodes)",
                env=clean_env(DEBIAN_FRONTEND="noninteractive"))
            stamp.touch()
    wanted = [root / f"usr/src/linux-headers-{release}/Makefile", root / "usr/bin/as"]
    if not all(path.exists() for path in wanted):
        with step(f"headers of {release} in the Debian 13 root"):
            debs = CACHE / "trixie/debs"
            names = packages.download_for(
                root, ["gcc", "make", f"linux-headers-{release}={version}"], debs)
            run(as_root(["cp", "-r", debs, root / "debs"]))
            in_root(root, "dpkg -i /debs/*.deb && rm -r /debs",
                    log=log_path("trixie-headers"),
                    what=f"installing {len(names)} packages in the Debian 13 root")
            shutil.rmtree(debs)
    return root


def in_root(root, script, bind=None, **kwargs):
    """Run a shell script in a Debian root, in a mount namespace of its own."""
    setup = f"mount -t proc proc '{root}/proc' && "
    if bind:
        setup += f"mkdir -p '{root}/srv/kmcl' && mount --bind '{bind}' '{root}/srv/kmcl' && "
    setup += f"exec chroot '{root}' /bin/sh -c \"$1\""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C",
           "DEBIAN_FRONTEND": "noninteractive"}
    assign = [f"{k}={v}" for k, v in env.items()]
    return run(as_root(["unshare", "--mount", "env", "-i", *assign,
                        "sh", "-c", setup, "sh", script]), **kwargs)


def _check_config(config, fragments):
    """Every option asked for must have survived Kconfig's dependencies."""
    have = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", config.read_text(), re.M))
    lost = []
    for fragment in fragments:
        for option, value in re.findall(r"^(CONFIG_\w+)=(.*)$",
                                        (TOP / fragment).read_text(), re.M):
            if have.get(option, "n") != value:
                lost.append(f"{option}={value} ({fragment}; is {have.get(option, 'n')})")
    if lost:
        raise LabError("the kernel's Kconfig did not take these options; they miss a "
                       "dependency,\n  or this kernel has them no more:\n    "
                       + "\n    ".join(lost))


def _prepare_own(name):
    arch, fragments = OWN[name]
    tree = prepare_source()
    version = tree.name.rpartition("_")[0]
    folder = CACHE / "kernels" / name / f"{version}_{_digest(name)}"
    if (folder / "entry.json").exists():
        return find(name)
    build = folder / "build"
    build.mkdir(parents=True, exist_ok=True)
    make = ["make", "-s", "-C", tree, f"O={build}", f"ARCH={arch}", f"-j{jobs()}"]
    log = log_path(f"kernel-{name}")
    log.unlink(missing_ok=True)
    with step(f"kernel {name} ({tree.name}, log {log})"):
        config = build / ".config"
        text = _read(fragments)
        if not (build / ".asked").exists() or (build / ".asked").read_text() != text:
            run([*make, "allnoconfig"], log=log)
            with config.open("a") as out:
                out.write(text)
            run([*make, "olddefconfig"], log=log)
            _check_config(config, fragments)
            (build / ".asked").write_text(text)
        run([*make, "linux" if arch == "um" else "bzImage", "modules"], log=log,
            what=f"building kernel {name}")
        release = run([*make, "kernelrelease"]).strip().splitlines()[-1]
        image = "linux" if arch == "um" else "vmlinuz"
        shutil.copy(build / ("linux" if arch == "um" else "arch/x86/boot/bzImage"),
                    folder / image)
        if arch != "um":
            run([*make, f"INSTALL_MOD_PATH={folder}", f"DEPMOD={on_path('depmod')}",
                 "modules_install"], log=log)
        _trim(build)
    return _finish(folder, name=name, release=release, image=image,
                   kdir=str(build), arch=arch)


def _trim(build):
    """Drop from a kernel's build tree what modules do not need."""
    for path in build.rglob("*"):
        keep = path.relative_to(build).parts[0] in ("scripts", "tools", "include")
        if not keep and path.is_file() and not path.is_symlink() and (
                path.suffix in (".o", ".a", ".cmd", ".S", ".lds_") or
                path.name in ("linux", "vmlinux", "vmlinux.unstripped", "bzImage")):
            path.unlink()


def prepare(name, refresh=False):
    """Make sure that the kernel of that name is in the cache."""
    if name not in NAMES:
        raise LabError(f"no kernel is called {name!r}; there are: {', '.join(NAMES)}")
    with locked(CACHE / "locks" / name, f"kernel {name}"):
        if not refresh:
            try:
                return find(name)
            except LabError:
                pass
        with locked(CACHE / "locks" / "shared", "the cache"):
            if name in OWN:
                prepare_source(refresh)
            packages.update() if name in STOCK else None
        entry = _prepare_stock(name) if name in STOCK else _prepare_own(name)
    say(f"kernel {name}: {entry.release} is ready")
    return entry
