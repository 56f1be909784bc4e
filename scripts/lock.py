"""Write requirements.lock: every package that the tests install, pinned, with its files' hashes.

Run it (`make lock`) after a change of requirements.txt or pyproject.toml. It asks the usual index
for what fits Python 3.11 and newer on any system, by uv, which it installs if need be.

Not in the file are torch, which scripts/install_torch.py brings from an index of its own with other
hashes for each system, and the CUDA libraries that torch's other builds ask for.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEAD = """\
# Made by `make lock` from requirements.txt and pyproject.toml; do not edit. `make test` installs it
# with pip's --require-hashes, so that no file is taken that was not there when this was made.
"""
_NOT_OURS = re.compile(r"(?:torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==")


def without_torch(compiled: str) -> str:
    """Return compiled requirements without torch and the libraries of its CUDA builds.

    Args:
        compiled: A line per package, followed by indented lines with its hashes.
    """
    blocks = re.split(r"(?m)^(?=\S)", compiled)
    return "".join(block for block in blocks if not _NOT_OURS.match(block))


def main() -> int:
    """Write the file; return uv's exit status."""
    if find_spec("uv") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv>=0.9"], check=True)
    compiling = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
    compiling += ["--universal", "--python-version", "3.11", "--extra", "dev", "--extra", "bench"]
    compiling += ["--extra", "llm-test"]
    compiling += ["--generate-hashes", "--no-header", "--no-annotate"]
    compiled = subprocess.run(compiling, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if compiled.returncode == 0:
        LOCK.write_text(HEAD + without_torch(compiled.stdout), "utf-8")
    return compiled.returncode


if __name__ == "__main__":
    sys.exit(main())
