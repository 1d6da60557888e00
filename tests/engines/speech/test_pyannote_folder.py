"""Pipelines of pyannote.audio in a folder of the operator: written here as on the hub, with untrained weights."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from vidlib import vault
from vidlib.engines import speech
from vidlib.engines.speech.pyannote.folder import read_config
from vidlib.errors import WeightError
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.settings import settings

SAMPLE = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"

COMMUNITY = {
    "dependencies": {"pyannote.audio": "4.0.0"},
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "VBxClustering",
            "segmentation": "$model/segmentation",
            "embedding": "$model/embedding",
            "embedding_exclude_overlap": True,
            "plda": "$model/plda",
        },
    },
    "params": {"clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8}, "segmentation": {"min_duration_off": 0.0}},
}
OLDER = {
    "version": "3.1.0",
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "AgglomerativeClustering",
            "segmentation": "pyannote/segmentation-3.0",
            "embedding": "pyannote/wespeaker-voxceleb-resnet34-LM",
            "embedding_exclude_overlap": True,
        },
    },
    "params": {
        "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799},
        "segmentation": {"min_duration_off": 0.0},
    },
}


def write(folder: Path, config: object, *files: str) -> None:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def test_a_folder_holds_all_models_of_its_config(models_dir):
    parts = ("segmentation/pytorch_model.bin", "embedding/pytorch_model.bin", "plda/plda.npz")
    write(models_dir / "community-1", COMMUNITY, *parts)
    config = read_config("community-1")
    assert config.arguments == {
        "clustering": "VBxClustering",
        "embedding_exclude_overlap": True,
        "segmentation": {"checkpoint": str(models_dir / "community-1" / parts[0])},
        "embedding": {"checkpoint": str(models_dir / "community-1" / parts[1])},
        "plda": str(models_dir / "community-1/plda"),
    }
    assert config.parameters == COMMUNITY["params"]


def test_a_model_of_the_hub_is_a_folder_beside_or_in_the_vault(models_dir):
    write(models_dir / "speaker-diarization-3.1", OLDER)
    with pytest.raises(WeightError, match=r"wespeaker-voxceleb-resnet34-LM/pytorch_model.bin is missing; copy it"):
        read_config("speaker-diarization-3.1")
    write(models_dir / "wespeaker-voxceleb-resnet34-LM", {}, "pytorch_model.bin")
    arguments = read_config("speaker-diarization-3.1").arguments
    assert arguments["segmentation"] == {"checkpoint": str(vault.path("speech_segmentation"))}
    assert arguments["embedding"] == {
        "checkpoint": str(models_dir / "wespeaker-voxceleb-resnet34-LM/pytorch_model.bin")
    }


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("", "is not the config of a pyannote"),
        (
            {"pipeline": {"name": "OverlappedSpeechDetection", "params": {"a": 1}}},
            "expected the pipeline SpeakerDiarization",
        ),
        ({"pipeline": {"name": "SpeakerDiarization", "params": {"segmentation": "$model/../../x"}}}, "outside"),
    ],
)
def test_a_config_of_another_kind_is_refused(models_dir, config, says):
    write(models_dir / "odd", config)
    with pytest.raises(WeightError, match=says):
        read_config("odd")


def test_a_missing_folder_is_named(models_dir, monkeypatch):
    with pytest.raises(WeightError, match=r"community-1/config.yaml is missing"):
        read_config("community-1")
    monkeypatch.delenv("VIDLIB_MODELS_DIR")
    settings.cache_clear()
    with pytest.raises(WeightError, match="needs VIDLIB_MODELS_DIR; set it"):
        read_config("community-1")


@pytest.mark.slow
def test_a_pipeline_in_a_folder_is_used(models_dir):
    """With untrained speaker embeddings, so that only the time of speech means anything."""
    import torch

    from vidlib.engines.speech.pyannote import imports  # noqa: F401 (it makes the next import work)

    embedding_models = import_module("pyannote.audio.models.embedding")
    torch.manual_seed(0)
    network = embedding_models.WeSpeakerResNet34()
    metadata = {"versions": {"torch": "2.0.0", "pyannote.audio": "3.0.0"}}
    metadata["architecture"] = {"module": "pyannote.audio.models.embedding", "class": "WeSpeakerResNet34"}
    task = import_module("pyannote.audio.core.task")
    chunks = {"problem": task.Problem.REPRESENTATION, "resolution": task.Resolution.CHUNK, "duration": 5.0}
    metadata["specifications"] = task.Specifications(**chunks)
    checkpoint = {"state_dict": network.state_dict(), "hyper_parameters": {}, "pytorch-lightning_version": "2.0.0"}
    write(models_dir / "speaker-diarization-3.1", OLDER)
    write(models_dir / "wespeaker-voxceleb-resnet34-LM", {})
    torch.save(
        checkpoint | {"pyannote.audio": metadata}, models_dir / "wespeaker-voxceleb-resnet34-LM/pytorch_model.bin"
    )
    sound = read_waveform(SAMPLE)[6 * SAMPLE_RATE : 12 * SAMPLE_RATE]
    with speech.open_diarizer("pyannote", "cpu", speech.Options(model="speaker-diarization-3.1")) as engine:
        diarization = engine.diarize(sound)
    assert diarization.turns
    assert sum(segment.duration_s for segment in diarization.speech) > 3
