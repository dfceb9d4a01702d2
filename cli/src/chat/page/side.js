// The lists beside the conversation: rooms, other rooms that can be joined, and people.

import { arrange, at, face, letter, make, say } from "./element.js";

const SHOWN = 200; // people; who looks for one among more asks the conversation
const OFFERED = 6; // rooms

const [rooms, people, offers, offered, unread] = ["rooms", "people", "offers", "offered", "rooms-unread"].map(at);
const counts = document.querySelectorAll(".people-count");
const items = new Map(); // by room
const offerItems = new Map(); // by room
const persons = new Map(); // by user

export function showRooms(state) {
  for (const id of items.keys()) if (!state.rooms.has(id)) items.delete(id);
  for (const room of state.rooms.values()) {
    if (!items.has(room.id)) items.set(room.id, roomItem(room.id, "unread", " unread"));
    label(items.get(room.id), room.unread, room.id === state.open);
  }
  arrange(rooms, [...state.rooms.keys()].map((id) => items.get(id)));
  say(unread, state.unread ? String(state.unread) : "");
}

/** A room's button, with a number and a word for who hears what it means. */
function roomItem(roomId, number, word) {
  const button = make("button", "", make("bdi", "name", roomId), " ", make("span", number), make("span", "aside", word));
  button.type = "button";
  button.dataset.room = roomId;
  return make("li", "", button);
}

function label(item, unread, isOpen) {
  const button = item.firstElementChild, [, number, word] = button.children;
  say(number, unread ? String(unread) : "");
  number.hidden = word.hidden = !unread;
  if (isOpen) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

export function showOffers(state, list) {
  const shown = list.filter(({ roomId }) => !state.rooms.has(roomId)).slice(0, OFFERED);
  for (const id of offerItems.keys()) if (!shown.some(({ roomId }) => roomId === id)) offerItems.delete(id);
  for (const { roomId, users } of shown) {
    if (!offerItems.has(roomId)) offerItems.set(roomId, roomItem(roomId, "users", " here"));
    say(offerItems.get(roomId).querySelector(".users"), String(users));
  }
  offers.hidden = !shown.length;
  arrange(offered, shown.map(({ roomId }) => offerItems.get(roomId)));
}

export function showPeople(state) {
  const { people: names } = state.room, me = state.me?.userId;
  for (const id of persons.keys()) if (!names.has(id)) persons.delete(id);
  const mine = names.has(me) ? [[me, names.get(me)]] : [];
  const others = [...names].filter(([id]) => id !== me);
  const shown = [...mine, ...others].slice(0, SHOWN);
  for (const [id, name] of shown) {
    if (!persons.has(id)) persons.set(id, person(id, name));
    const [disc, label, you] = persons.get(id).children;
    say(label, name);
    disc.dataset.letter = letter(name);
    say(you, id === me ? " (you)" : "");
  }
  const rest = names.size - shown.length;
  arrange(people, shown.map(([id]) => persons.get(id)).concat(rest ? [make("li", "rest", `and ${rest} more`)] : []));
  for (const element of counts) say(element, names.size ? String(names.size) : "");
}

function person(userId, name) {
  return make("li", "", face(userId, name), make("bdi", "name", name), make("span", "you"));
}
