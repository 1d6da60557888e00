// Faces, objects and the vertical window, drawn over the picture.

import { DARK } from "./theme.js";
import { _ } from "./words.js";

export class Overlay {
  constructor(player) {
    this.player = player;
    this.box = player.page.picture;
    this.canvas = player.page.overlay;
    this.box.addEventListener("click", (event) => this.click(event));
  }

  /** Pixels of the screen for each pixel of the video. */
  get scale() {
    return this.box.clientWidth / this.player.material.info.width;
  }

  resize(ratio) {
    this.canvas.width = Math.round(this.box.clientWidth * ratio);
    this.canvas.height = Math.round(this.box.clientHeight * ratio);
  }

  draw() {
    const { material, state, colors } = this.player;
    const { scale } = this;
    const ratio = window.devicePixelRatio || 1;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.box.clientWidth, this.box.clientHeight);
    context.font = colors.bold;
    context.textBaseline = "middle";
    for (const face of material.faceSpans.at(state.frame)) {
      const corners = material.corners(face, state.frame);
      if (!corners || !(material.isFace(face) || state.objects)) continue;
      const sides = corners.map((side) => side * scale);
      const color = this.drawBox(context, face, sides);
      this.drawName(context, face, sides, color);
    }
    const area = state.window && material.windowAt(state.frame);
    if (area) this.darkenOutside(context, area.map((side) => side * scale));
  }

  /** The box of a face or object, in a colour that it returns; a thick one speaks, a dashed one is selected. */
  drawBox(context, face, [left, top, right, bottom]) {
    const { material, state } = this.player;
    const person = Math.max(0, material.personColor(material.faces.person[face]));
    const color = material.isFace(face) ? DARK[person % DARK.length] : "#d5d9e0";
    context.lineWidth = material.speaksAt(face, state.frame) ? 3.5 : 1.5;
    context.strokeStyle = "rgba(10, 12, 16, 0.55)";
    context.strokeRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
    context.strokeStyle = color;
    context.setLineDash(state.face === face ? [6, 3] : []);
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([]);
    return color;
  }

  /** The name on a plate above the box, or below it where there is no room. */
  drawName(context, face, [left, top, , bottom], color) {
    const { material, state } = this.player;
    const name = material.faceName(face);
    const text = material.speaksAt(face, state.frame) ? _("%(name)s speaks", { name }) : name;
    const width = context.measureText(text).width + 14;
    const x = Math.max(0, Math.min(left - 1, this.box.clientWidth - width));
    const y = top > 22 ? top - 21 : Math.min(bottom + 3, this.box.clientHeight - 18);
    context.fillStyle = "rgba(14, 17, 22, 0.84)";
    context.fillRect(x, y, width, 18);
    context.fillStyle = color;
    context.fillRect(x, y, 3, 18);
    context.fillStyle = "#fff";
    context.fillText(text, x + 9, y + 9.5);
  }

  /** Darkens what lies outside the vertical window. */
  darkenOutside(context, [left, right]) {
    const { clientWidth, clientHeight } = this.box;
    context.fillStyle = "rgba(10, 12, 16, 0.66)";
    context.fillRect(0, 0, left, clientHeight);
    context.fillRect(right, 0, clientWidth - right, clientHeight);
  }

  /** Selects the face under the pointer; elsewhere the picture plays or pauses. */
  click(event) {
    const { player, scale } = this;
    const { material, state } = player;
    const { left, top } = this.box.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / scale, (event.clientY - top) / scale];
    const inside = (face) => {
      const corners = material.corners(face, state.frame);
      return corners && x >= corners[0] && y >= corners[1] && x < corners[2] && y < corners[3];
    };
    const face = material.faceSpans.at(state.frame).filter(material.isFace).find(inside);
    player.focus();
    if (face === undefined) player.toggle();
    else player.select({ face });
  }
}
