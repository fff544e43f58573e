"""cppcheck: every finding with its weakness, and no comment that silences it."""

import json

from tests.vendor.scan.conftest import found, notes

from firmward.vendor.scan import classes, cppcheck

PAST_END = "int f(void)\n{\n    int a[2] = {0, 0};\n    return a[2];\n}\n"


def rules(run) -> set[tuple[str, str, str]]:
    """Path, rule and level of every finding."""
    return {(each.path, each.rule, each.level) for each in found(run)}


def test_a_comment_does_not_silence_it(laid_out, shelf):
    """Only the project file answers for a finding, with a reason, an owner and a day."""
    code = PAST_END.replace("    return", "    /* cppcheck-suppress all */\n    return")
    run = cppcheck.scan(laid_out({"a.c": code}), shelf)

    assert {("a.c", "arrayIndexOutOfBounds", "error")} == rules(run)
    assert 788 == classes.weaknesses(run)["arrayIndexOutOfBounds"]
    assert "2.22.0" == run["tool"]["driver"]["semanticVersion"]


def test_what_crosses_from_file_to_file_is_found_by_several_processes(laid_out, shelf):
    """A null pointer given in one file and followed in another."""
    files = {
        "use.h": "void use(int *p);\n",
        "a.c": '#include "use.h"\nvoid f(void)\n{\n    int *q = 0;\n    use(q);\n}\n',
        "b.c": '#include "use.h"\nvoid use(int *p)\n{\n    *p = 1;\n}\n',
    }

    assert {("b.c", "ctunullpointer", "error")} == rules(cppcheck.scan(laid_out(files), shelf))


def test_it_reads_what_is_compiled_as_it_is_compiled(laid_out, shelf):
    """Of two configurations the one that is built counts, and a file outside it is told."""
    code = "#ifdef BUILT\n" + PAST_END + "#else\nint f(void) { int *p = 0; return *p; }\n#endif\n"
    entry = {"directory": ".", "file": "a.c", "arguments": ["cc", "-DBUILT", "-c", "a.c"]}
    tree = laid_out({"a.c": code, "spare.c": PAST_END})
    run = cppcheck.scan(tree, shelf, json.dumps([entry]).encode())

    assert {("a.c", "arrayIndexOutOfBounds", "error")} == rules(run)
    assert "not scanned: 1 files, as spare.c" in notes(run)


def test_misra_is_checked_and_its_missing_texts_are_told(laid_out, shelf):
    """The rule's number is there; the text is MISRA's to sell."""
    scan = 'sources = ["."]\nprofiles = ["misra-c-2012"]'
    code = "int f(int k);\nint f(int k)\n{\n    goto end;\nend:\n    return k;\n}\n"
    run = cppcheck.scan(laid_out({"a.c": code}, scan), shelf)

    assert ("a.c", "misra-c2012-15.1", "warning") in rules(run)
    assert "texts are MISRA's" in notes(run)
    assert all("rule-texts" not in each.message for each in found(run))
