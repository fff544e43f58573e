"""The order of versions: total, as each standard has it, and never a guess."""

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from firmward.advisories.distributions import of, same_release, upstream
from firmward.advisories.schemes import key, release, tagged

ORDERED = {
    "generic": [
        ["1.0.1", "1.0.2", "1.0.2k", "1.0.2z", "1.0.2za", "1.1.0", "1.1.1-pre8", "1.1.1", "1.1.1a"],
        ["5.10.0-rc3", "5.10", "5.10.1", "5.10.*", "5.11", "*"],
        ["2021.01-rc4", "2021.01", "2022.83", "2022.84"],
        ["4.2.8", "4.2.8p9", "4.2.8p15", "4.2.9"],
        ["9.3", "9.3p1", "9.3p2", "9.4"],
        ["1.0.0-dev", "1.0.0-alpha", "1.0.0-beta2", "1.0.0-rc1", "1.0.0", "1.0.0.1", "1.0.1"],
    ],
    # SemVer 2.0.0, the example of clause 11.4.
    "semver": [
        ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
         "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1"],
    ],
    # Debian Policy 5.6.12 and deb-version(7): ~ before the end, letters before other signs.
    "deb": [
        ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0a", "1.0+dfsg-1", "1.0.1", "1.10", "1:0.1"],
        ["1.1.1n-0+deb11u3", "1.1.1n-0+deb11u10", "1.1.1n-1", "1.1.1w-0+deb11u1"],
    ],
    # rpm-version(7): ~ before, ^ after the end, words before numbers.
    "rpm": [
        ["1.0~rc1", "1.0", "1.0^git1", "1.0a", "1.0.1", "1.05", "1.10", "1:0.1"],
        ["1.0.2k-19.el7", "1.0.2k-19.el7_9", "1.0.2k-25.el7_9", "1:1.0.2k-1"],
    ],
    # apk-package(5): letters, then suffixes before and after the release, then -r.
    "apk": [
        ["1.2_alpha1", "1.2_beta", "1.2_rc1", "1.2", "1.2-r1", "1.2-r10", "1.2_git1", "1.2_p1",
         "1.2b", "1.2.05", "1.2.1", "1.10"],
    ],
    # PEP 440, "Summary of permitted suffixes and relative ordering".
    "python": [
        ["1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0rc1",
         "1.0", "1.0+abc.5", "1.0.post456.dev34", "1.0.post456", "1.1.dev1"],
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "versions"),
    [(scheme, line) for scheme, lines in ORDERED.items() for line in lines],
)
def test_versions_come_in_the_order_their_standard_gives(scheme, versions):
    """Every pair, not only neighbours."""
    keys = [key(scheme, version) for version in versions]

    assert None not in keys
    assert [] == [
        (versions[low], versions[high])
        for low in range(len(keys))
        for high in range(low + 1, len(keys))
        if not keys[low] < keys[high]
    ]


@pytest.mark.parametrize(
    ("scheme", "one", "other"),
    [
        ("generic", "1.2", "1.2.0"),
        ("generic", "v1.2.3", "1.2.3+build.5"),
        ("semver", "1.2.3+a", "1.2.3+b"),
        ("deb", "0:1.0-0", "1.0"),
        ("deb", "1.0-01", "1.0-1"),
        ("rpm", "1.0", "1_0"),
        ("rpm", "0:1.05", "1.5"),
        ("apk", "1.2", "1.2-r0"),
        ("python", "1.0", "1.0.0"),
    ],
)
def test_two_spellings_of_one_version_are_one(scheme, one, other):
    """What does not order must not make a difference."""
    assert key(scheme, one) == key(scheme, other)


@pytest.mark.parametrize(
    ("scheme", "version"),
    [
        ("generic", ""),
        ("generic", "latest"),
        ("generic", "5.15.0-91-generic"),
        ("generic", "R_2_4_0"),
        ("generic", "1.2.3-custom"),
        ("generic", "1" * 200),
        ("generic", "١.٢"),
        ("deb", "١:1.0"),
        ("semver", "1.1.1k"),
        ("python", "1.1.1k"),
        ("deb", "-1"),
        ("rpm", "1:2:3"),
        ("apk", "1.2-r"),
        ("git", "1.0.0"),
        ("prose", "1.0.0"),
    ],
)
def test_a_version_without_a_certain_place_has_none(scheme, version):
    """A guess could land on the wrong side of a repair."""
    assert key(scheme, version) is None


