/** What the server counts and measures, for Prometheus. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Gauges {
  readonly inFlightCount: () => number;
  readonly waitingCount: () => number;
}

export class ServeMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Histogram({
    name: 'mtrl_serve_request_duration_seconds',
    help: 'Time from a request to its response, by route and status.',
    labelNames: ['route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers: [this.#registry],
  });
  readonly #calls = new Histogram({
    name: 'mtrl_serve_engine_call_duration_seconds',
    help: 'Time of an engine call.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [this.#registry],
  });
  readonly #rows = new Histogram({
    name: 'mtrl_serve_engine_call_requests',
    help: 'Requests that an engine call answered.',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [this.#registry],
  });
  readonly #judgments = new Counter({
    name: 'mtrl_serve_judgments_total',
    help: 'Judged rows, by task and by what became of them.',
    labelNames: ['task', 'outcome'] as const,
    registers: [this.#registry],
  });

  constructor({ inFlightCount, waitingCount }: Gauges) {
    this.#gauge('mtrl_serve_requests_in_flight', 'Requests that are being answered.', inFlightCount);
    this.#gauge('mtrl_serve_engine_requests_waiting', 'Requests to engines that wait.', waitingCount);
  }

  answered(route: string, status: number, ms: number): void {
    this.#requests.observe({ route, status: String(status) }, ms / 1000);
  }

  called(requestCount: number, ms: number): void {
    this.#calls.observe(ms / 1000);
    this.#rows.observe(requestCount);
  }

  /** `task` must be one of the recipe's, so that there are few. */
  judged(task: string, outcome: 'verdict' | 'unparsable' | 'undecided' | 'refused' | 'cached'): void {
    this.#judgments.inc({ task, outcome });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      ...{ name, help, registers: [this.#registry] },
      collect() {
        this.set(value());
      },
    });
  }
}
