"""Which audio tracks of a video are analysed, and what a person should check about the choice."""

from pathlib import Path

from vidlib.errors import EngineUnavailable, ParamError, WeightError
from vidlib.media.audio import chunks, stored_waveform
from vidlib.media.probe import AudioInfo, probe_video
from vidlib.results.review import ReviewItem

TrackChoice = tuple[tuple[int, ...], list[ReviewItem]]
"""Numbers of audio tracks, from 1, and what a person should check about them."""


def choose_tracks(video: Path, folder: Path, n_samples: int, wanted: str) -> TrackChoice:
    """The audio tracks of ``video`` to analyse, as the parameter ``audio.tracks`` wants them; none without sound.

    Only ``auto`` with several tracks decodes them, into ``folder``. Raises ParamError for a track that does not exist.
    """
    infos = probe_video(video).audio
    if not infos:
        return (), []
    if wanted.isdigit():
        if int(wanted) > len(infos):
            raise ParamError(f"audio.tracks = {wanted}: expected 1 to {len(infos)}, a track of the video")
        return (int(wanted),), []
    if wanted == "mix":
        return tuple(range(1, len(infos) + 1)), []
    if wanted == "first" or len(infos) == 1:
        return (1,), []
    return _choose_by_speech(video, folder, n_samples, infos)


def _choose_by_speech(video: Path, folder: Path, n_samples: int, infos: tuple[AudioInfo, ...]) -> TrackChoice:
    from vidlib.engines.speech import tracks as audio_tracks

    masks, audible, problem = [], [], None
    try:
        detector = audio_tracks.VoiceActivityDetector()
    except (EngineUnavailable, WeightError, ImportError) as error:
        detector, problem = None, str(error)
    for track in range(1, len(infos) + 1):
        with stored_waveform(video, folder, n_samples, [track]) as sound:
            if any(chunk.any() for chunk in chunks(sound)):
                audible.append(track)
            if detector:
                masks.append(audio_tracks.speech_mask(sound, detector))
    chosen = audio_tracks.choose(masks, [info.language for info in infos])
    if chosen:
        return chosen, _review_tracks(chosen, len(infos))
    chosen = tuple(audible[:1]) or (1,)
    reason = f"speech could not be measured: {problem}" if problem else "no speech was found in any"
    unsure = ReviewItem(message=f"audio track {chosen[0]} of {len(infos)} was analysed, the first with sound; {reason}")
    return chosen, [unsure] if problem or chosen != (1,) else []


def _review_tracks(chosen: tuple[int, ...], n_tracks: int) -> list[ReviewItem]:
    if chosen == (1,):
        return []
    if len(chosen) == 1:
        message = f"audio track {chosen[0]} of {n_tracks} was analysed, because track 1 does not hold all speech"
    else:
        message = f"audio tracks {_listed(chosen)} of {n_tracks} were mixed, because none of them holds all speech"
    return [ReviewItem(message=message)]


def _listed(tracks: tuple[int, ...]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, tracks[:-1])), str(tracks[-1])]))
