/// <reference types="node" />

import { EventEmitter } from 'events';
import {
  Agent,
  ClientRequest,
  ClientRequestArgs,
  IncomingMessage,
  OutgoingHttpHeaders,
  Server as HTTPServer
} from 'http';
import { Server as HTTPSServer } from 'https';
import { createConnection, LookupFunction } from 'net';
import { Duplex, DuplexOptions, Writable } from 'stream';
import { SecureContextOptions } from 'tls';
import { URL } from 'url';
import { ZlibOptions } from 'zlib';

/** Whatever `send()` can make bytes of: see `Buffer.from()`. */
type Sendable =
  | string
  | number
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  | readonly any[]
  | { valueOf(): string | ArrayBuffer | SharedArrayBuffer }
  | { valueOf(): Uint8Array | readonly number[] }
  | { [Symbol.toPrimitive](hint: string): string };

/** The events of a WebSocket, with what their listeners are given. */
interface WebSocketEvents {
  close: [code: number, reason: Buffer];
  error: [error: Error];
  message: [data: WebSocket.RawData, isBinary: boolean];
  open: [];
  ping: [data: Buffer];
  pong: [data: Buffer];
  redirect: [url: string, request: ClientRequest];
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
  upgrade: [response: IncomingMessage];
}

/** The events of a server, with what their listeners are given. */
interface ServerEvents<Socket, Request> {
  close: [];
  connection: [websocket: Socket, request: Request];
  error: [error: Error];
  headers: [headers: string[], request: Request];
  listening: [];
  wsClientError: [error: Error, socket: Duplex, request: Request];
}

