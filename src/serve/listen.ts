import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../base/errors.js';

/**
 * Makes a server listen on the first free one of these ports; 0 is any port.
 * @returns the address, http://HOST:PORT/
 * @throws InputError if all are taken, or a port cannot be used
 */
export async function listen(server: Server, host: string, ports: readonly number[]): Promise<string> {
  let trouble: NodeJS.ErrnoException | undefined;
  for (const wanted of ports) {
    try {
      await once(server.listen(wanted, host), 'listening');
      const { address, port, family } = server.address() as AddressInfo;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
    } catch (error) {
      trouble = error as NodeJS.ErrnoException;
      if (trouble.code !== 'EADDRINUSE') break;
    }
  }
  const all = ports.length > 1 ? `ports ${ports[0]} to ${ports.at(-1)}` : `port ${ports[0]}`;
  const flag = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(trouble?.code ?? '') ? '--host' : '--port';
  throw new InputError(`${all} of ${host} cannot be had (${trouble?.message}); choose another with ${flag}`, {
    cause: trouble,
  });
}

/** Ends a server: it takes no more connections, closes idle ones, and the others when they have been answered or `patience` milliseconds have passed. */
export async function close(server: Server, patience: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), patience);
  await closed;
  clearTimeout(late);
}
