import { Agent, request } from 'node:http';

/** What clients saw of a service. */
export interface Load {
  /** Milliseconds of each request, from its first byte to the answer's last. */
  times: number[];
  seconds: number;
}

/**
 * Runs clients that each send one request after the other for a while, each over its own connection.
 * @param address of the service
 * @param bodies of POST /recommend, in turn
 * @throws Error for an answer whose status is not 200
 */
export async function load(
  address: string,
  clients: number,
  seconds: number,
  bodies: readonly string[],
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const began = performance.now();
  const until = began + 1000 * seconds;
  let next = 0;
  const client = async () => {
    while (performance.now() < until) {
      const start = performance.now();
      await post(agent, `${address}recommend`, bodies[next++ % bodies.length]);
      times.push(performance.now() - start);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, client));
    return { times, seconds: (performance.now() - began) / 1000 };
  } finally {
    agent.destroy();
  }
}

function post(agent: Agent, url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      response.resume();
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
    });
    sent.on('error', reject).end(body);
  });
}