/** The events of a receiver, with what their listeners are given. */
interface ReceiverEvents {
  conclude: [code: number, reason: Buffer];
  message: [data: WebSocket.RawData, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
}

/** A listener in the manner of the browser. */
type EventListener<K extends keyof WebSocket.WebSocketEventMap> =
  | ((event: WebSocket.WebSocketEventMap[K]) => void)
  | { handleEvent(event: WebSocket.WebSocketEventMap[K]): void };

/**
 * One WebSocket connection, of either side.
 *
 * Events: `open`; `message` (data, isBinary); `ping` and `pong` (data); `error`
 * (error), at most once and always followed by `close`; `close` (code, reason),
 * once and last. On a client also `upgrade` (response), `redirect` (url,
 * request) and `unexpected-response` (request, response). As with every
 * EventEmitter, an `error` that nobody listens to is thrown.
 */
declare class WebSocket extends EventEmitter {
  /** The value of `readyState` until the handshake is done. */
  static readonly CONNECTING: 0;
  /** The value of `readyState` while messages can be sent. */
  static readonly OPEN: 1;
  /** The value of `readyState` once the end of the connection has begun. */
  static readonly CLOSING: 2;
  /** The value of `readyState` when the connection is gone. */
  static readonly CLOSED: 3;

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  /**
   * What the data of a binary message is: a `Buffer` (`nodebuffer`, the
   * default), an `ArrayBuffer`, the list of its fragments' Buffers, or a
   * `Blob`. A change takes effect at once; other values are ignored. Programs
   * written for `@types/ws` know three values, so that is what its type is when
   * it is read; it is a `string` to those who compare it with `blob`.
   */
  get binaryType(): 'nodebuffer' | 'arraybuffer' | 'fragments';
  set binaryType(type: 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob');

  /** Bytes given to `send()` and the like that the system did not take yet. */
  readonly bufferedAmount: number;

  /**
   * The names of the extensions agreed on, joined with commas:
   * `permessage-deflate`, or `''`.
   */
  readonly extensions: string;

  /** Whether `pause()` was called, and `resume()` was not since. */
  readonly isPaused: boolean;

  /** The subprotocol agreed on, or `''`. */
  readonly protocol: string;

  /**
   * What reads and writes the socket at the moment, for diagnostics; null before
   * there is one. A connection begins, and ends, with `stream`. Beyond ws.
   */
  readonly transport: WebSocket.TransportName | null;

  /** `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  readonly readyState: 0 | 1 | 2 | 3;

  /**
   * The URL of a client, with the scheme `ws:`, `wss:` or `ws+unix:`; changes
   * with redirects. `undefined` on the side of the server.
   */
  readonly url: string;

  /** A listener for `open`, one in addition to others; `null` for none. */
  onopen: ((event: WebSocket.Event) => void) | null;
  /** A listener for `error`, one in addition to others; `null` for none. */
  onerror: ((event: WebSocket.ErrorEvent) => void) | null;
  /** A listener for `close`, one in addition to others; `null` for none. */
  onclose: ((event: WebSocket.CloseEvent) => void) | null;
  /** A listener for `message`, one in addition to others; `null` for none. */
  onmessage: ((event: WebSocket.MessageEvent) => void) | null;

  /**
   * Makes a WebSocket without a connection: one that `setSocket()` is to give a
   * socket to.
   *
   * @throws {TypeError} if there are no options
   */
  constructor(
    address: null,
    protocols: undefined,
    options: WebSocket.SocketlessOptions
  );
  /** @deprecated Options are required, the call as declared here throws. */
  constructor(address: null);
  /**
   * Connects to a server.
   *
   * @param address a URL with the scheme `ws:`, `wss:`, `http:`, `https:` or
   *     `ws+unix:` (`ws+unix:/path/of/socket:/path/of/request`)
   * @throws {SyntaxError} if the URL or a subprotocol is not valid
   * @throws {RangeError} if `protocolVersion` is not 8 or 13
   */
  constructor(
    address: string | URL,
    options?: WebSocket.ClientOptions | ClientRequestArgs
  );
  /**
   * Connects to a server.
   *
   * @param address a URL with the scheme `ws:`, `wss:`, `http:`, `https:` or
   *     `ws+unix:` (`ws+unix:/path/of/socket:/path/of/request`)
   * @param protocols the subprotocols to ask for
   * @throws {SyntaxError} if the URL or a subprotocol is not valid
   * @throws {RangeError} if `protocolVersion` is not 8 or 13
   */
  constructor(
    address: string | URL,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions | ClientRequestArgs
  );

  /**
   * Starts the closing handshake (RFC 6455, section 7). Before the connection
   * is open it is given up, with an `error`; afterwards the call does nothing.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999; none by default
   * @param data the reason, at most 123 bytes; ignored without a code
   * @throws {TypeError} if the code may not be sent, or the reason is neither a
   *     string nor a Uint8Array
   * @throws {RangeError} if the reason is too long
   */
  close(code?: number, data?: string | Uint8Array): void;

  /** Destroys the connection without a closing handshake. */
  terminate(): void;

  /**
   * Stops the flow of events, and reading from the socket. What was decoded
   * already may still come. Does nothing while connecting or when closed.
   */
  pause(): void;

  /** Lets events flow again. Does nothing while connecting or when closed. */
  resume(): void;

  /**
   * Sends a message. When the connection is closing or closed, nothing is sent
   * and the callback is given an error.
   *
   * @param data a number is sent as text, as a string is; the rest as binary
   * @param cb called when the system took the message, or with an error
   * @throws {Error} while the connection is not open yet
   * @throws {TypeError} if no bytes can be made of the data
   * @throws {RangeError|TypeError} what Node throws for `zlibDeflateOptions`
   */
  send(data: Sendable, cb?: (err?: Error) => void): void;
  /**
   * Sends a message, or a fragment of one. When the connection is closing or
   * closed, nothing is sent and the callback is given an error.
   *
   * @param data a number is sent as text, as a string is; the rest as binary
   * @param options what kind of frame it is
   * @param cb called when the system took the message, or with an error
   * @throws {Error} while the connection is not open yet
   * @throws {TypeError} if no bytes can be made of the data
   * @throws {RangeError|TypeError} what Node throws for `zlibDeflateOptions`
   */
  send(
    data: Sendable,
    options: WebSocket.SendOptions,
    cb?: (err?: Error) => void
  ): void;

  /**
   * Sends a ping. When the connection is closing or closed, nothing is sent and
   * the callback is given an error.
   *
   * @param data at most 125 bytes, of the kinds that `send()` takes
   * @param mask whether to mask it; true on a client, false on a server
   * @param cb called when the system took it; with an error if it could not
   * @throws {Error} while the connection is not open yet
   * @throws {RangeError} if the data is too long
   * @throws {TypeError} if no bytes can be made of the data
   */
  ping(data: any, cb: (err: Error) => void): void;
  ping(data?: any, mask?: boolean, cb?: (err: Error) => void): void;

  /**
   * Sends a pong that nobody asked for; see `ping()`. Pings are answered
   * without it, unless the option `autoPong` is false.
   *
   * @param data at most 125 bytes, of the kinds that `send()` takes
   * @param mask whether to mask it; true on a client, false on a server
   * @param cb called when the system took it; with an error if it could not
   * @throws {Error} while the connection is not open yet
   * @throws {RangeError} if the data is too long
   * @throws {TypeError} if no bytes can be made of the data
   */
  pong(data: any, cb: (err: Error) => void): void;
  pong(data?: any, mask?: boolean, cb?: (err: Error) => void): void;

  /**
   * Gives an established connection to a WebSocket that was made with the
   * address `null`. Emits `open` before it returns.
   *
   * @param socket the connection; any Duplex
   * @param head bytes that were read from it already
   * @param options how to receive and send
   */
  setSocket(
    socket: Duplex,
    head: Buffer,
    options: WebSocket.SetSocketOptions
  ): void;

  /**
   * Adds a listener in the manner of the browser; the same one only once for a
   * type.
   */
  addEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: EventListener<K>,
    options?: WebSocket.EventListenerOptions
  ): void;

