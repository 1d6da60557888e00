// The part of the time axis on the screen. Positions in frames are `frame`, those on the screen `x`, in CSS pixels.

const MAX_FRAME_PX = 40;

/** The part of the time axis on the screen: frames from `from` to `to` on `width` pixels. */
export class View {
  constructor(frames) {
    Object.assign(this, { frames, from: 0, to: frames, width: 1 });
  }

  get scale() {
    return this.width / (this.to - this.from);
  }

  x(frame) {
    return (frame - this.from) * this.scale;
  }

  frame(x) {
    return Math.max(0, Math.min(this.frames - 1, Math.floor(this.from + x / this.scale)));
  }

  /** Shows `span` frames from `from` on, within the video and not more than one frame on `MAX_FRAME_PX` pixels. */
  set(from, span) {
    const size = Math.min(this.frames, Math.max(span, this.width / MAX_FRAME_PX));
    this.from = Math.max(0, Math.min(this.frames - size, from));
    this.to = this.from + size;
  }

  /** `factor` below 1 shows less; the frame at `x` stays where it is. */
  zoom(factor, x) {
    const fixed = this.from + x / this.scale;
    const span = Math.min(this.frames, Math.max((this.to - this.from) * factor, this.width / MAX_FRAME_PX));
    this.set(fixed - (x / this.width) * span, span);
  }

  pan(frames) {
    this.set(this.from + frames, this.to - this.from);
  }

  /** Brings `frame` into the view, `share` of the width from the left if it was outside. */
  reveal(frame, share = 0.5) {
    if (frame < this.from || frame >= this.to) this.set(frame - share * (this.to - this.from), this.to - this.from);
  }
}
