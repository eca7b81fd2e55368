// A chat server in TypeScript: connections of a class of its own, and messages
// of which the compiler knows what they can be.
//
// PORT (default 8080) says where it listens. A client sends JSON: first
// {"type":"join","name":"ann"}, then {"type":"say","text":"hello"}.

import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer, type RawData } from 'ferrows';

/** What a client sends. */
type Request = { type: 'join'; name: string } | { type: 'say'; text: string };

/** A client of the chat. */
class Member extends WebSocket {
  /** The client's name, once it has joined. */
  name?: string;

  /** Sends an object as JSON. */
  sendJson(message: object): void {
    this.send(JSON.stringify(message));
  }
}

/** Reads a message, or throws if it makes no sense. */
function parse(data: RawData): Request {
  const { type, name, text } = Object(JSON.parse(data.toString()));

  if (type === 'join' && typeof name === 'string') return { type, name };
  if (type === 'say' && typeof text === 'string') return { type, text };
  throw new TypeError('neither join nor say');
}

// Its connections are Members, for the compiler as well.
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env['PORT'] ?? 8080),
  WebSocket: Member
});

/** Does what a client asks for. */
function handle(member: Member, request: Request): void {
  switch (request.type) {
    case 'join':
      member.name = request.name;
      member.sendJson({ type: 'welcome', name: request.name });
      break;
    case 'say':
      for (const other of server.clients) {
        if (other.readyState !== WebSocket.OPEN) continue;
        other.sendJson({ from: member.name ?? 'somebody', text: request.text });
      }
  }
}

server.on('connection', (member) => {
  member.on('error', console.error);
  member.on('message', (data) => {
    try {
      handle(member, parse(data));
    } catch (err) {
      console.log(`not understood: ${err}`);
      // The data is not what it should be: RFC 6455, section 7.4.1.
      member.close(1007);
    }
  });
});

server.on('listening', () => {
  // A string only for Unix sockets.
  const { port } = server.address() as AddressInfo;

  console.log(`listening on ws://127.0.0.1:${port}`);
});
