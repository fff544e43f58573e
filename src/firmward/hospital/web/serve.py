"""One process, three listeners, one clock: `firmward hospital serve`.

device plane   devices, by the hospital's device authority
enrolment      devices, by their vendors' factory authorities
people plane   people and vendors' pipelines, by the people authority
"""

import asyncio
import signal
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette

from firmward.hospital import excepting, mirror, pipeline
from firmward.hospital.bedside import Seen
from firmward.hospital.desk import Ports
from firmward.hospital.following import Followed, follow
from firmward.hospital.gate.engines.worker import Worker
from firmward.hospital.gate.packs.adopted import in_force
from firmward.hospital.judging import Hospital
from firmward.hospital.records import vendors
from firmward.hospital.records.durable import write_durably
from firmward.hospital.records.site import Site, open_site
from firmward.hospital.respond import telling
from firmward.hospital.web.identity import CertifiedProtocol, tls_context, trust
from firmward.hospital.web.native import DevicePlane, EnrolmentPlane
from firmward.hospital.web.people import PeoplePlane
from firmward.hospital.web.plane import build
from firmward.terms.checkin import FrontDoor
from firmward.terms.errors import FirmwardError, Misuse
from firmward.terms.onboarding import Onboarding
from firmward.terms.wire import encode

log = structlog.get_logger()


class _Listener(uvicorn.Server):
    """A server among several: the process's signals are not its own to take."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def open_hospital(home: Path) -> Hospital:
    """The site in `home` with its policy and advisories.  Raises Misuse, Refused, Unavailable."""
    site = open_site(home)
    folder = site.settings.advisories
    # Looked at before it is read: what changes in between is read again.
    mirrored = mirror.stamp(home / folder) if folder else ""
    advisories = mirror.read(home / folder) if folder else None
    policy = in_force(site, datetime.now(UTC))
    hospital = Hospital(site, policy, Worker(), advisories, mirrored=mirrored)
    hospital.holding = excepting.holding(hospital)
    return hospital


def serve(home: Path, announce: Callable[[Ports], None]) -> None:
    """Serve until SIGTERM or SIGINT.  SIGKILL at any moment loses nothing acknowledged."""
    hospital = open_hospital(home)
    try:
        # asyncio's own loop holds nine times the memory for an idle TLS connection.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(hospital, announce))
    finally:
        hospital.site.close()


async def _serve(hospital: Hospital, announce: Callable[[Ports], None]) -> None:
    site, seen = hospital.site, Seen()
    enrolment = _enrolment_context(site)
    keys = site.home / "keys"

    def onboarded(onboarding: Onboarding) -> None:
        trust(enrolment, onboarding.device_authority.encode())

    device, people = DevicePlane(site, seen), PeoplePlane(hospital, onboarded)
    enrol = EnrolmentPlane(site)
    listen = site.settings.listen
    parts = (
        (build(device), _context(site, keys, "hospital"), listen.device),
        (build(enrol), enrolment, listen.enrolment),
        (build(people), _context(site, keys, "people"), listen.people),
    )
    sockets = [_bound(listen.host, port) for _, _, port in parts]
    servers = [_listener(app, context) for app, context, _ in parts]
    _stop_on_signals(servers)
    running = [
        asyncio.create_task(server.serve([sock]))
        for server, sock in zip(servers, sockets, strict=True)
    ]
    turns = (_clock(hospital, seen), _tell(site), _mirror(hospital), _rules(hospital))
    background = [asyncio.create_task(turn) for turn in turns]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    ports = Ports(listen.host, *(sock.getsockname()[1] for sock in sockets))
    write_durably(site.home / "public" / "front-door.json", encode(_front_door(site, ports)))
    write_durably(site.home / "ports.json", msgspec.json.encode(ports))
    announce(ports)
    await asyncio.gather(*running)
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)


def _front_door(site: Site, ports: Ports) -> FrontDoor:
    """What a technician carries to a device, for `firmward device enrol`."""
    return FrontDoor(
        base=f"https://{ports.host}:{ports.device}",
        enrolment=f"https://{ports.host}:{ports.enrolment}",
        authority=site.authorities["hospital"].pem.decode(),
        director_root=b64encode(site.director_root).decode(),
    )


def _context(site: Site, keys: Path, authority: str) -> ssl.SSLContext:
    return tls_context(keys, [site.authorities[authority].pem])


def _enrolment_context(site: Site) -> ssl.SSLContext:
    with site.store.reading() as connection:
        pinned = vendors.all_anchors(connection)
    return tls_context(site.home / "keys", [one.device_authority.encode() for one in pinned])


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        raise Misuse(f"listen on {host}:{port}: {error.strerror}") from error
    return sock


def _listener(app: Starlette, context: ssl.SSLContext) -> _Listener:
    config = uvicorn.Config(
        app,
        http=CertifiedProtocol,
        ssl_context_factory=lambda *_: context,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Above the usual poll interval: a poll that finds its connection closed pays a handshake.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )
    return _Listener(config)


def _stop_on_signals(servers: list[_Listener]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _clock(hospital: Hospital, seen: Seen) -> None:
    """Turn the loop's clock; a turn that fails is logged and tried again at the next."""
    while True:
        try:
            for moved in await asyncio.to_thread(pipeline.tick, hospital, seen, datetime.now(UTC)):
                log.info(moved.says, rollout=moved.rollout)
        except FirmwardError as error:
            log.error("the clock's turn failed", error=str(error))
        except Exception:
            log.exception("the clock's turn failed")
        await asyncio.sleep(hospital.site.settings.tick_s)


async def _mirror(hospital: Hospital) -> None:
    """Follow the folder of advisories; looking takes a twentieth of the time, however large."""
    while True:
        started = time.monotonic()
        try:
            if await asyncio.to_thread(mirror.follow, hospital, datetime.now(UTC)):
                log.info("advisories were read anew")
        except FirmwardError as error:
            log.error("advisories were not followed", error=str(error))
        except Exception:
            log.exception("advisories were not followed")
        took = time.monotonic() - started
        await asyncio.sleep(max(hospital.site.settings.tick_s, 20 * took))


async def _rules(hospital: Hospital) -> None:
    """Follow the policy that the site adopts while it is served."""
    followed = Followed()
    while True:
        started = time.monotonic()
        try:
            for said in await asyncio.to_thread(follow, hospital, followed, datetime.now(UTC)):
                log.info(said)
        except FirmwardError as error:
            log.error("the policy was not followed", error=str(error))
        except Exception:
            log.exception("the policy was not followed")
        took = time.monotonic() - started
        await asyncio.sleep(max(hospital.site.settings.tick_s, 1.0, 20 * took))


async def _tell(site: Site) -> None:
    """Send vendors their reports, one at a time; beside the clock, which no vendor may hold up."""
    while True:
        said = ""
        try:
            said = await asyncio.to_thread(telling.send_next, site, datetime.now(UTC))
            if said:
                log.info(said)
        except FirmwardError as error:
            log.error("a report was not sent", error=str(error))
        except Exception:
            log.exception("a report was not sent")
        if not said:
            await asyncio.sleep(site.settings.tick_s)
