// A video at a glance: people, speakers, items to check and shots, each with a link to its frame in the player.

import { html } from "./preact.js";
import { _, duration, ngettext, number, percent } from "./words.js";

/** A time code that opens the player at its frame, where the player can show it. */
export const At = ({ at, player }) =>
  at.time && player(at.frame) ? html`<a href=${player(at.frame)}>${at.time}</a>` : html`<span>${at.time}</span>`;

function Still({ src, href, label }) {
  if (!src) return null;
  const picture = html`<img src=${src} alt="" loading="lazy" />`;
  return href ? html`<a href=${href} aria-label=${label}>${picture}</a>` : picture;
}

function Figures({ figures }) {
  const { duration_s: seconds, shots, people, speakers, faces, talk_s: talk, doubts } = figures;
  const facts = [
    [_("Length"), seconds, duration], [_("Shots"), shots, number], [_("People"), people, number], [_("Speakers"), speakers, number],
    [_("Speech"), talk, duration], [_("Frames with a face"), faces, percent], [_("To check"), doubts, number],
  ].filter(([, value]) => value !== null && value !== undefined);
  return html`<dl class="facts">${facts.map(([name, value, show]) => html`<div key=${name}><dt>${name}</dt><dd>${show(value)}</dd></div>`)}</dl>`;
}

const People = ({ people, player }) => html`<section><h3>${_("People")}</h3>
  <ul class="stills faces">${people.map((person) => {
    const who = person.name ?? _("person %(n)s", { n: person.number });
    return html`<li key=${person.number}><${Still} src=${person.still} href=${player(person.frame)} label=${`${who}, ${person.time}`} />
      <b class="name">${who}</b> <span class="quiet">${duration(person.seconds)}</span></li>`;
  })}</ul></section>`;

const Speakers = ({ speakers }) => {
  const all = speakers.reduce((sum, speaker) => sum + speaker.seconds, 0);
  return html`<section><h3>${_("Speakers")}</h3>
    <ul>${speakers.map((speaker) => html`<li key=${speaker.name}><b class="name">${speaker.name}</b>
      <span class="quiet"> ${duration(speaker.seconds)} (${percent(speaker.seconds / all)}), ${ngettext("%(n)s turn", "%(n)s turns", speaker.turns)}</span></li>`)}</ul>
  </section>`;
};

const Items = ({ items, total, player }) => html`<section><h3>${_("To check")}</h3>
  <ol class="items">${items.map((item, n) => html`<li key=${n}><${Still} src=${item.still} href=${item.time && player(item.frame)} label=${item.time} />
    <span><${At} at=${item} player=${player} /> ${item.text} <span class="quiet">${[item.step, item.alike && ngettext("%(n)s more like it", "%(n)s more like it", item.alike)].filter(Boolean).join(" · ")}</span></span></li>`)}</ol>
  ${total > items.length && html`<p class="quiet">${ngettext("%(n)s more in the report", "%(n)s more in the report", total - items.length)}</p>`}
</section>`;

const Shots = ({ shots, total, player }) => html`<section><h3>${_("Shots")}</h3>
  <ul class="stills">${shots.map((shot) => html`<li key=${shot.number}>
    <${Still} src=${shot.still} href=${player(shot.frame)} label=${_("shot %(n)s, %(time)s", { n: shot.number, time: shot.time })} />
    <${At} at=${shot} player=${player} /> <span class="quiet">${duration(shot.seconds)}</span></li>`)}</ul>
  ${total > shots.length && html`<p class="quiet">${ngettext("%(n)s more in the report", "%(n)s more in the report", total - shots.length)}</p>`}
</section>`;

export function Glance({ video, player }) {
  const { figures, people = [], speakers = [], items = [], shots = [] } = video;
  return html`
    ${video.problem && html`<p class="problem">${video.problem}</p>`}
    ${video.state === "archived" && html`<p class="quiet">${_("Only the archive knows this video; vidlib archive restore brings its results back.")}</p>`}
    <${Figures} figures=${figures} />
    <div class="panels">
      ${people.length > 0 && html`<${People} people=${people} player=${player} />`}
      ${speakers.length > 0 && html`<${Speakers} speakers=${speakers} />`}
      ${items.length > 0 && html`<${Items} items=${items} total=${figures.doubts ?? 0} player=${player} />`}
    </div>
    ${shots.length > 0 && html`<${Shots} shots=${shots} total=${figures.shots ?? 0} player=${player} />`}`;
}
