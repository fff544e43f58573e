"""Verdicts at the people plane: listed, read, shown as a page, and handed out to be replayed."""

from datetime import UTC
from typing import Any, Final

from msgspec import Raw
from sqlalchemy import Connection

from firmward.hospital import judging
from firmward.hospital.gate import adoption, kept
from firmward.hospital.gate.diamond import Diamond
from firmward.hospital.gate.diamond_told import told
from firmward.hospital.gate.page.page import page, policy
from firmward.hospital.judging import Hospital
from firmward.hospital.records import verdicts
from firmward.hospital.records.verdicts import Verdict
from firmward.hospital.web.plane import Answer, Call, Endpoint, NotFound, answer
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.names import ReleaseId
from firmward.terms.wire import convert, encode, plain

_DIGITS: Final = 15
_LARGEST: Final = 10**_DIGITS - 1
_MOST: Final = 100
_PAGE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Verdicts:
    """The routes of verdicts: reading only, and only what was kept."""

    def __init__(self, hospital: Hospital):
        self._hospital, self._site = hospital, hospital.site

    def endpoints(self) -> list[Endpoint]:
        """The routes, which the people plane serves with its own."""
        one = "/v1/verdicts/{number}"
        return [
            Endpoint("verdicts", "GET", "/v1/releases/{release}/verdicts", self.every),
            Endpoint("verdict", "GET", one, self.one),
            Endpoint("verdict-page", "GET", f"{one}/page", self.page),
            Endpoint("verdict-case", "GET", f"{one}/case", self.case),
            Endpoint("adoption", "GET", "/v1/adoption", self.adoption),
        ]

    def every(self, call: Call) -> Answer:
        """The last 100 verdicts on a release, oldest first.

        ?class= of one class, ?newest=1 the last of each class, ?before= those below a number
        """
        release = convert(call.params["release"], ReleaseId, "release")
        name = call.query.get("class", "")
        before = _number(call.query.get("before", str(_LARGEST)))
        with self._site.store.reading() as connection:
            if call.query.get("newest"):
                found = kept.newest(connection, release, name)
            else:
                found = verdicts.page_of(connection, release, name, before, _MOST)
        if not found:
            raise NotFound(f"{release}: no verdict{f' for {name[:160]}' if name else ''}")
        return answer([kept.listed(each) for each in found])

    def one(self, call: Call) -> Answer:
        """A verdict: what was said of every rule, the signed statement, and the text of both."""
        with self._site.store.reading() as connection:
            found = self._found(connection, call)
            shown = kept.diamond_of(connection, found)
        every = bool(call.query.get("all"))
        return answer(
            {
                **kept.listed(found),
                "edge": plain(shown.edge),
                "corners": _corners(shown),
                "judgement": Raw(found.rulings),
                "envelope": Raw(found.envelope),
                "explained": told(shown, every=every),
            }
        )

    def page(self, call: Call) -> Answer:
        """A verdict as a page that can be kept: one file, no script, nothing fetched."""
        with self._site.store.reading() as connection:
            shown = kept.diamond_of(connection, self._found(connection, call))
        headers = {"Content-Security-Policy": f"{policy()}; frame-ancestors 'none'", **_PAGE}
        return Answer(page(shown).encode(), "text/html; charset=utf-8", headers=headers)

    def case(self, call: Call) -> Answer:
        """Everything that a verdict was reached from, to be replayed without this hospital."""
        key = self._site.signers["verdict"].public_key
        with self._site.store.reading() as connection:
            found = self._found(connection, call)
            case = kept.case_of(connection, found, judging.verifier(self._site), key)
        name = f"verdict-{found.number}.case.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', **_PAGE}
        return Answer(encode(case), headers=headers)

    def adoption(self, call: Call) -> Answer:
        """What would be refused today, were every rule binding."""
        with self._site.store.reading() as connection:
            report = adoption.adoption(kept.standing(connection), self._hospital.policy)
        at = call.now.astimezone(UTC).isoformat()
        return answer({"at": at, **plain(report), "explained": adoption.told(report)})

    def _found(self, connection: Connection, call: Call) -> Verdict:
        try:
            return verdicts.find(connection, _number(call.params["number"]))
        except Unavailable as error:
            raise NotFound(str(error)) from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Malformed("verdict", "a number", repr(text[:40]))
    return int(text)


def _corners(shown: Diamond) -> dict[str, Any]:
    return {each.name: {**each.counts, "against": each.against} for each in shown.corners}
