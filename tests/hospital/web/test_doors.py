"""Who gets through which door: certificates, TLS, the access table, over real mTLS."""

import re
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.wards import FACTORY, new_ward

from firmward.hospital.web.access import ACCESS
from firmward.hospital.web.native import DevicePlane, EnrolmentPlane
from firmward.hospital.web.people import PeoplePlane
from firmward.hospital.web.plane import Endpoint, build
from firmward.lab.paper_device import Answered, new_device
from firmward.proof import certs, keys
from firmward.terms import checkin
from firmward.terms.errors import Misuse

ROUTES = {
    "est-cacerts": ("enrolment", "GET", checkin.EST_CACERTS),
    "est-enrol": ("enrolment", "POST", checkin.EST_ENROLL),
    "register": ("device", "POST", checkin.REGISTER),
    "check-in": ("device", "GET", checkin.CHECK_IN),
    "director": ("device", "GET", checkin.DIRECTOR + "1.root.json"),
    "image": ("device", "GET", checkin.IMAGE + "timestamp.json"),
    "blob": ("device", "GET", checkin.BLOBS + "0" * 64),
    "report": ("device", "POST", checkin.REPORTS),
    "vitals": ("device", "POST", checkin.VITALS),
    "status": ("people", "GET", "/v1/status"),
    "vendor-add": ("people", "POST", "/v1/vendors"),
    "vendor-webhook": ("people", "POST", "/v1/vendors/acme/webhook"),
    "devices-expect": ("people", "POST", "/v1/devices"),
    "bundle": ("people", "POST", "/v1/bundles/acme"),
    "advisories": ("people", "GET", "/v1/advisories"),
    "advisories-update": ("people", "POST", "/v1/advisories"),
    "exposures": ("people", "GET", "/v1/exposures"),
    "verdicts": ("people", "GET", "/v1/releases/x/verdicts"),
    "verdict": ("people", "GET", "/v1/verdicts/1"),
    "verdict-page": ("people", "GET", "/v1/verdicts/1/page"),
    "verdict-case": ("people", "GET", "/v1/verdicts/1/case"),
    "adoption": ("people", "GET", "/v1/adoption"),
    "declare": ("people", "POST", "/v1/declarations"),
    "judge-again": ("people", "POST", "/v1/releases/x/judge"),
    "vendor-renew": ("people", "POST", "/v1/renewals/acme"),
    "releases": ("people", "GET", "/v1/releases"),
    "devices": ("people", "GET", "/v1/devices"),
    "rollouts": ("people", "GET", "/v1/rollouts"),
    "rollout-stop": ("people", "POST", "/v1/rollouts/rollout:x/stop"),
    "quarantine": ("people", "POST", "/v1/devices/nobody/quarantine"),
    "review": ("people", "POST", "/v1/devices/nobody/review"),
    "tickets": ("people", "GET", "/v1/tickets"),
    "incident": ("people", "GET", "/v1/tickets/1/incident"),
    "reporter": ("people", "GET", "/v1/reporter"),
    "events": ("people", "GET", "/v1/events"),
    "exceptions": ("people", "GET", "/v1/exceptions"),
    "exception": ("people", "GET", "/v1/exceptions/EX-999"),
    "exception-request": ("people", "POST", "/v1/exceptions"),
    "exception-approve": ("people", "POST", "/v1/exceptions/EX-999/approvals"),
    "exception-revoke": ("people", "POST", "/v1/exceptions/EX-999/revocation"),
    "exception-review": ("people", "POST", "/v1/exceptions/EX-999/review"),
    "controls": ("people", "GET", "/v1/controls"),
    "control-measured": ("people", "POST", "/v1/controls/segment-icu"),
}
"""A request for each row of the access table, none of which could succeed in changing anything."""

ROLES = {
    "biomed": "bea",
    "sec": "sam",
    "risk": "rita",
    "clin": "cleo",
    "auditor": "ada",
    "vendor": "acme",
    "": "noel",
}


def planes(tmp_path) -> list:
    """The three planes of a site, as `serve` makes them."""
    ward = new_ward(tmp_path)
    ward.site.close()
    return [
        DevicePlane(ward.site, ward.seen),
        EnrolmentPlane(ward.site),
        PeoplePlane(ward.hospital, lambda onboarding: None),
    ]


def test_every_route_has_a_row_and_every_row_a_route(tmp_path):
    """A row nobody serves would hide that a route lost its guard."""
    walked = [endpoint for plane in planes(tmp_path) for endpoint in plane.endpoints()]

    assert sorted(endpoint.name for endpoint in walked) == sorted(ACCESS)
    assert sorted(ROUTES) == sorted(ACCESS)
    assert all(ACCESS.values())
    for endpoint in walked:
        pattern = re.sub(r"\{\w+\}", "[^/]+", endpoint.path)
        _, method, path = ROUTES[endpoint.name]
        assert (endpoint.method, bool(re.fullmatch(pattern, path))) == (method, True)


