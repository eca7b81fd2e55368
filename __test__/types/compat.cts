// A program written against @types/ws. It compiles with those as well: see
// tsconfig.oracle.json.

import WebSocket = require('ferrows');
import { EventEmitter } from 'events';
import { createServer, IncomingMessage } from 'http';
import { createServer as createSecureServer } from 'https';
import { Duplex, DuplexOptions } from 'stream';

// Clients.
const options: WebSocket.ClientOptions = {
  perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { level: 3 } },
  headers: { Cookie: 'a=b' },
  handshakeTimeout: 1000,
  maxPayload: 1024,
  maxFragments: 10,
  maxBufferedChunks: 10,
  followRedirects: true,
  maxRedirects: 3,
  protocolVersion: 13,
  origin: 'http://localhost',
  protocol: 'ws:',
  host: 'localhost',
  family: 4,
  localAddress: '127.0.0.1',
  rejectUnauthorized: false,
  checkServerIdentity: (servername, cert) => servername === String(cert),
  ca: 'pem',
  cert: ['pem'],
  allowSynchronousEvents: false,
  autoPong: false,
  skipUTF8Validation: true,
  generateMask(mask) {
    mask.fill(0);
  },
  finishRequest(request, websocket) {
    request.setHeader('X', websocket.url);
    request.end();
  }
};

const ws: WebSocket = new WebSocket('ws://localhost', 'chat', options);
new WebSocket('ws://localhost');
new WebSocket('ws://localhost', options);
new WebSocket('ws://localhost', { timeout: 10, auth: 'a:b' });
new WebSocket('ws://localhost', undefined, { rejectUnauthorized: false });
new WebSocket(new URL('ws://localhost'), ['chat', 'superchat']);
new WebSocket.WebSocket('ws://localhost');
const emitter: EventEmitter = ws;
const headers: Record<string, string> = options.headers ?? {};

// Properties.
const ready: 0 | 1 | 2 | 3 = ws.readyState;
const open: 1 = WebSocket.OPEN;
const isOpen: boolean = ws.readyState === WebSocket.OPEN && ready === open;
if (ws.readyState !== ws.CONNECTING) ws.binaryType = 'fragments';
const kept: 'nodebuffer' | 'arraybuffer' | 'fragments' = ws.binaryType;
ws.binaryType = kept;
const texts: string[] = [ws.extensions, ws.protocol, ws.url];
const buffered: number = ws.bufferedAmount;
const paused: boolean = ws.isPaused || isOpen;
ws.onopen = null;
ws.onmessage = (event) => {
  if (typeof event.data === 'string') event.target.send(event.data.trim());
};
ws.onclose = ({ code, reason, wasClean, target, type }) => [
  code.toFixed(),
  reason.trim(),
  wasClean === true,
  target.url,
  type
];
ws.onerror = ({ error, message, type }) => [error.code, message.trim(), type];

// Sending.
const sent = (err?: Error): void => console.log(err?.message);
ws.send('text');
ws.send(5, sent);
ws.send(Buffer.alloc(1), { binary: true, fin: false, mask: true }, sent);
ws.send(new Uint8Array(1), { compress: undefined });
ws.send(new DataView(new ArrayBuffer(1)));
ws.send(new SharedArrayBuffer(1));
ws.send(new Blob([]));
ws.send([1, 2, 3] as const);
ws.send({ valueOf: () => 'text' });
ws.send({ valueOf: () => new Uint8Array(1) });
ws.send({ valueOf: () => [1, 2] });
ws.send({ [Symbol.toPrimitive]: (hint: string) => hint });
ws.ping();
ws.ping('data', true);
ws.ping(undefined, false, (err) => err.message);
ws.pong({}, undefined, (err: Error) => err.message);
ws.pause();
ws.resume();
ws.close();
ws.close(1000);
ws.close(4000, 'why');
ws.close(4000, Buffer.from('why'));
ws.terminate();

// Events.
ws.on('open', function () {
  this.send('this is the WebSocket');
})
  .on('message', (data, isBinary) => {
    const raw: WebSocket.RawData = data;
    if (Array.isArray(data)) Buffer.concat(data);
    else if (data instanceof ArrayBuffer) new Uint8Array(data);
    else data.toString('utf8');
    ws.send(data instanceof Array ? data[0] : data, { binary: isBinary });
    return raw;
  })
  .once('close', (code, reason) => [code.toFixed(), reason.toString('utf8')])
  .off('error', (err) => err.message)
  .addListener('upgrade', (response) => response.headers)
  .removeListener('ping', (data) => data.length)
  .on('redirect', (url, request) => request.setHeader('X', url))
  .once('unexpected-response', (request, response) => {
    request.destroy();
    response.resume();
  });
