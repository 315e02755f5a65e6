"""How Sphinx makes the site: sphinx-build -c docs . docs/_build/html, as `nox -s docs` does.

The source folder is the repository itself, so that pages which lie elsewhere (the packages' READMEs, the studies in
results/, the benchmarks) are pages of the site where they are, and their links lead to the same places there, on a
repository browser and here.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_site"))

# The notebook is run as it is for everybody, with nobody's profile; that the kernel listens on this machine is no news.
PROFILE = Path(__file__).parent / "_build" / "ipython" / "profile_default"
PROFILE.mkdir(parents=True, exist_ok=True)
(PROFILE / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
os.environ["IPYTHONDIR"] = str(PROFILE.parent)

project = "icl"
author = "the icl developers"
project_copyright = f"{author}. Apache-2.0"
html_title = "icl"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "experiment_pages",
    "reference_pages",
    "repository_links",
    "idea_pictures",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "packages/*/README.md",
    "packages/*/CHANGELOG.md",
    "results/README.md",
    "results/*/README.md",
    "benchmarks/results/*.md",
    "examples/*/README.md",
    "*.md",
]
exclude_patterns = [
    "**/.*",
    "docs/_*",
    "docs/experiments/_*",
    "docs/reliability/page.md",  # from which docs/reliability.md is made
    "README.md",  # the repository's own front page; here that is docs/index
    "*runs",
    "quickstart",
    "packages/*/src",
    "packages/*/tests",
    "tests",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
nitpicky = True
nitpick_ignore_regex = [
    # Other libraries' types: links to their pages would need a network to build with.
    (r"py:.*", r"(collections|numpy|os|pathlib|torch|types|typing|tyro|pandas|polars|pluggy|matplotlib|jax|np|nn)\..*"),
    (r"py:.*", r"(argparse|contextlib|dataclasses|io|jaxlib|npt|pd|plt|rich|unittest)\..*"),
    (r"py:.*", r"ArgumentTypeError|Figure|SkipTest|icl_train\.command_line\.T"),
    (r"py:class", r"AvoidSubcommands|Band|Measure|Names|Paths|tuple\[.*"),  # names for long types, in a private module
    (r"py:class", r"icl_\w+\..*\b_.*"),  # what has no public name is text in signatures
    (r"py:obj", r".*"),  # code in docstrings; tests/e2e/test_docstrings.py says which of it must exist
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autosummary_generate = False
default_role = "py:obj"  # `Name` is a link where Name is ours, else code
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# Pages of wide tables, which get the room of the list of their headings as well.
ROOT = Path(__file__).parents[1]
WIDE = [f"{path.parent.relative_to(ROOT).as_posix()}/README" for path in sorted(ROOT.glob("results/*/README.md"))]
WIDE += [f"benchmarks/results/{path.stem}" for path in sorted(ROOT.glob("benchmarks/results/*.md"))]
WIDE += ["docs/gallery/README", "docs/evidence", "docs/reliability", "docs/releasing", "docs/how-to/from-other-code"]

html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"]} | {page: [] for page in WIDE},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {page: [] for page in ("docs/index", "docs/start", "docs/ideas/index", "docs/glossary")}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = "$ "
linkcheck_timeout = 20
linkcheck_anchors = False
