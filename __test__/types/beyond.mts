// What the module exports beyond @types/ws, and what it does not export.

import WebSocket, {
  extension,
  Receiver,
  Sender,
  subprotocol,
  Server,
  type FrameOptions,
  type ReceiverOptions,
  type SendOptions
} from 'ferrows';
// @ts-expect-error The extension is not part of the package's face.
import { PerMessageDeflate } from 'ferrows';

const options: ReceiverOptions = { isServer: true };
const frame: FrameOptions = { fin: true, opcode: 2 };
const send: SendOptions = { fin: false };

new WebSocket('ws://localhost').send('part', send);
export const receiver: WebSocket.Receiver = new Receiver(options);
export const chunks: Uint8Array[] = Sender.frame('text', frame);
export const names: Set<string> = subprotocol.parse('a');
export const header: string = extension.format({ a: [{}] });

// @ts-expect-error A type only, unlike WebSocketServer.
new Server({ port: 0 });
export { PerMessageDeflate };
