"""The language of `vidlib find`: conditions on shots, all of which must hold.

    person:"A. Martin" says:"budget" smile>0.4 len>3s faces=2 framing:close -silent

`parse` makes a list of `Condition` of a text. A condition is a piece of SQL over the tables of
`vidlib.results.finding.index`, and another one that says why a shot fulfils it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from vidlib.errors import UsageError, did_you_mean
from vidlib.results.finding.folding import fold
from vidlib.timeline import FPS
from vidlib.tracking.blendshapes import BLENDSHAPES

FRAMINGS = {"wide": (0, 125), "medium": (125, 400), "close": (400, 1_000_000)}
"""The height of the largest face, per mille of the picture's: from, and below. A head is an eighth of a body, so the
whole body fits where a face takes less. In a close-up, the head takes half of the height, and its face four fifths."""

MOST_CHARACTERS = 2000

TERM = re.compile(
    r"""(?P<no>-)?(?:(?P<key>[A-Za-z_]\w*)(?P<operator>:|>=|<=|=|>|<))?(?P<value>"[^"]*"\*?|[^\s"]+)(?=\s|$)"""
)
UNFINISHED = re.compile(r"(\w*)(:|[<>]=?|=)")
"""A condition without a value, or a comparison alone."""

OF_SHOT = "{table}.video = shot.video AND {table}.shot = shot.shot"
IS_PERSON = "(person.number = ? OR person.label = ? COLLATE NOCASE OR instr(person.folded, ?))"
"""True for a row of ``person`` with the values of `person_values`."""

PERSON = f"FROM seen JOIN person USING (video, person) WHERE {OF_SHOT.format(table='seen')} AND {IS_PERSON}"
IS_SPEAKER = "(heard.speaker = ? COLLATE NOCASE OR instr(heard.folded, ?))"
SPEAKER = f"FROM heard WHERE {OF_SHOT.format(table='heard')} AND {IS_SPEAKER}"
WHY_SPEAKER = f"(SELECT 'speaker ' || group_concat(speaker, ', ') {SPEAKER})"
PERSON_TEXT = "coalesce(person.label, 'person ' || person.number)"
WHY_PERSON = f"(SELECT group_concat({PERSON_TEXT}, ', ') {PERSON})"
HEARD = "FROM {spoken} WHERE {spoken}.video = shot.video AND {spoken}.start < shot.stop AND {spoken}.stop > shot.start"


@dataclass(frozen=True)
class Condition:
    """One condition, as it was written in ``text``.

    ``where`` is true for a shot that fulfils it, and ``why`` is a text about the shot, both in SQL with ``values`` and
    ``why_values``. A ``phrase`` is looked up in the transcripts first; ``where`` then names the temporary table
    ``{spoken}`` with the stretches in which it is spoken.
    """

    text: str
    where: str
    values: tuple[object, ...] = ()
    why: str = "NULL"
    why_values: tuple[object, ...] = ()
    phrase: str | None = None


def parse(text: str) -> list[Condition]:
    """The conditions in ``text``; raises UsageError with the part that is wrong and the expected form."""
    conditions = [condition(*term) for term in terms(text)]
    if not conditions:
        raise UsageError(f"the question is empty; expected conditions such as {EXAMPLE}")
    return conditions


def terms(text: str) -> Iterator[tuple[str, str, str, bool]]:
    """Each term of ``text`` as key, operator, value, and whether it is excluded; raises UsageError, as `parse`."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"the question has {len(text)} characters; expected at most {MOST_CHARACTERS}")
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if not (match := TERM.match(text, position)):
            rest = text[position:]
            if rest.count('"') % 2:
                raise UsageError(f"{rest!r} has a quotation mark without its second one")
            raise UsageError(f"{rest!r} cannot be read; expected conditions such as {EXAMPLE}")
        position = match.end()
        yield match["key"] or "", match["operator"] or "", match["value"], bool(match["no"])


def condition(key: str, operator: str, value: str, excluded: bool = False) -> Condition:
    """One condition, such as ``condition("len", ">", "3s")``; without a key, the text is searched everywhere.

    Raises UsageError, with the expected form, if the key does not exist or the value does not fit it.
    """
    text = f"{key}{operator}{value}"
    if not key and (unfinished := UNFINISHED.fullmatch(value)):
        form = KINDS[unfinished[1].lower()].form if unfinished[1].lower() in KINDS else "len>3s"
        raise _wrong(text, f"a name and a value without spaces between them, as in {form}")
    if key.lower() in FLAGS:
        raise _wrong(text, f"{key.lower()} alone, or -{key.lower()}")
    if not key and value.lower() in FLAGS:
        made = FLAGS[value.lower()](text)
    elif not key:
        made = _anything(text, value)
    else:
        made = _find_kind(key, text).make(text, operator, value)
    if not excluded:
        return made
    return Condition(f"-{text}", f"NOT coalesce(({made.where}), 0)", made.values, phrase=made.phrase)


