"""`firmward vendor advisories`: the vendor's own index of what is known of vulnerabilities."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from firmward.advisories import fetch, mirror
from firmward.advisories.feeds import Feed
from firmward.advisories.identity import Component
from firmward.advisories.index import Index
from firmward.advisories.line import Line
from firmward.advisories.load import load
from firmward.advisories.lookups import KINDS
from firmward.advisories.match import match
from firmward.advisories.services import ECOSYSTEMS, Services
from firmward.terms.errors import FirmwardError, Misuse, Unavailable
from firmward.terms.wire import plain
from firmward.vendor.cache import default_folder
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(
    help="What is known of vulnerabilities: bring it up to date, look into it, match against it.",
    no_args_is_help=True,
)

_DAY: Final = timedelta(days=1)
IndexOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index; FIRMWARD_CACHE/advisories.sqlite if not given."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def update(
    index: IndexOption = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--from", help="File or folder, or FEED=PATH; repeatable, no line needed."),
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="From the official services.")] = False,
    feeds: Annotated[str, typer.Option(help="Which kinds, by comma.")] = ",".join(KINDS),
    ecosystem: Annotated[list[str] | None, typer.Option(help="OSV ecosystem, repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Bring the index up to date, feed by feed; a feed that fails stays as it was, and is named.

    An API key of NVD's is read from FIRMWARD_NVD_KEY.
    """
    with answering(as_json):
        if bool(source) == online:
            raise Misuse("advisories: expected either --from or --online")
        path = index or default_index()
        now = datetime.now(UTC)
        failed: dict[str, FirmwardError] = {}
        with _written(path) as opened, _bars(as_json) as bars:
            if online:
                services = Services(
                    ecosystems=tuple(ecosystem or ECOSYSTEMS),
                    nvd_key=os.environ.get("FIRMWARD_NVD_KEY", ""),
                )
                wanted = services.feeds(tuple(filter(None, feeds.split(","))))
                _from_services(opened, services, wanted, path, now, bars, failed)
            else:
                _from_files(opened, source or [], now, bars, failed)
            if failed and not opened.feeds():
                # Nothing is put in place of nothing: an empty index would only look like one.
                raise next(iter(failed.values()))
            _say(opened, now, as_json, failed)
        if failed:
            raise Unavailable(f"advisories: not brought up to date: {', '.join(failed)}")


def default_index() -> Path:
    """Where the index is kept unless told otherwise."""
    return default_folder() / "advisories.sqlite"


@contextmanager
def _written(path: Path) -> Iterator[Index]:
    """The index to be updated; one that is not there yet is built aside and put in place."""
    if path.exists():
        opened = Index.open(path, write=True)
        try:
            yield opened
        finally:
            opened.close()
    else:
        with Index.building(path) as building:
            yield building


@contextmanager
def _bars(quiet: bool) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description:16}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=SAYS, disable=quiet, transient=True) as bars:
        yield bars


def _from_services(
    index: Index,
    services: Services,
    wanted: tuple[str, ...],
    path: Path,
    now: datetime,
    bars: Progress,
    failed: dict[str, FirmwardError],
) -> None:
    for feed in wanted:
        task = bars.add_task(feed, total=None)
        with Line(progress=lambda size, task=task: bars.advance(task, size)) as line:  # type: ignore[misc]
            try:
                fetch.update(index, feed, services, line, path.with_suffix(".spool"), now)
            except FirmwardError as error:
                failed[feed] = error


def _from_files(
    index: Index,
    sources: list[str],
    now: datetime,
    bars: Progress,
    failed: dict[str, FirmwardError],
) -> None:
    for source in sources:
        named, given, rest = source.partition("=")
        path = Path(rest) if given and named.partition("/")[0] in KINDS else Path(source)
        found = [(named, (path,))] if path == Path(rest) else mirror.feeds(path)
        for feed, paths in found:
            task = bars.add_task(feed, total=None)
            try:
                load(
                    index,
                    feed,
                    paths,
                    now=now,
                    progress=lambda size, task=task: bars.advance(task, size),  # type: ignore[misc]
                )
            except FirmwardError as error:
                failed[feed] = error


