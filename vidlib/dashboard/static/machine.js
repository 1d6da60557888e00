// The page *Machine*: the load now and in the last hour, what it works on, its disk, and the check.

import { Bar } from "./parts.js";
import { html } from "./preact.js";
import { _, bytes, clock, duration, ngettext, percent } from "./words.js";

export const name = "machine";
export const title = () => _("Machine");

const HIGH = 0.9;
const [WIDTH, HEIGHT] = [300, 56];
const STATES = { ok: () => _("in order"), missing: () => _("missing"), optional: () => _("not there, and not needed") };

/** The share over the last hour as a line; a dashed line marks what is high. A gap is a time without samples. */
function Sparkline({ label, hour, share }) {
  const points = hour.samples.map((sample) => [sample.at, share(sample)]).filter(([, part]) => part !== null);
  if (!points.length) return null;
  const x = (at) => WIDTH * (1 - (hour.now - at) / hour.span);
  const y = (part) => HEIGHT - 1 - (HEIGHT - 2) * Math.min(1, part);
  const path = points.map(([at, part], n) => {
    const gap = n === 0 || at - points[n - 1][0] > 90;
    return `${gap ? "M" : "L"}${x(at).toFixed(1)} ${y(part).toFixed(1)}`;
  });
  const now = points.at(-1)[1];
  const most = Math.max(...points.map(([, part]) => part));
  const said = _("%(name)s: now %(now)s, at most %(most)s in the last hour", { name: label, now: percent(now), most: percent(most) });
  return html`<figure class="spark ${most >= HIGH ? "high" : ""}">
    <figcaption>${label} <b>${percent(now)}</b> <span class="quiet">${_("at most %(share)s", { share: percent(most) })}</span></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${said}>
      <line x1="0" x2=${WIDTH} y1=${y(HIGH)} y2=${y(HIGH)} />
      <path d=${path.join("")} />
    </svg>
  </figure>`;
}

function Hour({ hour }) {
  const lines = [
    [_("CPU"), (sample) => sample.cpu],
    [_("Memory"), (sample) => sample.memory],
    [_("GPU"), (sample) => sample.gpu],
    [_("Disk"), (sample) => sample.disk_used / sample.disk_total],
  ];
  return html`<section class="card" aria-label=${_("The last hour")}>
    <h2>${_("The last hour")}</h2>
    ${hour.samples.length === 0 && html`<p class="empty">${_("No measurements yet. The dashboard takes one every twenty seconds.")}</p>`}
    <div class="sparks">${lines.map(([label, share]) => html`<${Sparkline} key=${label} label=${label} hour=${hour} share=${share} />`)}</div>
  </section>`;
}

function Disk({ disk }) {
  if (!disk) return null;
  const scarce = disk.free < disk.needed;
  return html`<section class="card ${scarce ? "high" : ""}" aria-label=${_("Disk")}>
    <h2>${_("Disk")}</h2>
    <p>${_("%(free)s of %(total)s are free", { free: bytes(disk.free), total: bytes(disk.total) })} <span class="quiet name">${disk.folder}</span></p>
    <${Bar} part=${1 - disk.free / disk.total} state=${scarce ? "failed" : "running"} label=${_("Disk")} wide />
    <p class="quiet">${disk.full_in_s === null
      ? _("It does not fill up at the pace of the last hour.")
      : _("It is full in %(time)s, at the pace of the last hour.", { time: duration(disk.full_in_s) })}</p>
    ${scarce && html`<p class="todo">${_("An hour of video may not fit. Free at least %(space)s: archive finished projects, or use vidlib clean.", { space: bytes(disk.needed) })}</p>`}
  </section>`;
}

function Process({ process }) {
  const own = process.here ? [ngettext("%(n)s kernel", "%(n)s kernels", process.kernels), bytes(process.memory_bytes)] : [];
  const lanes = ngettext("%(n)s lane in use", "%(n)s lanes in use", process.steps.length);
  const about = [_("process %(pid)s", { pid: process.pid }), ...own, lanes];
  return html`<li class="process">
    <p><b>${process.host}</b> <span class="quiet">${about.join(" · ")}</span></p>
    <ul>${process.steps.map((step) => html`<li key=${step.run + step.video + step.step}>
      <p><a href=${`#work?run=${encodeURIComponent(step.run)}`}>${step.video}</a> · ${step.step} <span class="quiet">${percent(step.progress)}${
        step.remaining_s === null ? "" : ` · ${_("about %(time)s left", { time: duration(step.remaining_s) })}`}</span></p>
      <${Bar} part=${step.progress} label=${`${step.video} ${step.step}`} />
    </li>`)}</ul>
  </li>`;
}

function Work({ work }) {
  return html`<section class="card" aria-label=${_("Kernels and lanes")}>
    <h2>${_("Kernels and lanes")}</h2>
    ${work.length === 0 && html`<p class="empty">${_("Nothing runs.")}</p>`}
    <ul>${work.map((process) => html`<${Process} key=${process.host + process.pid} process=${process} />`)}</ul>
  </section>`;
}

function Finding({ finding }) {
  return html`<li class="finding ${finding.state}"><b>${finding.name}</b> <span class="state">${STATES[finding.state]()}</span>
    <span class="quiet name">${finding.detail}</span>${finding.state !== "ok" && finding.fix && html`<p class="fix name">${finding.fix}</p>`}</li>`;
}

function Check({ check, act }) {
  const found = check.findings ?? [];
  const wrong = found.filter((finding) => finding.state !== "ok");
  const right = found.filter((finding) => finding.state === "ok");
  return html`<section class="card" aria-label=${_("Models, encoders and programs")}>
    <div class="row"><h2>${_("Models, encoders and programs")}</h2>
      <button type="button" disabled=${check.running} onClick=${() => act("check")}>${check.running ? _("Checking …") : _("Check again")}</button>
      ${check.at && html`<span class="quiet">${_("checked at %(time)s", { time: clock(check.at) })}</span>`}</div>
    <ul>${wrong.map((finding) => html`<${Finding} key=${finding.name} finding=${finding} />`)}</ul>
    ${right.length > 0 && html`<details open=${wrong.length === 0}><summary>${ngettext("%(n)s part is in order", "%(n)s parts are in order", right.length)}</summary>
      <ul>${right.map((finding) => html`<${Finding} key=${finding.name} finding=${finding} />`)}</ul></details>`}
  </section>`;
}

export function View({ parts, act }) {
  return html`<div class="machine">
    <${Hour} hour=${parts.hour} />
    <${Work} work=${parts.work} />
    <${Disk} disk=${parts.disk} />
    <${Check} check=${parts.check} act=${act} />
  </div>`;
}
