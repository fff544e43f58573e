"""What people state of a vulnerability in a product (VEX), and when it counts.

A statement touches only the exact product that it names, needs a justification of its standard's
list to say *not affected*, and gives way to whatever became known after it was made.  It explains a
match; it never makes one disappear.

Source: OpenVEX 0.2.0; CycloneDX 1.4 to 1.6, vulnerabilities[].analysis; CSAF 2.0, profile VEX.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from firmward.advisories.identity import Component
from firmward.advisories.keys import purl_path
from firmward.terms.wire import Wire

_Text = Annotated[str, Meta(max_length=4096)]

Word = Literal["not_affected", "affected", "fixed", "under_investigation"]
WORDS: Final[tuple[Word, ...]] = ("affected", "under_investigation", "fixed", "not_affected")
"""OpenVEX's status words, the gravest first."""

JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)
"""OpenVEX's and CSAF's list; CycloneDX's words are brought to these."""


@dataclass(frozen=True)
class Product:
    """A product as a statement names it, and what that is inside of.

    names   purls, CPE names, SHA-256 digests in hexadecimal
    within  the names of the product that contains it; empty where it stands by itself
    """

    names: frozenset[str]
    within: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Statement:
    """What one author says of one vulnerability in some products.

    vulnerability  every name that the statement gives it
    at             when it was made or last revised
    source         the document, by its own id
    """

    vulnerability: frozenset[str]
    products: tuple[Product, ...]
    status: Word
    at: datetime
    author: str
    justification: str = ""
    impact: str = ""
    action: str = ""
    source: str = ""

    @property
    def void(self) -> str:
        """Why it cannot count, "" where it can."""
        if self.status == "not_affected" and self.justification not in JUSTIFICATIONS:
            return f"its justification is {self.justification[:60]!r}, none of the standard's"
        if self.status == "affected" or self.author:
            return ""
        return "nobody signs for it"


class Answer(Wire, frozen=True, kw_only=True):
    """The statement that stands for a match.

    at        RFC 3339
    void      why it does not count, "" if it does
    outdated  what became known after it, "" if nothing did
    """

    status: Word
    justification: _Text = ""
    impact: _Text = ""
    action: _Text = ""
    author: _Text = ""
    at: _Text = ""
    source: _Text = ""
    void: _Text = ""
    outdated: _Text = ""


def answer(
    component: Component,
    names: Iterable[str],
    statements: Sequence[Statement],
    product: frozenset[str],
    news: str,
) -> Answer | None:
    """What the statements make of a vulnerability in a component; None where they are silent.

    names    of the vulnerability
    product  names of the firmware that the component is in
    news     when its records were last changed or it was listed as exploited (RFC 3339 or a date)

    Of one author's statements the latest counts, of several authors' the gravest.
    """
    wanted = set(names)
    ours = _names(component)
    about = [
        each
        for each in statements
        if not wanted.isdisjoint(each.vulnerability)
        and any(_is(named, ours, component, product) for named in each.products)
    ]
    if not about:
        return None
    latest = {each.author: each for each in sorted(about, key=_when_then_gravest)}
    counted = [each for each in latest.values() if not each.void] or list(latest.values())
    worst = min(counted, key=lambda each: WORDS.index(each.status))
    return _answer(worst, _since(worst, news))


def _when_then_gravest(statement: Statement) -> tuple[datetime, int]:
    return statement.at, -WORDS.index(statement.status)


def _since(statement: Statement, news: str) -> str:
    """What outdates the statement.  A bare date is its whole day, to the harder side."""
    if not news or statement.status in ("affected", "under_investigation"):
        return ""
    moment = news if "T" in news else f"{news}T23:59:59+00:00"
    if datetime.fromisoformat(moment) <= statement.at:
        return ""
    return f"what is known of it changed on {news[:10]}, after the statement"


def _answer(statement: Statement, outdated: str) -> Answer:
    return Answer(
        status=statement.status,
        justification=statement.justification,
        impact=statement.impact[:4096],
        action=statement.action[:4096],
        author=statement.author[:4096],
        at=statement.at.isoformat(),
        source=statement.source[:4096],
        void=statement.void,
        outdated=outdated,
    )


def _names(component: Component) -> frozenset[str]:
    return frozenset({component.cpe, component.sha256.lower()} - {""})


def _is(
    named: Product, ours: frozenset[str], component: Component, product: frozenset[str]
) -> bool:
    if named.within and named.within.isdisjoint(product):
        return False
    if not ours.isdisjoint(named.names):
        return True
    return any(_same_purl(name, component) for name in named.names)


def _same_purl(name: str, component: Component) -> bool:
    """The same package at the same version.  A statement without a version names every version,
    and so none that anybody looked at.
    """
    path = purl_path(name)
    if not path or path != purl_path(component.purl):
        return False
    return _version(name) in {component.version, _version(component.purl)} - {""}


def _version(purl: str) -> str:
    return purl.partition("#")[0].partition("?")[0].rpartition("/")[2].partition("@")[2]
