// The page *Work*: the inbox, the downloads, and the runs; before a run its plan.

import { useChoice } from "./before_run.js";
import { Downloads } from "./downloads.js";
import { Inbox } from "./inbox.js";
import { Plan } from "./plan.js";
import { html, useState } from "./preact.js";
import { Runs } from "./runs.js";
import { _ } from "./words.js";

export const name = "work";
export const title = () => _("Work");

export function View(page) {
  const [choice, setChoice] = useChoice(page.parts.profiles);
  const [plan, setPlan] = useState(null);
  const decide = (next) => {
    setPlan(null); // it was for another decision
    setChoice(next);
  };
  return html`<div class="columns">
    <div class="stack">
      <${Inbox} ...${page} choice=${choice} setChoice=${decide} setPlan=${setPlan} />
      <${Downloads} ...${page} />
    </div>
    <div class="stack">
      ${plan && html`<${Plan} plan=${plan} onClose=${() => setPlan(null)} />`}
      <${Runs} ...${page} />
    </div>
  </div>`;
}
