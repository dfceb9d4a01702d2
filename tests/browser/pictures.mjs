// What the chat's page looks like, and what it is called: run.mjs pictures.mjs wharf chat --listen 127.0.0.1:0
// With WHARF_SHOTS=FOLDER its pictures go there.
import assert from "node:assert/strict";
import { contrast } from "./contrast.mjs";
import { called, controls, counted, enter, opened, says, until, utter } from "./controls.mjs";

const TEXTS = ".bar h1, .bar h1 span, #status, .side h2, .side li *, .head h2, .head button, .day time, .top, .note, .entry .name, " +
  ".entry .body, .entry time, .entry .mark, .unseen span, #typing, #alert, .hint, .hint kbd, #send, label, #down, .face, .toggle, .unread, .link";

async function talk(people) {
  const [marlene, jo, ole] = people;
  const said = [
    [jo, "Morning! The tide table for the week is up."],
    [jo, "High water is at 6:40 on Friday, so we should load before that."],
    [marlene, "Good, then I will tell the crew tonight."],
    [marlene, "Who has the key to the crane?"],
    [ole, "I do. I can be there from five, and I'd rather not carry all of it alone:\n– the long ladder\n– two pumps\n– whatever is left in the shed"],
    [jo, "I come along."],
    [marlene, "Perfect, see you there."],
  ];
  for (const [person, text] of said) {
    await utter(person, text);
    await counted(person.pending, 0);
    for (const other of people) await other.body(text.split("\n")[0]).waitFor();
  }
}

/** Three people in a harbour, as the first of them sees it. */
async function scene({ tab, url }) {
  const people = [];
  for (const name of ["Marlene", "Jo Quay", "Ørsted"]) {
    const person = await opened(tab, url);
    await called(person, name);
    people.push(person);
  }
  await talk(people);
  const [marlene, jo, ole] = people;
  for (const room of ["galley", "crane watch"]) await enter(marlene, room);
  await enter(jo, "galley");
  for (const text of ["soup?", "bread too"]) await utter(jo, text);
  await enter(ole, "harbour news");
  await ole.rooms.filter({ hasText: "general" }).click();
  await marlene.rooms.filter({ hasText: "general" }).click();
  await marlene.page.getByRole("list", { name: "Also open" }).getByRole("button").waitFor();
  await says(marlene.rooms.filter({ hasText: "galley" }).locator(".unread"), "2");
  return people;
}

/** A picture in which somebody is just writing. */
async function taken(shot, person, other, name) {
  await until(async () => {
    await other.box.press("h");
    return (await person.page.locator("#typing").textContent()) === "Ørsted is typing…" ? null : "nobody types";
  });
  await person.box.focus();
  await shot(person.page, name);
}

async function named({ check }, { page }) {
  await check("all that can be used has a role and a name", async () => {
    for (const [role, name] of [
      ["textbox", "Message"], ["button", "Send"], ["textbox", "Join a room"], ["textbox", "Your name"],
      ["list", "Rooms"], ["list", "People"], ["log", "Conversation"], ["button", "Leave"],
    ]) assert.equal(await page.getByRole(role, { name, exact: true }).count(), 1, `${role} ${name}`);
    for (const role of ["log", "status", "alert", "main", "navigation", "complementary", "banner"]) {
      // An empty alert has no box to be seen in, and is there to be heard.
      assert.equal(await page.getByRole(role, { includeHidden: true }).count(), 1, role);
    }
    const tree = await page.locator("body").ariaSnapshot();
    for (const line of [/- list "Rooms":/, /- button "general"/, /- button "galley 2 unread"/, /- list "People":/, /- listitem: Marlene \(you\)/, /- status: Connected/, /- log "Conversation"/, /- textbox "Message"/, /- button "Send"/]) {
      assert.match(tree, line);
    }
    for (const control of await page.locator("button:visible, input:visible, textarea:visible").all()) {
      assert.match(await control.ariaSnapshot(), /^- (button|textbox) ".+"/);
    }
  });
  await check("the keyboard goes through it in the order in which it is read, and one sees where it is", async () => {
    const order = [];
    while (order.at(-1) !== "send") {
      await page.keyboard.press("Tab");
      if (order.length === 0 && !(await page.evaluate(() => document.activeElement.id === "skip"))) continue;
      order.push(await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        if (outlineStyle === "none" || outlineWidth === "0px") return `${document.activeElement.id} without an outline`;
        return document.activeElement.id || document.activeElement.dataset.room || document.activeElement.className;
      }));
    }
    assert.deepEqual(order, ["skip", "general", "galley", "crane watch", "room", "harbour news", "name", "leave", "log", "message", "send"]);
  });
}

/** Runs in a page: the controls that one cannot see the whole of, while the status says so. */
function hidden(status) {
  const box = document.getElementById("status");
  const before = box.textContent;
  box.textContent = status;
  const found = [...document.querySelectorAll("button, input, textarea, [role=status], [role=log]")].flatMap((control) => {
    if (!control.checkVisibility({ visibilityProperty: true }) || control.parentElement.closest("#log")) return [];
    const { left, right, top, bottom } = control.getBoundingClientRect();
    // What is in a list can be scrolled to. What is too long for its place goes over what is beside it.
    const isIn = left >= 0 && right <= innerWidth && (control.closest("ul") || (top >= 0 && bottom <= innerHeight));
    if (isIn && control.scrollWidth <= control.clientWidth + 1) return [];
    return [`${control.id || control.textContent}: ${[left, right, top, bottom]}, ${control.scrollWidth} in ${control.clientWidth}`];
  });
  box.textContent = before;
  return found;
}

