"""`firmward vendor` as a person and a CI type it, in processes of their own."""

import json
import subprocess
import sys

import pytest
from tests.vendors import DEVELOPER, contents, kev, osv

SELF = ("--enterprise", 32473, "--allow-me")


@pytest.fixture
def firmward(tree, tmp_path, shelf):
    """Run a command; its exit code, standard output and errors."""
    (tmp_path / "advisories/osv").mkdir(parents=True)
    (tmp_path / "advisories/osv/one.json").write_bytes(osv())
    (tmp_path / "advisories/kev.json").write_bytes(kev())
    key = tmp_path / "developers" / "source-key"
    (tmp_path / ".gitconfig").write_text(
        f"[user]\n email = {DEVELOPER}\n signingKey = {key}\n[gpg]\n format = ssh\n"
    )
    code = "import sys; sys.argv.insert(1, 'vendor'); from firmward.cli import main; main()"
    environment = {"HOME": str(tmp_path), "FIRMWARD_CACHE": str(shelf.folder)}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            env={"PATH": "/usr/bin:/bin", **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def released(firmward, tree, counter: int = 1, *more: object):
    """Run `release`."""
    return firmward(
        *("release", tree.folder / "pump", "--home", "home", "--advisories", "advisories"),
        *("--version", "1.0.0", "--counter", counter, "--out", f"{counter}.tar", *more),
    )


def test_from_nothing_to_a_bundle(firmward, tree, tmp_path):
    """init, then release; stages on the screen, the bundle in its file, JSON for machines."""
    pump = tree.folder / "pump"
    made = firmward("init", pump, "--home", "home", *SELF)
    assert (0, "") == (made.returncode, made.stdout)
    assert (tmp_path / "home/vendor.json").is_file()

    done = released(firmward, tree)
    assert 0 == done.returncode, done.stderr
    for stage in ("build", "scan", "sbom", "attest", "sign", "publish"):
        assert f"\n{stage} " in "\n" + done.stderr
    assert (tmp_path / "1.tar").stat().st_size > 10_000

    told = released(firmward, tree, 3, "--predecessor", "pump-200@1.0.0+1", "--json")
    assert 0 == told.returncode, told.stderr
    assert ("", "pump-200@1.0.0+3") == (told.stderr, json.loads(told.stdout)["release"])


def test_the_same_release_asked_for_again_is_handed_out_again(firmward, tree, tmp_path):
    """No new counter, no new bytes; a pipeline that ran twice on one commit changes nothing."""
    firmward("init", tree.folder / "pump", "--home", "home", *SELF)
    pages = ("--report", "report.html", "--sarif", "found.sarif")
    assert 0 == released(firmward, tree, 1, *pages).returncode
    first = (tmp_path / "1.tar").read_bytes()
    assert "pump-200@1.0.0+1" in (tmp_path / "report.html").read_text()
    assert "2.1.0" == json.loads((tmp_path / "found.sarif").read_text())["version"]

    again = released(firmward, tree, 1, "--json")
    assert (0, True) == (again.returncode, json.loads(again.stdout)["repeated"])
    assert first == (tmp_path / "1.tar").read_bytes()


def test_attest_sign_and_publish_run_alone(firmward, tree, tmp_path):
    """On two machines if need be; what was changed between them is noticed."""
    firmward("init", tree.folder / "pump", "--home", "home", *SELF)
    asked = (tree.folder / "pump", "--home", "home", "--advisories", "advisories")
    asked += ("--version", "1.0.0", "--counter", 1)
    assert 0 == firmward("attest", *asked, "--out", "said").returncode
    assert {"sbom.json", "spdx.json", "cbom.json", "threats.json"} <= {
        path.name for path in (tmp_path / "said").iterdir()
    }
    assert 0 == firmward("sign", *asked, "--out", "staged").returncode
    published = contents(tmp_path / "home/repository")

    image = tmp_path / "staged/pump-200/1.0.0+1/image.bin"
    good = image.read_bytes()
    image.write_bytes(good[:-1] + b"x")
    bad = firmward("publish", "--home", "home", "--from", "staged")
    assert (1, True) == (bad.returncode, "expected the file that was staged" in bad.stderr)
    assert published == contents(tmp_path / "home/repository")

    image.write_bytes(good)
    done = firmward("publish", "--home", "home", "--from", "staged", "--out", "1.tar")
    assert 0 == done.returncode, done.stderr
    assert good in (tmp_path / "1.tar").read_bytes()


def test_a_refusal_says_why_and_leaves_no_bundle(firmward, tree, tmp_path):
    """Exit 1, the reason in words or in JSON, and no file half-written."""
    firmward("init", tree.folder / "pump", "--home", "home", *SELF)
    (tree.folder / "pump/config.h").write_text("/* dirty */\n")

    done = released(firmward, tree)
    assert 1 == done.returncode
    assert "SourceRefused: working copy: expected no change since the commit" in done.stderr
    told = released(firmward, tree, 1, "--json")
    assert "SourceRefused" == json.loads(told.stdout)["error"]["kind"]
    assert [] == list(tmp_path.glob("*.tar"))


def test_misuse_and_what_cannot_be_judged_have_codes_of_their_own(firmward, tree):
    """2: the caller's fault. 3: try again when it is there."""
    assert 3 == released(firmward, tree).returncode
    firmward("init", tree.folder / "pump", "--home", "home", *SELF)
    again = firmward("init", tree.folder / "pump", "--home", "home", *SELF)
    assert (2, True) == (again.returncode, "not there yet" in again.stderr)


def test_each_stage_runs_alone(firmward, tree, tmp_path):
    """Build, scan and SBOM leave their results in files."""
    pump = tree.folder / "pump"
    version = ("--version", "1.0.0")
    assert 0 == firmward("build", pump, *version, "--counter", 1, "--out", "out").returncode
    assert b"\x7fELF" == (tmp_path / "out/app.elf").read_bytes()[:4]

    assert 0 == firmward("scan", pump, "--out", "scan.sarif").returncode
    assert "2.1.0" == json.loads((tmp_path / "scan.sarif").read_text())["version"]

    assert 0 == firmward("sbom", pump, *version, "--out", "sbom.json").returncode
    assert "CycloneDX" == json.loads((tmp_path / "sbom.json").read_text())["bomFormat"]


def test_a_scan_that_finds_an_error_ends_with_one(firmward, tree):
    """So that a CI job fails; the finding is on the screen, the secret is not."""
    header = tree.read("pump/config.h") + '#define SERVICE_PASSWORD "letmein1"\n'
    tree.commit({"pump/config.h": header})

    done = firmward("scan", tree.folder / "pump", "--out", "scan.sarif")
    assert 1 == done.returncode
    assert "default-credential" in done.stderr
    assert "letmein1" not in done.stderr


def test_init_in_a_tree_without_a_project_file_writes_one(firmward, tmp_path):
    """And no key yet: the file is to be filled in first."""
    (tmp_path / "fresh").mkdir()
    done = firmward("init", "fresh", "--home", "home", "--enterprise", 1, "--vendor", "acme")

    assert 0 == done.returncode
    assert 'vendor = "acme"' in (tmp_path / "fresh/firmward.toml").read_text()
    assert not (tmp_path / "home").exists()
