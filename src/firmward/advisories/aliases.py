"""Which names mean the same product: a table of vendors, products, purls and packages as data.

Sources spell one product in many ways, and products of different vendors in the same way.  A name
that the table and the component do not vouch for is a namesake, and decides nothing.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from firmward.advisories.keys import plain

TABLE: Final = "aliases.toml"

Named = tuple[str, str]
"""Vendor and product, both `keys.plain`."""


class Product(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[product]] of the table, which says what its members mean."""

    name: str
    names: tuple[str, ...]
    purls: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    linear: bool = False


@dataclass(frozen=True)
class Table:
    """The products, found by what they are called.

    by_purl, by_name   one product each: a name that stood for two would identify neither
    """

    by_purl: dict[str, Product]
    by_name: dict[Named, Product]
    by_package: dict[str, Product]
    patterns: tuple[tuple[str, Product], ...]

    def packaged(self, package: str) -> Product | None:
        """The product that a distribution ships under this name, source or binary."""
        if package in self.by_package:
            return self.by_package[package]
        fitting = (product for name, product in self.patterns if fnmatchcase(package, name))
        return next(fitting, None)


def named(text: str) -> Named:
    """Vendor and product of `vendor:product`."""
    vendor, _, product = text.partition(":")
    return plain(vendor), plain(product)


@cache
def table() -> Table:
    """The table that comes with Firmward."""
    text = files("firmward.advisories").joinpath(TABLE).read_text("utf-8")
    return read(text)


def read(text: str) -> Table:
    """A table from TOML.  Raises ValueError where a name stands for two products."""
    listed = msgspec.convert(tomllib.loads(text)["product"], tuple[Product, ...])
    purls = [(purl, product) for product in listed for purl in product.purls]
    names = [(named(name), product) for product in listed for name in product.names]
    packages = [(package, product) for product in listed for package in product.packages]
    for pairs in (purls, names, packages):
        _refuse_twice([name for name, _ in pairs])
    return Table(
        by_purl=dict(purls),
        by_name=dict(names),
        by_package={name: product for name, product in packages if "*" not in name},
        patterns=tuple((name, product) for name, product in packages if "*" in name),
    )


def _refuse_twice(names: Sequence[object]) -> None:
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"aliases: expected every name once, got twice: {', '.join(twice)}")
