// The runs: the list of all of them, and the one on display.

import { html, useEffect, useState } from "./preact.js";
import { Badge, Bar, Pager, stateName } from "./parts.js";
import { Log } from "./log.js";
import { _, duration, moment, ngettext, number, percent } from "./words.js";

/** The seconds since `at`, counted by the browser, because the kernel sends nothing while nothing changes. */
function useSeconds(at, active) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, [active]);
  return Math.max(0, now - at);
}

function Choice({ list, shown, go }) {
  return html`<details class="runs">
    <summary>${ngettext("%(n)s run", "%(n)s runs", list.total)}</summary>
    <ul>
      ${list.rows.map(
        (run) => html`<li key=${run.id}>
          <button type="button" aria-pressed=${run.id === shown} onClick=${() => go({ run: run.id, from: "", only: "" })}>
            <${Badge} state=${run.status} /> <span class="name">${run.title}</span> <span class="quiet">${moment(run.started)}</span>
          </button></li>`,
      )}
    </ul>
    <${Pager} list=${list} label=${_("Parts of the list of runs")} onGo=${(from) => go({ runs: from || "" })} />
  </details>`;
}

function Problem({ problem, base }) {
  return html`<li class="problem">
    <p><b>${problem.video}</b>: ${problem.step} ${stateName(problem.status)}</p>
    ${problem.remedy && html`<p>${problem.remedy}</p>`}
    <details><summary>${_("Details")}</summary><p>${problem.message}</p>
      ${problem.url && html`<p><a href=${base + problem.url} target="_blank" rel="noopener">${_("Open its notebook")}</a></p>`}
    </details>
  </li>`;
}

function Step({ step, base }) {
  const text =
    step.status === "running" ? percent(step.progress) : step.seconds !== null && step.status === "done" ? duration(step.seconds) : stateName(step.status);
  const inside = html`<i style=${{ width: `${Math.floor(step.progress * 100)}%` }}></i><b>${step.name}</b><span>${text}</span>`;
  return step.url
    ? html`<a class="step ${step.status}" title=${step.note} href=${base + step.url} target="_blank" rel="noopener">${inside}</a>`
    : html`<div class="step ${step.status}" title=${step.note}>${inside}</div>`;
}

function Video({ video, base }) {
  return html`<li class="video">
    <div class="title">
      <b>${video.name}</b>
      <${Bar} part=${video.progress} state=${video.state} label=${video.name} />
      <span class="quiet">${video.state === "failed" ? stateName("failed") : percent(video.progress)}</span>
      <span class="links">
        ${video.player && html`<a href="${base}video?sha256=${video.sha256}" target="_blank" rel="noopener">${_("Open player")}</a>`}
        ${video.report && html`<a href=${base + video.report} target="_blank" rel="noopener">${_("Open report")}</a>`}
      </span>
    </div>
    <div class="steps">${video.steps.map((step) => html`<${Step} key=${step.id} step=${step} base=${base} />`)}</div>
  </li>`;
}

function Title({ run, act, mayChange }) {
  const seconds = useSeconds(run.started, run.active);
  const took = duration(run.finished ? run.finished - run.started : seconds);
  return html`<div class="run-title">
      <p><${Badge} state=${run.cancelling ? "cancelling" : run.status} /> <b>${run.title}</b></p>
      <p class="quiet">${run.active
        ? _("%(percent)s in %(time)s, since %(when)s", { percent: percent(run.progress), time: took, when: moment(run.started) })
        : _("%(time)s, started %(when)s", { time: took, when: moment(run.started) })}</p>
      ${mayChange && html`<div class="row">
        ${run.active && html`<button type="button" class="danger" disabled=${run.cancelling} onClick=${() => act("cancel", { run: run.id })}>
          ${run.cancelling ? _("Cancelling …") : _("Cancel")}</button>`}
        ${run.unfinished && html`<button type="button" title=${_("execute the unfinished steps of this run")}
          onClick=${() => act("resume", { run: run.id })}>${_("Resume")}</button>`}
      </div>`}
    </div>
    <${Bar} part=${run.progress} state=${run.status} label=${_("Progress of the run")} wide />
    ${run.error && html`<p class="problem">${run.error}</p>`}
    ${run.notices.map((notice) => html`<p class="quiet" key=${notice}>${notice}</p>`)}`;
}

const STATES = ["failed", "running", "waiting", "done", "cancelled", "interrupted", "skipped"];

function Videos({ run, videos, query, go, base }) {
  const states = STATES.filter((state) => run.counts[state]);
  return html`
    <div class="row filter" role="group" aria-label=${_("Videos by state")}>
      <button type="button" aria-pressed=${!query.only} onClick=${() => go({ only: "", from: "" })}>${_("all")}</button>
      ${states.map((state) => html`<button type="button" key=${state} aria-pressed=${query.only === state}
        onClick=${() => go({ only: state, from: "" })}>${stateName(state)} ${number(run.counts[state])}</button>`)}
    </div>
    <ul class="videos">${videos.rows.map((video) => html`<${Video} key=${video.key} video=${video} base=${base} />`)}</ul>
    <${Pager} list=${videos} label=${_("Parts of the list of videos")} onGo=${(from) => go({ from: from || "" })} />`;
}

export function Runs({ parts, query, go, act, mayChange, base }) {
  const { run, starting } = parts;
  return html`<section class="card" aria-label=${_("Runs")}>
    <div class="row"><h2>${_("Runs")}</h2>${parts.runs.total > 0 && html`<${Choice} list=${parts.runs} shown=${run?.id} go=${go} />`}</div>
    ${starting && html`<p><${Badge} state="starting" /> <b>${starting.join(", ")}</b></p><${Bar} part=${null} label=${_("starting")} wide />`}
    ${!run && !starting && html`<p class="empty">${_("No runs yet. Select files of the inbox and press Run.")}</p>`}
    ${run && !starting && html`<div class="run" key=${run.id}>
      <${Title} run=${run} act=${act} mayChange=${mayChange} />
      ${parts.problems.length > 0 && html`<h3>${_("What failed")}</h3>
        <ul class="problems">${parts.problems.map((problem) => html`<${Problem} key=${problem.id} problem=${problem} base=${base} />`)}</ul>`}
      <${Videos} run=${run} videos=${parts.videos} query=${query} go=${go} base=${base} />
      <${Log} lines=${parts.log} />
    </div>`}
  </section>`;
}
