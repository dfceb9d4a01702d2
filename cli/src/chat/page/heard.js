// What the server says, by its type, and what follows for the state that hears it.

export const heard = {
  welcome(message) { this.greet(message); },
  error(message, now) { this.refused(message, now); },
  user_list({ roomId, members }) {
    this.joinAnswered(roomId);
    this.rooms.get(roomId)?.list(members);
  },
  history({ roomId, messages, more }) {
    const room = this.rooms.get(roomId);
    if (!room) return;
    // Unasked it is what was missed; with a join it is what was there before we came.
    const missed = !room.entering;
    const fresh = new Set(missed ? room.merge(messages) : room.history(messages, more));
    room.entering = false;
    for (const message of messages) this.take(message, missed && fresh.has(message));
  },
  message(message) {
    const fresh = this.rooms.get(message.roomId)?.merge([message]) ?? [];
    this.take(message, fresh.length > 0);
  },
  join({ roomId, userId, name, content }) {
    if (userId !== this.me?.userId) this.rooms.get(roomId)?.came(userId, name, content);
  },
  leave({ roomId, userId, content }) {
    if (userId !== this.me?.userId) this.rooms.get(roomId)?.went(userId, content);
  },
  name({ userId, name }) { this.renamed(userId, name); },
  typing({ roomId, userId, name }, now) { this.typingHere(roomId, userId, name, now); },
};
