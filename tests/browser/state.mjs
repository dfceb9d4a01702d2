// What the chat's page knows, without a browser: node --test state.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { module } from "./modules.mjs";
import { ME, OTHER, drain, history, ids, inside, list, message, said, unknown, welcome } from "./spoken.mjs";

const { State, copied } = await module("state.js");
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
  state.hear(unknown(), 0);
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
  state.hear(welcome({ resumed: true }), 0);
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
  // To a probe that was on its way.
  state.hear({ type: "name", userId: ME, name: "Ada" }, 0);
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

test("of a server that begins anew its messages are shown, whatever ids were seen before, and what waits goes out", () => {
  const state = inside();
  for (let id = 1; id <= 5; id += 1) state.hear(message(id), 0);
  state.room.newFrom = 4;
  state.say("in between", 0, 0);
  drain(state);
  state.lost();
  state.connected();
  for (const text of [welcome({ userId: "me again", token: "t2" }), unknown(), list(), history([])]) state.hear(text, 0);
  assert.deepEqual([ids(state), state.after, state.room.newFrom, state.room.more], [[], 0, null, false]);
  const { ref } = drain(state).sent.find(({ type }) => type === "message");
  state.hear(message(1, { userId: "me again", content: "in between", ref }), 0);
  state.hear(message(2, { content: "an answer" }), 0);
  assert.deepEqual(said(state).map(({ content }) => content), ["in between", "an answer"]);
  assert.deepEqual([state.outbox.messages, state.after], [[], 2]);
});

test("who looks at the page sees what is kept as unread in the open room, and nobody else does", () => {
  const kept = { rooms: [{ id: "general", unread: 3 }, { id: "galley", unread: 2 }], open: "general" };
  assert.deepEqual([new State(kept, true).unread, new State(kept, false).unread], [2, 5]);
});

test("a copy of a tab has its rooms, and nothing of what was unread, said or known there", () => {
  const kept = new State({ rooms: [{ id: "general", unread: 3 }, { id: "galley", unread: 2 }], open: "galley", token: "t", name: "Ada" }, false).kept();
  const copy = new State(copied(kept));
  assert.deepEqual([[...copy.rooms.keys()], copy.open, copy.unread, copy.token, copy.name], [["general", "galley"], "galley", 0, null, null]);
  assert.deepEqual([...new State(copied({})).rooms.keys()], ["general"]);
});
