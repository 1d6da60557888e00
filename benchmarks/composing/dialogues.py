"""Composed dialogues: many voices in rooms, noise and music that differ by domain, with exact turns."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from scipy.signal import fftconvolve

from vidlib.errors import UsageError
from vidlib.media.audio import SAMPLE_RATE, Waveform, read_waveform
from vidlib.results.exports import rttm
from vidlib.timeline import Turn, Turns

from .sound import decibels, impulse_response, rms, speech, write_wav

LEVEL_DB = -26.0
"""Level of a voice before distance and noise, in dB of full scale."""

TRUTH = "truth.rttm"

SPEAKERS, NOISE, MUSIC = "speakers", "noise", "music"
"""Folders of the material."""

UNTOUCHED = 4
"""Dialogues from this seed on are for reports: their voices and ambient sounds are in none of the others."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Domain:
    """How people talk and where: ranges from which a dialogue draws evenly.

    ``turn_s`` is the speech of a turn, ``pause_s`` the pause after it. ``overlap`` is the share of turns that begin
    before the one before ends, ``short`` the share of turns that are an answer of half a second. Speakers differ by up
    to ``level_db``. The levels of noise, of a crowd of voices and of music are relative to the speech. A dialogue lasts
    up to ``length_s``.
    """

    speakers: tuple[int, int]
    turn_s: Range
    pause_s: Range
    overlap: float
    short: float
    reverberation_s: Range
    distance_m: Range
    level_db: float
    noise_db: Range
    crowd_db: Range | None = None
    music_db: Range | None = None
    length_s: float = 40.0


DOMAINS: Mapping[str, Domain] = {
    "studio": Domain((2, 4), (2, 7), (0.1, 0.9), 0.05, 0.1, (0.12, 0.2), (0.2, 0.5), 2, (-50, -40)),
    "interview": Domain((2, 3), (1.5, 8), (0.1, 1.2), 0.1, 0.25, (0.25, 0.45), (0.5, 1.5), 5, (-28, -18)),
    "far": Domain((3, 4), (0.8, 6), (0.1, 1.5), 0.15, 0.3, (0.4, 0.7), (1.5, 4.5), 8, (-20, -12)),
    "street": Domain((1, 3), (1.5, 6), (0.2, 2.0), 0.05, 0.15, (0.1, 0.15), (0.4, 1.5), 5, (-10, -4), (-18, -10)),
    "music": Domain((1, 3), (2, 7), (0.3, 3.0), 0.0, 0.1, (0.12, 0.3), (0.2, 0.8), 3, (-45, -35), None, (-14, -6)),
    "crosstalk": Domain((3, 4), (0.6, 2.5), (0.0, 0.4), 0.4, 0.2, (0.2, 0.4), (0.5, 2), 4, (-35, -25)),
    "meeting": Domain((4, 6), (0.5, 5), (0.0, 1.2), 0.35, 0.35, (0.4, 0.7), (1.5, 4.5), 8, (-20, -12), length_s=30.0),
}
"""Close microphones in a studio; an interview with ambience; a room far from the microphone; a street; music under
voices; fast crosstalk; many people far from the microphone, who interrupt each other."""

SHORT_S: Range = (0.35, 0.8)
OVERLAP_S: Range = (0.3, 1.5)
CROWD = 8


class Sources(NamedTuple):
    """Files of each speaker, and of ambient sounds: noise and music."""

    voices: Sequence[Sequence[Path]]
    noise: Sequence[Path]
    music: Sequence[Path]


class Piece(NamedTuple):
    """A turn: the speaker's number, the first second in the dialogue, and the clean sound, (n,)."""

    speaker: int
    start_s: float
    sound: Waveform


