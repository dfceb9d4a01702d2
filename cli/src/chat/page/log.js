// The conversation. It holds at most a few hundred messages of it in the document, around what the reader sees: more come
// in at one end as they go at the other, and what is seen stays where it is.

import { arrange, at, make, say } from "./element.js";
import { day, dayBreaks, entry, note, runsOn, settle, tellDay, tellNote, unseen } from "./entry.js";

const SPAN = 200, STEP = 50; // messages
const NEAR = 900, END = 40; // pixels
const SILENCE = 300; // ms for which what is put in is not read out

const [box, list, down] = ["log", "entries", "down"].map(at);

export class Log {
  #state;
  #calls;
  #room = null;
  #start = 0; // places of the room's items: the first one shown, and the one behind the last
  #end = 0;
  #follows = true;
  #known = 0; // where the room ended when it was shown last
  #seenEnd = 0; // what has come behind it is new to who has scrolled up
  #size = "";
  #base = 0; // where it began then: it goes down as older messages come in
  #isComing = false; // whether it was still to be told what was said before
  #made = new Map(); // elements by what they show: by the item itself, as ids may begin anew, or by the ref of one's own
  #days = new WeakMap(); // headings by the entry that begins the day
  #silent = 0;
  #top = make("div", "top");
  #earlier = make("button", "link", "Earlier messages");
  #unseen = unseen();

  /** Calls `older(room)` when what is above is wanted, and `again(ref)` and `discard(ref)`. */
  constructor(state, calls) {
    this.#state = state;
    this.#calls = calls;
    this.#earlier.type = "button";
    this.#earlier.addEventListener("click", () => calls.older(this.#room));
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(box);
    down.addEventListener("click", () => this.toEnd());
    list.addEventListener("click", ({ target }) => {
      const act = target.dataset.act;
      if (act) calls[act](target.closest(".entry").dataset.ref);
    });
  }

  toEnd() {
    this.#follows = true;
    this.#silently(() => this.render());
  }

  render() {
    const room = this.#state.room;
    if (room !== this.#room) return this.#enter(room);
    const isOld = this.#isComing || room.base !== this.#base;
    this.#settle(room);
    if (isOld) this.#silently(() => this.#draw(room));
    else this.#draw(room);
    this.#showDown();
    this.#fill();
    return undefined;
  }

  #draw(room) {
    this.#slide(room);
    const anchor = this.#follows ? null : this.#anchor();
    arrange(list, this.#rows(room));
    if (this.#follows) box.scrollTop = box.scrollHeight;
    else if (anchor?.element.isConnected) box.scrollTop += anchor.element.getBoundingClientRect().bottom - anchor.bottom;
  }

  /** What comes in before the room has told what there was is not news; nor is what comes in above. */
  #settle(room) {
    this.#isComing = !room.joined || room.entering;
    this.#base = room.base;
  }

  // ---- Which part is shown

  #enter(room) {
    this.#room = room;
    this.#settle(room);
    this.#made.clear();
    this.#end = room.end;
    this.#start = Math.max(room.base, this.#end - SPAN);
    this.#follows = true;
    const first = room.newFrom === null ? -1 : room.items.findIndex((item) => item.id === room.newFrom);
    if (first >= 0 && room.end - room.base - first > SPAN / 2) {
      this.#start = Math.max(room.base, room.base + first - STEP);
      this.#end = Math.min(room.end, this.#start + SPAN);
    }
    this.#silently(() => {
      arrange(list, this.#rows(room));
      box.scrollTop = box.scrollHeight;
      if (!this.#unseen.isConnected) return;
      const above = box.getBoundingClientRect().top - this.#unseen.getBoundingClientRect().top;
      if (above > 0) box.scrollTop -= above + 48;
    });
    this.#follows = this.#isAtEnd();
    this.#seenEnd = room.end;
    this.#showDown();
    this.#fill();
  }

  /** Takes in what has come. */
  #slide(room) {
    this.#start = Math.max(this.#start, room.base);
    const wasEnd = this.#end === this.#known;
    this.#end = Math.min(Math.max(this.#end, this.#start), room.end);
    if (this.#follows) {
      this.#end = this.#seenEnd = room.end;
      this.#start = Math.max(room.base, Math.min(this.#start, this.#end), this.#end - SPAN);
    } else {
      if (wasEnd && this.#end - this.#start < SPAN + STEP) this.#end = room.end;
      // At once with what takes the place of the beginning, since nothing can be moved up there.
      if (box.scrollTop < NEAR && this.#start > room.base) {
        this.#start = Math.max(room.base, this.#start - STEP);
        this.#end = Math.min(this.#end, this.#start + SPAN);
      }
    }
    this.#known = room.end;
  }

