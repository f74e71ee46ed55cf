"""Builds what the demo and the tests run: `.venv/` with Synapse and our package, and the command.

The standard library only. Says what it does and for how long; the tools' own output goes to
`.demo/prepare.log`, whose end is shown when a step fails. What is up to date is not done again.

    python3 demo/prepare.py            the virtual environment
    python3 demo/prepare.py --command  and the command line program
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WORK = ROOT / ".demo"
LOG = WORK / "prepare.log"
REQUIREMENTS = ROOT / "python" / "requirements-test.txt"
# What the package is built from, tests and benchmarks left out.
SOURCES = ["Cargo.toml", "Cargo.lock", "src", "grammar", "python"]
NOT_SOURCES = {"tests", "benches", "target", "__pycache__"}

REPORT_EVERY = 10.0  # seconds between signs of life when nobody sits at a terminal


class StepFailed(Exception):
    """A step of the preparation failed; the message says which, why, and ends with the log's tail."""


def prepare(command: bool = False) -> Path | None:
    """Bring everything up to date; the path of the command line program if it was asked for."""
    check_tools()
    WORK.mkdir(exist_ok=True)
    with open(WORK / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  another `make` prepares this folder: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        LOG.write_text("")
        program = build_command() if command else None
        make_venv()
        install_package()
    return program


def check_tools() -> None:
    if sys.version_info < (3, 10):
        found = ".".join(map(str, sys.version_info[:3]))
        raise StepFailed(f"Python 3.10 or later is needed, this is {found}; `make PYTHON=python3.12 ...` names another")
    if shutil.which("cargo") is None:
        raise StepFailed("`cargo` is not on the PATH: install Rust first")
    if not any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang")):
        raise StepFailed("no C compiler is on the PATH: Rust needs one to link")


def build_command() -> Path:
    step("building the command line program", ["cargo", "build", "--release", "--bin", "presence-router"])
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "presence-router"


def make_venv() -> None:
    stamp = Stamp("requirements", [sys.version, REQUIREMENTS.read_text()])
    if stamp.is_current():
        return
    step("making a virtual environment in .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    step("installing Synapse and the tools into it", [*pip, "-r", str(REQUIREMENTS)])
    stamp.write()


def install_package() -> None:
    parts = [sys.version, run_quietly(["rustc", "-V"])]
    for name in SOURCES:
        for path in sorted([ROOT / name, *(ROOT / name).rglob("*")]):
            inside = path.relative_to(ROOT)
            if path.is_file() and not NOT_SOURCES & set(inside.parts) and path.suffix != ".so":
                parts += [str(inside), path.read_bytes().hex()]
    stamp = Stamp("package", parts)
    if stamp.is_current():
        return
    with tempfile.TemporaryDirectory(dir=WORK) as wheels:
        manifest = str(ROOT / "python" / "Cargo.toml")
        maturin = [str(PYTHON), "-m", "maturin", "build", "--release", "--interpreter", str(PYTHON)]
        step("building the Synapse module", [*maturin, "--manifest-path", manifest, "--out", wheels])
        built = list(map(str, Path(wheels).glob("*.whl")))
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        step("installing the Synapse module", [*pip, "--force-reinstall", "--no-deps", *built])
    stamp.write()


class Stamp:
    """A file in the virtual environment that says what it was made from."""

    def __init__(self, name: str, parts: list[str]):
        self.path = VENV / f".{name}.stamp"
        self.digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def is_current(self) -> bool:
        return PYTHON.exists() and self.path.exists() and self.path.read_text() == self.digest

    def write(self) -> None:
        self.path.write_text(self.digest)


def run_quietly(arguments: list[str]) -> str:
    return subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def step(title: str, arguments: list[str]) -> None:
    """Run one tool; show the step, the seconds and the tool's newest line while it runs."""
    at_terminal = sys.stdout.isatty()
    began = time.monotonic()
    with open(LOG, "a") as log:
        print(f"$ {' '.join(arguments)}", file=log, flush=True)
        starts_at = log.tell()
        if not at_terminal:
            print(f"  {title} ...", flush=True)
        process = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5 if at_terminal else REPORT_EVERY)
                    break
                show_progress(at_terminal, title, time.monotonic() - began, newest_line(starts_at))
        except BaseException:
            process.terminate()
            process.wait()
            raise
    seconds = time.monotonic() - began
    clear = "\r\033[K" if at_terminal else ""
    if process.returncode != 0:
        said = LOG.read_bytes()[starts_at:].decode(errors="replace").splitlines()[-30:]
        tail = "\n".join("    " + line for line in said)
        raise StepFailed(
            f"{clear}{title}: failed after {seconds:.0f} s with exit code {process.returncode}.\n"
            f"The end of {LOG.relative_to(ROOT)}:\n{tail}"
        )
    print(f"{clear}  {title}: {seconds:.0f} s", flush=True)


def show_progress(at_terminal: bool, title: str, seconds: float, line: str) -> None:
    if at_terminal:
        width = shutil.get_terminal_size().columns - 1
        print("\r\033[K" + f"  {title}: {seconds:.0f} s  {line}"[:width], end="", flush=True)
    else:
        print(f"    {seconds:4.0f} s  {line[:100]}", flush=True)


def newest_line(starts_at: int) -> str:
    with open(LOG, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(starts_at, log.tell() - 2000))
        lines = log.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


if __name__ == "__main__":
    try:
        prepare(command="--command" in sys.argv[1:])
    except (StepFailed, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
