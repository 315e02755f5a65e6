"""Relative links that lead to folders: to the folder's README, or to a page that lists its files.

A repository browser shows a folder by itself; here a folder without a README gets a page, and what it lists is copied.
Links to single files are downloads, as MyST makes them, but pages in HTML are opened; the front page of the repository
is that of the site.
"""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
OVERVIEWS = {
    "benchmarks/results": "docs/benchmarks",
    ".": "docs/index",
    "docs": "docs/index",
}
LISTED = "repository"  # where the pages of folders lie on the site
HIDDEN = ("__pycache__", ".")


def lead(app: Sphinx, document: nodes.document) -> None:
    """Lead the links of a page that MyST takes for nothing it knows."""
    env = app.env
    for link in list(document.findall(addnodes.pending_xref)):
        if link.get("reftype") == "myst" and link["reftarget"] == "README":
            link.replace_self(page_reference(link, "docs/index"))
        elif link.get("reftype") == "myst" and link["refdomain"] is None:
            folder = ((ROOT / env.docname).parent / link["reftarget"].partition("#")[0]).resolve()
            if folder.is_dir() and folder.is_relative_to(ROOT):
                lead_to_folder(app, link, folder.relative_to(ROOT).as_posix())
    for link in list(document.findall(addnodes.download_reference)):
        file = ((ROOT / env.docname).parent / link["reftarget"]).resolve()
        if file.suffix == ".html" and file.is_file():  # a page of its own, to be opened and not kept
            path = file.relative_to(ROOT).as_posix()
            remember(app, "opened", path)
            link.replace_self(reference_to(app, link, f"{LISTED}/{path.removesuffix('.html')}"))


def remember(app: Sphinx, kind: str, path: str) -> None:
    """That the page which is read links to a folder or file."""
    known = app.env.metadata[app.env.docname].get(kind, "")
    app.env.metadata[app.env.docname][kind] = f"{known}\n{path}".strip()


def remembered(app: Sphinx, kind: str) -> set[str]:
    """All that pages link to."""
    return {path for data in app.env.metadata.values() for path in data.get(kind, "").split("\n") if path}


def reference_to(app: Sphinx, link: nodes.Element, page: str) -> nodes.reference:
    """A link to what no source of a page makes."""
    uri = app.builder.get_relative_uri(app.env.docname, page)
    return nodes.reference("", "", *link.children, refuri=uri, internal=True)


def lead_to_folder(app: Sphinx, link: addnodes.pending_xref, folder: str) -> None:
    """To the page about a folder, or to a list of what is in it."""
    page = OVERVIEWS.get(folder, f"{folder}/README")
    if page in app.env.all_docs or page in app.env.found_docs:
        link.replace_self(page_reference(link, page))
        return
    remember(app, "folders", folder)
    link.replace_self(reference_to(app, link, f"{LISTED}/{folder}/index"))


def page_reference(link: nodes.Element, page: str) -> addnodes.pending_xref:
    """A link to a page in the place of another one."""
    made = addnodes.pending_xref("", *link.children, refdomain="std", reftype="doc", reftarget=f"/{page}")
    made.attributes.update({"refexplicit": True, "refdoc": link["refdoc"], "refwarn": True})
    return made


def below(folders: set[str]) -> Iterator[str]:
    """The folders, and those in them."""
    for folder in folders:
        for path in (ROOT / folder, *(ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.is_dir() and not any(part.startswith(HIDDEN) for part in parts):
                yield path.relative_to(ROOT).as_posix()


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each folder that is linked and has none, and for those in it."""
    for path in remembered(app, "opened"):
        place = Path(app.outdir, LISTED, path).parent
        place.mkdir(parents=True, exist_ok=True)
        for file in (ROOT / path, *(ROOT / path).parent.glob(f"{Path(path).stem}_*.csv")):  # which the page links to
            shutil.copyfile(file, place / file.name)
    for folder in sorted(set(below(remembered(app, "folders")))):
        rows = []
        for path in sorted((ROOT / folder).iterdir(), key=lambda path: (path.is_file(), path.name)):
            if path.name.startswith(HIDDEN):
                continue
            name = html.escape(path.name)
            rows.append(f'<li><a href="{name}{"/index.html" if path.is_dir() else ""}">{name}</a></li>')
            if path.is_file():
                target = Path(app.outdir, LISTED, folder, path.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        body = f'<h1><code class="literal">{html.escape(folder)}</code></h1><ul>{"".join(rows)}</ul>'
        context = {"title": folder, "body": body, "toc": "", "display_toc": False}
        yield f"{LISTED}/{folder}/index", context, "page.html"


def first_page(app: Sphinx, error: Exception | None) -> None:
    """The site's address leads to its first page, which lies where its source does."""
    if error is None and app.builder.format == "html":
        text = '<!doctype html><html lang="en"><meta charset="utf-8"><title>icl</title>'
        text += '<meta http-equiv="refresh" content="0; url=docs/index.html"><a href="docs/index.html">icl</a></html>\n'
        Path(app.outdir, "index.html").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("doctree-read", lead)
    app.connect("html-collect-pages", pages)
    app.connect("build-finished", first_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
