// Words, numbers and dates in the language of the page. The catalogue is that of vidlib/locale.

import { fill, pluralForm } from "./player/words.js"; // the server has the modules of the player below this one

export const LANGUAGES = { en: "English", fr: "Français" };
const LOCALES = { en: "en-GB", fr: "fr-FR" };

let language = "en";
let catalogue = {};

/** The language of the page: the one that was chosen, or the first of the browser's that there is. */
export function preferredLanguage(chosen) {
  const wished = [chosen, ...navigator.languages.map((name) => name.slice(0, 2))];
  return wished.find((name) => name in LANGUAGES) ?? "en";
}

/** Switches to a language, once its catalogue is here. */
export async function setLanguage(base, name) {
  catalogue = name === "en" ? {} : await (await fetch(`${base}page/catalogue/${name}.json`)).json();
  language = name;
  document.documentElement.lang = name;
}

export const currentLanguage = () => language;

/** `message` in the language, with `values` in its places `%(name)s`. */
export function gettext(message, values = {}) {
  return fill(catalogue[message] ?? message, values);
}

export const _ = gettext;

/** `one` or `many`, whichever fits `n`, which stands in its place `%(n)s`. */
export function ngettext(one, many, n, values = {}) {
  const texts = catalogue[one] ?? [one, many];
  return fill(texts[pluralForm(language, n)], { n: number(n), ...values });
}

export function number(value, digits = 0) {
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(LOCALES[language], format).format(value);
}

/** A share in [0, 1] as a whole percentage. A share below 1 is never shown as 100 %. */
export function percent(share) {
  const whole = Math.floor(share * 100 + 1e-9) / 100;
  return new Intl.NumberFormat(LOCALES[language], { style: "percent" }).format(whole);
}

/** A length of time in seconds, in the units that matter. */
export function duration(seconds) {
  if (Math.round(seconds) < 60) return `${number(Math.max(seconds, 0), seconds < 9.95 ? 1 : 0)} s`;
  const two = (value) => String(value).padStart(2, "0");
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(whole % 60)} s`;
}

export function bytes(count) {
  const units = { en: ["B", "kB", "MB", "GB", "TB"], fr: ["o", "ko", "Mo", "Go", "To"] }[language];
  const step = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
  const value = count / 1000 ** step;
  return `${number(value, step && value < 99.5 ? 1 : 0)} ${units[step]}`;
}

/** The time of day of a POSIX time, with the day unless it is today. */
export function moment(at) {
  const day = new Date(at * 1000);
  const today = day.toDateString() === new Date().toDateString();
  const format = { hour: "2-digit", minute: "2-digit", ...(today ? {} : { day: "numeric", month: "short" }) };
  if (!today && day.getFullYear() !== new Date().getFullYear()) format.year = "numeric";
  return new Intl.DateTimeFormat(LOCALES[language], format).format(day);
}

/** The time of day with its seconds. */
export function clock(at) {
  return new Intl.DateTimeFormat(LOCALES[language], { timeStyle: "medium" }).format(new Date(at * 1000));
}
