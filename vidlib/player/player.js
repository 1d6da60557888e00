// The player of a video: picture with faces, lanes on one time axis, and corrections by a person.
//
// One ES module for anywidget, which needs no build. `render({model, el})` makes a Player; all data are traits of the
// model, and numbers come as columns of 32-bit integers (vidlib/player/encoding.py). Frames count from 0, and `stop` is
// not included. Positions in frames are `frame`, those on the screen `x` and `y`, in CSS pixels.

const FPS = 25;
const NOBODY = -1;
const MAX_FRAME_PX = 40;
const COLUMNS = ["shots", "turns", "faces", "speaking", "words", "review"];
const TRAITS = ["info", "boxes", "framing", ...COLUMNS];
const SHUTTLE = [1, 2, 4, 8];
const LIGHT = ["#4477aa", "#ee6677", "#228833", "#b39a1a", "#3aa9d6", "#aa3377", "#35917f", "#882255", "#82822a"];
const DARK = ["#77aadd", "#ff8899", "#5fbf6f", "#ddcc77", "#88ddff", "#e07fb4", "#66ccbb", "#d87093", "#bbcc66"];

// ---- words -----------------------------------------------------------------------------------------------------------

// One module without imports, so it cannot use the words.js of the dashboard. All players of a page speak its language.
let catalogue = {};
let language = "en";

const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_match, name) => values[name]);

/** `message` in the language of the page, with `values` in its places `%(name)s`. */
const _ = (message, values = {}) => filled(catalogue[message] ?? message, values);

/** `one` or `many`, whichever fits `n`, which stands in its place `%(n)s`. */
function ngettext(one, many, n) {
  const isOne = language === "fr" ? n < 2 : n === 1;
  return filled((catalogue[one] ?? [one, many])[isOne ? 0 : 1], { n });
}

/** A confidence in [0, 1]. */
const confidence = (value) => value.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// ---- data ------------------------------------------------------------------------------------------------------------

/** The columns of a trait as Int32Arrays; `n` is their length. */
function table(columns) {
  const read = (view) => new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  const found = Object.fromEntries(Object.entries(columns).map(([name, view]) => [name, read(view)]));
  return { ...found, n: (found.start ?? found.frame ?? []).length };
}

/** The index of the first number above `value` in an ascending array. */
function above(numbers, value) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Spans in order of their start: those of `rows` with these indices. `reach` is the latest stop up to each. */
class Spans {
  constructor(rows, index = Int32Array.from({ length: rows.n }, (_, i) => i)) {
    this.index = index;
    this.start = index.map((i) => rows.start[i]);
    this.stop = index.map((i) => rows.stop[i]);
    let reach = 0;
    this.reach = this.stop.map((stop) => (reach = Math.max(reach, stop)));
  }

  /** Calls `visit(position)` for each span that has a frame in [from, to). */
  visit(from, to, visit) {
    for (let i = above(this.reach, from); i < this.start.length && this.start[i] < to; i++) {
      if (this.stop[i] > from) visit(i);
    }
  }

  /** The rows whose span holds `frame`. */
  at(frame) {
    const found = [];
    this.visit(frame, frame + 1, (i) => found.push(this.index[i]));
    return found;
  }
}

/** `{key: Spans}` of the rows, by the value of one column. */
function spansBy(rows, column) {
  const groups = new Map();
  for (let i = 0; i < rows.n; i++) {
    const key = rows[column][i];
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  }
  return new Map([...groups].map(([key, index]) => [key, new Spans(rows, Int32Array.from(index))]));
}

/** The corners of all boxes, four Int16Arrays, of the bytes that `encode_boxes` compressed. */
async function decodeBoxes(view) {
  const inflated = new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const n = bytes.length / 8;
  const corners = [0, 1, 2, 3].map(() => new Int16Array(n));
  for (let side = 0; side < 4; side++) {
    let value = 0;
    for (let i = 0; i < n; i++) {
      const zigzag = bytes[side * n + i] | (bytes[(side + 4) * n + i] << 8);
      corners[side][i] = value += (zigzag >> 1) ^ -(zigzag & 1);
    }
  }
  return corners;
}

const two = (number) => String(number).padStart(2, "0");

/** SMPTE time code of a frame. */
function timecode(frame) {
  const s = Math.floor(frame / FPS);
  return [s / 3600, (s / 60) % 60, s % 60, frame % FPS].map((part) => two(Math.floor(part))).join(":");
}

