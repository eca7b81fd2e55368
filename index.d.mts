import WebSocket from './index.js';

export import AddressInfo = WebSocket.AddressInfo;
export import CertMeta = WebSocket.CertMeta;
export import ClientOptions = WebSocket.ClientOptions;
export import CloseEvent = WebSocket.CloseEvent;
export import createWebSocketStream = WebSocket.createWebSocketStream;
export import Data = WebSocket.Data;
export import ErrorEvent = WebSocket.ErrorEvent;
export import Event = WebSocket.Event;
export import EventListenerOptions = WebSocket.EventListenerOptions;
export import extension = WebSocket.extension;
export import FinishRequestCallback = WebSocket.FinishRequestCallback;
export import FrameOptions = WebSocket.FrameOptions;
export import MessageEvent = WebSocket.MessageEvent;
export import PerMessageDeflate = WebSocket.PerMessageDeflate;
export import PerMessageDeflateClassOptions = WebSocket.PerMessageDeflateClassOptions;
export import PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export import PerMessageDeflateParams = WebSocket.PerMessageDeflateParams;
export import RawData = WebSocket.RawData;
export import Receiver = WebSocket.Receiver;
export import ReceiverOptions = WebSocket.ReceiverOptions;
export import Sender = WebSocket.Sender;
export import SendOptions = WebSocket.SendOptions;
export import ServerOptions = WebSocket.ServerOptions;
export import subprotocol = WebSocket.subprotocol;
export import TransportName = WebSocket.TransportName;
export import TransportOptions = WebSocket.TransportOptions;
export import VerifyClientCallbackAsync = WebSocket.VerifyClientCallbackAsync;
export import VerifyClientCallbackSync = WebSocket.VerifyClientCallbackSync;
export import WebSocketServer = WebSocket.WebSocketServer;

// Only a type: the module has no export of this name.
import Server = WebSocket.Server;
export { type Server };

export { WebSocket };
export default WebSocket;
