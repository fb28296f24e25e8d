/**
 * Times one part of a GRPO step on the shapes `tiny` and `small`: ours and, with --peer, the peers', alternately in one
 * command and on two threads each. Also measures the matrix-product speed that ONNX Runtime reaches in each round.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpus } from 'node:os';
import { rolloutFlops, trainFlops } from './flops.ts';
import { openGemmPeak } from './gemm-peak.ts';
import { differencesOf } from './log-prob-differences.ts';
import { type OurStep, type Work, openOurStep, usualWork, wordCountOf } from './our-step.ts';
import { type Peer, startPeer, tunedMkl } from './python-peer.ts';
import { type Shape, type ShapeName, shapes, writeConfig } from './shapes.ts';
import { median, quantile, rounded } from './statistics.ts';

export type Part = 'rolloutMs' | 'trainMs' | 'stepMs';
type PartTimes = Readonly<Partial<Record<Part, number>>>;

export interface Comparison {
  readonly part: Part;
  /** File name in bench/peers. */
  readonly script: string;
  /** Target speedups by peer name: the minimum ratio of the peer's time to ours. Reported only, not enforced. */
  readonly targets: Readonly<Record<string, number>>;
  /** Whether every completion has the maximum number of tokens. */
  readonly isFixedLength: boolean;
}

export const threadCount = 2;
const warmupCount = 2;
const roundCounts: Readonly<Record<ShapeName, number>> = { tiny: 9, small: 5 };
/** Pause between measurements: the threads of the side that just ran spin for a while before they sleep. */
const pauseMs = 50;

export async function compare(comparison: Comparison, withPeers: boolean, log: (line: string) => void) {
  const results: Record<string, Awaited<ReturnType<typeof compareOn>>> = {};
  for (const name of Object.keys(shapes) as ShapeName[])
    results[name] = await compareOn(name, comparison, withPeers, log);
  return { part: comparison.part, threadCount, cpuModel: cpus()[0]?.model ?? 'unknown', shapes: results };
}

async function compareOn(name: ShapeName, comparison: Comparison, withPeers: boolean, log: (line: string) => void) {
  const { part, isFixedLength } = comparison;
  const shape: Shape = shapes[name];
  const work: Work = { ...usualWork, isFixedLength };
  const ours = await openOurStep(shape, work, { threadCount });
  const gemm = await openGemmPeak(threadCount);
  const peers = withPeers ? await startPeers(comparison, shape, work, log) : new Map<string, Peer<PartTimes>>();
  const times = new Map<string, number[]>(['ours', ...peers.keys()].map((each) => [each, []]));
  const peaks: number[] = [];
  const differences: number[] = [];
  for (let round = 0; round < warmupCount + roundCounts[name]; round++) {
    const peak = await gemm.measure();
    await sleep(pauseMs);
    const own = await timedStep(ours);
    const row: [string, PartTimes][] = [['ours', own.times]];
    for (const [peerName, peer] of peers) {
      await sleep(pauseMs);
      row.push([peerName, await peer.step()]);
    }
    await sleep(pauseMs);
    log(
      `${name} ${row.map(([who, each]) => `${who} ${(each[part] ?? NaN).toFixed(0)} ms`).join('   ')}   gemm ${peak.toFixed(0)} GF/s`,
    );
    if (round < warmupCount) continue;
    peaks.push(peak);
    differences.push(...own.differences);
    for (const [who, each] of row) times.get(who)?.push(each[part] ?? NaN);
  }
  for (const peer of peers.values()) peer.stop();
  await ours.close();
  await gemm.close();
  const own = times.get('ours') ?? [];
  const flops = {
    rolloutMs: rolloutFlops(shape, work),
    trainMs: trainFlops(shape, work),
    stepMs: rolloutFlops(shape, work) + trainFlops(shape, work),
  }[part];
  const gigaflops = flops / median(own) / 1e6;
  return {
    work,
    roundCount: roundCounts[name],
    ours: { ...spread(own), ...(part === 'rolloutMs' && { tokensPerSecond: tokensPerSecond(work, own) }) },
    gigaflopCount: rounded(flops / 1e9),
    gigaflopsPerSecond: rounded(gigaflops),
    gemmPeakGigaflopsPerSecond: rounded(median(peaks)),
    shareOfGemmPeak: rounded(gigaflops / median(peaks)),
    logProbDifference: { max: Math.max(...differences), median: median(differences) },
    peers: Object.fromEntries(
      [...peers].map(([who, { versions }]) => {
        const theirs = times.get(who) ?? [];
        return [
          who,
          {
            ...spread(theirs),
            ...(part === 'rolloutMs' && { tokensPerSecond: tokensPerSecond(work, theirs) }),
            timesOurs: rounded(median(theirs) / median(own)),
            target: comparison.targets[who] ?? null,
            versions,
          },
        ];
      }),
    ),
  };
}

/**
 * Times one step and collects the differences between the training graph's and the rollouts' log-probs of the sampled
 * tokens.
 */
async function timedStep(ours: OurStep): Promise<{ times: Required<PartTimes>; differences: number[] }> {
  const startedAtMs = performance.now();
  const rollouts = await ours.rollout();
  const rolledAtMs = performance.now();
  const logProbs = await ours.train(rollouts);
  const endedAtMs = performance.now();
  return {
    times: { rolloutMs: rolledAtMs - startedAtMs, trainMs: endedAtMs - rolledAtMs, stepMs: endedAtMs - startedAtMs },
    differences: differencesOf(rollouts, logProbs),
  };
}

async function startPeers(
  { script }: Comparison,
  shape: Shape,
  work: Work,
  log: (line: string) => void,
): Promise<Map<string, Peer<PartTimes>>> {
  const { promptCount, groupSize, completionTokenCount } = work;
  const argument = {
    folder: writeConfig(shape),
    promptCount,
    groupSize,
    completionTokenCount,
    wordCount: wordCountOf(shape, work),
  };
  const tuned = tunedMkl(log);
  const peers = new Map([['stock', await startPeer<PartTimes>(script, argument)]]);
  if (tuned !== undefined) peers.set('tuned', await startPeer<PartTimes>(script, argument, tuned));
  return peers;
}

function spread(ms: readonly number[]) {
  return { medianMs: rounded(median(ms)), quartilesMs: [rounded(quantile(ms, 0.25)), rounded(quantile(ms, 0.75))] };
}

function tokensPerSecond({ promptCount, groupSize, completionTokenCount }: Work, ms: readonly number[]): number {
  return rounded((promptCount * groupSize * completionTokenCount) / (median(ms) / 1000));
}
