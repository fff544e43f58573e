"""Judgement is pure: it receives the time, bytes and a seed, and reaches for nothing itself.

A rule that read the clock could not be replayed; a planner that drew lots could not be audited.
"""

import ast

import pytest

PURE = (
    "firmward.terms",
    "firmward.proof",
    "firmward.binaries",
    "firmward.hospital.gate.adoption",
    "firmward.hospital.gate.declared",
    "firmward.hospital.gate.diamond",
    "firmward.hospital.gate.diamond_told",
    "firmward.hospital.gate.document",
    "firmward.hospital.gate.engine",
    "firmward.hospital.gate.exceptions",
    "firmward.hospital.gate.impact",
    "firmward.hospital.gate.judge",
    "firmward.hospital.gate.listed",
    "firmward.hospital.gate.own_scan",
    "firmward.hospital.gate.policy",
    "firmward.hospital.gate.replay",
    "firmward.hospital.gate.risk",
    "firmward.hospital.gate.rules",
    "firmward.hospital.gate.rulings",
    "firmward.hospital.gate.sections",
    "firmward.hospital.gate.told",
    "firmward.hospital.gate.undeclared",
    "firmward.hospital.fleet.rollout",
    "firmward.hospital.watch.signals",
    "firmward.hospital.watch.cohort",
    "firmward.hospital.watch.decide",
)
EFFECTS = {
    "clock": {"time", "sched", "zoneinfo"},
    "chance": {"random", "secrets", "uuid"},
    "disk": {
        "os",
        "pathlib",
        "shutil",
        "tempfile",
        "glob",
        "fileinput",
        "mmap",
        "sqlite3",
        "sqlalchemy",
    },
    "network": {
        "socket",
        "ssl",
        "http",
        "urllib",
        "httpx",
        "asyncio",
        "socketserver",
        "starlette",
        "uvicorn",
    },
    "environment": {
        "subprocess",
        "platform",
        "getpass",
        "signal",
        "sys",
        "threading",
        "multiprocessing",
    },
}
EFFECT_OF = {module: effect for effect, modules in EFFECTS.items() for module in modules}
# Parsing of addresses is not traffic.
HARMLESS = {"urllib.parse"}
CLOCK_CALLS = {"now", "utcnow", "today"}
REACHING_CALLS = {"open", "input", "print", "eval", "exec", "__import__"}


def holds(pure: str, name: str) -> bool:
    """Whether a module is the pure one or inside it."""
    return name == pure or name.startswith(pure + ".")


def effects_of(source) -> list[str]:
    """Every reach for the outside world in one file, in words."""
    found = []
    for name in source.imports():
        top = name.partition(".")[0]
        if top in EFFECT_OF and not any(name.startswith(harmless) for harmless in HARMLESS):
            found.append(f"{source.where}: {EFFECT_OF[top]}: import {name}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (reached := effect_of_call(node)):
            found.append(f"{source.where}:{node.lineno}: {reached}")
    return found


def effect_of_call(call: ast.Call) -> str:
    """What a call reaches for, or nothing."""
    if isinstance(call.func, ast.Name) and call.func.id in REACHING_CALLS:
        return f"{call.func.id}()"
    if not isinstance(call.func, ast.Attribute):
        return ""
    if call.func.attr in CLOCK_CALLS:
        return f"clock: .{call.func.attr}()"
    if call.func.attr == "default_rng" and not (call.args or call.keywords):
        return "chance: default_rng() without a seed"
    return ""


@pytest.mark.parametrize("pure", PURE)
def test_a_pure_module_touches_nothing_outside(pure, product):
    """No clock, disk, network, environment or chance; and the module is really there."""
    sources = [source for source in product if holds(pure, source.name)]
    reached = [effect for source in sources for effect in effects_of(source)]

    assert sources, f"{pure} is named as pure and does not exist"
    assert [] == reached


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "from os import path",
        "from datetime import datetime; datetime.now()",
        "open('x')",
    ],
)
def test_the_check_itself_sees_an_effect(line, product):
    """Each kind of reach is noticed when it is planted."""
    innocent = next(source for source in product if source.name == "firmward.terms.stage")
    planted = type(innocent)(innocent.path, innocent.name, line, ast.parse(line))

    assert [] == effects_of(innocent)
    assert len(effects_of(planted)) == 1
