/**
 * `--policy P`: a folder in Hugging Face layout, a GGUF file, an address of the Hub, a promoted name (`NAME` or `NAME@VERSION`), an experiment
 * (`ID` or `ID:RUN`), or the address of a stored checkpoint or snapshot.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { isHubAddress } from '../core/hub-address.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { PolicySource } from '../contract/workflows.ts';
import { artifactAt } from './artifact-at.ts';
import { isLocalCheckpoint, requireCheckpoint } from './local-checkpoint.ts';
import { type MadeRun, madeBy } from './show/made.ts';
import { promotedAs } from './temporal/promotions.ts';
import type { Stack } from './temporal/stack.ts';
import { userPath } from './user-path.ts';

/** Forms of P, for the help of a verb. */
export const policyForms =
  'a folder in Hugging Face layout, a .gguf file, hf:org/name@revision, a promoted name[@version], an experiment id[:run], or the address of a checkpoint';

export interface NamedPolicy {
  readonly source?: PolicySource;
  /** Answer mode of the run; undefined if P names no run. */
  readonly mode?: AnswerMode;
}

/** The checkpoint that a recipe can name, else undefined; needs no stack. Throws USAGE for a folder without config.json. */
export function policyFolder(named: string): string | undefined {
  if (isHubAddress(named)) return named;
  const folder = userPath(named);
  return isLocalCheckpoint(folder) ? requireCheckpoint(folder) : undefined;
}

/** Throws USAGE, NOT_FOUND, ARTIFACT_MISSING, CHECKPOINT_INVALID. */
export async function policySource(stack: Stack, named: string): Promise<NamedPolicy> {
  if (/^(s3|file):\/\//.test(named)) return { source: await keptPolicy(stack, named) };
  const promoted = await promotedAs(stack.store, named);
  if (promoted !== undefined) {
    const { policy, checkpoint, mode } = promoted;
    return { source: { kind: 'state', policy, checkpoint }, mode };
  }
  const [experimentId = '', runName] = named.split(':');
  const { runs } = await madeBy(stack, experimentId);
  const { policy, checkpoint, mode } = theRun(experimentId, runs, runName);
  const source: PolicySource = policy ? { kind: 'state', policy, checkpoint } : { kind: 'checkpoint', checkpoint };
  return { source, ...(mode && { mode }) };
}

function theRun(experimentId: string, runs: readonly MadeRun[], wanted: string | undefined): MadeRun {
  const found =
    wanted === undefined && runs.length === 1
      ? runs[0]
      : runs.find(
          ({ runName, arm }) =>
            runName === wanted || (arm === wanted && runs.filter((run) => run.arm === arm).length === 1),
        );
  if (found !== undefined) return found;
  throw new MtrlError(
    'NOT_FOUND',
    wanted === undefined ? 'the experiment has several runs' : 'the experiment has no such run',
    {
      where: `--policy ${experimentId}${wanted === undefined ? '' : `:${wanted}`}`,
      hint: `name one: ${runs.map(({ runName }) => `${experimentId}:${runName}`).join(', ') || '(none has a checkpoint yet)'}`,
    },
  );
}

/** Policy stored at an address. The manifest of a checkpoint lists files; a snapshot names its checkpoint. */
async function keptPolicy({ store }: Stack, uri: string): Promise<PolicySource> {
  const ref = await artifactAt(store, uri);
  const value = (await store.getJson(ref)) as Partial<Record<'files' | 'checkpoint', unknown>> | null;
  if (typeof value?.files === 'object') return { kind: 'checkpoint', checkpoint: ref };
  if (typeof value?.checkpoint === 'object')
    return { kind: 'state', policy: { snapshot: ref, log: [] }, checkpoint: value.checkpoint as ArtifactRef };
  throw new MtrlError('CHECKPOINT_INVALID', 'the artifact is neither a checkpoint nor a snapshot', { where: uri });
}
