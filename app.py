"""The entry point of a Hugging Face Space, which runs `python app.py`.

A Space installs requirements.txt and then copies the repository beside it, but does not install
the repository; hence the path. Everywhere else, `askhistory serve` does the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))


def declare_gpu_function() -> None:
    """Give a ZeroGPU Space the GPU function without which it does not start.

    It is never called: the encoder answers on the CPU, and a call would cost its visitor's quota.
    """
    try:
        import spaces
    except ImportError:
        return
    spaces.GPU(lambda: None)


def main() -> None:
    """Serve the page at once; the index is built meanwhile where it is missing or stale."""
    declare_gpu_function()  # first, because ZeroGPU must patch torch before anything imports it

    from askhistory import logs, ui
    from askhistory.assistant import open_or_build
    from askhistory.settings import Settings

    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    ui.launch(lambda: open_or_build(settings, report=print), settings)


if __name__ == "__main__":
    main()
