"""Delivering the repository: whole or not at all, never over what is there, and again after."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.object_server import object_server
from tests.vendors import contents

from firmward.proof import roles
from firmward.terms.errors import Misuse, NotTrusted, Refused, Unavailable
from firmward.vendor import onboard
from firmward.vendor.keys import rotate
from firmward.vendor.publish.cli import place
from firmward.vendor.publish.folder import Folder
from firmward.vendor.publish.repository import File
from firmward.vendor.publish.targets import TIMESTAMP, Differs, Step, deliver
from firmward.vendor.publish.web import Server

NOW = datetime.now(UTC)
FIRST = {"pump-200/1.0.0+1/image.bin": File(b"one", {"a": 1})}
SECOND = {
    "pump-200/1.1.0+3/image.bin": File(b"two" * 9999, {"a": 2}),
    "pump-200/1.1.0+3/evidence/sbom.dsse.json": File(b"{}", {}),
}
ALL = set(FIRST | SECOND)
# For each letter it gets, a process of its own that delivers home to a place and can be killed.
DELIVER = """
import os, sys
from pathlib import Path
from firmward.vendor.keys import opening
from firmward.vendor.publish.cli import place
from firmward.vendor.publish.repository import ImageRepository
from firmward.vendor.publish.targets import deliver
import firmward.vendor.publish.web
home, to, slowly = Path(sys.argv[1]), sys.argv[2], len(sys.argv) > 3
repository = ImageRepository(home / "repository", opening.load(home))
def told(step):
    print(step.path, flush=True)
    slowly and os.read(0, 1)
def run():
    print(os.getpid(), flush=True)
    os.read(0, 1)
    with place(to) as there:
        deliver(repository, there, told)
    os._exit(0)
while os.read(0, 1):
    child = os.fork() or run()
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


class Sender:
    """Somebody who delivers again and again, and is killed each time."""

    def __init__(self, home, *words: str):
        command = [sys.executable, "-c", DELIVER, home.folder, *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, bufsize=0, **pipes)
        self.pid = 0

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def begin(self) -> None:
        """Start a delivery."""
        self._go()
        self.pid = int(self._said())
        self._go()

    def lines(self):
        """Start a delivery; what it has dealt with, as it stops after each file."""
        self.begin()
        while True:
            yield self._said()
            self._go()

    def ended(self) -> bool:
        """Whether it was killed, once it has ended."""
        while not (said := self._said()).startswith("ended"):
            pass
        return said == f"ended {int(signal.SIGKILL)}"

    def _go(self) -> None:
        self.process.stdin.write(b"x")

    def _said(self) -> str:
        return self.process.stdout.readline().decode().strip()

    def kill(self) -> None:
        """SIGKILL to the delivery under way."""
        os.kill(self.pid, signal.SIGKILL)


@dataclass
class There:
    """A place of one kind, and what readers find there."""

    to: str
    held: Callable[[], dict[str, bytes]]

    def readers_see(self) -> set[str]:
        """The targets that a reader who starts from the first root believes and can fetch."""
        held = self.held()
        root = held["metadata/1.root.json"]
        fetch = lambda name, limit: held.get(f"metadata/{name}")  # noqa: E731
        trusted = roles.refresh({"root": root}, fetch, datetime.now(UTC), "reader")
        for path, entry in trusted.targets.items():
            entry.verify_length_and_hashes(held[f"targets/{path}"])
        return set(trusted.targets)


@pytest.fixture
def store():
    """An object server."""
    with object_server() as found:
        yield found


@pytest.fixture
def s3(store):
    """The environment of somebody who uses S3."""
    settings = {
        "AWS_ENDPOINT_URL": store.url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    os.environ.update(settings)
    yield There("s3://firmware/acme", lambda: store.under("firmware/acme"))
    for name in settings:
        del os.environ[name]


@pytest.fixture(params=["folder", "http", "s3"])
def there(request, tmp_path, store) -> There:
    """A place of every kind."""
    if request.param == "folder":
        return There(str(tmp_path / "www"), lambda: contents(tmp_path / "www"))
    if request.param == "http":
        return There(f"{store.url}/www/acme", lambda: store.under("www/acme"))
    return request.getfixturevalue("s3")


def send(home, to: str, told=lambda step: None):
    """Deliver once."""
    with place(to) as target:
        return deliver(home.repository, target, told)


def test_readers_find_what_was_published_and_the_next_run_sends_only_what_is_new(home, there):
    """The file that says what is new comes last, and nothing is sent twice."""
    home.repository.publish(FIRST, NOW)
    steps: list[Step] = []
    first = send(home, there.to, steps.append)
    assert there.readers_see() == set(FIRST)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].path == TIMESTAMP
    assert first.sent == len(steps) == len(there.held())
    before = there.held()
    assert send(home, there.to).sent == 0
    assert there.held() == before

    home.repository.publish(SECOND, NOW)
    second = send(home, there.to)
    assert there.readers_see() == ALL
    assert (second.sent, second.skipped) == (5, 2)


