// The chat page's connection without a browser, by a clock and a socket of the test's: node --test line.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { module } from "./modules.mjs";
import { drain, list, unknown, welcome } from "./spoken.mjs";

/** Time that goes by when the test says so. */
const clock = { now: 0, timers: new Map(), last: 0 };
globalThis.setTimeout = (call, after) => {
  clock.last += 1;
  clock.timers.set(clock.last, { at: clock.now + after, call });
  return clock.last;
};
globalThis.clearTimeout = (id) => clock.timers.delete(id);

function pass(ms) {
  const end = clock.now + ms;
  for (;;) {
    const [next] = [...clock.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
    if (!next) break;
    clock.timers.delete(next[0]);
    clock.now = next[1].at;
    next[1].call();
  }
  clock.now = end;
}

const sockets = [];
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  sent = [];
  constructor() { sockets.push(this); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
};
const listeners = {};
globalThis.addEventListener = (type, call) => { listeners[type] = call; };
globalThis.document = { addEventListener() {}, hidden: false };
globalThis.location = { href: "http://127.0.0.1/" };
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
const { Line } = await module("line.js");
const { State } = await module("state.js");

/** A page that has just opened its connection: what it knows, its line, and the server's end of the last socket. */
function opened(kept) {
  clock.timers.clear();
  const losses = [], state = new State(kept);
  const flush = () => { for (const message of drain(state).sent) line.tell(message); };
  const line = new Line({
    opened() { state.connected(); flush(); },
    heard(message) { state.hear(message, clock.now); if (state.up) line.welcomed(); flush(); },
    lost() { losses.push(clock.now); state.lost(); },
    changed() {},
    probe: () => state.probe(),
  });
  line.connect();
  const socket = sockets.at(-1);
  socket.onopen();
  const tell = (...messages) => { for (const message of messages) socket.onmessage({ data: JSON.stringify(message) }); };
  return { state, line, losses, socket, tell, flush };
}

const KEPT = { rooms: [{ id: "general", unread: 0 }], token: "t0", after: 1 };

test("a server that takes the ten seconds it has to say that the database is away is waited for", () => {
  const { state, line, losses, socket, tell, flush } = opened();
  tell(welcome(), list());
  pass(500);
  state.say("x", 0, clock.now);
  flush();
  const { ref } = socket.sent.at(-1);
  // It counts from when it has the message.
  pass(10_900);
  assert.deepEqual([losses, line.state], [[], "Connected"]);
  tell({ type: "error", code: "unavailable", message: "the database is away", ref });
  assert.equal(state.outbox.find(ref).state, "failed");
  pass(35_000);
  assert.equal(losses.length, 1, "a server that is silent for good is still there");
});

test("a line that is lost between the welcome and the answer to a token is noticed, and made again", () => {
  const { line, losses, socket, tell } = opened(KEPT);
  tell(welcome());
  assert.deepEqual([line.state, socket.sent.map(({ type }) => type)], ["Reconnecting", ["resume"]]);
  const before = sockets.length;
  pass(20_000);
  assert.deepEqual([losses.length, socket.readyState, sockets.length > before], [1, 3, true]);
});

test("while nobody can tell whether the token is good the line stays, and asks again", () => {
  const { line, losses, socket, tell } = opened(KEPT);
  tell(welcome());
  for (let i = 0; i < 4; i += 1) {
    pass(10_000);
    tell({ type: "error", code: "unavailable", message: "the database is away" });
  }
  assert.deepEqual([losses, socket.readyState, line.state], [[], 1, "Reconnecting"]);
  tell(unknown(), list());
  assert.equal(line.state, "Connected");
});

test("who is answered by nobody is asked again and again, less and less often", () => {
  const before = sockets.length;
  opened();
  pass(60_000);
  const soon = sockets.length - before;
  pass(600_000);
  const later = sockets.length - before - soon;
  // Each attempt is given up after 15 s, and the pauses grow to 30 s.
  assert.ok(soon >= 3 && later >= 600 / 53 && later <= 600 / 37 + 1, `${soon} and ${later}`);
});

test("a quiet line is asked whether it is there, and an answer keeps it", () => {
  const { losses, socket, tell } = opened();
  tell(welcome(), list());
  for (let i = 0; i < 5; i += 1) {
    const asked = socket.sent.length;
    pass(20_000);
    assert.deepEqual(socket.sent.slice(asked).map(({ type, ref }) => [type, ref]), [["name", "probe"]]);
    tell({ type: "name", userId: "me", name: "User_me" });
  }
  assert.deepEqual(losses, []);
});

test("when the network is said to be gone, a server that does not answer is given up soon", () => {
  const { line, losses, tell } = opened();
  tell(welcome(), list());
  listeners.offline();
  pass(3_000);
  assert.deepEqual([losses.length, line.state], [1, "Reconnecting"]);
});
