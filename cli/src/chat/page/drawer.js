// On a narrow screen the lists are drawers: one is open at most, and what is behind it cannot be reached meanwhile, but for
// a refusal, which may be of what was entered in the drawer.

import { at } from "./element.js";

const scrim = at("scrim"), behind = [...at("main").children].filter((part) => !part.matches(".refusal"));
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
  for (const part of behind) part.inert = Boolean(open);
  if (open) {
    open.panel.setAttribute("data-open", "");
    open.button.setAttribute("aria-expanded", "true");
    focusDrawer();
  } else {
    before?.button.focus();
  }
}

/** Tells whether there is one to go to. */
export function focusDrawer() {
  if (!open) return false;
  (open.panel.querySelector("[aria-current]") ?? open.panel.querySelector("button, input"))?.focus();
  return true;
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
