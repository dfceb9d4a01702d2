// The chat page's machine without a browser: node --test state.mjs
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

// The page's modules are named as a browser likes them; beside a package.json Node takes them for modules too.
const page = fileURLToPath(new URL("../../cli/src/chat/page/", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wharf-page-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));
for (const name of fs.readdirSync(page).filter((name) => name.endsWith(".js"))) fs.copyFileSync(path.join(page, name), path.join(folder, name));
fs.writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
const { State } = await import(pathToFileURL(path.join(folder, "state.js")));

const ME = "me", OTHER = "other";
const welcome = (more = {}) => ({ type: "welcome", userId: ME, name: "User_me", token: "t1", rooms: [], resumed: false, ...more });
const message = (id, more = {}) => ({ type: "message", id, roomId: "general", userId: OTHER, name: "Jo", content: `text ${id}`, timestamp: id, ...more });
const list = (roomId = "general", members = [{ userId: ME, name: "User_me" }]) => ({ type: "user_list", roomId, users: [], members });
const history = (messages, more = false, roomId = "general") => ({ type: "history", roomId, messages, more });

/** What the page says, in order, and what it tells the reader. */
function drain(state) {
  const actions = [];
  for (let action; (action = state.pollAction()); ) actions.push(action);
  return { sent: actions.flatMap(({ send }) => send ?? []), refused: actions.flatMap(({ refuse }) => refuse ?? []) };
}

/** In `general`, as somebody new. */
function inside(kept) {
  const state = new State(kept);
  state.connected();
  for (const text of [welcome(), list(), history([])]) state.hear(text, 0);
  drain(state);
  return state;
}

const ids = (state, roomId = "general") => state.rooms.get(roomId).items.filter((item) => !item.note).map(({ id }) => id);
const notes = (state) => state.room.items.flatMap((item) => item.texts?.map(({ text }) => text) ?? []);

test("somebody new joins the rooms that are kept", () => {
  const state = new State({ rooms: [{ id: "a", unread: 0 }, { id: "b", unread: 2 }], open: "b" });
  state.connected();
  assert.deepEqual(drain(state).sent, []);
  state.hear(welcome(), 0);
  assert.deepEqual(drain(state).sent.map(({ type, roomId }) => [type, roomId]), [["join", "a"], ["join", "b"]]);
  assert.equal(state.token, "t1");
});

test("somebody known shows the token first, and is nobody until the answer is there", () => {
  const state = new State({ rooms: [{ id: "general", unread: 0 }], token: "t0", after: 7 });
  state.connected();
  assert.deepEqual(drain(state).sent, [{ type: "resume", token: "t0", after: 7 }]);
  state.hear(welcome(), 0);
  assert.deepEqual([state.up, state.token, drain(state).sent], [false, "t0", []]);
  state.hear(welcome({ userId: "old", name: "Ada", token: "t0", rooms: ["general", "galley"], resumed: true }), 0);
  assert.deepEqual([state.up, state.me, [...state.rooms.keys()]], [true, { userId: "old", name: "Ada" }, ["general", "galley"]]);
  assert.deepEqual(drain(state).sent, []);
});

test("with a token that is not good any more it goes on as somebody new, by the chosen name", () => {
  const state = new State({ rooms: [{ id: "general", unread: 0 }], token: "t0", after: 7, name: "Ada" });
  state.connected();
  state.hear(welcome(), 0);
  drain(state);
  state.hear({ type: "error", code: "bad_token", message: "not known" }, 0);
  const { sent, refused } = drain(state);
  assert.deepEqual(sent.map(({ type, roomId, name }) => [type, roomId ?? name]), [["join", "general"], ["name", "Ada"]]);
  assert.deepEqual([state.token, refused], ["t1", []]);
});

test("while nobody can tell whether the token is good it is shown again, and nobody new begins", () => {
  const state = new State({ rooms: [{ id: "general", unread: 0 }], token: "t0", after: 7 });
  state.connected();
  state.hear(welcome(), 0);
  drain(state);
  state.hear({ type: "error", code: "unavailable", message: "the database is away" }, 0);
  assert.deepEqual([state.up, drain(state), state.timeout()], [false, { sent: [], refused: [] }, 2_000]);
  state.tick(2_000);
  assert.deepEqual(drain(state).sent, [{ type: "resume", token: "t0", after: 7 }]);
});

