// What survives a reload, in sessionStorage: two tabs have each their own.

const AFTER = 200; // ms in which changes are gathered

export function read(key, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(`wharf-chat.${key}`)) ?? otherwise;
  } catch {
    return otherwise; // forbidden, or not what we wrote
  }
}

export function write(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(`wharf-chat.${key}`);
    else sessionStorage.setItem(`wharf-chat.${key}`, JSON.stringify(value));
  } catch { /* full or forbidden: nothing is kept */ }
}

/** Writes what `values()` says by key, soon after it is called, and before the page goes. */
export function keeper(values) {
  let timer = 0;
  const save = () => {
    clearTimeout(timer);
    timer = 0;
    for (const [key, value] of Object.entries(values())) write(key, value);
  };
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  return () => { timer ||= setTimeout(save, AFTER); };
}
