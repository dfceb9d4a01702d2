// Which messages this page has taken, for when it is loaded again: its rooms are empty then, and of a server with others
// beside it all that is not settled is told anew. No clock, no socket.

const MAX_TAKEN = 1_000; // ids; above it the smallest go, and all below them pass for taken

export class Taken {
  #upTo; // all up to this one pass for taken, as the page before was told to have them, or had no place for more
  #dropped = 0; // the greatest for which this page had no place: what comes late it still tells by its rooms
  #ids; // above what is settled, from the smallest on

  constructor({ upTo = 0, ids = [] } = {}) {
    this.#upTo = upTo;
    this.#ids = ids.slice(-MAX_TAKEN);
  }

  /** Takes one, and tells whether it is new. It may come behind one with a greater id. */
  take(id) {
    if (id <= this.#upTo) return false;
    let place = this.#ids.length;
    while (place > 0 && this.#ids[place - 1] > id) place -= 1;
    if (this.#ids[place - 1] === id) return false;
    this.#ids.splice(place, 0, id);
    if (this.#ids.length > MAX_TAKEN) this.#dropped = Math.max(this.#dropped, this.#ids.shift());
    return true;
  }

  /** All up to `id` was told. */
  settle(id) {
    const first = this.#ids.findIndex((taken) => taken > id);
    this.#ids.splice(0, first < 0 ? this.#ids.length : first);
  }

  /** What the next page begins with, if all up to `settled` was told. */
  kept(settled) {
    return { upTo: Math.max(this.#upTo, this.#dropped, settled), ids: [...this.#ids] };
  }
}
