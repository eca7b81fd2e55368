/**
 * Keeps a connection to one of the server's endpoints: opens it, opens it again
 * when it is lost, and says so in the panel's status line.
 *
 * @param {string} path the endpoint's path
 * @param {HTMLElement} status the status line
 * @param {Function} opened called with each new WebSocket once it is open
 */
export function keepConnected(path, status, opened) {
  const ws = new WebSocket(`${location.origin.replace('http', 'ws')}${path}`);
  const show = (state, text) => {
    status.dataset.state = state;
    status.textContent = text;
  };

  ws.binaryType = 'arraybuffer';
  ws.addEventListener('open', () => {
    show('open', 'Connected');
    opened(ws);
  });
  ws.addEventListener('close', ({ code, reason }) => {
    show('closed', reason || `Disconnected (${code}), trying again …`);
    setTimeout(keepConnected, 1000, path, status, opened);
  });
}
