/** Misbehaving clients: many connections to one socket. */
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';

export type ClientConnection = { readonly socket: Socket; readonly said: () => string; readonly closed: () => boolean };

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Connects and sends this text. A connection that is refused or cut counts as closed. */
export function connectClient(path: string, text: string | Buffer = ''): Promise<ClientConnection> {
  return new Promise((resolve) => {
    let [said, closed] = ['', false];
    const socket = connect(path);
    const here = { socket, said: () => said, closed: () => closed };
    socket.on('connect', () => {
      if (text.length > 0) socket.write(text);
      resolve(here);
    });
    socket.on('data', (chunk) => {
      said += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
      resolve(here);
    });
    open.push(socket);
  });
}

export const connectClients = (path: string, count: number, text: string | Buffer = ''): Promise<ClientConnection[]> =>
  Promise.all(Array.from({ length: count }, () => connectClient(path, text)));

export const countOpen = (clients: readonly ClientConnection[]): number =>
  clients.filter(({ closed }) => !closed()).length;

/** Returns the number of open sockets of a process. */
export function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}