def test_another_file_at_a_published_path_is_refused_and_nothing_is_overwritten(home, there):
    """Somebody put an image of theirs where ours belongs, before we came or after."""
    home.repository.publish(FIRST, NOW)
    send(home, there.to)
    home.repository.publish(SECOND, NOW)
    with place(there.to) as target:
        target.create("targets/pump-200/1.1.0+3/image.bin", b"theirs")
    before = there.held()
    with pytest.raises(Differs, match=r"1\.1\.0\+3/image\.bin"):
        send(home, there.to)
    assert before.items() <= there.held().items()
    assert there.readers_see() == set(FIRST)


def test_readers_are_not_taken_back_or_aside(home, there, tmp_path):
    """Somebody with an older copy of the home, or one that went its own way, publishes."""
    home.repository.publish(FIRST, NOW)
    subprocess.run(["cp", "-a", home.folder, tmp_path / "copy"], check=True)
    copy = onboard.open_home(tmp_path / "copy")
    home.repository.publish(SECOND, NOW)
    send(home, there.to)
    before = there.held()

    with pytest.raises(Refused, match="an older state"):
        send(copy, there.to)
    copy.repository.publish({"pump-200/1.2.0+9/image.bin": File(b"x", {})}, NOW)
    with pytest.raises(Refused, match="an older state"):
        send(copy, there.to)
    assert there.held() == before


def test_what_we_did_not_sign_is_not_delivered(home, there):
    """An image changed on our own disk, and a repository that nothing was published in."""
    with pytest.raises(NotTrusted, match="nothing is published"):
        send(home, there.to)
    home.repository.publish(FIRST, NOW)
    (path,) = FIRST
    (home.folder / "repository/targets" / path).write_bytes(b"not")
    with pytest.raises(NotTrusted):
        send(home, there.to)
    assert there.held() == {}


def test_leftovers_of_a_publication_that_was_cut_short_stay_at_home(home, there):
    """They could be replaced by others at home, and a path out there never is."""
    home.repository.publish(FIRST, NOW)
    (home.folder / "repository/targets/pump-200/left").write_bytes(b"over")
    (home.folder / "repository/metadata/7.targets.json").write_bytes(b"{}")
    send(home, there.to)
    assert not {"targets/pump-200/left", "metadata/7.targets.json"} & set(there.held())


def test_a_kill_between_any_two_files_leaves_the_state_before_and_is_resumed(home, tmp_path):
    """SIGKILL after each file in turn; nobody ever sees half a release."""
    there = There(str(tmp_path / "www"), lambda: contents(tmp_path / "www"))
    home.repository.publish(FIRST, NOW)
    send(home, there.to)
    home.repository.publish(SECOND, NOW)
    paths = [p for p in home.repository.referenced() if not p.endswith("root.json")]
    with Sender(home, there.to, "slowly") as sender:
        for path in paths:
            for line in sender.lines():
                if line == path:
                    sender.kill()
                    break
            assert sender.ended()
            assert there.readers_see() == (ALL if path == TIMESTAMP else set(FIRST))
    assert send(home, there.to).sent == 0


def test_a_kill_at_any_write_over_the_network_leaves_the_state_before(home, store):
    """The server kills the sender when a file is stored and not yet acknowledged."""
    there = There(f"{store.url}/www", lambda: store.under("www"))
    home.repository.publish(FIRST, NOW)
    send(home, there.to)
    home.repository.publish(SECOND, NOW)
    with Sender(home, there.to) as sender:
        store.after, store.asked[:] = lambda path: sender.kill() or True, []
        for expected in (*[set(FIRST)] * 4, ALL):
            sender.begin()
            assert sender.ended()
            assert there.readers_see() == expected
    assert store.count("PUT") == 5, "what was stored once is not sent again"
    store.after = lambda path: False
    assert send(home, there.to).sent == 0


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_server_that_cuts_the_line_is_unavailable_and_the_next_run_goes_on(home, store, where):
    """At every file in turn, before it is stored and after."""
    there = There(f"{store.url}/www", lambda: store.under("www"))
    home.repository.publish(FIRST, NOW)
    send(home, there.to)
    home.repository.publish(SECOND, NOW)
    for path in [p for p in home.repository.referenced() if f"/www/{p}" not in store.held]:
        setattr(store, where, lambda asked, path=path: asked == f"/www/{path}")
        with pytest.raises(Unavailable):
            send(home, there.to)
        assert there.readers_see() == set(FIRST)
    setattr(store, where, lambda path: False)
    send(home, there.to)
    assert there.readers_see() == ALL


