"""The pipeline on real, small clips: from a delivery to reports, once more, and after a kill."""

import errno
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import sample_media
from tests.runner.processes import Command
from tests.waiting import wait_until
from vidlib import settings as settings_module
from vidlib.api import Workspace
from vidlib.errors import UnknownName, UsageError
from vidlib.files import sha256
from vidlib.params import read_params
from vidlib.results import archive, published_set
from vidlib.runner import queries
from vidlib.runner.execution import worker
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.pipeline import RunOptions, run
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult, VideoResult
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import PARAMS, STEPS, VIDEO_STEPS, scenes
from vidlib.steps.base import Manifest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("plain_step_notebooks")]

STEPS_OF_A_VIDEO = [*VIDEO_STEPS, "finalize", "report"]


@pytest.fixture(scope="module", autouse=True)
def fresh_settings() -> Iterator[None]:
    """Every test here starts from the settings that it is given."""
    settings_module.settings.cache_clear()
    yield
    settings_module.settings.cache_clear()


def process(workspace: Settings, *paths: Path, **asked) -> RunResult:
    return run(Request(paths, read_params(PARAMS), **asked), workspace, RunOptions(jobs=1))


@pytest.fixture(scope="module")
def delivered(
    lasting_kernels: None, plain_step_notebooks: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Path, RunResult]:
    """A workspace in which a delivery of one good and one broken clip was processed; the archive; what came of it."""
    folder = tmp_path_factory.mktemp("delivery")
    good, broken = sample_media.clip(folder / "a clip.mp4"), sample_media.garbage(folder / "broken.mp4")
    package = folder / "Sendung 12.zip"
    with zipfile.ZipFile(package, "w") as delivery:
        delivery.write(good, "Sendung 12/reel 1/a clip.mp4")
        delivery.write(broken, "Sendung 12/broken.mp4")
        delivery.writestr("Sendung 12/notes.txt", "for the editor")
    workspace = settings_module.load(workspace=folder / "workspace")
    return workspace, package, process(workspace, package)


def good_video(result: RunResult) -> VideoResult:
    """The video of a delivery that has its results."""
    return next(video for video in result.videos if video.status == "done")


def test_a_delivery_ends_with_results_beside_its_videos(delivered):
    workspace, _, result = delivered
    assert result.status == "partial"
    assert result.exit_code == 1
    docs = workspace.projects / "Sendung 12" / "docs"
    names = {str(path.relative_to(docs)) for path in docs.rglob("*") if path.is_file()}
    ends = (".csv", "_audio.json", "_tracking.json", "_tracking.parquet", ".rttm", "_results.json")
    results = {f"reel 1/a clip{end}" for end in ends}
    assert names == {"notes.txt", "broken.mp4", "reel 1/a clip.mp4"} | results
    assert (docs / "reel 1/a clip.csv").read_bytes().startswith(b"No,Timecode In,Timecode Out,Frame In,Frame Out\r\n")


def test_a_broken_video_is_refused_reported_and_does_not_stop_the_other(delivered):
    _, _, result = delivered
    by_name = {video.path.name: video for video in result.videos}
    good, broken = by_name["a clip.mp4"], by_name["broken.mp4"]
    assert good.status == "done"
    assert list(good.steps) == ["extract", *STEPS_OF_A_VIDEO]
    assert broken.status == "refused"
    assert "broken.mp4" in broken.error
    assert {name for name, step in broken.steps.items() if step.status == "skipped"} == set(VIDEO_STEPS) - {"convert"}
    for video in (good, broken):
        assert video.outputs["report"].is_file()
    assert "no readable video" in broken.outputs["report"].read_text(encoding="utf-8")


def test_the_json_of_a_run_names_every_step_and_output_by_absolute_paths(delivered):
    _, _, result = delivered
    document = json.loads(json.dumps(result.as_json()))
    good = next(video for video in document["videos"] if video["status"] == "done")
    assert set(good) == {"path", "sha256", "status", "steps", "outputs", "error"}
    assert set(good["outputs"]) == {"shots", "audio", "tracking_json", "tracking_parquet", "report"}
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in good["outputs"].values())
    assert all(set(step) == {"status", "folder", "seconds", "cached"} for step in good["steps"].values())


