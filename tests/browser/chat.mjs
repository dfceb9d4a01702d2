// The chat's page, as two people use it: run.mjs chat.mjs wharf chat --listen 127.0.0.1:0
import assert from "node:assert/strict";
import { called, counted, enter, numbered, opened, says, stands, texts, until, utter, utterAll } from "./controls.mjs";

async function talking({ check }, a, b) {
  await check("a message goes from tab to tab, by Enter and by the button", async () => {
    await utter(a, "ahoy there");
    await b.body("ahoy there").waitFor();
    await b.box.fill("ahoy yourself");
    await b.send.click();
    await a.body("ahoy yourself").waitFor();
    for (const person of [a, b]) {
      await counted(person.body("ahoy"), 2);
      await counted(person.pending, 0);
      assert.equal(await person.box.inputValue(), "");
    }
  });
  await check("Shift+Enter breaks the line, a composition's Enter does not send, nothing empty is sent", async () => {
    const before = await a.log.locator(".body").count();
    await a.box.press("Enter");
    await a.box.fill("  \n ");
    await a.send.click();
    await a.box.fill("first line");
    await a.box.dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
    await a.box.press("Shift+Enter");
    await a.box.pressSequentially("second line");
    assert.equal(await a.box.inputValue(), "first line\nsecond line");
    await a.box.press("Enter");
    await b.body("second line").waitFor();
    assert.equal(await b.body("second line").textContent(), "first line\nsecond line");
    await counted(a.log.locator(".body"), before + 1);
  });
  await check("what people write is text, never markup", async () => {
    const markup = '<b>bold</b> &amp; <img src="x" onerror="document.title=1"><script>document.title=2</script>';
    await a.box.fill(markup);
    await a.box.press("Enter");
    await b.body("bold").waitFor();
    for (const person of [a, b]) {
      assert.equal(await person.body("bold").textContent(), markup);
      assert.equal(await person.log.locator("b, img, script").count(), 0);
      assert.equal(await person.page.title(), "Wharf chat");
    }
  });
  await check("a message that is too long is refused and kept in the box", async () => {
    await a.box.fill("é".repeat(2049));
    await a.box.press("Enter");
    await says(a.alert, /too long/);
    assert.equal((await a.box.inputValue()).length, 2049);
    await a.box.fill("é".repeat(2048));
    await a.box.press("Enter");
    await b.body("é".repeat(2048)).waitFor();
    await says(a.alert, "");
  });
  await check("fifty messages at once come through whole and in order, and none is refused", async () => {
    const burst = numbered("burst", 50);
    await utterAll(a, burst);
    await stands(b, "burst", burst, 15_000);
    await stands(a, "burst", burst);
    await counted(a.pending, 0);
    assert.equal(await a.alert.textContent(), "");
  });
}

async function names({ check }, a, b) {
  await check("a name can be chosen, is told to all, is nobody else's, and markup in it is text", async () => {
    await called(a, "<i>Ada</i> &amp;");
    await counted(b.people.filter({ hasText: "<i>Ada</i> &amp;" }), 1);
    await utter(a, "named");
    await b.log.locator(".entry").filter({ hasText: "named" }).waitFor();
    assert.equal(await b.log.locator(".entry").filter({ hasText: "named" }).locator(".name").textContent(), "<i>Ada</i> &amp;");
    for (const person of [a, b]) assert.equal(await person.page.locator("i").count(), 0);
    await b.name.fill("<I>ada</i> &amp;");
    await b.name.press("Enter");
    await says(b.alert, /./);
    assert.equal(await b.name.inputValue(), "<I>ada</i> &amp;");
    await b.name.press("Escape");
    await says(b.alert, "");
    assert.match(await b.name.inputValue(), /^User_/);
  });
  await check("who writes is shown to the others, until it is said", async () => {
    // It is told every other second at most.
    await until(async () => {
      await a.box.press("h");
      return (await b.page.locator("#typing").textContent()) === "<i>Ada</i> &amp; is typing…" ? null : "nobody types";
    });
    await says(a.page.locator("#typing"), "");
    await a.box.press("Enter");
    await says(b.page.locator("#typing"), "");
  });
}

