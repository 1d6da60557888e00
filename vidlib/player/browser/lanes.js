// The lanes below the picture, on one time axis.

import { NOBODY } from "./material.js";
import { FPS, clock, timecode } from "./time.js";
import { _ } from "./words.js";

/** Frames between two marks of the ruler. */
const STEPS = [1, 5, 10, 25, 50, 125, 250, 750, 1500, 3000, 7500, 15000, 22500, 45000, 90000];

/** The canvas below the picture. It draws what is visible: rows on the screen, and of each only the spans in the view. */
export class Lanes {
  constructor(canvas, scroll, view) {
    Object.assign(this, { canvas, scroll, view, rows: [], top: 0 });
    this.context = canvas.getContext("2d");
  }

  /** The rows for `material`, from top to bottom, each with its height and the function that draws it. */
  layOut(material) {
    const { info } = material;
    const rows = [{ kind: "ruler", height: 22, name: "" }];
    if (material.items.length) rows.push({ kind: "review", height: 16, name: _("To check") });
    rows.push({ kind: "shots", height: 22, name: _("Shots") });
    info.speakers.forEach((label, speaker) => {
      if (material.turnsOf.has(speaker)) rows.push({ kind: "turns", height: 15, speaker, name: material.speakerName(speaker) });
    });
    if (material.words.n) rows.push({ kind: "words", height: 18, name: _("Words") });
    for (const { person } of info.people) {
      if (material.facesOf.has(person)) rows.push({ kind: "faces", height: 15, person, name: material.personName(person) });
    }
    if (material.facesOf.has(NOBODY)) rows.push({ kind: "faces", height: 15, person: NOBODY, name: _("Other faces") });
    let y = 0;
    rows.forEach((row, i) => {
      if (i && row.kind !== rows[i - 1].kind) y += i > 1 ? 7 : 0;
      row.y = y;
      y += row.height;
    });
    this.rows = rows;
    this.material = material;
    this.height = y + 5;
  }

  /** The row at `y` pixels below the top of the canvas. The ruler stays on top while the rows scroll. */
  rowAt(y) {
    const ruler = this.rows[0];
    if (y < ruler.height) return ruler;
    return this.rows.find((row) => y + this.top >= row.y && y + this.top < row.y + row.height);
  }

  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.view.width = width;
    this.size = { width, height };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  draw(state, colors) {
    const { context, size } = this;
    this.colors = colors;
    this.state = state;
    this.top = this.scroll.scrollTop;
    context.clearRect(0, 0, size.width, size.height);
    context.font = colors.font;
    context.textBaseline = "middle";
    this.drawBoundaries();
    for (const row of this.rows.slice(1)) {
      const y = row.y - this.top;
      if (y + row.height > this.rows[0].height && y < size.height) this[row.kind](row, y);
    }
    context.fillStyle = colors.paper;
    context.fillRect(0, 0, size.width, this.rows[0].height);
    this.ruler(this.rows[0]);
    this.drawPlayhead();
  }

  /** Fills the spans of a row: what is narrower than a pixel is merged, one path for all. */
  bars(spans, y, height, color, gap = 0) {
    const { context, view } = this;
    let edge = -1;
    context.beginPath();
    spans.visit(Math.floor(view.from), Math.ceil(view.to), (i) => {
      const left = Math.max(edge, Math.round(view.x(spans.start[i])), -2);
      const stop = Math.min(view.width + 2, Math.round(view.x(spans.stop[i])));
      const right = Math.max(stop, left + 1);
      if (stop <= edge) return;
      edge = right;
      context.rect(left, y, Math.max(1, right - left - (right - left > 4 ? gap : 0)), height);
    });
    context.fillStyle = color;
    context.fill();
  }

  /** Thin lines through all lanes where shots begin, if they are far enough from one another. */
  drawBoundaries() {
    const { context, view, material, colors } = this;
    const shots = material.shotSpans;
    const first = Math.max(0, material.shotAt(view.from));
    const last = Math.max(0, material.shotAt(view.to));
    if (last - first > view.width / 12) return;
    context.fillStyle = colors.line;
    for (let i = first; i <= last; i++) context.fillRect(Math.round(view.x(shots.start[i])), 0, 1, this.size.height);
  }

  ruler({ height }) {
    const { context, view, colors } = this;
    const step = STEPS.find((frames) => frames * view.scale >= (frames < FPS ? 100 : 64)) ?? 180000;
    const tick = STEPS.findLast((frames) => step % frames === 0 && frames < step && frames * view.scale >= 5) ?? step;
    context.fillStyle = colors.line;
    context.fillRect(0, height - 1, view.width, 1);
    for (let frame = Math.floor(view.from / tick) * tick; frame < view.to; frame += tick) {
      const x = Math.round(view.x(frame));
      const long = frame % step === 0;
      context.fillStyle = colors.quiet;
      context.fillRect(x, height - (long ? 7 : 4), 1, long ? 7 : 4);
      if (long) context.fillText(step < FPS ? timecode(frame) : clock(frame), x + 4, 9);
    }
  }

