"""clang-tidy reads C as the firmware's compiler does, and says where it could not."""

import json

import pytest
from tests.vendor.scan.conftest import found, notes

from firmward.terms.errors import Unavailable
from firmward.vendor.scan import clang_tidy, classes
from firmward.vendor.scan.clang_checks import asked, named

PAST_END = "int f(void)\n{\n    int a[2] = {0, 0};\n    return a[2];\n}\n"
LEAK = "#include <stdlib.h>\nint g(void)\n{\n    char *p = malloc(4);\n    return p != 0;\n}\n"


def rules(run) -> set[tuple[str, str]]:
    """Path and rule of every finding."""
    return {(each.path, each.rule) for each in found(run)}


def test_defects_are_found_with_their_weakness_whatever_the_tree_says(laid_out, shelf):
    """A .clang-tidy of the tree that switches everything off is not heard."""
    files = {"src/a.c": PAST_END, "src/b.c": LEAK, ".clang-tidy": "Checks: '-*'\n"}
    run = clang_tidy.scan(laid_out(files), shelf)

    assert ("src/a.c", "clang-analyzer-security.ArrayBound") in rules(run)
    assert ("src/b.c", "clang-analyzer-unix.Malloc/cwe-401") in rules(run)
    weak = classes.weaknesses(run)
    assert 787 == weak["clang-analyzer-security.ArrayBound"]
    assert 401 == weak["clang-analyzer-unix.Malloc/cwe-401"]
    assert {"warning"} == {each.level for each in found(run)}


def test_a_cross_target_is_read_with_its_own_sizes_and_headers(laid_out, shelf):
    """On the board a pointer has four bytes; the C library is any that declares the standard's."""
    code = (
        "#include <stdint.h>\n#include <string.h>\n"
        '_Static_assert(sizeof(void *) == 4, "32 bits");\n'
        "uint32_t h(const char *s) { return (uint32_t)strlen(s); }\n"
    )
    scan = 'sources = ["."]\ntarget = "arm-none-eabi"'

    assert [] == clang_tidy.scan(laid_out({"a.c": code}, scan), shelf)["results"]


def test_a_file_that_cannot_be_parsed_is_told_and_the_others_are_scanned(laid_out, shelf):
    """It was not scanned whole, and its clean look means nothing."""
    files = {"a.c": '#include "absent.h"\nint x;\n', "b.c": PAST_END}
    run = clang_tidy.scan(laid_out(files), shelf)

    assert ("a.c", clang_tidy.UNPARSED) in rules(run)
    assert ("b.c", "clang-analyzer-security.ArrayBound") in rules(run)
    assert "1 files were not parsed whole" in notes(run)


def test_a_tree_of_which_nothing_can_be_parsed_is_missing_evidence(laid_out, shelf):
    """Wrong include folders must not make a clean scan."""
    with pytest.raises(Unavailable, match=r"could parse none of 1 files: .*absent"):
        clang_tidy.scan(laid_out({"a.c": '#include "absent.h"\n'}), shelf)


def test_the_trees_own_compile_commands_hold_but_never_run_code(laid_out, shelf, tmp_path):
    """Its defines and includes count; a plugin, an option file and GCC's own flags do not."""
    flags = (
        f"-DANSWER=1 -Iinc -fplugin={tmp_path}/evil.so -Xclang -load @{tmp_path}/options"
        " -fstrict-volatile-bitfields -include /etc/hostname -mcpu=cortex_m3 -Os"
    )
    entry = {
        "directory": "/home/somebody/project",
        "file": "src/a.c",
        "command": f"arm-none-eabi-gcc {flags} -c src/a.c -o a.o",
    }
    code = (
        '#include "a.h"\n#if ANSWER != 1 || INC != 2 || !defined(__arm__)\n#error flags\n#endif\n'
        + PAST_END
    )
    files = {
        "src/a.c": code,
        "src/never.c": "#error not compiled\n",
        "inc/a.h": "#define INC 2\n",
        "compile_commands.json": json.dumps([entry]),
    }
    tree = laid_out(files, build='compile_commands = "compile_commands.json"')
    run = clang_tidy.scan(tree, shelf)

    assert {("src/a.c", "clang-analyzer-security.ArrayBound")} == rules(run)
    assert "not compiled, so not scanned: 1 files, as src/never.c" in notes(run)


@pytest.mark.parametrize("database", ["{", '[{"directory": "/x"}]', "[]", '[{"file": "/no/x.c"}]'])
def test_a_broken_compile_database_is_missing_evidence(laid_out, shelf, database):
    """One that names none of the files would make a clean scan of nothing."""
    with pytest.raises(Unavailable, match="compilation database"):
        clang_tidy.scan(laid_out({"a.c": PAST_END}), shelf, database.encode())


def test_a_changed_file_costs_itself_and_a_changed_header_all(laid_out, shelf):
    """Results are kept per file under everything the file may have been read with."""
    files = {"a.c": PAST_END, "b.c": LEAK, "c.h": "#define C 1\n"}

    def made(**changed: str) -> int:
        before = len([*shelf.folder.glob("results/*/*")])
        renamed = {name.replace("_", "."): text for name, text in changed.items()}
        clang_tidy.scan(laid_out(files | renamed), shelf)
        return len([*shelf.folder.glob("results/*/*")]) - before

    assert 3 == made(a_c=PAST_END + "/* 1 */\n", b_c=LEAK + "/* 1 */\n")
    assert 2 == made(a_c=PAST_END + "/* 2 */\n", b_c=LEAK + "/* 1 */\n")
    assert 3 == made(a_c=PAST_END + "/* 2 */\n", b_c=LEAK + "/* 1 */\n", c_h="#define C 2\n")


def test_one_check_that_finds_several_weaknesses_has_a_rule_for_each():
    """Suppressing a leak must not silence a double free."""
    name = "clang-analyzer-unix.Malloc"

    assert (f"{name}/cwe-401", 401) == named(name, "Potential leak of memory pointed to by 'p'")
    assert (f"{name}/cwe-416", 416) == named(name, "Use of memory after it is released")
    assert "cert-*-c" in asked(("cert-c",))
    assert "cert-*-c" not in asked(())
