"""What a path that somebody names becomes."""

from pathlib import Path

import pytest

from vidlib.errors import RefusedInput
from vidlib.runner.projects import check_path, videos_of

NOT_UTF_8 = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")


def test_a_name_that_nobody_could_write_down_is_refused_with_what_to_do(tmp_path):
    file = Path(tmp_path / NOT_UTF_8)
    file.touch()
    for ask in (lambda: check_path(file), lambda: videos_of([file], tmp_path)):
        with pytest.raises(RefusedInput, match="rename the file"):
            ask()