def seen_in(text: str, people: Sequence[tuple[bytes, int, str]]) -> Condition:
    """One of ``people`` is seen: the folder of the entry below the archive, the number in people.json, and why."""
    near = json.dumps([(folder.hex().upper(), number, why) for folder, number, why in people])
    rows = (
        "FROM seen JOIN person USING (video, person) JOIN json_each(?) AS near "
        "ON near.value ->> 0 = hex(video.folder) AND near.value ->> 1 = person.number "
        f"WHERE {OF_SHOT.format(table='seen')}"
    )
    return Condition(
        text, f"EXISTS (SELECT 1 {rows})", (near,), f"(SELECT group_concat(near.value ->> 2, ', ') {rows})", (near,)
    )


@dataclass(frozen=True)
class Kind:
    """A kind of condition: the function that makes it, and how it is written."""

    make: Callable[[str, str, str], Condition]
    form: str


def _find_kind(key: str, text: str) -> Kind:
    name = key.lower()
    if name in KINDS:
        return KINDS[name]
    if name in SHAPES:
        return Kind(_shape, f"{SHAPES[name]}>0.4")
    known = [*KINDS, *FLAGS, *BLENDSHAPES]
    raise UsageError(
        f"{key!r} in {text!r} is no condition;{did_you_mean(key, known)} known: {', '.join([*KINDS, *FLAGS])}, and the "
        "names of blendshapes. Put a text with a colon in quotation marks"
    )


def _wrong(text: str, expected: str) -> UsageError:
    return UsageError(f"{text!r} cannot be read; expected {expected}")


def unquoted(value: str) -> str:
    """The value of a condition without its quotation marks."""
    return value.strip().removeprefix('"').removesuffix('"').strip()


def _named(text: str, operator: str, value: str, form: str) -> str:
    """The text of a condition that takes no comparison."""
    if operator not in (":", "=") or not unquoted(value):
        raise _wrong(text, form)
    return unquoted(value)


def _person(text: str, operator: str, value: str) -> Condition:
    name = _named(text, operator, value, 'person:"A. Martin", person:SPEAKER_01 or person:2')
    values = person_values(name)
    return Condition(text, f"EXISTS (SELECT 1 {PERSON})", values, WHY_PERSON, values)


def person_values(name: str) -> tuple[object, ...]:
    """The values of `PERSON` for a number, a label, or a part of a name."""
    number = int(name) if re.fullmatch(r"\d{1,9}", name, re.ASCII) else None
    return number, name, fold(name)


def _speaker(text: str, operator: str, value: str) -> Condition:
    name = _named(text, operator, value, 'speaker:SPEAKER_01 or speaker:"A. Martin"')
    values = (name, fold(name))
    return Condition(text, f"EXISTS (SELECT 1 {SPEAKER})", values, WHY_SPEAKER, values)


def _says(text: str, operator: str, value: str) -> Condition:
    form = 'words, as in says:budget, says:"the budget" or says:budg*'
    if operator not in (":", "="):
        raise _wrong(text, form)
    return Condition(
        text,
        f"EXISTS (SELECT 1 {HEARD})",
        why=f"(SELECT '“' || text || '”' {HEARD} ORDER BY {{spoken}}.start LIMIT 1)",
        phrase=_needed_phrase(text, value, form),
    )


def _needed_phrase(text: str, value: str, form: str) -> str:
    if (found := phrase(value)) is None:
        raise _wrong(text, form)
    return found


def phrase(value: str) -> str | None:
    """The words of a condition in the language of FTS5: quoted, and with ``*`` where they are the beginning of words.

    None where ``value`` has neither letters nor digits.

    >>> phrase('"the budget"'), phrase("budg*"), phrase("?")
    ('"the budget"', '"budg"*', None)
    """
    is_beginning = value.rstrip('"').endswith("*")
    words = unquoted(value.removesuffix("*")).removesuffix("*").replace('"', " ")
    return f'"{words}"{"*" if is_beginning else ""}' if any(char.isalnum() for char in words) else None


def _anything(text: str, value: str) -> Condition:
    """A text without a key: spoken words, or the name of somebody who is seen or heard, of a video or a project."""
    name = unquoted(value)
    spoken = _says(text, ":", value)
    of_video = "instr(video.folded_name, ?) OR instr(video.folded_project, ?)"
    where = f"({spoken.where} OR EXISTS (SELECT 1 {PERSON}) OR EXISTS (SELECT 1 {SPEAKER}) OR {of_video})"
    people = (*person_values(name), name, fold(name))
    why = f"coalesce({spoken.why}, {WHY_PERSON}, {WHY_SPEAKER})"
    return Condition(text, where, (*people, fold(name), fold(name)), why, people, spoken.phrase)