def compose_dialogues(
    material: Path, seeds: Sequence[int], folder: Path, domains: Collection[str] = DOMAINS
) -> Iterator[Path]:
    """Write a dialogue of each domain for each seed, and the true turns of all in ``truth.rttm``; yields the sounds.

    ``material`` holds a folder for each speaker in ``speakers``, and recordings in ``noise`` and ``music`` if there are
    some. Raises UsageError if there are too few speakers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for seed in seeds:
        sources = sources_of(material, seed >= UNTOUCHED)
        for name in domains:
            stem = f"{name}-{seed}"
            sound, true = compose(DOMAINS[name], sources, Random(f"{name} {seed}"))
            lines.append(rttm.write(folder / TRUTH, true, stem).read_text())
            yield write_wav(folder / f"{stem}.wav", sound)
    (folder / TRUTH).write_text("".join(lines))


def sources_of(material: Path, untouched: bool) -> Sources:
    """Every second speaker and sound: one half for choices, the other for reports."""
    speakers = every_second(material / SPEAKERS, untouched)
    needed = CROWD + max(domain.speakers[1] for domain in DOMAINS.values())
    if len(speakers) < needed:
        raise UsageError(
            f"{material / SPEAKERS} has {len(speakers)} folders for a half of the speakers; expected {needed} or more"
        )
    voices = [sorted(speaker.iterdir()) for speaker in speakers]
    return Sources(voices, every_second(material / NOISE, untouched), every_second(material / MUSIC, untouched))


def every_second(folder: Path, odd: bool) -> list[Path]:
    """Every second entry of the folder by name; nothing if it is missing."""
    return sorted(folder.iterdir())[int(odd) :: 2] if folder.is_dir() else []


def compose(domain: Domain, sources: Sources, random: Random) -> tuple[Waveform, Turns]:
    """A dialogue: (n,) at 16 kHz, and its turns."""
    numbers = random.sample(range(len(sources.voices)), random.randint(*domain.speakers) + CROWD)
    chosen, crowd = numbers[:-CROWD], numbers[-CROWD:]
    pieces = list(converse(domain, [voice(sources.voices[n]) for n in chosen], random))
    turns = [
        Turn(round(start_s + from_s, 3), round(min(start_s + to_s, domain.length_s), 3), f"voice {chosen[speaker]}")
        for speaker, start_s, piece in pieces
        for from_s, to_s in speech(piece)
        if start_s + from_s < domain.length_s
    ]
    n_samples = round(min(domain.length_s, turns[-1].stop_s + 1) * SAMPLE_RATE)
    sound = np.zeros(n_samples, np.float32)
    for part in in_room(domain, pieces, n_samples, random):
        sound += part
    for ambient, level_db in ambience(domain, sources, crowd, n_samples, random):
        sound += ambient * np.float32(decibels(LEVEL_DB + level_db) / max(rms(ambient), 1e-9))
    return sound / max(1.0, float(np.abs(sound).max())), Turns(turns).support()


def ambience(
    domain: Domain, sources: Sources, crowd: Sequence[int], n_samples: int, random: Random
) -> Iterator[tuple[Waveform, float]]:
    """What is heard beside the speakers, (n_samples,), and its level in dB below theirs."""
    yield noise(sources.noise, n_samples, random), random.uniform(*domain.noise_db)
    if domain.crowd_db:
        people = np.sum([looped(voice(sources.voices[n]), n_samples) for n in crowd], axis=0)
        yield people, random.uniform(*domain.crowd_db)
    if domain.music_db:
        yield music(sources.music, n_samples, random), random.uniform(*domain.music_db)


def voice(files: Sequence[Path]) -> Waveform:
    """All of a speaker, at `LEVEL_DB`, without long pauses at the ends of files."""
    sounds = [read_waveform(file) for file in files[:4]]
    spoken = [
        sound[round(parts[0][0] * SAMPLE_RATE) : round(parts[-1][1] * SAMPLE_RATE)]
        for sound in sounds
        if (parts := speech(sound))
    ]
    whole = np.concatenate(spoken)
    return whole * np.float32(decibels(LEVEL_DB) / rms(whole))


def converse(domain: Domain, voices: Sequence[Waveform], random: Random) -> Iterator[Piece]:
    """The turns of people who never say the same twice, until the time is over or nobody has anything left to say."""
    left = [speech_stretches(sound) for sound in voices]
    at_s, last = random.uniform(0.2, 1.5), -1
    while at_s < domain.length_s - 1 and (
        able := [n for n, rest in enumerate(left) if rest and (n != last or len(left) == 1)]
    ):
        speaker = random.choice(able)
        wanted_s = random.uniform(*(SHORT_S if random.random() < domain.short else domain.turn_s))
        sound = take(left[speaker], wanted_s)
        yield Piece(speaker, at_s, sound)
        length_s = len(sound) / SAMPLE_RATE
        overlaps = random.random() < domain.overlap
        at_s += (
            length_s - min(random.uniform(*OVERLAP_S), length_s / 2)
            if overlaps
            else length_s + random.uniform(*domain.pause_s)
        )
        last = speaker


def speech_stretches(sound: Waveform) -> list[Waveform]:
    """The speech between pauses, each with the pause after it."""
    starts = [round(start_s * SAMPLE_RATE) for start_s, _ in speech(sound)]
    return [sound[start:stop] for start, stop in zip(starts, [*starts[1:], len(sound)], strict=True)]


def take(stretches: list[Waveform], wanted_s: float) -> Waveform:
    """Remove about ``wanted_s`` seconds from the front of the stretches: whole ones, or a part of a long one."""
    taken = [stretches.pop(0)]
    while stretches and sum(map(len, taken)) < wanted_s * SAMPLE_RATE:
        taken.append(stretches.pop(0))
    sound, wanted = np.concatenate(taken), round(wanted_s * SAMPLE_RATE)
    if len(sound) > 1.5 * wanted:
        cut = quietest(sound, wanted)
        stretches.insert(0, sound[cut:])
        sound = sound[:cut]
    spoken = speech(sound)
    return sound[: round(spoken[-1][1] * SAMPLE_RATE)] if spoken else sound


def quietest(sound: Waveform, around: int) -> int:
    """The sample near ``around``, within 0.3 s, where the sound is quietest: between two words."""
    first, stop = max(1, around - SAMPLE_RATE * 3 // 10), around + SAMPLE_RATE * 3 // 10
    power = np.convolve(np.square(sound[first:stop]), np.ones(SAMPLE_RATE // 50), "same")
    return first + int(power.argmin())


def in_room(domain: Domain, pieces: Sequence[Piece], n_samples: int, random: Random) -> Iterator[Waveform]:
    """What the microphone hears of each speaker, (n_samples,)."""
    room = np.array([random.uniform(4, 8), random.uniform(3, 6), random.uniform(2.5, 3.5)])
    reverberation_s = random.uniform(*domain.reverberation_s)
    microphone = room * [random.uniform(0.35, 0.65), random.uniform(0.35, 0.65), 0.4]
    for speaker in sorted({piece.speaker for piece in pieces}):
        dry = np.zeros(n_samples, np.float32)
        for _, start_s, sound in (piece for piece in pieces if piece.speaker == speaker):
            start = round(start_s * SAMPLE_RATE)
            dry[start : start + len(sound)] += sound[: n_samples - start]
        distance_m = random.uniform(*domain.distance_m)
        response = impulse_response(room, place(room, microphone, distance_m, random), microphone, reverberation_s)
        gain = decibels(random.uniform(-domain.level_db, 0)) / np.sqrt(np.square(response).sum())
        yield (fftconvolve(dry, response)[:n_samples] * gain).astype(np.float32)


def place(room: np.ndarray, microphone: np.ndarray, distance_m: float, random: Random) -> np.ndarray:
    """A point at this distance from the microphone, or as far as the walls allow."""
    angle = random.uniform(0, 2 * np.pi)
    point = microphone + distance_m * np.array([np.cos(angle), np.sin(angle), random.uniform(-0.2, 0.3)])
    return point.clip(0.2, room - 0.2)


def noise(files: Sequence[Path], n_samples: int, random: Random) -> Waveform:
    """Recorded noise if there is some, and noise that falls by 6 dB an octave and swells like traffic."""
    generator = np.random.default_rng(random.getrandbits(32))
    spectrum = np.fft.rfft(generator.standard_normal(n_samples)) / np.maximum(np.arange(n_samples // 2 + 1), 100)
    seconds = np.arange(n_samples) / SAMPLE_RATE
    swell = 1 + 0.6 * np.sin(2 * np.pi * seconds / random.uniform(3, 9) + random.uniform(0, 6))
    traffic = (np.fft.irfft(spectrum, n_samples) * swell).astype(np.float32)
    recorded = looped(read_waveform(random.choice(files)), n_samples) if files else traffic
    return traffic / rms(traffic) + recorded / max(rms(recorded), 1e-9)


def music(files: Sequence[Path], n_samples: int, random: Random) -> Waveform:
    """Recorded music from a random second on; else chords of a few partials."""
    if files:
        whole = read_waveform(random.choice(files))
        return looped(np.roll(whole, -random.randrange(len(whole))), n_samples)
    seconds = np.arange(n_samples) / SAMPLE_RATE
    roots = np.array([220.0, 174.6, 196.0, 261.6])[(seconds / 2).astype(int) % 4]
    phases = 2 * np.pi * np.cumsum(roots) / SAMPLE_RATE
    return sum(np.sin(factor * phases) / factor for factor in (1, 1.26, 1.5, 2, 3)).astype(np.float32)


def looped(sound: Waveform, n_samples: int) -> Waveform:
    """The sound again and again, (n_samples,)."""
    return np.resize(sound, n_samples)
