import WebSocket, {
  createWebSocketStream,
  WebSocketServer,
  type RawData
} from 'NAME';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });

server.on('connection', (client: WebSocket, request) => {
  const path: string | undefined = request.url;

  client.on('message', (data: RawData, isBinary: boolean) => {
    client.send(data, { binary: isBinary });
  });
  client.send(path ?? '');
});

const ws = new WebSocket('ws://127.0.0.1:1', { perMessageDeflate: false });

ws.on('open', () => createWebSocketStream(ws).end('hello'));

// @ts-expect-error the types are not `any`
export const wrong: number = ws.readyState.toFixed();
