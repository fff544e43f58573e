"""What is released beside the image: each component signed where its format has a signature, and
claimed; and what about a release's components the vendor's own gate turns away.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from firmward.terms.component import THE_IMAGE, ComponentClaim, Requirement
from firmward.terms.image import ImageClaim
from firmward.terms.versions import precedence
from firmward.terms.wire import convert, plain
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.store import reread
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.project import ComponentRules, Project, RequirementRules
from firmward.vendor.request import ReleaseRefused
from firmward.vendor.sign import Component, Numbers, mac_key, packed


def required(rules: Iterable[RequirementRules]) -> Iterator[Requirement]:
    """The project file's requirements as a claim states them."""
    for each in rules:
        yield Requirement(
            name=each.name, since=each.since, until=each.until, optional=each.optional
        )


def signed(
    artifact: Artifact,
    project: Project,
    counter: int,
    keys: VendorKeys,
    *,
    unsafe_leave_unsigned: bool = False,
) -> tuple[Component, ...]:
    """Each component as it is published, from the store, with its claim.

    counter  the release's, which is the security counter of every MCUboot component too
    raises   Altered for bytes that are not those built; Malformed for what no reader would take,
             such as too long a file; Refused, Unavailable, Misuse
    """
    sign_them, made = not unsafe_leave_unsigned, []
    for rules in project.components:
        data = reread(artifact.components[rules.name])
        if rules.format == "mcuboot":
            who = f"{project.product} {rules.name}"
            mac = mac_key(who, project.integrity, project, keys)
            numbers = Numbers(who, rules.version, counter)
            data = packed(data, numbers, rules.image, keys, mac=mac, signed=sign_them)
        made.append(Component(_claim(project, rules, data), data))
    return tuple(made)


def _claim(project: Project, rules: ComponentRules, data: bytes) -> ComponentClaim:
    claim = ComponentClaim(
        name=rules.name,
        kind=rules.kind,
        version=rules.version,
        format=rules.format,
        length=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        requires=tuple(required(rules.requires)),
    )
    return convert(plain(claim), ComponentClaim, f"{project.product} component {rules.name}")


def refuse_misfits(name: str, project: Project, version: str) -> None:
    """Stop components that do not go together, before anything is built.

    What is required of something that is not in the release is for each site to judge.

    raises  ReleaseRefused naming each
    """
    here = {THE_IMAGE: version} | {each.name: each.version for each in project.components}
    needs = [(each.name, need) for each in project.components for need in each.requires]
    needs += [("the release", need) for need in project.requires]
    found = [
        f"{who} needs {need.name} {_range(need)}, and it is {here[need.name]}"
        for who, need in needs
        if need.name in here and not _fits(here[need.name], need)
    ]
    if found:
        raise ReleaseRefused(name, found)


def _fits(version: str, need: RequirementRules) -> bool:
    early = need.since and precedence(version, need.since) < 0
    late = need.until and precedence(version, need.until) >= 0
    return not early and not late


def _range(need: RequirementRules) -> str:
    since = f"from {need.since}" if need.since else ""
    until = f"before {need.until}" if need.until else ""
    return " ".join(filter(None, (since, until))) or "in any version"


def refuse_changed(
    name: str, artifact: Artifact, project: Project, published: Mapping[str, ImageClaim]
) -> None:
    """Stop a raw component whose bytes changed and whose version did not.

    Two files of one name and version are two things that no requirement can tell apart.  An
    MCUboot component has the release's counter in its header, so its bytes change each time.

    published  release id -> claim, of everything this vendor published
    raises     ReleaseRefused naming each
    """
    mine = [claim for claim in published.values() if claim.product == project.product]
    before = {(each.name, each.version, each.sha256) for claim in mine for each in claim.components}
    versions = {(component, number) for component, number, _ in before}
    found = [
        f"component {each.name}: its bytes are not those published as {each.version} before;"
        " it needs another version"
        for each in project.components
        if each.format == "raw"
        and (each.name, each.version) in versions
        and (each.name, each.version, artifact.components[each.name].sha256) not in before
    ]
    if found:
        raise ReleaseRefused(name, found)
