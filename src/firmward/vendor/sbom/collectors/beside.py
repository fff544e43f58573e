"""What is released beside the image: each [[component]] of the project file as a part."""

import posixpath
from collections.abc import Iterator

from firmward.vendor.build.artifact import Artifact
from firmward.vendor.project import FILE, ComponentRules, Project
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.parts import Found, Kind, Origin

NAME = "project file"
_DATA = ("configuration", "drug-library")


def part_name(product: str, component: str) -> str:
    """What a product's component is called among parts of other makers: many have a radio."""
    return f"{product}-{component}"


def collect(project: Project, artifact: Artifact, folder: str) -> Iterator[Found]:
    """Every component that was built, with the digest of its bytes before any signature.

    folder  where the project file lies
    """
    for rules in project.components:
        if rules.name in artifact.components:
            digest = artifact.components[rules.name].sha256
            yield _found(project, rules, digest, posixpath.join(folder, FILE))


def _found(project: Project, rules: ComponentRules, sha256: str, path: str) -> Found:
    name = part_name(project.product, rules.name)
    kind: Kind = "data" if rules.kind in _DATA else "firmware"
    said = Origin(
        collector=NAME,
        path=path,
        evidence="declared",
        says="[[component]]",
        version=rules.version,
    )
    return Found(
        name=name,
        version=rules.version,
        supplier=rules.supplier or project.vendor,
        purl=purls.make("generic", name, rules.version, project.vendor),
        kind=kind,
        files={rules.file: sha256},
        evidence="declared",
        origins=(said,),
        linked="yes",
        scope="ships",
        support_level=rules.support_level,
        end_of_support=rules.end_of_support,
        # What somebody else made is of unknown provenance until a components file says otherwise.
        cared=() if rules.supplier else ("own",),
    )