  /** Removes a listener that was added with `addEventListener()`. */
  removeEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: EventListener<K>
  ): void;

  on<E extends keyof WebSocketEvents>(
    event: E,
    listener: (this: WebSocket, ...args: WebSocketEvents[E]) => void
  ): this;
  on(
    event: string | symbol,
    listener: (this: WebSocket, ...args: any[]) => void
  ): this;

  once<E extends keyof WebSocketEvents>(
    event: E,
    listener: (this: WebSocket, ...args: WebSocketEvents[E]) => void
  ): this;
  once(
    event: string | symbol,
    listener: (this: WebSocket, ...args: any[]) => void
  ): this;

  off<E extends keyof WebSocketEvents>(
    event: E,
    listener: (this: WebSocket, ...args: WebSocketEvents[E]) => void
  ): this;
  off(
    event: string | symbol,
    listener: (this: WebSocket, ...args: any[]) => void
  ): this;

  addListener<E extends keyof WebSocketEvents>(
    event: E,
    listener: (...args: WebSocketEvents[E]) => void
  ): this;
  addListener(event: string | symbol, listener: (...args: any[]) => void): this;

  removeListener<E extends keyof WebSocketEvents>(
    event: E,
    listener: (...args: WebSocketEvents[E]) => void
  ): this;
  removeListener(
    event: string | symbol,
    listener: (...args: any[]) => void
  ): this;
}

// Inside the namespace the name WebSocket means its member of that name.
import WebSocketClass = WebSocket;

declare namespace WebSocket {
  export import WebSocket = WebSocketClass;

  /**
   * The data of a `message` event: a Buffer if it is text, else what
   * `binaryType` says. (With `blob` it is a Blob, which needs a cast.)
   */
  type RawData = Buffer | ArrayBuffer | Buffer[];

  /** The data of a MessageEvent: a string if it is text, else as `RawData`. */
  type Data = string | Buffer | ArrayBuffer | Buffer[];

  /** A certificate or a key. */
  type CertMeta = string | string[] | Buffer | Buffer[];

  /** What a server's `verifyClient` is told about a handshake. */
  interface VerifyClientInfo<Request extends IncomingMessage> {
    /** The header `Origin` (`Sec-WebSocket-Origin` of version 8). */
    origin: string;
    /** Whether the connection is encrypted. */
    secure: boolean;
    /** The request. */
    req: Request;
  }

  /** Decides about a handshake: one that is refused is answered with a 401. */
  type VerifyClientCallbackSync<
    Request extends IncomingMessage = IncomingMessage
  > = (info: VerifyClientInfo<Request>) => boolean;

  /**
   * Decides about a handshake and calls back, now or later. The answer to one
   * that is refused has the given status code (401 by default), body and
   * additional headers.
   */
  type VerifyClientCallbackAsync<
    Request extends IncomingMessage = IncomingMessage
  > = (
    info: VerifyClientInfo<Request>,
    callback: (
      res: boolean,
      code?: number,
      message?: string,
      headers?: OutgoingHttpHeaders
    ) => void
  ) => void;

  /**
   * Completes a client's request. It has to call `request.end()`. Called for
   * each request, also for those that follow redirects.
   */
  type FinishRequestCallback = (
    request: ClientRequest,
    websocket: WebSocketClass
  ) => void;

  /** How a connection receives. */
  interface ReceivingOptions {
    /**
     * Whether more than one `message`, `ping` or `pong` may be emitted in a
     * tick. Default: true.
     */
    allowSynchronousEvents?: boolean | undefined;
    /**
     * How many bytes a message may have before the connection is closed with
     * 1009; 0 is no limit. Default: 104857600 (100 MiB).
     */
    maxPayload?: number | undefined;
    /**
     * How many chunks may wait for the rest of a frame before the connection is
     * closed with 1008; 0 is no limit. Default: 262144.
     */
    maxBufferedChunks?: number | undefined;
    /**
     * How many fragments a message may have before the connection is closed
     * with 1008; 0 is no limit. Default: 16384.
     */
    maxFragments?: number | undefined;
    /** Whether text and close reasons may be bad UTF-8. Default: false. */
    skipUTF8Validation?: boolean | undefined;
  }

  /**
   * What reads and writes the sockets of connections: Node (`stream`), the
   * addon on the JavaScript thread (`loop`), or threads of the addon (`tokio`).
   */
  type TransportName = 'stream' | 'loop' | 'tokio';

