/**
 * Blocks of code that were executed, as V8 counts them: functions, branches and loops of this project and of the packages
 * that it reads with. In this process, and without a build.
 */
import { type Profiler, Session } from 'node:inspector';

/** Sources that the harness itself runs between inputs, and that say nothing about a reader. */
const harness = /\/test\/|\/bench\/|\/node_modules\/(fast-check|pure-rand|tsx|esbuild)\//;

export class BlockCoverage {
  readonly #session = new Session();
  /** `script:start-end` of each block. */
  readonly #known = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    // Counts are set to zero by each look: without them V8 would report a block only once, whoever looks first.
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get blockCount(): number {
    return this.#known.size;
  }

  /** Adds the blocks that were executed since the last call. Returns the number of those that are new. */
  look(): number {
    const before = this.#known.size;
    const { result } = this.#post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!url.startsWith('file://') || harness.test(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) this.#known.add(`${url}:${String(startOffset)}-${String(endOffset)}`);
      }
    }
    return this.#known.size - before;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** A session in its own process answers before `post` returns. */
  #post<T>(method: string, parameters: object = {}): T {
    let answer: T | undefined;
    this.#session.post(method, parameters, (error, value) => {
      if (error !== null) throw error;
      answer = value as T;
    });
    return answer as T;
  }
}
