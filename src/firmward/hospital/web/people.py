"""The people plane: what a hospital's people and a vendor's pipeline can see and do."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from firmward.hospital import judging, pipeline
from firmward.hospital.gate import declared, told
from firmward.hospital.gate.here import Said
from firmward.hospital.judging import Hospital
from firmward.hospital.records import cases, devices, ledger, outbox, releases, rollouts
from firmward.hospital.respond import advance, incidents, private, remedies, telling
from firmward.hospital.respond.telling import Address
from firmward.hospital.web.exceptions import Exceptions
from firmward.hospital.web.identity import person
from firmward.hospital.web.plane import Answer, Call, Caller, Endpoint, Forbidden, NotFound, answer
from firmward.hospital.web.standing import StandingRoutes
from firmward.hospital.web.verdicts import Verdicts
from firmward.terms.errors import Malformed, Refused
from firmward.terms.names import Label, Moment
from firmward.terms.onboarding import read_onboarding
from firmward.terms.stage import Stage
from firmward.terms.wire import MIB, Wire, decode, plain


class Finding(Wire, frozen=True, kw_only=True):
    """A reviewer's or operator's words, which go on the ledger."""

    finding: Annotated[str, Meta(min_length=1, max_length=300)]


class Declared(Wire, frozen=True, kw_only=True):
    """What somebody declares in one of their roles: about the site, a product or a device class."""

    about: Annotated[str, Meta(min_length=1, max_length=160)]
    role: Label
    until: Moment
    sections: dict[str, dict[str, Any]]


class PeoplePlane:
    """Reading for everyone with a role; acting for few, and never past the gate."""

    def __init__(self, hospital: Hospital, onboarded: Any):
        self._hospital, self._onboarded = hospital, onboarded
        self._site = hospital.site

    def recognise(self, certificate: bytes) -> Caller:
        """The person or vendor behind a certificate, with the roles the site gives them."""
        who = person(certificate)
        if who.kind == "vendor":
            return Caller(who.name, frozenset({"vendor"}), who)
        return Caller(who.name, frozenset(self._site.settings.people.get(who.name, ())), who)

    def refused(self, certificate: bytes, error: Refused, now: datetime) -> None:
        """Somebody with a certificate of this site was turned away."""
        who = person(certificate).name
        with self._site.store.writing() as connection:
            says = f"{who} was turned away: {error}"
            ledger.record(connection, "access.refused", Stage.LEDGER, now, who, (), says)

    def endpoints(self) -> list[Endpoint]:
        """The routes of the people plane."""
        return [
            Endpoint("status", "GET", "/v1/status", self.status),
            Endpoint("vendor-add", "POST", "/v1/vendors", self.vendor_add, 2 * MIB),
            Endpoint("vendor-webhook", "POST", "/v1/vendors/{vendor}/webhook", self.webhook),
            Endpoint("declare", "POST", "/v1/declarations", self.declare),
            Endpoint("devices-expect", "POST", "/v1/devices", self.devices_expect, 8 * MIB),
            Endpoint("bundle", "POST", "/v1/bundles/{vendor}", self.bundle, 64 * MIB, notes=True),
            Endpoint("judge-again", "POST", "/v1/releases/{release}/judge", self.judge_again),
            Endpoint("vendor-renew", "POST", "/v1/renewals/{vendor}", self.renewal, 8 * MIB, True),
            Endpoint("releases", "GET", "/v1/releases", self.releases),
            Endpoint("devices", "GET", "/v1/devices", self.devices),
            Endpoint("rollouts", "GET", "/v1/rollouts", self.rollouts),
            Endpoint("rollout-stop", "POST", "/v1/rollouts/{rollout}/stop", self.rollout_stop),
            Endpoint("quarantine", "POST", "/v1/devices/{device}/quarantine", self.quarantine),
            Endpoint("review", "POST", "/v1/devices/{device}/review", self.review),
            Endpoint("tickets", "GET", "/v1/tickets", self.tickets),
            Endpoint("incident", "GET", "/v1/tickets/{ticket}/incident", self.incident),
            Endpoint("reporter", "GET", "/v1/reporter", self.reporter),
            Endpoint("events", "GET", "/v1/events", self.events),
            *Exceptions(self._hospital).endpoints(),
            *Verdicts(self._hospital).endpoints(),
            *StandingRoutes(self._hospital).endpoints(),
        ]

    def status(self, call: Call) -> Answer:
        """The site in a few numbers."""
        with self._site.store.reading() as connection:
            fleet = devices.every(connection)
            running = rollouts.every(connection, "running")
            waiting = cases.tickets(connection)
        return answer(
            {
                "site": self._site.settings.site,
                "devices": len(fleet),
                "quarantined": [d.device for d in fleet if d.status == "quarantined"],
                "rollouts": [row.rollout for row in running],
                "tickets": len(waiting),
                "ledger": self._site.ledger.verifier,
            }
        )

    def vendor_add(self, call: Call) -> Answer:
        """Pin a vendor's anchors."""
        onboarding = read_onboarding(call.body)
        pipeline.onboard(self._hospital, onboarding, call.who.name, call.now)
        self._onboarded(onboarding)
        return answer({"vendor": onboarding.vendor})

    def webhook(self, call: Call) -> Answer:
        """Send a vendor its reports from now on."""
        vendor = call.params["vendor"]
        address = decode(call.body, Address, call.who.name)
        telling.subscribe(self._site, vendor, address, call.who.name, call.now)
        return answer({"vendor": vendor, "url": address.url})

    def declare(self, call: Call) -> Answer:
        """Take what a person declares of devices, wards and the use of releases here."""
        wish = decode(call.body, Declared, call.who.name)
        if wish.role not in call.who.roles or wish.role not in declared.HOSPITAL:
            raise Refused(f"{call.who.name}: expected a role of theirs, got {wish.role}")
        said = Said(
            about=wish.about,
            role=wish.role,
            person=call.who.name,
            sections=wish.sections,
            at=call.now,
            until=wish.until,
        )
        return answer({"about": said.about, "paths": pipeline.declare(self._site, said)})

    def devices_expect(self, call: Call) -> Answer:
        """Pre-authorise an inventory."""
        count = pipeline.expect(self._hospital, call.body, call.who.name, call.now)
        return answer({"expected": count})

    def bundle(self, call: Call) -> Answer:
        """Take a bundle through intake and gate: 200 admitted, 409 refused, both with reasons."""
        vendor = self._own(call)
        found = pipeline.take_bundle(self._hospital, vendor, call.body, call.who.name, call.now)
        return self._judged(found)

    def judge_again(self, call: Call) -> Answer:
        """Judge a refused release again, as if it came in now."""
        release, who = call.params["release"], call.who.name
        return self._judged(pipeline.reconsider(self._hospital, release, who, call.now))

    def _judged(self, found: judging.Answer) -> Answer:
        said = {
            "release": found.verified.release,
            "admitted": found.admitted,
            "reasons": list(found.reasons),
            "classes": {
                each.judgement.device_class: each.judgement.admitted for each in found.judged
            },
            "explained": "\n".join(told.explain(each.judgement) for each in found.judged),
        }
        return answer(said, 200 if found.admitted else 409)

    def renewal(self, call: Call) -> Answer:
        """Take a vendor's metadata with a later expiry and nothing new in it."""
        vendor = self._own(call)
        expires = pipeline.take_renewal(self._hospital, vendor, call.body, call.who.name, call.now)
        return answer({"vendor": vendor, "expires": expires})

    def _own(self, call: Call) -> str:
        """The vendor a call is about; a vendor's pipeline speaks for its own only."""
        vendor = call.params["vendor"]
        if "vendor" in call.who.roles and call.who.name != vendor:
            error = Forbidden(f"{call.who.name}: expected its own, got something of {vendor}")
            self.refused(call.certificate, error, call.now)
            raise error
        return vendor

    def releases(self, call: Call) -> Answer:
        """Every release and what became of it."""
        with self._site.store.reading() as connection:
            found = releases.every(connection)
        names = ("release", "vendor", "state", "fallback", "image_sha256", "at")
        return answer([{n: getattr(r, n) for n in names} for r in found])

    def devices(self, call: Call) -> Answer:
        """Every device, what it runs and how it stands."""
        with self._site.store.reading() as connection:
            found = devices.every(connection)
        hidden = ("decryption_key", "report_key")
        return answer([{n: v for n, v in vars(d).items() if n not in hidden} for d in found])

    def rollouts(self, call: Call) -> Answer:
        """Every roll-out with its plan and progress."""
        with self._site.store.reading() as connection:
            found = rollouts.every(connection)
        return answer(
            [{"rollout": r.rollout, "state": r.state, **advance.summary(r.body)} for r in found]
        )

    def rollout_stop(self, call: Call) -> Answer:
        """Stop a roll-out and take its release back: anyone responsible may, alone."""
        reason = decode(call.body, Finding, call.who.name).finding
        with self._site.store.writing() as connection:
            row = rollouts.find(connection, call.params["rollout"])
            if row is None:
                raise NotFound(f"{call.params['rollout'][:80]}: no such roll-out")
            if row.state != "running":
                raise Refused(f"{row.rollout}: expected a running one, it is {row.state}")
            reasons = (private.by_hand(call.who.name, reason),)
            advance.stop(connection, self._site, row, reasons, call.now)
        return answer({"rollout": row.rollout, "state": "stopped"})

    def quarantine(self, call: Call) -> Answer:
        """Isolate a device from updates at once."""
        cause = decode(call.body, Finding, call.who.name).finding
        with self._site.store.writing() as connection:
            device = devices.get(connection, call.params["device"])
            by = (f"{call.who.name}: {cause}",)
            remedies.quarantine(connection, device, cause[:200], by, call.now)
        return answer({"device": device.device, "status": "quarantined"})

    def review(self, call: Call) -> Answer:
        """One reviewer's word on a quarantined device; two of different roles reinstate it."""
        finding = decode(call.body, Finding, call.who.name).finding
        role = min(call.who.roles & remedies.REVIEWERS, default="")
        with self._site.store.writing() as connection:
            device = devices.get(connection, call.params["device"])
            back = remedies.review(
                connection, self._site, device, finding, call.who.name, role, call.now
            )
        return answer({"device": device.device, "reinstated": back})

    def tickets(self, call: Call) -> Answer:
        """Tickets; a vendor sees its own."""
        recipient = call.who.name if "vendor" in call.who.roles else call.query.get("to", "")
        with self._site.store.reading() as connection:
            return answer([vars(t) for t in cases.tickets(connection, recipient)])

    def incident(self, call: Call) -> Answer:
        """The signed report of a ticket, as the vendor gets it; a vendor sees its own."""
        number = call.params["ticket"]
        if not (number.isascii() and number.isdigit() and len(number) <= 15):
            raise Malformed("ticket", "a number", repr(number[:40]))
        with self._site.store.reading() as connection:
            report = outbox.find(connection, int(number))
        stranger = "vendor" in call.who.roles
        if report is None or (stranger and report.vendor != call.who.name):
            raise NotFound(f"ticket {number}: no report to a vendor")
        return Answer(report.body)

    def reporter(self, call: Call) -> Answer:
        """Who signs this site's reports; the shared secret is not told."""
        return answer(incidents.reporter(self._site))

    def events(self, call: Call) -> Answer:
        """Events about a subject, or from a sequence number on, 1000 at a time."""
        start = call.query.get("from", "0")
        if not (start.isascii() and start.isdigit() and len(start) <= 15):
            raise Malformed("from", "a sequence number", repr(start[:40]))
        with self._site.store.reading() as connection:
            subject = call.query.get("about", "")
            found = (
                ledger.events_about(connection, subject)
                if subject
                else ledger.events_from(connection, int(start))
            )
        return answer([{"sequence": n, **plain(event)} for n, event in found])
