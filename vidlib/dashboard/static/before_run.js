// What an operator decides before a run: profile, parameters, steps and variant.

import { html, useEffect, useState } from "./preact.js";
import { prefer, preference } from "./preferences.js";
import { _, gettext, ngettext, number } from "./words.js";

/** The decision for the next run, as the kernel takes it. `values` has the parameters that differ from the profile. */
export function useChoice(profiles) {
  const known = profiles.map((profile) => profile.name);
  const first = known.includes(preference("profile")) ? preference("profile") : known[0];
  return useState({ profile: first ?? null, values: {}, steps: [], variant: null });
}

function Field({ param, value, onChange }) {
  const id = `param-${param.key}`;
  const send = (event) => onChange(event.target.value);
  if (param.kind === "choice") {
    return html`<select id=${id} value=${value} onChange=${send}>
      ${param.choices.map((choice) => html`<option key=${choice} value=${choice}>${choice}</option>`)}</select>`;
  }
  if (param.kind === "bool") {
    return html`<input id=${id} type="checkbox" checked=${value} onChange=${(event) => onChange(event.target.checked)} />`;
  }
  if (param.kind === "text") return html`<input id=${id} type="text" value=${value} onChange=${send} />`;
  return html`<input id=${id} type="number" value=${value} min=${param.low} max=${param.high} step=${param.kind === "int" ? 1 : "any"}
    aria-describedby="${id}-about" onChange=${(event) => onChange(event.target.value === "" ? param.value : Number(event.target.value))} />`;
}

function range({ kind, low, high, unit }) {
  if (!["int", "float"].includes(kind) || low === null || high === null) return "";
  const [from, to] = [low, high].map((limit) => number(limit, Number.isInteger(limit) ? 0 : 2));
  return ` (${_("%(from)s to %(to)s", { from, to })}${unit ? ` ${unit}` : ""})`;
}

function Param({ param, value, onChange }) {
  const own = value !== undefined && value !== param.value;
  const marks = [own && _("changed"), !own && param.value !== param.default && _("by the profile")].filter(Boolean);
  return html`<div class="param ${own ? "changed" : ""}">
    <label for="param-${param.key}">${param.name} ${marks.map((mark) => html`<span class="badge running" key=${mark}>${mark}</span>`)}</label>
    <${Field} param=${param} value=${value ?? param.value} onChange=${onChange} />
    <p class="quiet" id="param-${param.key}-about">${param.help}${range(param)}</p>
  </div>`;
}

/** The parameters of all steps. Those of another profile are fetched when they are needed. */
function Params({ choice, change, act }) {
  const [params, setParams] = useState(null);
  const { profile, values } = choice;
  useEffect(() => {
    let late = false;
    act("params", { profile }).then((found) => !late && setParams(found));
    return () => (late = true);
  }, [profile]);
  if (!params) return html`<p class="quiet">${_("Loading …")}</p>`;
  const set = (param, value) => {
    const { [param.key]: _old, ...others } = values;
    change({ values: value === param.value ? others : { ...others, [param.key]: value } });
  };
  const steps = [...new Set(params.map((param) => param.step))];
  return html`<div class="params" tabindex="0" role="region" aria-label=${_("Parameters")}>${steps.map(
    (step) => html`<fieldset key=${step}><legend>${step}</legend>
      ${params.filter((param) => param.step === step).map((param) => html`<${Param} key=${param.key} param=${param} value=${values[param.key]}
        onChange=${(value) => set(param, value)} />`)}
    </fieldset>`,
  )}</div>`;
}

function Steps({ steps, choice, change }) {
  const tick = (step, on) => change({ steps: steps.filter((one) => (one === step ? on : choice.steps.includes(one))) });
  return html`<fieldset><legend>${_("Steps")}</legend>
      <p class="quiet">${_("Without a choice, all steps run. The steps that a chosen one needs run too.")}</p>
      <div class="row">${steps.map((step) => html`<label key=${step}><input type="checkbox" checked=${choice.steps.includes(step)}
        onChange=${(event) => tick(step, event.target.checked)} /> ${step}</label>`)}</div>
    </fieldset>
    <label class="field"><span>${_("Variant")}</span>
      <input type="text" value=${choice.variant ?? ""} placeholder=${_("none")} onInput=${(event) => change({ variant: event.target.value.trim() || null })} /></label>
    <p class="quiet">${_("Results of a variant lie apart under this name. What editors read stays as it is, and nothing is delivered.")}</p>`;
}

/** A part that is drawn only while it is open. */
function Fold({ summary, children }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => setOpen(event.target.open)}><summary>${summary}</summary>${open && children}</details>`;
}

export function BeforeRun({ parts, choice, setChoice, act }) {
  const change = (values) => setChoice((now) => ({ ...now, ...values }));
  const n = Object.keys(choice.values).length;
  const about = parts.profiles.find((profile) => profile.name === choice.profile)?.description;
  const special = choice.steps.length || choice.variant;
  const choose = (event) => {
    prefer("profile", event.target.value);
    change({ profile: event.target.value, values: {} });
  };
  return html`<label class="field"><span>${_("Profile")}</span>
      <select value=${choice.profile} onChange=${choose}>
        ${parts.profiles.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>
    ${about && html`<p class="quiet">${about}</p>`}
    <${Fold} summary=${n ? ngettext("Parameters: %(n)s changed", "Parameters: %(n)s changed", n) : _("Parameters")}>
      ${n > 0 && html`<button type="button" onClick=${() => change({ values: {} })}>${_("Reset all")}</button>`}
      <${Params} choice=${choice} change=${change} act=${act} /><//>
    <${Fold} summary=${special ? gettext("Steps and variant: chosen") : _("Steps and variant")}>
      <${Steps} steps=${parts.steps} choice=${choice} change=${change} /><//>`;
}
