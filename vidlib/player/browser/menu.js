// A list of choices, or a field for text, over the panel.

import { make, swatch } from "./elements.js";
import { _ } from "./words.js";

/** A list of choices over the panel: by digit or letter, arrows or click; or a field for text. Escape closes it. */
export class Menu {
  constructor(root) {
    this.root = root;
    this.box = make("div", { class: "vp-menu", hidden: true });
    this.box.addEventListener("keydown", (event) => this.key(event));
    root.append(this.box);
  }

  get open() {
    return !this.box.hidden;
  }

  /** `choices` are `{key, label, color, run}`. */
  choose(title, choices) {
    this.choices = choices;
    const buttons = choices.map(({ key, label, color, run }) =>
      make(
        "button",
        { type: "button", role: "menuitem", onclick: () => this.close(run) },
        make("kbd", {}, key),
        color ? swatch(color) : null,
        label,
      ),
    );
    this.show(title, make("div", { role: "menu", "aria-label": title }, buttons));
    buttons[0]?.focus();
  }

  ask(title, value, run) {
    this.choices = [];
    const input = make("input", { type: "text", "aria-label": title, maxlength: 80, value });
    const send = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      this.close(text ? () => run(text) : undefined);
    };
    this.show(title, make("form", { onsubmit: send }, input, make("button", { type: "submit" }, _("Save"))));
    input.select();
  }

  show(title, content) {
    this.box.replaceChildren(make("b", {}, title), content);
    this.box.hidden = false;
  }

  close(run) {
    this.box.hidden = true;
    this.root.focus({ preventScroll: true });
    run?.();
  }

  key(event) {
    event.stopPropagation();
    const buttons = [...this.box.querySelectorAll("[role=menuitem]")];
    const focused = buttons.indexOf(document.activeElement);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = this.choices.find(({ key }) => key === event.key);
    if (event.key === "Escape") this.close();
    else if (move && buttons.length) buttons[(focused + move + buttons.length) % buttons.length].focus();
    else if (choice && !event.ctrlKey && !event.metaKey && !event.altKey) this.close(choice.run);
    else return;
    event.preventDefault();
  }
}
