// What the health checker's page looks like, of a shop with a bad day; with WHARF_SHOTS=FOLDER its pictures go there. WHARF_TARGET
// names the ports of shop, database and search.
//   run.mjs health_pictures.mjs wharf health --listen 127.0.0.1:0 --interval 0.2 --endpoint shop=http://localhost:PORT/ready …
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";

const [SHOP, DATABASE, SEARCH] = (process.env.WHARF_TARGET ?? "").split(",").map(Number);

function listening(server, port) {
  return new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
}

/** Waits until the page's endpoints are in these states, top to bottom. */
async function are(page, states) {
  await page.waitForFunction(
    (states) => [...document.querySelectorAll("tbody tr")].map((row) => row.cells[0].textContent.trim()).join() === states,
    states.join(),
  );
}

export default async function run({ check, shot, tab, url }) {
  const shop = http.createServer((_, response) => response.end("yes"));
  let status = 200;
  const search = http.createServer((_, response) => response.writeHead(status).end());
  const database = net.createServer((socket) => socket.end());
  await Promise.all([listening(shop, SHOP), listening(database, DATABASE), listening(search, SEARCH)]);
  await check("light and dark, with what has flipped", async () => {
    const page = await tab();
    await page.setViewportSize({ width: 960, height: 348 });
    await page.goto(url);
    await are(page, ["Up", "Up", "Up", "Down"]);
    status = 503;
    await are(page, ["Up", "Up", "Down", "Down"]);
    assert.match(await page.title(), /^2 of 4 down/);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await shot(page, `health-page-${colorScheme}`);
    }
  });
  for (const server of [shop, database, search]) server.close();
}