test("what was written while away goes out under the same ref, once there is a room for it, and stands there once", () => {
  const state = inside();
  state.say("one", 0, 0);
  const [first] = drain(state).sent;
  state.lost();
  state.say("two", 0, 0);
  assert.deepEqual(drain(state).sent, []);
  const kept = JSON.parse(JSON.stringify(state.kept()));
  for (const again of [state, new State(kept)]) {
    again.connected();
    again.hear(welcome(), 1);
    again.hear(welcome({ rooms: ["general"], resumed: true }), 1);
    // The first was stored all the same, and comes with what was missed.
    const sent = drain(again).sent.filter(({ type }) => type === "message");
    assert.deepEqual(sent.map(({ content }) => content), ["one", "two"]);
    assert.equal(sent[0].ref, first.ref);
    again.hear(history([message(1, { userId: ME, ref: first.ref, content: "one" })]), 1);
    again.hear(message(1, { userId: ME, ref: first.ref, content: "one" }), 1);
    assert.deepEqual(again.outbox.messages.map(({ content }) => content), ["two"]);
    again.hear(message(2, { userId: ME, ref: sent[1].ref, content: "two" }), 1);
    assert.deepEqual([ids(again), again.outbox.messages], [[1, 2], []]);
  }
});

test("messages stand by their ids, each once, whatever way they come", () => {
  const state = inside();
  for (const id of [5, 7, 5, 6]) state.hear(message(id), 0);
  state.hear({ type: "join", roomId: "general", userId: "x", name: "X", content: "X joined the room" }, 0);
  for (const id of [8, 7]) state.hear(message(id), 0);
  assert.deepEqual(ids(state), [5, 6, 7, 8]);
  const place = state.room.base;
  state.room.older(5, [message(3), message(4)], false);
  assert.deepEqual([ids(state), state.room.base, state.room.at(place).id], [[3, 4, 5, 6, 7, 8], place - 2, 5]);
  state.room.older(5, [message(1)], true);
  assert.deepEqual([ids(state)[0], state.room.more], [3, false]);
});

test("what a join brings makes no gap that cannot be filled", () => {
  const state = inside();
  state.hear(message(1), 0);
  state.lost();
  state.connected();
  state.hear(welcome(), 0);
  state.hear({ type: "error", code: "bad_token", message: "not known" }, 0);
  for (const text of [list(), history([message(60), message(61)], true)]) state.hear(text, 0);
  assert.deepEqual([ids(state), state.room.more, state.after], [[60, 61], true, 61]);
});

test("what was missed is unread, what was there before is not", () => {
  const state = inside();
  state.join("galley");
  for (const text of [list("galley"), history([message(1, { roomId: "galley" })], false, "galley")]) state.hear(text, 0);
  assert.equal(state.unread, 0);
  state.hear(message(2), 0);
  state.hear(message(3, { userId: ME }), 0);
  state.lost();
  state.connected();
  state.hear(welcome({ rooms: ["general", "galley"], resumed: true }), 0);
  state.hear(history([message(4), message(5)]), 0);
  assert.deepEqual([state.rooms.get("general").unread, state.rooms.get("general").newFrom], [3, 2]);
  state.show("general");
  assert.deepEqual([state.unread, state.room.newFrom], [0, 2]);
  state.look(false);
  state.hear(message(6), 0);
  assert.deepEqual([state.unread, state.room.newFrom], [1, 6]);
  state.look(true);
  assert.equal(state.unread, 0);
});

test("a hundred messages at once go out in order, and never faster than the server takes them", () => {
  const state = inside();
  for (let i = 0; i < 100; i += 1) state.say(`${i}`, 0, 0);
  const out = [];
  for (let now = 0; out.length < 100; now = Math.max(now, state.timeout())) {
    state.tick(now);
    for (const { content } of drain(state).sent) out.push([now, content]);
  }
  assert.deepEqual(out.map(([, content]) => content), Array.from({ length: 100 }, (_, i) => `${i}`));
  // 40 at once and 20 a second, from any of them on.
  out.forEach(([from], i) => out.slice(i).forEach(([to], n) => assert.ok(n + 1 <= 40 + (to - from) / 50)));
});

