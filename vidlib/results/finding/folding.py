"""Text without accents and case, for comparisons of names."""

import re
import unicodedata


def fold(text: str) -> str:
    """The text without accents and case, for comparisons.

    >>> fold("Émission À"), fold("Straße")
    ('emission a', 'strasse')
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def fold_name(label: str) -> str:
    """As `fold`, and nothing for the label of a speaker without a name, which is compared as a whole.

    >>> fold_name("André"), fold_name("SPEAKER_01")
    ('andre', '')
    """
    return "" if re.fullmatch(r"SPEAKER_\d+", label) else fold(label)