  /**
   * What is to read and write the sockets of connections. Where that is not
   * possible (TLS, streams that are no sockets of Node's, Windows, other
   * runtimes, `allowSynchronousEvents: false`, a socket that somebody else
   * reads) it is Node.
   */
  interface TransportOptions {
    /**
     * `auto` begins with `loop`, and moves connections with much to carry to
     * `tokio` and back when the JavaScript thread has no time left. The
     * environment variable `FERROWS_TRANSPORT` takes precedence. Default:
     * `auto`. Beyond ws.
     *
     * @throws {TypeError} for another value
     */
    transport?: TransportName | 'auto' | undefined;
    /**
     * How many threads `tokio` has, from 1 to 1024, in the whole process: the
     * first connection that goes there decides. The environment variable
     * `FERROWS_IO_THREADS` takes precedence. Default: one less than there are
     * processors, from 1 to 8. Beyond ws.
     *
     * @throws {RangeError} for another value
     */
    ioThreads?: number | undefined;
  }

  /** How a connection treats pings, and its end. */
  interface ConnectionOptions {
    /** Whether pings are answered. Default: true. */
    autoPong?: boolean | undefined;
    /**
     * How many automatic pongs may wait to be written before the connection is
     * terminated; 0 is no limit. Default: 60.
     */
    maxPendingAutoPongs?: number | undefined;
    /**
     * How long the closing handshake may take before the socket is destroyed,
     * in milliseconds. Default: 30000.
     */
    closeTimeout?: number | undefined;
  }

  /** Options of a WebSocket that is made without a connection. */
  interface SocketlessOptions extends ConnectionOptions {
    /** Others are ignored here. */
    [option: string]: unknown;
  }

  /**
   * Options of `setSocket()`. The three limits have no default here: left out,
   * there is no limit.
   */
  interface SetSocketOptions extends ReceivingOptions, TransportOptions {
    /** Fills the four bytes of the mask of the next frame. */
    generateMask?: ((mask: Buffer) => void) | undefined;
  }

  /**
   * Options of a client. Those of `http.request()` and `https.request()` may be
   * given too, except for what the URL says.
   */
  interface ClientOptions
    extends
      SecureContextOptions,
      ReceivingOptions,
      ConnectionOptions,
      TransportOptions {
    /** Ignored: the URL says it. */
    protocol?: string | undefined;
    /** Ignored: the URL says it. */
    host?: string | undefined;
    /** Subprotocols, if the second argument does not name any. */
    protocols?: string | string[] | undefined;
    /** Whether redirects are followed. Default: false. */
    followRedirects?: boolean | undefined;
    /** How many redirects are followed. Default: 10. */
    maxRedirects?: number | undefined;
    /**
     * Fills the four bytes of the mask of the next frame. Default: random
     * bytes of a cryptographic source.
     */
    generateMask?(mask: Buffer): void;
    /**
     * How long the opening handshake may take, in milliseconds; starts anew at
     * each redirect. Default: no limit.
     */
    handshakeTimeout?: number | undefined;
    /**
     * Whether to offer the extension permessage-deflate, and with what: true is
     * an offer without options. Default: true.
     */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** The version of the protocol, 8 or 13. Default: 13. */
    protocolVersion?: number | undefined;
    /** The header `Origin` (`Sec-WebSocket-Origin` of version 8). */
    origin?: string | undefined;
    /** Headers of the request. */
    headers?: { [key: string]: string } | undefined;
    /** User and password for basic authentication, `user:password`. */
    auth?: string | undefined;
    /** The agent that makes the connection. Default: a new connection. */
    agent?: Agent | undefined;
    /** The port of a URL without one. Default: 80, or 443 with TLS. */
    defaultPort?: number | undefined;
    /** The local address to connect from. */
    localAddress?: string | undefined;
    /** The family of the server's address: 4, 6, or 0 for either. */
    family?: number | undefined;
    /** Resolves the server's name. Default: `dns.lookup()`. */
    lookup?: LookupFunction | undefined;
    /** The name for SNI. Default: the host; none for an IP address. */
    servername?: string | undefined;
    /** See `tls.connect()`. */
    checkServerIdentity?(
      servername: string,
      cert: any
    ): boolean | Error | undefined;
    /** Whether the server's certificate has to be valid. Default: true. */
    rejectUnauthorized?: boolean | undefined;
    /** Makes the connection. Default: that of `net`, or `tls`. */
    createConnection?: typeof createConnection | undefined;
    /** Called instead of `request.end()`. */
    finishRequest?: FinishRequestCallback | undefined;
  }

