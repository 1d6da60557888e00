"""Which engine of *audio* runs, and on which device. Where one fails, the results name the reason."""

import pytest
from pydantic import ValidationError

from tests.steps.audio.listening import listen
from vidlib.errors import Cancelled, EngineUnavailable, GpuFailed, OutOfMemory, WeightError
from vidlib.machine import devices
from vidlib.steps import audio


def test_a_gpu_that_fails_is_the_reason_of_the_fallback(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: None)
    fake.broken_gpu = True
    outputs = listen(clip, tmp_path, device="auto")
    assert (outputs.device, outputs.fallback) == ("cpu", "CUDA out of memory")
    with pytest.raises(GpuFailed):
        listen(clip, tmp_path / "cuda", device="cuda")


def test_a_missing_gpu_is_refused(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: "there is no GPU")
    with pytest.raises(EngineUnavailable, match="there is no GPU"):
        listen(clip, tmp_path, device="cuda")


def test_the_first_engine_that_works_runs_with_the_reason_of_the_fallback(fake, clip, tmp_path):
    fake.broken["lemonfox"] = EngineUnavailable("lemonfox answered 503; attempts: 5. Try again later")
    fake.broken["light"] = WeightError("the weights 'voice_activity' are not on this machine")
    outputs = listen(clip, tmp_path, engines="lemonfox,light,pyannote")
    assert fake.opened == ["lemonfox", "light", "pyannote"]
    assert outputs.engine == "pyannote"
    assert outputs.fallback == (
        "not lemonfox: lemonfox answered 503; attempts: 5. Try again later; "
        "not light: the weights 'voice_activity' are not on this machine"
    )


def test_where_no_engine_works_each_says_why(fake, clip, tmp_path):
    fake.broken = {name: EngineUnavailable(f"no {name} today") for name in ("pyannote", "light")}
    with pytest.raises(EngineUnavailable, match="not pyannote: no pyannote today; not light: no light today"):
        listen(clip, tmp_path)
    with pytest.raises(EngineUnavailable, match=r"^no light today$"):
        listen(clip, tmp_path / "light", engines="light")


def test_an_engine_that_fails_gives_way_and_an_item_to_check_says_why(fake, clip, tmp_path, caplog):
    fake.broken["pyannote"] = IndexError("index 5 is out of bounds\nfor axis 0")
    outputs = listen(clip, tmp_path)
    reason = "IndexError: index 5 is out of bounds for axis 0"
    assert (outputs.engine, outputs.fallback) == ("light", f"not pyannote: {reason}")
    assert f"light found the speakers, because pyannote did not work: {reason}" in {
        item.message for item in outputs.doubts
    }
    assert "Traceback" in caplog.text


def test_the_error_of_a_single_engine_stays_what_it_is(fake, clip, tmp_path):
    fake.broken["pyannote"] = IndexError("index 5 is out of bounds")
    with pytest.raises(IndexError, match=r"^index 5 is out of bounds$"):
        listen(clip, tmp_path, engines="pyannote")


@pytest.mark.parametrize("error", [Cancelled(), OutOfMemory("8 GB are not enough"), MemoryError()])
def test_no_other_engine_is_tried_where_the_step_has_to_stop(fake, clip, tmp_path, error):
    fake.broken["pyannote"] = error
    with pytest.raises(type(error)):
        listen(clip, tmp_path)
    assert fake.opened == ["pyannote"]


def test_with_device_cuda_no_engine_without_a_gpu_runs(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: None)
    fake.broken["pyannote"] = EngineUnavailable("pyannote is broken")
    with pytest.raises(EngineUnavailable, match="pyannote is broken"):
        listen(clip, tmp_path, device="cuda")
    with pytest.raises(EngineUnavailable, match="engine 'light' does not use a GPU"):
        listen(clip, tmp_path, device="cuda", engines="light")
    assert fake.opened == ["pyannote"]


def test_unknown_engines_are_refused_with_the_known_ones():
    assert audio.Params(engines=["light", "pyannote"]).engines == audio.Params(engines="light, pyannote").engines
    with pytest.raises(ValidationError, match=r"did you mean 'light'. known: lemonfox, light, pyannote"):
        audio.Params(engines="pyannote,lihgt")
    with pytest.raises(ValidationError, match="twice"):
        audio.Params(engines="light,light")
    with pytest.raises(ValidationError, match="'' is not a known speech engine"):
        audio.Params(engines="light,")


def test_only_the_weights_that_can_be_loaded_count():
    of = {engines: audio.weights(audio.Params(engines=engines)) for engines in ("pyannote,light", "light", "lemonfox")}
    assert of == {
        "pyannote,light": ("speech_segmentation", "speaker_embedding", "voice_activity"),
        "light": ("voice_activity", "speaker_embedding"),
        "lemonfox": (),
    }
    assert audio.weights(audio.Params(engines="pyannote", pyannote_model="community-1")) == ()


def test_community_1_is_used_where_the_operator_has_it_and_changes_the_fingerprint(models_dir):
    params = audio.Params(engines="pyannote")
    assert params.options.model == ""
    assert "speech_segmentation" in audio.weights(params)
    (models_dir / "community-1").mkdir()
    assert (params.options.model, audio.weights(params)) == ("community-1", ())
    assert audio.Params(pyannote_model="vault").options.model == ""
    assert audio.Params(pyannote_model="own").options.model == "own"


@pytest.mark.parametrize("name", ["../elsewhere", "/models", ".", ".."])
def test_a_pipeline_is_a_name_and_no_path(name):
    with pytest.raises(ValidationError, match="pattern"):
        audio.Params(pyannote_model=name)
