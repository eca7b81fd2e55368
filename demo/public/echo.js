import { keepConnected } from './connection.js';
import { Plot } from './plot.js';

/** Milliseconds between two messages when there is no load. */
const PROBE_INTERVAL = 200;

/** Milliseconds between two updates of the figures. */
const UPDATE_INTERVAL = 500;

/** How many round trips the median is taken over. */
const SAMPLES = 1001;

const element = (id) => document.getElementById(id);
const status = element('echo').querySelector('.status');
const inFlight = element('in-flight');
const load = element('load');
const rttPlot = new Plot(element('rtt-plot'));
const ratePlot = new Plot(element('rate-plot'));

/** Formats milliseconds. */
const milliseconds = new Intl.NumberFormat(undefined, {
  maximumSignificantDigits: 3
});

/** The open connection, or null. */
let connection = null;

/** The messages under way, oldest first: `{ bytes, time }`. */
let underWay = [];

/** True while the load runs. */
let loaded = false;

/** The latest round-trip times, in milliseconds, in a ring. */
let samples = [];
let sampled = 0;

/** How many echoes came since the last update. */
let echoes = 0;
let updated = performance.now();

/**
 * Reads the slider, which is logarithmic.
 *
 * @return {number} how many messages to keep under way
 */
function depth() {
  return 2 ** inFlight.value;
}

/** Sends one message, filled with something that its echo is known by. */
function send() {
  const bytes = new Uint8Array(Number(element('size').value));

  crypto.getRandomValues(bytes.subarray(0, 16));
  underWay.push({ bytes, time: performance.now() });
  connection.send(bytes);
}

/** @return {boolean} whether something can be sent: not while it closes */
function isOpen() {
  return connection?.readyState === WebSocket.OPEN;
}

/** Sends until as many messages are under way as there should be. */
function fill() {
  while (isOpen() && underWay.length < depth()) send();
}

/**
 * Notes an echo; under load, sends the next message.
 *
 * @param {MessageEvent} event a message of the connection
 */
function receive({ data }) {
  const { bytes, time } = underWay.shift();
  const echo = new Uint8Array(data);

  if (echo.length !== bytes.length || echo.some((b, i) => b !== bytes[i])) {
    connection.close(4000, 'The echo differs from what was sent');
    return;
  }
  samples[sampled++ % SAMPLES] = performance.now() - time;
  echoes++;
  if (loaded) fill();
}

/** Shows the figures and adds them to the plots. */
function update() {
  const now = performance.now();
  const rate = (echoes * 1000) / (now - updated);
  const median = [...samples].sort((a, b) => a - b)[samples.length >> 1];
  const last = samples[(sampled - 1) % SAMPLES];

  if (samples.length > 0) {
    element('rtt').textContent = milliseconds.format(last);
    element('median').textContent = milliseconds.format(median);
  }
  element('rate').textContent = Math.round(rate).toLocaleString();
  rttPlot.add(median);
  ratePlot.add(rate);
  echoes = 0;
  updated = now;
}

/** Forgets the round trips, which were taken under other conditions. */
function forget() {
  samples = [];
  sampled = 0;
}

/**
 * Starts or stops the load.
 *
 * @param {boolean} on true to start it
 */
function setLoad(on) {
  loaded = on;
  load.setAttribute('aria-pressed', on);
  load.textContent = on ? 'Stop load' : 'Start load';
  forget();
  if (on) fill();
}

/** Shows what the slider stands at. */
function showDepth() {
  element('in-flight-value').textContent = depth();
  inFlight.setAttribute('aria-valuetext', depth());
}

load.addEventListener('click', () => setLoad(!loaded));
load.disabled = true;
inFlight.addEventListener('input', () => {
  showDepth();
  forget();
  if (loaded) fill();
});
element('size').addEventListener('change', forget);
showDepth();

setInterval(update, UPDATE_INTERVAL);
setInterval(() => {
  if (isOpen() && underWay.length === 0) send();
}, PROBE_INTERVAL);

keepConnected('/echo', status, (ws) => {
  connection = ws;
  load.disabled = false;
  ws.addEventListener('message', receive);
  ws.addEventListener('close', () => {
    connection = null;
    underWay = [];
    load.disabled = true;
    setLoad(false);
  });
});