  /**
   * Options of the extension permessage-deflate (RFC 7692), for a client and
   * for a server.
   */
  interface PerMessageDeflateOptions {
    /**
     * Whether the server forgets each message before it compresses the next one
     * (section 7.1.1.1): messages become larger, and no memory is held between
     * them. A client asks for it with true. A server imposes it with true, and
     * with false refuses offers that ask for it. Default: as the client asks.
     */
    serverNoContextTakeover?: boolean | undefined;
    /**
     * Whether the client forgets each message before it compresses the next one
     * (section 7.1.1.2). A client announces it with true, and with false fails
     * if the server demands it. A server demands it with true. Default: as the
     * client announces, or the server demands.
     */
    clientNoContextTakeover?: boolean | undefined;
    /**
     * How far back the server's messages may refer (section 7.1.2.1), as the
     * base-2 logarithm of bytes, 8 to 15. A client asks for it. A server imposes
     * it and refuses offers that ask for less; with false it refuses all offers
     * that ask for something. Default: as the client asks, else 15.
     */
    serverMaxWindowBits?: number | false | undefined;
    /**
     * How far back the client's messages may refer (section 7.1.2.2), as the
     * base-2 logarithm of bytes, 8 to 15. A client announces it, or with true
     * only that it can be told; it fails if the server chooses more. A server
     * imposes it, and refuses offers that announce less or nothing. With false a
     * client fails if the server chooses something, and a server never does.
     * Default: true.
     */
    clientMaxWindowBits?: number | boolean | undefined;
    /**
     * How to compress: `level`, `memLevel`, `strategy` and `dictionary` of
     * `zlib.createDeflateRaw()` count. What Node refuses is thrown by `send()`.
     * Default: level 6, memLevel 8, strategy 0, no dictionary.
     */
    zlibDeflateOptions?:
      | (Omit<ZlibOptions, 'dictionary'> & {
          dictionary?: ZlibOptions['dictionary'] | Buffer[];
        })
      | undefined;
    /**
     * How to inflate: the `dictionary` of `zlib.createInflateRaw()` counts. What
     * Node refuses is the `error` of a connection that receives a compressed
     * message. Default: no dictionary.
     */
    zlibInflateOptions?: ZlibOptions | undefined;
    /**
     * From how many bytes on messages are compressed, if this side has no
     * context takeover; with it all are. The first fragment decides about its
     * message. Default: 1024.
     */
    threshold?: number | undefined;
    /**
     * How many batches of messages may be compressed or inflated on other
     * threads at a time; 0 is no limit. It is for all connections of the thread,
     * and the first one decides. Default: 10.
     */
    concurrencyLimit?: number | undefined;
  }

  /** Options of `WebSocket#send()`. */
  interface SendOptions {
    /** Whether to mask it. Default: true on a client, false on a server. */
    mask?: boolean | undefined;
    /** Whether it is binary. Default: false for a string, else true. */
    binary?: boolean | undefined;
    /**
     * Whether to compress it, if permessage-deflate was agreed on and it is not
     * below the `threshold`. Only the first fragment counts. Default: true.
     */
    compress?: boolean | undefined;
    /** Whether it is the last fragment of its message. Default: true. */
    fin?: boolean | undefined;
  }

  /** What a listener for `open` is given. */
  interface Event {
    type: string;
    target: WebSocketClass;
  }

  /** What a listener for `error` is given. */
  interface ErrorEvent {
    error: any;
    message: string;
    type: string;
    target: WebSocketClass;
  }

  /** What a listener for `close` is given. */
  interface CloseEvent {
    /** Whether both sides sent a close frame. */
    wasClean: boolean;
    /**
     * The code of the peer's close frame; 1005 if that had none, 1006 if there
     * was no close frame.
     */
    code: number;
    reason: string;
    type: string;
    target: WebSocketClass;
  }

  /** What a listener for `message` is given. */
  interface MessageEvent {
    data: Data;
    type: string;
    target: WebSocketClass;
  }

  /** The events that can be listened to in the manner of the browser. */
  interface WebSocketEventMap {
    open: Event;
    error: ErrorEvent;
    close: CloseEvent;
    message: MessageEvent;
  }

  /** Options of `WebSocket#addEventListener()`. */
  interface EventListenerOptions {
    /** Whether the listener is called only once. Default: false. */
    once?: boolean | undefined;
  }

