// Words in the language of the player. All players of a page speak the same one.

let catalogue = {};
export let language = "en";

/** Takes over the language and the catalogue of a player. */
export function speak(info) {
  ({ catalogue, language } = info);
}

/** `text` with `values` in its places `%(name)s`. */
export const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_match, name) => values[name]);

/** Which of the forms of a text with a plural fits `n`: 0 is that for one. */
export const pluralForm = (language, n) => Number(language === "fr" ? n >= 2 : n !== 1);

/** `message` in the language, with `values` in its places. */
export const _ = (message, values = {}) => fill(catalogue[message] ?? message, values);

/** `one` or `many`, whichever fits `n`, which stands in its place `%(n)s`. */
export const ngettext = (one, many, n) => fill((catalogue[one] ?? [one, many])[pluralForm(language, n)], { n });

/** A confidence in [0, 1]. */
export const confidence = (value) =>
  value.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