def test_a_route_without_a_row_does_not_start(tmp_path):
    """Deny by default begins before the first request."""
    plane = planes(tmp_path)[0]

    class Open:
        """A plane with one more route."""

        recognise, refused = plane.recognise, plane.refused

        def endpoints(self):
            """The routes, and a forgotten one."""
            return [*plane.endpoints(), Endpoint("admit", "POST", "/v1/admit", print)]

    with pytest.raises(Misuse, match="route admit"):
        build(Open())


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_exactly_its_rows(town, role):
    """Every role on every route of its plane: 403 where the table says nothing, never elsewhere."""
    with town.person(ROLES[role]) as http:
        for name, (plane, method, path) in ROUTES.items():
            if plane != "people":
                continue
            answer = http.request(method, path, content=b"x" if method == "POST" else None)
            allowed = role in ACCESS[name]
            assert (answer.status_code == 403) != allowed, (name, answer.text)


def test_every_row_of_the_other_planes_is_closed_to_people(town):
    """A person's certificate is from another authority: no session at all."""
    for plane in ("device", "enrolment"):
        with town.person("bea", plane) as http, pytest.raises(httpx.TransportError):
            http.get(checkin.CHECK_IN)


@pytest.mark.parametrize("plane", ["people", "enrolment"])
def test_a_device_is_no_person_and_no_factory(town, plane):
    """A device's certificate opens the device plane alone."""
    device = town.fleet[0]

    with (
        town.client(plane, device.certificate, device.key) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.get("/v1/status")


@pytest.mark.parametrize("plane", ["device", "enrolment", "people"])
def test_without_a_certificate_there_is_no_session(town, plane):
    """Not even a 404."""
    with town.client(plane) as http, pytest.raises(httpx.TransportError):
        http.get("/")


@pytest.mark.parametrize("plane", ["device", "enrolment", "people"])
def test_a_certificate_of_another_authority_gets_no_session(town, plane):
    """The right name, from an authority of the same subject, with another key."""
    real = town.fleet[0].certificate
    name = real.issuer.rfc4514_string().removeprefix("CN=")
    other = certs.new_authority(name, keys.new_p256(), real.not_valid_before_utc)
    key = keys.new_p256()
    forged = certs.client_certificate(
        other,
        key.public_key(),
        town.fleet[0].device,
        real.not_valid_before_utc,
        real.not_valid_after_utc - real.not_valid_before_utc,
    )

    with town.client(plane, forged, key) as http, pytest.raises(httpx.TransportError):
        http.get(checkin.CHECK_IN)


def test_the_servers_own_certificate_is_no_device(town):
    """It is issued by the devices' authority, and says that it is for servers."""
    folder = town.server.home / "keys"
    certificate = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    key = load_pem_private_key((folder / "server.key").read_bytes(), None)

    with town.client("device", certificate, key) as http, pytest.raises(httpx.TransportError):
        http.get(checkin.CHECK_IN)


@pytest.mark.parametrize("plane", ["device", "enrolment", "people"])
def test_tls_1_2_is_refused(town, plane):
    """Whatever the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(town.server.home / "public" / "authority.pem")
    folder = town.server.home / "people" / "bea"
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    with (
        httpx.Client(base_url=town.server.url(plane), verify=context, trust_env=False) as http,
        pytest.raises(httpx.ConnectError, match=r"(?i)protocol|alert"),
    ):
        http.get("/v1/status")


def test_plain_http_is_no_way_in(town):
    """A client that does not speak TLS is hung up on."""
    base = town.server.url("device").replace("https", "http")
    with httpx.Client(base_url=base, trust_env=False) as http, pytest.raises(httpx.TransportError):
        http.get(checkin.CHECK_IN)


@pytest.mark.parametrize(
    "header", ["x-client-cert", "x-ssl-client-cert", "x-forwarded-client-cert", "ssl-client-cert"]
)
def test_a_certificate_in_a_header_makes_nobody_somebody_else(town, header):
    """Who is asking comes from the session alone."""
    pem = (town.server.home / "people" / "sam" / "cert.pem").read_text().replace("\n", " ").strip()
    with town.person("ada") as http:
        answer = http.post("/v1/vendors", content=b"x", headers={header: pem})

    assert answer.status_code == 403


def test_a_replaced_certificate_is_refused_on_the_connection_that_is_open(town):
    """Also by a session that was authenticated before; and the ledger knows."""
    [device] = town.join(1)
    device.check_in()
    old = device.http
    device.enrol()

    answer = old.get(checkin.CHECK_IN)

    assert answer.status_code == 403
    assert "replaced" in answer.text
    assert device.ask("GET", checkin.CHECK_IN).status_code == 200
    assert "replaced" in town.events(device.device)[-1]["says"]
    old.close()


def test_a_device_that_is_not_in_the_inventory_is_not_enrolled(town):
    """A genuine factory identity is not enough; the attempt is on the ledger."""
    stranger = new_device(town.server, town.vendor, 999, town.folder, FACTORY)
    with pytest.raises(Answered, match="403"):
        stranger.enrol()

    assert "enrolment refused" in town.events(stranger.device)[-1]["says"]


def test_refusals_of_known_people_are_on_the_ledger(town):
    """Who asked for what, and was told no."""
    before = len(town.events())
    with town.person("ada") as http:
        assert http.post("/v1/vendors", content=b"x").status_code == 403

    said = [event for event in town.events()[before:] if event["kind"] == "access.refused"]
    assert [(event["actor"], "vendor-add" in event["says"]) for event in said] == [("ada", True)]
