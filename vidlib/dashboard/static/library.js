// The page *Library*: all videos with a search, and one of them at a glance.

import { Comparison } from "./comparison.js";
import { Glance } from "./glance.js";
import { html, useEffect, useRef, useState } from "./preact.js";
import { Badge, Pager, stateName } from "./parts.js";
import { _, duration, moment, ngettext, number } from "./words.js";

export const name = "library";
export const title = () => _("Library");

const TYPING_MS = 250;
const STATES = ["done", "running", "failed", "refused", "cancelled", "interrupted", "skipped", "archived"];

/** The field of the search; it asks once nobody has typed for a moment. */
function Search({ query, go }) {
  const [text, setText] = useState(query.text ?? "");
  const timer = useRef(0);
  const asked = useRef(query.text ?? "");
  const latest = useRef(go);
  latest.current = go; // the address may have changed since somebody typed
  useEffect(() => {
    if ((query.text ?? "") !== asked.current) setText((asked.current = query.text ?? ""));
  }, [query.text]);
  const ask = (value) => {
    asked.current = value;
    latest.current({ text: value, from: "" });
  };
  const type = (value) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => ask(value), TYPING_MS);
  };
  return html`<form class="row search" role="search" onSubmit=${(event) => (event.preventDefault(), ask(text))}>
    <label class="field"><span>${_("Search")}</span>
      <input type="search" value=${text} maxlength="500" onInput=${(event) => type(event.target.value)}
        aria-describedby="search-help" /></label>
    <label class="field sort"><span>${_("Sort by")}</span>
      <select value=${query.sort ?? "-date"} onChange=${(event) => go({ sort: event.target.value, from: "" })}>
        <option value="-date">${_("newest first")}</option>
        <option value="date">${_("oldest first")}</option>
        <option value="name">${_("name")}</option>
        <option value="project">${_("project")}</option>
        <option value="state">${_("state")}</option>
      </select></label>
  </form>
  <p class="quiet" id="search-help">${_("A name, project, date, SHA-256, person or words; exactly one of them:")}
    ${" "}<code>person:"A. Martin"</code> <code>says:budget</code> <code>project:spring</code> <code>date:2026-11</code></p>`;
}

function States({ list, query, go }) {
  const all = Object.values(list.states).reduce((sum, count) => sum + count, 0);
  const choose = (state) => go({ state, from: "" });
  return html`<div class="row filter" role="group" aria-label=${_("Videos by state")}>
    <button type="button" aria-pressed=${!query.state} onClick=${() => choose("")}>${_("all")} ${number(all)}</button>
    ${STATES.filter((state) => list.states[state] || state === query.state).map(
      (state) => html`<button type="button" key=${state} aria-pressed=${query.state === state} onClick=${() => choose(state)}>
        ${stateName(state)} ${number(list.states[state] ?? 0)}</button>`,
    )}
  </div>`;
}

const playerAddress = (sha256, frame) => `#video?sha256=${sha256}${frame === undefined ? "" : `&frame=${frame}`}`;

function Places({ video }) {
  if (!video.places.length) return null;
  const more = video.n_places - video.places.length;
  return html`<ul class="places">
    ${video.places.map(
      (place) => html`<li key=${place.frame + place.text}>${video.player
        ? html`<a href=${playerAddress(video.sha256, place.frame)}>${place.time}</a>`
        : place.time} ${place.text}</li>`,
    )}
    ${more > 0 && html`<li class="quiet">${ngettext("and %(n)s more place", "and %(n)s more places", more)}</li>`}
  </ul>`;
}

