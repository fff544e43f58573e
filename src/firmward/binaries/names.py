"""What the name of a part comes to when nobody agrees how to write it."""

import re


def bare(name: str) -> str:
    """A name without case, punctuation, version suffix and a leading `lib`, to compare with.

    >>> bare("libwolfssl-5.6.3"), bare("FreeRTOS_Kernel"), bare("Mbed TLS")
    ('wolfssl', 'freertoskernel', 'mbedtls')
    """
    text = re.sub(r"[-_. ]v?\d+(?:[._]\d+)+[a-z]?$", "", name.strip().lower())
    text = re.sub(r"[^a-z0-9+]", "", text)
    return text[3:] if text.startswith("lib") and len(text) > 4 else text
