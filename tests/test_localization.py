"""Every text that the report, the shelf and the summary show is in the catalogue, and numbers follow the language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from vidlib import settings, steps
from vidlib.engines import active_speaker
from vidlib.errors import StepFailed
from vidlib.localization import CATALOGUES, PLACE, Localization
from vidlib.params import profiles
from vidlib.player import bundle
from vidlib.settings import REPOSITORY
from vidlib.steps.param_list import list_params

PACKAGE = Path(steps.__file__).parents[1]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**.j2", "jinja2"), ("**/templates/*.html", "jinja2")]
FRENCH = Localization("fr")
IN_SCRIPTS = re.compile(r'\b(?:(?:_|gettext|gettext_noop|ngettext)\(\s*|(?:about|group): )"([^"]+)"')
"""A message in a module of the dashboard or of the player, whose commands are marked by their names for what they do.

Babel's own extraction misses some within templates."""
PROSE = re.compile(r"""["`](?!vp-|\))[^"`\n]*[a-z]{2} [a-z]{2}[^"`\n]*["`]""")
"""A text of a script that looks like one for people: two words of a page, not two classes of an element."""
COMMENT = re.compile(r"^\s*(?://|/?\*).*| // .*", re.MULTILINE)


@pytest.fixture(scope="module")
def marked() -> set[str]:
    """Every message in the source that is marked for the catalogue."""
    extracted = extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS)
    scripts = [file.read_text() for file in (PACKAGE / "dashboard" / "static").glob("*.js")]
    found = {message for text in (*scripts, bundle.script()) for message in IN_SCRIPTS.findall(text)}
    return found | {message if isinstance(message, str) else message[0] for _, _, message, _, _ in extracted}


@pytest.fixture(scope="module")
def catalogue():
    with open(CATALOGUES / "fr.po", "rb") as file:
        return read_po(file, locale="fr")


def identifiers(catalogue) -> set[str]:
    return {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue if m.id}


def finished(catalogue) -> set[str]:
    return {message.id for message in catalogue if "sentence" in message.auto_comments}


def sentences() -> Iterator[str]:
    """The messages of the items to check, each place of a value as ``{}``."""
    for file in sorted((PACKAGE / "steps").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            is_item = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ReviewItem"
            messages = [word.value for word in node.keywords if word.arg == "message"] if is_item else []
            if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["message"]:
                messages.append(node.value)
            yield from (found for message in messages if (found := template(message)))


def events() -> Iterator[str]:
    """The messages of the log of a run, without the name of the video before them, each place of a value as ``{}``."""
    for file in ("intake.py", "pipeline.py", "execution/task.py"):
        for node in ast.walk(ast.parse((PACKAGE / "runner" / file).read_text())):
            place = {"add_event": 1, "log": 0}.get(getattr(getattr(node, "func", None), "attr", ""))
            messages = [] if place is None else node.args[place : place + 1]
            if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["message"]:
                messages = [node.value]
            yield from (found.removeprefix("{}: ") for message in messages if (found := template(message)))


def template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def test_every_message_is_translated_and_no_translation_is_left_over(marked, catalogue):
    assert not marked - identifiers(catalogue)
    assert not identifiers(catalogue) - marked - finished(catalogue)
    assert not [message.id for message in catalogue if message.id and not all(message.string or "")]


def test_translations_name_the_same_values(catalogue):
    for message in catalogue:
        ids = [message.id] if isinstance(message.id, str) else message.id
        strings = [message.string] if isinstance(message.string, str) else message.string
        for text in strings if message.id else ():
            named = re.findall(r"%\(\w+\)s|\{\w+\}", text)
            assert set(named) <= set(re.findall(r"%\(\w+\)s|\{\w+\}", " ".join(ids))), text


def test_every_text_of_the_player_is_marked():
    marked = re.compile(IN_SCRIPTS.pattern + '(?:, "[^"]+")?')
    assert not PROSE.findall(marked.sub("", COMMENT.sub("", bundle.script())))


@pytest.mark.parametrize("messages", [sentences, events])
def test_every_item_to_check_and_every_event_has_its_sentence(catalogue, messages):
    known = {PLACE.sub("{}", name) for name in finished(catalogue)}

    def is_known(text: str) -> bool:
        pattern = re.compile(re.escape(text).replace(r"\{\}", ".+"))
        return any(pattern.fullmatch(name) for name in known)

    assert not [text for text in messages() if not is_known(text)]


def test_every_parameter_and_profile_is_explained(catalogue):
    explained = [info.help for info in list_params()]
    explained += [profile.description for profile in profiles(REPOSITORY / "params")]
    assert not set(explained) - finished(catalogue)


def test_a_finished_sentence_keeps_its_values():
    assert FRENCH.sentence(
        "does SPEAKER_01 belong to face 3? It is not always heard when the face speaks, or is "
        "heard when the face is silent"
    ).startswith("SPEAKER_01 va-t-il avec le visage 3")
    assert FRENCH.sentence("is there really a dissolve?") == "y a-t-il vraiment un fondu enchaîné\xa0?"
    assert FRENCH.sentence("something that nobody translated") == "something that nobody translated"
    assert Localization("en").sentence("is there really a dissolve?") == "is there really a dissolve?"


def test_why_lr_asd_is_missing_is_said_in_french_on_the_report():
    assert FRENCH.sentence(active_speaker.NO_WEIGHTS).endswith("vidlib models fetch lr_asd")
    assert FRENCH.sentence(active_speaker.NO_WEIGHTS) != active_speaker.NO_WEIGHTS


def test_a_sentence_within_a_sentence_is_translated_too():
    failure = StepFailed("convert", "'a.mov' is no readable video: Invalid data", "/runs/a.ipynb")
    assert FRENCH.sentence(str(failure)) == (
        "échec de l’étape 'convert'\xa0: 'a.mov' n’est pas une vidéo lisible\xa0: Invalid data\xa0; voir /runs/a.ipynb"
    )
    assert FRENCH.sentence("not processed: notes.txt: it is a text") == "non traité\xa0: notes.txt\xa0: c’est un texte"
    assert FRENCH.sentence("https://h.example/…: answered 410: nothing is there any more; ask for a new link") == (
        "https://h.example/…\xa0: réponse 410\xa0: il n’y a plus rien à cette adresse\xa0; demandez un nouveau lien"
    )
    assert FRENCH.sentence("scenes done in 12.3 s") == "scenes\xa0: terminé en 12,3 s"
    assert Localization("en").sentence("scenes done in 12.3 s") == "scenes done in 12.3 s"


def test_numbers_dates_and_plurals_follow_the_language():
    assert (Localization().number(1234.5, 1), FRENCH.number(1234.5, 1)) == ("1,234.5", "1\u202f234,5")
    assert (Localization().percent(0.58), FRENCH.percent(0.58)) == ("58%", "58\xa0%")
    assert (Localization().month(2026, 11), FRENCH.month(2026, 11)) == ("November 2026", "novembre 2026")
    steps = ("%(n)s step did not finish", "%(n)s steps did not finish")
    assert [FRENCH.ngettext(*steps, n) for n in (1, 2)] == ["1 étape n’a pas abouti", "2 étapes n’ont pas abouti"]


def test_the_language_is_a_setting(monkeypatch):
    monkeypatch.setenv("VIDLIB_LANGUAGE", "fr")
    assert settings.load().language == "fr"
    monkeypatch.setenv("VIDLIB_LANGUAGE", "xx")
    with pytest.raises(settings.SettingError, match="VIDLIB_LANGUAGE='xx': expected 'en' or 'fr'"):
        settings.load()
