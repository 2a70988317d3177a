import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GsasError, InputError } from '../src/base/errors.js';
import type { PublicDataset } from '../src/ingest/download/catalogue.js';
import { downloadDataset, importPublic } from '../src/ingest/download/download.js';
import { fetchFile } from '../src/ingest/download/fetch.js';
import { get, proxyFor } from '../src/ingest/download/http.js';
import { unzip } from '../src/ingest/download/unzip.js';
import { readDataset } from '../src/store/layout.js';
import { skipUntested } from './support/untested.js';

let dir: string;
let servers: Server[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gsas-download-'));
  servers = [];
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'])
    for (const spelled of [name, name.toLowerCase()]) vi.stubEnv(spelled, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(dir, { recursive: true });
});

const at = (...path: string[]) => join(dir, ...path);

async function listen(server: Server, protocol = 'http'): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `${protocol}://localhost:${(server.address() as AddressInfo).port}`;
}
const serve = (listener: RequestListener) => listen(http.createServer(listener));

const BODY = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i) % 251));
const digest = ['md5', createHash('md5').update(BODY).digest('hex')] as const;

/** Serves BODY and its ranges. The first answers break off after the given numbers of bytes. */
async function serveBody(breaks: number[] = []): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const url = await serve(({ headers }, response) => {
    ranges.push(headers.range);
    const start = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    if (start >= BODY.length) return response.writeHead(416).end();
    response.writeHead(headers.range ? 206 : 200, { 'content-length': BODY.length - start });
    const length = breaks.shift();
    if (length === undefined) response.end(BODY.subarray(start));
    else response.write(BODY.subarray(start, start + length), () => setTimeout(() => response.destroy(), 20));
  });
  return { url: `${url}/body`, ranges };
}