test("who is told to wait waits, and keeps the order", () => {
  const state = inside();
  for (const text of ["a", "b", "c"]) state.say(text, 0, 0);
  const [, b] = drain(state).sent;
  state.hear({ type: "error", code: "rate_limited", message: "wait", ref: b.ref, retryAfterMs: 400 }, 10);
  state.say("d", 0, 20);
  assert.deepEqual([drain(state).sent, state.timeout()], [[], 410]);
  state.tick(410);
  assert.deepEqual(drain(state).sent.map(({ content }) => content), ["b", "d"]);
});

test("a message that is refused stays, says why, and can be tried again under its ref", () => {
  const state = inside();
  state.say("a", 0, 0);
  const [{ ref }] = drain(state).sent;
  state.hear({ type: "error", code: "unavailable", message: "the database is away", ref }, 0);
  assert.deepEqual(drain(state).refused, ["the database is away"]);
  assert.deepEqual([state.outbox.find(ref).state, state.outbox.find(ref).reason], ["failed", "the database is away"]);
  state.lost();
  state.connected();
  state.hear(welcome({ rooms: ["general"], resumed: true }), 0);
  assert.deepEqual(drain(state).sent.filter(({ type }) => type === "message"), []);
  state.retry(ref, 0);
  assert.deepEqual(drain(state).sent, [{ type: "message", roomId: "general", content: "a", ref }]);
});

test("a room that was left while away is left when we are back", () => {
  const state = inside();
  state.join("galley");
  state.hear(list("galley"), 0);
  state.lost();
  state.leave("galley");
  drain(state);
  const again = new State(JSON.parse(JSON.stringify(state.kept())));
  again.connected();
  again.hear(welcome({ rooms: ["general", "galley"], resumed: true }), 0);
  assert.deepEqual(drain(again).sent.slice(1), [{ type: "leave", roomId: "galley" }]);
  assert.deepEqual([...again.rooms.keys()], ["general"]);
});

test("a room that cannot be joined does not stand in the list, and a wait is obeyed", () => {
  const state = inside();
  state.join("galley");
  const [{ ref }] = drain(state).sent;
  state.hear({ type: "error", code: "rate_limited", message: "wait", ref, retryAfterMs: 100 }, 0);
  state.tick(100);
  const [again] = drain(state).sent;
  assert.deepEqual([again.type, again.roomId], ["join", "galley"]);
  state.hear({ type: "error", code: "too_many_rooms", message: "too many rooms", ref: again.ref }, 0);
  assert.deepEqual([[...state.rooms.keys()], state.open, drain(state).refused], [["general"], "general", ["too many rooms"]]);
});

test("a name that is taken is told, and the one before stays", () => {
  const state = inside();
  state.rename("Ada");
  state.hear({ type: "name", userId: ME, name: "Ada" }, 0);
  drain(state);
  state.rename("Jo");
  const [{ ref }] = drain(state).sent;
  state.hear({ type: "error", code: "name_taken", message: "taken", ref }, 0);
  assert.deepEqual([state.me.name, state.name, drain(state).refused], ["Ada", "Ada", ["taken"]]);
  assert.equal(state.room.people.get(ME), "Ada");
});

test("who loses his connection for a moment makes no noise", () => {
  const state = inside();
  const coming = (type, userId) => ({ type, roomId: "general", userId, name: userId, content: `${userId} ${type}` });
  for (const userId of ["a", "b"]) state.hear(coming("join", userId), 0);
  state.hear(coming("leave", "a"), 0);
  state.hear(coming("join", "a"), 0);
  assert.deepEqual(notes(state), ["a join", "b join"]);
  state.lost();
  state.connected();
  state.hear(welcome({ rooms: ["general"], resumed: true }), 0);
  state.hear(list(), 0);
  for (const userId of ["b", "c"]) state.hear(coming("join", userId), 0);
  assert.deepEqual(notes(state), ["a join", "b join", "c join"]);
});

