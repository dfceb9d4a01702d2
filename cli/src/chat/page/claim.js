// Whose the kept user is. A tab that is duplicated gets a copy of the other's sessionStorage, token and all; were it to
// show that token, it would take the other's connection. So a tab marks what it keeps as in use, and takes the mark away
// when it goes. Who finds the mark asks whether anybody is there: nobody is if the browser had crashed.

import { read, write } from "./kept.js";
import { reference } from "./protocol.js";

const ANSWER_WITHIN = 1_500; // ms, as a tab that is not seen is slow to answer; only who had crashed waits for so long

/** Whether what is kept is this tab's own. */
export async function claim() {
  const channel = opened();
  const found = read("user", null);
  const own = typeof found?.id === "string" && !(found.inUse && await isAnswered(channel, found.id));
  const id = own ? found.id : reference();
  const mark = (inUse) => write("user", { id, inUse });
  mark(true);
  addEventListener("pagehide", () => mark(false));
  addEventListener("pageshow", () => mark(true));
  if (channel) channel.onmessage = ({ data }) => { if (data?.who === id) channel.postMessage({ here: id }); };
  return own;
}

/** None where the reader lets no page keep anything. */
function opened() {
  try {
    return new BroadcastChannel("wharf-chat");
  } catch {
    return null;
  }
}

function isAnswered(channel, id) {
  // Where nobody can be asked the safe answer is that somebody is there.
  if (!channel) return true;
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => { if (data?.here === id) resolve(true); };
    channel.postMessage({ who: id });
    setTimeout(() => resolve(false), ANSWER_WITHIN);
  });
}
