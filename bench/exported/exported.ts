/**
 * `npm run bench -- parity --exported ID [--run NAME]`: opens what `export` writes of a run in the ecosystem's own libraries,
 * the checkpoint in transformers and the LoRA adapter in PEFT, and compares their greedy answers and log-probs with ours.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { materializeFolder } from '../../artifacts/store/files.ts';
import { writeAdapterFiles } from '../../cli/adapter-files.ts';
import type { MadeRun } from '../../cli/show/made.ts';
import { type Stack, withStack } from '../../cli/temporal/stack.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { EncodedPrompt } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { runPeer } from '../python-peer.ts';
import { recordedRun, type RecordedRun } from '../replay/recorded-run.ts';
import { trainedRuns } from '../replay/trained-runs.ts';

const promptCountMax = 32;
const tokenCountMax = 40;

/** What one library makes of the prompts. */
interface Theirs {
  readonly library: string;
  /** Greedy token ids by prompt, with the end token. */
  readonly greedy: readonly (readonly number[])[];
  /** Log-probs of our greedy tokens, nats. */
  readonly logProbs: readonly (readonly number[])[];
}

/** @param runName one run of the experiment; default: all that have updates */
export async function compareExports(log: (line: string) => void, experimentId: string, runName?: string) {
  return withStack({ startMissing: false }, async (stack) => {
    const runs: Record<string, Awaited<ReturnType<typeof compare>>> = {};
    for (const run of await trainedRuns(stack, experimentId, runName)) {
      const folder = await mkdtemp(join(tmpdir(), 'mtrl-exported-'));
      try {
        runs[run.runName] = await compare(stack, run, folder, log);
      } finally {
        await rm(folder, { recursive: true });
      }
    }
    return { experimentId, runs };
  });
}

async function compare(
  { store }: Stack,
  { runName, policy }: MadeRun & { readonly policy: PolicyState },
  scratch: string,
  log: (line: string) => void,
) {
  const recorded = required(await recordedRun(store, policy, join(scratch, 'processors')), 'a run with updates');
  const [checkpoint, base, adapter] = ['checkpoint', 'base', 'adapter'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  await materializeFolder(store, recorded.final, checkpoint);
  if (recorded.trainable.lora !== undefined) {
    await materializeFolder(store, recorded.start, base);
    await mkdir(adapter);
    await writeAdapterFiles(store, policy.snapshot, adapter, { checkpoint: base });
  }
  const prompts = await promptsOf(recorded);
  const ours = await answersOf(checkpoint, prompts);
  const file = join(scratch, 'work.json');
  const work = {
    ...{ checkpoint, prompts: prompts.map(({ tokenIds }) => tokenIds), answers: ours.map(({ tokenIds }) => tokenIds) },
    ...{ base, adapter: recorded.trainable.lora === undefined ? null : adapter },
    ...{ tokenCountMax, bannedTokenIds: recorded.bannedTokenIds },
  };
  await writeFile(file, JSON.stringify(work));
  const found: Record<string, { equalAnswerCount: number; logProbDifferenceMax: number }> = {};
  await runPeer('exported.py', file, (value) => {
    const { library, greedy, logProbs } = value as Theirs;
    const equalAnswerCount = ours.filter(({ tokenIds }, i) => tokenIds.join() === greedy[i]?.join()).length;
    const differences = ours.flatMap((answer, i) =>
      answer.logProbs.map((own, at) => Math.abs(own - required(logProbs[i]?.[at], 'a log-prob'))),
    );
    found[library] = { equalAnswerCount, logProbDifferenceMax: Math.max(...differences) };
    log(`${runName} in ${library}: ${equalAnswerCount} of ${prompts.length} answers are the same`);
  });
  return { promptCount: prompts.length, ...found };
}

/** The first different prompts that the run saw in training. */
async function promptsOf({ updates }: RecordedRun): Promise<EncodedPrompt[]> {
  const prompts = new Map<string, EncodedPrompt>();
  for await (const { groups } of updates) {
    for (const { prompt } of groups) {
      if (prompt.images.length > 0)
        throw new MtrlError('USAGE', 'exports are compared on prompts of text alone', { found: 'prompts with images' });
      if (prompts.size < promptCountMax) prompts.set(prompt.tokenIds.join(), { tokenIds: prompt.tokenIds, images: [] });
    }
    if (prompts.size === promptCountMax) break;
  }
  return [...prompts.values()];
}

async function answersOf(folder: string, prompts: readonly EncodedPrompt[]) {
  const { stopTokenId, padTokenId, bannedTokenIds } = await loadProcessor(folder);
  const engine = new EmbeddedEngine({ threadCount: 2 });
  try {
    await engine.loadCheckpoint(folder);
    const { groups } = await engine.sample({
      ...{ prompts, groupSize: 1, seed: 0, step: 0, promptOffset: 0 },
      tokens: { stopTokenId, padTokenId, bannedTokenIds: [...bannedTokenIds] },
      sampling: { temperature: 1, greedy: true, tokenCountMax },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    return groups.map(([answer]) => required(answer, 'an answer'));
  } finally {
    await engine.close();
  }
}
