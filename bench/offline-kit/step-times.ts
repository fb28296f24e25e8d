/**
 * Times rollouts and updates of a GRPO step, a line of JSON a round. Arguments: `ours` or `torch`, name of a shape,
 * execution provider or device of PyTorch, seconds.
 */
import { MtrlError } from '../../core/errors.ts';
import { differencesOf } from '../log-prob-differences.ts';
import { openOurStep } from '../our-step.ts';
import { type Peer, startPeer } from '../python-peer.ts';
import { type KitShapeName, cpuThreadCount, kitShapeNames, kitShapes, peerArgument, workOf } from './kit-shapes.ts';

/** The first round compiles graphs and shaders. */
const roundCountMax = 6;

export interface StepRound {
  readonly rolloutMs: number;
  readonly trainMs: number;
  /** Largest difference of log-probs between rollouts and the training graph; ours only. */
  readonly logProbDifferenceMax?: number;
}

interface Side {
  /** What computes: threads, or versions. */
  readonly by: string;
  readonly round: () => Promise<StepRound>;
  readonly close: () => Promise<void> | void;
}

const startedAtMs = performance.now();
const [side, shapeName, device = '', seconds] = process.argv.slice(2);
const name = kitShapeNames.find((each) => each === shapeName);
if (name === undefined) throw new MtrlError('USAGE', 'there is no such shape', { found: shapeName ?? 'nothing' });
const { by, round, close } = side === 'torch' ? await torch(name) : await ours(name);
print({ by });
for (let count = 0; count < roundCountMax; count++) {
  const before = performance.now();
  print({ round: count, ...(await round()) });
  const after = performance.now();
  // The next round would not end in time.
  if ((2 * after - before - startedAtMs) / 1000 > Number(seconds)) break;
}
await close();
process.exit(0);

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function ours(name: KitShapeName): Promise<Side> {
  const isCpu = device === 'cpu';
  const threadCount = isCpu ? cpuThreadCount() : 1;
  const step = await openOurStep(kitShapes[name], workOf(name), { threadCount, executionProvider: device });
  return {
    by: isCpu ? `${String(threadCount)} threads` : '',
    close: () => step.close(),
    round: async () => {
      const startedAtMs = performance.now();
      const rollouts = await step.rollout();
      const sampledAtMs = performance.now();
      const logProbs = await step.train(rollouts);
      const endedAtMs = performance.now();
      return {
        rolloutMs: sampledAtMs - startedAtMs,
        trainMs: endedAtMs - sampledAtMs,
        logProbDifferenceMax: Math.max(...differencesOf(rollouts, logProbs)),
      };
    },
  };
}

async function torch(name: KitShapeName): Promise<Side> {
  const peer: Peer<StepRound> = await startPeer('demo_step.py', peerArgument(name, device));
  return {
    by: `torch ${peer.versions['torch'] ?? ''}`,
    close: () => {
      peer.stop();
    },
    round: async () => {
      const { rolloutMs, trainMs } = await peer.step();
      return { rolloutMs, trainMs };
    },
  };
}
