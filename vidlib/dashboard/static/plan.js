// The plan of a run before it begins: what it would do, why, and how long that takes.

import { html } from "./preact.js";
import { _, duration, ngettext } from "./words.js";

function doesName(does) {
  return { run: _("runs"), done: _("done already"), keep: _("kept"), unknown: _("not known yet") }[does] ?? does;
}

function Row({ row, name }) {
  return html`<tr>
    <td>${name}</td><td>${row.step}</td>
    <td><span class="badge ${row.does === "run" ? "running" : row.does}">${doesName(row.does)}</span></td>
    <td>${row.reason}</td><td class="number">${row.does === "run" && row.seconds !== null ? duration(row.seconds) : ""}</td>
  </tr>`;
}

export function Plan({ plan, onClose }) {
  const { counts, seconds, total, videos } = plan;
  const work = ngettext("%(n)s step runs", "%(n)s steps run", counts.run);
  const done = ngettext("%(n)s is done already", "%(n)s are done already", counts.done);
  const time = seconds === null ? _("the time is not known yet") : _("about %(time)s of work on this machine", { time: duration(seconds) });
  return html`<section class="card plan" aria-label=${_("Plan")}>
    <div class="row"><h2>${_("Plan")}</h2><p role="status">${_("%(work)s, %(done)s: %(time)s", { work, done, time })}</p>
      <button type="button" onClick=${onClose}>${_("Close the plan")}</button></div>
    <div class="scroll" tabindex="0" role="region" aria-label=${_("Steps of the plan")}><table>
      <thead><tr><th>${_("Video")}</th><th>${_("Step")}</th><th>${_("What happens")}</th><th>${_("Why")}</th><th>${_("Time")}</th></tr></thead>
      <tbody>${videos.flatMap((video) => video.rows.map((row, i) => html`<${Row} key=${`${video.name} ${i}`} row=${row} name=${i ? "" : video.name} />`))}</tbody>
    </table></div>
    ${total > videos.length && html`<p class="quiet">${ngettext("%(n)s more video", "%(n)s more videos", total - videos.length)}</p>`}
  </section>`;
}
