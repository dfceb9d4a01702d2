// Where the reader writes: the message and its drafts, refusals, and who else is writing.

import { at, say } from "./element.js";
import { MAX_CONTENT, bytes, contentFault, wellFormed } from "./protocol.js";

const [box, form, alertBox, typing, left] = ["message", "say", "alert", "typing", "count-left"].map(at);
const TELL_FROM = MAX_CONTENT - 512; // bytes

export const refuse = (text) => say(alertBox, text);

export class Composer {
  drafts;
  #open;
  #calls;

  /** Calls `said(content)`, `typed()` and `changed()` when a draft has. `said` tells whether it was taken. */
  constructor(drafts, calls) {
    this.drafts = new Map(drafts.filter((draft) => draft?.every?.((part) => typeof part === "string")));
    this.#calls = calls;
    box.addEventListener("keydown", (event) => {
      // 229: Safari ends a composition before it tells of the key that ended it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#say();
    });
    box.addEventListener("input", () => {
      this.#keep();
      if (box.value.trim()) calls.typed();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
      box.focus();
    });
  }

  focus() {
    box.focus();
  }

  /** Goes on with what was begun in that room. */
  show(roomId) {
    if (roomId === this.#open) return;
    this.#open = roomId;
    box.value = this.drafts.get(roomId) ?? "";
    this.#measure();
  }

  #say() {
    const content = wellFormed(box.value);
    if (!content.trim()) return;
    const fault = contentFault(content) ?? this.#calls.said(content);
    if (fault) return refuse(fault);
    refuse("");
    box.value = "";
    this.#keep();
  }

  #keep() {
    if (box.value) this.drafts.set(this.#open, box.value);
    else this.drafts.delete(this.#open);
    this.#measure();
    this.#calls.changed();
  }

  #measure() {
    const size = box.value.length * 3 > TELL_FROM ? bytes(box.value) : 0;
    say(left, size > TELL_FROM ? String(MAX_CONTENT - size) : "");
    left.toggleAttribute("data-over", size > MAX_CONTENT);
    // As high as the text needs, where the style sheet cannot say so.
    if (CSS.supports("field-sizing", "content")) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  }
}

export function showTyping(state) {
  const names = [...state.room.typing.values()].map(({ name }) => name);
  if (!names.length) return say(typing, "");
  if (names.length > 2) return say(typing, "Several people are typing…");
  return say(typing, `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing…`);
}
