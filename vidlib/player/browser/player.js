// The player of a video: picture with faces, lanes on one time axis, and corrections by a person.
//
// `render({model, el})` is what anywidget calls. All data are traits of the model. The dashboard serves these modules as
// they are; for JupyterLab and for a page of its own, vidlib/player/bundle.py joins them into one.

import { COMMANDS, CORRECTING } from "./commands.js";
import { Corrections } from "./corrections.js";
import { Lanes } from "./lanes.js";
import { Material, TRAITS } from "./material.js";
import { Menu } from "./menu.js";
import { Overlay } from "./overlay.js";
import { Overview } from "./overview.js";
import { Page } from "./page.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { Pointer } from "./pointer.js";
import { address } from "./source.js";
import { Theme } from "./theme.js";
import { View } from "./view.js";
import { _, confidence, language } from "./words.js";

class Player {
  constructor(model, el) {
    this.model = model;
    this.material = new Material(model);
    this.state = { frame: 0, item: -1, boundary: null, turn: null, face: null, objects: false, window: false };
    const { info } = this.material;
    this.page = new Page(this, el, info);
    this.picture = new Picture(this.page.video, info.frames, (frame) => this.showFrame(frame));
    this.view = new View(info.frames);
    this.lanes = new Lanes(this.page.canvas, this.page.scroll, this.view);
    this.menu = new Menu(this.page.root);
    this.corrections = model.get("can_correct") ? new Corrections(this, model) : null;
    this.commands = this.corrections ? [...COMMANDS, ...CORRECTING] : COMMANDS;
    this.byKey = new Map(this.commands.flatMap((command) => command.keys.map((key) => [key, command])));
    this.page.listKeys(this.commands);
    this.panel = new Panel(this);
    this.overlay = new Overlay(this);
    this.overview = new Overview(this);
    this.pointer = new Pointer(this, this.page.canvas);
    this.theme = new Theme(this.page.root, () => this.colors.paper && this.refresh());
    this.listen();
    this.refresh();
    this.open();
  }

  get colors() {
    return this.theme.colors;
  }

  listen() {
    this.page.root.addEventListener("keydown", (event) => this.key(event));
    this.page.scroll.addEventListener("scroll", () => this.invalidate());
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.page.scroll);
    this.resized.observe(this.page.picture);
    this.onData = () => {
      this.stale ??= queueMicrotask(() => this.reload()) ?? true;
    };
    for (const name of TRAITS) this.model.on(`change:${name}`, this.onData);
  }

  destroy() {
    this.picture.pause();
    this.corrections?.destroy();
    this.resized.disconnect();
    this.theme.destroy();
    for (const name of TRAITS) this.model.off(`change:${name}`, this.onData);
    if (this.page.video.src.startsWith("blob:")) URL.revokeObjectURL(this.page.video.src);
  }

  async open() {
    const { video, notice } = this.page;
    const percent = (share) => share.toLocaleString(language, { style: "percent" });
    const part = (share) => (notice.textContent = _("Loading through the kernel: %(share)s", { share: percent(share) }));
    const loaded = () => {
      notice.hidden = true;
      this.showAddress();
    };
    video.addEventListener("loadeddata", loaded, { once: true });
    video.addEventListener("error", () => {
      notice.hidden = false;
      const why = video.error?.message || _("unknown reason");
      notice.textContent = _("The browser cannot play this video: %(why)s", { why });
    });
    video.src = await address(this.model, part);
  }

  /** Shows the frame that the address names, as `#frame=41` or `#video?…&frame=41`: items of a report link to it. */
  showAddress() {
    const [, frame] = /[#&]frame=(\d+)$/.exec(location.hash) ?? [];
    if (frame) this.picture.seek(Number(frame));
  }

  // data and drawing

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
    this.panel.describe();
  }

  refresh() {
    this.material.ready.then(() => this.invalidate());
    this.lanes.layOut(this.material);
    this.page.nameLanes(this.lanes, this.material, this.colors);
    this.page.showFacts(this.material.info);
    this.panel.listItems();
    this.resize();
  }

  resize() {
    if (!this.colors.paper) {
      this.theme.read(); // Voilà attaches the element only after `render`
      if (this.colors.paper) return this.refresh();
    }
    const { scroll, space, canvas } = this.page;
    const height = Math.min(this.lanes.height, scroll.clientHeight || this.lanes.height);
    this.lanes.resize(Math.max(50, space.clientWidth), height);
    canvas.style.height = `${height}px`;
    this.view.set(this.view.from, this.view.to - this.view.from);
    const ratio = window.devicePixelRatio || 1;
    this.overlay.resize(ratio);
    this.overview.resize(ratio);
    return this.draw();
  }

  invalidate() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    this.lanes.draw(this.state, this.colors);
    this.overview.draw();
    this.overlay.draw();
  }

  showFrame(frame) {
    const { view, picture } = this;
    if (!view) return;
    this.state.frame = frame;
    if (picture.rate && frame >= view.to) view.reveal(frame, 0.05);
    else if (picture.rate && frame < view.from) view.reveal(frame, 0.95);
    this.page.showFrame(frame, this.material.info.frames, picture.rate);
    this.panel.describe();
    this.invalidate();
  }

  say(text, error) {
    this.page.say(text, error);
  }

  focus() {
    this.page.root.focus({ preventScroll: true });
  }

  // commands

  command(id) {
    return this.commands.find((command) => command.id === id);
  }

  run(id) {
    this.command(id).run(this);
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
    const { video, muteButton } = this.page;
    video.muted = !video.muted;
    muteButton.classList.toggle("vp-off", video.muted);
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
    this.panel.markItem(i);
    this.select({ boundary }, Math.max(0, item.frame));
    const n = this.material.items.at(-1).number;
    const place = { number: item.number, n, message: item.message, step: item.step };
    const value = confidence(item.confidence);
    this.say(_("%(number)s of %(n)s: %(message)s (%(step)s, confidence %(value)s)", { ...place, value }));
  }

  /** Selects one of a boundary, a turn or a face, or nothing; and goes to `frame`. */
  select({ boundary = null, turn = null, face = null }, frame) {
    Object.assign(this.state, { boundary, turn, face });
    if (frame !== undefined) this.go(frame);
    this.panel.describe();
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
    this.page.toggleHelp();
  }

  escape() {
    if (!this.page.help.hidden) return this.toggleHelp();
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
}

function render({ model, el }) {
  const player = new Player(model, el);
  el.player = player; // for tests and for the console of the browser
  return () => player.destroy();
}

export default { render };
