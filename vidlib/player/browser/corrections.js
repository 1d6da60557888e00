// Corrections by a person.

import { clock } from "./time.js";
import { _ } from "./words.js";

const ANSWER_MS = 15000;

/** What a person decides, sent to the kernel, which saves it and sends the data that follow from it. */
export class Corrections {
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
