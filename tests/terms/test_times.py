"""Times as texts: whatever zone they came in, they leave in UTC and sort as times."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from firmward.terms.times import minute, moment

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
TIMES = st.builds(
    datetime.fromtimestamp,
    st.floats(-3e10, 2.5e11),  # the years 1019 to 9892
    ZONES,
)


def test_a_moment_is_in_utc_to_the_second():
    """A fraction is cut off and a zone is counted in."""
    at = datetime(2026, 11, 22, 1, 2, 3, 999_999, timezone(timedelta(hours=2)))

    assert "2026-11-21T23:02:03Z" == moment(at)
    assert "2026-11-21 23:02 UTC" == minute(at)


@given(TIMES, TIMES)
def test_moments_sort_as_texts(one: datetime, other: datetime):
    """Feeds, policies and indexes compare them without parsing them."""
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)

    assert (one < other) == (moment(one) < moment(other))


@given(TIMES)
def test_a_moment_reads_back(at: datetime):
    """Whoever parses it has the time it was made of, but for the fraction."""
    assert at.astimezone(UTC).replace(microsecond=0) == datetime.fromisoformat(moment(at))
