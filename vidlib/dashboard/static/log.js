// The log of a run, or of some of its steps: its last lines, coloured, searchable.

import { stateName } from "./parts.js";
import { html, useState } from "./preact.js";
import { _, clock } from "./words.js";

const COLORS = { 1: "strong", 31: "red", 32: "green", 33: "amber", 34: "blue", 35: "blue", 36: "blue" };

/** The colours that a program gives a terminal, as elements; other codes of a terminal are left out. */
function colored(text) {
  const pieces = text.split(/\x1b\[([\d;]*)m/);
  let names = [];
  return pieces.map((piece, i) => {
    if (i % 2 === 0) return names.length ? html`<span class=${names.join(" ")}>${piece}</span>` : piece;
    for (const code of piece.split(";")) names = code in COLORS ? [...names, COLORS[code]] : [];
    return null;
  });
}

export function Log({ lines, videos, query, go }) {
  const [text, setText] = useState("");
  const shown = lines.filter((line) => line.message.toLowerCase().includes(text.toLowerCase()));
  const steps = [...new Set(videos.flatMap((video) => video.steps.map((step) => step.name)))];
  return html`<h3>${_("Log")}</h3>
    <div class="row">
      <select aria-label=${_("Video")} value=${query.video ?? ""} onChange=${(event) => go({ video: event.target.value })}>
        <option value="">${_("all videos")}</option>
        ${videos.map((video) => html`<option value=${video.key} key=${video.key}>${video.name} (${stateName(video.state)})</option>`)}
      </select>
      <select aria-label=${_("Step")} value=${query.step ?? ""} onChange=${(event) => go({ step: event.target.value })}>
        <option value="">${_("all steps")}</option>
        ${steps.map((step) => html`<option value=${step} key=${step}>${step}</option>`)}
      </select>
      <input type="search" aria-label=${_("Search the log")} placeholder=${_("Search the log")} value=${text}
        onInput=${(event) => setText(event.target.value)} />
    </div>
    <div class="log" role="log" aria-live="off" tabindex="0" aria-label=${_("Log")}>
      ${shown.map((line) => html`<p class=${line.level} key=${line.id}><time>${clock(line.at)}</time>${colored(line.message)}</p>`)}
      ${!shown.length && html`<p class="quiet">${lines.length ? _("No line has this text.") : _("No lines yet.")}</p>`}
    </div>`;
}
