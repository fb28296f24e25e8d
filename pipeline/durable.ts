/** Caching for all steps of the pipeline: looks up the key first, and reports whether the result was found or made. */
import { type Computed, findMade, memoize, type Work } from '../artifacts/manifest.ts';
import { asJson } from '../artifacts/codecs/json-value.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { KeyedActivity } from './code/code-version.ts';
import type { Made } from '../contract/activities.ts';
import type { ControlDeps } from './deps.ts';

/** Everything that determines a result: the refs and values in its key. */
export interface Key {
  readonly inputs: Work['inputs'];
  /** Plain JSON. */
  readonly config: unknown;
}

export interface Outputs<O extends string, S> {
  readonly outputs: Readonly<Record<O, ArtifactRef>>;
  /** Plain JSON that depends only on the key. */
  readonly summary: S;
  /** Compute time, if the work measures it more precisely than the wall clock around it. */
  readonly computeMs?: number;
}

export type DurableResult<O extends string, S> = Made & Outputs<O, S>;

/**
 * The result of this key, from the store or computed now. Attempts with different bytes are logged: they show a
 * determinism bug in this project.
 */
export async function durable<O extends string, S>(
  deps: ControlDeps,
  activity: KeyedActivity,
  key: Key,
  compute: () => Promise<Outputs<O, S>>,
): Promise<DurableResult<O, S>> {
  const timed = async (): Promise<Computed<S>> => {
    const startedAtMs = performance.now();
    const { outputs, summary, computeMs = performance.now() - startedAtMs } = await compute();
    return { outputs, summary, computeMs };
  };
  const { manifest, ref, cached } = await memoize(deps.store, workOf(deps, activity, key), timed, {
    onDivergence: (divergences) => {
      deps.log.error({ divergences }, 'two attempts at the same work made different bytes');
    },
  });
  return {
    manifest: ref,
    cached,
    computeMs: cached ? 0 : manifest.cost.computeMs,
    outputs: manifest.outputs,
    summary: manifest.summary,
  };
}

/** The stored result of this key; undefined if there is none or parts of it are missing. */
export function findDurable<S>(deps: ControlDeps, activity: KeyedActivity, key: Key): ReturnType<typeof findMade<S>> {
  return findMade<S>(deps.store, workOf(deps, activity, key));
}

function workOf({ codeVersion }: ControlDeps, activity: KeyedActivity, { inputs, config }: Key): Work {
  return { activity, codeVersion: codeVersion(activity), inputs, config: asJson(config), environment };
}

const environment = { node: process.version, platform: process.platform, arch: process.arch };