  /** Options of a server: exactly one of `port`, `server` and `noServer`. */
  interface ServerOptions<
    U extends typeof WebSocketClass = typeof WebSocketClass,
    V extends typeof IncomingMessage = typeof IncomingMessage
  >
    extends ReceivingOptions, ConnectionOptions, TransportOptions {
    /** The address to listen on. Default: all addresses. */
    host?: string | undefined;
    /** The port to listen on; 0 for any that is free. */
    port?: number | undefined;
    /** How many connections may wait to be accepted. Default: 511. */
    backlog?: number | undefined;
    /** The HTTP server whose upgrades are handled. */
    server?: HTTPServer<V> | HTTPSServer<V> | undefined;
    /** Whether upgrades come only through `handleUpgrade()`. */
    noServer?: boolean | undefined;
    /** Handles only requests for this path. Default: all. */
    path?: string | undefined;
    /**
     * Decides about a handshake. Taken as the asynchronous kind if it has two
     * parameters.
     */
    verifyClient?:
      | VerifyClientCallbackAsync<InstanceType<V>>
      | VerifyClientCallbackSync<InstanceType<V>>
      | undefined;
    /**
     * Chooses one of the client's subprotocols; not called if there are none.
     * Default: the first one.
     */
    handleProtocols?: (
      protocols: Set<string>,
      request: InstanceType<V>
    ) => string | false;
    /** Whether `clients` is kept. Default: true. */
    clientTracking?: boolean | undefined;
    /**
     * Whether offers of the extension permessage-deflate are accepted, and
     * which: true is acceptance without options. A handshake of whose offers
     * none can be accepted is answered with a 400. Default: false.
     */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** The class of the connections. Default: `WebSocket`. */
    WebSocket?: U | undefined;
  }

  /** Where a server listens. */
  interface AddressInfo {
    address: string;
    family: string;
    port: number;
  }

  /**
   * A WebSocket server.
   *
   * Events: `listening`; `connection` (websocket, request), not with
   * `noServer`; `headers` (lines, request) before the answer to a handshake is
   * written, whose lines may be changed in place; `wsClientError` (error,
   * socket, request) for a bad handshake, whose listener then has to answer it;
   * `error` (error) of the HTTP server; `close`.
   */
  class Server<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage
  > extends EventEmitter {
    /** The options with their defaults. */
    options: ServerOptions<T, U>;

    /** Not used by the server: room for the program that uses it. */
    path: string;

    /** The open connections; missing if `clientTracking` is false. */
    clients: Set<InstanceType<T>>;

    /**
     * @param options exactly one of `port`, `server` and `noServer`, and more
     * @param callback called when the server listens, if it has a `port`
     * @throws {TypeError} if not exactly one of the three is given
     */
    constructor(options?: ServerOptions<T, U>, callback?: () => void);

    /**
     * Where the HTTP server listens; `null` if it does not.
     *
     * @throws {Error} with `noServer`
     */
    address(): AddressInfo | string | null;

    /**
     * Takes no more connections. Those that are open stay so; `close` is
     * emitted when they are gone. An HTTP server that was given is left alone.
     *
     * @param cb called with `close`; with an error if it was closed before
     */
    close(cb?: (err?: Error) => void): void;

    /**
     * Answers an upgrade request, and hands over the WebSocket.
     *
     * @param request the request
     * @param socket its socket
     * @param upgradeHead what was read behind the request
     * @param callback not called if the handshake is refused
     * @throws {Error} if the socket has been upgraded already
     */
    handleUpgrade(
      request: InstanceType<U>,
      socket: Duplex,
      upgradeHead: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void
    ): void;

    /**
     * Whether to handle a request: whether it is for the `path`. To be
     * overridden. A Promise is not waited for, and counts as true.
     */
    shouldHandle(request: InstanceType<U>): boolean | Promise<boolean>;

    /**
     * The last step of `handleUpgrade()`: writes the answer, makes the
     * WebSocket. To be overridden.
     *
     * @param extensions the extensions that were agreed on, by name
     * @param key the header `Sec-WebSocket-Key`
     * @param protocols the subprotocols that the client asks for
     * @param request the request
     * @param socket its socket
     * @param head what was read behind the request
     * @param callback called with the WebSocket
     * @throws {Error} if the socket has been upgraded already
     */
    completeUpgrade(
      extensions: object,
      key: string,
      protocols: Set<string>,
      request: InstanceType<U>,
      socket: Duplex,
      head: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void
    ): void;

    on<E extends keyof ServerEvents<any, any>>(
      event: E,
      listener: (
        this: Server<T>,
        ...args: ServerEvents<InstanceType<T>, InstanceType<U>>[E]
      ) => void
    ): this;
    on(
      event: string | symbol,
      listener: (this: Server<T>, ...args: any[]) => void
    ): this;

    once<E extends keyof ServerEvents<any, any>>(
      event: E,
      listener: (
        this: Server<T>,
        ...args: ServerEvents<InstanceType<T>, InstanceType<U>>[E]
      ) => void
    ): this;
    once(
      event: string | symbol,
      listener: (this: Server<T>, ...args: any[]) => void
    ): this;

    off<E extends keyof ServerEvents<any, any>>(
      event: E,
      listener: (
        this: Server<T>,
        ...args: ServerEvents<InstanceType<T>, InstanceType<U>>[E]
      ) => void
    ): this;
    off(
      event: string | symbol,
      listener: (this: Server<T>, ...args: any[]) => void
    ): this;

    addListener<E extends keyof ServerEvents<any, any>>(
      event: E,
      listener: (
        ...args: ServerEvents<InstanceType<T>, InstanceType<U>>[E]
      ) => void
    ): this;
    addListener(
      event: string | symbol,
      listener: (...args: any[]) => void
    ): this;

    removeListener<E extends keyof ServerEvents<any, any>>(
      event: E,
      listener: (
        ...args: ServerEvents<InstanceType<T>, InstanceType<U>>[E]
      ) => void
    ): this;
    removeListener(
      event: string | symbol,
      listener: (...args: any[]) => void
    ): this;
  }

