// The chat's page on a connection that breaks all the time, to a server that may forget all: node --test broken.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { module } from "./modules.mjs";
import { ME, OTHER, drain, history, list, message, said, unknown, welcome } from "./spoken.mjs";

const { State } = await module("state.js");

/**
 * A server with one room, and one page whose connection breaks where it likes: any number of words may be lost with it. If it
 * `forgets`, it is started again now and then without what it had, and its ids begin anew.
 */
function broken(seed, forgets) {
  const random = (n) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return (seed >>> 8) % n; };
  const state = new State();
  let stored = [], life = 1, toServer = null, toPage = [], user = null, saidByMe = 0, saidByThem = 0, now = 0;
  const store = (userId, content, ref) => {
    const known = ref && stored.find((other) => other.ref === ref);
    if (!known) stored.push(message(stored.length + 1, { userId, content, ref }));
    return known ?? stored.at(-1);
  };
  const answer = {
    resume({ after, token }) {
      if (token !== `token ${life}`) return toPage.push(unknown());
      user = ME;
      return toPage.push(welcome({ token, rooms: ["general"], resumed: true }), list(), ...stored.filter(({ id }) => id > after));
    },
    join() { user = ME; toPage.push(list(), history(stored.slice(-3), stored.length > 3)); },
    message({ content, ref }) { toPage.push(store(ME, content, ref)); },
  };
  const steps = {
    connect() {
      if (toServer) return;
      [toServer, toPage, user] = [[], [welcome({ token: `token ${life}` })], null];
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
    forget() {
      if (!forgets || random(8)) return;
      [stored, life] = [[], life + 1];
      if (!toServer) return;
      toServer = null;
      state.lost();
    },
    theirs() { const word = store(OTHER, `theirs ${(saidByThem += 1)}`); if (user && toServer) toPage.push(word); },
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

/** What is seen is what the server has, from some message on, and nothing waits any more. */
function isWhole({ state, stored }, seed) {
  const told = (messages) => messages.map(({ id, content }) => `${id} ${content}`);
  const first = state.room.firstId ?? stored.length + 1;
  assert.deepEqual(told(said(state)), told(stored.filter(({ id }) => id >= first)), `seed ${seed}`);
  assert.deepEqual(state.outbox.messages, [], `seed ${seed}`);
}

test("however often the connection breaks, nothing is missed, doubled or out of order", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { state, stored, saidByMe } = broken(seed, false);
    isWhole({ state, stored }, seed);
    const mine = stored.filter(({ userId }) => userId === ME).map(({ content }) => content);
    assert.deepEqual(mine, Array.from({ length: saidByMe }, (_, i) => `mine ${i + 1}`), `seed ${seed}`);
  }
});

test("a server that has forgotten all, and counts from one again, is believed", () => {
  for (let seed = 1; seed <= 500; seed += 1) isWhole(broken(seed, true), seed);
});
