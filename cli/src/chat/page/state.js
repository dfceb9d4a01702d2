// Everything the page knows, and what follows from what happens. Like the server's machines it has no clock, no socket
// and no document: calls go in, with the time where it matters, and `pollAction` hands out what is to be done.
//
// Actions: {send: MESSAGE} to the server, {refuse: TEXT} to the reader, {renamed: true} when a name was taken.

import { heard } from "./heard.js";
import { Outbox } from "./outbox.js";
import { HOME, MAX_ROOMS, reference } from "./protocol.js";
import { Room } from "./room.js";
import { Taken } from "./taken.js";

const TYPING_EVERY = 2_000, TYPING_FOR = 5_000; // ms
const LONGEST_WAIT = 60_000; // ms that a server may ask for
const ASK_AGAIN = 2_000; // ms
const PROBE = "probe"; // a ref

/** What a copy of a tab may have of what that one keeps: its rooms. The user is another one, who has missed nothing. */
export const copied = ({ rooms = [], open }) => ({ rooms: rooms.map(({ id }) => ({ id, unread: 0 })), open });

export class State {
  me = null; // {userId, name}
  up = false; // the server has said who we are
  rooms = new Map();
  open;
  outbox;
  token;
  /** What is above this id was missed: the largest one seen, or, of a server that says so, the one up to which all was told. */
  after;
  name; // as it was chosen, if it was
  left; // rooms that were left without the server's knowing
  visible;
  #fresh = null; // who we are if the token is not good
  #settles = false; // the server says up to where all was told: with others beside it, messages may come late
  #taken; // so that what such a server tells again is not counted again
  #asked = new Map(); // joins and names without an answer, by reference
  #later = []; // joins to be tried again: {at, roomId}, and a resume, without a room
  #typed = new Map(); // when we last told that we type, by room
  #actions = [];

  /** What was kept, by somebody who looks at the page or does not. */
  constructor({ rooms = [], open, token = null, after = 0, name = null, left = [], outbox = [], taken } = {}, visible = true) {
    for (const { id, unread } of rooms) this.rooms.set(id, new Room(id, unread));
    if (!this.rooms.size) this.rooms.set(HOME, new Room(HOME));
    this.open = this.rooms.has(open) ? open : this.rooms.keys().next().value;
    this.outbox = new Outbox(outbox.filter((message) => this.rooms.has(message.roomId)));
    this.left = new Set(left);
    this.#taken = new Taken(taken);
    Object.assign(this, { token, after, name });
    this.look(visible);
  }

  /** What a reload needs. */
  kept() {
    const rooms = [...this.rooms.values()].map(({ id, unread }) => ({ id, unread }));
    const outbox = this.outbox.messages.map(({ sent, ...message }) => message);
    const { open, token, after, name } = this, taken = this.#taken.kept(this.#settles ? after : 0);
    return { rooms, open, token, after, name, left: [...this.left], outbox, taken };
  }

  get room() {
    return this.rooms.get(this.open);
  }