  const WebSocketServer: typeof Server;
  interface WebSocketServer<
    T extends typeof WebSocketClass = typeof WebSocketClass,
    U extends typeof IncomingMessage = typeof IncomingMessage
  > extends Server<T, U> {}

  /** Options of a `Receiver`. The limits default to 0: no limit. */
  interface ReceiverOptions extends ReceivingOptions {
    /** See `WebSocket#binaryType`. Default: `nodebuffer`. */
    binaryType?: 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';
    /**
     * The extensions that were agreed on, by name: `permessage-deflate` is a
     * `PerMessageDeflate`. Default: none.
     */
    extensions?: object | undefined;
    /** Whether frames have to be masked. Default: false. */
    isServer?: boolean | undefined;
  }

  /**
   * Decodes frames: a Writable that takes the bytes of one connection. It does
   * so within `write()`, except for compressed messages that are large.
   *
   * Events: `message` (data, isBinary), `ping` (data), `pong` (data),
   * `conclude` (code, reason) for a close frame, and those of a Writable. An
   * `error` by the peer has a `code` that starts with `WS_ERR_`, or is
   * `Z_DATA_ERROR` for compressed data that cannot be inflated.
   */
  class Receiver extends Writable {
    constructor(options?: ReceiverOptions);

    on<E extends keyof ReceiverEvents>(
      event: E,
      listener: (this: Receiver, ...args: ReceiverEvents[E]) => void
    ): this;
    on(
      event: string | symbol,
      listener: (this: Receiver, ...args: any[]) => void
    ): this;
  }

  /** Options of `Sender.frame()`. */
  interface FrameOptions {
    /** Whether it is the last frame of its message. */
    fin: boolean;
    /** The opcode (RFC 6455, section 5.2). */
    opcode: number;
    /** Whether to mask it. Default: false. */
    mask?: boolean | undefined;
    /** Whether RSV1 is set: the message is compressed. Default: false. */
    rsv1?: boolean | undefined;
    /** Whether the data must not be changed by masking it. Default: false. */
    readOnly?: boolean | undefined;
    /** Fills the four bytes of `maskBuffer`. Default: random bytes. */
    generateMask?: ((mask: Buffer) => void) | undefined;
    /** Where `generateMask` puts the mask; four bytes. */
    maskBuffer?: Buffer | undefined;
  }

  /** Encodes frames and writes them to a socket. */
  class Sender {
    /**
     * @param socket where the frames go; `cork()`, `write()` and `uncork()` are
     *     called
     * @param extensions the extensions that were agreed on, by name:
     *     `permessage-deflate` is a `PerMessageDeflate`
     * @param generateMask fills the four bytes of the mask of the next frame
     */
    constructor(
      socket: Duplex,
      extensions?: object,
      generateMask?: (mask: Buffer) => void
    );

    /**
     * Encodes a frame, without sending it. The result may be given to
     * `sendFrame()` of many connections if it is not masked.
     *
     * @return the frame in one chunk or two
     */
    static frame(
      data: Uint8Array | string,
      options: FrameOptions
    ): Uint8Array[];

    /**
     * Sends a message, or a fragment of one.
     *
     * @throws {RangeError|TypeError} what Node throws for `zlibDeflateOptions`,
     *     if it is to be compressed
     */
    send(
      data: Sendable,
      options: {
        binary?: boolean | undefined;
        compress?: boolean | undefined;
        fin?: boolean | undefined;
        mask?: boolean | undefined;
      },
      cb?: (err?: Error) => void
    ): void;

    /**
     * Sends a ping of at most 125 bytes.
     *
     * @throws {RangeError} if the data is too long
     */
    ping(data: any, mask: boolean, cb?: (err?: Error) => void): void;

    /**
     * Sends a pong of at most 125 bytes.
     *
     * @throws {RangeError} if the data is too long
     */
    pong(data: any, mask: boolean, cb?: (err?: Error) => void): void;

    /**
     * Sends a close frame.
     *
     * @throws {TypeError} if the code may not be sent, or the reason is neither
     *     a string nor a Uint8Array
     * @throws {RangeError} if the reason has more than 123 bytes
     */
    close(
      code: number | undefined,
      data: string | Uint8Array | undefined,
      mask: boolean,
      cb?: (err?: Error) => void
    ): void;

