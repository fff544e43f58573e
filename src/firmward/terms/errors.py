"""The three families every error of Firmward belongs to.

FirmwardError
|-- Refused       judged and turned away; audited; never retried as it is
|-- Unavailable   could not judge; may be retried; counts as a refusal until then
`-- Misuse        the caller broke a contract; a bug or a wrong command line
"""


class FirmwardError(Exception):
    """What went wrong, in words that name who, what was expected and what came."""


class Refused(FirmwardError):
    """Judged and turned away."""


class Unavailable(FirmwardError):
    """Could not be judged now; nothing may proceed on it."""


class Misuse(FirmwardError):
    """The caller asked for something that makes no sense."""


class Malformed(Refused):
    """Bytes from outside that are not what they claim to be."""

    def __init__(self, who: str, expected: str, got: str):
        self.who, self.expected, self.got = who, expected, got
        super().__init__(f"{who}: expected {expected}, got {got}")


class NotTrusted(Refused):
    """A signature, chain or metadata that does not lead to a pinned key."""

    def __init__(self, who: str, reason: str):
        self.who, self.reason = who, reason
        super().__init__(f"{who}: {reason}")
