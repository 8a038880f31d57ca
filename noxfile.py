"""Test sessions; tests/run starts them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import sys
import tarfile
import zipfile

import nox

ROOT = pathlib.Path(__file__).parent
COLLECTIONS = ROOT / "build" / "collections"
COLLECTION = COLLECTIONS / "ansible_collections" / "remotedesktop" / "sessions"
REQUIREMENTS = "tests/requirements"
RUNTIME = ("-r", "meta/ee-requirements.txt")
LAB = ("-r", "tests/lab/requirements.txt")

# The lower bounds that we promise are tested together with the lowest ansible-core.
LOWEST = (ROOT / "meta/ee-requirements.txt").read_text().replace(">=", "==").split()

# The oldest ansible-core that is supported, the first with data tagging, the newest; and the Pythons that run each.
CORES = {"2.16": ">=3.10,<3.13", "2.19": ">=3.11,<3.14", "2.21": ">=3.12"}

OLDEST, _middle, NEWEST = CORES

# Runs of a campaign.
CAMPAIGN, CAMPAIGN_IN_CI = "100000", "8000"

# Troubles of the window that a run draws, with the newest ansible-core and with another one.
TROUBLES, TROUBLES_ELSEWHERE = "12", "4"

# The package that holds ansible.windows; its major goes with the newest ansible-core.
ANSIBLE = "ansible==14.*"
ANSIBLE_WINDOWS = ROOT / "build" / "ansible-windows"

nox.needs_version = ">=2026.10"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "unit", "campaign", "integration", "engine", "docs", "sanity", "galaxy", "molecule"]


def see_collection(session: nox.Session) -> None:
    """Let Ansible and Python see the checkout as a collection, by a symlink so that edits show at once."""
    COLLECTION.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        COLLECTION.symlink_to(os.path.relpath(ROOT, COLLECTION.parent))
    session.env["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    session.env["PYTHONPATH"] = os.pathsep.join((str(COLLECTIONS), str(ROOT)))


def copy_collection(session: nox.Session, target: pathlib.Path) -> None:
    """Copy what git would commit; ansible-test wants a repository, and keeps its own output between runs."""
    target.mkdir(parents=True, exist_ok=True)
    session.run("git", "init", "--quiet", str(target), external=True, log=False)
    session.run("git", "-C", str(target), "clean", "-dfq", external=True, log=False)
    listed = session.run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", external=True, log=False, silent=True
    )
    for name in filter(None, str(listed).split("\0")):
        # The tests are no part of the collection that users install; ruff and mypy check them.
        if (ROOT / name).is_file() and (not name.startswith("tests/") or name == "tests/config.yml"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


@nox.session
def unit(session: nox.Session) -> None:
    """Unit tests."""
    session.install("ansible-core", "-r", f"{REQUIREMENTS}/unit.txt", *RUNTIME, *LAB)
    see_collection(session)
    session.run("pytest", "tests/unit", "--numprocesses=2", "--timeout=120", *session.posargs)


@nox.session
def campaign(session: nox.Session) -> None:
    """A property test on a simulated farm, and the mutants that prove it. In CI a short one.

    CAMPAIGN_RUNS says how many runs, CAMPAIGN_SEED repeats those that a report names.
    """
    session.install("ansible-core", "-r", f"{REQUIREMENTS}/campaign.txt")
    see_collection(session)
    if "CAMPAIGN_RUNS" not in os.environ:
        session.env["CAMPAIGN_RUNS"] = CAMPAIGN_IN_CI if os.environ.get("CI") else CAMPAIGN
    session.run("pytest", "tests/campaign", *session.posargs)


def python_version(session: nox.Session) -> str:
    """Of the session's Python, such as 3.12."""
    show = "import sys; print('{}.{}'.format(*sys.version_info))"
    return str(session.run("python", "-c", show, log=False, silent=True)).strip()


PIP_BOOTSTRAP = """\
import subprocess, sys

wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *wanted])
"""


def cache_pip_bootstrap(session: nox.Session) -> None:
    """Put into ansible-test's cache a get-pip that needs only the package index, not Ansible's file server."""
    source = next(pathlib.Path(session.virtualenv.location).glob("lib/*/site-packages/ansible_test/_internal"))
    wanted = re.search(r"pip='([\d.]+)'", (source / "python_requirements.py").read_text())
    assert wanted, "ansible-test no longer says which pip it wants"
    cached = pathlib.Path.home() / ".ansible/test/cache" / f"get_pip_{wanted[1].replace('.', '_')}.py"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(PIP_BOOTSTRAP)


# What depends on the ansible-core that users run; the rest does on the tools that ansible-test brings.
BY_CORE = ("ansible-doc", "compile", "import", "runtime-metadata", "validate-modules")

