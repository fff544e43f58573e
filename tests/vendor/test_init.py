"""`init` looks at a tree, drafts its project file, and keeps a home for several products."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.vendors import DEVELOPER, contents, new_key, small_tree

from firmward.terms.errors import Malformed, Misuse
from firmward.terms.onboarding import read_onboarding
from firmward.vendor import drafting, onboard, project
from firmward.vendor.looking import look
from firmward.vendor.source import signers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def laid(folder: Path, *names: str, **texts: str) -> Path:
    """A folder with these files; a text is given by the name with __ for dots."""
    files = dict.fromkeys(names, "x\n") | {n.replace("__", "."): t for n, t in texts.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


TREES = {
    "Zephyr": (("west.yml", "prj.conf", "src/main.c"), {}, "zephyr/zephyr/zephyr.bin"),
    "PlatformIO": (("src/main.cpp",), {"platformio__ini": "[env:pump]\n"}, "pump/firmware.bin"),
    "ESP-IDF": (
        ("main/main.c", "sdkconfig.defaults"),
        {"CMakeLists__txt": "include($ENV{IDF_PATH}/x.cmake)\nproject(pump)\n"},
        "pump.bin",
    ),
    "Buildroot": (("external.desc", "package/pump/pump.mk"), {}, "images/rootfs.squashfs"),
    "Yocto": (
        ("meta-pump/conf/layer.conf", "meta-pump/pump_1.0.bb"),
        {},
        "tmp/deploy/images/MACHINE/IMAGE.squashfs",
    ),
    "CMake presets": (
        ("CMakeLists.txt", "main.c"),
        {"CMakePresets__json": '{"configurePresets": [{"name": "h", "hidden": 1}, {"name": "r"}]}'},
        "app.bin",
    ),
    "CMake": (("CMakeLists.txt", "src/main.c"), {}, "app.bin"),
    "Meson": (("meson.build", "main.c"), {}, "app.bin"),
    "Cargo": (("src/main.rs",), {"Cargo__toml": '[package]\nname = "pump"\n'}, "release/pump"),
    "make": (("Makefile", "main.c"), {}, "app.bin"),
    "a script": (("build.sh", "main.c"), {}, "app.bin"),
    "nothing": (("README",), {}, "app.bin"),
}  # fmt: skip


@pytest.mark.parametrize("system", TREES)
def test_the_draft_for_every_build_system_is_a_project_file_that_says_what_was_seen(
    tmp_path, system
):
    """Nothing in it has to be known before it can be read and tried."""
    names, texts, binary = TREES[system]
    folder = laid(tmp_path / "pump", *names, **texts)
    text = drafting.write(folder, "acme").read_text()
    made = project.read(text.encode())

    assert ("acme", "pump", binary) == (made.vendor, made.product, made.build.binary)
    assert (made.source.signed, made.development) == (True, True)
    assert "# seen: " in text
    assert system == "nothing" or f"{system} (" in text
    assert (
        bool(made.build.rootfs)
        == (made.image.format == "raw")
        == (system in ("Buildroot", "Yocto"))
    )


def test_every_section_and_setting_is_in_the_draft(tmp_path):
    """Commented where it is optional: the file is its own manual."""
    text = drafting.draft(look(laid(tmp_path / "pump", "main.c")), "acme")

    def absent(kind: type, where: str = "") -> list[str]:
        fields = msgspec.structs.fields(kind)
        inner = [
            f for f in fields if isinstance(f.type, type) and issubclass(f.type, msgspec.Struct)
        ]
        missing = [
            f"{where}{f.name}" for f in fields if f"{f.name} =" not in text and f not in inner
        ]
        return missing + [each for f in inner for each in absent(f.type, f"{f.name}.")]

    known = {"declaration", "scan.suppress", "scan.cppcheck", "scan.depth", "sbom.exclude"}
    known |= {"keys.tokens", "keys.algorithms", "blackbox.command", "publish.token_env"}
    assert set() == set(absent(project.Project)) - known


def test_scanners_sources_and_third_party_folders_are_what_the_tree_has(tmp_path):
    """Python, shell and Dockerfiles bring their scanners; other people's code is set apart."""
    folder = laid(
        tmp_path / "My Pump 3",
        *("src/a.c", "src/include/a.h", "board/b.cpp", "tools/flash.py", "ci/run.sh", "Dockerfile"),
        *("third_party/lib/lib.c", "src/vendor/other/o.c", "node_modules/x/x.c", "x y/bad name.c"),
        *("compile_commands.json", "docs/threat-model.yaml", "pump.vex.json", "fuzz/corpus/1"),
        Makefile="CC = arm-none-eabi-gcc\n",
        __gitmodules='[submodule "lib"]\n\tpath = third_party/lib\n\turl = https://x/lib\n',
    )
    made = project.read(drafting.write(folder, "acme").read_bytes())

    assert "my-pump-3" == made.product
    assert ("board", "src") == made.scan.sources
    assert ("src/include",) == made.scan.includes
    assert ("src/vendor", "third_party") == made.sbom.vendored
    assert {"clang-tidy", "semgrep", "ruff", "shellcheck", "hadolint"} < set(made.scan.scanners)
    assert ("arm-none-eabi", "compile_commands.json") == (
        made.scan.target,
        made.build.compile_commands,
    )
    assert "docs/threat-model.yaml" == made.threats.model
    assert (("pump.vex.json",), "fuzz/corpus") == (made.advisories.vex, made.blackbox.corpus)
    assert "third_party/lib" in (folder / "firmward.toml").read_text().split("[source]")[0]