  #scrolled() {
    // Who was at the end and has now less room is moved from it without having scrolled.
    if (this.#size !== `${box.clientWidth} ${box.clientHeight}`) return this.#resized();
    this.#follows = this.#isAtEnd();
    if (this.#follows) this.#seenEnd = this.#room.end;
    this.#showDown();
    this.#fill();
    return undefined;
  }

  /** Brings in what is next to what is seen. */
  #fill() {
    const room = this.#room;
    const above = box.scrollTop, below = box.scrollHeight - above - box.clientHeight;
    let { start, end } = { start: this.#start, end: this.#end };
    if (above < NEAR && start > room.base) {
      start = Math.max(room.base, start - STEP);
      end = Math.min(end, start + SPAN);
    } else if (below < NEAR && end < room.end) {
      end = Math.min(room.end, end + STEP);
      start = Math.max(start, end - SPAN);
    } else if (above < NEAR && room.more && !room.loading && room.joined) {
      this.#calls.older(room);
      return;
    }
    if (start === this.#start && end === this.#end) return;
    [this.#start, this.#end] = [start, end];
    this.#follows &&= this.#end === room.end;
    this.#silently(() => this.render());
  }

  #isAtEnd() {
    return this.#end === this.#room.end && box.scrollHeight - box.scrollTop - box.clientHeight < END;
  }

  /** The first message in sight, and where it ends: its name may go as that of the one before it comes. */
  #anchor() {
    const edge = box.getBoundingClientRect().top;
    for (const element of list.children) {
      if (!element.matches(".entry, .note")) continue;
      const { bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { element, bottom };
    }
    return null;
  }

  #resized() {
    this.#size = `${box.clientWidth} ${box.clientHeight}`;
    if (this.#follows) box.scrollTop = box.scrollHeight;
  }

  // ---- What is shown of it

  #rows(room) {
    const made = new Map(), me = this.#state.me?.userId;
    const get = (key, make) => {
      const element = this.#made.get(key) ?? make();
      made.set(key, element);
      return element;
    };
    const rows = [...this.#beginning(room)];
    let before = this.#start > room.base ? undefined : null;
    const put = (item, mine) => {
      if (item.note) {
        const element = get(item.note, () => note(item));
        tellNote(element, item);
        rows.push(element);
      } else {
        const key = (mine && item.ref) || item;
        const element = get(key, () => entry(item, mine));
        if (!before || dayBreaks(before, item)) rows.push(this.#day(element, item.timestamp));
        if (item.id !== undefined && item.id === room.newFrom) rows.push(this.#unseen);
        if (item.ref && !item.id) element.dataset.ref = item.ref;
        settle(element, item, item.id !== room.newFrom && runsOn(before, item), this.#state.up);
        rows.push(element);
      }
      // A note has no day; what follows it is measured by what came before.
      before = item.note ? before && { ...before, userId: null } : item;
    };
    for (let place = this.#start; place < this.#end; place += 1) put(room.at(place), room.at(place).userId === me);
    if (this.#end === room.end) {
      const name = this.#state.me?.name ?? "";
      for (const message of this.#state.outbox.in(room.id)) put({ ...message, userId: me ?? "", name }, true);
    }
    this.#made = made;
    return rows;
  }

  #day(element, timestamp) {
    if (!this.#days.has(element)) this.#days.set(element, day());
    const heading = this.#days.get(element);
    tellDay(heading, timestamp);
    return heading;
  }

  *#beginning(room) {
    if (this.#start > room.base) return;
    if (!room.more) say(this.#top, room.items.length ? "This is where the conversation begins." : "Nothing was said here yet.");
    else if (room.loading) say(this.#top, "Earlier messages are on their way…");
    else if (this.#top.firstElementChild !== this.#earlier) this.#top.replaceChildren(this.#earlier);
    yield this.#top;
  }

  #showDown() {
    const room = this.#room;
    // The last note goes again when what it told is undone.
    this.#seenEnd = Math.min(this.#seenEnd, room.end);
    let news = 0;
    for (let place = Math.max(this.#seenEnd, room.base); place < room.end; place += 1) news += room.at(place).note ? 0 : 1;
    down.hidden = this.#follows;
    say(down, news > 0 ? `${news} new ${news === 1 ? "message" : "messages"} ↓` : "Newest ↓");
  }

  /** A region that tells what comes must not tell what was there before. */
  #silently(change) {
    box.setAttribute("aria-live", "off");
    clearTimeout(this.#silent);
    change();
    this.#silent = setTimeout(() => box.removeAttribute("aria-live"), SILENCE);
  }
}
