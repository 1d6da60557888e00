import inspect
import pickle

import pytest

from vidlib import errors
from vidlib.errors import CommandFailed, StepFailed, UnknownName, VidlibError

ARGUMENTS = {
    UnknownName: ("a known engine", "transnt", ["transnet", "detect"]),
    CommandFailed: (["ffmpeg", "-i", "file:x y"], -9, "first\nlast words\n"),
    StepFailed: ("scenes", "it broke", "/work/scenes.ipynb", "MediaError"),
}
"""What those take that want more than a message."""

EVERY_ERROR = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, VidlibError)]


def example(kind: type[VidlibError]) -> VidlibError:
    return kind(*ARGUMENTS.get(kind, ("what failed, with the value",)))


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_comes_whole_from_a_worker(kind):
    error = example(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.exit_code == error.exit_code


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_the_tree_at_the_top_names_every_error(kind):
    assert kind.__name__ in errors.__doc__


def test_exit_codes_tell_a_wrong_request_from_a_refused_file_and_a_failure():
    codes = {kind.__name__: example(kind).exit_code for kind in EVERY_ERROR}
    assert codes["ParamError"] == codes["UnknownName"] == codes["SettingError"] == 2
    assert codes["MediaError"] == codes["ArchiveError"] == 3
    assert codes["CommandFailed"] == codes["StepFailed"] == codes["WeightError"] == 1
    assert codes["Cancelled"] == 130


def test_an_unknown_name_lists_the_known_and_the_nearest():
    message = str(example(UnknownName))
    assert message == "'transnt' is not a known engine; did you mean 'transnet'? known: detect, transnet"


def test_a_failed_command_ends_with_its_last_words():
    assert str(example(CommandFailed)) == "ffmpeg ended with code -9: first | last words"
    assert str(CommandFailed(["ffmpeg"], 1, "")) == "ffmpeg ended with code 1: no message"
    jargon = CommandFailed(["/usr/bin/ffprobe"], 1, "[mov,mp4 @ 0x55d0] moov atom not found")
    assert str(jargon) == "ffprobe ended with code 1: moov atom not found"


def test_a_failed_ffmpeg_ends_with_the_cause_and_not_with_the_end_of_its_threads():
    lines = [
        "[image2] Could not open file : stills.jpg",
        "[vost#0:0/mjpeg] Error submitting a packet to the muxer: Is a directory",
        "    Last message repeated 1 times",
        "[out#0/image2] Error muxing a packet",
        "[out#0/image2] Task finished with error code: -21 (Is a directory)",
        "[out#0/image2] Terminating thread with return code -21 (Is a directory)",
    ]
    assert str(CommandFailed(["ffmpeg"], 235, "\n".join(lines))) == (
        "ffmpeg ended with code 235: Could not open file : stills.jpg | "
        "Error submitting a packet to the muxer: Is a directory | Error muxing a packet"
    )


def test_a_failed_step_names_its_notebook():
    assert str(example(StepFailed)) == "step 'scenes' failed: it broke; see /work/scenes.ipynb"
