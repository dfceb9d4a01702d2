// On a narrow screen the lists are drawers: one is open at most, and what is behind it cannot be reached meanwhile.

import { at } from "./element.js";

const scrim = at("scrim"), main = at("main");
const drawers = ["rooms", "people"].map((name) => ({ button: at(`show-${name}`), panel: at(`${name}-panel`) }));
const narrow = matchMedia("(max-width: 48rem)");
let open = null;

function show(drawer) {
  if (open) {
    open.panel.removeAttribute("data-open");
    open.button.setAttribute("aria-expanded", "false");
  }
  const before = open;
  open = drawer;
  scrim.hidden = !open;
  main.inert = Boolean(open);
  if (open) {
    open.panel.setAttribute("data-open", "");
    open.button.setAttribute("aria-expanded", "true");
    (open.panel.querySelector("[aria-current]") ?? open.panel.querySelector("button, input"))?.focus();
  } else {
    before?.button.focus();
  }
}

/** Tells whether there was one to close. */
export function closeDrawer() {
  if (!open) return false;
  show(null);
  return true;
}

for (const drawer of drawers) drawer.button.addEventListener("click", () => show(open === drawer ? null : drawer));
scrim.addEventListener("click", closeDrawer);
narrow.addEventListener("change", closeDrawer);