describe('fetchFile', () => {
  it('goes on where a transfer broke off', async () => {
    const { url, ranges } = await serveBody([40_000]);
    const seen: [number, number | undefined][] = [];
    await fetchFile(url, at('body'), { digest, onBytes: (...bytes) => seen.push(bytes) });
    expect(readFileSync(at('body')).equals(BODY)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=40000-']);
    expect(seen.at(-1)).toEqual([BODY.length, BODY.length]);
    expect(readdirSync(dir)).toEqual(['body']);
  });

  it('goes on where an earlier run left off, also when nothing is missing', async () => {
    const { url, ranges } = await serveBody();
    for (const have of [70_000, BODY.length]) {
      writeFileSync(at('body.part'), BODY.subarray(0, have));
      await fetchFile(url, at('body'), { digest });
      expect(readFileSync(at('body')).equals(BODY)).toBe(true);
    }
    expect(ranges).toEqual(['bytes=70000-', `bytes=${BODY.length}-`]);
  });

  it('starts over where what an earlier run left is of another file, or the server knows no ranges', async () => {
    const { url, ranges } = await serveBody();
    writeFileSync(at('body.part'), 'something else');
    await fetchFile(url, at('body'), { digest });
    expect(ranges).toEqual(['bytes=14-', undefined]);
    const whole = await serve((_, response) => void response.end(BODY));
    writeFileSync(at('again.part'), BODY.subarray(0, 10));
    await fetchFile(whole, at('again'), { digest });
    expect(readFileSync(at('again')).equals(BODY)).toBe(true);
  });

  it('keeps what came before an abort, for the next time', async () => {
    const url = await serve(
      (_, response) => void response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, 5000)),
    );
    const controller = new AbortController();
    const onBytes = () => setTimeout(() => controller.abort(new Error('stop')), 50);
    await expect(fetchFile(url, at('body'), { digest, signal: controller.signal, onBytes })).rejects.toThrow('stop');
    expect(readFileSync(at('body.part'))).toHaveLength(5000);
  });

  it.each<[string, (response: http.ServerResponse) => unknown, string]>([
    ['another file', (response) => response.end('other'), `not the file expected: its md5 is`],
    [
      'none',
      (response) => response.writeHead(404).end(),
      'status 404; fetch it elsewhere and name it with --from FILE',
    ],
    ['itself', (response) => response.writeHead(302, { location: '/' }).end(), 'redirects more than 5 times'],
  ])('refuses a server that answers with %s', async (_, answer, message) => {
    const url = await serve((_, response) => void answer(response));
    await expect(fetchFile(url, at('body'), { digest })).rejects.toThrow(message);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('says what to do where there is no network', async () => {
    const { url } = await serveBody();
    await new Promise((resolve) => servers[0].close(resolve));
    const error = await fetchFile(url, at('body'), { digest }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(GsasError);
    for (const part of [url, 'ECONNREFUSED', 'HTTPS_PROXY', '--from FILE']) expect(error.message).toContain(part);
  });
});

describe('a proxy', () => {
  it('is asked for the whole address, with its password, unless NO_PROXY names the host', async () => {
    const { url } = await serveBody();
    const asked: (string | undefined)[][] = [];
    const proxy = await serve(({ url: target, headers }, response) => {
      asked.push([target, headers['proxy-authorization'], headers.host]);
      http.get(target!, (answer) => answer.pipe(response));
    });
    vi.stubEnv('HTTP_PROXY', proxy.replace('//', '//me:p%40ss@'));
    await fetchFile(url, at('body'), { digest });
    expect(asked).toEqual([[url, `Basic ${Buffer.from('me:p@ss').toString('base64')}`, new URL(url).host]]);
    vi.stubEnv('no_proxy', 'example.org,localhost');
    await fetchFile(url, at('direct'), { digest });
    expect(asked).toHaveLength(1);
  });

  it('tunnels https', async (context) => {
    const keys = makeKeys();
    if (!keys) skipUntested(context, 'there is no openssl to make a certificate');
    const secure = https.createServer(keys, (_, response) => void response.end('secret'));
    const url = await listen(secure as unknown as Server, 'https');
    const proxy = http.createServer();
    const asked: (string | undefined)[] = [];
    proxy.on('connect', (request: IncomingMessage, socket) => {
      asked.push(request.url);
      const { port } = new URL(`http://${request.url}`);
      const onward = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
    });
    vi.stubEnv('https_proxy', await listen(proxy));
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const response = await get(url, {});
    expect(String((await response.toArray())[0])).toBe('secret');
    expect(asked).toEqual([new URL(url).host]);
  });

  it('that refuses is named', async () => {
    const proxy = http.createServer();
    proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
    vi.stubEnv('HTTPS_PROXY', await listen(proxy));
    await expect(get('https://example.invalid/x', {})).rejects.toThrow(
      /proxy localhost:\d+ refuses.*example.invalid:443.*407/,
    );
  });

  it.each([
    ['https://a.example/x', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['https://a.example/x', { https_proxy: 'p:1' }, 'http://p:1/'],
    ['https://a.example/x', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['http://a.example/x', { all_proxy: 'http://p:1' }, 'http://p:1/'],
    ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.example' }, undefined],
    ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', no_proxy: 'b.example, a.example:443' }, 'http://p:1/'],
    ['https://a.example:8/x', { HTTPS_PROXY: 'http://p:1', no_proxy: 'a.example:8' }, undefined],
    ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
    ['https://aexample/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'example' }, 'http://p:1/'],
  ])('for %s with %j is %s', (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
  });

  it('of another kind is refused', () => {
    expect(() => proxyFor(new URL('https://a.example'), { ALL_PROXY: 'socks5://p:1' })).toThrow(InputError);
  });
});

describe('unzip', () => {
  const zip = zipSync({ 'x/a.txt': BODY, 'x/b.txt': [Buffer.from('stored'), { level: 0 }], other: BODY });

  it('unpacks the members asked for', async () => {
    writeFileSync(at('z.zip'), zip);
    const [b, a] = await unzip(at('z.zip'), ['x/b.txt', 'x/a.txt'], dir);
    expect(readFileSync(b!, 'utf8')).toBe('stored');
    expect(readFileSync(a!).equals(BODY)).toBe(true);
    expect(readdirSync(dir)).toHaveLength(3);
  });

  it.each<[string, Uint8Array, string]>([
    ['that breaks off', zip.subarray(0, 300), 'not a whole zip'],
    ['that is none', BODY, 'holds no x/a.txt'],
    ['without the member', zipSync({ other: BODY }), 'holds no x/a.txt'],
  ])('refuses a file %s', async (_, content, message) => {
    writeFileSync(at('z.zip'), content);
    await expect(unzip(at('z.zip'), ['x/a.txt'], dir)).rejects.toThrow(message);
  });
});

describe('a public dataset', () => {
  const archive = zipSync({
    'tiny/ratings.dat': Buffer.from('1::10::5::1\n1::20::4::2\n1::30::5::3\n2::20::1::1\n2::10::2::2\n2::30::2::3\n'),
    'tiny/movies.dat': Buffer.from('10::Caf\xe9 (1999)::Drama\n20::Two::X\n30::Three::Y\n', 'latin1'),
  });
  const md5 = createHash('md5').update(archive).digest('hex');
  const tiny = (url: string): PublicDataset => ({
    about: 'tiny',
    url,
    digest: ['md5', md5],
    log: 'tiny/ratings.dat',
    titles: 'tiny/movies.dat',
    titleOptions: { idCol: '1', titleCol: '2', encoding: 'latin-1' },
    options: { userCol: '1', itemCol: '2', timeCol: '4' },
  });

  it('is fetched once, unpacked, and imported with its titles', async () => {
    let fetched = 0;
    const url = await serve((_, response) => {
      fetched++;
      response.end(archive);
    });
    for (const out of [at('one'), at('two')]) {
      await importPublic(tiny(`${url}/tiny.zip`), { out, cache: at('cache') });
      expect(readDataset(out).test.targets).toEqual(Uint32Array.of(3, 3));
      expect(readFileSync(join(out, 'items.csv'), 'utf8')).toContain('1,10,Café (1999)\n');
    }
    expect(fetched).toBe(1);
    expect(readdirSync(at('cache'))).toEqual(['tiny.zip']);
  });

  it('comes from another address, or a file', async () => {
    const mirror = await serve(
      ({ url }, response) => void (url === '/m' ? response.end(archive) : response.writeHead(404).end()),
    );
    await importPublic(tiny('http://localhost:1/tiny.zip'), { out: at('one'), cache: at('cache'), url: `${mirror}/m` });
    writeFileSync(at('z.zip'), archive);
    await importPublic(tiny('http://localhost:1/tiny.zip'), { out: at('two'), cache: at('empty'), from: at('z.zip') });
    expect(readDataset(at('two'))).toEqual({ ...readDataset(at('one')), name: 'two' });
  });

  it('refuses before it fetches anything', async () => {
    await expect(downloadDataset('ml-2m', { out: at('out') })).rejects.toThrow(
      /no public dataset ml-2m; there are ml-1m, /,
    );
    await expect(downloadDataset('toString', { out: at('out') })).rejects.toThrow(/no public dataset toString/);
    mkdirSync(at('full'));
    writeFileSync(at('full', 'x'), '');
    await expect(downloadDataset('ml-1m', { out: at('full'), cache: at('cache') })).rejects.toThrow(/not empty/);
    await expect(downloadDataset('ml-1m', { out: at('out'), from: at('no.txt') })).rejects.toThrow(/there is no file/);
    writeFileSync(at('wrong.txt'), '1 1\n');
    await expect(downloadDataset('ml-1m', { out: at('out'), from: at('wrong.txt') })).rejects.toThrow(
      /wrong.txt is not the file expected/,
    );
    expect(existsSync(at('out')) || existsSync(at('cache'))).toBe(false);
  });
});

function makeKeys(): { key: Buffer; cert: Buffer } | undefined {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    const output = ['-keyout', at('key.pem'), '-out', at('cert.pem'), '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...output], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) };
}
