// Two results of one video beside each other: boundaries, turns and tracks that are added, gone, moved or changed.

import { At } from "./glance.js";
import { html, useState } from "./preact.js";
import { _, moment, ngettext } from "./words.js";

const kindTitle = (kind, n) =>
  ({
    shots: () => ngettext("Shots: %(n)s change", "Shots: %(n)s changes", n),
    turns: () => ngettext("Turns: %(n)s change", "Turns: %(n)s changes", n),
    tracks: () => ngettext("Tracks: %(n)s change", "Tracks: %(n)s changes", n),
  })[kind]();

const changeName = (change) => ({ added: _("added"), removed: _("gone"), moved: _("moved"), changed: _("changed") })[change];

/** The name of a result: its time, the variant, and the parameters in which the results differ. */
function resultName(result) {
  const about = [result.variant && _("variant %(name)s", { name: result.variant }), ...result.params].filter(Boolean);
  return [moment(result.at), ...about].join(", ");
}

const Side = ({ side, player }) => (side ? html`<${At} at=${side} player=${player} /> – ${side.stop} ${side.text}` : "");

function Changes({ kind, player }) {
  if (!kind.total) return html`<h4>${kindTitle(kind.kind, 0)}</h4>`;
  return html`<h4>${kindTitle(kind.kind, kind.total)}</h4>
    <div class="table"><table class="changes">
      <thead><tr><th scope="col">${_("Change")}</th><th scope="col">${_("Before")}</th><th scope="col">${_("After")}</th></tr></thead>
      <tbody>${kind.rows.map((row, n) => html`<tr key=${n} class=${row.change}><th scope="row">${changeName(row.change)}</th>
        <td><${Side} side=${row.a} player=${player} /></td><td><${Side} side=${row.b} player=${player} /></td></tr>`)}</tbody>
    </table></div>
    ${kind.total > kind.rows.length && html`<p class="quiet">${_("Only the first changes are shown; vidlib compare lists all.")}</p>`}`;
}

export function Comparison({ video, player, act }) {
  const results = video.results ?? [];
  const [before, setBefore] = useState(results[1]?.run);
  const [after, setAfter] = useState(results[0]?.run);
  const [changes, setChanges] = useState(null);
  const [busy, setBusy] = useState(false);
  if (results.length < 2) return null;
  const compare = async () => {
    setBusy(true);
    setChanges(await act("compare", { sha256: video.sha256, a: before, b: after }));
    setBusy(false);
  };
  const choice = (label, value, choose) => html`<label class="field"><span>${label}</span>
    <select value=${value} onChange=${(event) => (choose(event.target.value), setChanges(null))}>
      ${results.map((result) => html`<option key=${result.run} value=${result.run} selected=${result.run === value}>${resultName(result)}</option>`)}
    </select></label>`;
  return html`<section class="comparison"><h3>${_("Compare two results")}</h3>
    <div class="row">${choice(_("Before"), before, setBefore)} ${choice(_("After"), after, setAfter)}
      <button type="button" disabled=${busy || before === after} onClick=${compare}>${busy ? _("Comparing …") : _("Compare")}</button></div>
    <div aria-live="polite">
      ${changes && changes.kinds.map((kind) => html`<${Changes} key=${kind.kind} kind=${kind} player=${player} />`)}
      ${changes && changes.missing.map((text) => html`<p class="quiet" key=${text}>${text}</p>`)}
    </div>
  </section>`;
}
