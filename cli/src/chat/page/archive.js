// What is asked by HTTP: messages of old, and which rooms there are.

import { roomFault } from "./protocol.js";

const PAGE = 100, PATIENCE = 10_000; // messages; ms

async function asked(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** The newest `{messages, more}` of a room below the id `before`, or of all. */
export async function messages(roomId, before) {
  // A room that no page opens, but another client may have: its messages of old cannot be asked for from here.
  if (roomFault(roomId)) return { messages: [], more: false };
  const query = new URLSearchParams({ limit: PAGE, ...(before === undefined ? {} : { before }) });
  return asked(`/api/rooms/${encodeURIComponent(roomId)}/messages?${query}`);
}

/** `[{roomId, users}]`, the fullest first. */
export async function rooms() {
  const { rooms } = await asked("/api/rooms");
  return rooms.filter(({ roomId }) => !roomFault(roomId)).sort((a, b) => b.users - a.users);
}
