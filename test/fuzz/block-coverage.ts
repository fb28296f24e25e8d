/**
 * Code that was executed, as V8 counts it: functions, and branches and loops within them, of this project and of the
 * packages that it reads with. In this process, and without a build. V8 reports a block only where its count differs
 * from that of what is around it, so what is kept is which characters of each function were reached.
 */
import { type Profiler, Session } from 'node:inspector';

/** Sources that the harness itself runs between inputs, and that say nothing about a reader. */
const harness = /\/test\/|\/bench\/|\/node_modules\/(fast-check|pure-rand|tsx|esbuild)\//;

export class BlockCoverage {
  readonly #session = new Session();
  /** 1 for each character that was reached, by function. */
  readonly #reached = new Map<string, Uint8Array>();
  #characterCount = 0;

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    // Counts are set to zero by each look; without them V8 reports a block only once.
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of code reached so far; those of a function within another count in both. */
  get characterCount(): number {
    return this.#characterCount;
  }

  /** Whether code was reached since the last call that was not before. */
  look(): boolean {
    const before = this.#characterCount;
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    for (const { url, functions } of result) {
      if (!url.startsWith('file://') || harness.test(url)) continue;
      for (const { ranges } of functions) this.#add(url, ranges);
    }
    return this.#characterCount > before;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** `ranges`: of one function, the outer before the inner. */
  #add(url: string, ranges: readonly Profiler.CoverageRange[]): void {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return;
    const { startOffset, endOffset } = whole;
    const key = `${url}:${String(startOffset)}-${String(endOffset)}`;
    const known = this.#reached.get(key) ?? new Uint8Array(endOffset - startOffset);
    this.#reached.set(key, known);
    const now = new Uint8Array(known.length);
    for (const range of ranges)
      now.fill(range.count > 0 ? 1 : 0, range.startOffset - startOffset, range.endOffset - startOffset);
    for (let i = 0; i < now.length; i++) {
      if (now[i] === 0 || known[i] === 1) continue;
      known[i] = 1;
      this.#characterCount++;
    }
  }

  /** A session in its own process answers before `post` returns. */
  #post(method: string, parameters: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, parameters, (error, value) => {
      if (error !== null) throw error;
      answer = value;
    });
    return answer;
  }
}
