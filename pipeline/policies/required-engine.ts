/** A recipe may require an engine. A worker with other engines rejects it; there is no fallback. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { EngineChoice } from '../../policy/engines/engine-service.ts';
import { recipeOf } from '../recipe-access.ts';
import type { Caller } from '../heartbeat.ts';

/** Wraps `work` with the check. Throws PROVIDER_UNAVAILABLE. */
export function onRequiredEngine<I extends { readonly recipe: ArtifactRef }, R>(
  { deps, cache }: ComputeContext,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return async (input, caller) => {
    checkEngine(await recipeOf(cache, input.recipe), deps.engine ?? {});
    return work(input, caller);
  };
}

export function checkEngine({ engine }: Pick<Recipe, 'engine'>, ours: EngineChoice): void {
  if (engine === undefined) return;
  const backend = ours.backend ?? 'onnxruntime';
  const provider = ours.executionProvider ?? (backend === 'onnxruntime' ? 'cpu' : undefined);
  const isProviderRight = engine.executionProvider === undefined || engine.executionProvider === provider;
  if (engine.backend === backend && isProviderRight) return;
  const { executionProvider = '' } = engine;
  throw new MtrlError('PROVIDER_UNAVAILABLE', 'the recipe requires an engine that this worker does not have', {
    where: 'engine',
    found: `${backend} ${provider ?? '(the first available provider)'}`,
    hint: `start the worker with MTRL_ENGINE_BACKEND=${engine.backend} MTRL_ENGINE_PROVIDER=${executionProvider}`,
  });
}
