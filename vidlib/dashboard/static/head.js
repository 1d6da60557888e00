// The head of the dashboard: the pages, the load of the machine, language and colours, and who is signed in.

import { html, useState } from "./preact.js";
import { prefer, preference } from "./preferences.js";
import { _, bytes, currentLanguage, LANGUAGES, percent } from "./words.js";

const HIGH = 0.9;

/** Applies the chosen colours; without a choice, the browser's wish decides. */
export function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

setTheme(preference("theme"));

function Meter({ name, part, text, title, high }) {
  return html`<div class="meter ${high ? "high" : ""}" title=${title}>
    <span>${name}</span><b>${text}</b>
    <div class="bar" role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(part * 100)}><i style=${{ width: `${part * 100}%` }}></i></div>
  </div>`;
}

function Space({ name, used, total, title }) {
  const part = total ? used / total : 0;
  return html`<${Meter} name=${name} part=${part} title=${title} high=${part >= HIGH}
    text=${`${bytes(used)} / ${bytes(total)}`} />`;
}

function Meters({ load }) {
  return html`<div class="meters">
    <${Meter} name=${_("CPU")} part=${load.cpu} text=${percent(load.cpu)} />
    <${Space} name=${_("Memory")} used=${load.memory.used} total=${load.memory.total} />
    ${load.disks.map((disk) => html`<${Space} name=${_("Disk")} key=${disk.folder} title=${disk.folder} ...${disk} />`)}
    ${load.gpus.map(
      (gpu) => html`<${Meter} name=${_("GPU")} part=${gpu.part} text=${percent(gpu.part)} title=${gpu.name} key=${gpu.name} />
        <${Space} name=${_("GPU memory")} used=${gpu.used} total=${gpu.total} title=${gpu.name} />`,
    )}
  </div>`;
}

function Choices({ onLanguage }) {
  const [theme, choose] = useState(preference("theme") ?? "");
  const paint = (value) => {
    prefer("theme", value);
    setTheme(value);
    choose(value);
  };
  return html`<select aria-label=${_("Colors")} value=${theme} onChange=${(event) => paint(event.target.value)}>
      <option value="">${_("Automatic")}</option>
      <option value="light">${_("Light")}</option>
      <option value="dark">${_("Dark")}</option>
    </select>
    <select aria-label=${_("Language")} value=${currentLanguage()} onChange=${(event) => onLanguage(event.target.value)}>
      ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code} key=${code}>${name}</option>`)}
    </select>`;
}

/** Asks the browser whether it may tell that a run has ended; nothing where it cannot or was told not to. */
function Notifications() {
  const [permission, setPermission] = useState(globalThis.Notification?.permission);
  if (permission !== "default") return null;
  const ask = async () => setPermission(await Notification.requestPermission());
  return html`<button type="button" class="link" title=${_("Notify me when a run ends")} onClick=${ask}>${_("Notify me")}</button>`;
}

export function Head({ pages, current, person, load, base, onLanguage }) {
  return html`<header class="head">
    <div class="brand">
      <h1>vidlib</h1>
      <nav aria-label=${_("Pages")}>
        ${pages.map(
          ({ name, title }) =>
            html`<a href=${`#${name}`} key=${name} aria-current=${name === current ? "page" : undefined}>${title()}</a>`,
        )}
        <a href="${base}results/runs/index.html" target="_blank" rel="noopener">${_("All reports")}</a>
      </nav>
    </div>
    ${load && html`<${Meters} load=${load} />`}
    <div class="account">
      <${Notifications} />
      <${Choices} onLanguage=${onLanguage} />
      ${person && html`<span class="quiet">${person.name}${person.may_change ? "" : ` (${_("viewer")})`}</span>`}
      <a href="${base}logout">${_("Sign out")}</a>
    </div>
  </header>`;
}
