import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of /metrics, in Prometheus's text format. */
export class Telemetry {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'gsas_requests_total',
    help: 'requests answered, by path and status',
    labelNames: ['path', 'status'],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'gsas_request_seconds',
    help: 'time from a request to its answer',
    labelNames: ['path'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers: [this.#registry],
  });
  readonly #batches = new Histogram({
    name: 'gsas_batch_size',
    help: 'requests answered by one pass over the GPU',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [this.#registry],
  });

  /** @param waiting how many requests wait for the GPU now */
  constructor(waiting: () => number) {
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: 'gsas_waiting_requests',
      help: 'requests that wait for the GPU',
      registers: [this.#registry],
      collect() {
        this.set(waiting());
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  answered(path: string, status: number, seconds: number): void {
    this.#requests.inc({ path, status });
    this.#seconds.observe({ path }, seconds);
  }

  batch(size: number): void {
    this.#batches.observe(size);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