    /** Sends what `Sender.frame()` made. */
    sendFrame(
      list: ReadonlyArray<Uint8Array | string>,
      cb?: (err?: Error) => void
    ): void;
  }

  /** Options of a `PerMessageDeflate`. */
  interface PerMessageDeflateClassOptions extends PerMessageDeflateOptions {
    /** Which side it is on. Default: false, that of the client. */
    isServer?: boolean | undefined;
    /**
     * How many bytes may be made of a message by inflating it; 0 is no limit.
     * Default: 0.
     */
    maxPayload?: number | undefined;
  }

  /**
   * What was agreed on (RFC 7692, section 7.1). `client_max_window_bits` is
   * `true` only in an offer.
   */
  type PerMessageDeflateParams = {
    server_no_context_takeover?: true;
    client_no_context_takeover?: true;
    server_max_window_bits?: number;
    client_max_window_bits?: number | true;
  };

  /**
   * The extension permessage-deflate (RFC 7692) on one connection. Connections
   * make their own; it is to be used by itself with a `Sender`, a `Receiver`,
   * or another protocol.
   */
  class PerMessageDeflate {
    /** The name of the extension in headers. */
    static readonly extensionName: 'permessage-deflate';

    /** What was agreed on; `null` before `accept()`. */
    params: PerMessageDeflateParams | null;

    constructor(options?: PerMessageDeflateClassOptions);

    /** The parameters for a client to offer. */
    offer(): PerMessageDeflateParams;

    /**
     * Chooses the first acceptable one of a client's offers, or checks the
     * answer of a server.
     *
     * @param list the parameters as `extension.parse()` gives them; changed
     * @return what was agreed on: on a server, what to answer
     * @throws {Error} for an unknown or repeated parameter, if no offer can be
     *     accepted, or if the answer does not fit the options
     * @throws {TypeError} for a value that is not valid
     */
    accept(list: ExtensionParams[]): PerMessageDeflateParams;

    /**
     * Compresses a message, or a fragment of one. Calls are done one after the
     * other.
     *
     * @param data not to be changed before the callback is called
     * @param fin whether it ends its message
     * @param callback called later, with the payload of a frame or with an error
     * @throws {RangeError|TypeError} what Node throws for `zlibDeflateOptions`
     */
    compress(
      data: Buffer | string,
      fin: boolean,
      callback: (err: Error | null, data: Buffer) => void
    ): void;

    /**
     * Inflates the payload of a frame. Calls are done one after the other.
     *
     * @param data not to be changed before the callback is called
     * @param fin whether the frame ends its message
     * @param callback called later, with what it was before or with an error:
     *     `Z_DATA_ERROR`, or `WS_ERR_UNSUPPORTED_MESSAGE_LENGTH` above
     *     `maxPayload`
     * @throws {RangeError|TypeError} what Node throws for `zlibInflateOptions`
     */
    decompress(
      data: Buffer,
      fin: boolean,
      callback: (err: Error | null, data: Buffer) => void
    ): void;

    /**
     * Gives its memory back. What is being compressed ends with an error; used
     * again, it begins anew.
     */
    cleanup(): void;
  }

  /** The parameters of an extension by name; `true` is one without a value. */
  type ExtensionParams = Record<string, Array<string | true>>;

  /** The header `Sec-WebSocket-Extensions` (RFC 6455, section 9.1). */
  const extension: {
    /** Makes a header of extensions; lists may be left out for one element. */
    format(
      extensions: Record<
        string,
        ExtensionFormatParams | ExtensionFormatParams[]
      >
    ): string;
    /**
     * Parses a header: for each extension the list of its alternatives.
     *
     * @throws {SyntaxError} if it is not valid
     */
    parse(header: string): Record<string, ExtensionParams[]>;
  };

  /** The parameters of an extension to be formatted. */
  type ExtensionFormatParams = Record<
    string,
    string | number | true | Array<string | number | true>
  >;

  /** The header `Sec-WebSocket-Protocol` (RFC 6455, section 11.3.4). */
  const subprotocol: {
    /**
     * Parses a header.
     *
     * @throws {SyntaxError} if it is not valid, or a name comes twice
     */
    parse(header: string): Set<string>;
  };

  /**
   * Wraps a WebSocket in a Duplex: messages are read from it, each chunk that
   * is written is sent as one. Text is read as Buffers, unless
   * `readableObjectMode` is true. Destroying it terminates the connection,
   * ending it closes the connection.
   *
   * @param options options of the Duplex; `autoDestroy`, `emitClose`,
   *     `objectMode` and `writableObjectMode` are ignored
   */
  function createWebSocketStream(
    websocket: WebSocketClass,
    options?: DuplexOptions
  ): Duplex;
}

export = WebSocket;
