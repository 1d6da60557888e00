import { FPS } from "./time.js";

/** All that a key or button does. `keys` are values of `KeyboardEvent.key`; the help lists them by group.
 *
 * `group` and `about` are in the catalogue; they are translated where they are shown. */
export const COMMANDS = [
  { id: "play", group: "Play", keys: [" "], shown: "Space", about: "play or pause", run: (p) => p.toggle() },
  { id: "back", group: "Play", keys: ["j"], about: "backwards; again: faster", run: (p) => p.picture.shuttle(-1) },
  { id: "stop", group: "Play", keys: ["k"], about: "pause", run: (p) => p.picture.pause() },
  { id: "forward", group: "Play", keys: ["l"], about: "forwards; again: faster", run: (p) => p.picture.shuttle(1) },
  { id: "mute", group: "Play", keys: ["q"], about: "sound off or on", run: (p) => p.mute() },
  { id: "previous", group: "Go", keys: ["ArrowLeft"], shown: "←", about: "previous frame", run: (p) => p.step(-1) },
  { id: "next", group: "Go", keys: ["ArrowRight"], shown: "→", about: "next frame", run: (p) => p.step(1) },
  { id: "second-back", group: "Go", keys: ["Shift+ArrowLeft"], shown: "⇧ ←", about: "back a second", run: (p) => p.step(-FPS) },
  { id: "second", group: "Go", keys: ["Shift+ArrowRight"], shown: "⇧ →", about: "on a second", run: (p) => p.step(FPS) },
  { id: "shot", group: "Go", keys: ["s"], about: "next shot", run: (p) => p.goShot(1) },
  { id: "shot-back", group: "Go", keys: ["S"], shown: "⇧ S", about: "previous shot", run: (p) => p.goShot(-1) },
  { id: "item", group: "Go", keys: ["n"], about: "next item to check", run: (p) => p.goItem(1) },
  { id: "item-back", group: "Go", keys: ["p"], about: "previous item to check", run: (p) => p.goItem(-1) },
  { id: "start", group: "Go", keys: ["Home"], about: "first frame", run: (p) => p.go(0) },
  { id: "end", group: "Go", keys: ["End"], about: "last frame", run: (p) => p.go(p.material.info.frames - 1) },
  { id: "face", group: "View", keys: ["f"], about: "select the next face", run: (p) => p.nextFace() },
  { id: "objects", group: "View", keys: ["o"], about: "objects on or off", run: (p) => p.toggleObjects() },
  { id: "window", group: "View", keys: ["w"], about: "the vertical window on or off", run: (p) => p.toggleWindow() },
  { id: "in", group: "View", keys: ["+", "="], shown: "+", about: "zoom in", run: (p) => p.zoom(0.5) },
  { id: "out", group: "View", keys: ["-"], about: "zoom out", run: (p) => p.zoom(2) },
  { id: "all", group: "View", keys: ["0"], about: "whole video", run: (p) => p.zoom(Infinity) },
  { id: "left", group: "View", keys: ["PageUp"], shown: "PgUp", about: "earlier part", run: (p) => p.pan(-0.8) },
  { id: "right", group: "View", keys: ["PageDown"], shown: "PgDn", about: "later part", run: (p) => p.pan(0.8) },
  { id: "help", group: "View", keys: ["?"], about: "these keys", run: (p) => p.toggleHelp() },
  { id: "escape", group: "View", keys: ["Escape"], shown: "Esc", about: "close, select nothing", run: (p) => p.escape() },
];

export const CORRECTING = [
  { id: "cut", keys: ["c"], about: "a shot begins at this frame", run: (p) => p.corrections.addCut() },
  { id: "uncut", keys: ["x"], about: "no shot begins here", run: (p) => p.corrections.removeCut() },
  { id: "move", keys: ["m"], about: "the selected shot begins at this frame", run: (p) => p.corrections.moveCut() },
  { id: "kind", keys: ["t"], about: "cut, dissolve or fade", run: (p) => p.corrections.setKind() },
  { id: "speaker", keys: ["v"], about: "another speaker says this", run: (p) => p.corrections.setSpeaker() },
  { id: "join", keys: ["e"], about: "two speakers are one", run: (p) => p.corrections.joinSpeakers() },
  { id: "name", keys: ["r"], about: "name the speaker", run: (p) => p.corrections.name() },
  { id: "speaks", keys: ["y"], about: "the face speaks here, or does not", run: (p) => p.corrections.setSpeaking() },
  { id: "same", keys: ["g"], about: "the face is the same person as …", run: (p) => p.corrections.merge() },
  { id: "other", keys: ["b"], about: "the face is somebody else", run: (p) => p.corrections.tellApart() },
  { id: "no-face", keys: ["d"], about: "this is no face", run: (p) => p.corrections.notAFace() },
  { id: "frame", keys: ["h"], about: "what the vertical window shows of this shot", run: (p) => p.corrections.setFraming() },
  { id: "confirm", keys: ["a"], about: "the item to check is right", run: (p) => p.corrections.confirm() },
  { id: "undo", keys: ["z"], about: "undo the last correction", run: (p) => p.corrections.undo() },
].map((command) => ({ ...command, group: "Correct" }));
