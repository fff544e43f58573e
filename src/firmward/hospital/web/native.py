"""The device plane and the enrolment listener: the native protocol (docs/protocol.md) and EST."""

import binascii
from base64 import b64decode, b64encode
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from firmward.hospital import bedside, enrolment, reports
from firmward.hospital.bedside import Seen
from firmward.hospital.records import ledger
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.hospital.web.plane import Answer, Call, Caller, Endpoint, NotFound, answer
from firmward.proof import certs
from firmward.terms.checkin import (
    BLOBS,
    CHECK_IN,
    DIRECTOR,
    EST_CACERTS,
    EST_ENROLL,
    IMAGE,
    REGISTER,
    REPORTS,
    VITALS,
    Accepted,
    Registration,
)
from firmward.terms.errors import Malformed, Refused
from firmward.terms.stage import Stage
from firmward.terms.wire import decode

_EST = {"Content-Transfer-Encoding": "base64"}


class DevicePlane:
    """What a device can ask, each answer about that device alone."""

    def __init__(self, site: Site, seen: Seen):
        self._site, self._seen = site, seen

    def recognise(self, certificate: bytes) -> Caller:
        """The device behind a session, checked at every request."""
        device = enrolment.recognise(self._site, certificate)
        return Caller(device.device, frozenset({"device"}), device)

    def refused(self, certificate: bytes, error: Refused, now: datetime) -> None:
        """A device that identified itself was turned away."""
        bedside.note_refusal(self._site, certs.identity(certificate), error, now)

    def endpoints(self) -> list[Endpoint]:
        """The routes, hot ones first."""
        return [
            Endpoint("check-in", "GET", CHECK_IN, self.check_in),
            Endpoint("vitals", "POST", VITALS, self.vitals),
            Endpoint("director", "GET", DIRECTOR + "{name}", self.director),
            Endpoint("image", "GET", IMAGE + "{name}", self.image),
            Endpoint("blob", "GET", BLOBS + "{sha256}", self.blob),
            Endpoint("report", "POST", REPORTS, self.report),
            Endpoint("register", "POST", REGISTER, self.register),
        ]

    def check_in(self, call: Call) -> Answer:
        """What waits for this device."""
        device = self._device(call)
        self._seen.note(device.device, call.now)
        return answer(bedside.check_in(self._site, device, call.now))

    def director(self, call: Call) -> Answer:
        """A file of its own director repository."""
        device, name = self._device(call), call.params["name"]
        return self._file(bedside.director_file(self._site, device, name), name)

    def image(self, call: Call) -> Answer:
        """A file of its vendor's image repository."""
        device, name = self._device(call), call.params["name"]
        return self._file(bedside.image_file(self._site, device, name), name)

    def _file(self, data: bytes | None, name: str) -> Answer:
        if data is None:
            raise NotFound(f"{name[:80]}: no such file")
        return Answer(data)

    def blob(self, call: Call) -> Answer:
        """The encrypted image its order names, with ranges."""
        device, sha256 = self._device(call), call.params["sha256"]
        path = bedside.blob(self._site, device, sha256)
        return Answer(file=path, media="application/octet-stream", headers={"ETag": f'"{sha256}"'})

    def report(self, call: Call) -> Answer:
        """A signed version report."""
        taken = reports.take_report(self._site, self._device(call), call.body, call.now)
        return answer(Accepted(accepted=taken))

    def vitals(self, call: Call) -> Answer:
        """A batch of readings."""
        taken = reports.take_vitals(self._site, self._device(call), call.body, call.now)
        return answer(Accepted(accepted=taken))

    def register(self, call: Call) -> Answer:
        """Its decryption and report keys, once."""
        registration = decode(call.body, Registration, call.who.name)
        enrolment.register(self._site, self._device(call), registration, call.now)
        return answer({})

    def _device(self, call: Call) -> Device:
        device: Device = call.who.about
        return device


class EnrolmentPlane:
    """EST for devices that have only their factory identity yet (RFC 7030)."""

    def __init__(self, site: Site):
        self._site = site

    def recognise(self, certificate: bytes) -> Caller:
        """A factory identity; whether it may enrol is decided with the request."""
        return Caller(certs.identity(certificate), frozenset({"factory"}))

    def refused(self, certificate: bytes, error: Refused, now: datetime) -> None:
        """A factory identity was turned away, whether or not the inventory knows it."""
        name, says = certs.identity(certificate), f"enrolment refused: {error}"
        with self._site.store.writing() as connection:
            ledger.record(connection, "enrolment.refused", Stage.DEVICE, now, name, (name,), says)

    def endpoints(self) -> list[Endpoint]:
        """cacerts and simpleenroll."""
        return [
            Endpoint("est-cacerts", "GET", EST_CACERTS, self.cacerts),
            Endpoint("est-enrol", "POST", EST_ENROLL, self.enrol),
        ]

    def cacerts(self, call: Call) -> Answer:
        """The authority that identifies this hospital's devices (RFC 7030 4.1)."""
        found = [self._site.authorities["hospital"].certificate]
        der = pkcs7.serialize_certificates(found, serialization.Encoding.DER)
        return Answer(b64encode(der), "application/pkcs7-mime", headers=_EST)

    def enrol(self, call: Call) -> Answer:
        """A certificate for a proven factory identity (RFC 7030 4.2)."""
        try:
            request = b64decode(call.body, validate=False)
        except binascii.Error as error:
            raise Malformed(call.who.name, "base64 of PKCS#10", str(error)) from error
        issued = enrolment.enrol(self._site, call.certificate, request, call.now)
        # One line: some clients fail on line breaks, which RFC 8951 no longer asks for.
        body = b64encode(certs.certs_only(issued))
        return Answer(body, "application/pkcs7-mime; smime-type=certs-only", headers=_EST)
