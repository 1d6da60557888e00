// The pointer on the lanes: going to a frame, selecting, moving and zooming, also with two fingers.

import { above } from "./columns.js";

const CLICK_PX = 4; // a pointer that moves further drags
const ITEM_PX = 6; // as far beside an item to check a click still means it
const BOUNDARY_PX = 5;

export class Pointer {
  constructor(player, canvas) {
    Object.assign(this, { player, canvas, fingers: new Map() });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => this.release(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  point(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  press(event) {
    if (event.button) return;
    const { player } = this;
    this.canvas.setPointerCapture(event.pointerId);
    const { x, y } = this.point(event);
    this.fingers.set(event.pointerId, x);
    const scrub = player.lanes.rowAt(y)?.kind === "ruler";
    this.held = { x, from: player.view.from, moved: this.fingers.size > 1, scrub };
    if (scrub) player.go(player.view.frame(x));
  }

  drag(event) {
    if (!this.fingers.has(event.pointerId)) return;
    const { player, held } = this;
    const { view } = player;
    const { x } = this.point(event);
    if (this.fingers.size === 2) this.pinch(event.pointerId, x);
    this.fingers.set(event.pointerId, x);
    if (held.scrub) return player.go(view.frame(x));
    if (Math.abs(x - held.x) > CLICK_PX) held.moved = true;
    if (held.moved && this.fingers.size === 1) {
      view.set(held.from - (x - held.x) / view.scale, view.to - view.from);
      player.invalidate();
    }
  }

  pinch(id, x) {
    const { view } = this.player;
    const [other] = [...this.fingers].filter(([key]) => key !== id).map(([, at]) => at);
    const [before, after] = [Math.abs(this.fingers.get(id) - other), Math.abs(x - other)];
    if (before > 8 && after > 8) view.zoom(before / after, (x + other) / 2);
    this.held.from = view.from;
    this.player.invalidate();
  }

  release(event) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size) return;
    const { x, y } = this.point(event);
    if (event.type === "pointerup" && !this.held.moved && !this.held.scrub) this.click(x, this.player.lanes.rowAt(y));
  }

  /** Goes to the frame under the pointer, and selects what is there. */
  click(x, row) {
    const { player } = this;
    const { material, view } = player;
    const frame = view.frame(x);
    player.focus();
    if (row?.kind === "review") {
      const near = material.items.findIndex((item) => Math.abs(view.x(Math.max(0, item.frame) + 0.5) - x) <= ITEM_PX);
      if (near >= 0) return player.selectItem(near);
    }
    const boundary = row?.kind === "shots" && this.boundaryAt(x);
    if (boundary) return player.select({ boundary }, material.shots.start[boundary]);
    const spans = { turns: material.turnsOf.get(row?.speaker), faces: material.facesOf.get(row?.person) }[row?.kind];
    const name = { turns: "turn", faces: "face" }[row?.kind];
    return player.select(name ? { [name]: spans.at(frame)[0] ?? null } : {}, frame);
  }

  /** The shot that begins near `x`; 0 for none, as the first shot begins with the video. */
  boundaryAt(x) {
    const { material, view } = this.player;
    const { start, n } = material.shots;
    const first = above(start, view.from + (x - BOUNDARY_PX) / view.scale);
    return first < n && Math.abs(view.x(start[first]) - x) <= BOUNDARY_PX ? first : 0;
  }

  wheel(event) {
    const { view } = this.player;
    const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp(event.deltaY * 0.003), this.point(event).x);
    else if (Math.abs(along) > Math.abs(event.shiftKey ? 0 : event.deltaY)) view.pan(along / view.scale);
    else return;
    event.preventDefault();
    this.player.invalidate();
  }
}
