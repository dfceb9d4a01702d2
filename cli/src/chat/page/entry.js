// What stands in the conversation: messages, notes, days.

import { face, make, say } from "./element.js";

const RUN = 5 * 60_000; // ms within which messages of one author stand together

const clock = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });
const sameYear = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const otherYear = new Intl.DateTimeFormat([], { dateStyle: "long" });

const dayOf = (time) => new Date(time).setHours(0, 0, 0, 0);

/** Whether a day begins between two items; a note has no time of its own. */
export const dayBreaks = (before, item) => !item.note && (!before || !before.note) && (!before || dayOf(before.timestamp) !== dayOf(item.timestamp));

/** Whether `item` goes on where `before` left off. */
export const runsOn = (before, item) =>
  Boolean(before) && !before.note && before.userId === item.userId && before.name === item.name &&
  item.timestamp - before.timestamp < RUN && dayOf(before.timestamp) === dayOf(item.timestamp);

export const day = () => make("h3", "day", make("time"));

/** Says which day it is, as one calls it today. */
export function tellDay(element, timestamp) {
  const then = new Date(timestamp), today = dayOf(Date.now());
  const near = { [today]: "Today", [dayOf(today - 3_600_000)]: "Yesterday" }[dayOf(timestamp)];
  const format = then.getFullYear() === new Date().getFullYear() ? sameYear : otherYear;
  const shown = element.firstElementChild;
  say(shown, near ?? format.format(then));
  shown.dateTime = [then.getFullYear(), then.getMonth() + 1, then.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}

export const unseen = () => make("p", "unseen", make("span", "", "New"));

export function note(item) {
  const element = make("p", "note");
  tellNote(element, item);
  return element;
}

export function tellNote(element, { texts, dropped }) {
  const more = dropped ? [`and ${dropped} more before`] : [];
  say(element, [...texts.map(({ text }) => text), ...more].join(" · "));
}

/** A message; `item` may be one of one's own that has no answer yet. */
export function entry(item, mine) {
  const element = make("div", "entry");
  if (mine) element.dataset.mine = "";
  const bubble = make("div", "bubble", make("bdi", "name"), " ", make("span", "body", item.content), " ", make("time"));
  element.append(face(item.userId, item.name), bubble, make("div", "fate"));
  return element;
}

/** Shows what has become of it, and whether it goes on from the one before. When it was said, the server tells. */
export function settle(element, { name, timestamp, state, reason, sent }, isRun, up) {
  const { firstElementChild: author, lastElementChild: time } = element.children[1];
  say(author, name);
  tellTime(time, timestamp);
  element.toggleAttribute("data-run", isRun);
  if (state) element.dataset.state = state;
  else delete element.dataset.state;
  const fate = element.lastElementChild;
  const text = { pending: sent || up ? "Sending…" : "Waiting for the connection", failed: `Not sent: ${reason}` }[state] ?? "";
  if (fate.dataset.text === text) return;
  fate.dataset.text = text;
  fate.replaceChildren();
  if (!state) return;
  fate.append(make("span", "mark", text));
  if (state === "failed") fate.append(" ", button("again", "Try again"), " ", button("discard", "Discard"));
}

function tellTime(time, timestamp) {
  const written = new Date(timestamp).toISOString();
  if (time.dateTime === written) return;
  time.dateTime = written;
  time.title = moment.format(timestamp);
  say(time, clock.format(timestamp));
}

function button(act, text) {
  const element = make("button", "link", text);
  element.type = "button";
  element.dataset.act = act;
  return element;
}
