/** A recipe may require an engine. A worker with other engines rejects it; there is no fallback. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { EngineChoice } from '../../policy/engines/engine-service.ts';
import { recipeOf } from '../recipe-access.ts';
import { requireCapabilities } from './missing-capabilities.ts';
import type { Caller } from '../heartbeat.ts';

/** Wraps `work` with the check. Throws PROVIDER_UNAVAILABLE, RECIPE_INVALID for what the engine does not have. */
export function onRequiredEngine<I extends { readonly recipe: ArtifactRef }, R>(
  { deps, cache }: ComputeContext,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return async (input, caller) => {
    const recipe = await recipeOf(cache, input.recipe);
    checkEngine(recipe, deps.engine ?? {});
    if (deps.engine?.capabilities !== undefined) requireCapabilities(recipe, deps.engine.capabilities);
    return work(input, caller);
  };
}

export function checkEngine({ engine }: Pick<Recipe, 'engine'>, ours: EngineChoice): void {
  if (engine === undefined) return;
  if (engine.tinker !== undefined) {
    requireServer(engine.tinker, ours.tinker);
    return;
  }
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

type Server = NonNullable<NonNullable<Recipe['engine']>['tinker']>;

function requireServer({ url, baseModel, reduction }: Server, ours: EngineChoice['tinker']): void {
  const wanted = { url: url.replace(/\/+$/, ''), baseModel, reduction };
  if (ours !== undefined && describeServer(ours) === describeServer(wanted)) return;
  const variables = [`MTRL_TINKER_URL=${wanted.url}`, `MTRL_TINKER_BASE_MODEL=${baseModel}`];
  throw new MtrlError('PROVIDER_UNAVAILABLE', 'the recipe requires an engine that this worker does not have', {
    where: 'engine.tinker',
    found: ours === undefined ? 'an engine of this machine' : describeServer(ours),
    hint: `start the worker with MTRL_ENGINE=tinker ${variables.join(' ')} MTRL_TINKER_REDUCTION=${reduction}`,
  });
}

const describeServer = ({ url, baseModel, reduction }: NonNullable<EngineChoice['tinker']>): string =>
  `${baseModel} at ${url}, losses by ${reduction}`;
