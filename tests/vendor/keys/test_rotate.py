"""A new key in an old one's place: every reader follows, and a crash in between harms nobody."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tests.tokens import software

from firmward.proof import roles
from firmward.proof.repository import Lives, root_file
from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.vendor import onboard
from firmward.vendor.keys import book, opening, rotate
from firmward.vendor.publish.repository import File

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = {"pump-200/1.0.0+1/image.bin": File(b"one", {"a": 1})}
MORE = {"pump-200/1.1.0+3/image.bin": File(b"two", {"a": 2})}


def new_home(folder: Path, keys: str = "") -> onboard.Home:
    """A home with one thing published."""
    home = onboard.start(folder / "home", [software(keys=keys)], 32473, NOW)
    home.repository.publish(FILES, NOW)
    return home


def seen(home: Path, root: bytes) -> roles.Trusted:
    """The repository as somebody sees it who trusts this root."""
    folder = home / "repository/metadata"

    def fetch(name: str, limit: int) -> bytes | None:
        path = folder / name
        return path.read_bytes() if path.exists() else None

    return roles.refresh({"root": root}, fetch, NOW, "vendor")


def first_root(home: Path) -> bytes:
    """What was pinned at the beginning."""
    return (home / "repository/metadata/1.root.json").read_bytes()


@pytest.mark.parametrize("name", ["root-1", "targets-2", "snapshot", "timestamp"])
def test_readers_of_the_first_root_follow_a_rotation(tmp_path, name):
    """The new key is in force, the old one is not, and releases go on."""
    home = new_home(tmp_path).folder
    before = book.read(home).find(name)
    assert 2 == rotate.rotate(home, name, NOW)
    after = book.read(home).find(name)

    assert (f"{name}.2", True) == (after.label, after.keyid != before.keyid)
    again = onboard.open_home(home)
    again.repository.publish(MORE, NOW)
    trusted = seen(home, first_root(home))
    assert 2 == trusted.versions["root"]
    assert set(FILES | MORE) == set(trusted.targets)
    assert not (home / rotate.NEXT).exists()


def test_a_repository_with_nothing_in_it_is_handed_over_too(tmp_path):
    """An empty list signed by the old key alone would be refused under the new root."""
    home = onboard.start(tmp_path / "home", [software()], 32473, NOW)
    home.repository.publish({}, NOW)
    rotate.rotate(home.folder, "targets-1", NOW)

    assert {} == dict(seen(home.folder, first_root(home.folder)).targets)


def test_the_rotated_key_signs_nothing_any_more(tmp_path):
    """Whoever stole it is left with a key that no reader of the new root asks for."""
    home = new_home(tmp_path)
    thief = home.keys
    rotate.rotate(home.folder, "targets-1", NOW)
    stolen = onboard.ImageRepository(
        home.folder / "repository", onboard.open_home(home.folder).keys
    )
    stolen.publish({}, NOW)
    bundle = stolen.publish(MORE, NOW, unsafe_signers={"targets": thief.targets})

    def fetch(name: str, limit: int) -> bytes | None:
        return bundle.get(name)

    with pytest.raises(roles.RolesRefused):
        roles.refresh({"root": first_root(home.folder)}, fetch, NOW, "vendor")


def test_a_lost_root_key_is_replaced_without_it(tmp_path):
    """Two of three holders are enough; with two lost there is no way, and nothing moves."""
    home = new_home(tmp_path).folder
    keys = home / "unsafe-software-keys"
    (keys / "root-2.pem").unlink()
    assert 2 == rotate.rotate(home, "root-2", NOW)
    assert 2 == seen(home, first_root(home)).versions["root"]

    (keys / "root-1.pem").unlink()
    (keys / "root-3.pem").unlink()
    before = (home / book.FILE).read_bytes()
    with pytest.raises(Unavailable, match="expected 2 keys that can sign, got 1"):
        rotate.rotate(home, "root-1", NOW)
    assert before == (home / book.FILE).read_bytes()
    assert 2 == seen(home, first_root(home)).versions["root"]


def test_a_lost_targets_key_is_replaced_by_the_root(tmp_path):
    """Releases stop until then, because both holders sign each."""
    home = new_home(tmp_path).folder
    (home / "unsafe-software-keys/targets-1.pem").unlink()
    with pytest.raises(Unavailable):
        onboard.open_home(home)
    rotate.rotate(home, "targets-1", NOW)

    onboard.open_home(home).repository.publish(MORE, NOW)
    assert set(FILES | MORE) == set(seen(home, first_root(home)).targets)


def test_a_hybrid_holder_replaces_both_keys_at_once(tmp_path):
    """Half a pair left behind would be half a threshold in a thief's hand."""
    home = new_home(tmp_path, "hybrid = true").folder
    before = {held.name: held.keyid for held in book.read(home).keys}
    rotate.rotate(home, "root-3", NOW)
    after = {held.name: held.keyid for held in book.read(home).keys}

    assert {"root-3", "root-3-ml-dsa"} == {name for name in after if before[name] != after[name]}
    assert 2 == seen(home, first_root(home)).versions["root"]


