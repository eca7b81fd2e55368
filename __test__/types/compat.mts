// A module written against @types/ws. It compiles with those as well: see
// tsconfig.oracle.json.

import WebSocket, {
  createWebSocketStream,
  WebSocket as Named,
  WebSocketServer,
  type AddressInfo,
  type CertMeta,
  type ClientOptions,
  type CloseEvent,
  type Data,
  type ErrorEvent,
  type Event,
  type EventListenerOptions,
  type FinishRequestCallback,
  type MessageEvent,
  type PerMessageDeflateOptions,
  type RawData,
  type Server,
  type ServerOptions,
  type VerifyClientCallbackAsync,
  type VerifyClientCallbackSync
} from 'ferrows';
import type { Duplex } from 'node:stream';

export type All = [
  AddressInfo,
  CertMeta,
  CloseEvent,
  Data,
  ErrorEvent,
  Event,
  EventListenerOptions,
  FinishRequestCallback,
  MessageEvent,
  PerMessageDeflateOptions,
  ServerOptions<typeof WebSocket>,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  WebSocket.RawData
];

const options: ClientOptions = { autoPong: false };
const ws: WebSocket = new Named('ws://localhost', options);
export const stream: Duplex = createWebSocketStream(ws);

class Connection extends WebSocket {
  user = '';
}

const server = new WebSocketServer({ port: 0, WebSocket: Connection });
server.on('connection', (client, request) => {
  client.user = request.url ?? '';
  client.on('message', (data: RawData, isBinary: boolean) => {
    for (const other of server.clients) {
      if (other !== client && other.readyState === WebSocket.OPEN) {
        other.send(data as Buffer, { binary: isBinary });
      }
    }
  });
});
export const plain: Server = new WebSocketServer({ noServer: true });
export const named: WebSocketServer = plain;
