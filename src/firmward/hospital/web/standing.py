"""Routes of the people plane about what stands: advisories in use, and exposure windows."""

from firmward.hospital import mirror
from firmward.hospital.judging import Hospital
from firmward.hospital.records import exposures
from firmward.hospital.web.plane import Answer, Call, Endpoint, answer


class StandingRoutes:
    """Reading for everyone with a role; asking for the advisories' folder to be read now."""

    def __init__(self, hospital: Hospital):
        self._hospital = hospital

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        return [
            Endpoint("advisories", "GET", "/v1/advisories", self.advisories),
            Endpoint("advisories-update", "POST", "/v1/advisories", self.update),
            Endpoint("exposures", "GET", "/v1/exposures", self.exposures),
        ]

    def advisories(self, call: Call) -> Answer:
        """How recent the advisories are, and how much waits to be judged by them."""
        return answer(mirror.shown(self._hospital, call.now))

    def update(self, call: Call) -> Answer:
        """Read the folder now: 200 where it is in use, 409 where it is refused and why."""
        taken = mirror.take(self._hospital, call.now, call.who.name)
        return answer(mirror.shown(self._hospital, call.now), 200 if taken else 409)

    def exposures(self, call: Call) -> Answer:
        """Windows of one device or of all; `open` for those that are open."""
        with self._hospital.site.store.reading() as connection:
            device, still = call.query.get("device", ""), "open" in call.query
            found = exposures.exposures(connection, device, still)
        return answer([vars(each) for each in found])