def test_finished_videos_are_delivered_and_found_by_the_content_of_either_file(delivered):
    workspace, _, result = delivered
    folder = workspace.delivery / "Sendung 12"
    names = {path.name for path in (folder / "reel 1").iterdir()}
    assert names >= {"a clip.mp4", "a clip.csv", "a clip_audio.json", "a clip_people.json", "a clip_report.html"}
    report = (folder / "reel 1" / "a clip_report.html").read_text(encoding="utf-8")
    assert "../" not in report
    (archived,) = workspace.archive.glob("*/*/report/a clip_report.html")
    assert archived.read_text(encoding="utf-8") == report
    assert {path.name for path in folder.iterdir() if path.is_file()} == set()
    good = good_video(result)
    for content in (good.sha256, sha256(folder / "reel 1" / "a clip.mp4")):
        (entry,) = archive.find(workspace.archive, content)
        archive.verify(entry)


def test_the_history_holds_statuses_events_and_log_of_the_run(delivered):
    workspace, package, result = delivered
    with History(workspace.database) as history:
        record = history.run(result.run)
        assert (record.status, record.paths) == ("partial", [str(package)])
        statuses = {(task.label, task.step): task.status for task in history.tasks(result.run)}
        assert statuses["a clip.mp4", "report"] == "done"
        assert statuses["broken.mp4", "convert"] == "refused"
        assert any("broken.mp4" in event.message for event in history.events(result.run))
    assert "a clip.mp4: scenes done" in (workspace.runs / result.run / "run.log").read_text()


def test_a_renamed_video_is_recognised_and_missing_files_are_made_again(delivered, tmp_path):
    workspace, _, first = delivered
    renamed = tmp_path / "renamed.mp4"
    renamed.write_bytes(good_video(first).path.read_bytes())
    (again,) = process(workspace, renamed).videos
    assert {name for name, step in again.steps.items() if not step.cached} == {"finalize", "report"}
    third = process(workspace, renamed)
    assert (third.status, third.executed) == ("done", 0)
    assert third.videos[0].outputs["report"].is_file()
    assert renamed.is_file()

    removed = workspace.delivery / "renamed" / "renamed.csv"
    removed.unlink()
    (fourth,) = process(workspace, renamed).videos
    assert not fourth.steps["finalize"].cached
    assert removed.is_file()


def test_a_changed_finished_result_is_reported_and_made_again(delivered, tmp_path):
    workspace, package, first = delivered
    good = good_video(first)
    folder = good.steps["scenes"].folder
    inputs = scenes.Inputs(video=good.steps["convert"].folder / "video.mp4", out_dir=tmp_path / "other")
    scenes.run(inputs, scenes.Params(engine="pyscenedetect"))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    shutil.copytree(inputs.out_dir, folder, dirs_exist_ok=True)

    params = {name: step.module.Params() for name, step in STEPS.items()}
    assert "was changed after it was finished" in queries.explain(good.path, "scenes", params, workspace)
    again = process(workspace, package)
    assert not good_video(again).steps["scenes"].cached
    with History(workspace.database) as history:
        warnings = [event.message for event in history.events(again.run) if event.level == "warning"]
    assert any("scenes is executed again" in line and "was changed after it" in line for line in warnings)


def test_two_archives_of_one_name_become_two_projects(delivered, tmp_path):
    workspace, _, _ = delivered
    other = tmp_path / "Sendung 12.zip"
    with zipfile.ZipFile(other, "w") as delivery:
        delivery.writestr("notes.txt", "another delivery, without a video")
    result = process(workspace, other)
    assert result.status == "refused"
    assert "holds no video" in result.videos[0].error
    ours = {path.name for path in workspace.projects.iterdir() if path.name.startswith("Sendung")}
    assert ours == {"Sendung 12", f"Sendung 12-{sha256(other)[:8]}"}


def test_a_renamed_archive_gets_its_earlier_results(delivered, tmp_path):
    workspace, package, first = delivered
    copied = tmp_path / "Copy of Sendung 12 (1).zip"
    copied.write_bytes(package.read_bytes())
    before = sorted(workspace.projects.iterdir())
    again = process(workspace, copied)
    good = good_video(again)
    assert {name for name, step in good.steps.items() if not step.cached} == set()
    assert (good.path, good.outputs["shots_csv"]) == (good_video(first).path, good_video(first).outputs["shots_csv"])
    assert sorted(workspace.projects.iterdir()) == before


