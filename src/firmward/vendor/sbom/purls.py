"""Package URLs: one spelling for one package, so that an advisory about it is found.

Source: package-url/purl-spec, PURL-TYPES; normalisation itself is packageurl-python's.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from packageurl import PackageURL

_HOSTS: Final = {"github.com": "github", "bitbucket.org": "bitbucket"}
_SCP: Final = re.compile(r"^(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)$")
COMMIT: Final = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
# A tag is written down by someone and names one version; a branch moves on by itself.
_TAG: Final = re.compile(
    r"^(?:[A-Za-z][A-Za-z0-9+]*[-_./]+)*(?:[A-Za-z][A-Za-z+]*)?\d+(?:[-._+]*[A-Za-z0-9])*$"
)
_SHORTENED: Final = re.compile(r"^(?=\d*[a-f])[0-9a-f]{7,39}$")
_BRANCH: Final = re.compile(
    r"^(?:release|releases|support|hotfix|bugfix|feature|stable|lts|dev)/|^(?:lts|bugfix|wip)-"
    r"|[-_.](?:branch|stable|dev|next|x)$",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+(?:[._]\d+)+[A-Za-z0-9.+-]*|\d+$")


def make(
    kind: str,
    name: str,
    version: str = "",
    namespace: str = "",
    qualifiers: dict[str, str] | None = None,
) -> str:
    """The package URL as text, normalised for its type; "" where there is no name."""
    if not name:
        return ""
    told = {key: value for key, value in (qualifiers or {}).items() if value}
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    return PackageURL(kind, namespace or None, name, version or None, told or None).to_string()


def key(purl: str) -> str:
    """What two package URLs of one package share: no version, no qualifiers; "" for none."""
    if not purl:
        return ""
    parsed = PackageURL.from_string(purl)
    return PackageURL(parsed.type, parsed.namespace, parsed.name).to_string()


def of_repository(url: str, revision: str = "") -> str:
    """The package URL of a git repository at a tag or commit; "" for a URL nobody else can use."""
    host, path = _place(url)
    parts = [part for part in path.removesuffix("/").removesuffix(".git").split("/") if part]
    if not host or not parts or ".." in parts:
        return ""
    if host in _HOSTS and len(parts) == 2:
        return make(_HOSTS[host], parts[1], revision, parts[0])
    at = f"@{revision}" if revision else ""
    address = f"git+https://{host}/{'/'.join(parts)}{at}"
    return make("generic", parts[-1], revision, "/".join(parts[:-1]), {"vcs_url": address})


def repository_name(url: str) -> str:
    """The last part of a git URL without `.git`, "" for none."""
    _, path = _place(url)
    return path.rstrip("/").removesuffix(".git").rpartition("/")[2]


def _place(url: str) -> tuple[str, str]:
    """Host and path of a git URL in any of its forms, credentials dropped."""
    url = url.strip().removeprefix("git+")
    if short := _SCP.match(url):
        return short.group(1).lower(), unquote(short.group(2)).strip("/")
    try:
        split = urlsplit(url)
        return (split.hostname or "").lower(), unquote(split.path).strip("/")
    except ValueError:
        return "", ""


def resolution(revision: str) -> tuple[str, bool]:
    """(version that a tag names, whether it is pinned) for a git revision; a commit has no version.

    A revision that reads like a branch, or like a commit cut short, is not pinned.

    >>> resolution("v3.6.0"), resolution("main"), resolution("VER-2-13-3")
    (('3.6.0', True), ('', False), ('2.13.3', True))
    """
    revision = revision.removeprefix("refs/tags/")
    if COMMIT.match(revision):
        return "", True
    if len(revision) > 200 or _SHORTENED.match(revision):
        return "", False
    if (
        _BRANCH.search(revision)
        or not _TAG.match(revision)
        or not any(each.isdigit() for each in revision)
    ):
        return "", False
    text = revision
    if not re.search(r"\d\.\d", text):
        text = re.sub(r"(?<=\d)[-_](?=\d)", ".", text)
    found = _NUMBER.search(text)
    return (found.group().replace("_", "."), True) if found else ("", False)


_GIVEN: Final = re.compile(r"^[\w.+!~:^-]+$")


def exact(version: str) -> bool:
    """Whether a version requirement names one version and no range."""
    text = version.strip().removeprefix("==").removeprefix("=").strip()
    return bool(_GIVEN.match(text)) and text[:1] not in "^~" and not _wild(text)


def _wild(text: str) -> bool:
    return text.lower() in ("latest", "x", "any") or bool(re.search(r"(^|\.)[xX*]($|\.)", text))
