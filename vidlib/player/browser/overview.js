// The whole video in a strip: items to check, and the part that the lanes show.

const HEIGHT_PX = 10;

export class Overview {
  constructor(player) {
    this.player = player;
    this.canvas = player.page.overview;
    this.canvas.addEventListener("pointerdown", (event) => this.jump(event));
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.jump(event));
  }

  resize(ratio) {
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(HEIGHT_PX * ratio);
  }

  draw() {
    const { material, view, colors, state } = this.player;
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    const x = (frame) => (frame / material.info.frames) * width;
    context.clearRect(0, 0, width, height);
    context.fillStyle = colors.shot;
    context.fillRect(0, 0, width, height);
    context.fillStyle = colors.quiet;
    context.globalAlpha = 0.3;
    context.fillRect(x(view.from), 0, Math.max(3, x(view.to) - x(view.from)), height);
    context.globalAlpha = 1;
    context.fillStyle = colors.warning;
    for (const { frame } of material.items) if (frame >= 0) context.fillRect(x(frame) - 1, height * 0.25, 2, height / 2);
    context.fillStyle = colors.accent;
    context.fillRect(x(state.frame) - 1, 0, 2, height);
  }

  /** Moves the lanes to the part under the pointer. */
  jump(event) {
    const { view, material } = this.player;
    const { left, width } = this.canvas.getBoundingClientRect();
    const span = view.to - view.from;
    view.set(((event.clientX - left) / width) * material.info.frames - span / 2, span);
    this.player.invalidate();
  }
}
