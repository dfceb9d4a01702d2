#!/usr/bin/env node
// Drives a page in Chromium by a script, against a server that it starts itself or that runs already.
//
//   run.mjs SCRIPT.mjs COMMAND [ARG]…     starts the server; it must print `listening on ADDR` on stdout
//   run.mjs SCRIPT.mjs http://HOST:PORT   the server runs already; checks that need to stop it are left out
//
// It installs nothing. playwright-core comes from the folder named by WHARF_PLAYWRIGHT (one with a node_modules) or from
// where Node.js looks; Chromium from WHARF_CHROMIUM or the PATH; screenshots go to the folder WHARF_SHOTS, if there is one.
// Exit codes: 0 all checks held, 1 one did not, 2 it could not be run.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [script, ...command] = process.argv.slice(2);
const cannot = (why) => {
  console.error(`cannot run: ${why}`);
  process.exit(2);
};
if (!script || !command.length) cannot("usage: run.mjs SCRIPT.mjs (COMMAND [ARG]… | http://HOST:PORT)");

function playwright() {
  const from = process.env.WHARF_PLAYWRIGHT ? path.resolve(process.env.WHARF_PLAYWRIGHT, "package.json") : import.meta.url;
  try {
    return createRequire(from)("playwright-core").chromium;
  } catch (error) {
    return cannot(`playwright-core is not to be found (set WHARF_PLAYWRIGHT): ${error.code ?? error.message}`);
  }
}

function chromiumPath() {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const found = [process.env.WHARF_CHROMIUM, ...names.flatMap((name) => folders.map((folder) => path.join(folder, name)))];
  return found.find((file) => file && fs.existsSync(file)) ?? cannot("there is no chromium on the PATH (set WHARF_CHROMIUM)");
}

/** A server of ours: started on a port that it picks, and started again on the same one. */
class Server {
  constructor(command) {
    this.command = command;
  }

  start() {
    const [file, ...args] = this.command;
    this.child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    return new Promise((resolve, reject) => {
      let out = "";
      this.child.stdout.setEncoding("utf8").on("data", (text) => {
        out += text;
        const address = /^listening on (\S+)$/m.exec(out)?.[1]?.replace(/^\w+:\/\//, "");
        if (!address) return;
        this.url ??= `http://${address}/`;
        const listen = this.command.indexOf("--listen");
        if (listen >= 0) this.command[listen + 1] = address;
        resolve();
      });
      this.child.once("error", reject);
      this.child.once("exit", (code) => reject(new Error(`the server ended with ${code} before it listened`)));
    });
  }

  stop(signal = "SIGKILL") {
    const over = !this.child || this.child.exitCode !== null || this.child.signalCode !== null;
    if (over) return Promise.resolve();
    return new Promise((resolve) => {
      this.child.once("exit", resolve);
      this.child.kill(signal);
    });
  }
}

const tally = { held: 0, failed: 0 };
function tell(name, error) {
  tally[error === undefined ? "held" : "failed"] += 1;
  console.log(error === undefined ? `ok ${name}` : `FAILED ${name}: ${String(error).replace(/\s+/g, " ").slice(0, 500)}`);
}

async function check(name, body, limit = 30_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${limit} ms`)), limit);
  });
  try {
    await Promise.race([body(), late]);
    tell(name);
  } catch (error) {
    tell(name, error?.message ?? error);
  } finally {
    clearTimeout(timer);
  }
}

/** What finds no server, which a script may mean. */
const isAway = (text) => /^WebSocket connection to |^Failed to load resource: net::ERR_/.test(text);

/** A new tab, of a browser of its own where it is to be another kind of one. What goes wrong in it counts. */
async function tab(context, kind) {
  const page = await (kind ? await browser.newContext(kind) : context).newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => tell("page error", error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !isAway(message.text())) tell("console error", message.text());
  });
  return page;
}

async function shot(page, name) {
  if (!process.env.WHARF_SHOTS) return;
  fs.mkdirSync(process.env.WHARF_SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.WHARF_SHOTS, `${name}.png`) });
}

const running = /^https?:\/\//.test(command[0]) ? null : new Server(command);
let browser;
// Told to end it leaves nothing behind; the browser goes with it.
process.once("SIGTERM", () => {
  running?.child?.kill("SIGKILL");
  console.log(`told to end: ${tally.held} held, ${tally.failed} failed so far`);
  process.exit(2);
});
try {
  await running?.start();
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  browser = await playwright().launch({ executablePath: chromiumPath(), args });
  const context = await browser.newContext({ viewport: { width: 1180, height: 760 } });
  const run = (await import(pathToFileURL(path.resolve(script)))).default;
  await run({ url: running?.url ?? command[0], context, tab: (kind) => tab(context, kind), server: running, check, shot });
} catch (error) {
  console.error(error);
  tally.broken = true;
} finally {
  await browser?.close();
  await running?.stop();
}
console.log(`${tally.held} held, ${tally.failed} failed`);
process.exit(tally.broken ? 2 : tally.held && !tally.failed ? 0 : 1);