ws.on('message', (data: Buffer) => data.length);
ws.on('message', (data: string) => data.length);
ws.on('message', (data: WebSocket.Data) => data.toString());
ws.on('of my own', (first, second) => [first, second]);
ws.once(Symbol('mine'), () => {});
for (const name of ['ping', 'pong'] as const) ws.on(name, (d) => d.length);
ws.addEventListener('message', ({ data, target }) => target.send(data as any));
ws.addEventListener('close', { handleEvent: (event) => event.code.toFixed() });
ws.addEventListener('error', (event: WebSocket.ErrorEvent) => event.message, {
  once: true
});
ws.removeEventListener('open', (event: WebSocket.Event) => event.type);
type Name = keyof WebSocket.WebSocketEventMap;
const listen = (name: Name, once: WebSocket.EventListenerOptions) =>
  ws.addEventListener(name, () => {}, once);
const events: [WebSocket.CloseEvent?, WebSocket.MessageEvent?] = [];

// Servers.
class Connection extends WebSocket {
  user = '';
  override on(event: string | symbol, listener: (...args: any[]) => void) {
    return super.on(event, listener);
  }
  override close(code?: number, data?: string | Buffer): void {
    super.close(code, data);
  }
}
class Custom extends WebSocket {
  constructor(
    address: string | URL | null,
    protocols?: any,
    options?: WebSocket.ClientOptions
  ) {
    super(address as string, protocols, options);
  }
}
class Request extends IncomingMessage {
  session = '';
}
const serverOptions: WebSocket.ServerOptions<typeof Connection> = {
  host: '127.0.0.1',
  port: 0,
  backlog: 10,
  path: '/chat',
  clientTracking: true,
  perMessageDeflate: false,
  WebSocket: Connection,
  handleProtocols: (protocols, request) =>
    protocols.has('chat') && request.url ? 'chat' : false,
  verifyClient: (info: { origin: string; secure: boolean }) => info.secure
};
const port: number | undefined = serverOptions.port;
const wss = new WebSocket.Server(serverOptions, () => {});
for (const client of wss.clients) client.user.trim();
const verify: WebSocket.VerifyClientCallbackAsync = (info, callback) => {
  callback(info.secure, 403, 'No', { 'X-Why': ['because'] });
};
const verifySync: WebSocket.VerifyClientCallbackSync<Request> = ({
  origin,
  secure,
  req
}) => origin !== '' && secure && req.session !== '';
const http = createServer({ IncomingMessage: Request });
const typed = new WebSocket.WebSocketServer<typeof Connection, typeof Request>({
  server: http,
  verifyClient: verifySync
});
const plain: WebSocket.Server = new WebSocket.Server({
  server: createSecureServer(),
  verifyClient: verify
});
const named: WebSocket.WebSocketServer = new WebSocket.WebSocketServer({
  noServer: true,
  verifyClient: (info, done) => done(info.secure)
});
typed.on('connection', (client, request) => [client.user, request.session]);
wss
  .on('connection', function (client, request) {
    this.clients.has(client);
    client.send(request.url ?? '');
  })
  .once('listening', () => {})
  .on('error', (err) => err.message)
  .on('headers', (lines, request) => lines.push(`X: ${request.url}`))
  .on('wsClientError', (err, socket, request) => {
    socket.end(err.message + request.url);
  })
  .off('close', () => {})
  .addListener('connection', (client) => client.user)
  .removeListener('connection', (client) => client.user)
  .on('of my own', (first) => first);
http.on('upgrade', (request, socket, head) => {
  if (named.shouldHandle(request)) {
    named.handleUpgrade(request, socket, head, (client, req) => {
      named.emit('connection', client, req);
    });
  }
});
const address: WebSocket.AddressInfo | string | null = wss.address();
const path: string = plain.path + (wss.options.path ?? '');
class Guarded extends WebSocket.Server {
  override async shouldHandle(request: IncomingMessage): Promise<boolean> {
    return request.url === '/';
  }
}
new Guarded({ noServer: true }).close((err) => err?.message);
new WebSocket.Server({ noServer: true, WebSocket: Custom }).close();
wss.close();

// Streams.
const streamOptions: DuplexOptions = { encoding: 'utf8' };
const duplex: Duplex = WebSocket.createWebSocketStream(ws, streamOptions);
WebSocket.createWebSocketStream(ws).pipe(duplex);

const callback: WebSocket.FinishRequestCallback = (request) => request.end();
const cert: WebSocket.CertMeta = [Buffer.alloc(1)];
const deflate: WebSocket.PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 10,
  clientMaxWindowBits: 10,
  threshold: undefined,
  zlibDeflateOptions: {
    level: 9,
    memLevel: 7,
    strategy: 0,
    windowBits: 15,
    flush: 2,
    finishFlush: 4,
    info: false,
    dictionary: [Buffer.alloc(1)]
  },
  zlibInflateOptions: { chunkSize: 1024 },
  concurrencyLimit: 5
};
new WebSocket('ws://localhost', { perMessageDeflate: deflate });
new WebSocket.Server({ port: 0, perMessageDeflate: deflate }).close();
new WebSocket.Server({ port: 0, perMessageDeflate: true }).close();
ws.send('text', { compress: false });

export = {
  address,
  buffered,
  callback,
  cert,
  deflate,
  emitter,
  events,
  headers,
  listen,
  path,
  paused,
  port,
  texts
};
