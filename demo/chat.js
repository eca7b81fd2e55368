'use strict';

/** How many messages somebody who comes later gets to see. */
const HISTORY = 50;

/** The longest text, in UTF-16 code units. */
const MAX_TEXT = 500;

/** The longest name, in UTF-16 code units. */
const MAX_NAME = 30;

/**
 * Reads what a client sent: JSON, `{ name, text }`.
 *
 * @param {Buffer} data the message
 * @return {Object|undefined} name and text, cut to size; nothing if the message
 *   is not of this shape or its text is empty
 */
function parse(data) {
  let message;

  try {
    message = JSON.parse(data);
  } catch {
    return undefined;
  }

  const { name, text } = Object(message);

  if (typeof name !== 'string' || typeof text !== 'string') return undefined;
  if (text.trim() === '') return undefined;
  return {
    name: name.trim().slice(0, MAX_NAME) || 'Anonymous',
    text: text.trim().slice(0, MAX_TEXT)
  };
}

/**
 * A chat room. What it sends is JSON: `{ type: 'message', name, text, time }`
 * with the time in milliseconds since the epoch, and `{ type: 'people', count }`
 * whenever somebody comes or goes.
 */
class Chat {
  constructor() {
    this.people = new Set();
    this.history = [];
  }

  /**
   * Adds a connection to the room until it closes.
   *
   * @param {WebSocket} ws the connection
   */
  join(ws) {
    for (const message of this.history) ws.send(message);
    this.people.add(ws);
    this.countPeople();

    ws.on('error', (err) => console.error(`/chat: ${err.message}`));
    ws.on('message', (data) => this.say(data));
    ws.on('close', () => {
      this.people.delete(ws);
      this.countPeople();
    });
  }

  /**
   * Passes a client's message on to everybody. One that makes no sense is
   * dropped.
   *
   * @param {Buffer} data the message
   */
  say(data) {
    const said = parse(data);

    if (said === undefined) return;

    const message = JSON.stringify({
      type: 'message',
      ...said,
      time: Date.now()
    });

    this.history = [...this.history, message].slice(-HISTORY);
    this.broadcast(message);
  }

  /** Tells everybody how many they are. */
  countPeople() {
    this.broadcast(JSON.stringify({ type: 'people', count: this.people.size }));
  }

  /**
   * Sends a message to everybody.
   *
   * @param {string} message the message
   */
  broadcast(message) {
    for (const ws of this.people) {
      if (ws.readyState === ws.OPEN) ws.send(message);
    }
  }
}

module.exports = Chat;
