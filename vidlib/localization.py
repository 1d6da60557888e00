"""The language of a reader: words from a gettext catalogue, numbers and dates as usual in that language.

English is the language of the source. ``vidlib/locale/<language>.po`` translates it; what is not in there stays
English. The catalogue also translates finished sentences, which steps and the history keep in English.
"""

import gettext
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidlib.setting_types import Language

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from jinja2 import Environment

CATALOGUES = Path(__file__).with_name("locale")

LOCALES = {"en": "en_GB", "fr": "fr_FR"}
"""The conventions for numbers and dates in each language; British English writes 24 hours and the day first."""

PLACE = re.compile(r"\{(\w+)\}")
"""A place in a sentence of the catalogue that any text may fill, such as ``{speaker}``."""

DECIMAL = re.compile(r"\d+\.\d+")


def gettext_noop(message: str) -> str:
    """Mark a text for the catalogue; it is translated where it is shown."""
    return message


@dataclass(frozen=True)
class Localization:
    """Texts, numbers and dates in ``language``."""

    language: Language = "en"

    def gettext(self, message: str, **values: Any) -> str:
        """``message`` in the language, with ``values`` in its places ``%(name)s``."""
        translated = _translations(self.language).gettext(message)
        return translated % values if values else translated

    def ngettext(self, one: str, many: str, n: int, **values: Any) -> str:
        """``one`` or ``many`` in the language, whichever fits ``n``; ``%(n)s`` is the number."""
        translated = _translations(self.language).ngettext(one, many, n)
        return translated % {"n": self.number(n), **values}

    def sentence(self, text: str) -> str:
        """A finished English sentence in the language: the catalogue has it, or its pattern with places ``{name}``.

        What fills a place may be such a sentence too.

        >>> Localization("fr").sentence("was a fade missed?")
        'un fondu a-t-il été manqué\xa0?'
        """
        return _sentence(self.language, text) if text else ""

    def number(self, value: float, digits: int = 0) -> str:
        """A number with this many decimal ``digits``.

        >>> Localization("en").number(1234.5, 1), Localization("fr").number(0.5, 2)
        ('1,234.5', '0,50')
        """
        from babel.numbers import format_decimal

        return format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", LOCALES[self.language])

    def percent(self, share: float) -> str:
        """A share in [0, 1] as a whole percentage.

        >>> Localization("en").percent(0.58)
        '58%'
        """
        from babel.numbers import format_percent

        return format_percent(share, locale=LOCALES[self.language])

    def duration(self, time_s: float) -> str:
        """A length of time in the units that matter.

        >>> Localization().duration(7.25), Localization().duration(83), Localization().duration(3723)
        ('7.2 s', '1 min 23 s', '1 h 02 min')
        """
        if round(time_s, 1) < 60:
            return f"{self.number(time_s, 1)} s"
        minutes, whole_s = divmod(round(time_s), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole_s:02} s"

    def date(self, at: float) -> str:
        """The local day and time of a POSIX time, such as ``30 Nov 2026, 14:05``."""
        from babel.dates import format_datetime

        return format_datetime(datetime.fromtimestamp(at), "d MMM y, HH:mm", locale=LOCALES[self.language])

    def month(self, year: int, month: int) -> str:
        """A month, such as ``November 2026``."""
        from babel.dates import format_date

        return format_date(datetime(year, month, 1), "MMMM y", locale=LOCALES[self.language])

    def catalogue(self) -> dict[str, str | list[str]]:
        """The translations for a page in a browser, by English text; of a text with a plural, all forms."""
        found: dict[str, str | list[str]] = {}
        for message, text in getattr(_translations(self.language), "_catalog", {}).items():
            if isinstance(message, str):
                found[message] = text
            else:
                forms = cast("list[str]", found.setdefault(message[0], []))
                forms.insert(message[1], text)
        found.pop("", None)  # the header
        return found

    def install(self, env: "Environment") -> None:
        """Give templates ``_`` and ``ngettext`` of gettext, and the filters of this class."""
        env.add_extension("jinja2.ext.i18n")
        translations = _translations(self.language)
        env.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined] # by the extension
        names = ("sentence", "number", "percent", "duration", "date")
        env.filters |= {name: getattr(self, name) for name in names}
        env.globals["language"] = self.language


ENGLISH = Localization()


@lru_cache
def _catalogue(language: str) -> "Catalog":
    from babel.messages.pofile import read_po

    with open(CATALOGUES / f"{language}.po", "rb") as file:
        return read_po(file, locale=language)


@lru_cache
def _translations(language: str) -> gettext.NullTranslations:
    from babel.messages.mofile import write_mo

    if not (CATALOGUES / f"{language}.po").is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache(maxsize=4096)
def _sentence(language: Language, text: str) -> str:
    words = Localization(language)
    if DECIMAL.fullmatch(text):
        return words.number(float(text), len(text.partition(".")[2]))
    known = words.gettext(text)
    if known != text:
        return known
    for pattern, translated in _sentences(language):
        if match := pattern.fullmatch(text):
            return translated.format(**{name: _sentence(language, value) for name, value in match.groupdict().items()})
    return text


@lru_cache
def _sentences(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The finished sentences of the catalogue that have places: a pattern that finds one, and its translation.

    One that begins with words of its own comes before those that begin with a place, then the one with the most words.
    """
    if not (CATALOGUES / f"{language}.po").is_file():
        return []
    messages = [message for message in _catalogue(language) if "sentence" in message.auto_comments]
    finished = {str(one.id): str(one.string) for one in messages if PLACE.search(str(one.id))}
    ordered = sorted(finished, key=lambda message: (message.startswith("{"), -len(PLACE.sub("", message))))
    return [(_pattern(message), finished[message]) for message in ordered]


def _pattern(message: str) -> re.Pattern[str]:
    """A pattern for the sentences that ``message`` may become.

    >>> _pattern("was a {boundary} missed?").fullmatch("was a cut missed?")["boundary"]
    'cut'
    """
    parts = PLACE.split(message)
    texts = [re.escape(part) if index % 2 == 0 else f"(?P<{part}>.+?)" for index, part in enumerate(parts)]
    return re.compile("".join(texts), re.DOTALL)
