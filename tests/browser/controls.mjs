// One tab of the chat as a person finds it: everything by its role and name.

/** The controls of one tab. */
export function controls(page) {
  const log = page.getByRole("log");
  return {
    page,
    log,
    box: page.getByRole("textbox", { name: "Message" }),
    send: page.getByRole("button", { name: "Send" }),
    people: page.getByRole("list", { name: "People" }).getByRole("listitem"),
    rooms: page.getByRole("list", { name: "Rooms" }).getByRole("button"),
    room: page.getByRole("textbox", { name: /room/i }),
    name: page.getByRole("textbox", { name: "Your name" }),
    status: page.getByRole("status"),
    alert: page.getByRole("alert"),
    pending: log.locator("[data-state=pending]"),
    body: (text) => log.locator(".body").filter({ hasText: text }),
    /** What the server has told, and not only what is on its way. */
    stored: (text = "") => log.locator(".entry:not([data-state]) .body").filter({ hasText: text }),
  };
}

/** Looks again until `look()` gives no reason to wait any longer. */
export async function until(look, limit = 5_000) {
  const end = Date.now() + limit;
  for (;;) {
    const reason = await look();
    if (reason === null) return;
    if (Date.now() > end) throw new Error(reason);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until `count` things are there. */
export const counted = (locator, count, limit) => until(async () => {
  const now = await locator.count();
  return now === count ? null : `${count} expected, ${now} found: ${await locator.allTextContents()}`;
}, limit);

/** Waits until the element says `text`. */
export const says = (locator, text, limit) => until(async () => {
  const now = await locator.textContent();
  return (text instanceof RegExp ? text.test(now) : now === text) ? null : `${text} expected, ${JSON.stringify(now)} found`;
}, limit);

/** The texts of all stored messages that begin with `start`, in the order in which they stand. */
export async function texts(person, start) {
  return (await person.stored().allTextContents()).filter((text) => text.startsWith(start));
}

/** Waits until exactly these messages stand there, in this order. */
export const stands = (person, start, expected, limit = 10_000) => until(async () => {
  const now = await texts(person, start);
  const at = [...expected, undefined].findIndex((text, i) => text !== now[i]);
  if (at < 0) return null;
  return `${expected.length} expected, ${now.length} found; at ${at} ${JSON.stringify(now[at])?.slice(0, 60)} instead of ${JSON.stringify(expected[at])?.slice(0, 60)}`;
}, limit);

/** Goes up to where the conversation begins: what is far above is not in the document of who has loaded the page again. */
export const begun = (person, limit = 10_000) => until(() => person.log.evaluate((log) => {
  log.scrollTop = 0;
  return log.textContent.includes("where the conversation begins") ? null : "no beginning of the conversation";
}), limit);

/** `count` texts, each told by its number. */
export const numbered = (start, count) => Array.from({ length: count }, (_, i) => `${start} ${i + 1}.`);

export async function opened(tab, url) {
  const person = controls(await tab());
  await person.page.goto(url);
  await says(person.status, "Connected", 15_000);
  await counted(person.people.filter({ hasText: "(you)" }), 1);
  return person;
}

export async function utter(person, text) {
  await person.box.fill(text);
  await person.box.press("Enter");
}

/** As fast as keys can be held down. */
export async function utterAll(person, all) {
  await person.box.evaluate((box, all) => {
    for (const text of all) {
      box.value = text;
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    }
  }, all);
}

export async function enter(person, room) {
  const before = await person.rooms.count();
  await person.room.fill(room);
  await person.room.press("Enter");
  await counted(person.rooms, before + 1);
}

export async function called(person, name) {
  await person.name.fill(name);
  await person.name.press("Enter");
  await counted(person.people.filter({ hasText: `${name} (you)` }), 1);
}
