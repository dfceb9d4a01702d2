// The chat's page: one WebSocket, any number of rooms.

import { Line } from "/line.js";
import { entry, label, make, person } from "/view.js";

const HOME = "general";
const MAX_CONTENT = 4096; // bytes; the server refuses more
const MAX_ENTRIES = 500; // a room; the oldest go
const MAX_WAITING = 100; // messages of one's own without an answer, all rooms together
const MAX_SEEN = 1000; // references of messages shown, to show none twice

const at = (id) => document.getElementById(id);
const [log, box, alertBox, down] = ["log", "message", "alert", "down"].map(at);

// What survives a reload: the rooms, the open one, and a draft for each. Two tabs have each their own.
const kept = (() => {
  try {
    const found = JSON.parse(sessionStorage.getItem("wharf-chat"));
    if (Array.isArray(found?.rooms) && found.rooms.every((id) => typeof id === "string")) return found;
  } catch { /* begin afresh */ }
  return { rooms: [HOME], open: HOME, drafts: {} };
})();
const drafts = new Map(Object.entries(kept.drafts ?? {}).filter(([, text]) => typeof text === "string"));
const keep = () => {
  const state = { rooms: [...rooms.keys()], open, drafts: Object.fromEntries(drafts) };
  try { sessionStorage.setItem("wharf-chat", JSON.stringify(state)); } catch { /* full or forbidden: nothing is kept */ }
};

/** By id: {people: Map, joined, unread, pane, entries, waiting, button}. */
const rooms = new Map();
let open = "";
/** Own messages without an answer, by reference: {roomId, content, entry, sent}. */
const waiting = new Map();
const seen = new Set();
/** Joins without an answer: the room by reference. */
const joining = new Map();
let me = {};

// ---- The connection

const line = new Line({
  // By its own keys alone: a message of type "constructor" is one that is not known.
  heard: (message) => { if (Object.hasOwn(heard, message.type)) heard[message.type](message); },
  lost() {
    for (const room of rooms.values()) room.joined = false;
    for (const message of waiting.values()) message.sent = false;
  },
  changed: () => showStatus(),
});

function showStatus() {
  const status = at("status");
  if (status.textContent !== line.state) status.textContent = line.state;
  status.dataset.state = line.state.toLowerCase();
}

/** A change of network, or the reader is back: is the server still there? If we know that it is not, try at once. */
function probe() {
  if (rooms.get(open).joined) line.tell({ type: "user_list", roomId: open });
  else line.hurry();
  showStatus();
}

// ---- What the server says

const heard = {
  welcome({ userId, name }) {
    me = { userId, name };
    line.welcomed();
    joining.clear();
    for (const roomId of rooms.keys()) join(roomId);
  },
  user_list({ roomId, members }) {
    const room = rooms.get(roomId);
    if (!room) return;
    room.people = new Map(members.map(({ userId, name }) => [userId, name]));
    for (const [ref, id] of joining) if (id === roomId) joining.delete(ref);
    if (!room.joined) {
      room.joined = true;
      for (const [ref, message] of waiting) if (message.roomId === roomId && !message.sent) transmit(ref, message);
    }
    showPeople(room);
  },
  join({ roomId, userId, name, content }) {
    const room = rooms.get(roomId);
    if (!room) return;
    room.people.set(userId, name);
    append(room, make("p", "note", content));
    showPeople(room);
  },
  leave({ roomId, userId, content }) {
    const room = rooms.get(roomId);
    if (!room || userId === me.userId) return;
    room.people.delete(userId);
    append(room, make("p", "note", content));
    showPeople(room);
  },
  message({ roomId, userId, name, content, timestamp, ref }) {
    const own = waiting.get(ref);
    if (own && userId === me.userId) {
      own.entry.remove();
      waiting.delete(ref);
    }
    const room = rooms.get(roomId);
    if (!room || (ref && seen.has(ref))) return;
    if (ref) {
      seen.add(ref);
      if (seen.size > MAX_SEEN) seen.delete(seen.values().next().value);
    }
    const time = new Date(timestamp ?? Date.now());
    append(room, entry({ userId, name, content, time }, userId === me.userId));
    if (roomId !== open) {
      room.unread += 1;
      showRoom(roomId, room);
    }
  },
  error({ code, message, ref, retryAfterMs }) {
    refuse(message || code);
    const later = code === "rate_limited" && Math.min(retryAfterMs ?? 1000, 60_000);
    const roomId = joining.get(ref);
    if (roomId !== undefined) {
      joining.delete(ref);
      if (later) setTimeout(() => rooms.get(roomId)?.joined === false && join(roomId), later);
      else leave(roomId);
    }
    const own = waiting.get(ref);
    if (!own) return;
    if (later) {
      own.sent = false;
      setTimeout(() => waiting.has(ref) && !own.sent && transmit(ref, own), later);
      return;
    }
    waiting.delete(ref);
    own.entry.dataset.state = "failed";
    own.entry.querySelector(".mark").textContent = "not sent";
    append(rooms.get(own.roomId), own.entry);
  },
};

const refuse = (text) => { alertBox.textContent = text; };

