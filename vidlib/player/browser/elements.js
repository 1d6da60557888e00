// Elements of the page, and drawn signs.

/** An element with attributes (`on…` are listeners) and children; text is never read as HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const ICONS = {
  play: "M4 2.5v11l9.5-5.5z",
  pause: "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z",
  shot: "M3 3v10l7-5zM11 3h2v10h-2z",
  "shot-back": "M13 3v10L6 8zM3 3h2v10H3z",
  next: "M6 3.5l1.2-1.2L12.9 8l-5.7 5.7L6 12.5 10.5 8z",
  previous: "M10 3.5L8.8 2.3 3.1 8l5.7 5.7 1.2-1.2L5.5 8z",
  mute: "M2 6v4h2.6L8 13V3L4.6 6zM9.8 5.2v5.6a3.2 3.2 0 0 0 0-5.6z",
  in: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
  out: "M3 7.2h10v1.6H3z",
  all: "M1.5 8L5 4.5v2.7h6V4.5L14.5 8 11 11.5V8.8H5v2.7z",
};

/** A drawn sign, 16 by 16 pixels. Fonts lack some of these characters. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

export const swatch = (color) => make("i", { class: "vp-swatch", style: `background:${color}` });
