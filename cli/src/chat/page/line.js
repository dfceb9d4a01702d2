// The one WebSocket: it comes back by itself, and notices a server that no longer answers.

const ANSWER_WITHIN = 10_000; // ms; a server that is silent for longer when it owes an answer is taken for gone
const FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000; // ms between attempts

export class Line {
  #socket = null;
  #up = false;
  #failures = 0;
  #retry = 0;
  #watch = 0;
  #calls;

  /** Calls `heard(message)`, `lost()` when the line is down, and `changed()` when `state` may have. */
  constructor(calls) {
    this.#calls = calls;
    addEventListener("pageshow", (event) => { if (event.persisted) this.connect(); });
  }

  /** Whether the server has said welcome. */
  get up() {
    return this.#up;
  }

  get state() {
    return this.#up ? "Connected" : navigator.onLine ? "Reconnecting" : "Offline";
  }

  connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#drop();
    const url = new URL("/ws?join=no", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    this.#expectAnswer();
    socket.onmessage = (event) => {
      this.#expectNothing();
      let message = null;
      try { message = JSON.parse(event.data); } catch { return; }
      if (message) this.#calls.heard(message);
    };
    socket.onclose = () => this.#lost();
  }

  /** The server has said welcome. */
  welcomed() {
    this.#up = true;
    this.#failures = 0;
    this.#calls.changed();
  }

  tell(message) {
    if (!this.#up) return;
    this.#socket.send(JSON.stringify(message));
    this.#expectAnswer();
  }

  /** Does not wait for the next attempt, if one is waited for. */
  hurry() {
    if (this.#retry && navigator.onLine) {
      this.#failures = 0;
      this.connect();
    }
  }

  /** Lets go of the socket, whose events mean nothing from here on. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#up = false;
    this.#expectNothing();
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost() {
    this.#drop();
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(this.#failures++, 10), LONGEST_PAUSE);
    // Jittered, so that a server that comes back is not met by all at once.
    this.#retry = setTimeout(() => this.connect(), pause * (0.8 + 0.4 * Math.random()));
    this.#calls.lost();
    this.#calls.changed();
  }

  #expectAnswer() {
    this.#watch ||= setTimeout(() => this.#lost(), ANSWER_WITHIN);
  }

  #expectNothing() {
    clearTimeout(this.#watch);
    this.#watch = 0;
  }
}
