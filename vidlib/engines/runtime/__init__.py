"""What engines run on: OpenVINO, OpenCV, MediaPipe tasks, a pool of workers, and a cache of opened models."""
