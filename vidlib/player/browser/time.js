// Frames as times, for people.

export const FPS = 25;

const two = (number) => String(number).padStart(2, "0");

/** SMPTE time code of a frame. */
export function timecode(frame) {
  const s = Math.floor(frame / FPS);
  return [s / 3600, (s / 60) % 60, s % 60, frame % FPS].map((part) => two(Math.floor(part))).join(":");
}

/** Minutes and seconds, for the ruler and the lists. */
export function clock(frame) {
  const s = Math.floor(frame / FPS);
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