test("who comes and gives a name is told once", () => {
  const state = inside();
  const rename = (name) => state.hear({ type: "name", userId: OTHER, name }, 0);
  state.hear({ type: "join", roomId: "general", userId: OTHER, name: "User_other", content: "User_other joined the room" }, 0);
  rename("Jo");
  assert.deepEqual(notes(state), ["Jo joined the room"]);
  state.hear(message(1), 0);
  rename("Joanna");
  assert.deepEqual(notes(state), ["Jo joined the room", "Jo is now Joanna"]);
});

test("who types is shown until he has said it, or for a while", () => {
  const state = inside();
  const types = (userId) => state.hear({ type: "typing", roomId: "general", userId, name: userId }, 0);
  for (const userId of [OTHER, "b", ME]) types(userId);
  state.hear(message(1), 0);
  assert.deepEqual([...state.room.typing.keys()], ["b"]);
  state.tick(state.timeout());
  assert.equal(state.room.typing.size, 0);
  for (const now of [0, 1_999, 2_000]) state.typed(now);
  assert.equal(drain(state).sent.filter(({ type }) => type === "typing").length, 2);
});

test("types and members that are not known do nothing", () => {
  const state = inside();
  for (const odd of [{ type: "constructor" }, { type: "dance" }, {}, null, 7, "x"]) state.hear(odd, 0);
  assert.deepEqual(drain(state).sent, []);
});

/** A server with one room, and one page whose connection breaks where it likes: any number of words may be lost with it. */
function broken(seed) {
  const random = (n) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return (seed >>> 8) % n; };
  const stored = [], state = new State();
  let toServer = null, toPage = [], user = null, saidByMe = 0, now = 0;
  const isKnown = () => state.token !== null;
  const store = (userId, content, ref) => {
    const known = ref && stored.find((other) => other.ref === ref);
    if (!known) stored.push(message(stored.length + 1, { userId, content, ref }));
    return known ?? stored.at(-1);
  };
  const answer = {
    resume({ after }) {
      user = ME;
      toPage.push(welcome({ rooms: ["general"], resumed: true }), list(), ...stored.filter(({ id }) => id > after));
    },
    join() { user = ME; toPage.push(list(), history(stored.slice(-3), stored.length > 3)); },
    message({ content, ref }) { toPage.push(store(ME, content, ref)); },
  };
  const steps = {
    connect() {
      if (toServer) return;
      [toServer, toPage, user] = [[], isKnown() ? [] : [welcome()], null];
      state.connected();
    },
    cut() {
      if (!toServer || random(4)) return;
      toServer = null;
      state.lost();
    },
    carry() { for (let n = random(3); toServer?.length && n >= 0; n -= 1) { const word = toServer.shift(); answer[word.type]?.(word); } },
    hear() { for (let n = random(3); toServer && toPage.length && n >= 0; n -= 1) state.hear(toPage.shift(), now); },
    mine() { if (saidByMe < 40) state.say(`mine ${(saidByMe += 1)}`, 0, now); },
    theirs() { const word = store(OTHER, "theirs"); if (user && toServer) toPage.push(word); },
  };
  const names = Object.keys(steps);
  const step = (name) => {
    now += 100;
    state.tick(now);
    steps[name]();
    for (const word of drain(state).sent) toServer?.push(word);
  };
  for (let i = 0; i < 200; i += 1) step(names[random(names.length)]);
  for (let i = 0; i < 400; i += 1) step(["connect", "carry", "hear"][i % 3]);
  return { state, stored, saidByMe };
}

test("however often the connection breaks, nothing is missed, doubled or out of order", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { state, stored, saidByMe } = broken(seed);
    const first = state.room.firstId ?? stored.length + 1;
    assert.deepEqual(ids(state), stored.map(({ id }) => id).filter((id) => id >= first), `seed ${seed}`);
    assert.deepEqual(state.outbox.messages, [], `seed ${seed}`);
    const mine = stored.filter(({ userId }) => userId === ME).map(({ content }) => content);
    assert.deepEqual(mine, Array.from({ length: saidByMe }, (_, i) => `mine ${i + 1}`), `seed ${seed}`);
  }
});
