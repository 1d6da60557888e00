// Columns of numbers from the kernel (vidlib/player/encoding.py), and spans of frames in them.

/** The columns of a trait as Int32Arrays; `n` is their length. */
export function table(columns) {
  const read = (view) => new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  const found = Object.fromEntries(Object.entries(columns).map(([name, view]) => [name, read(view)]));
  return { ...found, n: (found.start ?? found.frame ?? []).length };
}

/** The index of the first number above `value` in an ascending array. */
export function above(numbers, value) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Spans in order of their start: those of `rows` with these indices. `reach` is the latest stop up to each. */
export class Spans {
  constructor(rows, index = Int32Array.from({ length: rows.n }, (_, i) => i)) {
    this.index = index;
    this.start = index.map((i) => rows.start[i]);
    this.stop = index.map((i) => rows.stop[i]);
    let reach = 0;
    this.reach = this.stop.map((stop) => (reach = Math.max(reach, stop)));
  }

  /** Calls `visit(position)` for each span that has a frame in [from, to). */
  visit(from, to, visit) {
    for (let i = above(this.reach, from); i < this.start.length && this.start[i] < to; i++) {
      if (this.stop[i] > from) visit(i);
    }
  }

  /** The rows whose span holds `frame`. */
  at(frame) {
    const found = [];
    this.visit(frame, frame + 1, (i) => found.push(this.index[i]));
    return found;
  }
}

/** `{key: Spans}` of the rows, by the value of one column. */
export function spansBy(rows, column) {
  const groups = new Map();
  for (let i = 0; i < rows.n; i++) {
    const key = rows[column][i];
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  }
  return new Map([...groups].map(([key, index]) => [key, new Spans(rows, Int32Array.from(index))]));
}

/** The corners of all boxes, four Int16Arrays, of the bytes that `encode_boxes` compressed. */
export async function decodeBoxes(view) {
  const inflated = new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const n = bytes.length / 8;
  const corners = [0, 1, 2, 3].map(() => new Int16Array(n));
  for (let side = 0; side < 4; side++) {
    let value = 0;
    for (let i = 0; i < n; i++) {
      const zigzag = bytes[side * n + i] | (bytes[(side + 4) * n + i] << 8);
      corners[side][i] = value += (zigzag >> 1) ^ -(zigzag & 1);
    }
  }
  return corners;
}
