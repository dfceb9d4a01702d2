// The chat's page, as two people use it: run.mjs chat.mjs wharf chat --listen 127.0.0.1:0
import assert from "node:assert/strict";

/** The controls of one tab. */
function controls(page) {
  const log = page.getByRole("log");
  return {
    page,
    log,
    box: page.getByRole("textbox", { name: "Message" }),
    send: page.getByRole("button", { name: "Send" }),
    people: page.getByRole("list", { name: "People" }).getByRole("listitem"),
    rooms: page.getByRole("list", { name: "Rooms" }).getByRole("button"),
    room: page.getByRole("textbox", { name: /room/i }),
    status: page.getByRole("status"),
    alert: page.getByRole("alert"),
    pending: log.locator("[data-state=pending]"),
    body: (text) => log.locator(".body").filter({ hasText: text }),
  };
}

/** Waits until `count` things are there. */
async function counted(locator, count, limit = 5_000) {
  const end = Date.now() + limit;
  for (;;) {
    const now = await locator.count();
    if (now === count) return;
    if (Date.now() > end) throw new Error(`${count} expected, ${now} found: ${await locator.allTextContents()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the element says `text`. */
async function says(locator, text, limit = 5_000) {
  const end = Date.now() + limit;
  for (;;) {
    const now = await locator.textContent();
    if (text instanceof RegExp ? text.test(now) : now === text) return;
    if (Date.now() > end) throw new Error(`${text} expected, ${JSON.stringify(now)} found`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function opened(tab, url) {
  const person = controls(await tab());
  await person.page.goto(url);
  await says(person.status, "Connected");
  return person;
}

async function talking({ check }, a, b) {
  await check("a message goes from tab to tab, by Enter and by the button", async () => {
    await a.box.fill("ahoy there");
    await a.box.press("Enter");
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
  await check("a burst over the rate is told, waits and comes through whole", async () => {
    for (let i = 0; i < 50; i += 1) {
      await a.box.evaluate((box, text) => {
        box.value = text;
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      }, `burst ${i}`);
    }
    await counted(b.body(/^burst \d+$/), 50, 15_000);
    await counted(a.pending, 0);
  });
}

async function rooms({ check, shot }, a, b) {
  await check("rooms: joined by name, unread counted, each with its own people", async () => {
    for (const person of [a, b]) {
      await person.room.fill("galley");
      await person.room.press("Enter");
      await counted(person.rooms, 2);
    }
    await counted(a.people, 2);
    assert.equal(await a.rooms.filter({ hasText: "galley" }).getAttribute("aria-current"), "true");
    await a.rooms.filter({ hasText: "general" }).click();
    assert.equal(await a.rooms.filter({ hasText: "galley" }).getAttribute("aria-current"), null);
    for (const text of ["soup", "bread"]) {
      await b.box.fill(text);
      await b.box.press("Enter");
    }
    await says(a.rooms.filter({ hasText: "galley" }).locator(".unread"), "2");
    await shot(a.page, "rooms");
    assert.equal(await a.body("soup").isVisible(), false);
    await a.rooms.filter({ hasText: "galley" }).click();
    assert.equal(await a.body("soup").isVisible(), true);
    await counted(a.rooms.locator(".unread"), 0);
    await a.page.getByRole("button", { name: "Leave" }).click();
    await counted(a.rooms, 1);
    await counted(b.people, 1);
    await b.page.getByRole("button", { name: "Leave" }).click();
    await counted(b.people, 2);
  });
}

async function many({ check, tab, url }) {
  await check("one room too many is refused, and is not left standing in the list", async () => {
    const c = await opened(tab, url);
    for (let i = 1; i <= 20; i += 1) {
      await c.room.fill(`berth ${i}`);
      await c.room.press("Enter");
    }
    await says(c.alert, /too many/);
    await counted(c.rooms, 20);
    await c.page.reload();
    await says(c.status, "Connected");
    await counted(c.rooms, 20);
    await counted(c.people, 3);
    await c.page.close();
  });
}

async function reading({ check }, a, b) {
  await check("the log follows unless the reader has scrolled up", async () => {
    const end = (log) => log.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
    assert.ok((await end(b.log)) < 2);
    await b.log.evaluate((e) => { e.scrollTop = 0; });
    await a.box.fill("below the fold");
    await a.box.press("Enter");
    await b.body("below the fold").waitFor();
    assert.equal(await b.log.evaluate((e) => e.scrollTop), 0);
    await b.page.getByRole("button", { name: /Newest/ }).click();
    assert.ok((await end(b.log)) < 2);
  });
}

async function coming({ check, server, tab, url, shot }, a, b) {
  await check("a draft survives a reload, and the list is right after it", async () => {
    await b.box.fill("half a thought");
    await b.page.reload();
    await says(b.status, "Connected");
    assert.equal(await b.box.inputValue(), "half a thought");
    await b.box.fill("");
    for (const person of [a, b]) await counted(person.people, 2);
  });
  await check("a closed tab leaves the list at once", async () => {
    const c = await opened(tab, url);
    for (const person of [a, b, c]) await counted(person.people, 3);
    await c.page.close();
    for (const person of [a, b]) await counted(person.people, 2, 1_000);
  });
  if (!server) return;
  await check("a lost server is told, and what was written meanwhile is sent when it is back", async () => {
    await server.stop();
    await says(a.status, "Reconnecting");
    await a.box.fill("into the void");
    await a.box.press("Enter");
    await counted(a.pending, 1);
    await says(a.pending.locator(".mark"), "sending…");
    await shot(a.page, "reconnecting");
    await server.start();
    for (const person of [a, b]) await says(person.status, "Connected", 20_000);
    await counted(a.pending, 0);
    await counted(a.body("into the void"), 1);
    for (const person of [a, b]) await counted(person.people, 2);
    await a.box.fill("back again");
    await a.box.press("Enter");
    await b.body("back again").waitFor();
  }, 60_000);
}

async function looks({ check, shot }, a) {
  await check("it fits a phone, and is there in the dark", async () => {
    await shot(a.page, "light");
    await a.page.emulateMedia({ colorScheme: "dark" });
    await shot(a.page, "dark");
    await a.page.setViewportSize({ width: 360, height: 640 });
    const width = await a.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} pixels wide`);
    for (const control of [a.box, a.send, a.people.first(), a.rooms.first(), a.room]) {
      assert.ok(await control.isVisible());
    }
    await shot(a.page, "phone-dark");
    await a.page.emulateMedia({ colorScheme: "light" });
    await shot(a.page, "phone-light");
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
  await rooms(stage, a, b);
  await many(stage);
  await reading(stage, a, b);
  await coming(stage, a, b);
  await looks(stage, a);
};
