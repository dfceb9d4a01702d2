// What the server says to a page that is tested without one, and what the page says then.
import { module } from "./modules.mjs";

const { State } = await module("state.js");

export const ME = "me", OTHER = "other";
export const welcome = (more = {}) => ({ type: "welcome", userId: ME, name: "User_me", token: "t1", rooms: [], resumed: false, ...more });
export const message = (id, more = {}) => ({ type: "message", id, roomId: "general", userId: OTHER, name: "Jo", content: `text ${id}`, timestamp: id, ...more });
export const list = (roomId = "general", members = [{ userId: ME, name: "User_me" }]) => ({ type: "user_list", roomId, users: [], members });
export const history = (messages, more = false, roomId = "general") => ({ type: "history", roomId, messages, more });
export const unknown = () => ({ type: "error", code: "bad_token", message: "not known" });

/** What the page says, in order, and what it tells the reader. */
export function drain(state) {
  const actions = [];
  for (let action; (action = state.pollAction()); ) actions.push(action);
  return { sent: actions.flatMap(({ send }) => send ?? []), refused: actions.flatMap(({ refuse }) => refuse ?? []) };
}

/** In `general`, as somebody new. */
export function inside(kept) {
  const state = new State(kept);
  state.connected();
  for (const text of [welcome(), list(), history([])]) state.hear(text, 0);
  drain(state);
  return state;
}

/** The messages of a room, without the notes. */
export const said = (state, roomId = "general") => state.rooms.get(roomId).items.filter((item) => !item.note);
export const ids = (state, roomId) => said(state, roomId).map(({ id }) => id);
