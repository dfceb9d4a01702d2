// 5,000 messages of history in the chat's page: run.mjs past.mjs wharf chat --listen 127.0.0.1:0
import assert from "node:assert/strict";
import { counted, enter, opened, says, until } from "./controls.mjs";

const COUNT = 5_000, EACH = 40; // messages; how many of them a user may say at once
const ROOM = "archive";
const MOST = 260; // messages in the document

/** Runs in a page: a user for each 40 messages, a few of them at a time. */
async function fill({ room, count, each }) {
  const url = `${location.origin.replace("http", "ws")}/ws?join=no`;
  const user = (from) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const say = (message) => socket.send(JSON.stringify(message));
    let left = each;
    socket.onerror = () => reject(new Error("the server refuses a user"));
    socket.onopen = () => say({ type: "join", roomId: room });
    socket.onmessage = ({ data }) => {
      const { type, ref, code } = JSON.parse(data);
      if (type === "error") reject(new Error(code));
      if (type === "user_list") {
        for (let i = 0; i < each; i += 1) {
          const more = (from + i) % 9 ? "" : "\nand a second line, because not all are of one height";
          say({ type: "message", roomId: room, content: `#${from + i} something was said here${more}`, ref: `${from + i}` });
        }
      }
      if (type === "message" && Number(ref) >= from && Number(ref) < from + each && (left -= 1) === 0) socket.close();
    };
    socket.onclose = resolve;
  });
  // One after the other: so they stand in the order of their numbers.
  for (let from = 0; from < count; from += each) await user(from);
}

/** Runs in the page: goes up to the beginning in steps, and tells what it saw on the way. */
async function climb(step) {
  const log = document.querySelector("[role=log]");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const numbers = () => [...log.querySelectorAll(".body")].map((body) => Number(/^#(\d+)/.exec(body.textContent)?.[1]));
  const result = { seen: new Set(), steps: 0, jumps: [], most: 0, disorder: 0, slow: 0, isBegun: false };
  new PerformanceObserver((list) => { result.slow += list.getEntries().filter(({ duration }) => duration > 100).length; }).observe({ type: "longtask" });
  const look = () => {
    const now = numbers();
    now.forEach((n, i) => { result.seen.add(n); if (i && n !== now[i - 1] + 1) result.disorder += 1; });
    result.most = Math.max(result.most, now.length);
  };
  look();
  for (let still = 0; still < 300; ) {
    // What stands in the middle must move by what was scrolled, and by nothing else, whatever comes in above it.
    const { left, width, top, height } = log.getBoundingClientRect();
    const probe = [...log.querySelectorAll(".entry")].find((entry) => entry.getBoundingClientRect().bottom > top + height / 2);
    const before = probe.getBoundingClientRect().top, room = Math.min(step, log.scrollTop);
    log.scrollTop -= step;
    await frame();
    await frame();
    look();
    const moved = probe.getBoundingClientRect().top - before;
    if (!probe.isConnected || Math.abs(moved - room) > 2) result.jumps.push([moved, room]);
    result.steps += 1;
    result.isBegun = log.textContent.includes("where the conversation begins") && log.scrollTop === 0;
    if (result.isBegun) break;
    still = room ? 0 : still + 1;
  }
  return { ...result, seen: result.seen.size };
}

export default async ({ check, tab, url }) => {
  const page = await tab();
  await check(`${COUNT} messages are said`, async () => {
    await page.goto(url);
    await page.evaluate(fill, { room: ROOM, count: COUNT, each: EACH });
  }, 120_000);
  const reader = await opened(tab, url);
  await check("the newest are there at once, and no more than are needed", async () => {
    await enter(reader, ROOM);
    await reader.body(`#${COUNT - 1} `).waitFor();
    assert.ok((await reader.log.locator(".entry").count()) <= MOST);
  });
  await check("all of it scrolls by, in order, without a jump and without hitches", async () => {
    const found = await reader.page.evaluate(climb, 500);
    console.log(JSON.stringify(found));
    assert.ok(found.isBegun, "it does not come to the beginning");
    assert.equal(found.seen, COUNT);
    assert.equal(found.disorder, 0, "messages stand in disorder");
    assert.deepEqual(found.jumps, [], "what is seen jumps");
    assert.ok(found.most <= MOST, `${found.most} messages in the document`);
    // A machine that others use too stops everything now and then.
    assert.ok(found.slow <= found.steps / 20, `${found.slow} long tasks in ${found.steps} steps`);
  }, 120_000);
  await check("and back to the newest by one button", async () => {
    await reader.page.getByRole("button", { name: "Newest" }).click();
    assert.ok(await reader.body(`#${COUNT - 1} `).isVisible());
    await until(async () => ((await reader.log.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)) < 2 ? null : "not at the end"));
  });
  await check("the keyboard alone reads it", async () => {
    await reader.log.focus();
    const top = () => reader.log.evaluate((e) => e.scrollTop);
    const before = await top();
    await reader.page.keyboard.press("PageUp");
    await until(async () => ((await top()) < before ? null : "PageUp does not scroll"));
    await reader.page.keyboard.press("Escape");
    await reader.page.keyboard.press("Escape");
    await counted(reader.page.locator("#down:visible"), 0);
    await says(reader.status, "Connected");
  });
};
