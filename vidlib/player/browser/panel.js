// The panel beside the picture: what is at this frame, in words, and the items to check.

import { make, swatch } from "./elements.js";
import { clock } from "./time.js";
import { _, confidence, ngettext } from "./words.js";

const FIRST_ITEMS = 10; // those that are listed at first, as FIRST in vidlib/results/review.py

export class Panel {
  constructor(player) {
    this.player = player;
    this.here = player.page.here;
    this.list = player.page.list;
  }

  /** Shot, speakers and faces at this frame. They are built again only when they would differ. */
  describe() {
    const { material, state } = this.player;
    const shot = Math.max(0, material.shotAt(state.frame));
    const turns = material.turnSpans.at(state.frame);
    const faces = material.faceSpans.at(state.frame).filter(material.isFace);
    const speaking = faces.filter((face) => material.speaksAt(face, state.frame));
    const begins = state.boundary !== null && material.shots.start[state.boundary] === state.frame;
    const key = JSON.stringify([shot, turns, faces, speaking, state.boundary, state.turn, state.face, begins]);
    if (this.described === key && this.describedFor === material) return;
    [this.described, this.describedFor] = [key, material];
    const rows = [this.shot(shot), ...turns.map((turn) => this.turn(turn))];
    if (!turns.length) rows.push(make("div", { class: "vp-row vp-none" }, make("span", {}, _("Nobody speaks"))));
    rows.push(...faces.map((face) => this.face(face, speaking.includes(face))));
    this.here.replaceChildren(...rows);
  }

  /** A line of the panel, with the commands for it if it is `chosen`: `{id: label}`. */
  row(color, name, detail, chosen, select, acts) {
    const text = [color === undefined ? null : swatch(color), make("b", {}, name), make("span", {}, detail)];
    const head = make("button", { type: "button", class: "vp-what", "aria-pressed": String(chosen), onclick: select }, text);
    const shown = this.player.corrections ? Object.entries(acts) : [];
    const buttons = shown.map(([id, label]) => this.act(id, label));
    const more = buttons.length ? make("div", { class: "vp-acts" }, buttons) : null;
    return make("div", { class: chosen ? "vp-row vp-chosen" : "vp-row" }, head, more);
  }

  act(id, label) {
    const { keys, about } = this.player.command(id);
    const run = () => {
      this.player.focus();
      this.player.run(id);
    };
    return make("button", { type: "button", class: "vp-act", title: _(about), onclick: run }, make("kbd", {}, keys[0]), label);
  }

  shot(i) {
    const { player } = this;
    const { material, state } = player;
    const { shots, info } = material;
    const value = confidence(shots.percent[i] / 100);
    const found = { kind: _(info.kinds[shots.kind[i]]), frame: shots.start[i], value };
    const kind = i ? _("%(kind)s at %(frame)s, %(value)s", found) : _("first shot");
    const select = () => player.select({ boundary: i || null }, shots.start[i]);
    const name = _("Shot %(number)s of %(n)s", { number: i + 1, n: shots.n });
    const chosen = i > 0 && state.boundary === i;
    const acts = chosen ? { uncut: _("remove"), kind: _("type") } : { cut: _("begins here") };
    if (!chosen && state.boundary !== null) {
      acts.move = _("move the one of %(frame)s here", { frame: shots.start[state.boundary] });
    }
    if (chosen && shots.start[i] !== state.frame) acts.move = _("move here");
    return this.row(undefined, name, kind, chosen, select, acts);
  }

  turn(turn) {
    const { player } = this;
    const { turns } = player.material;
    const name = player.material.speakerName(turns.speaker[turn]);
    const detail = _("speaks %(start)s–%(stop)s", { start: clock(turns.start[turn]), stop: clock(turns.stop[turn]) });
    const color = player.colors.of(turns.speaker[turn]);
    const chosen = player.state.turn === turn;
    const acts = chosen ? { speaker: _("other speaker"), join: _("same as …"), name: _("name") } : {};
    return this.row(color, name, detail, chosen, () => player.select({ turn }), acts);
  }

  face(face, speaks) {
    const { player } = this;
    const { material } = player;
    const color = player.colors.of(material.personColor(material.faces.person[face]));
    const track = material.faces.track[face];
    const detail = speaks ? _("face %(track)s, speaks", { track }) : _("face %(track)s, silent", { track });
    const chosen = player.state.face === face;
    const acts = { speaks: speaks ? _("silent here") : _("speaks here"), same: _("same as …"), other: _("somebody else") };
    Object.assign(acts, { "no-face": _("no face"), name: _("name") });
    return this.row(color, material.faceName(face), detail, chosen, () => player.select({ face }), chosen ? acts : {});
  }

  listItems() {
    const { player } = this;
    const { items } = player.material;
    const total = items.at(-1)?.number ?? 0;
    const count = make("span", {}, total ? `${total} · n, p` : _("nothing"));
    const right = items.length && player.corrections ? this.act("confirm", _("right as it is")) : null;
    const head = make("h4", {}, make("span", {}, _("To check")), right, count);
    this.itemButtons = items.map((item, i) => this.item(item, i));
    this.itemList = make("div", { class: "vp-items" }, this.itemButtons, this.more(total - FIRST_ITEMS));
    this.list.replaceChildren(head, this.itemList);
    this.open(player.state.item);
  }

  /** The button that lists `n` more items. */
  more(n) {
    if (n <= 0) return null;
    const onclick = () => this.itemList.classList.add("vp-all");
    return make("button", { type: "button", class: "vp-more", onclick }, ngettext("%(n)s more item", "%(n)s more items", n));
  }

  /** Lists what is like the item that is selected, and all items if it is not among the first. */
  open(i) {
    const { items } = this.player.material;
    const number = items[i]?.number;
    this.itemButtons.forEach((button, k) => button.classList.toggle("vp-open", items[k].number === number));
    if (number > FIRST_ITEMS) this.itemList.classList.add("vp-all");
  }

  item(item, i) {
    const value = confidence(item.confidence);
    const about = {
      type: "button",
      class: `${item.isAlike ? "vp-alike" : ""} ${item.number > FIRST_ITEMS ? "vp-later" : ""}`,
      title: _("%(step)s, confidence %(value)s", { step: item.step, value }),
      "aria-current": String(i === this.player.state.item),
      onclick: () => this.player.selectItem(i),
    };
    const time = make("time", {}, item.frame < 0 ? _("all") : clock(item.frame));
    const alike = item.alike ? make("small", {}, ngettext("%(n)s more like it", "%(n)s more like it", item.alike)) : null;
    return make("button", about, time, make("span", {}, item.message, alike), make("em", {}, value));
  }

  /** Marks the item that is selected, and brings it into sight. */
  markItem(i) {
    this.itemButtons.forEach((button, k) => button.setAttribute("aria-current", String(k === i)));
    this.open(i);
    this.itemButtons[i].scrollIntoView({ block: "nearest" });
  }
}
