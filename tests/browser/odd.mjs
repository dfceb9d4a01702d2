// The chat's page where the browser, its clock or its reader is not the usual one: run.mjs odd.mjs wharf chat --listen 127.0.0.1:0
import assert from "node:assert/strict";
import { called, controls, counted, enter, numbered, opened, says, stands, until, utter, utterAll } from "./controls.mjs";

/** Runs in a page before its own script: a browser that lets no page keep anything. */
function keepsNothing() {
  const forbidden = () => { throw new DOMException("not here", "SecurityError"); };
  for (const store of ["sessionStorage", "localStorage"]) Object.defineProperty(window, store, { get: forbidden });
  window.BroadcastChannel = class { constructor() { forbidden(); } };
}

async function keeping({ check, tab, url }, a) {
  await check("where nothing may be kept it works all the same", async () => {
    const c = controls(await tab());
    await c.page.addInitScript(keepsNothing);
    await c.page.goto(url);
    await says(c.status, "Connected", 15_000);
    await utter(c, "from nowhere");
    await a.stored("from nowhere").waitFor();
    await counted(c.pending, 0);
    await c.page.close();
  });
  await check("what was unread in the room that one comes back to is seen", async () => {
    const c = await opened(tab, url);
    await c.page.addInitScript(() => {
      const kept = JSON.parse(sessionStorage.getItem("wharf-chat.state"));
      sessionStorage.setItem("wharf-chat.state", JSON.stringify({ ...kept, rooms: [{ id: "general", unread: 3 }] }));
    });
    await c.page.reload();
    await says(c.status, "Connected", 15_000);
    assert.equal(await c.page.title(), "Wharf chat");
    await c.page.close();
  });
}

/** The headings of the days, and when a message was said. */
const days = (person) => person.log.locator(".day");
const time = (person, text) => person.log.locator(".entry").filter({ hasText: text }).locator(".bubble time");

async function dating({ check, tab, url }, a) {
  await check("a message has the server's time, whatever one's own clock says", async () => {
    // A browser of its own, since all tabs of one have one clock.
    const c = controls(await tab({}));
    await c.page.clock.setFixedTime(Date.now() - 3 * 3_600_000);
    await c.page.goto(url);
    await says(c.status, "Connected", 15_000);
    await utter(c, "what is the time");
    for (const person of [a, c]) await person.stored("what is the time").waitFor();
    const [theirs, ours] = [time(a, "what is the time"), time(c, "what is the time")];
    for (const of of ["datetime", "title"]) assert.equal(await ours.getAttribute(of), await theirs.getAttribute(of));
    assert.equal(await ours.textContent(), await theirs.textContent());
    await c.page.close();
  });
  await check("what was said today was said yesterday when the day is over", async () => {
    const c = await opened(() => tab({}), url);
    await says(days(c).last(), "Today");
    await c.page.clock.setFixedTime(Date.now() + 24 * 3_600_000);
    await utter(a, "good morning");
    await c.stored("good morning").waitFor();
    await says(days(c).last(), "Yesterday");
    await counted(days(c), await days(a).count());
    await c.page.close();
  });
}

/** Keeps from a page what was said in a room, until what a join tells of it is let go, and what HTTP does. */
async function holds(page, roomId) {
  const free = {};
  const [told, asked] = ["told", "asked"].map((what) => new Promise((resolve) => { free[what] = resolve; }));
  await page.routeWebSocket(/\/ws/, (near) => {
    near.connectToServer().onMessage(async (text) => {
      const { type, roomId: of } = JSON.parse(text);
      if (type === "history" && of === roomId) await told;
      near.send(text);
    });
  });
  await page.route(`**/api/rooms/${roomId}/*`, async (route) => { await asked; await route.continue(); });
  return free;
}

/** Runs in a page before its own script: notes what is put into the log, and whether it is read out. */
function listens() {
  window.heard = [];
  new MutationObserver((records) => {
    const log = document.querySelector("[role=log]");
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node.matches?.(".entry") && log.contains(node));
    for (const entry of added) window.heard.push([entry.querySelector(".body").textContent, log.ariaLive ?? "polite"]);
  }).observe(document, { subtree: true, childList: true });
}

