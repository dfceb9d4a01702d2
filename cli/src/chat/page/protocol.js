// What may be said: the server's limits, told before it has to refuse.

export const HOME = "general";
export const MAX_CONTENT = 4096; // bytes
export const MAX_ROOM = 64; // characters
export const MAX_NAME = 32; // characters
export const MAX_ROOMS = 20; // a user
/** What a connection is closed with when another one goes on in its place. */
export const TAKEN_OVER = 4001;

const encoder = new TextEncoder();

/** The bytes of `text` as it goes out. */
export const bytes = (text) => encoder.encode(text).length;

/** Why `content` cannot be sent, or null. */
export function contentFault(content) {
  const size = bytes(content);
  if (size > MAX_CONTENT) return `This message is too long: ${size} bytes, and at most ${MAX_CONTENT} are taken.`;
  if (content.includes("\0")) return "This message has a character that cannot be sent.";
  return null;
}

/** Why no room can be called `roomId`, or null. */
export function roomFault(roomId) {
  // A browser makes another path of one that has such a part, however it is written.
  if (roomId === "." || roomId === "..") return "A room's name has more to it than dots.";
  if ([...roomId].length > MAX_ROOM) return `A room's name has at most ${MAX_ROOM} characters.`;
  return /\p{Cc}/u.test(roomId) ? "A room's name has no control characters." : null;
}

/** Why nobody can be called `name`, or null. */
export function nameFault(name) {
  if ([...name].length > MAX_NAME) return `A name has at most ${MAX_NAME} characters.`;
  return /[\p{Cc}\p{Bidi_Control}]/u.test(name) ? "A name has no control characters." : null;
}

/** Half a character, as a careless paste leaves it, cannot be sent. */
export const wellFormed = (text) => text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, "\uFFFD");

/** A name for a message on its way. Nobody guesses it, so nobody takes it before it is used. */
export function reference() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}
