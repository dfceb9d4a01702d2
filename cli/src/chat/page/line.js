// The one WebSocket: it comes back by itself, and notices a server that no longer answers.

import { TAKEN_OVER } from "./protocol.js";

// A server whose database is away takes 10 s to say so. One that is silent for longer is taken for gone.
const ANSWER_WITHIN = 15_000; // ms
const HURRIED = 3_000; // ms, where there is reason to doubt it
const QUIET = 20_000; // ms of silence after which it is asked whether it is there
const FIRST_PAUSE = 1_000, LONGEST_PAUSE = 30_000; // ms between attempts

export class Line {
  /** The connection goes on elsewhere: it is not made again unasked. */
  taken = false;
  #socket = null;
  #up = false;
  #failures = 0;
  #retry = 0;
  #watch = 0;
  #quiet = 0;
  #calls;

  /**
   * Calls `opened()`, `heard(message)`, `lost()` when the line is down, `changed()` when `state` may have, and `probe()` for
   * a message that is answered and changes nothing.
   */
  constructor(calls) {
    this.#calls = calls;
    addEventListener("online", () => this.#doubt(true));
    addEventListener("offline", () => this.#doubt());
    addEventListener("pageshow", (event) => { if (event.persisted) this.connect(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#doubt(); });
  }

  get state() {
    if (this.#up) return "Connected";
    return navigator.onLine && !this.taken ? "Reconnecting" : "Offline";
  }

  connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.taken = false;
    this.#drop();
    // The page sees to its rooms itself.
    const url = new URL("/ws?join=no", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    this.#expectAnswer(ANSWER_WITHIN);
    socket.onopen = () => this.#calls.opened();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#lost(event.code);
    this.#calls.changed();
  }

  /** The server has said who we are. */
  welcomed() {
    if (this.#up) return;
    this.#up = true;
    this.#failures = 0;
    this.#calls.changed();
  }

  tell(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    // Neither is answered.
    if (message.type !== "typing") this.#expectAnswer(ANSWER_WITHIN);
  }

  /** A change of network, or the reader is back: is the server still there? If we know that it is not, try at once. */
  #doubt(isAnew = false) {
    if (this.#up) {
      this.#probe(HURRIED);
    } else if (this.#retry || (isAnew && !this.taken)) {
      // An attempt that began without a network would perhaps wait for it long after it is back.
      this.#failures = 0;
      this.connect();
    }
    this.#calls.changed();
  }

  #probe(within) {
    if (!this.#up) return;
    this.#socket.send(JSON.stringify(this.#calls.probe()));
    this.#expectAnswer(within);
  }

  #heard(text) {
    clearTimeout(this.#watch);
    this.#watch = 0;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#probe(ANSWER_WITHIN), QUIET);
    let message;
    try { message = JSON.parse(text); } catch { return; }
    this.#calls.heard(message);
    // Until it has said who we are it owes us that.
    if (this.#socket && !this.#up) this.#expectAnswer(ANSWER_WITHIN);
  }

  #expectAnswer(within) {
    this.#watch ||= setTimeout(() => this.#lost(), within);
  }

  /** Lets go of the socket, whose events mean nothing from here on. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#up = false;
    clearTimeout(this.#watch);
    clearTimeout(this.#quiet);
    this.#watch = 0;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost(code) {
    this.#drop();
    this.taken = code === TAKEN_OVER;
    if (!this.taken) {
      const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(this.#failures++, 10), LONGEST_PAUSE);
      // Jittered, so that a server that comes back is not met by all at once.
      this.#retry = setTimeout(() => this.connect(), pause * (0.75 + 0.5 * Math.random()));
    }
    this.#calls.lost();
    this.#calls.changed();
  }
}
