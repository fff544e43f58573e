"""A vendor with the real firmware in a real git repository, and one cache for the session."""

import pytest
from tests.vendors import Tree, Vendor, firmware_tree, new_vendor

from firmward.vendor.cache import Shelf, default_folder


@pytest.fixture(scope="session")
def shelf(tmp_path_factory) -> Shelf:
    """A cache of results that starts empty; the compiler's and the scanners are the account's."""
    folder = tmp_path_factory.mktemp("shelf")
    for name in ("zig", "tools"):
        default_folder().joinpath(name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(default_folder() / name)
    return Shelf(folder)


@pytest.fixture
def tree(tmp_path) -> Tree:
    """The firmware, committed."""
    return firmware_tree(tmp_path / "source")


@pytest.fixture
def vendor(tree, tmp_path, shelf) -> Vendor:
    """The pump's vendor, with nothing released yet."""
    return new_vendor(tree, tmp_path / "home", shelf)
