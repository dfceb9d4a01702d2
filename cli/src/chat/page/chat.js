// The chat's page: puts together what is known, the connection to the server, and what is seen.

import * as archive from "./archive.js";
import { claim } from "./claim.js";
import { Composer, refuse, showTyping } from "./composer.js";
import { closeDrawer, focusDrawer } from "./drawer.js";
import { at, say } from "./element.js";
import { keeper, read } from "./kept.js";
import { Line } from "./line.js";
import { Log } from "./log.js";
import { nameFault, roomFault, wellFormed } from "./protocol.js";
import { showOffers, showPeople, showRooms } from "./side.js";
import { State, copied } from "./state.js";

const EVERY = 30_000; // ms after which is looked whether there are other rooms by now, and another day

const [status, alertBox, roomBox, nameBox, here] = ["status", "alert", "room", "name", "here"].map(at);
const now = () => performance.now();

const own = await claim();
const kept = read("state", {});
const state = new State(own ? kept : copied(kept), !document.hidden);

// ---- After anything that happens

let timer = 0, frame = 0, fallback = 0;

function changed() {
  for (let action; (action = state.pollAction()); ) {
    if (action.send) line.tell(action.send);
    if (action.refuse) refuse(action.refuse);
    if (action.renamed && document.activeElement !== nameBox) nameBox.value = state.me.name;
  }
  clearTimeout(timer);
  const at = state.timeout();
  if (at !== Infinity) timer = setTimeout(() => { state.tick(now()); changed(); }, Math.max(0, at - now()));
  keep();
  // Once a frame; a tab that is not seen has none.
  frame ||= requestAnimationFrame(render);
  fallback ||= setTimeout(render, 100);
}

/** What the reader did is seen at once. */
function done() {
  changed();
  render();
}

function render() {
  cancelAnimationFrame(frame);
  clearTimeout(fallback);
  frame = fallback = 0;
  showStatus();
  showRooms(state);
  showPeople(state);
  showTyping(state);
  say(at("open"), state.open);
  at("leave").hidden = state.rooms.size === 1;
  composer.show(state.open);
  log.render();
  document.title = `${state.unread ? `(${state.unread}) ` : ""}Wharf chat`;
}

function showStatus() {
  say(status, line.state);
  status.dataset.state = line.state.toLowerCase();
  here.hidden = !line.taken;
}

const composer = new Composer(read("drafts", []), {
  said(content) {
    if (state.outbox.isFull) return "Too many messages wait to be sent.";
    state.say(content, Date.now(), now());
    log.toEnd();
    done();
    return null;
  },
  typed() { if (state.up) { state.typed(now()); changed(); } },
  changed: () => keep(),
});
const keep = keeper(() => ({ state: state.kept(), drafts: [...composer.drafts] }));

const line = new Line({
  opened() { state.connected(); changed(); },
  heard(message) {
    state.hear(message, now());
    if (state.up) line.welcomed();
    if (message?.type === "welcome" && state.up) welcomed();
    changed();
  },
  lost() {
    state.lost();
    if (line.taken) refuse("You are connected in another tab, and only one at a time can be you.");
    changed();
  },
  changed: () => showStatus(),
  probe: () => state.probe(),
});

const log = new Log(state, {
  async older(room) {
    const before = room.firstId;
    room.loading = true;
    changed();
    try {
      const { messages, more } = await archive.messages(room.id, before);
      room.older(before, messages, more);
    } catch {
      // What is asked for again at once would be asked for without end.
      setTimeout(() => { room.loading = false; changed(); }, 2_000);
    }
    changed();
  },
  again(ref) { state.retry(ref, now()); done(); },
  discard(ref) { state.outbox.remove(ref); done(); },
});

function welcomed() {
  if (document.activeElement !== nameBox) nameBox.value = state.me.name;
  if (here.hidden === false) refuse("");
  offer();
}

async function offer() {
  if (document.hidden || !state.up) return;
  try { showOffers(state, await archive.rooms()); } catch { /* the next time */ }
}

// ---- Hands

/** Where one is when a refusal is seen to. */
function goOn() {
  if (!focusDrawer()) composer.focus();
}

function open(roomId) {
  state.join(roomId);
  refuse("");
  done();
  offer();
}

for (const list of [at("rooms"), at("offered")]) {
  list.addEventListener("click", (event) => {
    const roomId = event.target.closest("button")?.dataset.room;
    if (roomId === undefined) return;
    open(roomId);
    // Who goes by the keyboard stays where he is, if that stays; a finger does not want the keys to come up.
    const stays = event.pointerType ? event.pointerType !== "mouse" : list.id === "rooms";
    if (!closeDrawer() && !stays) composer.focus();
  });
}
at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const roomId = wellFormed(roomBox.value.trim());
  if (!roomId) return;
  const fault = roomFault(roomId);
  if (fault) return refuse(fault);
  roomBox.value = "";
  open(roomId);
  closeDrawer();
  composer.focus();
});
at("call").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = wellFormed(nameBox.value.trim());
  if (!name || name === state.me?.name) return;
  const fault = nameFault(name);
  if (fault) return refuse(fault);
  refuse("");
  state.rename(name);
  changed();
});
nameBox.addEventListener("blur", () => { if (state.up) nameBox.value = state.name ?? state.me.name; });
at("leave").addEventListener("click", () => { state.leave(state.open); done(); offer(); composer.focus(); });
here.addEventListener("click", () => { refuse(""); line.connect(); goOn(); });
at("dismiss").addEventListener("click", () => { refuse(""); goOn(); });
document.addEventListener("visibilitychange", () => { state.look(!document.hidden); changed(); offer(); });

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Escape") {
    if (closeDrawer()) return;
    if (document.activeElement === nameBox) nameBox.value = state.me?.name ?? "";
    if (alertBox.textContent) refuse("");
    else if (document.activeElement === at("message")) log.toEnd();
    composer.focus();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const ids = [...state.rooms.keys()], step = event.key === "ArrowUp" ? -1 : 1;
    event.preventDefault();
    open(ids[(ids.indexOf(state.open) + step + ids.length) % ids.length]);
  }
});

// What was said today was said yesterday when the day is over.
setInterval(() => { offer(); changed(); }, EVERY);
render();
line.connect();
