// One room as this tab knows it: its messages by id, its people, what is unread. No clock, no socket, no document.

const MAX_ITEMS = 20_000, TRIM = 5_000; // messages held; above it the oldest go, and can be loaded again
const MAX_NOTES = 4; // comings and goings that one line tells in full

export class Room {
  people = new Map(); // names by user
  typing = new Map(); // {name, until} by user
  joined = false; // the server has us in it
  entering = false; // it was asked to, and has not told the history yet
  /** Messages `{id, userId, name, content, timestamp, ref?}` and, among them, notes `{note, after, texts}`. */
  items = [];
  /** The place of the first item: it goes down as older ones come in front, so each item keeps its place. */
  base = 0;
  more = true; // whether there may be older ones
  loading = false;
  unread;
  newFrom = null; // the first message that was not seen when it came
  #notes = 0;
  #were = null; // who was there when the connection was lost

  constructor(id, unread = 0) {
    this.id = id;
    this.unread = unread;
  }

  get end() {
    return this.base + this.items.length;
  }

  at(place) {
    return this.items[place - this.base];
  }

  get firstId() {
    return this.items.find((item) => !item.note)?.id;
  }

  get lastId() {
    const last = this.items.at(-1);
    return last ? (last.note ? last.after : last.id) : 0;
  }

  /** Puts messages where their ids say; one that is there already stays. Tells which were new. */
  merge(messages) {
    const fresh = messages.filter((message) => !this.#has(message.id));
    if (!fresh.length) return fresh;
    if (this.items.length && fresh.at(-1).id <= idOf(this.items[0])) {
      this.#putAhead(fresh);
    } else {
      for (const message of fresh) this.items.splice(this.#place(message.id), 0, message);
      this.#trim();
    }
    return fresh;
  }

  /** What a join answers with. If messages are missing between it and what is held, that is let go: it can be loaded. */
  history(messages, more) {
    const held = this.firstId !== undefined;
    if (held && more && messages.length && messages[0].id > this.lastId) this.#clear();
    if (this.firstId === undefined || this.firstId >= (messages[0]?.id ?? 0)) this.more = more;
    this.#lift(messages);
    return this.merge(messages);
  }

  /** What is below `before`, unless that is not the first any more: then it does not join on. */
  older(before, messages, more) {
    this.loading = false;
    if (before !== this.firstId) return;
    this.more = more;
    this.#lift(messages);
    this.#putAhead(messages);
  }

  /** Notes follow the message that was last when they came; those in a row share a line. */
  note(userId, text) {
    const last = this.items.at(-1);
    if (!last?.note) {
      this.#notes += 1;
      this.items.push({ note: `n${this.#notes}`, after: this.lastId, texts: [{ userId, text }], dropped: 0 });
      this.#trim();
      return;
    }
    last.texts.push({ userId, text });
    if (last.texts.length > MAX_NOTES) last.dropped += last.texts.splice(0, 1).length;
  }

  list(members) {
    this.people = new Map(members.map(({ userId, name }) => [userId, name]));
    this.joined = true;
  }

  /** Tells whether it is worth a note: not if they had only lost their connection, as we perhaps had ours. */
  came(userId, name, text) {
    const known = this.people.has(userId);
    this.people.set(userId, name);
    if (known || this.#were?.delete(userId)) return;
    const last = this.items.at(-1);
    const gone = last?.note && last.texts.findIndex((entry) => entry.userId === userId && entry.left);
    if (last?.note && gone >= 0) {
      last.texts.splice(gone, 1);
      if (!last.texts.length && !last.dropped) this.items.pop();
    } else {
      this.note(userId, text);
      this.items.at(-1).texts.at(-1).came = true;
    }
  }

  /** Who has just come is told by the new name alone. */
  renamed(userId, name) {
    const before = this.people.get(userId);
    if (before === undefined || before === name) return;
    this.people.set(userId, name);
    const coming = this.items.at(-1)?.texts?.find((entry) => entry.userId === userId && entry.came);
    if (coming) coming.text = `${name} joined the room`;
    else this.note(userId, `${before} is now ${name}`);
  }

  went(userId, text) {
    this.people.delete(userId);
    this.typing.delete(userId);
    this.note(userId, text);
    this.items.at(-1).texts.at(-1).left = true;
  }

  lost() {
    if (this.joined) this.#were = new Set(this.people.keys());
    this.joined = this.entering = this.loading = false;
    this.typing.clear();
  }

  /** What is held may be nobody's any more: it is asked for anew. */
  forget() {
    this.#clear();
    this.more = true;
    this.newFrom = null;
  }

  #clear() {
    this.base = this.end;
    this.items = [];
  }

  #has(id) {
    let i = this.#place(id) - 1;
    while (this.items[i]?.note) i -= 1;
    return this.items[i]?.id === id;
  }

  #putAhead(messages) {
    this.items.unshift(...messages);
    this.base -= messages.length;
  }

  /** Notes that came before there was any message stand behind those that are older than the first. */
  #lift(messages) {
    const last = Math.min(messages.at(-1)?.id ?? 0, this.firstId ?? Infinity);
    for (const item of this.items) {
      if (!item.note) return;
      item.after = Math.max(item.after, last);
    }
  }

  /** Behind all whose id is not above `id`. */
  #place(id) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (idOf(this.items[middle]) <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #trim() {
    if (this.items.length <= MAX_ITEMS) return;
    this.items.splice(0, TRIM);
    this.base += TRIM;
    this.more = true;
  }
}

const idOf = (item) => item.note ? item.after : item.id;
