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

function Problem({ problem, run, act, mayChange, base }) {
  const attempts = problem.attempts > 1 ? ngettext("%(n)s attempt", "%(n)s attempts", problem.attempts) : null;
  return html`<li class="problem">
    <div class="row">
      <p><b>${problem.video}</b>: ${problem.step} <${Badge} state=${problem.status} /> ${attempts}</p>
      ${mayChange && problem.retry && html`<button type="button" onClick=${() => act("retry", { run: run.id, step: problem.id })}>${_("Retry")}</button>`}
    </div>
    ${problem.remedy && html`<p>${problem.remedy}</p>`}
    <details><summary>${_("Details")}</summary>
      <p>${problem.kind && html`<code>${problem.kind}</code> `}${problem.message}</p>
      ${problem.url && html`<p><a href=${base + problem.url} target="_blank" rel="noopener">${_("Open its notebook")}</a></p>`}
    </details>
  </li>`;
}

function Problems({ problems, run, ...page }) {
  if (!problems.length) return null;
  const all = problems.some((problem) => problem.retry) && problems.length > 1;
  return html`<div class="row"><h3>${_("What failed")}</h3>
      ${all && page.mayChange && html`<button type="button" onClick=${() => page.act("retry", { run: run.id })}>${_("Retry all that failed")}</button>`}</div>
    <ul class="problems">${problems.map((problem) => html`<${Problem} key=${problem.id} problem=${problem} run=${run} ...${page} />`)}</ul>`;
}

const left = (seconds) => _("%(time)s left", { time: duration(seconds) });

function stepText({ status, progress, remaining, seconds }) {
  if (status === "running") return remaining === null ? percent(progress) : `${percent(progress)} · ${left(remaining)}`;
  return status === "done" && seconds !== null ? duration(seconds) : stateName(status);
}

function Step({ step, video, base, onCancel }) {
  const inside = html`<i style=${{ width: `${Math.floor(step.progress * 100)}%` }}></i><b>${step.name}</b><span>${stepText(step)}</span>`;
  const label = _("Cancel %(step)s of %(video)s", { step: step.name, video: video.name });
  return html`<div class="cell">
    ${step.url
      ? html`<a class="step ${step.status}" title=${step.note} href=${base + step.url} target="_blank" rel="noopener">${inside}</a>`
      : html`<div class="step ${step.status}" title=${step.note}>${inside}</div>`}
    ${onCancel && step.status === "running" && html`<button type="button" class="quiet" aria-label=${label} title=${label} onClick=${() => onCancel(step)}>×</button>`}
  </div>`;
}

function Video({ video, run, act, mayChange, base }) {
  const active = run.active && ["running", "waiting"].includes(video.state);
  const cancel = mayChange && active ? (fields) => act("cancel", { run: run.id, ...fields }) : null;
  const open = ({ target, text }) => html`<a href=${base + target} target="_blank" rel="noopener" aria-label=${`${text}: ${video.name}`}>${text}</a>`;
  return html`<li class="video">
    <div class="title">
      <b>${video.name}</b>
      <${Bar} part=${video.progress} state=${video.state} label=${video.name} />
      <span class="quiet">${video.state === "running" || video.state === "waiting" ? percent(video.progress) : stateName(video.state)}
        ${active && video.remaining !== null && html`<br />${left(video.remaining)}`}</span>
      <span class="links">
        ${video.report && html`<a href="#library?video=${video.sha256}" aria-label=${`${_("At a glance")}: ${video.name}`}>${_("At a glance")}</a>`}
        ${video.player && html`<a href="#video?sha256=${video.sha256}" aria-label=${`${_("Open player")}: ${video.name}`}>${_("Open player")}</a>`}
        ${video.report && open({ target: video.report, text: _("Open report") })}
        ${cancel && html`<button type="button" onClick=${() => cancel({ video: video.key })} aria-label=${`${_("Cancel")}: ${video.name}`}>${_("Cancel")}</button>`}
      </span>
    </div>
    <div class="steps">${video.steps.map((step) => html`<${Step} key=${step.id} step=${step} video=${video} base=${base}
      onCancel=${cancel && ((one) => cancel({ step: one.id }))} />`)}</div>
  </li>`;
}

