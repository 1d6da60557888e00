// The kernel behind this page: its widgets over one WebSocket, as Jupyter's messaging protocol 5.4 defines it.

const SILENCE_MS = 15_000;
const RETRY_MS = 1_500;

/** A random name of a message or session; `crypto.randomUUID` needs a secure context, which plain HTTP is not. */
function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const PROTOCOL = "v1.kernel.websocket.jupyter.org";
const PARTS = ["header", "parent_header", "metadata", "content"];

/** The pieces of a frame of the WebSocket: the number of offsets, the offsets, the channel, the parts and the buffers. */
function decode(data) {
  const view = new DataView(data);
  const number = (i) => Number(view.getBigUint64(8 * i, true));
  const offsets = Array.from({ length: number(0) }, (_, i) => number(i + 1));
  const pieces = offsets.slice(1, -1).map((start, i) => new DataView(data, start, offsets[i + 2] - start));
  const message = PARTS.map((name, i) => [name, JSON.parse(new TextDecoder().decode(pieces[i]))]);
  return { ...Object.fromEntries(message), buffers: pieces.slice(PARTS.length) };
}

function encode(channel, message) {
  const text = [channel, ...PARTS.map((name) => JSON.stringify(message[name] ?? {}))];
  const pieces = text.map((piece) => new TextEncoder().encode(piece));
  const lengths = pieces.map((piece) => piece.length);
  const offsets = [8 * (pieces.length + 2)];
  for (const length of lengths) offsets.push(offsets.at(-1) + length);
  const data = new Uint8Array(offsets.at(-1));
  const view = new DataView(data.buffer);
  [offsets.length, ...offsets].forEach((number, i) => view.setBigUint64(8 * i, BigInt(number), true));
  pieces.forEach((piece, i) => data.set(piece, offsets[i]));
  return data;
}

/**
 * A connection that opens itself again. `onMessage(data)` hears what the kernel sends, `onState(lost)` whether the
 * kernel is out of reach.
 */
export class Kernel {
  constructor({ base, id, widget, onMessage, onState }) {
    Object.assign(this, { base, id, widget, onMessage, onState });
    this.session = unique();
    this.answers = new Map(); // callbacks by the id of the request
    this.models = new Map(); // widgets by the id of their comm
    this.n = 0;
    this.connect();
    setInterval(() => this.listen(), 1000);
  }

  connect() {
    const address = new URL(`${this.base}api/kernels/${this.id}/channels?session_id=${this.session}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address, PROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.receive(decode(data));
    this.socket.onopen = () => {
      this.heardAt = Date.now();
      this.send({ connect: true });
      this.onState(false);
    };
    this.socket.onclose = () => this.lose();
  }

  /** The connection is gone: whoever waits for an answer gets an error. Where the kernel is gone too, start anew. */
  lose() {
    this.onState(true);
    for (const answer of this.answers.values()) answer({ error: "" });
    this.answers.clear();
    setTimeout(async () => {
      const known = await fetch(`${this.base}api/kernels/${this.id}`).catch(() => null);
      if (known && !known.ok) location.reload();
      else if (known) this.connect();
      else this.lose();
    }, RETRY_MS);
  }

  /** A kernel sends something every few seconds; one that hangs does not. */
  listen() {
    if (this.socket.readyState === WebSocket.OPEN) this.onState(Date.now() - this.heardAt > SILENCE_MS);
  }

  receive({ header, content, buffers }) {
    const died = header.msg_type === "status" && ["dead", "restarting"].includes(content.execution_state);
    const signedOut = header.msg_type === "shutdown_reply";
    if (died || signedOut) location.reload();
    if (header.msg_type === "comm_open" && content.target_name === "jupyter.widget") {
      this.models.set(content.comm_id, new Model(this, content, buffers));
    }
    if (header.msg_type === "comm_close") this.models.delete(content.comm_id);
    if (header.msg_type !== "comm_msg") return;
    this.models.get(content.comm_id)?.receive(content.data, buffers);
    if (content.comm_id === this.widget && content.data.method === "custom") this.hear(content.data.content);
  }

  hear(data) {
    this.heardAt = Date.now();
    const answer = this.answers.get(data.id);
    this.answers.delete(data.id);
    (answer ?? this.onMessage)(data);
  }

  post(type, content) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const date = new Date().toISOString();
    const header = { msg_id: unique(), msg_type: type, session: this.session, username: "", date, version: "5.4" };
    this.socket.send(encode("shell", { header, content }));
  }

  /** Sends `data` to the widget of the page. */
  send(data) {
    this.sendTo(this.widget, data);
  }

  /** Sends a message to a widget of the kernel. */
  sendTo(model, content) {
    this.post("comm_msg", { comm_id: model, data: { method: "custom", content } });
  }

  /** Sends a request, and gives its result; throws an Error with the kernel's words. */
  async ask(data) {
    const id = ++this.n;
    const { error, result } = await new Promise((resolve) => {
      this.answers.set(id, resolve);
      this.send({ ...data, id });
    });
    if (error !== undefined && error !== null) throw new Error(error);
    return result;
  }

  /** Ends the kernel together with the page. */
  end(token) {
    const form = new FormData();
    form.set("_xsrf", token);
    navigator.sendBeacon(`${this.base}voila/api/shutdown/${this.id}`, form);
  }
}

/** A widget of the kernel, with as much of anywidget's model as a widget that only reads needs. */
class Model {
  constructor(kernel, { comm_id, data }, buffers) {
    Object.assign(this, { kernel, id: comm_id, state: {}, heard: new Map() });
    this.update(data, buffers);
  }

  receive({ method, content, ...data }, buffers) {
    if (method === "custom") this.tell("msg:custom", content, buffers);
    else if (method === "update") this.update(data, buffers);
  }

  update({ state, buffer_paths = [] }, buffers) {
    buffer_paths.forEach((path, i) => {
      const at = path.slice(0, -1).reduce((place, key) => place[key], state);
      at[path.at(-1)] = buffers[i];
    });
    Object.assign(this.state, state);
    for (const name of Object.keys(state)) this.tell(`change:${name}`);
  }

  tell(event, ...args) {
    for (const hear of this.heard.get(event) ?? []) hear(...args);
  }

  get(name) {
    return this.state[name];
  }

  on(event, hear) {
    this.heard.set(event, [...(this.heard.get(event) ?? []), hear]);
  }

  off(event, hear) {
    this.heard.set(event, (this.heard.get(event) ?? []).filter((one) => one !== hear));
  }

  send(content) {
    this.kernel.sendTo(this.id, content);
  }
}
