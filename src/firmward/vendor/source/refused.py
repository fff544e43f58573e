"""Why a source is turned away."""

from firmward.terms.errors import Refused


class SourceRefused(Refused):
    """Source that a release must not be made from."""

    def __init__(self, what: str, expected: str, got: str):
        self.what, self.expected, self.got = what, expected, got
        super().__init__(f"{what}: expected {expected}, got {got}")
