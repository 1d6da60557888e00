// What a person chose for the dashboard in this browser: language, colours, profile. It survives a reload.

const KEY = "vidlib";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // the browser keeps nothing, or something else wrote there
  }
}

export const preference = (name) => read()[name];

export function prefer(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: value }));
  } catch {
    // without a store, the choice holds until the reload
  }
}
