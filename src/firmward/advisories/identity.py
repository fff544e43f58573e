"""What a component is called, everywhere that an advisory might name it.

An SBOM names a component once; sources name it in their own ways.  Each way carries a different
weight: a package URL or a vendor with a product identifies, a bare name only suggests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final
from urllib.parse import parse_qsl

from msgspec import Meta

from firmward.advisories import distributions, ecosystems
from firmward.advisories.aliases import Named, Product, Table, named
from firmward.advisories.distributions import Distribution
from firmward.advisories.keys import cpe_key, name_key, plain, purl_path
from firmward.terms.wire import Wire

_Text = Annotated[str, Meta(max_length=4096)]

REGISTRIES: Final[Mapping[str, str]] = {
    "bitnami": "Bitnami",
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "cran": "CRAN",
    "gem": "RubyGems",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}
"""Package URL types and the names that OSV has for the same registries."""

# Conan packs upstream's own releases; what is said of upstream is said of them.
_OF_UPSTREAM: Final = frozenset({"ConanCenter"})


class Component(Wire, frozen=True, kw_only=True):
    """A named part of a firmware image.

    purl    package URL; its qualifiers `distro` and `upstream` are read where the rest is silent
    cpe     CPE 2.3 name or 2.2 URI
    source  the source package that a distribution built it from
    distro  the distribution's release, such as "debian-12"
    sha256  of its file, in hexadecimal, for statements that name it so
    """

    name: _Text
    version: _Text = ""
    purl: _Text = ""
    supplier: _Text = ""
    cpe: _Text = ""
    source: _Text = ""
    distro: _Text = ""
    sha256: _Text = ""


@dataclass(frozen=True)
class Identity:
    """A component as sources may call it.

    packages      purl paths (keys.purl_path) that are this very package
    names         vendor and product, plain, that are this very product
    foreign       vendor and product that only sound the same
    suggestive    plain names that other things bear as well; none without a purl or a CPE name
    registry      OSV's name of the registry it comes from, "" without one
    distribution  where it was packed, None for upstream's own
    version       as it is; upstream  as upstream would say, "" where that cannot be told
    linear        upstream keeps one line of releases
    """

    component: Component
    packages: frozenset[str]
    names: frozenset[Named]
    foreign: frozenset[Named]
    suggestive: frozenset[str]
    registry: str
    distribution: Distribution | None
    version: str
    upstream: str
    linear: bool

    @property
    def language(self) -> bool:
        """Whether it is a package of a language's own registry, where names mean that alone."""
        return bool(self.registry) and self.registry not in _OF_UPSTREAM

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What to ask an index for, in a fixed order."""
        found = {f"purl:{path}" for path in self.packages}
        found |= {cpe_key(vendor, product) for vendor, product in self.names}
        found |= {name_key(name) for name in self.suggestive}
        return tuple(sorted(found))


def identify(component: Component, table: Table) -> Identity:
    """Every name of a component that its SBOM entry or the table vouches for."""
    path = purl_path(component.purl)
    kind, _, rest = path.partition("/")
    namespace, _, last = rest.rpartition("/")
    asked = dict(parse_qsl(component.purl.partition("?")[2].partition("#")[0]))
    source, _, source_version = (component.source or asked.get("upstream", "")).partition("@")
    distro = component.distro or asked.get("distro", "")
    packed = distributions.of(kind, namespace, distro)
    version = component.version or _purl_version(component.purl) or _cpe(component.cpe)[2]
    registry = REGISTRIES.get(kind, "")
    product = _product(component, path, packed, (source, last), table)
    language = bool(registry) and registry not in _OF_UPSTREAM
    siblings = product.purls if product and not language else ()
    ours = {path, *siblings}
    if packed:
        version = source_version or version
        for package in filter(None, (last, source, *_sources(product))):
            ours |= {f"{kind}/{namespace}/{package}"}
            ours |= {purl_path(ecosystems.purl(packed.ecosystem, package))}
    return Identity(
        component=component,
        packages=frozenset(ours - {""}),
        names=frozenset(_names(component, product, namespace, last)),
        foreign=frozenset(map(named, product.foreign)) if product else frozenset(),
        suggestive=frozenset(_suggestive(component, product, (last, source))),
        registry=registry,
        distribution=packed,
        version=version,
        upstream=distributions.upstream(version, packed.scheme) if packed else version,
        linear=product.linear if product else False,
    )


def _sources(product: Product | None) -> Iterator[str]:
    """What distributions call its source package, for records that speak of sources."""
    if product is not None:
        yield product.name
        yield from product.sources


def _product(
    component: Component,
    path: str,
    packed: Distribution | None,
    packages: tuple[str, str],
    table: Table,
) -> Product | None:
    vendor, name, _ = _cpe(component.cpe)
    said = table.by_name.get((plain(vendor), plain(name)))
    if said is not None:
        return said
    if packed is not None:
        source, binary = packages
        return table.packaged(source or binary)
    if path:
        return table.by_purl.get(path)
    supplied = (plain(component.supplier), plain(component.name))
    return table.by_name.get(supplied) if component.supplier else None


def _names(
    component: Component, product: Product | None, namespace: str, last: str
) -> Iterator[Named]:
    vendor, name, _ = _cpe(component.cpe)
    if vendor and name:
        yield plain(vendor), plain(name)
    if product is not None:
        yield from map(named, product.names)
    kind = purl_path(component.purl).partition("/")[0]
    if kind in REGISTRIES:
        return
    if component.supplier:
        yield plain(component.supplier), plain(component.name)
    if namespace and kind in ("generic", "github", "gitlab", "bitbucket"):
        yield plain(namespace), plain(last)


def _suggestive(
    component: Component, product: Product | None, names: tuple[str, str]
) -> Iterator[str]:
    if not component.purl and not component.cpe:
        # A bare name identifies nothing: each namesake would be a question nobody can answer.
        return
    yield from {plain(name) for name in (component.name, *names) if name}
    _, name, _ = _cpe(component.cpe)
    if name:
        yield plain(name)
    for known in product.names if product else ():
        yield named(known)[1]


def _purl_version(purl: str) -> str:
    head = purl.partition("#")[0].partition("?")[0]
    return head.rpartition("/")[2].partition("@")[2]


def _cpe(name: str) -> tuple[str, str, str]:
    """Vendor, product and version of a CPE name, each "" where it says none."""
    if name.startswith("cpe:2.3:"):
        parts = name.split(":")[3:6]
    elif name.startswith("cpe:/"):
        parts = name[5:].split(":")[1:4]
    else:
        return "", "", ""
    vendor, product, version = [*(part.replace("\\", "") for part in parts), "", "", ""][:3]
    return vendor, product, "" if version in ("*", "-") else version
