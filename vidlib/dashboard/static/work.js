// The page *Work*: the inbox, the downloads, and the runs.

import { Downloads } from "./downloads.js";
import { Inbox } from "./inbox.js";
import { html } from "./preact.js";
import { Runs } from "./runs.js";
import { _ } from "./words.js";

export const name = "work";
export const title = () => _("Work");

export function View(page) {
  return html`<div class="columns">
    <div class="stack">
      <${Inbox} ...${page} />
      <${Downloads} ...${page} />
    </div>
    <${Runs} ...${page} />
  </div>`;
}
