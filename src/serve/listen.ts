import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../base/errors.js';

/**
 * Has a server listen on the first of these ports that is free; 0 is any.
 * @returns the address, http://HOST:PORT/
 * @throws InputError where all are taken, or where one cannot be listened on
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
  throw new InputError(`${all} of ${host} cannot be had (${trouble?.message}); choose another with --port`, {
    cause: trouble,
  });
}