async function rooms({ check }, a, b) {
  await check("rooms: joined by name, unread counted, each with its own people", async () => {
    for (const person of [a, b]) await enter(person, "galley");
    await counted(a.people, 2);
    assert.equal(await a.rooms.filter({ hasText: "galley" }).getAttribute("aria-current"), "true");
    await a.rooms.filter({ hasText: "general" }).click();
    assert.equal(await a.rooms.filter({ hasText: "galley" }).getAttribute("aria-current"), null);
    for (const text of ["soup", "bread"]) await utter(b, text);
    await says(a.rooms.filter({ hasText: "galley" }).locator(".unread"), "2");
    assert.equal(await a.page.title(), "(2) Wharf chat");
    await counted(a.body("soup"), 0);
    await a.rooms.filter({ hasText: "galley" }).click();
    assert.equal(await a.body("soup").isVisible(), true);
    await counted(a.rooms.locator(".unread:not(:empty)"), 0);
    await says(a.log.locator(".unseen"), "New");
    await a.page.getByRole("button", { name: "Leave" }).click();
    await counted(a.rooms, 1);
    await counted(b.people, 1);
  });
  await check("who comes later finds what was said, and rooms to join", async () => {
    const galley = a.page.getByRole("list", { name: "Also open" }).getByRole("button", { name: "galley" });
    await galley.click();
    await stands(a, "", ["soup", "bread"]);
    await counted(a.log.locator(".unseen"), 0);
    for (const person of [a, b]) await person.page.getByRole("button", { name: "Leave" }).click();
    await counted(b.people, 2);
  });
  await check("a room's name is text, never markup nor part of a path", async () => {
    const name = '<i>a/b</i> &amp; "c"?d#e%2f';
    await enter(a, name);
    assert.equal(await a.page.locator("#open").textContent(), name);
    const other = b.page.getByRole("list", { name: "Also open" }).getByRole("button").filter({ hasText: name });
    await utter(a, "where am I");
    await a.stored("where am I").waitFor();
    await b.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    assert.equal(await other.locator(".name").textContent(), name);
    await other.click();
    await b.stored("where am I").waitFor();
    // What is above is asked for by the room's name, and by nobody else's.
    await a.page.reload();
    await a.stored("where am I").waitFor();
    for (const person of [a, b]) {
      await says(person.status, "Connected");
      assert.equal(await person.rooms.filter({ hasText: name }).locator(".name").textContent(), name);
      assert.equal(await person.page.locator("i").count(), 0);
      await person.page.getByRole("button", { name: "Leave" }).click();
      await counted(person.rooms, 1);
    }
    await counted(a.people, 2);
  });
  await check("rooms are changed by keys, and the focus stays", async () => {
    await enter(a, "galley");
    await a.box.focus();
    await a.page.keyboard.press("Alt+ArrowUp");
    assert.equal(await a.rooms.filter({ hasText: "general" }).getAttribute("aria-current"), "true");
    assert.ok(await a.box.evaluate((box) => box === document.activeElement));
    await a.rooms.filter({ hasText: "galley" }).focus();
    await a.page.keyboard.press("Enter");
    assert.ok(await a.rooms.filter({ hasText: "galley" }).evaluate((button) => button === document.activeElement && button.ariaCurrent === "true"));
    await a.page.keyboard.press("Escape");
    assert.ok(await a.box.evaluate((box) => box === document.activeElement));
    await a.page.getByRole("button", { name: "Leave" }).click();
  });
}

async function many({ check, tab, url }) {
  await check("one room too many is refused, and does not stand in the list", async () => {
    const c = await opened(tab, url);
    for (let i = 1; i <= 20; i += 1) {
      await c.room.fill(`berth ${i}`);
      await c.room.press("Enter");
    }
    await says(c.alert, /20 rooms/);
    await counted(c.rooms, 20);
    await c.page.reload();
    await says(c.status, "Connected");
    await counted(c.rooms, 20);
    await counted(c.people, 1);
    await c.page.close();
  });
}

async function reading({ check }, a, b) {
  const end = () => b.log.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
  await check("the log follows unless the reader has scrolled up", async () => {
    assert.ok((await end()) < 2);
    await b.log.evaluate((e) => { e.scrollTop = 0; });
    const top = () => b.log.evaluate((e) => [...e.querySelectorAll(".entry")].find((m) => m.getBoundingClientRect().bottom > e.getBoundingClientRect().top).textContent);
    await b.page.locator("#down:visible").waitFor();
    const before = await top();
    await utter(a, "below the fold");
    await b.page.getByRole("button", { name: "1 new message" }).waitFor();
    assert.equal(await top(), before);
    await b.page.getByRole("button", { name: "1 new message" }).click();
    assert.ok((await end()) < 2);
    assert.ok(await b.body("below the fold").isVisible());
  });
}

async function coming({ check, tab, url }, a, b) {
  await check("a reload is the same person with the same draft, and finds what was said", async () => {
    await called(b, "Bo");
    await b.box.fill("half a thought");
    const said = await b.log.locator(".body").allTextContents();
    await b.page.reload();
    await says(b.status, "Connected");
    assert.equal(await b.box.inputValue(), "half a thought");
    await b.box.fill("");
    for (const person of [a, b]) await counted(person.people, 2);
    await counted(b.people.filter({ hasText: "Bo (you)" }), 1);
    await b.body(said.at(-1)).waitFor();
    // As many as are in sight and a few more.
    const found = await texts(b, "");
    assert.ok(found.length >= 30);
    assert.deepEqual(found, said.slice(-found.length));
  });
  await check("a closed tab leaves the list at once", async () => {
    const c = await opened(tab, url);
    for (const person of [a, b, c]) await counted(person.people, 3);
    await c.page.close();
    for (const person of [a, b]) await counted(person.people, 2);
  });
}

export default async (stage) => {
  const { check, tab, url } = stage;
  await check("the page says who may do what in it", async () => {
    const answer = await fetch(url);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.ok(answer.headers.get("referrer-policy"));
  });
  const a = await opened(tab, url);
  await check("alone: one name in the list", () => counted(a.people, 1));
  const b = await opened(tab, url);
  await check("two tabs are two people, and each sees both", async () => {
    for (const person of [a, b]) await counted(person.people, 2);
    const names = await a.people.locator(".name").allTextContents();
    assert.equal(new Set(names).size, 2);
    for (const name of names) assert.match(name, /^User_[0-9a-f]{8}$/);
  });
  await talking(stage, a, b);
  await names(stage, a, b);
  await rooms(stage, a, b);
  await many(stage);
  await reading(stage, a, b);
  await coming(stage, a, b);
};
