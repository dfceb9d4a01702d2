// The health checker's page, while its endpoints come and go: WHARF_TARGET names the port of the first of them.
//   run.mjs health.mjs wharf health --listen 127.0.0.1:0 --interval 0.2 --endpoint web=http://127.0.0.1:$WHARF_TARGET/
//     --endpoint 'kein Anschluß=tcp://127.0.0.1:1'
import assert from "node:assert/strict";
import http from "node:http";
import { contrast } from "./contrast.mjs";

/** A server that is there and away as the script likes, and answers with `status`. */
class Target {
  status = 200;

  up() {
    this.server = http.createServer((_, response) => response.writeHead(this.status).end("yes"));
    return new Promise((resolve, reject) => {
      this.server.once("error", reject).listen(Number(process.env.WHARF_TARGET), "127.0.0.1", resolve);
    });
  }

  away() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}

function controls(page) {
  const row = (name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
  return {
    page,
    table: page.getByRole("table", { name: "Endpoints" }),
    line: page.getByRole("status"),
    log: page.getByRole("log"),
    summary: page.locator("#summary"),
    row,
    cell: (name, index) => row(name).getByRole("cell").nth(index),
  };
}

/** Waits until the element says `text`. */
async function says(locator, text, limit = 10_000) {
  const end = Date.now() + limit;
  for (;;) {
    const now = await locator.textContent();
    if (text instanceof RegExp ? text.test(now) : now === text) return;
    if (Date.now() > end) throw new Error(`${text} expected, ${JSON.stringify(now)} found`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const [STATE, ADDRESS, RESPONSE, FAILURES, TIME] = [0, 1, 2, 3, 4];

async function showing({ check, shot }, seen) {
  await check("the table shows each endpoint in the order given", async () => {
    await says(seen.cell("web", STATE), "Up");
    await says(seen.cell("kein Anschluß", STATE), "Down");
    assert.deepEqual(await seen.table.getByRole("rowheader").allTextContents(), ["web", "kein Anschluß"]);
    assert.equal(await seen.cell("web", ADDRESS).textContent(), `http://127.0.0.1:${process.env.WHARF_TARGET}`);
    await says(seen.cell("web", RESPONSE), /^\d+ ms$/);
    await says(seen.cell("web", FAILURES), "0");
    assert.match(await seen.cell("web", TIME).locator("time").getAttribute("datetime"), /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/);
    await says(seen.summary, "1 of 2 down");
    assert.match(await seen.page.title(), /^1 of 2 down/);
  });
  await check("failures in a row are counted as they come", async () => {
    const count = async () => Number(await seen.cell("kein Anschluß", FAILURES).textContent());
    const first = await count();
    assert.ok(first > 0);
    await seen.page.waitForFunction(
      ([text, first]) => [...document.querySelectorAll("tr")].some((row) => row.textContent.includes(text) && Number(row.cells[4].textContent) > first + 2),
      ["kein Anschluß", first],
    );
  });
  await shot(seen.page, "health-light");
}

async function flipping({ check }, seen, target) {
  await check("an endpoint that goes down is shown and said so", async () => {
    target.status = 500;
    await says(seen.cell("web", STATE), "Down");
    await says(seen.summary, "2 of 2 down");
    await says(seen.log, /web is down\./);
    assert.ok(Number(await seen.cell("web", FAILURES).textContent()) >= 3);
  });
  await check("and so is one that comes back", async () => {
    target.status = 200;
    await says(seen.cell("web", STATE), "Up");
    await says(seen.log, /web is up\./);
    await target.away();
    await says(seen.cell("web", STATE), "Down");
    await target.up();
    await says(seen.cell("web", STATE), "Up");
  });
}

async function reaching({ check, shot, url, tab }) {
  const seen = controls(await tab());
  await check("it fits a phone, in the dark, and scrolls by the keyboard", async () => {
    await seen.page.setViewportSize({ width: 360, height: 640 });
    await seen.page.emulateMedia({ colorScheme: "dark" });
    await seen.page.goto(url);
    await says(seen.line, "Connected");
    const wide = await seen.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, "the page itself scrolls sideways");
    await seen.page.keyboard.press("Tab");
    const focused = seen.page.getByRole("region", { name: "Endpoints" });
    assert.equal(await focused.evaluate((region) => region === document.activeElement), true);
    await seen.page.keyboard.press("ArrowRight");
    await seen.page.waitForFunction(() => document.activeElement.scrollLeft > 0);
    await shot(seen.page, "health-dark-phone");
  });
  await check("states are told apart without colour, and text can be read on its ground", async () => {
    await says(seen.cell("kein Anschluß", STATE), "Down");
    for (const scheme of ["light", "dark"]) {
      await seen.page.emulateMedia({ colorScheme: scheme });
      const worst = await seen.page.evaluate(contrast, "th, td, td span, td time, #line, #summary, h1, h1 span");
      assert.ok(worst.ratio >= 4.5, `${scheme}: ${worst.ratio} for ${worst.text}`);
    }
  });
}

async function returning({ check, server }, seen) {
  if (!server) return;
  await check("the page comes back by itself after the server went", async () => {
    await server.stop();
    await says(seen.line, "Reconnecting");
    await server.start();
    await says(seen.line, "Connected", 25_000);
    await says(seen.cell("web", STATE), "Up");
  });
}

export default async function run(given) {
  const target = new Target();
  await target.up();
  const seen = controls(await given.tab());
  await given.check("the page opens and connects", async () => {
    await seen.page.goto(given.url);
    await says(seen.line, "Connected");
  });
  await showing(given, seen);
  await flipping(given, seen, target);
  await reaching(given);
  await returning(given, seen);
  await target.away();
}
