// Three pages on three nodes of one chat: run.mjs nodes.mjs wharf chat --mesh … --database … --listen 127.0.0.1:0
// The two other nodes are named by WHARF_NODES, their URLs with a comma between.
import { begun, called, counted, enter, numbered, opened, says, stands, utter, utterAll } from "./controls.mjs";

async function named({ check }, people) {
  const [a, b, c] = people;
  await check("all are in everybody's list, by their names", async () => {
    for (const person of people) await counted(person.people, 3, 15_000);
    await called(a, "Ada");
    await called(b, "Bo");
    await called(c, "Cy");
    for (const person of people) {
      for (const name of ["Ada", "Bo", "Cy"]) await counted(person.people.filter({ hasText: name }), 1);
    }
  });
  await check("a name that somebody has at another node is refused", async () => {
    await b.name.fill("ADA");
    await b.name.press("Enter");
    await says(b.alert, /somebody is called so/);
    await b.page.getByRole("button", { name: "Dismiss" }).click();
  });
}

async function conversation({ check, shot }, people) {
  const [a, b, c] = people;
  await check("what is said at any of them stands in all logs, in one order, each once", async () => {
    for (const [person, start] of [[a, "of Ada"], [b, "of Bo"], [c, "of Cy"]]) await utterAll(person, numbered(start, 30));
    for (const person of people) await counted(person.pending, 0, 20_000);
    for (const person of people) {
      for (const start of ["of Ada", "of Bo", "of Cy"]) await stands(person, start, numbered(start, 30), 20_000);
    }
    const logs = await Promise.all(people.map((person) => person.stored().allTextContents()));
    for (const log of logs) {
      if (log.join("\n") !== logs[0].join("\n")) throw new Error(`another order: ${log} instead of ${logs[0]}`);
    }
    await shot(b.page, "nodes");
  }, 60_000);
  await check("rooms that are elsewhere are offered, and who joins finds who is there", async () => {
    await enter(a, "galley");
    await enter(c, "galley");
    for (const person of [a, c]) await counted(person.people, 2);
    await utter(a, "in the galley");
    await c.stored("in the galley").waitFor();
    await counted(b.stored("in the galley"), 0);
    for (const person of [a, c]) await person.rooms.filter({ hasText: "general" }).click();
  });
}

async function reloaded({ check }, [a, b, c]) {
  await check("a reload counts nothing again, and marks nothing that was read or counted as new", async () => {
    // What is settled is told seconds later, so all of this is told again.
    await utterAll(c, numbered("read", 5));
    await a.stored("read 5.").waitFor();
    await a.rooms.filter({ hasText: "galley" }).click();
    await utterAll(c, numbered("counted", 3));
    const unread = (count) => says(a.rooms.filter({ hasText: "general" }).locator(".unread"), `${count}`);
    await unread(3);
    await a.page.reload();
    await says(a.status, "Connected", 15_000);
    await utter(b, "after the reload");
    await unread(4);
    await a.rooms.filter({ hasText: "general" }).click();
    await a.stored("after the reload").waitFor();
    await counted(a.log.locator(".unseen ~ .entry"), 1);
  });
}

async function killed({ check, server }, people) {
  const [a, b, c] = people;
  await check("a node that is killed takes its people with it, and they are back when it is", async () => {
    await server.stop("SIGKILL");
    await says(a.status, "Reconnecting", 15_000);
    for (const person of [b, c]) await counted(person.people, 2, 15_000);
    await utterAll(b, numbered("meanwhile", 20));
    await counted(b.pending, 0, 15_000);
    await server.start();
    await says(a.status, "Connected", 40_000);
    for (const person of people) {
      await counted(person.people, 3, 15_000);
      await stands(person, "meanwhile", numbered("meanwhile", 20), 15_000);
      await begun(person);
      for (const start of ["of Ada", "of Bo", "of Cy"]) await stands(person, start, numbered(start, 30));
    }
  }, 120_000);
}

export default async (stage) => {
  const people = [];
  for (const url of [stage.url, ...process.env.WHARF_NODES.split(",")]) people.push(await opened(stage.tab, url));
  await named(stage, people);
  await conversation(stage, people);
  await reloaded(stage, people);
  if (stage.server) await killed(stage, people);
};
