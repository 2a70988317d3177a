import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { listen } from '../src/serve/listen.js';

function newServer() {
  const server = createServer((_, response) => response.end('here'));
  onTestFinished(() => void server.close());
  return server;
}

it('takes the first port that is free, and names all of them where none is', async () => {
  const [taken, second, third] = [newServer(), newServer(), newServer()];
  expect(await listen(taken, '127.0.0.1', [0])).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const { port } = taken.address() as AddressInfo;
  const address = await listen(second, '127.0.0.1', [port, 0]);
  expect(await (await fetch(address)).text()).toBe('here');
  const { port: other } = second.address() as AddressInfo;
  const none = listen(third, '127.0.0.1', [port, other]);
  await expect(none).rejects.toThrow(InputError);
  await expect(none).rejects.toThrow(`ports ${port} to ${other} of 127.0.0.1 cannot be had (listen EADDRINUSE`);
});

it('tries no other port where the address is the trouble', async () => {
  const server = newServer();
  await expect(listen(server, '192.0.2.1', [8420, 8421])).rejects.toThrow(
    /EADDRNOTAVAIL.*192\.0\.2\.1:8420\); choose another with --host$/,
  );
});
