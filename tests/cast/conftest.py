from pathlib import Path

import pytest

from vidlib.settings import Settings, load


@pytest.fixture
def cast_settings(tmp_path: Path) -> Settings:
    """A workspace whose cast is on."""
    return load(
        workspace=tmp_path / "workspace",
        cast_purpose="finding our presenters",
        cast_legal_basis="their consent",
        cast_retention_days=365,
        cast_key_file=tmp_path / "keys" / "cast.key",
        operator="Ada",
    )
