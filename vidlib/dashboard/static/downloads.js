// The downloads: a link to paste, and what became of those before.

import { html, useState } from "./preact.js";
import { Bar, Badge } from "./parts.js";
import { _, bytes, moment } from "./words.js";

const LABELS = { Download: () => _("Download"), Again: () => _("Again"), Close: () => _("Close") };

/** How much has come and how fast, or when it ended or was offered. */
function about({ state, bytes_done: done, bytes_total: total, rate, offered_at: offered, ended_at: ended, project }) {
  const amount = total ? _("%(done)s of %(total)s", { done: bytes(done), total: bytes(total) }) : bytes(done);
  if (state === "starting") return "";
  if (state === "downloading") return done ? [amount, rate && `${bytes(rate)}/s`].filter(Boolean).join(" · ") : _("begins");
  const when = ended ? moment(ended) : _("offered: %(when)s", { when: moment(offered) });
  return [done && amount, when, project && _("project %(name)s", { name: project })].filter(Boolean).join(" · ");
}

function Download({ download, act, mayChange }) {
  const { action, key } = download;
  const press = () => act(action === "Close" ? "close_download" : "download_again", { key });
  return html`<li class="download">
    <div>
      <p><${Badge} state=${download.state} /> <b>${download.name}</b></p>
      ${download.state === "downloading" && html`<${Bar} part=${download.bytes_total ? Math.min(1, download.bytes_done / download.bytes_total) : null} label=${download.name} />`}
      <p class="quiet">${about(download)}</p>
      <p class="quiet">${download.url ? html`<a href=${download.url} target="_blank" rel="noopener noreferrer">${download.link}</a>` : download.link}</p>
      ${download.note && html`<p class=${download.state === "failed" ? "problem" : "quiet"}>${download.note}</p>`}
    </div>
    ${action && mayChange && html`<button type="button" onClick=${press}>${LABELS[action]()}</button>`}
  </li>`;
}

export function Downloads({ parts, act, mayChange }) {
  const [link, setLink] = useState("");
  const send = async (event) => {
    event.preventDefault();
    if (await act("download", { link })) setLink((now) => (now === link ? "" : now));
  };
  const manual = parts.downloads.some((download) => download.state === "manual");
  return html`<section class="card" aria-label=${_("Downloads")}>
    <h2>${_("Downloads")}</h2>
    ${mayChange && html`<form class="row" onSubmit=${send}>
      <input type="text" inputmode="url" aria-label=${_("Link to a file")} placeholder="https://…" value=${link} onInput=${(event) => setLink(event.target.value)} />
      <button type="submit">${_("Download")}</button>
    </form>`}
    ${manual && html`<p class="todo">${_("Manual downloads: open each link marked “manual”, download its file and put it into the inbox. Then press Close.")}</p>`}
    ${parts.downloads.length === 0 && html`<p class="empty">${_("No downloads yet. Paste a link to download its file into the inbox.")}</p>`}
    <ul class="downloads" tabindex="0" aria-label=${_("Latest downloads")}>
      ${parts.downloads.map((download) => html`<${Download} key=${download.key} download=${download} act=${act} mayChange=${mayChange} />`)}
    </ul>
  </section>`;
}
