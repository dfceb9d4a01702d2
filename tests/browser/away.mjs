// The chat's page while the network or the server is away: run.mjs away.mjs wharf chat --listen 127.0.0.1:0 --database sqlite:PATH
import assert from "node:assert/strict";
import { called, controls, counted, enter, numbered, opened, says, stands, texts, utter, utterAll } from "./controls.mjs";
import { Way } from "./proxy.mjs";

/** What the browser tells the page of its network. */
async function network(person, offline) {
  // One session, since each has its own say.
  person.session ??= await person.page.context().newCDPSession(person.page);
  await person.session.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
}

/** After a message that is behind all others nothing stands with anyone twice. */
async function standsOnce(people, barrier) {
  for (const person of people) await counted(person.pending, 0, 15_000);
  await utter(people[0], barrier);
  for (const person of people) {
    await person.stored(barrier).waitFor();
    await counted(person.pending, 0);
    const all = await person.log.locator(".body").allTextContents();
    assert.deepEqual([...new Set(all)], all, "something stands there twice");
  }
}

async function losing({ check }, a, b, way) {
  await check("one loses the network and comes back with nothing missed and nothing doubled", async () => {
    for (const person of [a, b]) await enter(person, "galley");
    await b.rooms.filter({ hasText: "general" }).click();
    for (const person of [a, b]) {
      await utter(person, person === a ? "in the galley" : "in general");
      await counted(person.pending, 0);
    }
    way.cut();
    await network(b, true);
    await says(b.status, "Offline", 15_000);
    await utterAll(b, numbered("from afar", 3));
    await counted(b.pending, 3);
    await says(b.pending.first().locator(".mark"), "Waiting for the connection");
    await utterAll(a, numbered("meanwhile in the galley", 7));
    await a.rooms.filter({ hasText: "general" }).click();
    await utterAll(a, numbered("meanwhile", 60));
    await stands(a, "meanwhile", numbered("meanwhile", 60), 15_000);
    // More than a page of history.
    await counted(a.pending, 0, 15_000);
    assert.deepEqual(await texts(b, "meanwhile"), []);
    way.heal();
    await network(b, false);
    await says(b.status, "Connected", 20_000);
    await counted(b.pending, 0);
    await stands(b, "meanwhile", numbered("meanwhile", 60));
    for (const person of [a, b]) await stands(person, "from afar", numbered("from afar", 3));
    await says(b.rooms.filter({ hasText: "galley" }).locator(".unread"), "8");
    await b.rooms.filter({ hasText: "galley" }).click();
    await stands(b, "meanwhile in the galley", numbered("meanwhile in the galley", 7));
    await standsOnce([b], "back in the galley");
    for (const person of [a, b]) {
      await person.rooms.filter({ hasText: "general" }).click();
      await counted(person.people, 2);
    }
    await standsOnce([a, b], "all back");
  }, 90_000);
}

async function killing({ check, server }, a, b, way) {
  await check("the server is killed under them and started again", async () => {
    // Of the one all is stored and nothing answered, of the other some is not even sent.
    way.mute();
    await utterAll(b, numbered("unheard", 10));
    await a.stored("unheard 10.").waitFor();
    await utterAll(a, numbered("before", 40));
    await a.stored("before 4.").waitFor();
    await counted(b.pending, 10);
    await server.stop("SIGKILL");
    for (const person of [a, b]) await says(person.status, "Reconnecting");
    await utter(a, "into the void");
    await utter(b, "into the same void");
    assert.ok((await a.pending.count()) > 0);
    await counted(b.pending, 11);
    await server.start();
    for (const person of [a, b]) await says(person.status, "Connected", 40_000);
    await standsOnce([a, b], "all here again");
    for (const person of [a, b]) {
      await stands(person, "unheard", numbered("unheard", 10));
      await stands(person, "before", numbered("before", 40));
      await counted(person.stored("into the void"), 1);
      await counted(person.stored("into the same void"), 1);
      await counted(person.people, 2);
    }
    assert.deepEqual((await a.people.locator(".name").allTextContents()).sort(), ["Ada", "Bo"]);
    await counted(a.people.filter({ hasText: "Ada (you)" }), 1);
    for (const person of [a, b]) assert.equal(await person.alert.textContent(), "");
  }, 90_000);
  await check("what was written while it was away survives a reload too", async () => {
    way.mute();
    await utter(b, "stored before a reload");
    await a.stored("stored before a reload").waitFor();
    await counted(b.pending, 1);
    await server.stop("SIGKILL");
    await says(a.status, "Reconnecting");
    await utter(a, "kept over a reload");
    await counted(a.pending, 1);
    await a.page.evaluate(() => dispatchEvent(new Event("pagehide")));
    const before = await a.page.evaluate(() => ({ ...sessionStorage }));
    assert.match(before["wharf-chat.state"], /kept over a reload/);
    await server.start();
    for (const person of [a, b]) await person.page.reload();
    for (const person of [a, b]) await says(person.status, "Connected", 40_000);
    await standsOnce([a, b], "all here after a reload");
    for (const person of [a, b]) {
      for (const text of ["stored before a reload", "kept over a reload"]) await counted(person.stored(text), 1);
      await counted(person.people, 2);
    }
  }, 90_000);
}

async function doubling({ check }, a, b) {
  const copy = async (person) => {
    const [page] = await Promise.all([person.page.waitForEvent("popup"), person.page.evaluate(() => void open(location.href))]);
    const twin = controls(page);
    await says(twin.status, "Connected", 15_000);
    return twin;
  };
  await check("a tab that is duplicated is one more person, and takes nothing from the first", async () => {
    const twin = await copy(a);
    for (const person of [a, b, twin]) await counted(person.people, 3);
    await counted(twin.people.filter({ hasText: "Ada" }), 1);
    await counted(twin.people.filter({ hasText: /^(?!Ada).*\(you\)/ }), 1);
    await says(a.status, "Connected");
    await utter(a, "still the first");
    await twin.body("still the first").waitFor();
    await twin.page.close();
    await counted(a.people, 2);
  });
  await check("who is taken over is told so, does not fight for it, and can take it back", async () => {
    // As after a crash in which the first tab stayed: nobody says that what is kept is in use.
    await a.page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem("wharf-chat.user"));
      sessionStorage.setItem("wharf-chat.user", JSON.stringify({ ...kept, inUse: false }));
    });
    const twin = await copy(a);
    await says(a.status, "Offline");
    await says(a.alert, /another tab/);
    await counted(twin.people, 2);
    await a.page.getByRole("button", { name: "Connect here" }).click();
    await says(a.status, "Connected");
    await says(a.alert, "");
    await says(twin.status, "Offline");
    await twin.page.close();
    await utter(a, "and here again");
    await b.body("and here again").waitFor();
  });
}

export default async (stage) => {
  const way = new Way(stage.url);
  await way.open();
  const a = await opened(stage.tab, stage.url);
  const b = await opened(stage.tab, way.url);
  await called(a, "Ada");
  await called(b, "Bo");
  for (const person of [a, b]) await counted(person.people, 2);
  await losing(stage, a, b, way);
  if (stage.server) await killing(stage, a, b, way);
  await doubling(stage, a, b);
  way.close();
};
