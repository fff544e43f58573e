"""What Rego, Cedar and CEL alone make of the packs' rules, and what they do without evidence.

Every rule of every pack is written in Rego (deny rules as they are commonly written, and strict
ones) and in Cedar (forbid, permit, and permit with a schema), by bench/peers.  A translation counts
where it passes the pack's passing document, stops each of its failing ones, and answers like CEL
for complete documents with other values.  Then the passing document loses one thing at a time: each
field a rule declares, each field that decides whether it applies, and each member of a record that
it reads.  What an engine then lets through without a word is counted.

Engines come from PyPI, by bench/peers/engines.lock, into an environment of their own.  Where `opa`
is on PATH, OPA itself is asked too: opa-eval is Regorus, which differs from it.  Dependency-Track
needs a server and is compared from its documentation, in docs/policy-peers.md.

    python bench/policy_peers.py [--write] [--opa PATH] [--packs FOLDER]

Exits 1 where Firmward lets a gap through, where a translation does not say what the rule says, or
where the files in bench/peers are not what the packs' rules give.  --write makes them so, and puts
the figures into the document.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import cedar_data, ours, to_cedar, to_rego
from peers.cases import Gap, Subject, gaps, subjects
from peers.dependency_track import FROM_ITS_OWN_DATA, FROM_PROPERTIES
from peers.perturbed import documents

from firmward.hospital.gate.engines.cpp import Cpp

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "bench/peers"
LOCK = PEERS / "engines.lock"
DOCUMENT = ROOT / "docs/policy-peers.md"
KINDS = {
    "declared": "a declared field",
    "guard": "a field only the guard reads",
    "member": "a member of each record",
}
WORDS = {
    "pass": "let through silently",
    "noted": "let through, only diagnostics tell",
    "deny": "denied like a violation",
    "error": "stopped as undecided",
    "elsewhere": "not applicable",
    "absent": "not expressible",
}
OTHER, OTHERS = "other values", 10
REGO = ("deny", "strict")
OPA = (*REGO, "deny with future not")
CEDAR = ("forbid", "permit", "permit with schema")


@dataclass(frozen=True)
class Asked:
    """A question to every engine.

    expects  "pass" or "deny" for a pack's own tests; "" for a document with a gap
    """

    rule: str
    kind: str
    expects: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Peers:
    """The rules in the peers' languages.

    files   by path below bench/peers
    shapes  by rule, a document with something in every list
    """

    files: dict[str, str]
    cedar: to_cedar.Written
    shapes: dict[str, Any]


def environment() -> Path:
    """The Python of the engines' own environment, made by the lock where it is not there yet."""
    name = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / ".cache/bench" / f"engines-{name}"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
        python = ("--python", str(folder / "bin/python"))
        strict = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--quiet")
        command = (sys.executable, "-m", "pip", *python, "install", *strict, "-r", str(LOCK))
        subprocess.run(command, check=True)
        (folder / "complete").touch()
    return folder / "bin/python"


def translated(found: list[Subject]) -> Peers:
    """Every rule in every language that has words for it."""
    rules = {subject.rule: (subject.condition, subject.when) for subject in found}
    shape: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    for subject in found:
        shapes[subject.rule] = subject.passing
        for document in (subject.passing, *subject.failing):
            shapes[subject.rule] = cedar_data.filled(shapes[subject.rule], document)
        shape = cedar_data.filled(shape, shapes[subject.rule])
    cedar = to_cedar.written(rules, shape)
    files = {f"cedar/{name}.cedar": text for name, text in cedar.files.items()}
    for style in REGO:
        files[f"rego/{style}.rego"], absent = to_rego.module(style, rules, shape)
        if absent:
            raise SystemExit(f"policy peers: not in Rego: {'; '.join(absent)}")
    return Peers(files, cedar, shapes)


def questions(found: list[Subject], missing: list[Gap]) -> list[Asked]:
    """The packs' own tests, then the gaps."""
    tests = [Asked(each.rule, "test", "pass", each.passing) for each in found]
    tests += [Asked(each.rule, "test", "deny", doc) for each in found for doc in each.failing]
    tests += [Asked(gap.rule, gap.kind, "", gap.document) for gap in missing]
    others = ((each.rule, other) for each in found for other in documents(each, OTHERS))
    return tests + [Asked(rule, OTHER, "", other) for rule, other in others]