// ---- Sending

function say() {
  const content = box.value;
  if (!content.trim()) return;
  const bytes = new TextEncoder().encode(content).length;
  if (bytes > MAX_CONTENT) return refuse(`This message is too long: ${bytes} bytes, and at most ${MAX_CONTENT} are taken.`);
  if (content.includes("\0")) return refuse("This message has a character that cannot be sent.");
  if (waiting.size >= MAX_WAITING) return refuse("Too many messages wait to be sent.");
  refuse("");
  // Half a character, as a careless paste leaves it, cannot be sent.
  const message = { roomId: open, content: content.toWellFormed(), sent: false };
  message.entry = entry({ ...me, content: message.content, time: null }, true);
  const ref = reference();
  waiting.set(ref, message);
  const room = rooms.get(open);
  room.waiting.append(message.entry);
  log.scrollTop = log.scrollHeight;
  if (room.joined) transmit(ref, message);
  box.value = "";
  grow();
  drafts.delete(open);
  keep();
}

/** Nobody else guesses it, so that nobody else can take it. */
function reference() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function transmit(ref, message) {
  if (!rooms.get(message.roomId)?.joined) return;
  message.sent = true;
  line.tell({ type: "message", roomId: message.roomId, content: message.content, ref });
}

// ---- Rooms

function enter(roomId) {
  if (!rooms.has(roomId)) {
    const room = { people: new Map(), joined: false, unread: 0, pane: make("div", "pane") };
    room.entries = make("div", "entries");
    room.waiting = make("div", "waiting");
    room.pane.append(room.entries, room.waiting);
    room.pane.hidden = true;
    log.append(room.pane);
    const item = document.createElement("li");
    room.button = make("button", "");
    room.button.type = "button";
    room.button.onclick = () => show(roomId);
    item.append(room.button);
    at("rooms").append(item);
    rooms.set(roomId, room);
    join(roomId);
  }
}

function join(roomId) {
  if (!line.up) return;
  const ref = reference();
  joining.set(ref, roomId);
  line.tell({ type: "join", roomId, ref });
}

function leave(roomId) {
  const room = rooms.get(roomId);
  if (!room || rooms.size === 1) return;
  if (room.joined || [...joining.values()].includes(roomId)) line.tell({ type: "leave", roomId });
  room.pane.remove();
  room.button.parentElement.remove();
  rooms.delete(roomId);
  drafts.delete(roomId);
  for (const [ref, message] of waiting) if (message.roomId === roomId) waiting.delete(ref);
  show(rooms.keys().next().value);
}

function show(roomId) {
  const room = rooms.get(roomId);
  open = roomId;
  room.unread = 0;
  for (const [id, other] of rooms) {
    other.pane.hidden = id !== open;
    showRoom(id, other);
  }
  at("open").textContent = roomId;
  at("leave").hidden = rooms.size === 1;
  box.value = drafts.get(roomId) ?? "";
  grow();
  showPeople(room);
  log.scrollTop = log.scrollHeight;
  down.hidden = true;
  keep();
}

const showRoom = (roomId, { button, unread }) => label(button, roomId, unread, roomId === open);

// ---- People and the log

function showPeople(room) {
  if (room !== rooms.get(open)) return;
  const items = [...room.people].map(([userId, name]) => person(userId, name, userId === me.userId));
  at("people").replaceChildren(...items);
  at("count").textContent = items.length || "";
}

function append(room, element) {
  const follow = atEnd();
  room.entries.append(element);
  while (room.entries.childElementCount > MAX_ENTRIES) room.entries.firstElementChild.remove();
  if (room.pane.hidden) return;
  if (follow) log.scrollTop = log.scrollHeight;
  else down.hidden = false;
}

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;

/** As high as the text needs, where the style sheet cannot say so. */
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

// ---- Hands

box.addEventListener("keydown", (event) => {
  // 229: Safari ends a composition before it tells of the key that ended it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  say();
});
box.addEventListener("input", () => {
  if (box.value) drafts.set(open, box.value);
  else drafts.delete(open);
  grow();
  keep();
});
at("say").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  box.focus();
});
at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const roomId = at("room").value.trim().toWellFormed();
  if (!roomId) return;
  if ([...roomId].length > 64 || /\p{Cc}/u.test(roomId)) return refuse("A room's name has at most 64 characters.");
  refuse("");
  at("room").value = "";
  enter(roomId);
  show(roomId);
  box.focus();
});
at("leave").addEventListener("click", () => leave(open));
down.addEventListener("click", () => { log.scrollTop = log.scrollHeight; });
log.addEventListener("scroll", () => { if (atEnd()) down.hidden = true; }, { passive: true });
addEventListener("resize", () => { if (down.hidden) log.scrollTop = log.scrollHeight; });
addEventListener("online", probe);
addEventListener("offline", probe);
document.addEventListener("visibilitychange", () => { if (!document.hidden) probe(); });

for (const roomId of kept.rooms.slice(0, 20)) enter(roomId);
if (!rooms.size) enter(HOME);
show(rooms.has(kept.open) ? kept.open : rooms.keys().next().value);
line.connect();
