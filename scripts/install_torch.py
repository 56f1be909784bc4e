"""Install the CPU build of torch into the environment that runs this script.

Left to itself, pip brings the CUDA build and gigabytes of libraries that nothing here uses.
The CPU builds live in an index of PyTorch's own. It is asked about torch alone and only once,
because an unreachable index would cost seconds for every package looked up; where it cannot be
reached, the usual index serves torch as well. What torch itself needs is left to the
installation that follows.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

TORCH = "torch==2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> int:
    """Install torch unless some version is there already; return pip's exit status."""
    try:
        print(f"torch {version('torch')} is installed already.")
        return 0
    except PackageNotFoundError:
        pass
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]
    from_cpu_index = [*pip, "--retries", "0", "--timeout", "15", "--extra-index-url", CPU_INDEX]
    return (
        subprocess.run([*from_cpu_index, TORCH], check=False).returncode
        and subprocess.run([*pip, TORCH], check=False).returncode
    )


if __name__ == "__main__":
    sys.exit(main())
