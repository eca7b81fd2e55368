import { keepConnected } from './connection.js';

const section = document.getElementById('chat');
const status = section.querySelector('.status');
const log = document.getElementById('messages');
const form = document.getElementById('say');
const name = document.getElementById('name');
const text = document.getElementById('text');
const button = form.querySelector('button');

/** The open connection, or null. */
let connection = null;

/**
 * Appends a message to the log, which stays scrolled to its end.
 *
 * @param {Object} message its `name`, `text` and `time`
 */
function show(message) {
  const item = document.createElement('li');
  const who = document.createElement('b');
  const when = document.createElement('time');
  const what = document.createElement('p');
  const date = new Date(message.time);

  who.textContent = message.name;
  when.dateTime = date.toISOString();
  when.textContent = date.toLocaleTimeString();
  what.textContent = message.text;
  item.append(who, when, what);
  log.append(item);
  log.scrollTop = log.scrollHeight;
}

/**
 * Shows what the server sent.
 *
 * @param {MessageEvent} event a message of the connection
 */
function receive({ data }) {
  const message = JSON.parse(data);

  if (message.type === 'message') show(message);
  else status.textContent = `Connected, ${message.count} here`;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  // The text stays for when there is a connection again.
  if (connection?.readyState !== WebSocket.OPEN) return;
  connection.send(JSON.stringify({ name: name.value, text: text.value }));
  text.value = '';
  text.focus();
});

name.value = `Guest ${Math.floor(Math.random() * 900) + 100}`;
button.disabled = true;

keepConnected('/chat', status, (ws) => {
  // The server repeats what was said before.
  log.replaceChildren();
  connection = ws;
  button.disabled = false;
  ws.addEventListener('message', receive);
  ws.addEventListener('close', () => {
    connection = null;
    button.disabled = true;
  });
});
