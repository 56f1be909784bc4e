"""Notes in GitBook Markdown → sections of points, each knowing its lines in the file.

A page is read in three steps, each a module, before the folder is put together:

1. `source`: what Markdown does not know is taken out of the text and kept aside as
   marks: GitBook's ``{% … %}`` blocks, ``<details>``, comments. Each line of the result
   remembers which line of the file it is. `frontmatter` reads what stands before.
2. `inline`: a paragraph's markup becomes plain lines that still know where they were
   bold and whether the writer broke them on purpose. `html` does so for blocks of HTML.
3. `outline`: headings, group headings and marks open and close sections; bullets,
   sentences, lines and table rows become points.

`corpus` reads files and folders, and says what was passed over.

What is a section, and what a point:

- Every heading opens a section; so does a **group heading**: a bullet that is only bold
  text with something below it, bold text alone on a line above a list (or, where it is
  short, above a paragraph), a short text that ends in a colon in either place, the title
  of a GitBook tab, the summary of a ``<details>``. A group has the anchor of the real
  heading it stands under, and ends with its bullet, its list, its tab; what follows
  belongs to the enclosing heading again.
- A bullet is one point however many sentences it holds. A paragraph gives a point per
  sentence, or per line where the lines each stand alone (`text.group_lines`); so does a
  code block that is in no programming language. A table row is a point:
  ``Column: value; Column: value``, on the line of the row.
- A point that draws an arrow (``->``, ``=>``, ``→``) between clauses is a *chain*; one
  that is wholly bold, or begins with ``S:``, ``Summary:`` or ``Conclusion:``, is a
  *summary*, and that marker is left out of its text. A chain stays one where it is bold.
- Not points: a lone "OR", struck-out text, links that only lead to other pages or
  headings, the content of ``content-ref`` blocks, code in a programming language.

This package is the only home of markdown-it-py and its plugins, of PyYAML and of Pygments.
"""

from askhistory.notes.corpus import MAX_BYTES, parse_page, read_corpus, read_page

__all__ = ["MAX_BYTES", "parse_page", "read_corpus", "read_page"]
