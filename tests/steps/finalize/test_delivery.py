"""What *finalize* delivers and archives, and what it leaves alone."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.steps.finalize.delivering import RESULTS, change_results, contents, finished, inputs_of, run
from vidlib import files
from vidlib.corrections import store
from vidlib.corrections.actions import AddCut
from vidlib.errors import BrokenOutput
from vidlib.jupyter_import import papermill
from vidlib.plots import delivery as delivery_plot
from vidlib.results import archive
from vidlib.steps import finalize
from vidlib.steps.base import Step, fingerprint_of

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / finalize.NOTEBOOK


def test_the_editor_gets_every_video_with_its_results_in_the_folders_it_came_in(home):
    outputs = run(home)
    delivered = contents(home / "delivery/Spring")
    names = ("clip.mp4", "clip.csv", "clip_audio.json", "clip_tracking.json", "clip_tracking.parquet", "clip.rttm")
    assert set(delivered) == {f"{folder}/{name}" for folder in "AB" for name in names}
    assert delivered["B/clip.mp4"] == "video of B/clip"
    assert set(outputs.delivered) == {str(home / "delivery/Spring" / name) for name in delivered}


def test_what_is_said_is_delivered_and_archived_only_where_somebody_understood_it(home):
    said = home / "work/A/clip/captions"
    said.write_text("WEBVTT")
    outputs = run(home, [finished(home, "A/clip", captions=str(said)), finished(home, "B/clip")])
    assert outputs.left_out == ()
    assert (home / "delivery/Spring/A/clip.vtt").read_text() == "WEBVTT"
    assert not (home / "delivery/Spring/B/clip.vtt").exists()
    held = [(Path(folder) / "clip.vtt").exists() for folder in outputs.archived]
    assert held == [True, False]
    assert delivery_plot.results(json.loads(outputs.delivery.read_text())).axes[0].get_legend()


def test_results_are_archived_under_the_hash_of_the_delivered_video(home):
    outputs = run(home)
    for stem, folder in zip(("A/clip", "B/clip"), outputs.archived, strict=True):
        (entry,) = archive.find(home / "archive", files.sha256(home / "work" / stem / "source"))
        assert str(entry.folder) == folder
        assert entry.folder.name == files.sha256(home / "delivery/Spring" / f"{stem}.mp4")


def test_decisions_of_people_are_archived_with_the_results_that_have_them(home):
    content = files.sha256(home / "work/A/clip/source")
    decided = store.append(home / "corrections", content, AddCut(frame=7), "anna")
    plain, corrected = (
        inputs_of(home, [finished(home, "A/clip", corrections=own)]) for own in ([], [decided.model_dump(mode="json")])
    )
    finalize.run(corrected, finalize.Params())
    (archived,) = (home / "archive").rglob("*_corrections.json")
    assert archived.read_bytes() == store.path_of(home / "corrections", content).read_bytes()
    ingredients = [Step(finalize).ingredients(inputs, finalize.Params()) for inputs in (plain, corrected)]
    assert "corrections" not in ingredients[0]["inputs"]["videos"][0]
    assert fingerprint_of(ingredients[0]) != fingerprint_of(ingredients[1])


def test_the_listing_names_every_file_with_its_hash(home):
    listing = json.loads(run(home).delivery.read_text())
    listed = [file for video in listing["videos"] for file in (*video["delivered"], *video["archived"])]
    assert len(listed) == 2 * (6 + 5)
    assert all(files.sha256(Path(file["path"])) == file["sha256"] for file in listed)


def test_running_again_changes_nothing(home):
    def places():
        paths = [*(home / "delivery").rglob("*"), *(home / "archive").rglob("*")]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths if path.name != ".lock"}

    first = run(home)
    before = places()
    assert run(home) == first
    assert places() == before


def test_other_results_replace_the_delivery_and_the_old_one_is_kept(home):
    run(home)
    before = contents(home / "delivery/Spring")
    change_results(home)
    run(home)
    (kept,) = (home / "delivery").glob("Spring.previous-*")
    assert contents(kept) == before
    assert contents(home / "delivery/Spring") == before | {"A/clip_audio.json": "somebody else speaks"}
    assert len(archive.find(home / "archive", files.sha256(home / "work/A/clip/video"))) == 2
    assert len(archive.find(home / "archive", files.sha256(home / "work/B/clip/video"))) == 1


def test_files_that_did_not_change_take_no_room_in_the_kept_delivery(home):
    run(home)
    change_results(home)
    run(home)
    (kept,) = (home / "delivery").glob("Spring.previous-*")
    assert (kept / "A/clip.mp4").samefile(home / "delivery/Spring/A/clip.mp4")


def test_what_an_editor_put_into_the_delivery_stays_there(home):
    run(home)
    edit = home / "delivery/Spring/A/edit.aep"
    edit.write_text("two days of work")
    run(home)
    change_results(home)
    run(home)
    assert edit.read_text() == "two days of work"


def test_a_video_that_did_not_finish_is_left_out_and_said(home):
    failed = finished(home, "B/clip", tracking_json=None, tracking_parquet=None)
    outputs = run(home, [finished(home, "A/clip"), failed])
    assert [video.stem for video in outputs.left_out] == ["B/clip"]
    assert "tracking_json, tracking_parquet" in outputs.left_out[0].reason
    assert not (home / "delivery/Spring/B").exists()
    assert len(outputs.archived) == 1


def test_a_video_that_fails_now_keeps_what_was_delivered_of_it(home):
    run(home)
    change_results(home)
    run(home, [finished(home, "A/clip"), finished(home, "B/clip", rttm=None)])
    delivered = contents(home / "delivery/Spring")
    assert delivered["A/clip_audio.json"] == "somebody else speaks"
    assert delivered["B/clip.mp4"] == "video of B/clip"


def test_a_project_where_nothing_finished_delivers_nothing(home):
    outputs = run(home, [finished(home, "A/clip", video=None)])
    assert (outputs.delivered, outputs.archived) == ((), ())
    assert not (home / "delivery/Spring").exists()


def test_all_or_nothing_delivers_nothing_while_a_video_is_incomplete(home):
    videos = [finished(home, "A/clip"), finished(home, "B/clip", tracking_json=None)]
    outputs = run(home, videos, deliver="all")
    assert outputs.delivered == ()
    assert not (home / "delivery/Spring").exists()
    assert len(outputs.archived) == 1
    assert [video.stem for video in outputs.left_out] == ["A/clip", "B/clip"]
    assert outputs.left_out[0].reason.endswith("did not finish: B/clip")
    assert delivery_plot.videos(json.loads(outputs.delivery.read_text()))
    assert delivery_plot.results(json.loads(outputs.delivery.read_text()))
    assert len(run(home, deliver="all").delivered) == 2 * 6


def test_videos_alone_are_delivered_also_without_their_analysis(home):
    videos = [
        finished(home, "A/clip"),
        finished(home, "B/clip", **dict.fromkeys(RESULTS)),
        finished(home, "A/clip", stem="C", video=None),
    ]
    outputs = run(home, videos, deliver="videos")
    assert set(contents(home / "delivery/Spring")) == {"A/clip.mp4", "B/clip.mp4"}
    assert (len(outputs.archived), [video.stem for video in outputs.left_out]) == (1, ["C"])
    assert delivery_plot.results(json.loads(outputs.delivery.read_text()))


def test_sources_are_left_as_they_are(home):
    before = contents(home / "work")
    run(home)
    assert contents(home / "work") == before


@pytest.mark.parametrize("damage", ["clip.mp4", "clip_audio.json"])
def test_a_delivery_that_was_changed_is_no_finished_step(home, damage):
    run(home)
    step = Step(finalize)
    step.outputs(home / "out")
    (home / "delivery/Spring/A" / damage).write_text("changed")
    with pytest.raises(BrokenOutput, match=damage):
        step.outputs(home / "out")
    run(home)
    step.outputs(home / "out")


def test_a_new_name_is_another_delivery_a_new_place_is_not(home):
    step, params = Step(finalize), finalize.Params()
    inputs = inputs_of(home)
    moved = inputs.model_copy(update={"delivery_dir": home / "elsewhere"})
    renamed = inputs_of(home, [finished(home, "A/clip"), finished(home, "B/clip", stem="C/clip")])
    assert fingerprint_of(step.ingredients(moved, params)) == fingerprint_of(step.ingredients(inputs, params))
    assert fingerprint_of(step.ingredients(renamed, params)) != fingerprint_of(step.ingredients(inputs, params))


@pytest.mark.parametrize("stem", ["", "/etc/passwd", "../clip", "a/../../clip", "."])
def test_a_stem_that_leads_out_of_the_delivery_is_refused(home, stem):
    with pytest.raises(ValidationError, match="below the project's folder"):
        inputs_of(home, [finished(home, "A/clip", stem=stem)])


@pytest.mark.parametrize("project", ["", "..", ".hidden", "a/b"])
def test_a_project_name_that_is_no_plain_folder_is_refused(home, project):
    with pytest.raises(ValidationError, match="plain name"):
        finalize.Inputs(**(inputs_of(home).model_dump() | {"project": project}))


def test_two_videos_with_one_name_are_refused(home):
    with pytest.raises(ValidationError, match="a/clip"):
        inputs_of(home, [finished(home, "A/clip"), finished(home, "A/clip", stem="a/Clip")])


@pytest.mark.slow
def test_the_notebook_delivers_and_shows_what(home, forked_notebooks):
    """As the pipeline runs it: parameters are plain JSON values, and one video did not finish."""
    videos = [finished(home, "A/clip"), finished(home, "B/clip", video=None)]
    parameters = inputs_of(home, videos).model_dump(mode="json")
    executed = papermill.execute_notebook(
        str(NOTEBOOK), str(home / "out.ipynb"), parameters=parameters, kernel_name="python3", progress_bar=False
    )
    shown = {cell.id: [*output.data] for cell in executed.cells for output in cell.get("outputs", [])}
    assert "image/png" in shown["videos"]
    assert "image/png" in shown["results"]
    assert Step(finalize).outputs(home / "out").left_out[0].stem == "B/clip"
