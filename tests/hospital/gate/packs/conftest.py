"""A pack or two, overlays, and a site that adopted them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.made_packs import NOW, Made, rule, two_rules

from firmward.hospital.found import found
from firmward.hospital.gate.engines.direct import direct
from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.records.site import Settings


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Made]:
    """How to make a pack of two rules in a folder of packs."""
    return lambda **changes: two_rules(tmp_path / "packs", **changes)


@pytest.fixture
def another(tmp_path: Path) -> Callable[..., Made]:
    """How to make a second pack, with one rule on another parameter."""

    def another(**changes: Any) -> Made:
        values: dict[str, Any] = {
            "id": "other",
            "rules": [rule("OTH-001", "sbom.author != p.nobody", ["sbom.author"])],
            "clauses": {"made-1": {"cite": "Made 1", "says": "Do it well.", "confidence": "high"}},
            "parameters": {"nobody": "nobody"},
            "bounds": {"nobody": {"type": "string", "x-tighter": "none"}},
            "values": {"sbom.author": "acme"},
            "failing": {"OTH-001": [{"path": "sbom.author", "value": "nobody"}]},
        }
        return Made(tmp_path / "packs", **(values | changes))

    return another


@pytest.fixture
def overlay() -> Callable[..., Overlay]:
    """How to make an overlay; the hospital's where nothing else is said."""

    def overlay(**changes: Any) -> Overlay:
        members: dict[str, Any] = {
            "overlay_schema": "firmward.overlay/v1",
            "id": "st-made",
            "version": "2026.11.0",
            "scope": "hospital",
            "effective_from": NOW,
            "expires": NOW.replace(year=2027),
        }
        return Overlay(**(members | changes))

    return overlay


@pytest.fixture(scope="session")
def engine() -> Any:
    """The default rule engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded site, to be copied."""
    folder = tmp_path_factory.mktemp("founded") / "site"
    found(folder, Settings(site="st-made"), NOW)
    return folder


@pytest.fixture
def home(tmp_path: Path, founded: Path) -> Path:
    """A founded site that has adopted nothing yet."""
    return Path(shutil.copytree(founded, tmp_path / "site"))


@pytest.fixture
def site(home: Path, made: Callable[..., Made]) -> Path:
    """A founded site that adopted the pack of two rules."""
    made().write()
    adopt.adopt(home, made().folder, ["made"], NOW)
    return home