def test_a_delivery_with_a_damaged_file_has_failed(delivered, tmp_path):
    workspace, _, first = delivered
    package = tmp_path / "damaged.zip"
    with zipfile.ZipFile(package, "w") as delivery:
        delivery.writestr("notes.txt", "for the editor")
        delivery.write(good_video(first).path, "clip.mp4")
    package.write_bytes(package.read_bytes().replace(b"for the editor", b"FOR THE EDITOR"))
    result = process(workspace, package)
    assert (result.status, result.exit_code) == ("partial", 1)
    assert {video.path.name: video.status for video in result.videos} == {"damaged.zip": "failed", "clip.mp4": "done"}
    assert "notes.txt" in result.videos[0].error


def test_results_that_cannot_be_published_fail_only_their_video(delivered, tmp_path, monkeypatch):
    workspace, _, first = delivered
    clips = [tmp_path / "full.mp4", tmp_path / "fits.mp4"]
    for clip in clips:
        clip.write_bytes(good_video(first).path.read_bytes())
    link = published_set.link_or_copy

    def full_disk(source: Path, target: Path) -> Path:
        if target.is_relative_to(workspace.projects / "full"):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return link(source, target)

    monkeypatch.setattr(published_set, "link_or_copy", full_disk)
    result = process(workspace, *clips)
    assert [video.status for video in result.videos] == ["failed", "done"]
    assert "No space left on device" in result.videos[0].error
    assert good_video(first).outputs["shots_csv"].is_file()


def beside(video: VideoResult) -> dict[str, bytes]:
    """The files with results beside a video of the delivery."""
    folder = video.outputs["shots_csv"].parent
    return {path.name: path.read_bytes() for path in folder.glob("a clip*") if path.suffix != ".mp4"}


LOOSE = {"overrides": ["scenes.engine=pyscenedetect", "scenes.threshold=0.9", "scenes.min_shot_s=2"]}


def test_some_steps_with_other_values_leave_all_results_beside_the_video(delivered):
    workspace, package, _ = delivered
    good = good_video(process(workspace, package))
    before = beside(good)
    loose = run(Request([package], read_params(PARAMS, **LOOSE), frozenset({"scenes"})), workspace, RunOptions(jobs=1))
    assert beside(good) == before
    (notice,) = loose.notices
    assert "a clip.mp4: the results beside the video are unchanged" in notice
    assert "scenes.threshold: 0.5 -> 0.9" in notice
    assert good_video(loose).outputs["shots_csv"].is_relative_to(workspace.work)
    with queries.opened(workspace) as history:
        (page,) = queries.reports(history, workspace.runs, "a clip.mp4")
        (partial,) = [
            page for page in queries.reports(history, workspace.runs, loose.run) if "a clip" in page.read_text()
        ]
    assert page != partial


def test_a_variant_lies_apart_until_it_is_promoted(delivered):
    workspace, package, first = delivered
    good = good_video(first)
    before, delivery = beside(good), workspace.delivery / "Sendung 12" / "reel 1" / "a clip.csv"
    request = Request([package], read_params(PARAMS, **LOOSE), frozenset({"scenes"}), variant="loose")
    made = run(request, workspace, RunOptions(jobs=1))
    shots = workspace.projects / "Sendung 12" / "variants" / "loose" / "reel 1" / "a clip.csv"
    assert good_video(made).outputs["shots_csv"] == shots
    assert shots.read_bytes() != before["a clip.csv"] == delivery.read_bytes()
    assert beside(good) == before

    video = Workspace(workspace.workspace).open(good.path)
    assert video.variants == ("loose",)
    assert len(video.variant("loose").shots) < len(video.shots)
    video.promote("loose")
    assert beside(good)["a clip.csv"] == shots.read_bytes() == delivery.read_bytes()
    record = json.loads(beside(good)["a clip_results.json"])
    assert (record["complete"], record["params"]["scenes"]["threshold"]) == (True, 0.9)
    assert video.shots.equals(video.variant("loose").shots)
    with pytest.raises(UnknownName, match=r"'lose' is not a variant of this video; did you mean 'loose'"):
        video.variant("lose")
    process(workspace, package)
    assert beside(good) == before


def test_a_variant_has_a_plain_name_and_is_not_delivered(delivered):
    workspace, package, _ = delivered
    with pytest.raises(UsageError, match=r"--variant '\.\./x': expected a plain name"):
        process(workspace, package, variant="../x")
    with pytest.raises(UsageError, match="cannot be delivered"):
        process(workspace, package, variant="x", steps=frozenset({"finalize"}))


