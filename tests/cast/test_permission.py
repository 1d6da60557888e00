import pytest

from vidlib.cast import permission
from vidlib.errors import UsageError
from vidlib.settings import load


def test_the_cast_is_off_until_somebody_says_what_it_is_for(tmp_path):
    with pytest.raises(UsageError, match=r"the cast is off.*VIDLIB_CAST_PURPOSE.*LEGAL_BASIS.*RETENTION_DAYS"):
        permission.check(load(workspace=tmp_path))


def test_a_blank_purpose_is_none(cast_settings):
    permission.check(cast_settings)
    blank = cast_settings.model_copy(update={"cast_purpose": "  "})
    assert permission.missing(blank) == ["cast_purpose"]