/** On a wide screen. */
async function contrasted({ check, shot }, person, ole) {
  const { page } = person;
  await check("light and dark, and every text stands out from its ground", async () => {
    await taken(shot, person, ole, "chat-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await taken(shot, person, ole, "chat-dark");
    await page.evaluate(() => document.getElementById("alert").append("A refusal."));
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      const worst = await page.evaluate(contrast, TEXTS);
      assert.ok(worst.ratio >= 4.5, `${scheme}: ${worst.ratio} for ${worst.text}`);
    }
    await page.keyboard.press("Escape");
  });
}

/** On a phone, which the page is left on. */
async function fits({ check, shot }, person, ole) {
  const { page } = person;
  await check("it fits a phone, and nothing scrolls sideways", async () => {
    for (const [width, height] of [[320, 560], [390, 780], [800, 400]]) {
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
      assert.ok(wide <= width, `${wide} pixels wide at ${width}`);
      assert.ok(await page.getByRole("button", { name: "Newest" }).isHidden(), "who was at the end is not any more");
      for (const control of [person.box, person.send, person.log, person.status]) assert.ok(await control.isVisible());
      for (const status of ["Connected", "Reconnecting"]) {
        // The drawers may still be on their way out.
        await until(async () => {
          const found = await page.evaluate(hidden, status);
          return found.length ? `${status} at ${width}: ${found}` : null;
        });
      }
    }
    await page.setViewportSize({ width: 390, height: 780 });
    await page.emulateMedia({ colorScheme: "light" });
    await taken(shot, person, ole, "chat-phone-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await taken(shot, person, ole, "chat-phone-dark");
  });
}

async function drawers({ check, shot }, person) {
  const { page } = person;
  await check("on a phone rooms and people are drawers that the keyboard can open, use and close", async () => {
    const button = page.getByRole("button", { name: /^Rooms/ });
    await person.rooms.first().waitFor({ state: "hidden" });
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-expanded"), "true");
    await page.waitForFunction(() => document.activeElement.dataset.room === "general");
    await page.waitForFunction(() => document.getElementById("rooms-panel").getBoundingClientRect().left === 0);
    await shot(page, "chat-phone-rooms");
    assert.equal(await person.box.evaluate((box) => box.closest("[inert]") !== null), true);
    await page.keyboard.press("Escape");
    await person.rooms.first().waitFor({ state: "hidden" });
    assert.ok(await button.evaluate((element) => element === document.activeElement));
    await button.click();
    await person.rooms.filter({ hasText: "galley" }).click();
    await says(page.locator("#open"), "galley");
    await person.rooms.first().waitFor({ state: "hidden" });
    await page.getByRole("button", { name: /^People/ }).click();
    await counted(person.people, 2);
    assert.ok(await person.people.first().isVisible());
    await page.locator("#scrim").click({ position: { x: 5, y: 300 } });
    await person.people.first().waitFor({ state: "hidden" });
  });
  await check("what is entered in a drawer is refused in front of it, and can be mended there", async () => {
    await page.getByRole("button", { name: /^Rooms/ }).click();
    await page.waitForFunction(() => document.getElementById("rooms-panel").getBoundingClientRect().left === 0);
    /** What is seen in the middle of it is itself. */
    const isInFront = (control) => control.evaluate((e) => {
      const { left, right, top, bottom } = e.getBoundingClientRect();
      return left >= 0 && right <= innerWidth && e.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
    });
    for (const [field, text, why] of [[person.name, "Jo Quay", /./], [person.room, "x".repeat(65), /64/], [person.room, "..", /dots/]]) {
      await field.fill(text);
      await field.press("Enter");
      await says(person.alert, why);
      for (const seen of [person.alert, field]) assert.ok(await isInFront(seen), `${text} hides what is seen of its refusal`);
      assert.equal(await field.inputValue(), text);
      await page.getByRole("button", { name: "Dismiss" }).click();
      await says(person.alert, "");
      assert.ok(await person.rooms.first().evaluate((e) => e.closest("[data-open]").contains(document.activeElement)));
    }
    await counted(person.rooms, 3);
    await person.room.fill("");
    await page.keyboard.press("Escape");
    await person.rooms.first().waitFor({ state: "hidden" });
  });
}

async function still({ check }, { page }) {
  await check("who wants no motion gets none", async () => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((e) => {
      const { animationName, transitionDuration } = getComputedStyle(e);
      return animationName !== "none" || transitionDuration.split(", ").some((time) => time !== "0s");
    }).length);
    assert.equal(moving, 0);
  });
}

export default async (stage) => {
  let people = [];
  await stage.check("three people in a harbour", async () => { people = await scene(stage); }, 60_000);
  const [marlene, , ole] = people.length ? people : [controls(await stage.tab())];
  await named(stage, marlene);
  await contrasted(stage, marlene, ole);
  await fits(stage, marlene, ole);
  await drawers(stage, marlene);
  await still(stage, marlene);
};
