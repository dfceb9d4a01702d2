// A server that says up to where all was told: node --test settled.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { OTHER, drain, history, ids, inside, list, message, welcome } from "./spoken.mjs";
import { module } from "./modules.mjs";

const { State } = await module("state.js");
const { Taken } = await module("taken.js");

/** In `general`, where all up to 5 is told. */
function among(kept) {
  const state = new State(kept);
  state.connected();
  for (const text of [welcome({ settled: 3 }), list(), { ...history([message(4)]), settled: 5 }]) state.hear(text, 0);
  drain(state);
  return state;
}

test("it comes back with what it was told to have, and not with the greatest id", () => {
  const state = among();
  assert.equal(state.after, 5);
  state.hear(message(9, { settled: 5 }), 0);
  state.hear(message(7, { settled: 5 }), 0);
  assert.deepEqual([ids(state), state.after], [[4, 7, 9], 5]);
  state.hear(message(10, { settled: 9 }), 0);
  state.hear(message(11, { settled: 8 }), 0);
  assert.equal(state.after, 9);
  state.lost();
  state.connected();
  assert.deepEqual(drain(state).sent, [{ type: "resume", token: "t1", after: 9 }]);
});

test("what comes again after that stands there once, and is nothing new", () => {
  const state = among({ rooms: [{ id: "general", unread: 0 }] });
  state.look(false);
  state.hear(message(9, { settled: 5 }), 0);
  state.lost();
  state.connected();
  state.hear(welcome({ settled: 12 }), 0);
  assert.equal(state.after, 5, "a stranger's welcome says nothing of what we have");
  state.hear(welcome({ rooms: ["general"], resumed: true, settled: 5 }), 0);
  state.hear(list("general", [{ userId: OTHER, name: "Jo" }]), 0);
  // These are read, and say nothing of it.
  for (const id of [8, 9, 13]) state.hear(message(id), 0);
  assert.deepEqual([ids(state), state.after, state.unread], [[4, 8, 9, 13], 5, 3]);
  state.hear(message(14, { settled: 13 }), 0);
  assert.equal(state.after, 13);
});

test("a server that says nothing of it has the greatest id count", () => {
  const state = among();
  state.lost();
  state.connected();
  state.hear(welcome(), 0);
  state.hear(welcome({ rooms: ["general"], resumed: true }), 0);
  state.hear(message(8), 0);
  assert.equal(state.after, 8);
});

test("somebody new among others begins where they are", () => {
  const state = new State({ rooms: [{ id: "general", unread: 0 }], token: "t0", after: 70 });
  state.connected();
  state.hear(welcome({ settled: 50 }), 0);
  state.hear({ type: "error", code: "bad_token", message: "not known" }, 0);
  assert.deepEqual([state.up, state.after], [true, 50]);
});

/** The page is loaded again, and comes back as who it was. */
function reloaded(state) {
  const again = new State(JSON.parse(JSON.stringify(state.kept())));
  again.connected();
  again.hear(welcome({ rooms: [...again.rooms.keys()], resumed: true, settled: again.after }), 0);
  return again;
}

test("a page that is loaded again counts nothing a second time, and what comes late once", () => {
  const before = among({ rooms: [{ id: "general", unread: 0 }, { id: "galley", unread: 0 }], open: "galley" });
  before.show("general");
  for (const id of [6, 8]) before.hear(message(id, { settled: 5 }), 0);
  before.show("galley");
  before.hear(message(10, { settled: 5 }), 0);
  assert.deepEqual([before.unread, before.rooms.get("general").newFrom], [1, 10]);
  const state = reloaded(before);
  assert.deepEqual(drain(state).sent, [{ type: "resume", token: "t1", after: 5 }]);
  // Another node may not know yet that it has these, and tells them as well.
  for (const id of [4, 5, 6, 8, 10]) state.hear(message(id), 0);
  assert.deepEqual([state.unread, state.rooms.get("general").newFrom], [1, null]);
  assert.deepEqual(ids(state), [4, 5, 6, 8, 10]);
  for (const id of [7, 9, 11, 9]) state.hear(message(id), 0);
  assert.deepEqual([state.unread, state.rooms.get("general").newFrom, ids(state)], [4, 7, [4, 5, 6, 7, 8, 9, 10, 11]]);
  const third = reloaded(state);
  third.hear(history([message(6), message(7), message(9), message(11), message(12)]), 0);
  assert.deepEqual([third.unread, third.rooms.get("general").newFrom], [5, 12]);
});

test("a page that is loaded twice before it hears anything has forgotten nothing of that", () => {
  const before = among({ rooms: [{ id: "general", unread: 0 }, { id: "galley", unread: 0 }], open: "galley" });
  before.hear(message(8, { settled: 5 }), 0);
  const state = reloaded(new State(before.kept()));
  for (const id of [5, 8]) state.hear(message(id), 0);
  assert.equal(state.unread, 1);
});

test("who is somebody new counts all, whatever ids were taken before", () => {
  const before = among({ rooms: [{ id: "general", unread: 0 }, { id: "galley", unread: 0 }], open: "galley" });
  before.hear(message(8, { settled: 5 }), 0);
  const state = new State(before.kept());
  state.connected();
  state.hear(welcome({ settled: 2 }), 0);
  state.hear({ type: "error", code: "bad_token", message: "not known" }, 0);
  state.hear(list(), 0);
  state.hear(history([]), 0);
  for (const id of [3, 8]) state.hear(message(id), 0);
  assert.deepEqual([state.rooms.get("general").unread, ids(state)], [3, [3, 8]]);
});

test("only what is not settled is kept by its id, and of a server that says nothing of it nothing is", () => {
  const state = among();
  for (const id of [6, 9]) state.hear(message(id, { settled: 7 }), 0);
  assert.deepEqual(state.kept().taken, { upTo: 7, ids: [9] });
  const alone = inside();
  for (const id of [6, 9]) alone.hear(message(id), 0);
  assert.deepEqual(alone.kept().taken, { upTo: 0, ids: [] });
});

test("what is kept of the ids has a bound, and what is below passes for taken", () => {
  const taken = new Taken();
  for (let id = 3_000; id > 0; id -= 2) assert.ok(taken.take(id));
  assert.ok(!taken.take(2_000) && taken.take(2_001));
  const kept = taken.kept(0);
  assert.deepEqual([kept.ids.length, kept.ids[0], kept.ids.at(-1), kept.upTo], [1_000, 1_004, 3_000, 1_002]);
  // This page has them in its rooms.
  assert.ok(taken.take(901));
  const again = new Taken(kept);
  for (const [id, isNew] of [[901, false], [1_002, false], [1_003, true], [1_004, false], [3_001, true]]) assert.equal(again.take(id), isNew, `${id}`);
  again.settle(2_500);
  assert.deepEqual([again.kept(2_500).ids[0], again.kept(2_500).upTo], [2_502, 2_500]);
  assert.equal(new Taken({ ids: Array.from({ length: 5_000 }, (_, i) => i) }).kept(0).ids.length, 1_000);
});
