// Colours. They follow JupyterLab's theme in JupyterLab, the choice on the dashboard, and elsewhere the system.

import { NOBODY } from "./material.js";

const LIGHT = ["#4477aa", "#ee6677", "#228833", "#b39a1a", "#3aa9d6", "#aa3377", "#35917f", "#882255", "#82822a"];
export const DARK = ["#77aadd", "#ff8899", "#5fbf6f", "#ddcc77", "#88ddff", "#e07fb4", "#66ccbb", "#d87093", "#bbcc66"];
const VARIABLES = ["paper", "ink", "quiet", "line", "shot", "dissolve", "fade", "warning", "accent", "nobody"];

/** The `colors` of the player below `root`; `onChange` is called after they have changed. */
export class Theme {
  constructor(root, onChange) {
    this.root = root;
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    this.changed = () => {
      this.read();
      onChange();
    };
    this.darkness.addEventListener("change", this.changed);
    this.attributes = new MutationObserver(this.changed);
    this.attributes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    this.attributes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.read();
  }

  destroy() {
    this.attributes.disconnect();
    this.darkness.removeEventListener("change", this.changed);
  }

  /** Reads the colours of the style sheet. They are empty while the element is not in the document. */
  read() {
    const dark = this.isDark();
    this.root.dataset.theme = dark ? "dark" : "light";
    const style = getComputedStyle(this.root);
    const palette = dark ? DARK : LIGHT;
    this.colors = Object.fromEntries(VARIABLES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.colors.font = `11px ${style.fontFamily}`;
    this.colors.bold = `600 12px ${style.fontFamily}`;
    this.colors.of = (index) => (index === NOBODY ? this.colors.nobody : palette[index % palette.length]);
  }

  isDark() {
    const chosen = document.documentElement.dataset.theme;
    if (chosen) return chosen === "dark";
    const lab = document.querySelector(".jp-LabShell") ? document.body.dataset.jpThemeLight : undefined;
    return lab === undefined ? this.darkness.matches : lab === "false";
  }
}