  review(row, y) {
    const { context, view, material, colors, state } = this;
    let edge = -9;
    for (const i of material.marks) {
      const x = Math.round(view.x(Math.max(0, material.items[i].frame) + 0.5));
      if (x < -6 || x > view.width + 6 || (x - edge < 3 && i !== state.item)) continue;
      edge = x;
      const size = i === state.item ? 6 : 4;
      context.fillStyle = colors.warning;
      context.beginPath();
      context.moveTo(x, y + 8 - size);
      context.lineTo(x + size, y + 8);
      context.lineTo(x, y + 8 + size);
      context.lineTo(x - size, y + 8);
      context.fill();
    }
  }

  shots(row, y) {
    const { context, view, material, colors } = this;
    const { shots, shotSpans } = material;
    this.bars(shotSpans, y, row.height, colors.shot, 1);
    shotSpans.visit(Math.floor(view.from), Math.ceil(view.to), (i) => this.boundary(i, y, row.height));
    let edge = 0;
    shotSpans.visit(Math.floor(view.from), Math.ceil(view.to), (i) => {
      const [left, right] = [Math.max(0, view.x(shots.start[i])), Math.min(view.width, view.x(shots.stop[i]))];
      if (right - left < 26 || left < edge) return;
      const kind = _(material.info.kinds[shots.kind[i]]);
      const text = right - left > 90 && shots.kind[i] > 1 ? `${i + 1}  ${kind}` : `${i + 1}`;
      context.fillStyle = colors.ink;
      context.fillText(text, left + 6, y + row.height / 2 - 1);
      edge = left + 6;
    });
  }

  /** How a shot begins: a line for a cut, a wedge over the frames of a dissolve or fade. */
  boundary(shot, y, height) {
    const { context, view, material, colors, state } = this;
    const { shots } = material;
    const chosen = state.boundary === shot;
    if (!chosen && view.scale * (shots.stop[shot] - shots.start[shot]) < 2) return;
    const x = Math.round(view.x(shots.start[shot]));
    if (shots.kind[shot] > 1) {
      const [left, right] = [view.x(shots.from[shot]), Math.max(view.x(shots.to[shot]), view.x(shots.from[shot]) + 3)];
      context.fillStyle = shots.kind[shot] === 2 ? colors.dissolve : colors.fade;
      context.beginPath();
      context.moveTo(left, y + height);
      context.lineTo(right, y + height - 7);
      context.lineTo(right, y + height);
      context.fill();
    }
    if (shot === 0 && !chosen) return;
    context.fillStyle = chosen ? colors.accent : colors.quiet;
    context.fillRect(x - (chosen ? 1 : 0), y - (chosen ? 3 : 0), chosen ? 3 : 1, height + (chosen ? 6 : 0));
  }

  turns(row, y) {
    const spans = this.material.turnsOf.get(row.speaker);
    this.bars(spans, y + 2, row.height - 4, this.colors.of(row.speaker), 1);
    this.outline(spans, this.state.turn, y + 1, row.height - 2);
  }

  faces(row, y) {
    const { material, colors } = this;
    const spans = material.facesOf.get(row.person);
    const color = colors.of(material.personColor(row.person));
    this.context.globalAlpha = 0.34;
    this.bars(spans, y + 2, row.height - 4, color, 1);
    this.context.globalAlpha = 1;
    const speech = material.personSpeech.get(row.person);
    if (speech) this.bars(speech, y + 2, row.height - 4, color);
    this.outline(spans, this.state.face, y + 1, row.height - 2);
  }

  words(row, y) {
    const { context, view, material, colors } = this;
    const spans = material.wordSpans;
    let edge = -1;
    context.fillStyle = colors.ink;
    if (view.scale < 1.2) return this.bars(spans, y + 6, row.height - 12, colors.quiet);
    spans.visit(Math.floor(view.from) - 250, Math.ceil(view.to), (i) => {
      const x = view.x(spans.start[i]);
      const text = material.info.words[i];
      if (x < edge) return;
      context.fillText(text, x + 1, y + row.height / 2);
      edge = x + context.measureText(text).width + 4;
    });
  }

  /** A frame around the selected row of the data, if it is one of `spans`. */
  outline(spans, selected, y, height) {
    const i = selected === null ? -1 : spans.index.indexOf(selected);
    if (i < 0) return;
    const [left, right] = [this.view.x(spans.start[i]), this.view.x(spans.stop[i])];
    this.context.strokeStyle = this.colors.accent;
    this.context.lineWidth = 2;
    this.context.strokeRect(left - 0.5, y, Math.max(3, right - left), height);
  }

  drawPlayhead() {
    const { context, view, state, colors, size } = this;
    const [left, width] = [view.x(state.frame), Math.max(1, view.scale)];
    context.globalAlpha = 0.16;
    context.fillStyle = colors.accent;
    if (width > 3) context.fillRect(left, 0, width, size.height);
    context.globalAlpha = 1;
    const x = Math.round(left + (width > 3 ? 0 : width / 2));
    context.fillRect(x, 0, width > 3 ? 1 : 1.5, size.height);
    context.beginPath();
    context.moveTo(x - 5, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x + 0.5, 7);
    context.fill();
  }
}
