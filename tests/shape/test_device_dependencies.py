"""The device stays small enough for an embedded Linux: each library it may load is named here."""

import sys

# What each is for on the device; a new row is a decision (docs/adding.md).
ALLOWED = {
    "cryptography": "its key and certificate, decryption of images",
    "httpx": "the one connection to the hospital",
    "msgspec": "orders and reports, to and from bytes",
    "securesystemslib": "signature schemes of TUF metadata",
    "tuf": "the vendor's and the hospital's metadata chains",
}
# The command line is for a workbench; a device starts the agent without it.
COMMANDS = ("firmward.device.cli",)
INSIDE = ("firmward.device", "firmward.proof", "firmward.terms")


def device_sources(product):
    """The device package and the packages below it."""
    return [
        source
        for source in product
        if source.name.startswith(INSIDE) and source.name not in COMMANDS
    ]


def foreign(source) -> set[str]:
    """Libraries that a file imports from outside Firmward and the standard library."""
    tops = {name.partition(".")[0] for name in source.imports()}
    return tops - set(sys.stdlib_module_names) - {"firmward"}


def test_the_device_and_all_it_stands_on_load_only_the_named_libraries(product):
    """The device, proofs and terms import no library without a row above."""
    loaded = {
        f"{source.where} imports {name}"
        for source in device_sources(product)
        for name in foreign(source) - set(ALLOWED)
    }

    assert set() == loaded


def test_the_device_imports_nothing_else_of_firmward(product):
    """No hospital, vendor or lab code reaches a device, so no code that holds their keys does."""
    reached = {
        f"{source.where} imports {name}"
        for source in device_sources(product)
        for name in source.imports()
        if name.startswith("firmward.") and not name.startswith(INSIDE)
    }

    assert set() == reached


def test_every_named_library_is_still_needed(product):
    """A row that nothing on the device uses any more is taken out."""
    loaded = set().union(*(foreign(source) for source in device_sources(product)))

    assert set() == set(ALLOWED) - loaded