ANALYZER = ("PSScriptAnalyzer", "PSSA-PSCustomUseLiteralPath")


def leave_out(session: nox.Session) -> list[str]:
    """Leave out what cannot run here: ansible-test takes any pwsh for one with the modules that its pslint needs."""
    if shutil.which("pwsh") is None:
        return []
    # ansible-test does not pass PSModulePath on.
    listing = f"Get-Module -ListAvailable -Name {','.join(ANALYZER)} | ForEach-Object -MemberName Name"
    command = ("pwsh", "-NoProfile", "-NonInteractive", "-Command", listing)
    found = str(session.run(*command, external=True, log=False, silent=True, env={"PSModulePath": None})).split()
    missing = [name for name in ANALYZER if name not in found]
    if not missing:
        return []
    session.warn(f"pslint is left out: the pwsh on PATH lacks {' and '.join(missing)}.")
    return ["--skip-test", "pslint"]


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Integration tests against the lab, with each ansible-core."""
    for core in CORES:
        session.notify(f"integration-{core}", session.posargs)


@nox.session(python=False)
def sanity(session: nox.Session) -> None:
    """ansible-test sanity without ignored errors: all of it with the oldest and newest ansible-core."""
    for core in CORES:
        session.notify(f"sanity-{core}", session.posargs)


def add_sessions(core: str) -> None:
    @nox.session(name=f"integration-{core}", python=CORES[core])
    def integration(session: nox.Session) -> None:
        runtime = LOWEST if core == OLDEST else RUNTIME
        session.install(f"ansible-core=={core}.*", "-r", f"{REQUIREMENTS}/pytest.txt", *runtime, *LAB)
        see_collection(session)
        if "WINDOW_TROUBLES" not in os.environ:
            session.env["WINDOW_TROUBLES"] = TROUBLES if core == NEWEST else TROUBLES_ELSEWHERE
        # A test runs where what it depends on differs, which keeps a whole run short.
        every = "not newest_core and not outer_cores and not older_cores"
        chosen = {OLDEST: "not newest_core", NEWEST: "not older_cores"}.get(core, every)
        # One at a time to each worker, so that the long ones, which come first, are not one worker's.
        spread = ("--numprocesses=4", "--maxschedchunk=1", "--timeout=300")
        session.run("pytest", "tests/integration", *spread, "-m", chosen, *session.posargs)

    # ansible-test makes environments of its own out of this one, with its pip.
    @nox.session(name=f"sanity-{core}", python=CORES[core], venv_backend="virtualenv")
    def sanity(session: nox.Session) -> None:
        session.install(f"ansible-core=={core}.*")
        cache_pip_bootstrap(session)
        copy = ROOT / "build" / f"sanity-{core}" / "ansible_collections" / "remotedesktop" / "sessions"
        copy_collection(session, copy)
        with session.chdir(copy):
            version = python_version(session)
            chosen = () if core in (OLDEST, NEWEST) else [word for name in BY_CORE for word in ("--test", name)]
            session.run("ansible-test", "sanity", "--python", version, *chosen, *leave_out(session), *session.posargs)


for core in CORES:
    add_sessions(core)


def see_ansible_windows(session: nox.Session) -> None:
    """Let Ansible see ansible.windows, out of a package that the package index has. It is kept for later runs."""
    wanted = ANSIBLE_WINDOWS / "from.txt"
    if not wanted.exists() or wanted.read_text() != ANSIBLE:
        shutil.rmtree(ANSIBLE_WINDOWS, ignore_errors=True)
        # With the pip beside nox, as not every environment has one.
        download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
        where = ("--python-version", python_version(session), "--dest", str(ANSIBLE_WINDOWS))
        session.run(*download, *where, ANSIBLE, external=True)
        (wheel,) = ANSIBLE_WINDOWS.glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            names = [name for name in package.namelist() if name.startswith("ansible_collections/ansible/windows/")]
            package.extractall(ANSIBLE_WINDOWS, names)
        wheel.unlink()
        wanted.write_text(ANSIBLE)
    session.env["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join((str(COLLECTIONS), str(ANSIBLE_WINDOWS)))


@nox.session(python=CORES[NEWEST])
def engine(session: nox.Session) -> None:
    """Tests that need a PowerShell: PWSH names it, or it is `pwsh` on PATH."""
    session.install(f"ansible-core=={NEWEST}.*", "-r", f"{REQUIREMENTS}/unit.txt", *RUNTIME, *LAB)
    see_collection(session)
    see_ansible_windows(session)
    session.env["TEST_SESSION"] = "engine"
    session.env["DOTNET_TieredPGO"] = "0"  # for processes that live for seconds
    chosen = ("tests/engine", "tests/integration", "-m", "engine")
    # The tests of a file share what they start.
    by_file = ("--numprocesses=3", "--dist=loadfile", "--no-loadscope-reorder")
    session.run("pytest", *chosen, *by_file, "--timeout=300", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and ansible-lint's production profile."""
    session.install("-r", f"{REQUIREMENTS}/lint.txt", "-r", f"{REQUIREMENTS}/campaign.txt", *RUNTIME, *LAB)
    see_collection(session)
    (ruff,) = re.findall("^ruff==.*", (ROOT / REQUIREMENTS / "lint.txt").read_text(), re.MULTILINE)
    if set(re.findall(r"ruff==[\w.]+", (ROOT / ".pre-commit-config.yaml").read_text())) != {ruff}:
        session.error(f".pre-commit-config.yaml does not name {ruff}")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("ansible-lint", "--offline", "--strict")


