"""CVE records in CVE JSON 5, with what other programmes (CISA's, for one) added to them.

Source: CVE Record Format 5.1, `versions`, `defaultStatus` and "version ranges".
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec

from firmward.advisories import upstream
from firmward.advisories.read_affected import Affected, entries
from firmward.advisories.read_nvd import Configuration
from firmward.advisories.read_nvd import entries as applicable
from firmward.advisories.records import Entry, Record
from firmward.advisories.upstream import Name, Scored, Text, Upstream


class _Said(Upstream, frozen=True, kw_only=True, rename="camel"):
    lang: str = ""
    value: str | None = ""
    cwe_id: Text | None = None


class _Problem(Upstream, frozen=True, kw_only=True):
    descriptions: list[_Said] = []


class _Other(Upstream, frozen=True, kw_only=True):
    type: str = ""
    content: Any = None


class _Metric(Upstream, frozen=True, kw_only=True):
    v4: Scored | None = msgspec.field(default=None, name="cvssV4_0")
    v31: Scored | None = msgspec.field(default=None, name="cvssV3_1")
    v30: Scored | None = msgspec.field(default=None, name="cvssV3_0")
    v2: Scored | None = msgspec.field(default=None, name="cvssV2_0")
    other: _Other | None = None


class _Provider(Upstream, frozen=True, kw_only=True, rename="camel"):
    date_updated: str | None = None


class _Container(Upstream, frozen=True, kw_only=True, rename="camel"):
    title: str | None = None
    provider_metadata: _Provider | None = None
    descriptions: list[_Said] | None = None
    affected: list[Affected] | None = None
    problem_types: list[_Problem] | None = None
    metrics: list[_Metric] | None = None
    cpe_applicability: list[Configuration] | None = None


class _Containers(Upstream, frozen=True, kw_only=True):
    cna: _Container
    adp: list[_Container] | None = None


class _Metadata(Upstream, frozen=True, kw_only=True, rename="camel"):
    cve_id: Name
    state: Literal["PUBLISHED", "REJECTED"]
    date_updated: str | None = None
    date_published: str | None = None
    date_rejected: str | None = None


class _Cve(Upstream, frozen=True, kw_only=True, rename="camel"):
    cve_metadata: _Metadata
    containers: _Containers


_CVE: Final = msgspec.json.Decoder(_Cve)


def records(data: bytes, who: str) -> Iterator[Record]:
    """The record in a file.  Raises Malformed."""
    cve = upstream.decode(_CVE, data, who)
    about, cna = cve.cve_metadata, cve.containers.cna
    who = f"{who}: {about.cve_id}"
    containers = [cna, *upstream.members(cve.containers.adp)]
    modified = max(upstream.instant(moment, who) for moment in _updates(about, containers))
    rejected = about.state == "REJECTED"
    yield Record(
        id=about.cve_id,
        source="cve5",
        modified=modified,
        published=upstream.instant(about.date_published, who),
        withdrawn=(upstream.instant(about.date_rejected, who) or modified) if rejected else "",
        summary=upstream.summary(cna.title, *_english(cna)),
        severities=upstream.vectors(_scores(containers)),
        weaknesses=upstream.each_once(_weaknesses(containers)),
        ssvc=_ssvc(containers),
        entries=_entries(containers, who),
    )


def _updates(about: _Metadata, containers: Iterable[_Container]) -> Iterator[str | None]:
    """An addition of CISA's moves its own date, not always the record's."""
    yield about.date_updated or about.date_published
    for container in containers:
        yield container.provider_metadata.date_updated if container.provider_metadata else None


def _english(container: _Container) -> Iterator[str | None]:
    return (
        said.value
        for said in upstream.members(container.descriptions)
        if said.lang.startswith("en")
    )


def _scores(containers: Iterable[_Container]) -> Iterator[tuple[str, str | None]]:
    for container in containers:
        for metric in upstream.members(container.metrics):
            yield "CVSS_V4", metric.v4 and metric.v4.vector_string
            yield "CVSS_V3", metric.v31 and metric.v31.vector_string
            yield "CVSS_V3", metric.v30 and metric.v30.vector_string
            yield "CVSS_V2", metric.v2 and metric.v2.vector_string


def _weaknesses(containers: Iterable[_Container]) -> Iterator[str]:
    for container in containers:
        for problem in upstream.members(container.problem_types):
            for said in problem.descriptions:
                if said.cwe_id and said.cwe_id.startswith("CWE-"):
                    yield said.cwe_id


def _ssvc(containers: Iterable[_Container]) -> tuple[tuple[str, str], ...]:
    """The decision points of the last SSVC assessment in the record."""
    points: tuple[tuple[str, str], ...] = ()
    for container in containers:
        for metric in upstream.members(container.metrics):
            if metric.other is not None and metric.other.type == "ssvc":
                points = tuple(_points(metric.other.content))
    return points


def _points(content: Any) -> Iterator[tuple[str, str]]:
    options = content.get("options") if isinstance(content, dict) else None
    for option in options if isinstance(options, list) else ():
        for point, answer in option.items() if isinstance(option, dict) else ():
            if isinstance(answer, str):
                yield point[:64], answer[:64]


def _entries(containers: Iterable[_Container], who: str) -> tuple[Entry, ...]:
    """What everybody who added to the record says, side by side: they may contradict each other."""
    found: list[Entry] = []
    for container in containers:
        found += entries(container.affected or ())
        found += applicable(container.cpe_applicability, who)
    return tuple(dict.fromkeys(found))
