// A server that says up to where all was told: node --test settled.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { OTHER, drain, history, ids, list, message, welcome } from "./spoken.mjs";
import { module } from "./modules.mjs";

const { State } = await module("state.js");

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