def _object(text: str, operator: str, value: str) -> Condition:
    name = _named(text, operator, value, "the COCO name of an object, as in object:dog").lower()
    where = f"EXISTS (SELECT 1 FROM object WHERE {OF_SHOT.format(table='object')} AND object.label = ?)"
    return Condition(text, where, (name,), "?", (name,))


def _framing(text: str, operator: str, value: str) -> Condition:
    name = _named(text, operator, value, "framing:close, framing:medium or framing:wide").lower()
    if name not in FRAMINGS:
        raise _wrong(text, f"close, medium or wide;{did_you_mean(name, FRAMINGS)}".rstrip(";"))
    return Condition(text, "shot.face_height >= ? AND shot.face_height < ?", FRAMINGS[name], "?", (name,))


def _in_video(column: str) -> Callable[[str, str, str], Condition]:
    def make(text: str, operator: str, value: str) -> Condition:
        name = _named(text, operator, value, f'{column}:"part of the {column}"')
        return Condition(text, f"instr(video.folded_{column}, ?)", (fold(name),))

    return make


def _date(text: str, operator: str, value: str) -> Condition:
    form = "a date of the archive (UTC), as in date:2026-11, date>=2026-11-01 or date<2026"
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", value, re.ASCII):
        raise _wrong(text, form)
    comparison = "=" if operator == ":" else operator
    return Condition(text, f"substr(video.archived, 1, ?) {comparison} ?", (len(value), value))


def _number(text: str, value: str, form: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise _wrong(text, form) from None
    if not number.is_finite() or abs(number.adjusted()) > 9:
        raise _wrong(text, form)
    return number


def _compared(operator: str) -> str:
    return "=" if operator == ":" else operator


def _length(text: str, operator: str, value: str) -> Condition:
    form = "a length in seconds or frames, as in len>3s, len<=2.5s or len=75f"
    match = re.fullmatch(r"([\d.]+)(s|f)?", value, re.ASCII)
    if not match:
        raise _wrong(text, form)
    frames = _number(text, match[1], form) * (1 if match[2] == "f" else int(FPS))
    where = f"shot.stop - shot.start {_compared(operator)} ?"
    return Condition(text, where, (_exact(frames),))


def _faces(text: str, operator: str, value: str) -> Condition:
    form = "a number of faces, as in faces=2 or faces>=1"
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise _wrong(text, form)
    why = "shot.faces || CASE shot.faces WHEN 1 THEN ' face' ELSE ' faces' END"
    return Condition(text, f"shot.faces {_compared(operator)} ?", (int(value),), why)


def _smile(text: str, operator: str, value: str) -> Condition:
    return _share(text, operator, value, "smile", "shot.smile")


def _shape(text: str, operator: str, value: str) -> Condition:
    name = SHAPES[text.partition(operator)[0].lower()]
    column = f'(SELECT face."{name}" FROM face WHERE {OF_SHOT.format(table="face")})'
    return _share(text, operator, value, name, column)


def _share(text: str, operator: str, value: str, name: str, column: str) -> Condition:
    form = f"a number from 0 to 1, as in {name}>0.4"
    share = _number(text, value, form)
    if not 0 <= share <= 1:
        raise _wrong(text, form)
    why = f"'{name} ' || printf('%.2f', {column} / 1000.0)"
    return Condition(text, f"{column} {_compared(operator)} ?", (_exact(share * 1000),), why)


def _exact(number: Decimal) -> int | float:
    """A number for SQLite: whole numbers are compared exactly."""
    return int(number) if number == int(number) else float(number)


KINDS: Mapping[str, Kind] = {
    "person": Kind(_person, 'person:"A. Martin"'),
    "speaker": Kind(_speaker, "speaker:SPEAKER_01"),
    "says": Kind(_says, 'says:"the budget"'),
    "smile": Kind(_smile, "smile>0.4"),
    "len": Kind(_length, "len>3s"),
    "faces": Kind(_faces, "faces=2"),
    "framing": Kind(_framing, "framing:close"),
    "object": Kind(_object, "object:dog"),
    "name": Kind(_in_video("name"), "name:interview"),
    "project": Kind(_in_video("project"), "project:spring"),
    "date": Kind(_date, "date:2026-11"),
}
"""The conditions with a value, besides the blendshapes."""

FLAGS: Mapping[str, Callable[[str], Condition]] = {
    "silent": lambda text: Condition(text, "shot.speech = 0", (), "'silent'"),
}
"""The conditions without a value."""

SHAPES = {name.lower(): name for name in BLENDSHAPES}
EXAMPLE = 'person:"A. Martin" says:budget smile>0.4 len>3s'
