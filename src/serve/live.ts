import type { Service } from './service.js';

/** The service that answers, until another takes its place. */
export class LiveService {
  #current: Service;
  /** What the current service has begun to answer. */
  #underWay = new Set<Promise<unknown>>();

  constructor(first: Service) {
    this.#current = first;
  }

  get current(): Service {
    return this.#current;
  }

  /** Answers by the service that is current now, which is not released before the answer. */
  async use<T>(answer: (service: Service) => Promise<T>): Promise<T> {
    const underWay = this.#underWay;
    const answered = answer(this.#current);
    underWay.add(answered);
    try {
      return await answered;
    } finally {
      underWay.delete(answered);
    }
  }

  /** Lets another service answer from now on. Resolves when the one before it has answered what it had begun, and has been released. */
  async replace(next: Service): Promise<void> {
    const [before, underWay] = [this.#current, this.#underWay];
    this.#current = next;
    this.#underWay = new Set();
    await Promise.allSettled(underWay);
    before.release();
  }

  /** Resolves when everything that has begun has been answered. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
}
