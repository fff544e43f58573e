"""Code stays small enough to be read in one sitting, and named for what it holds."""

import ast
import re
from collections.abc import Callable, Iterable

FILE_AIM, FILE_LIMIT = 300, 400
FUNCTION_AIM, FUNCTION_LIMIT = 40, 60
NESTING_LIMIT = 4
# An aim is missed now and then for a good reason; a habit of missing it is what the test refuses.
SHARE_WITHIN_AIM = 0.95

NAMES_THAT_SAY_NOTHING = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "managers",
    "common",
    "base",
    "misc",
}
NAMES_OF_THE_STANDARD_LIBRARY = {
    "json",
    "types",
    "typing",
    "logging",
    "time",
    "random",
    "ssl",
    "socket",
    "email",
}
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def body_lines(function) -> int:
    """Lines of a function after its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def depth(node: ast.AST) -> int:
    """How deep blocks lie within blocks; an elif is no deeper than its if, nor a with in a with."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        same_level = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or (
            isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        )
        deepest = max(deepest, depth(child) + (isinstance(child, NESTS) and not same_level))
    return deepest


def share(values: Iterable[int], within: Callable[[int], bool]) -> float:
    """The share of the values that satisfy a condition."""
    values = list(values)
    return sum(map(within, values)) / len(values)


def test_no_file_passes_the_limit_and_few_pass_the_aim(everything):
    """A file has at most 300 lines, rarely 400."""
    sizes = {source.where: len(source.text.splitlines()) for source in everything}

    assert {} == {where: size for where, size in sizes.items() if size > FILE_LIMIT}
    assert share(sizes.values(), lambda size: size <= FILE_AIM) >= SHARE_WITHIN_AIM


def test_no_function_passes_the_limit_and_few_pass_the_aim(everything):
    """A function body has at most 40 lines, rarely 60."""
    sizes = {
        f"{source.where}:{function.lineno} {function.name}": body_lines(function)
        for source in everything
        for function in source.functions()
    }

    assert {} == {where: size for where, size in sizes.items() if size > FUNCTION_LIMIT}
    assert share(sizes.values(), lambda size: size <= FUNCTION_AIM) >= SHARE_WITHIN_AIM


def test_no_function_nests_deeper_than_the_limit(everything):
    """Blocks lie at most four deep."""
    deep = [
        f"{source.where}:{function.lineno} {function.name}"
        for source in everything
        for function in source.functions()
        if depth(function) > NESTING_LIMIT
    ]

    assert [] == deep


def test_no_file_has_a_name_that_says_nothing_or_hides_the_standard_library(everything):
    """Files are called by what they hold."""
    refused = NAMES_THAT_SAY_NOTHING | NAMES_OF_THE_STANDARD_LIBRARY

    assert [] == [source.where for source in everything if source.path.stem in refused]


def test_no_class_has_a_name_that_says_nothing(everything):
    """Classes are called by what they are."""
    empty_words = {word.capitalize() for word in NAMES_THAT_SAY_NOTHING}
    named = [
        f"{source.where}:{node.lineno} {node.name}"
        for source in everything
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and empty_words & set(re.findall("[A-Z][a-z]+", node.name))
    ]

    assert [] == named


def test_every_module_says_what_it_gives(everything):
    """The first statement of a module is its docstring; an empty __init__ needs none."""
    silent = [
        source.where
        for source in everything
        if source.tree.body and ast.get_docstring(source.tree) is None
    ]

    assert [] == silent
