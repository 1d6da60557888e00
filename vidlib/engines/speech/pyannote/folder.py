"""Pipelines of pyannote.audio in folders of VIDLIB_MODELS_DIR, such as community-1, without hub and token.

A folder is a copy of the pipeline's repository on the hub: ``config.yaml`` and the models that it names below
``$model/``. A config may also name a model of the hub (speaker-diarization-3.1 does). Such a model is another folder
in VIDLIB_MODELS_DIR, called like the last part of its name.

Checkpoints are pickles, which can run code when they are loaded. So only folders of the operator are read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vidlib import vault
from vidlib.errors import WeightError
from vidlib.settings import settings

CHECKPOINT = "pytorch_model.bin"
CONFIG = "config.yaml"
OWN_MODEL = "$model/"

SEGMENTATION = "segmentation-3.0"
"""The model of the hub that is also in the vault."""


@dataclass(frozen=True)
class PipelineConfig:
    """The ``config.yaml`` of a pipeline: arguments of `SpeakerDiarization` and values of its hyper-parameters."""

    arguments: dict[str, Any]
    parameters: dict[str, Any]


def read_config(name: str) -> PipelineConfig:
    """Read the config of the pipeline in the folder ``name`` of VIDLIB_MODELS_DIR; every model in it becomes a file.

    Raises WeightError with the path where a file is missing or the config is not one of `SpeakerDiarization`.
    """
    models = settings().models_dir
    if models is None:
        raise WeightError(f"pyannote_model {name!r} needs VIDLIB_MODELS_DIR; set it to the folder of your models")
    folder = models / name
    config = _read_yaml(folder / CONFIG)
    params = config["pipeline"]["params"]
    arguments = {key: params[key] for key in ("clustering", "embedding_exclude_overlap") if key in params}
    for model in ("segmentation", "embedding"):
        arguments[model] = {"checkpoint": str(_checkpoint(folder, str(params.get(model))))}
    if "plda" in params:
        arguments["plda"] = str(_existing(_resolve(folder, str(params["plda"])), "plda.npz").parent)
    return PipelineConfig(arguments, config.get("params", {}))


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        if config["pipeline"]["name"].endswith("SpeakerDiarization") and config["pipeline"]["params"]:
            return config
    except FileNotFoundError as error:
        raise WeightError(f"{file} is missing; copy a pipeline of pyannote.audio into this folder") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise WeightError(f"{file} is not the config of a pyannote.audio pipeline: {error!r}") from error
    raise WeightError(f"{file}: expected the pipeline SpeakerDiarization with its params")


def _checkpoint(folder: Path, model: str) -> Path:
    path = _resolve(folder, model)
    if path.name == SEGMENTATION and not path.exists():
        return vault.path("speech_segmentation")
    return path if path.is_file() else _existing(path, CHECKPOINT)


def _resolve(folder: Path, model: str) -> Path:
    """The path of a ``model`` that the ``config.yaml`` in ``folder`` names."""
    if model.startswith(OWN_MODEL):
        path = folder / model.removeprefix(OWN_MODEL)
    else:
        path = folder.parent / model.rsplit("/", 1)[-1]
    if not path.resolve().is_relative_to(folder.parent.resolve()):
        raise WeightError(f"{folder / CONFIG} names {model!r}, which is outside {folder.parent}")
    return path


def _existing(folder: Path, file: str) -> Path:
    if not (folder / file).is_file():
        raise WeightError(f"{folder / file} is missing; copy it there from the model's page on huggingface.co")
    return folder / file