function Row({ video, shown, go, base }) {
  const { duration_s: seconds, shots, people, speakers, doubts } = video.figures;
  const figure = (value) => html`<td class="figure">${value ?? ""}</td>`;
  return html`<tr class=${video.sha256 === shown ? "shown" : ""}>
    <th scope="row">
      ${video.sha256
        ? html`<button type="button" class="link name" aria-expanded=${video.sha256 === shown}
            onClick=${() => go({ video: video.sha256 === shown ? "" : video.sha256 })}>${video.name}</button>`
        : html`<span class="name">${video.name}</span>`}
      <div class="quiet">${video.project}</div>
      ${video.problem && html`<p class="why">${video.problem}</p>`}
      <${Places} video=${video} />
    </th>
    <td><${Badge} state=${video.state} /></td>
    <td class="when">${moment(video.at)}</td>
    ${figure(seconds === null || seconds === undefined ? "" : duration(seconds))}
    ${[shots, people, speakers, doubts].map(figure)}
    <td class="links">
      ${video.player && html`<a href=${playerAddress(video.sha256)}
        aria-label=${_("Open player of %(name)s", { name: video.name })}>${_("Player")}</a>`}
      ${video.report && html`<a href=${base + video.report} target="_blank" rel="noopener"
        aria-label=${_("Open report of %(name)s", { name: video.name })}>${_("Report")}</a>`}
    </td>
  </tr>`;
}

function Table({ list, query, go, base }) {
  const columns = [_("Video"), _("State"), _("Date"), _("Length"), _("Shots"), _("People"), _("Speakers"), _("To check")];
  return html`<div class="table"><table class="library">
    <caption class="hidden">${_("Videos")}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col" key=${column}>${column}</th>`)}
      <th scope="col"><span class="hidden">${_("Open")}</span></th></tr></thead>
    <tbody>${list.rows.map(
      (video) => html`<${Row} key=${video.sha256 || video.name} video=${video} shown=${query.video} go=${go} base=${base} />`,
    )}</tbody>
  </table></div>`;
}

/** One video on display: what its report shows, and two of its results compared. */
function Video({ video, go, act, base }) {
  const heading = useRef(null);
  useEffect(() => heading.current?.focus(), [video.sha256]);
  const player = (frame) => (video.player ? playerAddress(video.sha256, frame) : null);
  return html`<section class="card glance" aria-labelledby="glance">
    <div class="row">
      <h2 id="glance" tabindex="-1" ref=${heading}>${video.unknown ? video.sha256.slice(0, 12) : video.name}</h2>
      ${!video.unknown && html`<${Badge} state=${video.state} />`}
      <span class="links">
        ${video.player && html`<a href=${player()}>${_("Open player")}</a>`}
        ${video.report && html`<a href=${base + video.report} target="_blank" rel="noopener">${_("Open report")}</a>`}
        ${video.run && html`<a href="#work?run=${video.run}">${_("Its run")}</a>`}
      </span>
      <button type="button" class="quiet" aria-label=${_("Close")} onClick=${() => go({ video: "" })}>×</button>
    </div>
    ${video.unknown
      ? html`<p class="empty">${_("Neither the history nor the archive knows this video.")}</p>`
      : html`<${Glance} video=${video} player=${player} />
          <${Comparison} key=${video.sha256} video=${video} player=${player} act=${act} />`}
  </section>`;
}

export function View({ parts, query, go, act, base }) {
  const { list, video } = parts;
  const filtered = query.text || query.state;
  return html`<div class="stack">
    ${video && html`<${Video} video=${video} go=${go} act=${act} base=${base} />`}
    <section class="card" aria-label=${_("Videos")}>
      <h2>${_("Videos")}</h2>
      <${Search} query=${query} go=${go} />
      ${list.problem && html`<p class="todo" role="status">${list.problem}</p>`}
      ${list.indexing && html`<p class="quiet" role="status">${_("The index of the archive is being brought up to date; more may be found then.")}</p>`}
      ${!list.problem && html`<${States} list=${list} query=${query} go=${go} />`}
      ${list.rows.length > 0 && html`<${Table} list=${list} query=${query} go=${go} base=${base} />`}
      ${!list.problem && list.rows.length === 0 && html`<p class="empty" role="status">${filtered
        ? _("No video fulfils this search.") : _("No videos yet. Process a delivery on the page Work.")}</p>`}
      <${Pager} list=${list} label=${_("Parts of the list of videos")} onGo=${(from) => go({ from: from || "" })} />
    </section>
  </div>`;
}