class Engines:
    """The peers' engines, each asked everything in one process of its own."""

    def __init__(self, found: list[Subject], peers: Peers, opa: str):
        self.python, self.peers, self.opa = environment(), peers, opa
        self.rules = {each.rule: (each.condition, each.when) for each in found}

    def names(self) -> list[str]:
        """Those that can be asked here."""
        return [
            *(f"OPA {style}" for style in OPA if self.opa),
            *(f"Regorus {style}" for style in REGO),
            *(f"Cedar {style}" for style in CEDAR),
        ]

    def ask(self, name: str, asked: list[Asked]) -> list[str]:
        """A word for each question; "absent" where the language cannot say the rule."""
        cedar = self.peers.cedar
        is_cedar = name.startswith("Cedar")
        put = [each for each in asked if not (is_cedar and each.rule in cedar.absent)]
        sent = {
            "engine": name,
            "folder": str(PEERS),
            "opa": self.opa,
            "records": cedar.records,
            "schema": self.schema() if is_cedar else {},
            "questions": [(each.rule, self.document(each, is_cedar)) for each in put],
        }
        words = iter(self.run(sent))
        return [
            "absent" if is_cedar and each.rule in cedar.absent else next(words) for each in asked
        ]

    def refused(self) -> int:
        """How many policies Cedar's strict validator does not accept."""
        sent = {"engine": "Cedar validator", "folder": str(PEERS), "schema": self.schema()}
        return len(self.run(sent))

    def run(self, sent: dict[str, Any]) -> list[str]:
        """What the asking process answers."""
        with tempfile.TemporaryFile() as spool:
            spool.write(json.dumps(sent).encode())
            spool.seek(0)
            command = [str(self.python), str(PEERS / "ask.py")]
            done = subprocess.run(command, stdin=spool, stdout=subprocess.PIPE, check=True)
        return [str(word) for word in json.loads(done.stdout)]

    def document(self, asked: Asked, is_cedar: bool) -> Any:
        places = self.peers.cedar.places
        return cedar_data.context(asked.document, places) if is_cedar else asked.document

    def schema(self) -> dict[str, Any]:
        places = self.peers.cedar.places
        shapes = {
            rule: cedar_data.context(shape, places) for rule, shape in self.peers.shapes.items()
        }
        return cedar_data.schema(self.peers.cedar.records, shapes)


def cel_alone(asked: list[Asked], rules: dict[str, tuple[str, str]]) -> list[str]:
    """A word for each question from Firmward's engine alone."""
    engine = Cpp()
    return [ours.cel_alone(each.rule, *rules[each.rule], each.document, engine) for each in asked]


def wrong(asked: list[Asked], words: list[str]) -> list[str]:
    """The rules whose translation does not say what the rule says.

    Stopping a failing document as undecided, as Regorus does at a time that is no time, will do.
    """
    return sorted(
        {
            f"{each.rule} ({each.expects}: {word})"
            for each, word in zip(asked, words, strict=True)
            if each.expects
            and word not in (each.expects, "absent")
            and (each.expects, word) != ("deny", "error")
        }
    )


def looser(asked: list[Asked], words: list[str], cel: list[str]) -> list[str]:
    """For each complete document that comes in here and not by CEL, its rule."""
    trios = zip(asked, words, cel, strict=True)
    return [each.rule for each, word, by_cel in trios if _other(each, word, passes(word), by_cel)]


def tighter(asked: list[Asked], words: list[str], cel: list[str]) -> list[str]:
    """For each complete document that comes in by CEL and not here, its rule."""
    trios = zip(asked, words, cel, strict=True)
    return [each.rule for each, word, by_cel in trios if _other(each, word, passes(by_cel), word)]


def _other(each: Asked, word: str, comes_in: bool, stopped: str) -> bool:
    return each.kind == OTHER and word != "absent" and comes_in and not passes(stopped)


def open_gap(gap: Gap, word: str) -> bool:
    """Whether the gate let a field's absence pass; a record's members have worst cases instead."""
    return gap.kind != "member" and word != "error"


def passes(word: str) -> bool:
    """Whether the release comes in."""
    return word in ("pass", "noted")


