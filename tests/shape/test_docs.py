"""The documents say what the code does: stages, terms, commands, decisions and links."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import firmward
from firmward.cli import build
from firmward.terms.stage import Stage

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents(root: Path) -> list[Path]:
    """Every document that people read."""
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def first_cells(text: str) -> list[str]:
    """The first cell of every row in a document's tables, without headings and rules."""
    rows = re.findall(r"^\| *(.*?) *\|", text, re.MULTILINE)
    rules = [index for index, row in enumerate(rows) if re.fullmatch(r"-+", row)]
    headings = {index - 1 for index in rules} | set(rules)
    return [row for index, row in enumerate(rows) if index not in headings]


def commands(text: str) -> list[str]:
    """Every `firmward ...` that a document shows, in a block or in a line."""
    blocks = [block for block in FENCE.findall(text) if not block.startswith("```mermaid")]
    shown = [
        match.group(1)
        for block in blocks
        for line in block.splitlines()
        if (match := re.match(r"(?:\$ )?(?:\.venv/bin/)?firmward (.*)", line.strip()))
    ]
    return shown + re.findall(r"`(?:\.venv/bin/)?firmward ([^`]+)`", FENCE.sub("", text))


def unknown_part(shown: str) -> str:
    """The first word of a shown command line that the program would refuse, or nothing."""
    here = get_command(build())
    for word in shown.partition("#")[0].split():
        if word.startswith("--"):
            options = {option for parameter in here.params for option in parameter.opts}
            if word.partition("=")[0] not in options | {"--help"}:
                return word
        elif getattr(here, "commands", None):
            if word not in here.commands:
                return word
            here = here.commands[word]
    return ""


def anchors(text: str) -> set[str]:
    """The fragments that a document's headings can be linked by."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_pipeline_page_lists_the_stages_in_their_order(root):
    """docs/pipeline.md has one row for each stage, as the code orders them."""
    listed = re.findall(
        r"^\| `([a-z]+)` \|", (root / "docs" / "pipeline.md").read_text(), re.MULTILINE
    )

    assert [stage.value for stage in Stage] == listed


def test_each_term_is_defined_once_and_in_order(root):
    """docs/terms.md has a word once, where the alphabet puts it."""
    terms = [
        term.strip("*").lower() for term in first_cells((root / "docs" / "terms.md").read_text())
    ]

    assert terms == sorted(set(terms))


def test_every_shown_command_exists(root):
    """No document shows a command or option that the program does not have."""
    refused = {
        f"{path.name}: firmward {shown}": unknown_part(shown)
        for path in documents(root)
        for shown in commands(path.read_text())
        if unknown_part(shown)
    }

    assert {} == refused


def test_every_shown_make_target_exists(root):
    """No document names a target that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    shown = {
        word
        for path in documents(root)
        for word in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.MULTILINE)
    }

    assert set() == shown - targets


def test_decisions_are_numbered_without_gaps(root):
    """Decision N is file N, and its title carries the number."""
    files = sorted((root / "docs" / "decisions").glob("[0-9]*.md"))
    titles = [path.read_text().splitlines()[0] for path in files]

    assert [f"{number:04}" for number in range(1, len(files) + 1)] == [
        path.name[:4] for path in files
    ]
    assert [path.name[:4] for path in files] == [title.removeprefix("# ")[:4] for title in titles]


@pytest.mark.parametrize(
    "heading", ["## Context", "## Decision", "## Rejected", "## What would change our mind"]
)
def test_every_decision_answers_the_same_questions(root, heading):
    """A decision without its rejected options is an announcement."""
    files = (root / "docs" / "decisions").glob("[0-9]*.md")

    assert [] == [path.name for path in files if heading not in path.read_text().splitlines()]


def test_every_link_inside_the_checkout_leads_somewhere(root):
    """Relative links name a file that is there and a heading that it has."""
    dead = []
    for path in documents(root):
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", path.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, fragment = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            found = target.exists() and (not fragment or fragment in anchors(target.read_text()))
            if not found:
                dead.append(f"{path.relative_to(root)}: {link}")

    assert [] == dead


def test_every_document_is_reached_from_the_readme(root):
    """A page that nothing links to is a page that nobody reads."""
    linked = {
        (path.parent / link.partition("#")[0]).resolve()
        for path in documents(root)
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    }

    assert [] == [
        path.name for path in documents(root) if path not in linked and path.name != "README.md"
    ]


def test_a_line_holds_one_sentence(root):
    """A change to one sentence is a change to one line."""
    crowded = [
        f"{path.relative_to(root)}: {line}"
        for path in documents(root)
        for line in FENCE.sub("", path.read_text()).splitlines()
        if not line.startswith(("|", "#")) and re.search(r"[a-z)`][.?!] [A-Z]", line)
    ]

    assert [] == crowded


def test_the_version_is_the_same_everywhere(root):
    """The package, the project file and the newest heading of the changelog agree."""
    project = re.search(r'^version = "(.+)"', (root / "pyproject.toml").read_text(), re.MULTILINE)
    newest = re.findall(r"^## \[(\d[^]]*)\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert [project[1], firmward.__version__] == [firmward.__version__, newest[0]]
