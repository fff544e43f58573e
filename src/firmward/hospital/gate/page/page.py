"""The page of a verdict: one HTML file with its own style; nothing is fetched and no script runs.

Titles, values and offenders come from packs, advisories and vendors: all are escaped, and what
would act on a reader instead of being read is shown as a sign in its place.

Pure: the same verdict gives the same bytes.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from firmward.hospital.gate.diamond import OUTCOMES, Diamond, outcome
from firmward.hospital.gate.page.drawing import draw
from firmward.terms.legible import legible
from firmward.terms.times import minute


def page(shown: Diamond) -> str:
    """The HTML file of a verdict."""
    return (
        _pages()
        .get_template("page.html")
        .render(
            shown=shown,
            said=shown.judgement,
            drawing=draw(shown),
            outcomes=OUTCOMES,
            policy=policy(),
        )
    )


@cache
def policy() -> str:
    """What the page may do, as its own head and the server say it: nothing but its one style."""
    style = _pages().get_template("page.css").render()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("firmward.hospital.gate.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_readable,
    )
    pages.filters |= {"utc": minute, "outcome": outcome}
    return pages


def _readable(value: Any) -> Any:
    """Text that only can be read; what a template put together itself is left as it is."""
    return legible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