def said(found: list[Subject], peers: Peers) -> str:
    """A table of how many rules of each group each language can say."""
    lines = [
        "| group | rules | Rego | Cedar, one request | Cedar, the caller loops | Dependency-Track |"
    ]
    lines.append("|---|---|---|---|---|---|")
    groups = dict.fromkeys(each.group for each in found)
    for name in (*groups, "all"):
        rules = [each.rule for each in found if name in (each.group, "all")]
        known = [rule for rule in rules if rule not in peers.cedar.absent]
        alone = [rule for rule in known if not peers.cedar.records[rule]]
        own = len(FROM_ITS_OWN_DATA.keys() & set(rules))
        more = len(FROM_PROPERTIES.keys() & set(rules))
        track = f"{own} + {more}" if more else str(own)
        cells = (name, len(rules), len(rules), len(alone), len(known), track)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def answered(results: dict[str, list[str]], asked: list[Asked]) -> str:
    """A table of what each engine does with each kind of gap."""
    lines = [f"| engine | taken away | {' | '.join(WORDS.values())} |", "|---|---|" + "---|" * 6]
    for name, words in results.items():
        for kind, says in KINDS.items():
            told = Counter(
                word for each, word in zip(asked, words, strict=True) if each.kind == kind
            )
            if told:
                cells = " | ".join(str(told[word]) for word in WORDS)
                lines.append(f"| {name} | {says}, {sum(told.values())} | {cells} |")
    return "\n".join(lines) + "\n"


def documented(text: str, tables: dict[str, str]) -> str:
    """The document with its tables anew, each between its marks."""
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise SystemExit(f"policy peers: {DOCUMENT.name} has no marks for {name}")
        text = f"{head}{begin}\n{table}\n{end}{tail}"
    return text


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="files and document anew")
    parser.add_argument("--opa", default=shutil.which("opa") or "", help="OPA's own program")
    parser.add_argument("--packs", type=Path, default=ROOT / "packs")
    return parser.parse_args()


def main() -> int:
    """Translate, ask, count, and say whether the bench's own claims hold."""
    options = arguments()
    found = sorted(subjects(options.packs), key=lambda each: each.rule)
    peers = translated(found)
    stale = [path for path, text in peers.files.items() if not _same(PEERS / path, text)]
    for path in stale if options.write else ():
        (PEERS / path).write_text(peers.files[path])
    if stale and not options.write:
        print(f"policy peers: not what the rules give, run with --write: {', '.join(stale)}")
        return 1
    missing = [gap for each in found for gap in gaps(each)]
    asked = questions(found, missing)
    engines = Engines(found, peers, options.opa)
    results = {name: engines.ask(name, asked) for name in engines.names()}
    results["CEL alone"] = cel_alone(asked, engines.rules)
    bad = {name: odd for name, words in results.items() if (odd := wrong(asked, words))}
    loose = {}
    for name, words in results.items():
        if more := looser(asked, words, results["CEL alone"]):
            loose[name] = more
        if less := tighter(asked, words, results["CEL alone"]):
            bad[name] = [*bad.get(name, []), *sorted(set(less))]
    own = list(ours.answers(found, missing))
    before, after = len(asked) - len(missing) - OTHERS * len(found), OTHERS * len(found)
    results["Firmward"] = [""] * before + own + [""] * after
    tables = {"rules": said(found, peers), "gaps": answered(results, asked)}
    print(f"policy peers: {len(found)} rules, {len(missing)} gaps", *tables.values(), sep="\n")
    for rule, why in sorted(peers.cedar.absent.items()):
        print(f"{rule} not in Cedar: {why}")
    print(f"Cedar's strict validator refuses {engines.refused()} policies")
    for name, more in loose.items():
        rules = ", ".join(sorted(set(more)))
        print(f"{name} lets {len(more)} complete documents through that CEL stops: {rules}")
    for name, odd in bad.items():
        print(f"{name} says something else for {', '.join(odd)}")
    if options.write:
        if not options.opa:
            # OPA's rows would be lost.
            del tables["gaps"]
        DOCUMENT.write_text(documented(DOCUMENT.read_text(), tables))
    # What is known of Regorus and of deny rules is told in the document.
    fine = not [name for name in bad if not name.startswith("Regorus")]
    proven = not any("deny" not in name for name in loose)
    closed = not [gap for gap, word in zip(missing, own, strict=True) if open_gap(gap, word)]
    return 0 if fine and proven and closed else 1


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
