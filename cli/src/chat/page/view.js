// Pieces of the page. Whatever people wrote goes in as text, never as markup.

export const make = (tag, className, text) => {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

/** A disc in a colour of the user's own. */
function face(userId) {
  const element = make("span", "face");
  element.setAttribute("aria-hidden", "true");
  let hue = 0;
  for (const c of userId ?? "") hue = (hue * 31 + c.charCodeAt(0)) % 360;
  element.style.setProperty("--hue", hue);
  return element;
}

/** One of the people in a room. */
export function person(userId, name, mine) {
  const item = document.createElement("li");
  item.append(face(userId), make("bdi", "name", name));
  if (mine) item.append(" ", make("span", "you", "you"));
  return item;
}

/** One message; without a time it is one's own and still on its way. */
export function entry({ userId, name, content, time }, mine) {
  const element = make("div", "entry");
  const meta = make("div", "meta");
  meta.append(make("bdi", "name", name ?? "you"), " ");
  if (time && !Number.isNaN(time.getTime())) {
    const shown = make("time", "", time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    shown.dateTime = time.toISOString();
    meta.append(shown);
  } else if (!time) {
    element.dataset.state = "pending";
    meta.append(make("span", "mark", "sending…"));
  }
  if (mine) element.dataset.mine = "";
  element.append(face(userId), meta, " ", make("div", "body", content));
  return element;
}

/** The name of a room, and how much in it is unread. */
export function label(button, roomId, unread, current) {
  const name = make("bdi", "name", roomId);
  button.replaceChildren(name, ...(unread ? [" ", make("span", "unread", String(unread))] : []));
  if (current) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}