@pytest.mark.parametrize("name", ["evidence", "firmware", "device-authority"])
def test_keys_that_hospitals_and_devices_hold_themselves_are_not_rotated(tmp_path, name):
    """No root file reaches them; pretending so would stop every later release."""
    home = opening.create(tmp_path / "home", [software()], NOW).home
    before = (home / book.FILE).read_bytes()

    with pytest.raises(Misuse, match="no root file can replace it"):
        rotate.rotate(home, name, NOW)
    with pytest.raises(Misuse, match="expected one of"):
        rotate.rotate(home, "nobody", NOW)
    assert before == (home / book.FILE).read_bytes()


def test_a_crash_before_the_root_file_leaves_the_old_keys_in_force(tmp_path):
    """keys.next.json that no root file speaks of is dropped."""
    home = new_home(tmp_path).folder
    said = book.read(home)
    book.write(home, opening.replaced(home, said, "targets-1"), rotate.NEXT)

    assert said == onboard.open_home(home).keys.book
    assert not (home / rotate.NEXT).exists()
    assert 2 == rotate.rotate(home, "targets-1", NOW)
    assert "targets-1.3" == book.read(home).find("targets-1").label


def test_a_crash_after_the_root_file_is_ended_when_the_home_is_next_opened(tmp_path):
    """Otherwise releases would be signed with keys that no reader knows any more."""
    home = new_home(tmp_path).folder
    said = book.read(home)
    rotate.rotate(home, "targets-1", NOW)
    after = book.read(home)
    # As if the power had gone just before the last rename.
    book.write(home, after, rotate.NEXT)
    book.write(home, said)

    assert after == onboard.open_home(home).keys.book
    onboard.open_home(home).repository.publish(MORE, NOW)
    assert set(FILES | MORE) == set(seen(home, first_root(home)).targets)


def test_a_strangers_root_is_followed_by_no_reader_and_not_built_upon(tmp_path):
    """Dropped into the folder: signing the next one on top of it would cut every reader off."""
    home = new_home(tmp_path).folder
    listed = onboard.open_home(home).keys.roles()
    forged = root_file(2, listed, [CryptoSigner.generate_ecdsa()], NOW + Lives().root)
    (home / "repository/metadata/2.root.json").write_bytes(forged)
    before = (contents(home / "repository"), (home / book.FILE).read_bytes())

    with pytest.raises(roles.RolesRefused):
        seen(home, first_root(home))
    with pytest.raises(NotTrusted, match=r"2\.root\.json"):
        rotate.rotate(home, "targets-1", NOW)
    assert before == (contents(home / "repository"), (home / book.FILE).read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, to see that nothing moved."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}
