"""A virtual environment per peer, made once and again when its requirements change."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.data import ROOT, BenchError

FOLDER = ROOT / ".bench"
"""Where the environments are; it tells git to ignore it."""

_PEERS = Path(__file__).parent


def requirements(peer: str) -> dict[str, str]:
    """The pinned version of each package that a peer asks for."""
    lines = (_PEERS / peer / "requirements.txt").read_text(encoding="utf-8").split()
    return dict(line.split("==") for line in lines)


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, after making that where needed.

    Raises:
        BenchError: It cannot be made; the message holds what pip said.
    """
    folder = FOLDER / peer
    stamp = folder / "made-from.sha256"
    wanted = hashlib.sha256((_PEERS / peer / "requirements.txt").read_bytes()).hexdigest()
    binaries = folder / ("Scripts" if sys.platform == "win32" else "bin")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return binaries / "python"
    print(f"Installing {peer} …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
    _call([sys.executable, "-m", "venv", str(folder)], peer)
    pip = [str(binaries / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    pins = requirements(peer)
    if "torch" in pins:
        # First and alone, or another package may pull in gigabytes of CUDA.
        _call([*pip, f"torch=={pins['torch']}"], peer)
    _call([*pip, "-r", str(_PEERS / peer / "requirements.txt")], peer)
    stamp.write_text(wanted, encoding="utf-8")
    return binaries / "python"


def _call(command: list[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(
            f"The environment of {peer} cannot be made. pip said:\n{done.stderr[-2000:]}\n"
            f"Mend bench/peers/{peer}/requirements.txt or the connection, and run again."
        )
