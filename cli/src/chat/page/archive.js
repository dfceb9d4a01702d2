// What is asked by HTTP: messages of old, and which rooms there are.

const PAGE = 100, PATIENCE = 10_000; // messages; ms

async function asked(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** The newest `{messages, more}` of a room below the id `before`, or of all. */
export function messages(roomId, before) {
  const query = new URLSearchParams({ limit: PAGE, ...(before === undefined ? {} : { before }) });
  return asked(`/api/rooms/${encodeURIComponent(roomId)}/messages?${query}`);
}

/** `[{roomId, users}]`, the fullest first. */
export async function rooms() {
  const { rooms } = await asked("/api/rooms");
  return rooms.sort((a, b) => b.users - a.users);
}