@nox.session
def docs(session: nox.Session) -> None:
    """Plugin documentation and changelog."""
    session.install("-r", f"{REQUIREMENTS}/docs.txt")
    see_collection(session)
    session.run("antsibull-changelog", "lint")
    session.run(
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=all",
        "--skip-rstcheck",
        ".",
    )


# What users get beside the changelog, which a release writes. All else is for those who work on it.
SHIPPED = {"COPYING", "FILES.json", "MANIFEST.json", "README.md", "changelogs", "meta", "playbooks", "plugins", "roles"}


@nox.session
def galaxy(session: nox.Session) -> None:
    """The tarball: built, installed, shown by ansible-doc, read by ansible-builder and imported as Galaxy would."""
    session.install("-r", f"{REQUIREMENTS}/galaxy.txt")
    tmp = pathlib.Path(session.create_tmp()).resolve()
    shutil.rmtree(tmp)
    session.env["ANSIBLE_COLLECTIONS_PATH"] = str(tmp)
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(tmp))
    tarball = next(tmp.glob("*.tar.gz"))
    with tarfile.open(tarball) as package:
        built = {name.partition("/")[0] for name in package.getnames()} - {"CHANGELOG.md", "CHANGELOG.rst"}
    if built != SHIPPED:
        session.error(f"of these either the tarball or SHIPPED knows nothing: {', '.join(sorted(built ^ SHIPPED))}")
    session.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "--force", str(tarball))

    modules = [f"remotedesktop.sessions.{path.stem}" for path in sorted((ROOT / "plugins/modules").glob("*.py"))]
    needs(session, modules, "ansible-doc", *modules)
    inventories = [f"remotedesktop.sessions.{path.stem}" for path in sorted((ROOT / "plugins/inventory").glob("*.py"))]
    needs(session, inventories, "ansible-doc", "--type", "inventory", *inventories)
    lookups = [f"remotedesktop.sessions.{path.stem}" for path in sorted((ROOT / "plugins/lookup").glob("*.py"))]
    needs(session, lookups, "ansible-doc", "--type", "lookup", *lookups)
    needs(session, ["azure-identity>="], "ansible-builder", "introspect", str(tmp))
    with session.chdir(tmp):
        report = needs(session, ["completed successfully"], "python", "-m", "galaxy_importer.main", str(tarball))
    if re.search("^(WARNING|ERROR)", report, re.MULTILINE):
        session.error("galaxy-importer has objections")


def needs(session: nox.Session, words: list[str], *command: str) -> str:
    """Run a command that can fail with status 0: what it must say tells."""
    output = str(session.run(*command, silent=True))
    print(output)
    if missing := [word for word in words if word not in output]:
        session.error(f"{command[0]} does not show {', '.join(missing)}")
    return output


@nox.session
def molecule(session: nox.Session) -> None:
    """Molecule scenarios against the lab."""
    session.install("ansible-core", "-r", f"{REQUIREMENTS}/molecule.txt", *RUNTIME, *LAB)
    see_collection(session)
    # The hosts are the lab's, whatever those of other runs on this machine are called.
    session.env["SESSION_WINDOW_RUNS"] = str(pathlib.Path(session.create_tmp()).resolve())
    session.run("molecule", "test", *(session.posargs or ["--all"]))


@nox.session
def rehearse(session: nox.Session) -> None:
    """Hold maintenance windows against the lab."""
    session.install("ansible-core", *RUNTIME, *LAB)
    see_collection(session)
    session.run("python", "-m", "tests.lab.rehearse", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure wall time and memory against the lab."""
    session.install("ansible-core", *RUNTIME, *LAB)
    see_collection(session)
    session.run("python", "-m", "tests.benchmarks", *session.posargs)