  get unread() {
    return [...this.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  }

  pollAction() {
    return this.#actions.shift();
  }

  /** When to call `tick` at the latest. */
  timeout() {
    const typing = [...this.room.typing.values()].map(({ until }) => until);
    return Math.min(this.outbox.timeout(this.#mayGo), ...typing, ...this.#later.map(({ at }) => at));
  }

  tick(now) {
    for (const room of this.rooms.values()) {
      for (const [userId, { until }] of room.typing) if (until <= now) room.typing.delete(userId);
    }
    const due = this.#later.filter(({ at }) => at <= now);
    this.#later = this.#later.filter(({ at }) => at > now);
    for (const { roomId } of due) roomId === undefined ? this.#resume() : this.#enter(roomId);
    this.#flush(now);
  }

  // ---- The connection

  connected() {
    this.#fresh = null;
    this.#resume();
  }

  lost() {
    this.up = false;
    this.#asked.clear();
    this.#later = [];
    this.outbox.lost();
    for (const room of this.rooms.values()) room.lost();
  }

  hear(message, now) {
    // By its own keys alone: a message of type "constructor" is one that is not known.
    if (!Object.hasOwn(heard, message?.type)) return;
    heard[message.type].call(this, message, now);
    // What a welcome says of a stranger is nothing to who has a token to show.
    if (this.up && this.#settles) this.after = Math.max(this.after, message.settled ?? 0);
    this.#taken.settle(this.after);
    this.#flush(now);
  }

  /** Who we are, after all that can be known of it is known. */
  begin({ userId, name, token, rooms = [], resumed, settled }) {
    this.me = { userId, name };
    this.#settles = settled !== undefined;
    this.token = token ?? null;
    this.up = true;
    this.#fresh = null;
    if (!resumed) {
      // Nothing says that this server is the one whose messages are held: its ids may have begun anew.
      this.left.clear();
      this.after = settled ?? 0;
      this.#taken = new Taken();
      for (const room of this.rooms.values()) room.forget();
    }
    for (const roomId of rooms) {
      if (this.left.has(roomId)) this.#send({ type: "leave", roomId });
      else this.#place(roomId).joined = true;
    }
    this.left.clear();
    for (const room of this.rooms.values()) if (!room.joined) this.#enter(room.id);
    if (this.name && this.name !== name) this.#ask({ type: "name", name: this.name }, { name: this.name, before: null });
  }

  greet(welcome) {
    // The first welcome is for nobody yet while we have a token to show.
    if (this.token && !welcome.resumed && !this.up) this.#fresh = welcome;
    else this.begin(welcome);
  }

  refuse(text) {
    this.#actions.push({ refuse: text });
  }

  refused({ code, message, ref, retryAfterMs }, now) {
    if (code === "bad_token" && this.#fresh) return this.begin({ ...this.#fresh, resumed: false });
    if (ref === PROBE) return undefined;
    // Nobody can tell now whether the token is good.
    if (!this.up) return this.#later.push({ at: now + Math.min(retryAfterMs ?? ASK_AGAIN, LONGEST_WAIT) });
    const text = message || code;
    const wait = code === "rate_limited" ? Math.min(retryAfterMs ?? 1000, LONGEST_WAIT) : null;
    const asked = this.#asked.get(ref);
    this.#asked.delete(ref);
    if (asked?.roomId !== undefined && wait !== null) return this.#later.push({ at: now + wait, roomId: asked.roomId });
    if (asked?.roomId !== undefined) this.forget(asked.roomId);
    else if (asked) this.name = asked.before;
    if (this.outbox.find(ref)) {
      if (wait !== null) return this.outbox.pause(ref, now, wait);
      this.outbox.fail(ref, text);
    }
    return this.refuse(text);
  }

  /** One message, from wherever it came. */
  take(message, live) {
    const { id, roomId, userId, ref } = message;
    if (this.outbox.find(ref)) this.outbox.remove(ref);
    if (!this.#settles) this.after = Math.max(this.after, id);
    const isNew = this.#taken.take(id);
    const room = this.rooms.get(roomId);
    if (!room || !live) return;
    room.typing.delete(userId);
    if (!isNew || userId === this.me?.userId || (roomId === this.open && this.visible)) return;
    room.unread += 1;
    room.newFrom ??= id;
  }

  // ---- The reader

  say(content, timestamp, now) {
    this.outbox.push({ ref: reference(), roomId: this.open, content, timestamp });
    this.room.newFrom = null;
    this.#flush(now);
  }

  retry(ref, now) {
    this.outbox.retry(ref);
    this.#flush(now);
  }

  join(roomId) {
    if (!this.rooms.has(roomId)) {
      if (this.rooms.size >= MAX_ROOMS) return this.refuse(`You are in ${MAX_ROOMS} rooms, which is as many as can be: leave one first.`);
      this.left.delete(roomId);
      this.#place(roomId);
      this.#enter(roomId);
    }
    return this.show(roomId);
  }

  leave(roomId) {
    const room = this.rooms.get(roomId);
    if (!room || this.rooms.size === 1) return;
    if (this.up) this.#send({ type: "leave", roomId });
    else this.left.add(roomId);
    this.forget(roomId);
  }

  /** Without a word to the server. */
  forget(roomId) {
    if (this.rooms.size === 1) {
      if (roomId === HOME) return;
      this.#place(HOME);
      this.#enter(HOME);
    }
    this.rooms.delete(roomId);
    this.outbox.removeRoom(roomId);
    if (this.open === roomId) this.show(this.rooms.keys().next().value);
  }

  show(roomId) {
    const before = this.room;
    if (before && before.id !== roomId) before.newFrom = null;
    this.open = roomId;
    this.seen();
  }

  /** The reader looks at the page, or no more. */
  look(visible) {
    this.visible = visible;
    if (visible) this.seen();
    else this.room.newFrom = null;
  }

  seen() {
    if (this.visible) this.room.unread = 0;
  }

  rename(name) {
    const before = this.name;
    this.name = name;
    if (this.up) this.#ask({ type: "name", name }, { name, before });
  }

  /** Who is called what he is called already is told so, and nobody else. */
  probe() {
    return { type: "name", name: this.name ?? this.me.name, ref: PROBE };
  }

  typed(now) {
    if (!this.room.joined || now - (this.#typed.get(this.open) ?? -Infinity) < TYPING_EVERY) return;
    this.#typed.set(this.open, now);
    this.#send({ type: "typing", roomId: this.open });
  }

  typingHere(roomId, userId, name, now) {
    const room = this.rooms.get(roomId);
    if (room && userId !== this.me?.userId) room.typing.set(userId, { name, until: now + TYPING_FOR });
  }

  renamed(userId, name) {
    if (userId === this.me?.userId) {
      this.me.name = name;
      // It may be the answer to a probe, and the name that was asked for be still on its way.
      for (const [ref, asked] of this.#asked) if (asked.name === name) this.#asked.delete(ref);
      this.#actions.push({ renamed: true });
    }
    for (const room of this.rooms.values()) room.renamed(userId, name);
  }

  joinAnswered(roomId) {
    for (const [ref, asked] of this.#asked) if (asked.roomId === roomId) this.#asked.delete(ref);
  }

  // ---- Inside

  #mayGo = (message) => this.up && this.rooms.get(message.roomId)?.joined === true;

  #flush(now) {
    for (const { ref, roomId, content } of this.outbox.take(now, this.#mayGo)) {
      this.#send({ type: "message", roomId, content, ref });
    }
  }

  #resume() {
    if (this.token) this.#send({ type: "resume", token: this.token, after: this.after });
  }

  #place(roomId) {
    if (!this.rooms.has(roomId)) this.rooms.set(roomId, new Room(roomId));
    return this.rooms.get(roomId);
  }

  #enter(roomId) {
    const room = this.rooms.get(roomId);
    if (!this.up || !room || room.joined) return;
    room.entering = true;
    this.#ask({ type: "join", roomId }, { roomId });
  }

  #ask(message, asked) {
    const ref = reference();
    this.#asked.set(ref, asked);
    this.#send({ ...message, ref });
  }

  #send(message) {
    this.#actions.push({ send: message });
  }
}
