"""What we depend on is asked for once, locked by hash, explained and used."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

# Used without an import in our code: by whom.
USED_UNSEEN = {
    "cppcheck": "a command that vendor/scan runs",
    "httptools": "uvicorn's parser",
    "imgtool": "a module that is run to pack MCUboot images",
    "uvloop": "uvicorn's event loop",
    "ziglang": "a module that is run to compile firmware",
}
OURS_IN_TESTS = {"firmward", "tests"}


def plain(name: str) -> str:
    """A distribution's name without version, extras and spelling differences."""
    return re.split(r"[<>=!~;\[ ]", name, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


@pytest.fixture(scope="module")
def project(root) -> dict:
    """The project file."""
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def direct(project) -> dict[str, set[str]]:
    """Names of direct dependencies: those that run, and those that develop."""
    return {
        "run": {plain(name) for name in project["project"]["dependencies"]},
        "dev": {plain(name) for name in project["dependency-groups"]["dev"]},
    }


def locked(root, name: str) -> dict[str, str]:
    """Distribution -> its locked line, from one lock."""
    text = (root / "requirements" / f"{name}.lock").read_text()
    return {
        plain(line): line.rstrip(" \\") for line in text.splitlines() if re.match(r"[a-z0-9]", line)
    }


def test_each_direct_dependency_has_its_row_and_no_row_is_left_over(root, direct):
    """docs/dependencies.md names exactly what pyproject.toml asks for."""
    rows = re.findall(
        r"^\| `([^`]+)` \|", (root / "docs" / "dependencies.md").read_text(), re.MULTILINE
    )

    assert sorted(direct["run"] | direct["dev"]) == sorted(rows)


@pytest.mark.parametrize(("lock", "groups"), [("run", ("run",)), ("dev", ("run", "dev"))])
def test_each_lock_holds_every_direct_dependency_with_hashes(root, direct, lock, groups):
    """What is asked for is locked, and pip can refuse any other file."""
    text = (root / "requirements" / f"{lock}.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert set() == set().union(*(direct[group] for group in groups)) - set(locked(root, lock))
    assert [] == [entry for entry in entries if "--hash=sha256:" not in entry]


def test_the_tests_run_on_the_versions_that_ship(root):
    """Each line of the run lock is a line of the development lock."""
    assert set() == set(locked(root, "run").values()) - set(locked(root, "dev").values())


def test_the_locks_name_no_host(root):
    """A lock works with any index, and tells nobody where ours is."""
    for lock in (root / "requirements").glob("*.lock"):
        assert not re.search(r"https?://|--find-links|--index-url", lock.read_text()), lock.name


def test_shipped_code_imports_what_is_asked_for_and_nothing_is_asked_for_in_vain(product, direct):
    """Imports and pyproject.toml agree, but for the tools that are used without an import."""
    providers = packages_distributions()
    tops = {name.partition(".")[0] for source in product for name in source.imports()}
    foreign = tops - set(sys.stdlib_module_names) - {"firmward"}
    imported = {
        plain(distribution) for top in foreign for distribution in providers.get(top, [top])
    }

    assert set() == imported - direct["run"]
    assert set() == direct["run"] - imported - set(USED_UNSEEN)


def test_tests_import_only_what_is_asked_for(tests, direct):
    """A test leans on no library that is there by accident."""
    providers = packages_distributions()
    tops = {name.partition(".")[0] for source in tests for name in source.imports()}
    foreign = tops - set(sys.stdlib_module_names) - OURS_IN_TESTS
    imported = {
        plain(distribution) for top in foreign for distribution in providers.get(top, [top])
    }

    assert set() == imported - direct["run"] - direct["dev"]
