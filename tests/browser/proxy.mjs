// A way to the server that can be lost: what is under way is swallowed, and nobody is told.
import net from "node:net";

export class Way {
  #server;
  #pairs = new Set();
  #isCut = false;

  constructor(target) {
    const { hostname, port } = new URL(target);
    this.#server = net.createServer((near) => {
      const far = net.connect(Number(port), hostname);
      const pair = [near, far];
      this.#pairs.add(pair);
      const over = () => { for (const socket of pair) socket.destroy(); this.#pairs.delete(pair); };
      for (const [from, to] of [pair, [far, near]]) {
        from.on("data", (bytes) => {
          if (!pair.isCut && !(pair.isMute && from === far)) to.write(bytes);
          // As the other end does with what belongs to no connection that it has.
          if (pair.isCut && !this.#isCut) near.destroy();
        });
        from.on("error", over).on("close", () => { if (!pair.isCut) over(); });
      }
      pair.isCut = this.#isCut;
    });
  }

  open() {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(0, "127.0.0.1", () => {
        this.url = `http://127.0.0.1:${this.#server.address().port}/`;
        resolve();
      });
    });
  }

  cut() {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.isCut = true;
  }

  /** The connections there are hear nothing of the server any more, which hears them still. */
  mute() {
    for (const pair of this.#pairs) pair.isMute = true;
  }

  /** For connections that are made from now on: those of before end as soon as anything is said on them. */
  heal() {
    this.#isCut = false;
  }

  close() {
    this.#server.close();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }
}
