// Messages of one's own that have no answer yet, in the order in which they were written. No clock, no socket.

const MAX_WAITING = 100; // all rooms together
// The server takes bursts of 40 and 20 a second; who stays below is never refused, so nothing changes its place.
const BURST = 30, EACH = 70; // ms

export class Outbox {
  /** Each is `{ref, roomId, content, timestamp, state, reason, sent}`; `state` is "pending" or "failed". */
  messages;
  #spent = 0; // the moment at which the burst is whole again
  #pausedUntil = 0;

  constructor(kept = []) {
    this.messages = kept.slice(0, MAX_WAITING).map((message) => ({ ...message, sent: false }));
  }

  get isFull() {
    return this.messages.length >= MAX_WAITING;
  }

  push(message) {
    this.messages.push({ ...message, state: "pending", sent: false });
  }

  find(ref) {
    return ref === undefined ? undefined : this.messages.find((message) => message.ref === ref);
  }

  in(roomId) {
    return this.messages.filter((message) => message.roomId === roomId);
  }

  /** Takes it out: it was stored, or is given up. */
  remove(ref) {
    this.messages = this.messages.filter((message) => message.ref !== ref);
  }

  removeRoom(roomId) {
    this.messages = this.messages.filter((message) => message.roomId !== roomId);
  }

  fail(ref, reason) {
    const message = this.find(ref);
    if (message) Object.assign(message, { state: "failed", sent: false, reason });
  }

  /** It is sent again under the same `ref`, so it is not stored twice if it was stored after all. */
  retry(ref) {
    const message = this.find(ref);
    if (message) Object.assign(message, { state: "pending", sent: false, reason: undefined });
  }

  /** The server wants no more for `wait` ms; what it refused goes out again, before what was written after it. */
  pause(ref, now, wait) {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + wait);
    const message = this.find(ref);
    if (message) message.sent = false;
  }

  /** The connection is lost: whatever has no answer is sent again on the next. */
  lost() {
    for (const message of this.messages) message.sent = false;
  }

  /** Takes what may go out now. */
  take(now, mayGo) {
    const taken = [];
    for (const message of this.messages) {
      if (message.sent || message.state !== "pending" || !mayGo(message)) continue;
      if (now < this.#turn()) break;
      this.#spent = Math.max(this.#spent, now) + EACH;
      message.sent = true;
      taken.push(message);
    }
    return taken;
  }

  /** When to look again, if anything waits for its turn. */
  timeout(mayGo) {
    const waits = this.messages.some((message) => !message.sent && message.state === "pending" && mayGo(message));
    return waits ? this.#turn() : Infinity;
  }

  /** When the next may go. */
  #turn() {
    return Math.max(this.#pausedUntil, this.#spent - (BURST - 1) * EACH);
  }
}
