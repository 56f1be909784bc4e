"""The student's page: a chat beside the open notes.

A reading order: `words` (what the page says), `layout` (a page of the notes as HTML), `reader`
(the corpus, addressable), `opening` (the assistant, opened while the page is already there),
`turns` (a conversation as the browser keeps it), `answers` (an answer as HTML), `feedback` (the
log), `limits` (how fast questions are taken), `web` (headers, files and the reader's own
addresses), `desk` (what happens on each event), `page` (the Gradio blocks that tie them together).
"""

from askhistory.ui.page import build, launch

__all__ = ["build", "launch"]