@pytest.mark.parametrize(
    ("asked", "done"),
    [
        ([], ["convert", "scenes", "audio", "tracking", "reduce"]),
        (["scenes"], ["convert", "scenes"]),
        (["audio", "scenes"], ["convert", "scenes", "audio"]),
        (["reduce"], ["convert", "scenes", "audio", "tracking", "reduce"]),
        (["extract"], []),
    ],
)
def test_named_steps_bring_only_the_steps_that_they_need(asked, done):
    assert Request([], {}, frozenset(asked)).video_steps() == done


def test_a_missing_path_and_an_unknown_step_are_refused_before_the_run(tmp_path):
    workspace = settings_module.load(workspace=tmp_path / "workspace")
    with pytest.raises(UsageError, match=r"nowhere\.mp4 does not exist"):
        process(workspace, tmp_path / "nowhere.mp4")
    with pytest.raises(UsageError, match="'scene' is not a step"):
        process(workspace, tmp_path, steps=frozenset({"scene"}))
    assert not workspace.workspace.exists()


def test_a_run_that_is_cancelled_in_the_history_ends_its_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "KernelPool", KernelPool)
    workspace = settings_module.load(workspace=tmp_path / "workspace")
    clip = sample_media.clip(tmp_path / "clip.mp4")
    before = set(psutil.Process().children(recursive=True))

    def cancel_once_it_works(task) -> None:
        if task.status == "running":
            with History(workspace.database) as history:
                history.request_cancel(task.run_id)

    result = run(Request([clip], read_params(PARAMS)), workspace, RunOptions(on_task_change=cancel_once_it_works))
    assert (result.status, result.exit_code) == ("cancelled", 130)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not list(workspace.work.rglob(".tmp-*"))
    with History(workspace.database) as history:
        assert history.run(result.run).status == "cancelled"


def test_a_killed_run_is_resumed_and_gives_the_same_bytes(delivered, tmp_path):
    _, _, undisturbed = delivered
    clip = good_video(undisturbed).path
    killed = settings_module.load(workspace=tmp_path / "killed")
    started = Command(["run", str(clip), "--workspace", str(killed.workspace), "--jobs", "1", "--steps", "scenes"])
    wait_until(lambda: killed.work.exists() and list(killed.work.glob("*/.tmp-scenes-*")))
    children = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGKILL)
    started.wait()
    wait_until(lambda: not any(child.is_running() for child in children))

    (resumed,) = process(killed, clip, steps=frozenset({"scenes"})).videos
    assert resumed.steps["convert"].cached
    assert not resumed.steps["scenes"].cached
    assert not list(killed.work.rglob(".tmp-*"))
    for step in ("convert", "scenes"):
        files = Manifest.read(good_video(undisturbed).steps[step].folder).files
        assert Manifest.read(resumed.steps[step].folder).files == files, step
    with History(killed.database) as history:
        assert [record.status for record in history.runs()] == ["done", "interrupted"]


def test_two_runs_at_the_same_moment_do_every_step_once(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    workspace = settings_module.load(workspace=tmp_path / "workspace")
    command = ["run", str(clip), "--workspace", str(workspace.workspace), "--jobs", "1", "--steps", "convert", "--json"]
    files = [(tmp_path / f"{number}.out", tmp_path / f"{number}.err") for number in range(2)]
    both = [Command(command, out=out, err=err) for out, err in files]
    assert [started.wait() for started in both] == [0, 0], [err.read_text() for _, err in files]
    answers = [json.loads(out.read_text()) for out, _ in files]
    for step in ("convert", "report"):
        assert sorted(answer["videos"][0]["steps"][step]["cached"] for answer in answers) == [False, True], step
    assert len(list(workspace.work.glob("*/convert-*"))) == 1


@pytest.mark.slow
def test_a_program_that_used_jupyter_before_runs_two_videos_at_once(tmp_path):
    """Jupyter keeps the event loop of a thread in its context, which the lanes do not share."""
    code = f"""
from jupyter_core.utils import ensure_event_loop
from pathlib import Path
from vidlib import settings
from vidlib.params import read_params
from vidlib.runner import pipeline
from vidlib.runner.request import Request
from vidlib.steps import PARAMS

ensure_event_loop()
videos = [Path({str(tmp_path)!r}) / name for name in ("one.mp4", "two.mp4")]
request = Request(videos, read_params(PARAMS), frozenset({{"convert"}}))
options = pipeline.RunOptions(jobs=2)
print(pipeline.run(request, settings.load(workspace=Path({str(tmp_path)!r}) / "workspace"), options).status)
"""
    for number, name in enumerate(("one.mp4", "two.mp4")):
        sample_media.clip(tmp_path / name, fps="30", cuts=(15 + number,))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["done"], done.stderr
