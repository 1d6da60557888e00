// The video element, frame by frame.

import { FPS } from "./time.js";

const SHUTTLE = [1, 2, 4, 8];

/** The video element, frame by frame. `onFrame(frame)` is called for each picture that is really shown. */
export class Picture {
  constructor(video, frames, onFrame) {
    Object.assign(this, { video, frames, onFrame, frame: 0, wanted: null, rate: 0 });
    video.addEventListener("seeked", () => this.arrived());
    video.addEventListener("ended", () => this.pause());
    const next = (_, { mediaTime }) => {
      this.show(mediaTime);
      video.requestVideoFrameCallback(next);
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
    else video.addEventListener("timeupdate", () => this.show(video.currentTime));
  }

  show(time) {
    const frame = Math.min(this.frames - 1, Math.floor(time * FPS + 0.01));
    this.frame = frame;
    this.onFrame(frame);
  }

  /** Shows a frame. While a jump is under way only the latest wish is kept, so that held keys do not pile up. */
  seek(frame) {
    const wanted = Math.max(0, Math.min(this.frames - 1, Math.round(frame)));
    this.wanted = wanted;
    if (!this.video.seeking) this.go();
    return wanted;
  }

  go() {
    this.going = this.wanted;
    this.video.currentTime = (this.wanted + 0.5) / FPS; // the middle of a frame is never another one
  }

  arrived() {
    if (this.wanted !== null && this.wanted !== this.going) return this.go();
    this.wanted = null;
    this.show(this.video.currentTime);
  }

  /** The frame that is shown, or the one under way. */
  get target() {
    return this.wanted ?? this.frame;
  }

  step(frames) {
    this.pause();
    return this.seek(this.target + frames);
  }

  /** Plays at `rate`; a browser cannot play backwards, so a negative one jumps from frame to frame. */
  play(rate) {
    this.rate = rate;
    if (rate > 0) {
      this.video.playbackRate = rate;
      this.video.play().catch(() => this.pause());
    } else {
      this.video.pause();
      this.playBack(performance.now(), this.target);
    }
    this.onFrame(this.frame);
  }

  playBack(since, first) {
    const rate = this.rate;
    const step = (now) => {
      if (this.rate !== rate) return;
      const frame = first + ((now - since) / 1000) * FPS * rate;
      if (frame <= 0) this.pause();
      this.seek(frame);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  pause() {
    this.rate = 0;
    this.video.pause();
    this.onFrame(this.frame);
  }

  /** The next speed of the shuttle in the direction of `sign`. */
  shuttle(sign) {
    const speed = this.rate * sign > 0 ? SHUTTLE[Math.min(SHUTTLE.indexOf(Math.abs(this.rate)) + 1, 3)] : 1;
    this.play(sign * speed);
  }
}
