// The frame of the dashboard: one head, one page below it, and what every page needs.
//
// A page is a module with `name`, `title()` and a component `View`, in `PAGES` below. Its counterpart in Python has the
// same name. `View` gets `parts`, the content from the kernel by part, and
//   query, go(changes)    the page's part of the address; the kernel gives the content for it
//   act(action, fields)   asks the kernel to do something; null where it failed, which the frame then tells
//   mayChange, kernel     whether this person may change anything; the connection

import { Kernel } from "./kernel.js";
import { html, render, useEffect, useState } from "./preact.js";
import { prefer, preference } from "./preferences.js";
import { Head } from "./head.js";
import { _, clock, currentLanguage, preferredLanguage, setLanguage } from "./words.js";
import * as library from "./library.js";
import * as machine from "./machine.js";
import * as video from "./video.js";
import * as work from "./work.js";

const PAGES = [work, library, video, machine];
const KEPT_MESSAGES = 5;

const { base, kernel: kernelId, widget } = JSON.parse(document.getElementById("page-data").textContent);

/** Reports name the player of a video, and the frame in it, in an older form: `?video=SHA-256#frame=41`. */
function takeOverOldAddress() {
  const sha256 = new URLSearchParams(location.search).get("video");
  const [, frame] = /^#frame=(\d+)$/.exec(location.hash) ?? [];
  if (sha256) history.replaceState(null, "", location.pathname + address("video", { sha256, frame }));
}

/** The page and its query in the address, such as `#library?text=interview`. */
function route() {
  const [name, query] = location.hash.slice(1).split("?");
  const page = PAGES.find((one) => one.name === name) ?? PAGES[0];
  return { page, query: Object.fromEntries(new URLSearchParams(query)) };
}

const address = (name, query) => {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value != null)).toString();
  return text ? `#${name}?${text}` : `#${name}`;
};

/** All that is on the screen. Any change draws it again; unchanged parts of the page stay as they are. */
takeOverOldAddress();
const state = { route: route(), parts: {}, lost: true, began: false, messages: [], person: null, load: null };
let kernel;

function draw() {
  render(html`<${Frame} ...${state} />`, document.getElementById("frame"));
}

function change(values) {
  Object.assign(state, values);
  draw();
}

/** Keeps a dated message in sight until it is closed; the same message again only gets a new date. */
export function tell(text, kind = "problem") {
  const others = state.messages.filter((message) => message.text !== text);
  change({ messages: [...others, { text, kind, at: Date.now() / 1000 }].slice(-KEPT_MESSAGES) });
}

function show() {
  const { page, query } = state.route;
  document.title = `vidlib: ${page.title()}`;
  kernel.send({ show: page.name, query, language: currentLanguage() });
}

/** Says that something has ended: on the page, and by the browser for somebody who looks elsewhere, if allowed. */
function announce(notice) {
  tell(notice, "notice");
  if (document.hidden && globalThis.Notification?.permission === "granted") new Notification("vidlib", { body: notice });
}

function receive({ page, parts, problem, notice, person, load }) {
  if (page) change({ parts: { ...state.parts, [page]: { ...state.parts[page], ...parts } } });
  if (person) change({ person });
  if (load) change({ load });
  if (problem) tell(problem);
  if (notice) announce(notice);
}

function setLost(lost) {
  if (!lost && !state.began) state.began = true;
  if (lost !== state.lost) change({ lost });
}

async function act(page, action, fields = {}) {
  try {
    return (await kernel.ask({ page, action, fields })) ?? true;
  } catch (error) {
    if (error.message) tell(error.message);
    return null;
  }
}

function Messages({ messages }) {
  const close = (message) => change({ messages: state.messages.filter((one) => one !== message) });
  return html`<div class="messages">
    ${messages.map(
      (message) => html`<div class="message ${message.kind}" key=${message.text} role=${message.kind === "problem" ? "alert" : "status"}>
        <time>${clock(message.at)}</time>
        <p>${message.text}</p>
        <button type="button" class="quiet" aria-label=${_("Close this message")} onClick=${() => close(message)}>×</button>
      </div>`,
    )}
  </div>`;
}

function Lost({ began }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1500);
    return () => clearTimeout(timer);
  }, []);
  if (!began && !late) return null;
  const text = began
    ? _("The connection to the dashboard is lost: it was stopped, or the network is down. Runs continue. The page connects again by itself.")
    : _("Connecting …");
  return html`<p class="lost" role="alert">${text}</p>`;
}

function Frame({ route: { page, query }, parts, lost, began, messages, person, load }) {
  const go = (changes) => (location.hash = address(page.name, { ...query, ...changes }));
  const mayChange = person?.may_change ?? false;
  const own = parts[page.name];
  return html`
    ${lost && html`<${Lost} began=${began} />`}
    <div class="frame" inert=${lost && began}>
      <${Head} pages=${PAGES.filter((one) => one.listed !== false || one === page)} current=${page.name} person=${person} load=${load} base=${base} onLanguage=${speak} />
      <${Messages} messages=${messages} />
      <main class="page page-${page.name}" key=${page.name} aria-busy=${!own}>
        ${own
          ? html`<${page.View} parts=${own} query=${query} go=${go} mayChange=${mayChange} kernel=${kernel} base=${base}
              act=${(action, fields) => act(page.name, action, fields)} />`
          : html`<p class="empty">${_("Loading …")}</p>`}
      </main>
    </div>
  `;
}

/** Draws the page in another language, and lets the kernel translate its part. */
async function speak(language) {
  prefer("language", language);
  await setLanguage(base, language);
  change({ parts: {} });
  show();
}

async function begin() {
  await setLanguage(base, preferredLanguage(preference("language")));
  state.route = route(); // the address may have changed meanwhile
  document.getElementById("frame").replaceChildren();
  draw();
  const onState = (lost) => {
    const connected = state.lost && !lost;
    setLost(lost);
    if (connected) show();
  };
  kernel = new Kernel({ base, id: kernelId, widget, onMessage: receive, onState });
  addEventListener("hashchange", () => {
    change({ route: route() });
    show();
  });
  addEventListener("pagehide", () => kernel.end(document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? ""));
}

begin();
