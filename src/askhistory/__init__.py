"""askhistory answers a question from your class notes, and only from them.

    >>> from askhistory import Assistant, build_index
    >>> build_index("corpus", "index")                              # doctest: +SKIP
    >>> Assistant.open("index").ask("what were the aims?").points   # doctest: +SKIP

Importing the package loads no model and no library that takes seconds to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from askhistory.schema import Answer, AskHistoryError, Citation, Point
from askhistory.settings import VERSION, Settings

if TYPE_CHECKING:
    from askhistory.assistant import Assistant, build_index

__all__ = [
    "Answer",
    "AskHistoryError",
    "Assistant",
    "Citation",
    "Point",
    "Settings",
    "build_index",
]
__version__ = VERSION


def __getattr__(name: str) -> Any:
    if name in {"Assistant", "build_index"}:
        from askhistory import assistant

        return getattr(assistant, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
