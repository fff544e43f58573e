"""Text that can only be read: what would steer a screen or terminal is shown as its code point."""

import re
from typing import Final

# C0 and C1 controls but line feed and tab (a terminal obeys them); marks and overrides of writing
# direction and zero-width characters (one path looks like another); surrogates (UTF-8 has none).
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]"
)


def legible(text: str) -> str:
    """`text` with every steering character as its code point, such as [U+202E].

    It is no escaping: HTML's own characters stay as they are.
    """
    return _STEERING.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
