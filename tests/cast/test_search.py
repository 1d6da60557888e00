import pyarrow as pa
import pyarrow.parquet as pq

from vidlib.cast import search as search_module
from vidlib.cast.search import search

NAME = "Zoë O'Hara"


def test_a_name_is_found_however_a_file_spells_it(tmp_path, monkeypatch):
    (tmp_path / "a.rttm").write_text("SPEAKER talk 1 0.0 1.0 <NA> <NA> Zoë_O'Hara <NA> <NA>")
    (tmp_path / "b.json").write_text('"Zo\\u00eb O\'Hara"')
    (tmp_path / "c.html").write_text("<b>Zoë O&#x27;Hara</b>")
    pq.write_table(
        pa.table({"speaker": pa.array([NAME] * 9).dictionary_encode()}), tmp_path / "d.parquet", compression="zstd"
    )
    pq.write_table(pa.table({"speakers": [[NAME, "B"], []]}), tmp_path / "e.parquet", compression="zstd")
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "f.txt").write_text("")
    (tmp_path / "g.txt").write_text("Zoë Hara")
    (tmp_path / "h.mp4").write_text(NAME)
    found = search([tmp_path], [NAME])
    assert [path.name for path in found.files] == ["f.txt", "a.rttm", "b.json", "c.html", "d.parquet", "e.parquet"]
    assert [path.name for path in found.not_searched] == ["h.mp4"]
    monkeypatch.setattr(search_module, "MAX_BYTES", 5)
    assert "a.rttm" in [path.name for path in search([tmp_path], [NAME]).not_searched]


def test_without_a_name_nothing_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    assert search([tmp_path], []).not_searched == []
