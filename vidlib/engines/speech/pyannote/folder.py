"""Pipelines of pyannote.audio that an operator keeps in VIDLIB_MODELS_DIR, such as community-1: no hub, no token.

A folder there holds what its home on the hub holds: ``config.yaml``, and the models that it names below ``$model/``.
What it names by a name of the hub (speaker-diarization-3.1 does) is another folder in VIDLIB_MODELS_DIR, called as the
last part of that name.

The checkpoints are pickles, which can run code as they are loaded: only folders that the operator put there are read.
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
HERE = "$model/"

SEGMENTATION = "segmentation-3.0"
"""The one model of the hub whose bytes the vault has."""


@dataclass(frozen=True)
class Recipe:
    """A pipeline as its ``config.yaml`` says: arguments of `SpeakerDiarization`, and the values of its parameters."""

    arguments: dict[str, Any]
    parameters: dict[str, Any]


def recipe(name: str) -> Recipe:
    """How to make the pipeline ``name``, a folder in VIDLIB_MODELS_DIR, from files alone.

    Raises WeightError, naming the file, where one is missing or says something else.
    """
    models = settings().models_dir
    if models is None:
        raise WeightError(f"pyannote_model {name!r} is looked for in VIDLIB_MODELS_DIR, which is not set")
    folder = models / name
    config = _config(folder / CONFIG)
    given = config["pipeline"]["params"]
    arguments = {key: given[key] for key in ("clustering", "embedding_exclude_overlap") if key in given}
    for part in ("segmentation", "embedding"):
        arguments[part] = {"checkpoint": str(_checkpoint(folder, str(given.get(part))))}
    if "plda" in given:
        arguments["plda"] = str(_existing(_place(folder, str(given["plda"])), "plda.npz").parent)
    return Recipe(arguments, config.get("params", {}))


def _config(file: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        if config["pipeline"]["name"].endswith("SpeakerDiarization") and config["pipeline"]["params"]:
            return config
    except FileNotFoundError as error:
        raise WeightError(f"{file} is missing; expected a folder with a pipeline of pyannote.audio") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise WeightError(f"{file} describes no pipeline of pyannote.audio: {error!r}") from error
    raise WeightError(f"{file} describes another pipeline than SpeakerDiarization")


def _checkpoint(folder: Path, named: str) -> Path:
    place = _place(folder, named)
    if place.name == SEGMENTATION and not place.exists():
        return vault.path("speech_segmentation")
    return place if place.is_file() else _existing(place, CHECKPOINT)


def _place(folder: Path, named: str) -> Path:
    """Where a model lies that a ``config.yaml`` in ``folder`` names."""
    place = folder / named.removeprefix(HERE) if named.startswith(HERE) else folder.parent / named.rsplit("/", 1)[-1]
    if not place.resolve().is_relative_to(folder.parent.resolve()):
        raise WeightError(f"{folder / CONFIG} names {named!r}, which is outside {folder.parent}")
    return place


def _existing(place: Path, file: str) -> Path:
    if not (place / file).is_file():
        raise WeightError(f"{place / file} is missing; copy it there from the model's home on huggingface.co")
    return place / file
