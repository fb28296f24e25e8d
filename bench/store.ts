/**
 * Puts, gets and memo hits of the artifact store on the local stack, by size. Every round uses bytes that were never
 * stored before, reads bypass the cache of the store that wrote them, and every read verifies the digest.
 */
import { randomBytes } from 'node:crypto';
import { memoize } from '../artifacts/manifest.ts';
import { openArtifactStore } from '../artifacts/store/open-store.ts';
import { up } from '../infra/stack/up.ts';
import { median, quantile, rounded } from './statistics.ts';

const sizes = [
  { name: '1 KiB', byteLength: 1 << 10, count: 200 },
  { name: '1 MiB', byteLength: 1 << 20, count: 40 },
  { name: '16 MiB', byteLength: 16 << 20, count: 6 },
] as const;
const memoCount = 100;

export async function bench(log: (line: string) => void) {
  const { s3 } = await up({ workers: false, log });
  const store = openArtifactStore(s3, { cacheByteLengthMax: 0 });
  const bySize: Record<string, Record<string, number>> = {};
  for (const { name, byteLength, count } of sizes) {
    const bytes = Array.from({ length: count }, () => randomBytes(byteLength));
    const refs = bytes.map((each) => store.refOf({ sha256: '0'.repeat(64), byteLength: each.byteLength }));
    const putMs = await timeEach(count, async (i) => {
      refs[i] = await store.putBytes(bytes[i] ?? new Uint8Array());
    });
    const againMs = await timeEach(count, async (i) => store.putBytes(bytes[i] ?? new Uint8Array()));
    const getMs = await timeEach(count, async (i) => {
      const ref = refs[i];
      if (ref) await store.getBytes(ref);
    });
    bySize[name] = {
      ...figures('put', putMs, byteLength),
      ...figures('putAgain', againMs, byteLength),
      ...figures('get', getMs, byteLength),
    };
  }
  return { endpoint: s3.endpoint, bySize, memo: await memoFigures(store) };
}

async function memoFigures(store: ReturnType<typeof openArtifactStore>) {
  const salt = randomBytes(8).toString('hex');
  const work = (i: number) => ({ activity: 'bench', codeVersion: salt, inputs: {}, config: { i }, environment: {} });
  const once = async (i: number) =>
    memoize(store, work(i), async () => ({
      outputs: { value: await store.putJson({ salt, i }) },
      summary: i,
      computeMs: 0,
    }));
  const missMs = await timeEach(memoCount, once);
  const hitMs = await timeEach(memoCount, once);
  return {
    missMedianMs: rounded(median(missMs)),
    hitMedianMs: rounded(median(hitMs)),
    hitP90Ms: rounded(quantile(hitMs, 0.9)),
  };
}

async function timeEach(count: number, body: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAtMs = performance.now();
    await body(i);
    times.push(performance.now() - startedAtMs);
  }
  return times;
}

function figures(verb: string, times: readonly number[], byteLength: number): Record<string, number> {
  const medianMs = median(times);
  return {
    [`${verb}MedianMs`]: rounded(medianMs),
    [`${verb}P90Ms`]: rounded(quantile(times, 0.9)),
    [`${verb}MebibytesPerSecond`]: rounded(byteLength / 1024 / 1024 / (medianMs / 1000)),
  };
}
