"""How many check-ins a hospital answers, beside a bare Starlette endpoint over the same TLS.

Figure: `firmward hospital serve`, a joined device, GET /v1/check-in over kept mTLS connections.
Peer: uvicorn with the same TLS settings and certificates, one Starlette route, the same bytes back.
Both are asked one after the other by the same clients.
Prints one line with the ratio of the two rates; exits 1 below a twenty-fifth.
    python bench/checkin.py [--seconds S] [--connections N]
"""

import argparse
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from firmward.lab import paper_site, paper_vendor
from firmward.lab.paper_device import PaperDevice, joined
from firmward.proof import certs, keys
from firmward.terms import checkin
from firmward.terms.wire import encode

# A check-in looks up the device and its order in the store, twice with a worker thread between.
LEAST_RATIO = 0.04
# The peer's answer has the size of ours.
BARE = """
import asyncio, sys, uvicorn, uvloop
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from firmward.hospital.web.identity import tls_context
keys, port = Path(sys.argv[1]), int(sys.argv[2])
body = b"x" * int(sys.argv[3])
async def answer(request): return Response(body, media_type="application/json")
context = tls_context(keys, [(keys / "authority-hospital.pem").read_bytes()])
config = uvicorn.Config(Starlette(routes=[Route("/v1/check-in", answer)]), port=port,
    http="httptools", ssl_context_factory=lambda *_: context, lifespan="off", log_config=None,
    access_log=False, server_header=False, timeout_keep_alive=75)
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(uvicorn.Server(config).serve())
"""


def rate(device: PaperDevice, base: str, seconds: float, connections: int) -> float:
    """Answers per second over this many kept connections of one device."""
    tls, where = context_of(device), urlsplit(base)
    counts = [0] * connections
    # http.client costs the measuring side a fraction of what a comfortable library does.
    clients = [
        HTTPSConnection(str(where.hostname), where.port, context=tls, timeout=30)
        for _ in range(connections)
    ]
    for client in clients:
        ask(client)
    start = time.perf_counter()

    def keep_asking(number: int) -> None:
        while time.perf_counter() < start + seconds:
            ask(clients[number])
            counts[number] += 1

    threads = [threading.Thread(target=keep_asking, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - start
    for client in clients:
        client.close()
    return sum(counts) / took_s


def ask(client: HTTPSConnection) -> None:
    """One check-in, read to its end."""
    client.request("GET", checkin.CHECK_IN)
    response = client.getresponse()
    response.read()
    assert response.status == 200, response.status


def context_of(device: PaperDevice) -> ssl.SSLContext:
    """TLS 1.3 with this device's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=device.authority.decode())
    path = device.folder / "bench.pem"
    path.write_bytes(certs.pem(device.certificate) + keys.private_pem(device.key))
    context.load_cert_chain(path)
    return context


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def bare_rate(device: PaperDevice, home: Path, seconds: float, connections: int) -> float:
    """The peer's rate: its process lives only here."""
    port, length = free_port(), len(device.ask("GET", checkin.CHECK_IN).content)
    command = [sys.executable, "-c", BARE, str(home / "keys"), str(port), str(length)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(port)
            return rate(device, f"https://127.0.0.1:{port}", seconds, connections)
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError("the peer did not come up")


def main() -> int:
    """Measure both, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=4)
    asked = parser.parse_args()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as folder:
        home = paper_site.found_site(Path(folder) / "site", now, tick_s=0.5)
        vendor = paper_vendor.new_vendor(now)
        with paper_site.served(home) as server:
            with closing(server.desk("sam")) as desk:
                desk.post("/v1/vendors", encode(vendor.onboarding))
            with closing(server.desk("bea")) as desk:
                desk.post("/v1/devices", paper_site.inventory(vendor, [1]))
            device = joined(server, vendor, 1, Path(folder), "pump-200@1.0.0+1")
            how = asked.seconds, asked.connections
            ours = rate(device, server.url("device"), *how)
            bare = bare_rate(device, home, *how)
            device.http.close()
    print(
        f"checkin: {ours:.0f} check-ins/s over kept mTLS, bare Starlette {bare:.0f}/s, "
        f"ratio {ours / bare:.2f} ({asked.connections} connections, one server process each)"
    )
    return 0 if ours >= LEAST_RATIO * bare else 1


if __name__ == "__main__":
    sys.exit(main())