async function hearing({ check, tab, url }, a) {
  const deaf = controls(await tab());
  const heard = (start) => deaf.page.evaluate((start) => window.heard.filter(([text]) => text.startsWith(start)).map(([, how]) => how), start);
  /** Until what comes is read out. */
  const listening = () => until(async () => ((await deaf.log.getAttribute("aria-live")) === null ? null : "the log is still silent"));
  await check("what was said before is not read out, neither on arrival nor as one scrolls up, and what is said is", async () => {
    await enter(a, "gallery");
    // More than a join tells, and so high that no more is asked for before one scrolls.
    const past = numbered("long ago", 60).map((text) => `${text}\nand much has changed since`);
    await utterAll(a, past);
    await stands(a, "long ago", past, 15_000);
    await deaf.page.addInitScript(listens);
    const free = await holds(deaf.page, "gallery");
    await deaf.page.goto(url);
    await says(deaf.status, "Connected", 15_000);
    await enter(deaf, "gallery");
    await counted(deaf.people, 2);
    // However late it comes.
    await listening();
    free.told();
    await deaf.stored("long ago 60.").waitFor();
    await listening();
    free.asked();
    await deaf.log.focus();
    await deaf.page.keyboard.press("Home");
    await deaf.stored("long ago 1.").waitFor();
    await listening();
    await utter(a, "just now");
    await deaf.stored("just now").waitFor();
    const [old, now] = [await heard("long ago"), await heard("just now")];
    assert.ok(old.length >= 60);
    assert.deepEqual([new Set(old), now], [new Set(["off"]), ["polite"]]);
  });
  await check("after a reload it is the same", async () => {
    await deaf.page.reload();
    await deaf.stored("just now").waitFor();
    await listening();
    assert.deepEqual(new Set([...(await heard("long ago")), ...(await heard("just now"))]), new Set(["off"]));
    await deaf.page.close();
  });
}

async function scrolling({ check, tab, url }, a) {
  await check("who has scrolled up is told how many messages came, and not who came and went", async () => {
    const c = await opened(tab, url);
    await enter(c, "gallery");
    await c.stored("just now").waitFor();
    await c.log.evaluate((log) => { log.scrollTop = 200; });
    const down = c.page.locator("#down:visible");
    await says(down, "Newest ↓");
    await called(a, "Ada");
    await counted(c.people.filter({ hasText: "Ada" }), 1);
    await utter(a, "the first");
    await says(down, "1 new message ↓");
    await called(a, "Bo");
    await utter(a, "the second");
    await says(down, "2 new messages ↓");
    await c.page.close();
  });
}

async function holding({ check, tab, url }, a) {
  await check("the list of open rooms keeps the focus when it is told anew, and joining leads to the message", async () => {
    const d = await opened(tab, url), c = await opened(tab, url);
    const offers = c.page.getByRole("list", { name: "Also open" }).getByRole("button");
    /** Has it told anew until it is this. */
    const offered = (expected) => until(async () => {
      await c.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      const now = (await offers.allTextContents()).join(", ");
      return now === expected ? null : now;
    });
    for (const room of ["attic", "bridge"]) await enter(d, room);
    await offered("attic 1 here, bridge 1 here, gallery 1 here");
    await offers.last().focus();
    await c.page.evaluate(() => { window.was = document.activeElement; });
    // It is the fullest now, so it goes to the top, and its number with it.
    await enter(d, "gallery");
    await offered("gallery 2 here, attic 1 here, bridge 1 here");
    assert.ok(await c.page.evaluate(() => document.activeElement === window.was && window.was.dataset.room === "gallery"));
    await c.page.keyboard.press("Enter");
    await says(c.page.locator("#open"), "gallery");
    assert.ok(await c.box.evaluate((box) => box === document.activeElement));
    for (const person of [c, d]) await person.page.close();
  });
}

async function touching({ check, tab, url }) {
  await check("under a finger no field is so small that a phone zooms in on it", async () => {
    const c = controls(await tab({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }));
    await c.page.goto(url);
    await says(c.status, "Connected", 15_000);
    assert.ok(await c.page.evaluate(() => matchMedia("(pointer: coarse)").matches));
    const sizes = await c.page.evaluate(() => [...document.querySelectorAll("input, textarea")].map((field) => [field.id, getComputedStyle(field).fontSize]));
    assert.deepEqual(sizes, ["room", "name", "message"].map((id) => [id, "16px"]));
    await c.page.close();
  });
}

export default async (stage) => {
  const a = await opened(stage.tab, stage.url);
  await keeping(stage, a);
  await dating(stage, a);
  await hearing(stage, a);
  await scrolling(stage, a);
  await holding(stage, a);
  await touching(stage);
};
