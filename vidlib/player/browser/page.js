// The elements of the player, and what is written in them beside the panel.

import { ICONS, icon, make, swatch } from "./elements.js";
import { clock, timecode } from "./time.js";
import { _, language, ngettext } from "./words.js";

export class Page {
  /** Builds the elements of `player` within `el`. */
  constructor(player, el, info) {
    this.player = player;
    this.facts = make("span");
    this.video = make("video", { playsinline: true, preload: "auto", tabindex: -1 });
    this.overlay = make("canvas", { class: "vp-overlay", "aria-hidden": "true" });
    this.notice = make("div", { class: "vp-notice" }, _("Loading…"));
    this.picture = make("div", { class: "vp-picture" }, this.video, this.overlay, this.notice);
    this.here = make("section", { class: "vp-here", "aria-label": _("At this frame") });
    this.list = make("section", { class: "vp-check", "aria-label": _("Items to check") });
    const side = make("aside", { class: "vp-side" }, this.here, this.list);
    const style = `--ratio:${info.width / info.height}`;
    const body = make("div", { class: "vp-body", style }, this.picture, side, this.buildBar(), this.buildLanes(info));
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
    el.append(make("div", { class: "vp-around" }, this.root));
  }

  button(id, about) {
    const label = id in ICONS ? icon(id) : "?";
    const run = () => {
      this.player.run(id);
      this.player.focus();
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

  buildLanes({ frames }) {
    const slider = { tabindex: 0, role: "slider", "aria-label": _("Position in time") };
    this.canvas = make("canvas", { ...slider, "aria-valuemin": 0, "aria-valuemax": frames - 1 });
    this.gutter = make("div", { class: "vp-gutter" });
    this.space = make("div", { class: "vp-space" }, this.canvas);
    this.scroll = make("div", { class: "vp-scroll" }, this.gutter, this.space);
    this.overview = make("canvas", { class: "vp-overview", "aria-hidden": "true" });
    return make("div", { class: "vp-lanes" }, this.scroll, this.overview);
  }

  /** The keys of all commands, by group. */
  listKeys(commands) {
    const groups = [...new Set(commands.map((command) => command.group))];
    const row = ({ shown, keys, about }) => make("li", {}, make("kbd", {}, shown ?? keys[0]), _(about));
    const list = (group) => commands.filter((command) => command.group === group).map(row);
    const more = _("Ctrl and the wheel zoom; Shift and the wheel, or dragging, move along the time axis.");
    const close = make("button", { type: "button", onclick: () => this.toggleHelp() }, _("Close the keys"));
    const columns = groups.map((group) => make("section", {}, make("h4", {}, _(group)), make("ul", {}, list(group))));
    this.help.replaceChildren(make("div", { class: "vp-columns" }, columns), make("p", {}, more), close);
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    (this.help.hidden ? this.root : this.help.querySelector("button")).focus({ preventScroll: true });
  }

  /** The size and length of the video, and how much people decided. */
  showFacts({ width, height, fps, frames, decisions }) {
    const counted = decisions ? ` · ${ngettext("%(n)s decision by a person", "%(n)s decisions by a person", decisions)}` : "";
    this.facts.textContent = `${width}×${height} · ${fps} fps · ${clock(frames)}${counted}`;
  }

  /** The names of the lanes beside them. */
  nameLanes(lanes, material, colors) {
    const label = (row) => {
      const person = row.kind === "faces" ? material.personColor(row.person) : undefined;
      const color = row.kind === "turns" ? row.speaker : person;
      const style = `top:${row.y}px;height:${row.height}px`;
      const mark = color === undefined ? null : swatch(colors.of(color));
      return make("div", { class: `vp-label vp-${row.kind}`, style, title: row.name }, mark, make("span", {}, row.name));
    };
    this.gutter.style.height = this.space.style.height = `${lanes.height}px`;
    this.gutter.replaceChildren(make("div", { class: "vp-corner" }), ...lanes.rows.slice(1).map(label));
  }

  /** The frame on the screen as a number and time code, and whether the video plays. */
  showFrame(frame, frames, rate) {
    this.clock.value = timecode(frame);
    this.number.value = `${frame} / ${frames}${rate && rate !== 1 ? ` · ${rate}×` : ""}`;
    this.canvas.setAttribute("aria-valuenow", frame);
    this.canvas.setAttribute("aria-valuetext", timecode(frame));
    this.root.dataset.frame = frame;
    const playing = String(rate !== 0);
    if (this.playButton.dataset.playing === playing) return;
    this.playButton.dataset.playing = playing;
    this.playButton.replaceChildren(icon(rate ? "pause" : "play"));
  }

  say(text, error = false) {
    this.status.textContent = text;
    this.status.classList.toggle("vp-error", error);
  }
}
