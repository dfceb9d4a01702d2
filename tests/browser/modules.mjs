// The chat page's modules without a browser, as Node takes them: beside a package.json their names are those of modules.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const page = fileURLToPath(new URL("../../cli/src/chat/page/", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wharf-page-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));
for (const name of fs.readdirSync(page).filter((name) => name.endsWith(".js"))) fs.copyFileSync(path.join(page, name), path.join(folder, name));
fs.writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');

export const module = (name) => import(pathToFileURL(path.join(folder, name)));