def _say(index: Index, now: datetime, as_json: bool, failed: dict[str, FirmwardError]) -> None:
    for feed, error in failed.items():
        SAYS.print(f"{feed}: {error}", markup=False, style="red")
    if not as_json:
        for held in index.feeds():
            SAYS.print(_line(held, now), markup=False)
    answer(
        as_json,
        ", ".join(f"{kind} {count:,}" for kind, count in index.counts().items()),
        feeds=[_members(held, now) for held in index.feeds()],
        records=index.counts(),
        failed={feed: str(error) for feed, error in failed.items()},
    )


def _line(feed: Feed, now: datetime) -> str:
    return (
        f"{feed.name:20} {(now - feed.snapshot) / _DAY:7.1f} days old,"
        f" {feed.taken:,} changed last time; {feed.licence}"
    )


def _members(feed: Feed, now: datetime) -> dict[str, object]:
    return {
        "name": feed.name,
        "snapshot": feed.snapshot.isoformat(),
        "ageDays": round((now - feed.snapshot) / _DAY, 2),
        "updated": feed.updated.isoformat(),
        "taken": feed.taken,
        "licence": feed.licence,
    }


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A CVE id or any other advisory's; none: feeds.")
    ] = "",
    index: IndexOption = None,
    as_json: Json = False,
) -> None:
    """Show the feeds with their age, or everything that is held under one advisory's name."""
    with answering(as_json):
        opened = Index.open(index or default_index())
        if not name:
            _say(opened, datetime.now(UTC), as_json, {})
            return
        records = opened.by_name(name)
        if not records:
            raise Unavailable(f"{name}: no such advisory in the index")
        exploited, likely = opened.exploited([name]), opened.likelihood(name)
        for record in () if as_json else records:
            gone = f", withdrawn {record.withdrawn}" if record.withdrawn else ""
            SAYS.print(f"{record.source} {record.id}, {record.modified}{gone}", markup=False)
            SAYS.print(f"  {record.summary}", markup=False)
            for entry in record.entries:
                SAYS.print(f"  {entry.purl or ':'.join(entry.cpe) or entry.name}", markup=False)
        answer(
            as_json,
            f"exploited: {'yes, ' + exploited.added if exploited else 'not listed'};"
            f" EPSS: {likely.epss if likely else 'none'}",
            records=_plain(records),
            exploited=_plain(exploited),
            likelihood=_plain(likely),
        )


def _plain(value: Any) -> Any:
    """Stored rows are arrays; a reader of JSON wants their members' names."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@app.command(name="match")
def match_command(
    purl: Annotated[list[str], typer.Argument(help="Package URLs or CPE names, with versions.")],
    index: IndexOption = None,
    as_json: Json = False,
) -> None:
    """Say of each component what is known: affected, not affected or unknown, and why."""
    with answering(as_json):
        opened = Index.open(index or default_index())
        components = [_component(name) for name in purl]
        matches = match(components, opened, datetime.now(UTC))
        for found in () if as_json else matches:
            known = found.cve or found.advisory or "-"
            says = f"{found.component.name}: {found.reason}"
            SAYS.print(f"{found.status:13} {known:18} {says}", markup=False)
        answer(
            as_json,
            f"{sum(found.status == 'affected' for found in matches)} affected,"
            f" {opened.age(datetime.now(UTC)) / _DAY:.1f} days old",
            matches=[plain(found) for found in matches],
        )


def _component(name: str) -> Component:
    if name.startswith("cpe:"):
        return Component(name=name.split(":")[4] if name.count(":") > 4 else name, cpe=name)
    return Component(name=name.partition("@")[0].rpartition("/")[2] or name, purl=name)
