"""Make sure that the browser tests have a Chromium to drive.

The system's own is used where there is one. Otherwise root takes Debian's package, and
everybody else, or root where that package does not start, takes playwright's own download.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser")


def system_chromium() -> str | None:
    """Return the path of a Chromium of the system's that starts, or None."""
    for name in NAMES:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], check=False).returncode == 0:
            return path
    return None


def main() -> int:
    """Find a Chromium or install one; return 0 when there is one."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if system_chromium():
        return 0
    if is_root and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run(["apt-get", *command], env=environment, check=False)
        if system_chromium():
            return 0
    options = ["--with-deps"] if is_root else []
    return subprocess.run(
        [sys.executable, "-m", "playwright", "install", *options, "chromium"], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
