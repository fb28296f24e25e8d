/**
 * Progress of running experiments as server-sent events. It is asked for while anyone listens. A listener that reads
 * slowly gets the newest state of each experiment and not all states in between, so that nothing piles up for it.
 */
import type { ServerResponse } from 'node:http';
import type { RunningExperiment, RunningExperiments } from '../library.ts';

const periodMs = 1_000;
const listenerCountMax = 32;

interface Listener {
  readonly response: ServerResponse;
  /** By experiment: what it has not been sent yet. */
  readonly waiting: Map<string, string>;
}

export class ProgressEvents {
  readonly #running: RunningExperiments | undefined;
  readonly #listeners = new Set<Listener>();
  #last = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(running: RunningExperiments | undefined) {
    this.#running = running;
  }

  /** False if too many listen already; the response is then not written to. */
  listen(response: ServerResponse): boolean {
    if (this.#listeners.size >= listenerCountMax) return false;
    const listener: Listener = { response, waiting: new Map(this.#last) };
    this.#listeners.add(listener);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': progress\n\n');
    response.on('drain', () => this.#send(listener));
    response.on('close', () => {
      this.#listeners.delete(listener);
    });
    this.#send(listener);
    this.#schedule(0);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { response } of this.#listeners) response.end();
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#running === undefined) return;
    this.#timer = setTimeout(() => void this.#poll(), delayMs);
  }

  async #poll(): Promise<void> {
    try {
      this.#publish((await this.#running?.list()) ?? []);
    } catch {
      // Temporal does not answer: what is known stays, and it is asked again.
    }
    this.#timer = undefined;
    if (this.#listeners.size > 0) this.#schedule(periodMs);
  }

  #publish(found: readonly RunningExperiment[]): void {
    const now = new Map(found.map((each) => [each.experimentId, JSON.stringify(each)]));
    const ended = [...this.#last.keys()].filter((id) => !now.has(id));
    const changed = [...now].filter(([id, state]) => this.#last.get(id) !== state);
    const news = [
      ...changed,
      ...ended.map((id) => [id, JSON.stringify({ experimentId: id, status: 'ENDED' })] as const),
    ];
    this.#last = now;
    for (const listener of this.#listeners) {
      for (const [id, state] of news) listener.waiting.set(id, state);
      this.#send(listener);
    }
  }

  #send({ response, waiting }: Listener): void {
    for (const [id, state] of waiting) {
      if (response.writableNeedDrain) return;
      waiting.delete(id);
      response.write(`data: ${state}\n\n`);
    }
  }
}
