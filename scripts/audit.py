"""Ask pip-audit whether what requirements.lock and install_torch.py bring is known to be unsafe.

The exit status is 0 only where every package was looked up and none has a vulnerability that is not
named below. Where the database cannot be reached, that is an error and not a clean bill of health.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from install_torch import TORCH

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"

EXCEPTIONS: dict[str, str] = {}
"""Vulnerabilities that are passed over, by their number, and why each is harmless here."""


def pins(lock: str) -> list[str]:
    """Return a lock's requirements without their hashes, torch among them."""
    return [*re.findall(r"(?m)^([A-Za-z0-9._-]+==[^\s;\\]+)", lock), TORCH]


def main() -> int:
    """Audit; return pip-audit's exit status."""
    if find_spec("pip_audit") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "pip-audit>=2.9,<3"]
        subprocess.run(install, check=True)
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--no-deps"]
    for number, reason in EXCEPTIONS.items():
        print(f"Passed over: {number} ({reason})")
        command += ["--ignore-vuln", number]
    with TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(pins(LOCK.read_text("utf-8"))), "utf-8")
        status = subprocess.run([*command, "-r", str(listed)], check=False).returncode
    if status:
        print(
            "The audit is not clean: see above. Where it says that a package was not found or "
            "could not be looked up, the database of vulnerabilities cannot be reached from here; "
            "run “make audit” where it can.",
            file=sys.stderr,
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
