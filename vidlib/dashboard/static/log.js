// The log of a run: its last lines, coloured by level, searchable.

import { html, useState } from "./preact.js";
import { _, clock } from "./words.js";

export function Log({ lines }) {
  const [text, setText] = useState("");
  const shown = lines.filter((line) => line.message.toLowerCase().includes(text.toLowerCase()));
  return html`<h3>${_("Log")}</h3>
    <input type="search" aria-label=${_("Search the log")} placeholder=${_("Search the log")} value=${text}
      onInput=${(event) => setText(event.target.value)} />
    <div class="log" role="log" aria-live="off" tabindex="0" aria-label=${_("Log")}>
      ${shown.map((line) => html`<p class=${line.level} key=${line.id}><time>${clock(line.at)}</time>${line.message}</p>`)}
    </div>`;
}
