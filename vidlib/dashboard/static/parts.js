// Small parts that several pages use: bars, badges, and the way through a long list.

import { html } from "./preact.js";
import { _, gettext, number, percent } from "./words.js";

/** The word for a state of a run, a video, a step or a download; `vidlib.results.states` has most of them. */
export function stateName(state) {
  const others = {
    cached: _("done before"), cancelling: _("cancelling"), downloading: _("downloading"), known: _("known"),
    manual: _("manual"), paused: _("paused"), starting: _("starting"),
  };
  return others[state] ?? gettext(state);
}

export const Badge = ({ state }) => html`<span class="badge ${state}">${stateName(state)}</span>`;

/** A bar for a share in [0, 1]; null where nobody knows how much is done. */
export function Bar({ part, label, state = "running", wide = false }) {
  const known = part !== null && part !== undefined;
  const value = known ? Math.floor(part * 100 + 1e-9) : undefined;
  return html`<div class="bar ${state} ${wide ? "wide" : ""} ${known ? "" : "waits"}" role="progressbar" aria-label=${label}
    aria-valuemin="0" aria-valuemax="100" aria-valuenow=${value} aria-valuetext=${known ? percent(part) : stateName(state)}>
    <i style=${known ? { width: `${value}%` } : {}}></i></div>`;
}

/** Buttons to the earlier and the later part of a list; `onGo(from)`. Nothing where all of it is shown. */
export function Pager({ list, onGo, label }) {
  const { total, from, per_page: size } = list;
  if (total <= size && from === 0) return null;
  const last = Math.min(from + size, total);
  return html`<nav class="pager" aria-label=${label}>
    <button type="button" disabled=${from === 0} onClick=${() => onGo(Math.max(0, from - size))}>${_("Back")}</button>
    <span>${_("%(first)s to %(last)s of %(total)s", { first: number(from + 1), last: number(last), total: number(total) })}</span>
    <button type="button" disabled=${last >= total} onClick=${() => onGo(from + size)}>${_("Next")}</button>
  </nav>`;
}
