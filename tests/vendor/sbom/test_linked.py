"""What is linked is told from the linker's own map, not from what a manifest allows."""

import json
import os
import subprocess
import sys

import pytest
from tests.vendor.sbom.conftest import written

from firmward.terms.errors import Malformed
from firmward.vendor.cache import default_folder
from firmward.vendor.project import SbomRules
from firmward.vendor.sbom.collectors import compiled, linkmap
from firmward.vendor.sbom.inventory import Image, gather
from firmward.vendor.sbom.tree import Tree

FILES = {
    "src/main.c": "int used(int); int main(void) { return used(3); }\n",
    "vendor/zlib/zlib.h": '#define ZLIB_VERSION "1.3.1"\n',
    "vendor/zlib/inflate.c": "int used(int x) { return x + 1; }\n",
    "vendor/cjson/cJSON.h": "#define CJSON_VERSION_MAJOR 1\n#define CJSON_VERSION_MINOR 7\n"
    "#define CJSON_VERSION_PATCH 17\n",
    "vendor/cjson/cJSON.c": "int never_called(int x) { return x + 2; }\n",
    "vendor/miniz/miniz.h": "/* miniz.c 3.0.2 */\n",
}
RULES = SbomRules(vendored=("vendor",))
TARGET = "-target thumb-freestanding-eabi -mcpu=cortex_m3 -Os -ffreestanding -ffunction-sections"


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A tree that was really compiled, archived and linked, and lld's map of it."""
    folder = tmp_path_factory.mktemp("linked")
    root = written(folder / "source", FILES)
    build = folder / "build"
    sources = [name for name in FILES if name.endswith(".c")]
    for name in sources:
        output = build / f"{name}.o"
        output.parent.mkdir(parents=True)
        zig("cc", *TARGET.split(), "-c", str(root / name), "-o", str(output), at=root)
    library = ["vendor/zlib/inflate.c.o", "vendor/cjson/cJSON.c.o"]
    zig("ar", "rcs", "libthird.a", *library, at=build)
    options = ("--gc-sections", "-e", "main", "-Map=app.map", "-o", "app.elf")
    zig("ld.lld", *options, "src/main.c.o", "libthird.a", at=build)
    return Tree(root), (build / "app.map").read_bytes()


