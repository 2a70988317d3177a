import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Opens a connection to a server's address. */
export async function open(address: string): Promise<Socket> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}); // a server may reset what it does not like
  await once(socket, 'connect');
  return socket;
}

/**
 * Sends bytes as they are.
 * @param close half closes the connection on this side, too: a server need not wait for more
 * @returns all that comes back until the server closes the connection
 */
export async function exchange(address: string, bytes: string | Uint8Array, close?: 'half'): Promise<string> {
  const socket = await open(address);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  const closed = once(socket, 'close');
  socket.write(bytes);
  if (close) socket.end();
  await closed;
  return answer;
}

/** The status of the first answer in what `exchange` returned; undefined where there is none. */
export function statusOf(answer: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}
