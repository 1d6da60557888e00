import stat

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.cast import invented
from vidlib.cast import store
from vidlib.cast.encryption import open_cipher
from vidlib.cast.operations import Add, Name
from vidlib.errors import BrokenOutput, SettingError

PICTURE = b"\xff\xd8 the face of somebody, as JPEG"


def fill(settings):
    """A cast with one person, called Grete Hermann."""
    with store.opened(settings) as cast:
        with cast.writing() as connection:
            number = cast.add(connection, invented.appearance(1, "talk", heard=1), PICTURE)
        (added,) = cast.record(Add(appearance=number), by="Ada")
        cast.record(Name(person=added.number, name="Grete Hermann"), by="Ada")
    return number, added.number


def test_what_is_kept_comes_back(cast_settings):
    number, person = fill(cast_settings)
    with store.opened(cast_settings) as cast:
        assert cast.appearances() == {number: invented.appearance(1, "talk", heard=1)}
        assert cast.picture(number) == PICTURE
        assert cast.cast().name(person) == "Grete Hermann"
        assert [(entry.by, entry.action) for entry in cast.log()] == [("Ada", "add"), ("Ada", "name")]


def test_no_face_voice_picture_or_name_can_be_read_in_the_file(cast_settings):
    fill(cast_settings)
    data = (cast_settings.cast / store.FILE).read_bytes()
    known = invented.appearance(1, "talk", heard=1)
    secrets = [known.face.vector.tobytes(), known.face.values.encode(), known.voice.vector.tobytes()]
    for secret in (*secrets, PICTURE, b"Grete", b"talk.mp4", b"SPEAKER"):
        assert secret not in data
    assert stat.S_IMODE((cast_settings.cast / store.FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(cast_settings.cast.stat().st_mode) == 0o700
    assert stat.S_IMODE(cast_settings.cast_key_file.stat().st_mode) == 0o600


def test_another_key_opens_nothing_and_changes_nothing(cast_settings):
    fill(cast_settings)
    before = (cast_settings.cast / store.FILE).read_bytes()
    other = cast_settings.model_copy(update={"cast_key": SecretStr(Fernet.generate_key().decode())})
    with pytest.raises(BrokenOutput, match="VIDLIB_CAST_KEY is not its key"), store.opened(other):
        pass
    assert (cast_settings.cast / store.FILE).read_bytes() == before


def test_a_lost_key_is_not_replaced_by_a_new_one(cast_settings):
    fill(cast_settings)
    cast_settings.cast_key_file.rename(cast_settings.cast_key_file.with_suffix(".away"))
    with pytest.raises(SettingError, match=r"the key of the cast is not at .*cast\.key; restore it"):
        open_cipher(cast_settings)


def test_a_key_that_others_can_read_is_refused(cast_settings):
    open_cipher(cast_settings)
    cast_settings.cast_key_file.chmod(0o640)
    with pytest.raises(SettingError, match=r"mode 040.*chmod 600"):
        open_cipher(cast_settings)


@pytest.mark.parametrize("folder", ["archive", "cast"])
def test_a_key_beside_what_it_protects_is_refused(cast_settings, folder):
    inside = cast_settings.workspace / folder / "cast.key"
    with pytest.raises(SettingError, match="which it protects; expected another folder"):
        open_cipher(cast_settings.model_copy(update={"cast_key_file": inside}))


def test_a_key_of_another_form_is_refused_without_showing_it(cast_settings):
    with pytest.raises(SettingError, match="VIDLIB_CAST_KEY holds no key") as raised:
        open_cipher(cast_settings.model_copy(update={"cast_key": SecretStr("hush")}))
    assert "hush" not in str(raised.value)


def test_a_damaged_file_is_named(cast_settings):
    fill(cast_settings)
    (cast_settings.cast / store.FILE).write_bytes(b"no database at all" * 500)
    with (
        pytest.raises(BrokenOutput, match=r"cast\.sqlite is damaged"),
        store.opened(cast_settings),
    ):
        pass