SIGNS = {
    "generic": st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){0,3}([a-z]|za|-rc[0-9]|p[0-9])?\Z"),
    "semver": st.from_regex(r"\A[0-9]\.[0-9]\.[0-9](-(a|b|[0-9])(\.(a|[0-9]))?)?\Z"),
    "deb": st.from_regex(r"\A([0-9]:)?[0-9][0-9a+.~]{0,5}(-[0-9a+~]{1,3})?\Z"),
    "rpm": st.from_regex(r"\A([0-9]:)?[0-9a.~^]{1,5}(-[0-9a.]{1,3})?\Z"),
    "apk": st.from_regex(r"\A[0-9](\.[0-9]{1,2}){0,2}[ab]?(_(rc|p)[0-9])?(-r[0-9])?\Z"),
    "python": st.from_regex(
        r"\A[0-9](\.[0-9]){0,2}(a[0-9]|b[0-9]|rc[0-9])?(\.post[0-9])?(\.dev[0-9])?\Z"
    ),
}


@given(st.data())
def test_every_order_is_total(data):
    """Of any three versions each pair compares one way, and the ways do not go in a circle."""
    scheme = data.draw(st.sampled_from(sorted(SIGNS)))
    versions = data.draw(st.lists(SIGNS[scheme], min_size=3, max_size=3))
    keys = sorted(found for v in versions if (found := key(scheme, v)) is not None)

    for low, high in pairwise(keys):
        assert low <= high
        assert (low < high) + (low == high) + (low > high) == 1
    if len(keys) == 3:
        assert keys[0] <= keys[2]


@pytest.fixture(scope="module")
def dpkg() -> str:
    """The program; Debian itself may leave it out of a small image."""
    found = shutil.which("dpkg")
    assert found is not None, "dpkg is absent: apt-get install dpkg"
    return found


@settings(max_examples=150, deadline=None)
@given(SIGNS["deb"], SIGNS["deb"])
@example("1.0", "1.0~")
@example("1.0-1", "1.0-1+deb11u1")
@example("1.0a", "1.0+")
def test_debians_order_is_that_of_dpkg_itself(dpkg, one, other):
    """The tool that every Debian system decides by."""
    ours = (key("deb", one), key("deb", other))
    assume(None not in ours)
    sign = "lt" if ours[0] < ours[1] else "eq" if ours[0] == ours[1] else "gt"

    judged = subprocess.run([dpkg, "--compare-versions", one, sign, other], capture_output=True)
    assert (judged.returncode, one, sign, other) == (0, one, sign, other)


@pytest.mark.parametrize(
    ("version", "scheme", "expected"),
    [
        ("1:1.1.1n-0+deb11u3", "deb", "1.1.1n"),
        ("1:1.0.2k-19.el7", "rpm", "1.0.2k"),
        ("7.61.1-r3", "apk", "7.61.1"),
        ("1.0.2p-3.42.2", "rpm", "1.0.2p"),
        ("1:1.2.11.dfsg-2+deb11u2", "deb", "1.2.11"),
        ("2.4.47+dfsg-3", "deb", "2.4.47"),
        ("1.2.3~rc1-1", "deb", "1.2.3~rc1"),
        ("2.0+really1.9-1", "deb", ""),
    ],
)
def test_upstreams_version_is_inside_a_distributions(version, scheme, expected):
    """Epoch, repacking and revision are the distribution's own; a pretence tells nothing."""
    assert expected == upstream(version, scheme)


def test_a_candidate_for_release_stays_before_the_release_when_it_is_unpacked():
    """Debian's ~rc1 is upstream's -rc1: called the release itself it would look repaired."""
    assert key("generic", upstream("1.2.3~rc1-1", "deb")) < key("generic", "1.2.3")


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("curl-7_76_0", "7.76.0"),
        ("OpenSSL_1_1_1k", "1.1.1k"),
        ("R_2_4_0", "2.4.0"),
        ("mbedtls-2.28.0", "2.28.0"),
        ("v4.3.4a", "4.3.4a"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_tag_stands_for_a_version(tag, version):
    """Records from repositories name tags."""
    assert key("generic", version) == key("generic", tagged(tag))


def test_a_patch_letter_is_known_as_one():
    """It is what tells OpenSSL's branches of three numbers from others' of two."""
    assert ((1, 0, 2), True) == release("generic", "1.0.2k")
    assert ((3, 0, 0), False) == release("generic", "3")
    assert release("deb", "1.0-1") is None


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("12", "12", True),
        ("3.18.4", "v3.18", True),
        ("3.18", "v3.19", False),
        ("22.04", "22.04:LTS", True),
        ("9.3", "9", True),
        ("", "12", True),
        ("12", "", True),
        ("11", "12", False),
    ],
)
def test_releases_of_a_distribution_are_told_apart_where_both_are_said(ours, theirs, same):
    """Every release patches by itself; silence on either side takes all of them in."""
    assert same is same_release(ours, theirs)


def test_a_distribution_is_known_by_its_package_url():
    """Type, namespace and the `distro` qualifier."""
    assert ("Debian", "12", "deb") == (
        (found := of("deb", "debian", "debian-12")).ecosystem,
        found.release,
        found.scheme,
    )
    assert of("generic", "", "debian-12") is None
