"""Tests meet the real thing, say what they show, and are never left out in silence."""

import ast

MOCKING = {"mock", "unittest.mock", "pytest_mock", "respx", "responses", "mocker", "monkeypatch"}
SKIPPING = {"skip", "skipif", "importorskip", "xfail"}


def dotted(node: ast.AST) -> str:
    """A call's or decorator's name as written: `pytest.mark.skip`."""
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def gives_a_reason(node: ast.AST) -> bool:
    """Whether a skip says why: a `reason=`, or the one argument of `pytest.skip`."""
    if not isinstance(node, ast.Call):
        return False
    named = any(keyword.arg == "reason" for keyword in node.keywords)
    return named or (dotted(node) == "pytest.skip" and len(node.args) == 1)


def test_no_test_replaces_a_real_part_with_a_mock(tests):
    """Neither a mocking library is imported nor a patching fixture asked for."""
    imported = {
        f"{source.where} imports {name}"
        for source in tests
        for name in source.imports()
        if any(name == mock or name.startswith(mock + ".") for mock in MOCKING)
    }
    asked = {
        f"{source.where}:{function.lineno} asks for {argument.arg}"
        for source in tests
        for function in source.functions()
        for argument in function.args.args
        if argument.arg in MOCKING
    }

    assert set() == imported | asked


def test_every_skip_gives_its_reason(tests):
    """A test that is left out says why, where a person and CI read it."""
    silent = []
    for source in tests:
        called = {id(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
        for node in ast.walk(source.tree):
            bare = isinstance(node, ast.Attribute) and id(node) not in called
            name = dotted(node) if bare or isinstance(node, ast.Call) else ""
            if (
                name.startswith("pytest.")
                and name.rpartition(".")[2] in SKIPPING
                and not gives_a_reason(node)
            ):
                silent.append(f"{source.where}:{node.lineno} {name}")

    assert [] == silent


def test_every_test_says_in_one_line_what_it_shows(tests):
    """A test's docstring is one line, so that a failure reads as a sentence."""
    wordless = [
        f"{source.where}:{function.lineno} {function.name}"
        for source in tests
        for function in source.functions()
        if function.name.startswith("test_") and not one_line(ast.get_docstring(function))
    ]

    assert [] == wordless


def one_line(docstring: str | None) -> bool:
    """Whether there is a docstring of exactly one line."""
    return docstring is not None and len(docstring.strip().splitlines()) == 1
