"""Asks one engine all questions of bench/policy_peers.py; runs inside the peers' environment.

On standard input: engine, folder, rules, records, schema, and questions as [rule, document].
On standard output: a word for each question.

pass   the engine lets the release through and says nothing
noted  it lets it through; only its diagnostics tell that a rule could not be asked
deny   it stops the release, in the same words as for a real violation
error  it stops, and says that it could not decide
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[[str, Any], str]


def rego(asked: dict[str, Any], style: str) -> Ask:
    """Regorus, Microsoft's Rego engine, as opa-eval brings it.

    Each rule is asked alone: a call that goes wrong ends the whole question, where OPA goes on.
    """
    import opa_eval

    head, *parts = (Path(asked["folder"]) / "rego" / f"{style}.rego").read_text().split("\n# rule ")
    engines = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            rule, _, text = part.partition("\n")
            path = Path(folder) / f"{rule}.rego"
            path.write_text(f"{head}\n{text}")
            engines[rule] = opa_eval.OpaEval(str(path), query=f"data.{style}.deny")

    def ask(rule: str, document: Any) -> str:
        try:
            return "deny" if json.loads(engines[rule].evaluate(json.dumps(document))) else "pass"
        except (RuntimeError, ValueError):
            return "error"

    return ask


def cedar(asked: dict[str, Any], style: str, with_schema: bool = False) -> Ask:
    """Cedar's own Rust engine, as cedarpy brings it."""
    import cedarpy

    text = (Path(asked["folder"]) / "cedar" / f"{style}.cedar").read_text()
    policies = cedarpy.PolicySet.from_str(text)
    schema = cedarpy.Schema.from_json_str(json.dumps(asked["schema"])) if with_schema else None

    def once(action: str, context: Any) -> str:
        request = {
            "principal": {"type": "Hospital", "id": "site"},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Release", "id": "release"},
            "context": context,
        }
        found = cedarpy.is_authorized(request, policies, [], schema=schema)
        word = found.decision.value
        if word == "Allow":
            return "noted" if found.diagnostics.errors else "pass"
        return "deny" if word == "Deny" and not found.diagnostics.errors else "error"

    def ask(rule: str, document: Any) -> str:
        words = [once(rule, document)]
        for action, path in asked["records"].get(rule, {}).items():
            found = document
            try:
                for step in path.split("."):
                    found = found[step]
            except KeyError:
                # Whoever loops over the list in the caller's own code trips over its absence.
                return "error"
            words += [once(action, {**document, "each": each}) for each in found]
        return next(word for word in ("error", "deny", "noted", "pass") if word in words)

    return ask


def refused(asked: dict[str, Any]) -> list[str]:
    """The policies that Cedar's own strict validator does not accept, one name for each."""
    import cedarpy

    text = (Path(asked["folder"]) / "cedar" / "permit.cedar").read_text()
    found = cedarpy.validate_policies(text, asked["schema"])
    names = {match for each in found.errors for match in re.findall(r"policy\d+", str(each))}
    return sorted(names)


def opa(asked: dict[str, Any], style: str) -> list[str]:
    """OPA itself, all questions in one run."""
    style = style.removesuffix(" with future not")
    text = (Path(asked["folder"]) / "rego" / f"{style}.rego").read_text()
    if asked["engine"].endswith("not"):
        # By default OPA takes what is inside a `not` out of it: open-policy-agent/opa#8387.
        text = text.replace("import rego.v1\n", "import rego.v1\n\nimport future.keywords.not\n")
    query = f"[rules | some q in input; rules := data.{style}.deny with input as q]"
    sent = json.dumps([document for _, document in asked["questions"]])
    with tempfile.NamedTemporaryFile("w", suffix=".rego") as policy:
        policy.write(text)
        policy.flush()
        command = [asked["opa"], "eval", "--stdin-input", "--data", policy.name]
        command += ["--format", "raw", query]
        done = subprocess.run(command, input=sent, capture_output=True, text=True, check=True)
    return [
        "deny" if rule in denied else "pass"
        for (rule, _), denied in zip(asked["questions"], json.loads(done.stdout), strict=True)
    ]


ENGINES: dict[str, Callable[[dict[str, Any]], Ask]] = {
    "Regorus deny": lambda asked: rego(asked, "deny"),
    "Regorus strict": lambda asked: rego(asked, "strict"),
    "Cedar forbid": lambda asked: cedar(asked, "forbid"),
    "Cedar permit": lambda asked: cedar(asked, "permit"),
    "Cedar permit with schema": lambda asked: cedar(asked, "permit", with_schema=True),
}


def main() -> None:
    """Answer what standard input asks."""
    asked = json.load(sys.stdin)
    name = asked["engine"]
    if name.startswith("OPA "):
        words = opa(asked, name.removeprefix("OPA "))
    elif name == "Cedar validator":
        words = refused(asked)
    else:
        ask = ENGINES[name](asked)
        words = [ask(rule, document) for rule, document in asked["questions"]]
    json.dump(words, sys.stdout)


if __name__ == "__main__":
    main()
