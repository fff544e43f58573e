"""Vendored libraries are recognised by what their own headers say of their version."""

import pytest

from firmward.binaries.names import bare
from firmward.terms.errors import Malformed
from firmward.vendor.sbom import known
from firmward.vendor.sbom.collectors import vendored

SOURCES = {
    "zlib": ("vendor/zlib/zlib.h", '#define ZLIB_VERSION "1.3.1"\n', "1.3.1"),
    "mbedtls": (
        "vendor/mbedtls/include/mbedtls/build_info.h",
        '#define MBEDTLS_VERSION_STRING         "3.6.0"\n',
        "3.6.0",
    ),
    "lwip": (
        "vendor/lwip/src/include/lwip/init.h",
        "#define LWIP_VERSION_MAJOR 2\n#define LWIP_VERSION_MINOR 2\n"
        "#define LWIP_VERSION_REVISION 0\n",
        "2.2.0",
    ),
    "freertos": (
        "vendor/FreeRTOS-Kernel/include/task.h",
        '#define tskKERNEL_VERSION_NUMBER       "V10.4.3 LTS Patch 2"\n',
        "10.4.3",
    ),
    "openssl": (
        "vendor/openssl/include/openssl/opensslv.h",
        '# define OPENSSL_VERSION_TEXT    "OpenSSL 1.1.1w  11 Sep 2023"\n',
        "1.1.1w",
    ),
    "littlefs": ("vendor/lfs/lfs.h", "#define LFS_VERSION 0x00020009\n", "2.9"),
    "fatfs": (
        "vendor/fatfs/ff.h",
        "/*---/\n/  FatFs - Generic FAT Filesystem module  R0.15     /\n",
        "0.15",
    ),
    "cmsis-core": (
        "vendor/CMSIS/Core/Include/cmsis_version.h",
        "#define __CM_CMSIS_VERSION_MAIN  ( 5U)\n#define __CM_CMSIS_VERSION_SUB   ( 6U)\n",
        "5.6",
    ),
    "stm32-hal": (
        "vendor/STM32F4xx_HAL_Driver/Src/stm32f4xx_hal.c",
        "#define __STM32F4xx_HAL_VERSION_MAIN   (0x01U)\n"
        "#define __STM32F4xx_HAL_VERSION_SUB1   (0x08U)\n"
        "#define __STM32F4xx_HAL_VERSION_SUB2   (0x0AU)\n",
        "1.8.10",
    ),
    "nanopb": ("vendor/nanopb/pb.h", '#define NANOPB_VERSION "nanopb-0.4.8"\n', "0.4.8"),
    "lua": (
        "vendor/lua/lua.h",
        '#define LUA_VERSION_MAJOR\t"5"\n#define LUA_VERSION_MINOR\t"4"\n'
        '#define LUA_VERSION_RELEASE\t"6"\n',
        "5.4.6",
    ),
    "u-boot": (
        "u-boot/Makefile",
        "VERSION = 2023\nPATCHLEVEL = 04\nSUBLEVEL =\nEXTRAVERSION =\nUBOOTVERSION = x\n",
        "2023.04",
    ),
    "busybox": (
        "busybox/Makefile",
        "VERSION = 1\nPATCHLEVEL = 36\nSUBLEVEL = 1\nEXTRAVERSION =\nall: busybox_unstripped\n",
        "1.36.1",
    ),
    "dropbear": (
        "dropbear/src/sysoptions.h",
        '#define DROPBEAR_VERSION "2022.83"\n',
        "2022.83",
    ),
    "miniz": ("vendor/miniz/miniz.h", "/* miniz.c 3.0.2 - public domain */\n", "3.0.2"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_known_library_is_recognised_by_its_own_files(planted, name):
    """With supplier, licence, package URL and the names that advisories use."""
    path, text, version = SOURCES[name]
    [part] = vendored.collect(planted({path: "/* head */\n" + text, "main.c": ""}))

    assert (name, version) == (part.name, part.version)
    assert f"pkg:generic/{name}@{version}" == part.purl
    assert part.supplier
    assert part.licence
    assert all(f":{version}:" in cpe for cpe in part.cpes)
    assert (path, 2 + ("---" in text)) == (part.origin.path, part.origin.line)
    folder = path.split("/")
    assert part.folder == "/".join(folder[:2] if folder[0] == "vendor" else folder[:1])


def test_zephyr_is_told_from_an_application_with_the_same_version_file(planted):
    """Applications of Zephyr have a VERSION file of the same form."""
    text = "VERSION_MAJOR = 3\nVERSION_MINOR = 6\nPATCHLEVEL = 0\nVERSION_TWEAK = 0\n"
    [part] = vendored.collect(
        planted({"VERSION": text, "zephyr/VERSION": text, "zephyr/Kconfig.zephyr": ""})
    )

    assert ("zephyr", "3.6.0", "zephyr") == (part.name, part.version, part.folder)


def test_two_copies_of_one_library_are_two_parts(planted):
    """A boot stage and an application often bring their own, and one is the older."""
    header = '#define ZLIB_VERSION "{}"\n'
    files = {
        "boot/zlib/zlib.h": header.format("1.2.11"),
        "app/third/zlib-1.3.1/zlib.h": header.format("1.3.1"),
    }
    found = list(vendored.collect(planted(files)))

    assert [("1.3.1", "app/third/zlib-1.3.1"), ("1.2.11", "boot/zlib")] == [
        (part.version, part.folder) for part in found
    ]


def test_a_header_without_end_is_refused(planted):
    """A file of a known name is read, but not without limit."""
    with pytest.raises(Malformed, match="at most"):
        list(vendored.collect(planted({"zlib.h": b" " * (5 << 20)})))


def test_the_table_is_large_sound_and_unambiguous():
    """Every row tells who makes the part; no two parts bear one name; patterns are patterns."""
    table = known.table()
    names = [bare(name) for part in table for name in {part.name, *part.aliases}]
    owners = [(bare(name), part.name) for part in table for name in (part.name, *part.aliases)]

    assert 60 <= len(table)
    assert len({part.name for part in table}) == len(table)
    assert all(part.supplier and part.licence for part in table)
    assert len(set(names)) == len(set(owners))
    assert all(("", 0) == mark.version("") for part in table for mark in part.marks)
