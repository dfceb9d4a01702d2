// The page: a row for each endpoint, kept up to date by one WebSocket that comes back by itself.

const FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000; // ms between attempts
const SILENCE = 10_000; // ms within which a server that was reached says all there is

const $ = (id) => document.getElementById(id);
const known = new Map(); // what was told last of each endpoint, by its id, in the order of the server
const rows = new Map(); // the row of each

function stateOf(status) {
  if (status.lastCheck === null) return "waiting";
  return status.isHealthy ? "up" : "down";
}

const WORDS = { up: "Up", down: "Down", waiting: "Waiting" };

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function addressOf({ protocol, host, port }) {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function rowOf(id) {
  const cells = {
    state: element("span", { className: "state" }),
    address: element("td", { className: "soft" }),
    response: element("td", { className: "number" }),
    failures: element("td", { className: "number" }),
    time: element("time"),
  };
  const name = element("th", { scope: "row", dir: "auto", textContent: id });
  const row = element("tr", {}, element("td", {}, cells.state), name, cells.address, cells.response, cells.failures, element("td", { className: "soft" }, cells.time));
  return { row, cells };
}

function say(text) {
  const news = $("news");
  news.append(element("span", { textContent: `${text} ` }));
  while (news.childElementCount > 20) news.firstElementChild.remove();
}

function show(status) {
  const { id } = status.endpoint, state = stateOf(status), before = known.get(id);
  if (!rows.has(id)) rows.set(id, rowOf(id));
  const { row, cells } = rows.get(id);
  row.dataset.state = state;
  cells.state.textContent = WORDS[state];
  cells.address.textContent = addressOf(status.endpoint);
  cells.response.textContent = status.responseTimeMs === null ? "–" : `${status.responseTimeMs} ms`;
  cells.failures.textContent = String(status.consecutiveFailures);
  if (status.lastCheck === null) {
    cells.time.textContent = "not yet";
  } else {
    cells.time.dateTime = cells.time.title = status.lastCheck;
    cells.time.textContent = new Date(status.lastCheck).toLocaleTimeString();
  }
  if (before && stateOf(before) !== state) say(`${id} is ${WORDS[state].toLowerCase()}.`);
  known.set(id, status);
}

function showAll(endpoints) {
  const ids = new Set(endpoints.map((status) => status.endpoint.id));
  for (const id of [...known.keys()]) {
    if (ids.has(id)) continue;
    known.delete(id);
    rows.get(id).row.remove();
    rows.delete(id);
  }
  for (const status of endpoints) {
    show(status);
    // In the server's order; one that stands there already is not moved.
    $("rows").append(rows.get(status.endpoint.id).row);
  }
}

function summarise() {
  const states = [...known.values()].map(stateOf);
  const count = (state) => states.filter((other) => other === state).length;
  const down = count("down"), up = count("up");
  const text = down ? `${down} of ${states.length} down` : up && up === states.length ? `All ${up} up` : `${up} of ${states.length} up`;
  $("summary").textContent = states.length ? text : "No endpoints";
  document.title = `${states.length ? text : "No endpoints"} · Wharf health`;
}

/** The one WebSocket. */
class Line {
  #socket = null;
  #failures = 0;
  #retry = 0;
  #watch = 0;

  connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#drop();
    const url = new URL("/ws", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    this.#watch = setTimeout(() => this.#lost(), SILENCE);
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = () => this.#lost();
  }

  /** Does not wait for the next attempt, if one is waited for. */
  hurry() {
    if (!this.#retry) return;
    this.#failures = 0;
    this.connect();
  }

  #hear(text) {
    const news = JSON.parse(text);
    if (news.type === "all") {
      clearTimeout(this.#watch);
      this.#failures = 0;
      showAll(news.endpoints);
      this.#tell("connected", "Connected");
    } else if (news.type === "changed") {
      news.endpoints.forEach(show);
    }
    summarise();
  }

  #drop() {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost() {
    this.#drop();
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(this.#failures++, 10), LONGEST_PAUSE);
    // Jittered, so that a server that comes back is not met by all at once.
    this.#retry = setTimeout(() => this.connect(), pause * (0.8 + 0.4 * Math.random()));
    this.#tell("reconnecting", "Reconnecting");
  }

  #tell(state, words) {
    const status = $("line");
    if (status.dataset.state === state) return;
    status.dataset.state = state;
    status.textContent = words;
    document.body.toggleAttribute("data-stale", state !== "connected");
  }
}

const line = new Line();
line.connect();
addEventListener("online", () => line.hurry());
addEventListener("pageshow", (event) => { if (event.persisted) line.connect(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) line.hurry(); });
