// What exists beyond @types/ws, and what the types refuse.

import WebSocket = require('ferrows');
import { Duplex } from 'stream';

const ws = new WebSocket('ws://localhost', {
  closeTimeout: 1000,
  maxPendingAutoPongs: 5,
  protocols: ['chat'],
  auth: 'user:password',
  servername: ''
});

ws.binaryType = 'blob';
const asBlob: boolean = (ws.binaryType as string) === 'blob';
ws.close(4000, new Uint8Array(3));
ws.ping((err: Error) => err);
ws.pong('data', (err) => err.message);

// A connection over any Duplex.
declare const duplex: Duplex;
const bare = new WebSocket(null, undefined, { isServer: false });
bare.setSocket(duplex, Buffer.alloc(0), { maxPayload: 0, maxFragments: 3 });

// The codec.
const receiver = new WebSocket.Receiver({ isServer: true, maxPayload: 100 });
receiver
  .on('message', (data, isBinary) => [data, isBinary === true])
  .on('conclude', (code, reason) => [code.toFixed(), reason.toString('utf8')])
  .on('error', (err) => err)
  .write(Buffer.from([0x81, 0x80, 1, 2, 3, 4]));
const list = WebSocket.Sender.frame(Buffer.from('x'), {
  fin: true,
  opcode: 1,
  mask: false,
  rsv1: false,
  readOnly: false
});
const sender = new WebSocket.Sender(duplex, {}, (mask) => mask.fill(0));
sender.sendFrame(list, (err) => err?.message);
sender.send('text', { binary: false, fin: true, mask: true });
sender.ping('', false);
sender.close(1000, 'bye', true);

// Headers.
const offers = WebSocket.extension.parse('x; a=1; b');
const value: string | true = offers.x[0].a[0];
const header: string = WebSocket.extension.format({ x: { a: [1], b: true } });
const names: Set<string> = WebSocket.subprotocol.parse('a, b');

// Compression.
const clientWindows: Array<WebSocket.ClientOptions> = [
  { perMessageDeflate: { clientMaxWindowBits: true } },
  { perMessageDeflate: { clientMaxWindowBits: false } },
  {
    perMessageDeflate: { zlibInflateOptions: { dictionary: new Uint8Array(1) } }
  }
];
new WebSocket.Server({
  port: 0,
  perMessageDeflate: { serverMaxWindowBits: false, clientMaxWindowBits: 9 }
});
const { PerMessageDeflate } = WebSocket;
const deflate = new PerMessageDeflate({ isServer: true, maxPayload: 100 });
const extensionName: 'permessage-deflate' = PerMessageDeflate.extensionName;
const answer = WebSocket.extension.format({
  [extensionName]: deflate.accept(
    WebSocket.extension.parse(
      WebSocket.extension.format({
        [extensionName]: new PerMessageDeflate().offer()
      })
    )[extensionName]
  )
});
const agreed: number | true | undefined =
  deflate.params?.client_max_window_bits ??
  deflate.params?.server_no_context_takeover;
deflate.compress('text', true, (err, data) => {
  if (err) throw err;
  deflate.decompress(data, true, (error, bytes) => [
    error?.stack,
    bytes.length
  ]);
});
deflate.cleanup();
new WebSocket.Receiver({ extensions: { [extensionName]: deflate } });
new WebSocket.Sender(duplex, { [extensionName]: deflate });

// A server's overridable steps.
class Server extends WebSocket.WebSocketServer {
  override completeUpgrade(
    ...args: Parameters<WebSocket.Server['completeUpgrade']>
  ): void {
    args[2].clear();
    super.completeUpgrade(...args);
  }
}
const server: WebSocket.WebSocketServer<typeof WebSocket> = new Server({
  port: 0,
  closeTimeout: 100
});

// @ts-expect-error The class is no function.
WebSocket('ws://localhost');
// @ts-expect-error A URL is needed.
new WebSocket();
// @ts-expect-error A subprotocol is a string.
new WebSocket('ws://localhost', [1]);
// @ts-expect-error There is no such option.
new WebSocket('ws://localhost', { maxPayloads: 1 });
// @ts-expect-error A WebSocket without connection needs options.
new WebSocket(null, undefined);
// @ts-expect-error There is no such type.
ws.binaryType = 'text';
// @ts-expect-error The state cannot be set.
ws.readyState = 1;
// @ts-expect-error There is nothing to send.
ws.send();
// @ts-expect-error No bytes can be made of true.
ws.send(true);
// @ts-expect-error No bytes can be made of a plain object.
ws.send({ plain: 'object' });
// @ts-expect-error A code is a number.
ws.close('1000');
// @ts-expect-error There is no such event for it.
ws.addEventListener('ping', () => {});
// @ts-expect-error The data is no number.
ws.onmessage = (event: { data: number }) => event;
ws.on('close', (code, reason) => {
  // @ts-expect-error A reason is a Buffer.
  reason.trim();
  // @ts-expect-error A code is a number.
  code.trim();
});
// @ts-expect-error A port is a number.
new WebSocket.Server({ port: '80' });
// @ts-expect-error The WebSocket option is a class of WebSockets.
new WebSocket.Server({ port: 0, WebSocket: Duplex });
// @ts-expect-error An opcode is needed.
WebSocket.Sender.frame(Buffer.alloc(0), { fin: true });
// @ts-expect-error A window of any size cannot be imposed.
new WebSocket.Server({ perMessageDeflate: { serverMaxWindowBits: true } });
// @ts-expect-error There is no such option.
new WebSocket('ws://localhost', { perMessageDeflate: { level: 1 } });
// @ts-expect-error The side is not for a connection to choose.
new WebSocket('ws://localhost', { perMessageDeflate: { isServer: true } });
// @ts-expect-error Nothing is agreed on before `accept()`.
deflate.params.server_max_window_bits;
// @ts-expect-error A callback is needed.
deflate.compress('text', true);

const native: WebSocket.ClientOptions = { transport: 'tokio', ioThreads: 2 };
const { transport } = new WebSocket('ws://localhost', native);
const name: WebSocket.TransportName | null = transport;
void name;
// @ts-expect-error No such transport.
new WebSocket('ws://localhost', { transport: 'udp' });

export = { agreed, answer, clientWindows, header, names, server, value };
