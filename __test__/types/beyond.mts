// What the module exports beyond @types/ws, and what it does not export.

import WebSocket, {
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  Server,
  type FrameOptions,
  type PerMessageDeflateClassOptions,
  type PerMessageDeflateParams,
  type ReceiverOptions,
  type SendOptions
} from 'ferrows';

const options: ReceiverOptions = { isServer: true };
const frame: FrameOptions = { fin: true, opcode: 2 };
const send: SendOptions = { fin: false };

new WebSocket('ws://localhost').send('part', send);
export const receiver: WebSocket.Receiver = new Receiver(options);
export const chunks: Uint8Array[] = Sender.frame('text', frame);
export const names: Set<string> = subprotocol.parse('a');
export const header: string = extension.format({ a: [{}] });
const side: PerMessageDeflateClassOptions = { isServer: true, threshold: 0 };
export const deflate: PerMessageDeflate = new PerMessageDeflate(side);
export const params: PerMessageDeflateParams | null = deflate.params;

// @ts-expect-error A type only, unlike WebSocketServer.
new Server({ port: 0 });

const native: WebSocket.ClientOptions = { transport: 'tokio', ioThreads: 2 };
const { transport } = new WebSocket('ws://localhost', native);
export const name: WebSocket.TransportName | null = transport;
// @ts-expect-error No such transport.
new WebSocket('ws://localhost', { transport: 'udp' });
