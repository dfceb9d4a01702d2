// One room of the chat's page, and what may be said, without a browser: node --test room.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { module } from "./modules.mjs";
import { message } from "./spoken.mjs";

const { Room } = await module("room.js");
const { nameFault, roomFault } = await module("protocol.js");
const archive = await module("archive.js");

const messages = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
/** What stands in a room, in order: ids, and notes by what they say. */
const stands = (room) => room.items.map((item) => (item.note ? item.texts.map(({ text }) => text).join() : item.id));

test("a note that came before any message stays behind those that are older, and moves none of them", () => {
  const room = new Room("general");
  room.came("z", "Z", "Z came");
  const end = room.end;
  room.older(undefined, messages(101, 103), true);
  assert.deepEqual([stands(room), room.end], [[101, 102, 103, "Z came"], end]);
  room.merge([message(104)]);
  const place = room.end - 1;
  room.older(101, messages(98, 100), false);
  assert.deepEqual(stands(room), [98, 99, 100, 101, 102, 103, "Z came", 104]);
  assert.equal(room.at(place).id, 104);
});

test("a note ahead of the first message stays between it and what is older", () => {
  const room = new Room("general");
  room.came("z", "Z", "Z came");
  room.merge([message(201)]);
  const place = room.end - 1;
  room.older(201, messages(199, 200), true);
  assert.deepEqual([stands(room), room.at(place).id], [[199, 200, "Z came", 201], 201]);
  room.merge([message(202)]);
  room.older(199, messages(197, 198), false);
  assert.deepEqual([stands(room), room.at(place).id], [[197, 198, 199, 200, "Z came", 201, 202], 201]);
});

test("what is said first in a room comes behind nothing, and what was said before it comes in front", () => {
  const [live, loaded] = [new Room("general"), new Room("general")];
  live.merge([message(7)]);
  assert.deepEqual([live.base, live.end], [0, 1]);
  loaded.older(undefined, messages(1, 7), false);
  assert.deepEqual([loaded.base, loaded.end], [-7, 0]);
});

test("the history that a join tells stands ahead of a note that was quicker, and of nothing that is held", () => {
  const room = new Room("general");
  room.came("z", "Z", "Z came");
  room.history(messages(1, 3), true);
  assert.deepEqual([stands(room), room.more], [[1, 2, 3, "Z came"], true]);
  const other = new Room("general");
  other.came("z", "Z", "Z came");
  other.merge([message(3)]);
  other.history(messages(1, 5), false);
  assert.deepEqual(other.items.filter((item) => !item.note), messages(1, 5));
});

test("no room is called by dots alone, as no browser can ask for it", async () => {
  for (const bad of [".", ".."]) {
    // That is why.
    assert.notEqual(new URL(`/api/rooms/${encodeURIComponent(bad)}/messages`, "http://a/").pathname.split("/")[3], bad);
    assert.match(roomFault(bad), /dots/);
    assert.deepEqual(await archive.messages(bad), { messages: [], more: false });
  }
  for (const good of ["...", ".a", "a.", "%2e", "..%2f", "<b>&amp;", "a/b?c#d"]) {
    assert.equal(roomFault(good), null, good);
    const [, , , part, end] = new URL(`/api/rooms/${encodeURIComponent(good)}/messages`, "http://a/").pathname.split("/");
    assert.deepEqual([decodeURIComponent(part), end], [good, "messages"]);
  }
});

test("what cannot be a name is told", () => {
  for (const bad of ["x".repeat(33), "a\nb", "\u202ex"]) assert.ok(nameFault(bad));
  for (const good of ["é".repeat(32), "😀".repeat(32), "<i>&amp;", "."]) assert.equal(nameFault(good), null, good);
  assert.ok(roomFault("é".repeat(65)) && roomFault("a\u0085b"));
});
