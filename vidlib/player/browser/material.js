// The results of a video. Frames count from 0, and `stop` is not included.

import { Spans, above, decodeBoxes, spansBy, table } from "./columns.js";
import { _, speak } from "./words.js";

export const NOBODY = -1;
const COLUMNS = ["shots", "turns", "faces", "speaking", "words", "review"];
export const TRAITS = ["info", "boxes", "framing", ...COLUMNS];

/** The results of a video, as the model holds them now. */
export class Material {
  constructor(model) {
    this.info = model.get("info");
    speak(this.info);
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
    const { frame, percent, number } = this.review;
    const item = (i) => ({
      frame: frame[i],
      number: number[i],
      isAlike: number[i] === number[i - 1], // it asks the same of the same thing as the one before
      alike: number[i] === number[i - 1] ? 0 : number.lastIndexOf(number[i]) - i,
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