@pytest.mark.parametrize("name", ["3pump", "_.-", "Ünïcødé", "a" * 200, "<vendor>", "x\ny"])
def test_no_name_of_a_tree_breaks_its_draft(tmp_path, name):
    """Nor does one reach a shell: a preset's or environment's name is taken only if it is plain."""
    folder = laid(
        tmp_path / name,
        "CMakeLists.txt",
        platformio__ini="[env:a; touch /tmp/x]\n",
        CMakePresets__json='{"configurePresets": [{"name": "$(id)\\n\\"]"}, 7]}',
        Cargo__toml='name = "../../up"\n',
    )
    made = project.read(drafting.write(folder, "acme").read_bytes())

    assert "ENVIRONMENT" in made.build.command[2]
    assert "touch" not in (folder / "firmward.toml").read_text()


def test_the_origin_goes_into_the_draft_without_credentials(tmp_path):
    """From then on a fork is refused."""
    tree = small_tree(tmp_path / "source")
    tree.git("remote", "add", "origin", "https://user:token@git.example/pump")
    tree.commit({"firmward.toml": None})
    made = project.read(drafting.write(tree.folder, "acme").read_bytes())

    assert ("https://git.example/pump",) == made.source.remotes


def test_a_project_file_that_is_there_stays_and_a_bad_vendor_writes_none(tmp_path):
    """Half a file would be worse than none."""
    folder = laid(tmp_path / "pump", "main.c")
    with pytest.raises(Malformed):
        drafting.write(folder, "Not A Label")
    assert not (folder / "firmward.toml").exists()

    path = drafting.write(folder, "acme")
    before = path.read_bytes()
    with pytest.raises(Misuse, match="stays as it is"):
        drafting.write(folder, "acme")
    assert before == path.read_bytes()


@pytest.fixture(scope="module")
def declared(tmp_path_factory) -> project.Project:
    """A drafted project."""
    folder = laid(tmp_path_factory.mktemp("drafted") / "pump", "main.c")
    return project.read(drafting.write(folder, "acme").read_bytes())


def test_a_second_product_joins_the_home_of_its_vendor(tmp_path, declared):
    """The same keys and repository; the onboarding file names both."""
    home = onboard.start(tmp_path, [declared], 32473, NOW)
    before = home.keys.folder
    other = msgspec.structs.replace(declared, product="pump-2", device_class="PUMP2")
    again = onboard.add(tmp_path, other, 32473)
    said = read_onboarding((tmp_path / "vendor.json").read_bytes())

    assert ["pump", "pump-2"] == [each.product for each in said.products]
    assert (before, home.repository.roots()) == (again.keys.folder, again.repository.roots())


@pytest.mark.parametrize(
    ("change", "enterprise", "expected"),
    [
        ({}, 32473, "a product that is not there yet, got pump"),
        ({"product": "pump-2", "vendor": "borealis"}, 32473, "expected acme 32473"),
        ({"product": "pump-2"}, 1, "expected acme 32473"),
        ({"product": "pump-2", "development": False}, 32473, "software keys only where"),
        ({"product": "pump-2", "keys": project.KeyRules(hybrid=True)}, 32473, r"the \[keys\] of"),
    ],
)
def test_a_product_that_does_not_fit_the_home_is_refused(
    tmp_path, declared, change, enterprise, expected
):
    """Another vendor's, one that is there, or one that wants other keys; nothing moves."""
    onboard.start(tmp_path, [declared], 32473, NOW)
    before = contents(tmp_path)

    with pytest.raises(Misuse, match=expected):
        onboard.add(tmp_path, msgspec.structs.replace(declared, **change), enterprise)
    assert before == contents(tmp_path)


def test_a_new_home_says_how_signers_are_named_and_names_nobody(tmp_path, declared):
    """Until somebody is, no signed project can be released."""
    home = onboard.start(tmp_path, [declared], 32473, NOW)
    file = tmp_path / "signers" / "allowed-signers"

    assert "valid-before" in file.read_text()
    assert (b"", b"") == home.signers.split(DEVELOPER)
    assert 0o600 == file.stat().st_mode & 0o777


def test_the_accounts_own_signing_key_can_be_allowed_once(tmp_path):
    """By the account's settings; a key in the repository's settings may be anybody's."""
    key = new_key(tmp_path / "key")
    public = key.with_suffix(".pub").read_text().strip()
    config = tmp_path / ".gitconfig"
    before = os.environ["HOME"]
    os.environ["HOME"] = str(tmp_path)
    try:
        assert signers.own() is None
        text = f"[user]\n email = {DEVELOPER}\n signingKey = {{}}\n[gpg]\n format = ssh\n"
        config.write_text(text.format(key))
        mine = signers.own()
        config.write_text(text.format(f'"key::{public}"'))
        assert mine == signers.own()
        config.write_text(text.format(tmp_path / "absent"))
        assert signers.own() is None
    finally:
        os.environ["HOME"] = before
    for _ in range(2):
        signers.allow(tmp_path / "home", mine.email, mine.key)
    covering, _ = signers.load(tmp_path / "home").split(DEVELOPER)

    assert f'{DEVELOPER} namespaces="git" {public}\n'.encode() == covering


@pytest.mark.parametrize("email", ["", "a b", "*", "a,b", '"x"', "a\nb", "!x", "# x"])
def test_an_address_that_would_be_a_pattern_or_another_line_is_not_allowed(tmp_path, email):
    """`*` would let everybody sign with this key's holder's name."""
    with pytest.raises(Malformed):
        signers.allow(tmp_path, email, "ssh-ed25519 " + "A" * 68)
    assert not (tmp_path / "signers").exists()