def test_what_is_there_is_read_once_and_then_known_by_its_tag(home, store):
    """A large repository is not fetched whole for each release; a changed file is noticed."""
    to = f"{store.url}/www"
    home.repository.publish(FIRST, NOW)
    send(home, to)
    store.asked[:] = []
    send(home, to)
    assert [path for method, path in store.asked if method == "GET"] == [f"/www/{TIMESTAMP}"]
    store.held["/www/targets/pump-200/1.0.0+1/image.bin"] = b"else"
    with pytest.raises(Differs):
        send(home, to)


def test_a_server_without_tags_is_read_each_time(home, store):
    """Slower, and as safe."""
    store.tags = False
    home.repository.publish(FIRST, NOW)
    assert send(home, f"{store.url}/www").sent == 5
    assert send(home, f"{store.url}/www").sent == 0
    home.repository.publish(SECOND, NOW)
    send(home, f"{store.url}/www")
    assert There("", lambda: store.under("www")).readers_see() == ALL


def test_two_publishers_at_once_cannot_both_win(home, store, tmp_path):
    """The second finds another timestamp than the one it has read."""
    home.repository.publish(FIRST, NOW)
    send(home, f"{store.url}/www")
    home.repository.publish(SECOND, NOW)
    fork = store.held[f"/www/{TIMESTAMP}"] + b" "
    moved: list[Step] = []

    def overtake(step: Step) -> None:
        moved.append(step)
        store.held[f"/www/{TIMESTAMP}"] = fork

    with pytest.raises(Refused, match="somebody else"):
        send(home, f"{store.url}/www", overtake)
    assert store.held[f"/www/{TIMESTAMP}"] == fork
    with pytest.raises(Refused, match="somebody else"):
        Folder(tmp_path).replace(TIMESTAMP, b"new", Folder(tmp_path).read("nothing", 1) or _there())


def _there():
    from firmward.vendor.publish.targets import There as Held

    return Held(b"what was read", "")


def test_readers_believe_every_state_while_keys_change(home, store):
    """The new root file follows the metadata that both roots believe."""
    there = There(f"{store.url}/www", lambda: store.under("www"))
    home.repository.publish(FIRST, NOW)
    send(home, there.to)
    rotate.rotate(home.folder, "timestamp", NOW)
    home = onboard.open_home(home.folder)
    seen = []
    send(home, there.to, lambda step: seen.append(there.readers_see()))
    assert seen == [set(FIRST)] * len(seen)
    assert "2.root.json" in str(store.asked[-1])


def test_a_token_goes_to_the_server_and_never_in_clear_over_a_network(home, store):
    """Named by its variable; a place that does not want us is no refusal of the release."""
    home.repository.publish(FIRST, NOW)
    store.token = "Bearer hush"
    with pytest.raises(Unavailable, match="401"):
        send(home, f"{store.url}/www")
    with closing(Server(f"{store.url}/www", "hush")) as server:
        deliver(home.repository, server)
    assert len(store.under("www")) == 5
    with pytest.raises(Misuse, match="https"):
        Server("http://hospital.example/www", "hush")


@pytest.mark.parametrize("to", ["", "ftp://x/y", "s3://", "https://", "https://a/b?c", "gs://x"])
def test_a_place_that_is_none_is_a_misuse(to):
    """Before anything is read or sent."""
    with pytest.raises(Misuse), place(to):
        pass


def test_a_conditional_write_is_what_keeps_files_from_being_overwritten(home, store, s3):
    """Every PUT says so itself, over S3 too, and is signed there."""
    home.repository.publish(FIRST, NOW)
    send(home, "s3://firmware/acme")
    home.repository.publish({}, NOW)
    send(home, "s3://firmware/acme")
    puts = [h for (m, _), h in zip(store.asked, store.headers, strict=True) if m == "PUT"]
    assert all(h.get("if-none-match") == "*" or h.get("if-match") for h in puts)
    assert all(h["authorization"].startswith("AWS4-HMAC-SHA256 ") for h in puts)
    assert json.loads(store.held[f"/firmware/acme/{TIMESTAMP}"])["signed"]["version"] == 2
    assert Path(home.folder, "repository/.delivered").is_dir()