def zig(*words, at):
    """Run the compiler that the firmware is built with."""
    cache = str(default_folder() / "zig")
    caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    command = [sys.executable, "-m", "ziglang", *words]
    done = subprocess.run(command, cwd=at, env=os.environ | caches, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr


def test_a_real_link_tells_which_parts_are_in_the_image(linked):
    """The one that is called is in; the one in the same archive that nobody calls is not."""
    tree, linker_map = linked
    parts = {part.name: part for part in gather(tree, RULES, Image(map=linker_map)).parts}

    assert {"cjson", "miniz", "zlib"} == set(parts)
    assert "yes" == parts["zlib"].linked
    assert "no" == parts["cjson"].linked
    assert "unknown" == parts["miniz"].linked


GNU = """
Archive member included to satisfy reference by file (symbol)

/opt/gcc/lib/libc_nano.a(lib_a-exit.o)
                              /opt/gcc/crt0.o (exit)

Discarded input sections

 .text.dead     0x0000000000000000       0x14 vendor/cjson/cJSON.c.obj

Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x0000000008000000 0x0000000000100000 xr

Linker script and memory map

LOAD vendor/cjson/cJSON.c.obj
                0x0000000020020000                _estack = (ORIGIN (RAM) + LENGTH (RAM))

.text           0x0000000008000188      0x5d0
 *(.text)
 .text.main     0x0000000008000188       0x1c src/main.c.obj
                0x0000000008000188                main
 .text.a_very_long_section_name
                0x00000000080001a4       0x20 libthird.a(inflate.c.obj)
 .text          0x00000000080001c4       0x10 {newlib}/libc_nano.a(lib_a-exit.o)
 .text          0x00000000080001d4       0x44 {gcc}/libgcc.a(_udivmoddi4.o)
 .text          0x0000000008000218       0x08 blobs/libradio.a(phy.o)
 *fill*         0x0000000008000220        0x4

.comment        0x0000000000000000       0x33
 .comment       0x0000000000000000       0x33 vendor/cjson/cJSON.c.obj
                                         0x34 (size before relaxing)
OUTPUT(app.elf elf32-littlearm)
""".format(
    newlib="/opt/arm/lib/gcc/arm-none-eabi/12.2.1/../../../../arm-none-eabi/lib",
    gcc="/opt/arm/lib/gcc/arm-none-eabi/12.2.1",
)


def test_a_map_of_gnu_ld_names_the_toolchain_and_the_blobs(planted):
    """Runtime libraries are parts too; an archive that nobody knows is a declared unknown."""
    inventory = gather(planted(FILES), RULES, Image(map=GNU.encode()))
    parts = {part.name: part for part in inventory.parts}

    assert ("yes", "no") == (parts["zlib"].linked, parts["cjson"].linked)
    assert ("12.2.1", "linked") == (parts["libgcc"].version, parts["libgcc"].evidence)
    assert ("", True) == (parts["newlib"].version, parts["newlib"].known_unknown)
    assert (True, "yes") == (parts["libradio"].known_unknown, parts["libradio"].linked)
    assert {"newlib", "libradio"} == {part.name for part in inventory.unknown}


def test_link_time_optimisation_leaves_nothing_to_tell_by(planted):
    """An object made of many sources never shows that a part is absent."""
    text = GNU.replace("src/main.c.obj", "/tmp/cc1.ltrans0.ltrans.o")
    parts = gather(planted(FILES), RULES, Image(map=text.encode())).parts

    assert {"unknown"} == {part.linked for part in parts if part.name == "cjson"}


def database(*entries):
    """A compilation database of (file, output) as a build under /firmward/src leaves it."""
    return json.dumps(
        [
            {"directory": "/firmward/src/build", "file": file, "command": f"cc -c x -o {output} -g"}
            for file, output in entries
        ]
    ).encode()


def test_the_compilation_database_tells_sources_of_one_name_apart(planted):
    """Two vendored libraries have a utils.c; the object's target says which one is linked."""
    files = {
        "vendor/a/utils.c": "",
        "vendor/b/utils.c": "",
        "vendor/a/zlib.h": FILES["vendor/zlib/zlib.h"],
        "vendor/b/cJSON.h": FILES["vendor/cjson/cJSON.h"],
    }
    commands = database(
        ("/firmward/src/vendor/a/utils.c", "CMakeFiles/a.dir/utils.c.o"),
        ("/firmward/src/vendor/b/utils.c", "CMakeFiles/b.dir/utils.c.o"),
    )
    text = GNU.replace("libthird.a(inflate.c.obj)", "build/liba.a(utils.c.o)")
    tree = planted(files)
    parts = {
        part.name: part.linked
        for part in gather(tree, RULES, Image(map=text.encode(), compile_commands=commands)).parts
    }
    alone = compiled.Sources(tree, None).of(linkmap.Linked("build/liba.a", "utils.c.o"))

    assert ("yes", "no") == (parts["zlib"], parts["cjson"])
    assert 2 == len(alone)


def test_sources_compiled_from_outside_the_tree_are_declared_unknown(planted):
    """A board support package on the build host is in the image, and in no manifest."""
    commands = database(
        ("/firmward/src/src/main.c", "main.o"),
        ("/opt/vendor-sdk/hal/uart.c", "uart.o"),
        ("generated.c", "generated.o"),
    )
    parts = gather(planted(FILES), RULES, Image(compile_commands=commands)).parts

    assert ["sources in /opt/vendor-sdk/hal"] == [part.name for part in parts if part.known_unknown]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a map of GNU ld or lld"),
        ("Component: Arm Compiler 6.16\n", "a map of GNU ld or lld"),
        ("Linker script and memory map\n\n.text 0x0 0x0\n", "objects that are in the image"),
    ],
)
def test_a_map_that_tells_nothing_is_refused(text, message):
    """An empty answer would say that nothing is linked."""
    with pytest.raises(Malformed, match=message):
        linkmap.objects(text.encode())


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"directory": "/x"}]', "["])
def test_a_compilation_database_of_no_kind_is_refused(planted, text):
    """It is the build's own, and still only believed when it is whole."""
    with pytest.raises(Malformed, match=r"compile_commands\.json"):
        compiled.read(text.encode(), planted(FILES), "/firmward/src")