/** Minutes and seconds, for the ruler and the lists. */
function clock(frame) {
  const s = Math.floor(frame / FPS);
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** The results of a video, as the model holds them now. */
class Material {
  constructor(model) {
    this.info = model.get("info");
    ({ catalogue, language } = this.info);
    for (const name of COLUMNS) this[name] = table(model.get(name));
    this.shotSpans = new Spans(this.shots);
    this.turnSpans = new Spans(this.turns);
    this.wordSpans = new Spans(this.words);
    this.faceSpans = new Spans(this.faces);
    this.turnsOf = spansBy(this.turns, "speaker");
    this.speechOf = spansBy(this.speaking, "face");
    this.framing = table(model.get("framing") ?? {});
    this.isFace = (face) => this.info.labels[this.faces.label[face]] === "face";
    this.boxes = null;
    this.readBoxes(model.get("boxes"));
    this.readPeople();
    this.items = this.readItems();
    this.marks = [...this.items.keys()].sort((a, b) => this.items[a].frame - this.items[b].frame);
  }

  /** The first row of each track in the corners of all boxes. */
  readBoxes(view) {
    let row = 0;
    this.firstBox = this.faces.start.map((start, i) => (row += this.faces.stop[i] - start) - this.faces.stop[i] + start);
    this.ready = decodeBoxes(view).then((boxes) => (this.boxes = boxes));
  }

  /** The rows of lanes: `{person: Spans}` of faces, and of the frames in which one speaks. */
  readPeople() {
    const faces = [...this.faces.track.keys()].filter(this.isFace);
    const only = { ...this.faces, n: faces.length };
    for (const name of ["start", "stop", "person"]) only[name] = Int32Array.from(faces, (i) => this.faces[name][i]);
    this.facesOf = spansBy(only, "person");
    for (const spans of this.facesOf.values()) spans.index = spans.index.map((i) => faces[i]);
    const speech = { ...this.speaking, person: this.speaking.face.map((face) => this.faces.person[face]) };
    this.personSpeech = spansBy(speech, "person");
  }

  /** Items to check, what matters most first; those about the whole video have the frame -1. */
  readItems() {
    const { frame, percent } = this.review;
    const item = (i) => ({
      frame: frame[i],
      confidence: percent[i] / 100,
      message: this.info.messages[i],
      step: this.info.steps[i],
    });
    return [...frame.keys()].map(item);
  }

  /** The corners of a track in a frame: left, top, right, bottom in pixels of the video. */
  corners(face, frame) {
    const row = this.firstBox[face] + frame - this.faces.start[face];
    return this.boxes?.map((side) => side[row]);
  }

  /** The left and right edge of the vertical window in a frame, in pixels of the video. */
  windowAt(frame) {
    const { frame: starts, left, width, glides, n } = this.framing;
    if (!n) return null;
    const i = Math.max(0, above(starts, frame) - 1);
    const share = glides[i] ? (frame - starts[i]) / (starts[i + 1] - starts[i]) : 0;
    const x = left[i] + (share ? share * (left[i + 1] - left[i]) : 0);
    return [x, x + width[i]];
  }

  speakerName(speaker) {
    const label = this.info.speakers[speaker];
    return label === undefined ? _("unknown") : (this.info.names[label] ?? label);
  }

  /** The place of a person in the list of people; -1 for nobody. */
  indexOf(person) {
    return this.info.people.findIndex((row) => row.person === person);
  }

  personName(person) {
    const row = this.info.people[this.indexOf(person)];
    if (!row) return _("no person");
    return this.info.names[`person:${person}`] ?? this.info.names[row.speaker] ?? _("Person %(n)s", { n: person });
  }

  faceName(face) {
    if (!this.isFace(face)) return this.info.labels[this.faces.label[face]];
    return this.faces.person[face] === NOBODY ? _("face") : this.personName(this.faces.person[face]);
  }

  /** Index in the palette: a person has the colour of the own voice. */
  personColor(person) {
    const index = this.indexOf(person);
    if (index === NOBODY) return NOBODY;
    const speaker = this.info.speakers.indexOf(this.info.people[index].speaker);
    return speaker === NOBODY ? this.info.speakers.length + index : speaker;
  }

  speaksAt(face, frame) {
    return (this.speechOf.get(face)?.at(frame).length ?? 0) > 0;
  }

  shotAt(frame) {
    return above(this.shots.start, frame) - 1;
  }
}

// ---- the picture ------------------------------------------------------------------------------------------------------

/** The video element, frame by frame. `onFrame(frame)` is called for each picture that is really shown. */
class Picture {
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

/** The address of the video on this server, or of a copy from the kernel where the server has none. */
async function address(model, onPart) {
  if (model.get("media").startsWith("./")) return model.get("media"); // a page of its own, beside the video
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  const base = config.baseUrl ?? document.body.dataset.baseUrl ?? "/";
  if (model.get("media")) {
    const url = `${base.replace(/\/?$/, "/")}vidlib/video/${model.get("media").split("/").map(encodeURIComponent).join("/")}`;
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (answer?.status === 206) return url;
  }
  return URL.createObjectURL(await fromKernel(model, onPart));
}

/** The video in pieces over the connection of the widget. */
function fromKernel(model, onPart) {
  return new Promise((resolve) => {
    const pieces = [];
    let size = 0;
    const receive = ({ offset, total }, [piece]) => {
      if (offset !== size) return;
      pieces.push(piece);
      size += piece.byteLength;
      onPart(size / total);
      if (size < total) return model.send({ do: "piece", offset: size });
      model.off("msg:custom", receive);
      return resolve(new Blob(pieces, { type: "video/mp4" }));
    };
    model.on("msg:custom", receive);
    model.send({ do: "piece", offset: 0 });
  });
}

// ---- the lanes --------------------------------------------------------------------------------------------------------

/** The part of the time axis on the screen: frames from `from` to `to` on `width` pixels. */
class View {
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

const STEPS = [1, 5, 10, 25, 50, 125, 250, 750, 1500, 3000, 7500, 15000, 22500, 45000, 90000];

/** The canvas below the picture. It draws what is visible: rows on the screen, and of each only the spans in the view. */
class Lanes {
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

// ---- small parts of the page ------------------------------------------------------------------------------------------

/** An element with attributes (`on…` are listeners) and children; text is never read as HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const ICONS = {
  play: "M4 2.5v11l9.5-5.5z",
  pause: "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z",
  shot: "M3 3v10l7-5zM11 3h2v10h-2z",
  "shot-back": "M13 3v10L6 8zM3 3h2v10H3z",
  next: "M6 3.5l1.2-1.2L12.9 8l-5.7 5.7L6 12.5 10.5 8z",
  previous: "M10 3.5L8.8 2.3 3.1 8l5.7 5.7 1.2-1.2L5.5 8z",
  mute: "M2 6v4h2.6L8 13V3L4.6 6zM9.8 5.2v5.6a3.2 3.2 0 0 0 0-5.6z",
  in: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
  out: "M3 7.2h10v1.6H3z",
  all: "M1.5 8L5 4.5v2.7h6V4.5L14.5 8 11 11.5V8.8H5v2.7z",
};

/** A drawn sign, 16 by 16 pixels. Fonts lack some of these characters. */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

const swatch = (color) => make("i", { class: "vp-swatch", style: `background:${color}` });

/** A list of choices over the panel: by digit or letter, arrows or click; or a field for text. Escape closes it. */
class Menu {
  constructor(root) {
    this.root = root;
    this.box = make("div", { class: "vp-menu", hidden: true });
    this.box.addEventListener("keydown", (event) => this.key(event));
    root.append(this.box);
  }

  get open() {
    return !this.box.hidden;
  }

  /** `choices` are `{key, label, color, run}`. */
  choose(title, choices) {
    this.choices = choices;
    const buttons = choices.map(({ key, label, color, run }) =>
      make(
        "button",
        { type: "button", role: "menuitem", onclick: () => this.close(run) },
        make("kbd", {}, key),
        color ? swatch(color) : null,
        label,
      ),
    );
    this.show(title, make("div", { role: "menu", "aria-label": title }, buttons));
    buttons[0]?.focus();
  }

  ask(title, value, run) {
    this.choices = [];
    const input = make("input", { type: "text", "aria-label": title, maxlength: 80, value });
    const send = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      this.close(text ? () => run(text) : undefined);
    };
    this.show(title, make("form", { onsubmit: send }, input, make("button", { type: "submit" }, _("Save"))));
    input.select();
  }

  show(title, content) {
    this.box.replaceChildren(make("b", {}, title), content);
    this.box.hidden = false;
  }

  close(run) {
    this.box.hidden = true;
    this.root.focus({ preventScroll: true });
    run?.();
  }

  key(event) {
    event.stopPropagation();
    const buttons = [...this.box.querySelectorAll("[role=menuitem]")];
    const focused = buttons.indexOf(document.activeElement);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = this.choices.find(({ key }) => key === event.key);
    if (event.key === "Escape") this.close();
    else if (move && buttons.length) buttons[(focused + move + buttons.length) % buttons.length].focus();
    else if (choice && !event.ctrlKey && !event.metaKey && !event.altKey) this.close(choice.run);
    else return;
    event.preventDefault();
  }
}

// ---- commands ---------------------------------------------------------------------------------------------------------

/** All that a key or button does. `keys` are values of `KeyboardEvent.key`; the help lists them by group.
 *
 * `group` and `about` are in the catalogue; they are translated where they are shown. */
const COMMANDS = [
  { id: "play", group: "Play", keys: [" "], shown: "Space", about: "play or pause", run: (p) => p.toggle() },
  { id: "back", group: "Play", keys: ["j"], about: "backwards; again: faster", run: (p) => p.picture.shuttle(-1) },
  { id: "stop", group: "Play", keys: ["k"], about: "pause", run: (p) => p.picture.pause() },
  { id: "forward", group: "Play", keys: ["l"], about: "forwards; again: faster", run: (p) => p.picture.shuttle(1) },
  { id: "mute", group: "Play", keys: ["q"], about: "sound off or on", run: (p) => p.mute() },
  { id: "previous", group: "Go", keys: ["ArrowLeft"], shown: "←", about: "previous frame", run: (p) => p.step(-1) },
  { id: "next", group: "Go", keys: ["ArrowRight"], shown: "→", about: "next frame", run: (p) => p.step(1) },
  { id: "second-back", group: "Go", keys: ["Shift+ArrowLeft"], shown: "⇧ ←", about: "back a second", run: (p) => p.step(-FPS) },
  { id: "second", group: "Go", keys: ["Shift+ArrowRight"], shown: "⇧ →", about: "on a second", run: (p) => p.step(FPS) },
  { id: "shot", group: "Go", keys: ["s"], about: "next shot", run: (p) => p.goShot(1) },
  { id: "shot-back", group: "Go", keys: ["S"], shown: "⇧ S", about: "previous shot", run: (p) => p.goShot(-1) },
  { id: "item", group: "Go", keys: ["n"], about: "next item to check", run: (p) => p.goItem(1) },
  { id: "item-back", group: "Go", keys: ["p"], about: "previous item to check", run: (p) => p.goItem(-1) },
  { id: "start", group: "Go", keys: ["Home"], about: "first frame", run: (p) => p.go(0) },
  { id: "end", group: "Go", keys: ["End"], about: "last frame", run: (p) => p.go(p.material.info.frames - 1) },
  { id: "face", group: "View", keys: ["f"], about: "select the next face", run: (p) => p.nextFace() },
  { id: "objects", group: "View", keys: ["o"], about: "objects on or off", run: (p) => p.toggleObjects() },
  { id: "window", group: "View", keys: ["w"], about: "the vertical window on or off", run: (p) => p.toggleWindow() },
  { id: "in", group: "View", keys: ["+", "="], shown: "+", about: "zoom in", run: (p) => p.zoom(0.5) },
  { id: "out", group: "View", keys: ["-"], about: "zoom out", run: (p) => p.zoom(2) },
  { id: "all", group: "View", keys: ["0"], about: "whole video", run: (p) => p.zoom(Infinity) },
  { id: "left", group: "View", keys: ["PageUp"], shown: "PgUp", about: "earlier part", run: (p) => p.pan(-0.8) },
  { id: "right", group: "View", keys: ["PageDown"], shown: "PgDn", about: "later part", run: (p) => p.pan(0.8) },
  { id: "help", group: "View", keys: ["?"], about: "these keys", run: (p) => p.toggleHelp() },
  { id: "escape", group: "View", keys: ["Escape"], shown: "Esc", about: "close, select nothing", run: (p) => p.escape() },
];

const CORRECTING = [
  { id: "cut", keys: ["c"], about: "a shot begins at this frame", run: (p) => p.corrections.addCut() },
  { id: "uncut", keys: ["x"], about: "no shot begins here", run: (p) => p.corrections.removeCut() },
  { id: "move", keys: ["m"], about: "the selected shot begins at this frame", run: (p) => p.corrections.moveCut() },
  { id: "kind", keys: ["t"], about: "cut, dissolve or fade", run: (p) => p.corrections.setKind() },
  { id: "speaker", keys: ["v"], about: "another speaker says this", run: (p) => p.corrections.setSpeaker() },
  { id: "join", keys: ["e"], about: "two speakers are one", run: (p) => p.corrections.joinSpeakers() },
  { id: "name", keys: ["r"], about: "name the speaker", run: (p) => p.corrections.name() },
  { id: "speaks", keys: ["y"], about: "the face speaks here, or does not", run: (p) => p.corrections.setSpeaking() },
  { id: "same", keys: ["g"], about: "the face is the same person as …", run: (p) => p.corrections.merge() },
  { id: "other", keys: ["b"], about: "the face is somebody else", run: (p) => p.corrections.tellApart() },
  { id: "no-face", keys: ["d"], about: "this is no face", run: (p) => p.corrections.notAFace() },
  { id: "frame", keys: ["h"], about: "what the vertical window shows of this shot", run: (p) => p.corrections.setFraming() },
  { id: "confirm", keys: ["a"], about: "the item to check is right", run: (p) => p.corrections.confirm() },
  { id: "undo", keys: ["z"], about: "undo the last correction", run: (p) => p.corrections.undo() },
].map((command) => ({ ...command, group: "Correct" }));

// ---- corrections ------------------------------------------------------------------------------------------------------

const ANSWER_MS = 15000;

/** What a person decides, sent to the kernel, which saves it and sends the data that follow from it. */
class Corrections {
  constructor(player, model) {
    // two views of one widget hear each other's answers
    Object.assign(this, { player, model, sent: Math.floor(Math.random() * 2 ** 40), waiting: new Map() });
    this.onAnswer = (answer) => this.answer(answer);
    model.on("msg:custom", this.onAnswer);
  }

  destroy() {
    this.model.off("msg:custom", this.onAnswer);
  }

  /** Saves a decision. `words` say what was decided; `done` is called when it is saved. */
  send(message, words, done) {
    const id = ++this.sent;
    const late = () => this.answer({ id, error: _("the kernel does not answer; it may be busy, or have ended") });
    this.waiting.set(id, { words, done, timer: setTimeout(late, ANSWER_MS) });
    this.player.say(_("Saving…"));
    this.model.send({ id, ...message });
  }

  answer({ id, error }) {
    const { words, done, timer } = this.waiting.get(id) ?? {};
    if (!timer) return;
    this.waiting.delete(id);
    clearTimeout(timer);
    if (error) return this.player.say(_("Not saved: %(error)s", { error }), true);
    queueMicrotask(() => {
      done?.();
      this.player.say(_("Saved: %(what)s", { what: words }));
    });
  }

  decide(action, fields, words, done) {
    this.send({ do: "correct", action, fields }, _("%(what)s. Undo: z", { what: words }), done);
  }

  undo() {
    this.send({ do: "undo" }, _("the last correction is undone"));
  }

  // what a decision is about: what is selected, else what is at this frame

  get frame() {
    return this.player.picture.target;
  }

  /** The first frame of the selected shot, or of one that begins here; null with a message. */
  get boundary() {
    const { material, state } = this.player;
    const shot = state.boundary ?? material.shotAt(this.frame);
    const start = material.shots.start[shot];
    if (shot > 0 && (state.boundary !== null || start === this.frame)) return start;
    return this.refuse(_("No shot begins at this frame. Go to one with s, or click where it begins."));
  }

  get turn() {
    const { material, state } = this.player;
    return state.turn ?? material.turnSpans.at(this.frame)[0] ?? this.refuse(_("Nobody speaks at this frame."));
  }

  get face() {
    const { material, state } = this.player;
    const faces = material.faceSpans.at(this.frame).filter(material.isFace);
    if (faces.includes(state.face)) return state.face;
    if (faces.length === 1) return faces[0];
    return this.refuse(
      faces.length ? _("Select a face first: f, or click it.") : _("No face is known at this frame."),
    );
  }

  refuse(reason) {
    this.player.say(reason, true);
    return null;
  }

  // shots

  addCut() {
    const { frame, player } = this;
    const select = () => player.select({ boundary: player.material.shotAt(frame) || null });
    this.decide("add-cut", { frame }, _("a shot begins at frame %(frame)s", { frame }), select);
  }

  removeCut() {
    const frame = this.boundary;
    if (frame !== null) this.decide("remove-cut", { frame }, _("no shot begins at frame %(frame)s", { frame }));
  }

  moveCut() {
    const [from, to, { player }] = [this.boundary, this.frame, this];
    if (from === null) return null;
    if (from === to) return this.refuse(_("Step to the frame at which the shot really begins, then press m."));
    const select = () => player.select({ boundary: player.material.shotAt(to) || null });
    const words = _("the shot of frame %(from)s begins at %(to)s", { from, to });
    return this.decide("move-cut", { frame: from, to }, words, select);
  }

  setKind() {
    const frame = this.boundary;
    if (frame === null) return;
    const kinds = this.player.material.info.kinds.slice(1);
    const words = (kind) => _("the shot at frame %(frame)s begins with a %(kind)s", { frame, kind: _(kind) });
    const choice = (kind) => ({
      key: kind[0],
      label: _(kind),
      run: () => this.decide("set-kind", { frame, kind }, words(kind)),
    });
    this.player.menu.choose(_("The shot at frame %(frame)s begins with", { frame }), kinds.map(choice));
  }

  /** The vertical window of this shot: around a face, around the middle, or the whole picture. */
  setFraming() {
    const { player, frame } = this;
    const { material, colors } = player;
    const around = (face) => {
      const [left, , right] = material.corners(face, frame);
      return Math.max(0, Math.min(material.info.width - 1, Math.round((left + right) / 2)));
    };
    const faces = material.faceSpans.at(frame).filter((face) => material.isFace(face) && material.boxes);
    const choices = faces.map((face, i) => ({
      key: i < 9 ? String(i + 1) : "",
      label: material.faceName(face),
      color: colors.of(material.personColor(material.faces.person[face])),
      run: () => this.frameAround(around(face), material.faceName(face)),
    }));
    const [middle, whole] = [_("the middle"), _("the whole picture")];
    choices.push({ key: "m", label: middle, run: () => this.frameAround(Math.round(material.info.width / 2), middle) });
    choices.push({ key: "w", label: whole, run: () => this.frameAround(null, whole) });
    player.menu.choose(_("The vertical window of this shot shows"), choices);
  }

  frameAround(centre, what) {
    const fields = centre === null ? { frame: this.frame } : { frame: this.frame, centre };
    this.decide("framing", fields, _("the window of this shot shows %(what)s", { what }), () => this.player.showWindow());
  }

  // speakers

  speakerChoices(without, run) {
    const { material, colors } = this.player;
    return material.info.speakers
      .map((label, speaker) => ({ label: material.speakerName(speaker), color: colors.of(speaker), speaker, id: label }))
      .filter(({ speaker }) => speaker !== without && material.turnsOf.has(speaker))
      .map(({ id, label, color }, i) => ({ key: i < 9 ? String(i + 1) : "", label, color, run: () => run(id, label) }));
  }

  setSpeaker() {
    const turn = this.turn;
    if (turn === null) return;
    const { turns } = this.player.material;
    const [start, stop] = [turns.start[turn], turns.stop[turn]];
    const run = (speaker, name) => {
      const words = _("%(name)s speaks from frame %(start)s to %(stop)s", { name, start, stop });
      this.decide("set-speaker", { start, stop, speaker }, words);
    };
    const choices = this.speakerChoices(turns.speaker[turn], run);
    choices.push({ key: "n", label: _("somebody else"), run: () => run("new", _("somebody else")) });
    const times = { start: clock(start), stop: clock(stop) };
    this.player.menu.choose(_("Who speaks from %(start)s to %(stop)s?", times), choices);
  }

  joinSpeakers() {
    const turn = this.turn;
    if (turn === null) return;
    const { material, menu } = this.player;
    const [index, other] = [material.turns.speaker[turn], material.info.speakers[material.turns.speaker[turn]]];
    const name = material.speakerName(index);
    const words = (label) => _("%(name)s and %(other)s are one speaker", { name, other: label });
    const run = (speaker, label) => this.decide("join-speakers", { speaker, other }, words(label));
    menu.choose(_("%(name)s is the same speaker as", { name }), this.speakerChoices(index, run));
  }

  /** Names the speaker of the selected face or turn, or the one who is heard. */
  name() {
    const { material, state, menu } = this.player;
    const person = state.face === null ? undefined : material.info.people[material.indexOf(material.faces.person[state.face])];
    if (person && !person.speaker) {
      return this.refuse(_("The voice of this person is not known, and a name belongs to a voice."));
    }
    const turn = person ? null : this.turn;
    if (!person && turn === null) return null;
    const speaker = person ? person.speaker : material.info.speakers[material.turns.speaker[turn]];
    const known = material.info.names[speaker] ?? (/^SPEAKER_\d+$/.test(speaker) ? "" : speaker);
    const run = (name) => this.decide("name", { speaker, name }, _("%(speaker)s is %(name)s", { speaker, name }));
    return menu.ask(_("The name of %(speaker)s", { speaker }), known, run);
  }

  // faces

  setSpeaking() {
    const face = this.face;
    if (face === null) return;
    const { material } = this.player;
    const { faces, speaking, turns } = material;
    const [now] = material.speechOf.get(face)?.at(this.frame) ?? [];
    const [turn] = material.turnSpans.at(this.frame);
    const within = now !== undefined ? [speaking, now] : turn !== undefined ? [turns, turn] : [faces, face];
    const [rows, i] = within;
    const start = Math.max(faces.start[face], rows.start[i]);
    const stop = Math.min(faces.stop[face], rows.stop[i]);
    const values = { name: material.faceName(face), start, stop };
    const words =
      now === undefined
        ? _("%(name)s speaks from frame %(start)s to %(stop)s", values)
        : _("%(name)s is silent from frame %(start)s to %(stop)s", values);
    this.decide("speaking", { track: faces.track[face], start, stop, speaks: now === undefined }, words);
  }

  /** The tracks of faces of a person, without this one. */
  othersOf(person, track) {
    const { faces, facesOf } = this.player.material;
    return [...(facesOf.get(person)?.index ?? [])].map((i) => faces.track[i]).filter((other) => other !== track);
  }

  merge() {
    const face = this.face;
    if (face === null) return;
    const { material, menu, colors } = this.player;
    const [other, person] = [material.faces.track[face], material.faces.person[face]];
    const choices = material.info.people
      .map((row) => row.person)
      .filter((number) => number !== person && material.facesOf.has(number))
      .map((number, i) => {
        const name = material.personName(number);
        const [track] = this.othersOf(number, other);
        const run = () => this.decide("merge", { track, other }, _("this face is %(name)s", { name }));
        return { key: i < 9 ? String(i + 1) : "", label: name, color: colors.of(material.personColor(number)), run };
      });
    menu.choose(_("%(name)s is the same person as", { name: material.faceName(face) }), choices);
  }

  tellApart() {
    const face = this.face;
    if (face === null) return;
    const { material, menu } = this.player;
    const [other, frame] = [material.faces.track[face], this.frame];
    const [track] = this.othersOf(material.faces.person[face], other);
    const name = material.faceName(face);
    const after = _("from frame %(frame)s on, this face is somebody else", { frame });
    const split = () => this.decide("split", { track: other, frame }, after);
    const apart = () => this.decide("different", { track, other }, _("this face is not %(name)s", { name }));
    const choices = [{ key: "1", label: _("somebody else from frame %(frame)s on", { frame }), run: split }];
    if (track !== undefined) choices.unshift({ key: "2", label: _("not the %(name)s of other shots", { name }), run: apart });
    menu.choose(_("%(name)s is", { name }), choices.sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  notAFace() {
    const face = this.face;
    if (face === null) return;
    const { material } = this.player;
    const words = _("what was %(name)s is no face", { name: material.faceName(face) });
    this.decide("not-a-face", { track: material.faces.track[face] }, words);
  }

  confirm() {
    const item = this.player.material.items[this.player.state.item];
    if (!item || item.frame < 0) return this.refuse(_("Go to an item to check first: n."));
    const words = _("frame %(frame)s is right: %(message)s", item);
    return this.decide("confirm", { frame: item.frame }, words);
  }
}

// ---- the player -------------------------------------------------------------------------------------------------------

class Player {
  constructor(model, el) {
    this.model = model;
    this.material = new Material(model);
    this.state = { frame: 0, item: -1, boundary: null, turn: null, face: null, objects: false, window: false };
    this.build(el);
    const { frames } = this.material.info;
    this.picture = new Picture(this.video, frames, (frame) => this.showFrame(frame));
    this.view = new View(frames);
    this.lanes = new Lanes(this.canvas, this.scroll, this.view);
    this.corrections = model.get("can_correct") ? new Corrections(this, model) : null;
    this.commands = this.corrections ? [...COMMANDS, ...CORRECTING] : COMMANDS;
    this.byKey = new Map(this.commands.flatMap((command) => command.keys.map((key) => [key, command])));
    this.listen();
    this.readTheme();
    this.refresh();
    this.open();
  }

  // the page

  build(el) {
    const { info } = this.material;
    this.facts = make("span");
    this.video = make("video", { playsinline: true, preload: "auto", tabindex: -1 });
    this.overlay = make("canvas", { class: "vp-overlay", "aria-hidden": "true" });
    this.notice = make("div", { class: "vp-notice" }, _("Loading…"));
    this.frameBox = make("div", { class: "vp-picture" });
    this.frameBox.append(this.video, this.overlay, this.notice);
    this.side = make("aside", { class: "vp-side" });
    this.here = make("section", { class: "vp-here", "aria-label": _("At this frame") });
    this.list = make("section", { class: "vp-check", "aria-label": _("Items to check") });
    this.side.append(this.here, this.list);
    const style = `--ratio:${info.width / info.height}`;
    const body = make("div", { class: "vp-body", style }, this.frameBox, this.side, this.buildBar(), this.buildLanes());
    this.status = make("div", { class: "vp-status", role: "status" });
    this.help = make("div", { class: "vp-help", role: "dialog", "aria-label": _("Keys"), hidden: true });
    const title = make("header", {}, make("b", {}, info.name), this.facts);
    this.root = make("div", {
      class: "vp",
      tabindex: 0,
      role: "group",
      lang: language,
      "aria-label": _("Player of %(name)s; press ? for the keys", info),
      "data-lm-suppress-shortcuts": "true", // JupyterLab would cut the cell at x, and undo at z
    });
    this.root.append(title, body, this.status, this.help);
    this.menu = new Menu(this.root);
    el.append(make("div", { class: "vp-around" }, this.root));
  }

  button(id, about) {
    const label = id in ICONS ? icon(id) : "?";
    const run = () => {
      this.run(id);
      this.root.focus({ preventScroll: true });
    };
    return make("button", { type: "button", title: about, "aria-label": about, onclick: run, "data-command": id }, label);
  }

  buildBar() {
    this.clock = make("output", { class: "vp-clock", "aria-label": _("Time code") });
    this.number = make("output", { class: "vp-number", "aria-label": _("Frame") });
    this.playButton = this.button("play", _("Play or pause (Space)"));
    this.muteButton = this.button("mute", _("Sound off or on (q)"));
    return make(
      "div",
      { class: "vp-bar", role: "toolbar", "aria-label": _("Controls") },
      this.button("shot-back", _("Previous shot (Shift+s)")),
      this.button("previous", _("Previous frame (←)")),
      this.playButton,
      this.button("next", _("Next frame (→)")),
      this.button("shot", _("Next shot (s)")),
      this.muteButton,
      this.clock,
      this.number,
      make("span", { class: "vp-gap" }),
      this.button("out", _("Zoom out (-)")),
      this.button("in", _("Zoom in (+)")),
      this.button("all", _("Whole video (0)")),
      this.button("help", _("Keys (?)")),
    );
  }

  buildLanes() {
    const { frames } = this.material.info;
    this.canvas = make("canvas", {
      ...{ tabindex: 0, role: "slider", "aria-label": _("Position in time"), "aria-valuemin": 0, "aria-valuemax": frames - 1 },
    });
    this.gutter = make("div", { class: "vp-gutter" });
    this.space = make("div", { class: "vp-space" }, this.canvas);
    this.scroll = make("div", { class: "vp-scroll" }, this.gutter, this.space);
    this.overview = make("canvas", { class: "vp-overview", "aria-hidden": "true", height: 10 });
    return make("div", { class: "vp-lanes" }, this.scroll, this.overview);
  }

  buildHelp() {
    const groups = [...new Set(this.commands.map((command) => command.group))];
    const row = ({ shown, keys, about }) => make("li", {}, make("kbd", {}, shown ?? keys[0]), _(about));
    const list = (group) => this.commands.filter((command) => command.group === group).map(row);
    const more = _("Ctrl and the wheel zoom; Shift and the wheel, or dragging, move along the time axis.");
    const close = make("button", { type: "button", onclick: () => this.toggleHelp() }, _("Close the keys"));
    const columns = groups.map((group) => make("section", {}, make("h4", {}, _(group)), make("ul", {}, list(group))));
    this.help.replaceChildren(make("div", { class: "vp-columns" }, columns), make("p", {}, more), close);
  }

  listen() {
    const on = (target, name, handle, options) => target.addEventListener(name, handle.bind(this), options);
    on(this.root, "keydown", this.key);
    on(this.frameBox, "click", this.clickPicture);
    on(this.canvas, "pointerdown", this.press);
    on(this.canvas, "pointermove", this.drag);
    on(this.canvas, "pointerup", this.release);
    on(this.canvas, "pointercancel", this.release);
    on(this.canvas, "wheel", this.wheel, { passive: false });
    on(this.overview, "pointerdown", this.jumpOverview);
    on(this.overview, "pointermove", (event) => event.buttons && this.jumpOverview(event));
    on(this.scroll, "scroll", this.invalidate);
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.scroll);
    this.resized.observe(this.frameBox);
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    this.onTheme = () => this.readTheme();
    this.darkness.addEventListener("change", this.onTheme);
    this.lab = new MutationObserver(this.onTheme);
    this.lab.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    this.lab.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.onData = () => {
      this.stale ??= queueMicrotask(() => this.reload()) ?? true;
    };
    for (const name of TRAITS) this.model.on(`change:${name}`, this.onData);
  }

  destroy() {
    this.picture.pause();
    this.corrections?.destroy();
    this.resized.disconnect();
    this.lab.disconnect();
    this.darkness.removeEventListener("change", this.onTheme);
    for (const name of TRAITS) this.model.off(`change:${name}`, this.onData);
    if (this.video.src.startsWith("blob:")) URL.revokeObjectURL(this.video.src);
  }

  async open() {
    const percent = (share) => share.toLocaleString(language, { style: "percent" });
    const part = (share) =>
      (this.notice.textContent = _("Loading through the kernel: %(share)s", { share: percent(share) }));
    const loaded = () => {
      this.notice.hidden = true;
      this.showAddress();
    };
    this.video.addEventListener("loadeddata", loaded, { once: true });
    this.video.addEventListener("error", () => {
      this.notice.hidden = false;
      const why = this.video.error?.message || _("unknown reason");
      this.notice.textContent = _("The browser cannot play this video: %(why)s", { why });
    });
    this.video.src = await address(this.model, part);
  }

  /** Shows the frame that the address names, as `#frame=41` or `#video?…&frame=41`: items of a report link to it. */
  showAddress() {
    const [, frame] = /[#&]frame=(\d+)$/.exec(location.hash) ?? [];
    if (frame) this.picture.seek(Number(frame));
  }

  /** Colours follow JupyterLab's theme in JupyterLab, the choice on the dashboard, and elsewhere the system. */
  readTheme() {
    const lab = document.querySelector(".jp-LabShell") ? document.body.dataset.jpThemeLight : undefined;
    const chosen = document.documentElement.dataset.theme ?? (lab === undefined ? undefined : lab === "false" ? "dark" : "light");
    const dark = chosen === undefined ? this.darkness.matches : chosen === "dark";
    this.root.dataset.theme = dark ? "dark" : "light";
    const style = getComputedStyle(this.root);
    const palette = dark ? DARK : LIGHT;
    const names = ["paper", "ink", "quiet", "line", "shot", "dissolve", "fade", "warning", "accent", "nobody"];
    this.colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.colors.font = `11px ${style.fontFamily}`;
    this.colors.bold = `600 12px ${style.fontFamily}`;
    this.colors.of = (index) => (index === NOBODY ? this.colors.nobody : palette[index % palette.length]);
    if (this.lanes?.rows.length && this.colors.paper) this.refresh();
  }

  // data

  /** Reads the model again, after a correction. */
  reload() {
    this.stale = null;
    const { material: before, state } = this;
    const [shot, track] = [before.shots.start[state.boundary], before.faces.track[state.face]];
    this.material = new Material(this.model);
    state.boundary = [this.material.shots.start.indexOf(shot)].find((i) => i > 0) ?? null;
    state.face = [this.material.faces.track.indexOf(track)].find((i) => i >= 0) ?? null;
    state.turn = null;
    const key = (item) => item && `${item.frame} ${item.message}`;
    const item = this.material.items.findIndex((other) => key(other) === key(before.items[state.item]));
    state.item = item < 0 ? state.item - 1 : item; // one that is answered leaves the list, and n goes to the next
    this.refresh();
    this.describe();
  }

  refresh() {
    this.material.ready.then(() => this.invalidate());
    this.lanes.layOut(this.material);
    this.gutter.style.height = this.space.style.height = `${this.lanes.height}px`;
    this.gutter.replaceChildren(make("div", { class: "vp-corner" }), ...this.lanes.rows.slice(1).map((row) => this.label(row)));
    const { width, height, fps, frames, decisions } = this.material.info;
    const counted = decisions ? ` · ${ngettext("%(n)s decision by a person", "%(n)s decisions by a person", decisions)}` : "";
    this.facts.textContent = `${width}×${height} · ${fps} fps · ${clock(frames)}${counted}`;
    this.buildHelp();
    this.listItems();
    this.resize();
  }

  label(row) {
    const color =
      row.kind === "turns" ? row.speaker : row.kind === "faces" ? this.material.personColor(row.person) : undefined;
    const style = `top:${row.y}px;height:${row.height}px`;
    const mark = color === undefined ? null : swatch(this.colors.of(color));
    return make("div", { class: `vp-label vp-${row.kind}`, style, title: row.name }, mark, make("span", {}, row.name));
  }

  listItems() {
    const { items } = this.material;
    const count = make("span", {}, items.length ? `${items.length} · n, p` : _("nothing"));
    const right = items.length && this.corrections ? this.actButton("confirm", _("right as it is")) : null;
    const head = make("h4", {}, make("span", {}, _("To check")), right, count);
    this.itemButtons = items.map((item, i) =>
      make(
        "button",
        {
          ...{ type: "button", onclick: () => this.selectItem(i), "aria-current": String(i === this.state.item) },
          title: _("%(step)s, confidence %(value)s", { step: item.step, value: confidence(item.confidence) }),
        },
        make("time", {}, item.frame < 0 ? _("all") : clock(item.frame)),
        make("span", {}, item.message),
        make("em", {}, confidence(item.confidence)),
      ),
    );
    this.list.replaceChildren(head, make("div", { class: "vp-items" }, this.itemButtons));
  }

  // drawing

  invalidate() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    this.lanes.draw(this.state, this.colors);
    this.drawOverview();
    this.drawFaces();
  }

  resize() {
    if (!this.colors.paper) this.readTheme(); // Voila attaches the element only after `render`
    const height = Math.min(this.lanes.height, this.scroll.clientHeight || this.lanes.height);
    this.lanes.resize(Math.max(50, this.space.clientWidth), height);
    this.canvas.style.height = `${height}px`;
    this.view.set(this.view.from, this.view.to - this.view.from);
    const ratio = window.devicePixelRatio || 1;
    this.overlay.width = Math.round(this.frameBox.clientWidth * ratio);
    this.overlay.height = Math.round(this.frameBox.clientHeight * ratio);
    this.overview.width = Math.round(this.overview.clientWidth * ratio);
    this.overview.height = Math.round(10 * ratio);
    this.draw();
  }

  /** The whole video in a strip: items to check, and the part that the lanes show. */
  drawOverview() {
    const context = this.overview.getContext("2d");
    const { width, height } = this.overview;
    const { frames } = this.material.info;
    const x = (frame) => (frame / frames) * width;
    context.clearRect(0, 0, width, height);
    context.fillStyle = this.colors.shot;
    context.fillRect(0, 0, width, height);
    context.fillStyle = this.colors.quiet;
    context.globalAlpha = 0.3;
    context.fillRect(x(this.view.from), 0, Math.max(3, x(this.view.to) - x(this.view.from)), height);
    context.globalAlpha = 1;
    context.fillStyle = this.colors.warning;
    for (const { frame } of this.material.items) if (frame >= 0) context.fillRect(x(frame) - 1, height * 0.25, 2, height / 2);
    context.fillStyle = this.colors.accent;
    context.fillRect(x(this.state.frame) - 1, 0, 2, height);
  }

  /** Boxes with names over the picture; who speaks has a thick one. */
  drawFaces() {
    const context = this.overlay.getContext("2d");
    const { frame, face: selected, objects } = this.state;
    const ratio = window.devicePixelRatio || 1;
    const scale = this.frameBox.clientWidth / this.material.info.width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.frameBox.clientWidth, this.frameBox.clientHeight);
    context.font = this.colors.bold;
    context.textBaseline = "middle";
    for (const face of this.material.faceSpans.at(frame)) {
      const corners = this.material.corners(face, frame);
      const shown = this.material.isFace(face) || objects;
      if (corners && shown) this.drawFace(context, face, corners.map((side) => side * scale), face === selected);
    }
    const window_ = this.state.window && this.material.windowAt(frame);
    if (window_) this.drawWindow(context, window_.map((side) => side * scale));
  }

  /** Darkens what lies outside the vertical window. */
  drawWindow(context, [left, right]) {
    const { clientWidth, clientHeight } = this.frameBox;
    context.fillStyle = "rgba(10, 12, 16, 0.66)";
    context.fillRect(0, 0, left, clientHeight);
    context.fillRect(right, 0, clientWidth - right, clientHeight);
  }

  drawFace(context, face, [left, top, right, bottom], selected) {
    const speaks = this.material.speaksAt(face, this.state.frame);
    const person = this.material.faces.person[face];
    const color = this.material.isFace(face) ? DARK[Math.max(0, this.material.personColor(person)) % DARK.length] : "#d5d9e0";
    context.lineWidth = speaks ? 3.5 : 1.5;
    context.strokeStyle = "rgba(10, 12, 16, 0.55)";
    context.strokeRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
    context.strokeStyle = color;
    context.setLineDash(selected ? [6, 3] : []);
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([]);
    const name = this.material.faceName(face);
    const text = speaks ? _("%(name)s speaks", { name }) : name;
    const width = context.measureText(text).width + 14;
    const x = Math.max(0, Math.min(left - 1, this.frameBox.clientWidth - width));
    const y = top > 22 ? top - 21 : Math.min(bottom + 3, this.frameBox.clientHeight - 18);
    context.fillStyle = "rgba(14, 17, 22, 0.84)";
    context.fillRect(x, y, width, 18);
    context.fillStyle = color;
    context.fillRect(x, y, 3, 18);
    context.fillStyle = "#fff";
    context.fillText(text, x + 9, y + 9.5);
  }

  showFrame(frame) {
    const { view, picture } = this;
    if (!view) return;
    this.state.frame = frame;
    if (picture.rate && frame >= view.to) view.reveal(frame, 0.05);
    else if (picture.rate && frame < view.from) view.reveal(frame, 0.95);
    this.clock.value = timecode(frame);
    const rate = picture.rate && picture.rate !== 1 ? ` · ${picture.rate}×` : "";
    this.number.value = `${frame} / ${this.material.info.frames}${rate}`;
    this.drawPlayButton(picture.rate !== 0);
    this.canvas.setAttribute("aria-valuenow", frame);
    this.canvas.setAttribute("aria-valuetext", timecode(frame));
    this.root.dataset.frame = frame;
    this.describe();
    this.invalidate();
  }

  drawPlayButton(playing) {
    if (this.playButton.dataset.playing === String(playing)) return;
    this.playButton.dataset.playing = String(playing);
    this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
  }

  /** The panel in words: shot, speakers and faces at this frame. It is built again only when it would differ. */
  describe() {
    const { material, state } = this;
    const shot = Math.max(0, material.shotAt(state.frame));
    const turns = material.turnSpans.at(state.frame);
    const faces = material.faceSpans.at(state.frame).filter(material.isFace);
    const speaking = faces.filter((face) => material.speaksAt(face, state.frame));
    const begins = state.boundary !== null && material.shots.start[state.boundary] === state.frame;
    const key = JSON.stringify([shot, turns, faces, speaking, state.boundary, state.turn, state.face, begins]);
    if (this.described === key && this.describedFor === material) return;
    [this.described, this.describedFor] = [key, material];
    const rows = [this.describeShot(shot), ...turns.map((turn) => this.describeTurn(turn))];
    if (!turns.length) rows.push(make("div", { class: "vp-row vp-none" }, make("span", {}, _("Nobody speaks"))));
    rows.push(...faces.map((face) => this.describeFace(face, speaking.includes(face))));
    this.here.replaceChildren(...rows);
  }

  /** A line of the panel, with the commands for it if it is `chosen`: `{id: label}`. */
  row(color, name, detail, chosen, select, acts) {
    const text = [color === undefined ? null : swatch(color), make("b", {}, name), make("span", {}, detail)];
    const head = make("button", { type: "button", class: "vp-what", "aria-pressed": String(chosen), onclick: select }, text);
    const shown = this.corrections ? Object.entries(acts) : [];
    const buttons = shown.map(([id, label]) => this.actButton(id, label));
    const more = buttons.length ? make("div", { class: "vp-acts" }, buttons) : null;
    return make("div", { class: chosen ? "vp-row vp-chosen" : "vp-row" }, head, more);
  }

  actButton(id, label) {
    const { keys, about } = this.commands.find((command) => command.id === id);
    const run = () => {
      this.root.focus({ preventScroll: true });
      this.run(id);
    };
    return make("button", { type: "button", class: "vp-act", title: _(about), onclick: run }, make("kbd", {}, keys[0]), label);
  }

  describeShot(i) {
    const { shots, info } = this.material;
    const value = confidence(shots.percent[i] / 100);
    const found = { kind: _(info.kinds[shots.kind[i]]), frame: shots.start[i], value };
    const kind = i ? _("%(kind)s at %(frame)s, %(value)s", found) : _("first shot");
    const select = () => this.select({ boundary: i || null }, shots.start[i]);
    const name = _("Shot %(number)s of %(n)s", { number: i + 1, n: shots.n });
    const chosen = i > 0 && this.state.boundary === i;
    const acts = chosen ? { uncut: _("remove"), kind: _("type") } : { cut: _("begins here") };
    if (!chosen && this.state.boundary !== null) {
      acts.move = _("move the one of %(frame)s here", { frame: shots.start[this.state.boundary] });
    }
    if (chosen && shots.start[i] !== this.state.frame) acts.move = _("move here");
    return this.row(undefined, name, kind, chosen, select, acts);
  }

  describeTurn(turn) {
    const { turns } = this.material;
    const name = this.material.speakerName(turns.speaker[turn]);
    const detail = _("speaks %(start)s–%(stop)s", { start: clock(turns.start[turn]), stop: clock(turns.stop[turn]) });
    const color = this.colors.of(turns.speaker[turn]);
    const chosen = this.state.turn === turn;
    const acts = chosen ? { speaker: _("other speaker"), join: _("same as …"), name: _("name") } : {};
    return this.row(color, name, detail, chosen, () => this.select({ turn }), acts);
  }

  describeFace(face, speaks) {
    const color = this.colors.of(this.material.personColor(this.material.faces.person[face]));
    const track = this.material.faces.track[face];
    const detail = speaks ? _("face %(track)s, speaks", { track }) : _("face %(track)s, silent", { track });
    const chosen = this.state.face === face;
    const acts = { speaks: speaks ? _("silent here") : _("speaks here"), same: _("same as …"), other: _("somebody else") };
    Object.assign(acts, { "no-face": _("no face"), name: _("name") });
    return this.row(color, this.material.faceName(face), detail, chosen, () => this.select({ face }), chosen ? acts : {});
  }

  // moving

  run(id) {
    this.commands.find((command) => command.id === id).run(this);
  }

  key(event) {
    const button = event.target.closest("button, input, a");
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
    if (button && (event.key === " " || event.key === "Enter")) return;
    const name = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
    const command = this.byKey.get(name);
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    this.say("");
    command.run(this);
  }

  go(frame) {
    this.picture.pause();
    this.view.reveal(this.picture.seek(frame));
    this.invalidate();
  }

  step(frames) {
    this.view.reveal(this.picture.step(frames), frames < 0 ? 0.9 : 0.1);
    this.invalidate();
  }

  toggle() {
    if (this.picture.rate) this.picture.pause();
    else this.picture.play(1);
  }

  mute() {
    this.video.muted = !this.video.muted;
    this.muteButton.classList.toggle("vp-off", this.video.muted);
  }

  goShot(step) {
    const { material } = this;
    const frame = this.picture.target;
    const now = material.shotAt(frame);
    const shot = step > 0 || frame === material.shots.start[now] ? now + step : now;
    if (shot < 0 || shot >= material.shots.n) return this.say(step > 0 ? _("This is the last shot.") : _("This is the first shot."));
    return this.select({ boundary: shot || null }, material.shots.start[shot]);
  }

  goItem(step) {
    const { items } = this.material;
    if (!items.length) return this.say(_("There is nothing to check."));
    return this.selectItem((this.state.item + step + items.length + (this.state.item < 0 && step < 0 ? 1 : 0)) % items.length);
  }

  selectItem(i) {
    const item = this.material.items[i];
    const shot = this.material.shotAt(item.frame);
    const boundary = item.step === "scenes" && shot > 0 && this.material.shots.start[shot] === item.frame ? shot : null;
    this.state.item = i;
    this.itemButtons.forEach((button, k) => button.setAttribute("aria-current", String(k === i)));
    this.itemButtons[i].scrollIntoView({ block: "nearest" });
    this.select({ boundary }, Math.max(0, item.frame));
    const place = { number: i + 1, n: this.material.items.length, message: item.message, step: item.step };
    const value = confidence(item.confidence);
    this.say(_("%(number)s of %(n)s: %(message)s (%(step)s, confidence %(value)s)", { ...place, value }));
  }

  /** Selects one of a boundary, a turn or a face, or nothing; and goes to `frame`. */
  select({ boundary = null, turn = null, face = null }, frame) {
    Object.assign(this.state, { boundary, turn, face });
    if (frame !== undefined) this.go(frame);
    this.describe();
    this.invalidate();
  }

  nextFace() {
    const faces = this.material.faceSpans.at(this.picture.target).filter(this.material.isFace);
    if (!faces.length) return this.say(_("No face is known in this frame."));
    return this.select({ face: faces[(faces.indexOf(this.state.face) + 1) % faces.length] });
  }

  toggleObjects() {
    this.state.objects = !this.state.objects;
    this.say(this.state.objects ? _("Objects are shown.") : _("Objects are hidden."));
    this.invalidate();
  }

  toggleWindow() {
    if (this.state.window) this.say(_("The vertical window is hidden."));
    else this.showWindow(_("The vertical window is shown."));
    this.state.window = !this.state.window;
    this.invalidate();
  }

  /** The kernel works out the window when it is first asked for. */
  showWindow(words) {
    if (words) this.say(this.material.framing.n ? words : _("The vertical window is looked up; this needs the kernel."));
    if (!this.material.framing.n) this.model.send({ do: "framing" });
    if (!words) this.state.window = true;
    this.invalidate();
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    (this.help.hidden ? this.root : this.help.querySelector("button")).focus({ preventScroll: true });
  }

  escape() {
    if (!this.help.hidden) return this.toggleHelp();
    return this.select({});
  }

  zoom(factor) {
    const x = this.view.x(this.picture.target + 0.5);
    this.view.zoom(Math.min(factor, 1e9), x >= 0 && x <= this.view.width ? x : this.view.width / 2);
    this.invalidate();
  }

  pan(share) {
    this.view.pan(share * (this.view.to - this.view.from));
    this.invalidate();
  }

  say(text, error = false) {
    this.status.textContent = text;
    this.status.classList.toggle("vp-error", error);
  }

  // the pointer

  clickPicture(event) {
    const { left, top, width } = this.frameBox.getBoundingClientRect();
    const scale = this.material.info.width / width;
    const [x, y] = [(event.clientX - left) * scale, (event.clientY - top) * scale];
    const inside = (face) => {
      const corners = this.material.corners(face, this.state.frame);
      return corners && x >= corners[0] && y >= corners[1] && x < corners[2] && y < corners[3];
    };
    const face = this.material.faceSpans.at(this.state.frame).filter(this.material.isFace).find(inside);
    this.root.focus({ preventScroll: true });
    if (face === undefined) this.toggle();
    else this.select({ face });
  }

  point(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const { x, y } = this.point(event);
    this.fingers ??= new Map();
    this.fingers.set(event.pointerId, x);
    this.held = { x, from: this.view.from, moved: this.fingers.size > 1, scrub: this.lanes.rowAt(y)?.kind === "ruler" };
    if (this.held.scrub) this.go(this.view.frame(x));
  }

  drag(event) {
    if (!this.fingers?.has(event.pointerId)) return;
    const { x } = this.point(event);
    if (this.fingers.size === 2) this.pinch(event.pointerId, x);
    this.fingers.set(event.pointerId, x);
    if (this.held.scrub) return this.go(this.view.frame(x));
    if (Math.abs(x - this.held.x) > 4) this.held.moved = true;
    if (this.held.moved && this.fingers.size === 1) {
      this.view.set(this.held.from - (x - this.held.x) / this.view.scale, this.view.to - this.view.from);
      this.invalidate();
    }
  }

  pinch(id, x) {
    const [other] = [...this.fingers].filter(([key]) => key !== id).map(([, at]) => at);
    const [before, after] = [Math.abs(this.fingers.get(id) - other), Math.abs(x - other)];
    if (before > 8 && after > 8) this.view.zoom(before / after, (x + other) / 2);
    this.held.from = this.view.from;
    this.invalidate();
  }

  release(event) {
    if (!this.fingers?.delete(event.pointerId) || this.fingers.size) return;
    const { x, y } = this.point(event);
    if (event.type === "pointerup" && !this.held.moved && !this.held.scrub) this.clickLane(x, this.lanes.rowAt(y));
  }

  /** Goes to the frame under the pointer, and selects what is there. */
  clickLane(x, row) {
    const { material, view } = this;
    const frame = view.frame(x);
    this.root.focus({ preventScroll: true });
    if (row?.kind === "review") {
      const near = material.items.findIndex((item) => Math.abs(view.x(Math.max(0, item.frame) + 0.5) - x) <= 6);
      if (near >= 0) return this.selectItem(near);
    }
    if (row?.kind === "shots") {
      const first = above(material.shots.start, view.from + (x - 5) / view.scale);
      const near = first < material.shots.n && Math.abs(view.x(material.shots.start[first]) - x) <= 5 ? first : 0;
      if (near) return this.select({ boundary: near }, material.shots.start[near]);
    }
    const spans = { turns: material.turnsOf.get(row?.speaker), faces: material.facesOf.get(row?.person) }[row?.kind];
    const name = { turns: "turn", faces: "face" }[row?.kind];
    return this.select(name ? { [name]: spans.at(frame)[0] ?? null } : {}, frame);
  }

  wheel(event) {
    const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) this.view.zoom(Math.exp(event.deltaY * 0.003), this.point(event).x);
    else if (Math.abs(along) > Math.abs(event.shiftKey ? 0 : event.deltaY)) this.view.pan(along / this.view.scale);
    else return;
    event.preventDefault();
    this.invalidate();
  }

  jumpOverview(event) {
    const { left, width } = this.overview.getBoundingClientRect();
    const span = this.view.to - this.view.from;
    this.view.set(((event.clientX - left) / width) * this.material.info.frames - span / 2, span);
    this.invalidate();
  }
}

function render({ model, el }) {
  const player = new Player(model, el);
  el.player = player; // for tests and for the console of the browser
  return () => player.destroy();
}

export default { render };
