// Pieces of the document. Whatever people wrote goes in as text, never as markup.

export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export const at = (id) => document.getElementById(id);

/** Writes only what differs: what is written anew may be announced anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A disc in a colour of the user's own, with the letter that tells names apart. */
export function face(userId, name) {
  const element = make("span", "face");
  element.setAttribute("aria-hidden", "true");
  element.dataset.user = userId;
  element.style.setProperty("--hue", hue(userId));
  element.dataset.letter = letter(name);
  return element;
}

/** FNV-1a: ids that differ little have colours that differ. */
function hue(userId) {
  let hash = 0x811c9dc5;
  for (const c of userId) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193);
  return (hash >>> 0) % 360;
}

/** The names that the server gives begin all alike. */
export const letter = (name) => ([...name.replace(/^User_/, "")][0] ?? "").toUpperCase();

/** Brings `parent`'s children to be `wanted`, touching only what differs. Whoever has the focus keeps it. */
export function arrange(parent, wanted) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const element of wanted) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
  // What is moved loses it.
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}