function runText(run, seconds) {
  const time = duration(run.finished ? run.finished - run.started : seconds);
  if (!run.active) return _("%(time)s, started %(when)s", { time, when: moment(run.started) });
  const text = _("%(percent)s in %(time)s, since %(when)s", { percent: percent(run.progress), time, when: moment(run.started) });
  return run.remaining === null ? text : `${text} · ${left(run.remaining)}`;
}

function Title({ run, act, mayChange }) {
  const seconds = useSeconds(run.started, run.active);
  const mainState = run.cancelling ? "cancelling" : run.status;
  return html`<div class="run-title">
      <p><${Badge} state=${mainState} /> <b>${run.title}</b> ${run.variant && html`<span class="badge">${run.variant}</span>`}</p>
      <p class="quiet">${runText(run, seconds)}</p>
      ${mayChange && html`<div class="row">
        ${run.active && html`<button type="button" class="danger" disabled=${run.cancelling} onClick=${() => act("cancel", { run: run.id })}>
          ${run.cancelling ? _("Cancelling …") : _("Cancel run")}</button>`}
        ${run.unfinished && html`<button type="button" title=${_("execute the unfinished steps of this run")}
          onClick=${() => act("resume", { run: run.id })}>${_("Resume")}</button>`}
      </div>`}
    </div>
    <${Bar} part=${run.progress} state=${run.status} label=${_("Progress of the run")} wide />
    ${run.error && html`<p class="problem">${run.error}</p>`}
    ${run.notices.map((notice) => html`<p class="quiet" key=${notice}>${notice}</p>`)}`;
}

const STATES = ["failed", "running", "waiting", "done", "cancelled", "interrupted", "skipped"];

function Videos({ run, videos, query, go, ...page }) {
  const states = STATES.filter((state) => run.counts[state]);
  return html`
    ${states.length > 1 && html`<div class="row filter" role="group" aria-label=${_("Videos by state")}>
      <button type="button" aria-pressed=${!query.only} onClick=${() => go({ only: "", from: "" })}>${_("all")}</button>
      ${states.map((state) => html`<button type="button" key=${state} aria-pressed=${query.only === state}
        onClick=${() => go({ only: state, from: "" })}>${stateName(state)} ${number(run.counts[state])}</button>`)}
    </div>`}
    <ul class="videos">${videos.rows.map((video) => html`<${Video} key=${video.key} video=${video} run=${run} ...${page} />`)}</ul>
    <${Pager} list=${videos} label=${_("Parts of the list of videos")} onGo=${(from) => go({ from: from || "" })} />`;
}

export function Runs({ parts, ...page }) {
  const { run, starting } = parts;
  return html`<section class="card" aria-label=${_("Runs")}>
    <div class="row"><h2>${_("Runs")}</h2>${parts.runs.total > 0 && html`<${Choice} list=${parts.runs} shown=${run?.id} go=${page.go} />`}</div>
    ${starting && html`<div class="starting"><p><${Badge} state="starting" /> <b>${starting.join(", ")}</b></p><${Bar} part=${null} label=${_("starting")} wide /></div>`}
    ${!run && !starting && html`<p class="empty">${_("No runs yet. Select files of the inbox and press Run.")}</p>`}
    ${run && html`<div class="run" key=${run.id}>
      <${Title} run=${run} ...${page} />
      <${Problems} problems=${parts.problems} run=${run} ...${page} />
      <${Videos} run=${run} videos=${parts.videos} ...${page} />
      <${Log} lines=${parts.log} videos=${parts.videos.rows} ...${page} />
    </div>`}
  </section>`;
}
