"""The videos of the history, as their newest runs left them; the same on each kind of database."""

from vidlib.runner.store.library import known_videos, problems, report_tasks, results_of, with_steps
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History

STEPS = ("scenes", "audio")


def write_run(history: History, sha256: str, variant: str | None = None, **steps: tuple[str, str | None]) -> str:
    """Write a run of one video with these steps, ``{step: (status, folder)}``; returns its id."""
    run = history.start_run([], {"scenes": {"threshold": 0.5}}, {"variant": variant} if variant else {})
    about = {"run_id": run.id, "project": "p", "label": f"{sha256[:2]}.mp4", "sha256": sha256, "source": sha256[:2]}
    history.add_tasks(
        [
            Task(
                step=step, status=status, folder=folder, error=f"{step} {status}" if status != "done" else None, **about
            )
            for step, (status, folder) in steps.items()
        ]
    )
    history.finish_run(run.id, "done")
    return run.id


def test_a_video_has_the_state_of_its_newest_run_without_a_variant(url):
    first, second = "aa" * 32, "bb" * 32
    with History(url) as history:
        write_run(history, first, scenes=("done", "/1"), report=("done", "/r1"))
        failed = write_run(history, first, scenes=("cancelled", None), audio=("failed", None), report=("done", "/r2"))
        write_run(history, first, variant="fast", scenes=("refused", None), report=("done", "/r3"))
        done = write_run(history, second, scenes=("done", "/2"), report=("done", "/r4"))
        assert [(video.name, video.run, video.state, video.folder) for video in known_videos(history)] == [
            ("aa.mp4", failed, "failed", "/r2"),
            ("bb.mp4", done, "done", "/r4"),
        ]
        assert problems(history, {failed}) == {(failed, "aa"): "audio failed"}
        assert [report.run_id for report in report_tasks(history, {done})] == [done]
        assert len(report_tasks(history)) == 4


def test_different_results_are_listed_once_newest_first(url):
    content = "aa" * 32
    with History(url) as history:
        write_run(history, content, scenes=("done", "/s1"), audio=("done", "/a1"))
        again = write_run(history, content, scenes=("done", "/s1"), audio=("done", "/a1"))
        fast = write_run(history, content, variant="fast", scenes=("done", "/s2"), audio=("done", "/a1"))
        write_run(history, content, scenes=("done", "/s3"), audio=("failed", None))
        found = results_of(history, content, STEPS)
        assert [(result.run, result.variant, result.folders["scenes"]) for result in found] == [
            (fast, "fast", "/s2"),
            (again, None, "/s1"),
        ]
        assert found[0].params == {"scenes": {"threshold": 0.5}}
        assert with_steps(history, [content, "bb" * 32], STEPS) == {content}
