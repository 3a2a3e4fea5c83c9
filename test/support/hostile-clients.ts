/** Clients that mean no good, or nothing at all: many connections to one socket. */
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';

export type Guest = { readonly socket: Socket; readonly said: () => string; readonly closed: () => boolean };

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Connects and says this; a connection that is refused or cut counts as closed. */
export function guest(path: string, text: string | Buffer = ''): Promise<Guest> {
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

export const crowd = (path: string, count: number, text: string | Buffer = ''): Promise<Guest[]> =>
  Promise.all(Array.from({ length: count }, () => guest(path, text)));

export const stillThere = (guests: readonly Guest[]): number => guests.filter(({ closed }) => !closed()).length;

/** Sockets that this process holds. */
export function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}
