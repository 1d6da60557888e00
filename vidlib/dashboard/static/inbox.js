// The inbox: which files to process, and with which profile.

import { BeforeRun } from "./before_run.js";
import { Badge } from "./parts.js";
import { html, useState } from "./preact.js";
import { prefer, preference } from "./preferences.js";
import { _, bytes, moment, ngettext } from "./words.js";

const ORDERS = {
  name: (a, b) => a.name.localeCompare(b.name),
  newest: (a, b) => b.modified - a.modified,
  largest: (a, b) => (b.bytes ?? -1) - (a.bytes ?? -1),
};

function About({ file, go }) {
  const size = file.bytes === null ? _("folder") : bytes(file.bytes);
  const { run } = file;
  return html`<span class="quiet">${size} · ${moment(file.modified)}</span>
    ${run && html`<button type="button" class="link" onClick=${() => go({ run: run.id, from: "", only: "" })}
      title=${file.changed ? _("The file has changed since this run.") : _("Show the run that processed this file")}>
      <${Badge} state=${run.status} />${moment(run.at)}${file.changed ? " *" : ""}</button>`}`;
}

function File({ file, ticked, onTick, mayChange, go }) {
  return html`<li class="file">
    <label>
      ${mayChange && html`<input type="checkbox" checked=${ticked} onChange=${(event) => onTick(event.target.checked)} />`}
      <span class="name">${file.name}</span>
    </label>
    <${About} file=${file} go=${go} />
  </li>`;
}

export function Inbox({ parts, act, go, mayChange, choice, setChoice, setPlan }) {
  const { files, folder } = parts.inbox;
  const [ticked, setTicked] = useState(new Set());
  const [planning, setPlanning] = useState(false);
  const [text, setText] = useState("");
  const [order, setOrder] = useState(preference("inboxOrder") ?? "name");
  const shown = files.filter((file) => file.name.toLowerCase().includes(text.toLowerCase())).sort(ORDERS[order]);
  const chosen = files.filter((file) => ticked.has(file.key));
  const tick = (keys, on) => {
    const next = new Set(ticked);
    for (const key of keys) on ? next.add(key) : next.delete(key);
    setTicked(next);
    setPlan(null);
  };
  const request = () => ({ files: chosen.map((file) => file.key), ...choice });
  const start = async () => {
    if (await act("start", request())) {
      setTicked(new Set());
      setPlan(null);
      go({ run: "", from: "", only: "" });
    }
  };
  const plan = async () => {
    setPlanning(true);
    setPlan(await act("plan", request()));
    setPlanning(false);
  };
  return html`<section class="card" aria-label=${_("Inbox")}>
    <h2>${_("Inbox")}</h2>
    ${files.length === 0
      ? html`<p class="empty">${_("The inbox is empty. Put archives (ZIP, TAR, 7z, RAR), videos or folders of videos into it. They appear here.")}<br /><code>${folder}</code></p>`
      : html`<p class="quiet"><code>${folder}</code></p>
          <div class="row">
            <input type="search" aria-label=${_("Filter by name")} placeholder=${_("Filter by name")} value=${text}
              onInput=${(event) => setText(event.target.value)} />
            <select aria-label=${_("Order")} value=${order}
              onChange=${(event) => (setOrder(event.target.value), prefer("inboxOrder", event.target.value))}>
              <option value="name">${_("by name")}</option>
              <option value="newest">${_("newest first")}</option>
              <option value="largest">${_("largest first")}</option>
            </select>
          </div>
          ${mayChange && html`<label class="all"><input type="checkbox" checked=${shown.length > 0 && shown.every((file) => ticked.has(file.key))}
              onChange=${(event) => tick(shown.map((file) => file.key), event.target.checked)} /> ${_("all that are shown")}</label>`}
          <ul class="files" tabindex="0" aria-label=${_("Files of the inbox")}>
            ${shown.map((file) => html`<${File} key=${file.key} file=${file} go=${go} mayChange=${mayChange}
              ticked=${ticked.has(file.key)} onTick=${(on) => tick([file.key], on)} />`)}
          </ul>`}
    ${mayChange && html`<${BeforeRun} parts=${parts} choice=${choice} setChoice=${setChoice} act=${act} />
      <div class="row end">
        <span class="quiet">${ngettext("%(n)s file selected", "%(n)s files selected", chosen.length)}</span>
        <button type="button" disabled=${planning} onClick=${plan}>${planning ? _("Planning …") : _("Plan")}</button>
        <button type="button" class="main" disabled=${parts.starting !== null} onClick=${start}>
          ${parts.starting ? _("Starting …") : _("Run")}</button>
      </div>`}
  </section>`;
}
