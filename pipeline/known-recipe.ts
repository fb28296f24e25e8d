/**
 * Workers of two versions may share a task queue while one replaces the other. A field of a recipe that a worker does
 * not know would have no effect on it, so the activity is refused. Outside of all keys: a new field invalidates nothing.
 */
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { withCurrentNames } from '../recipes/former-names.ts';
import { recipeSchema } from '../recipes/recipe.ts';
import type { Caller } from './heartbeat.ts';

/** Digests of recipes that were checked before; a worker sees few of them at a time. */
const known = new Set<string>();
const knownCountMax = 1_000;

/** Wraps the work of an activity with the check. */
export function onKnownRecipe<I, R>(
  store: ArtifactStore,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return async (input, caller) => {
    await requireKnownRecipe(store, input);
    return work(input, caller);
  };
}

/** `input`: that of an activity, which may name a stored recipe. Throws FORMAT_UNSUPPORTED. */
export async function requireKnownRecipe(store: ArtifactStore, input: unknown): Promise<void> {
  const { recipe } = (input ?? {}) as { readonly recipe?: Partial<ArtifactRef> };
  if (recipe?.sha256 === undefined || recipe.uri === undefined || known.has(recipe.sha256)) return;
  const ref = recipe as ArtifactRef;
  const [unknown, ...others] = unknownFields(await store.getJson(ref));
  if (unknown !== undefined) {
    throw new MtrlError(
      'FORMAT_UNSUPPORTED',
      'the recipe was prepared by another version, whose fields this worker does not know',
      {
        where: ref.uri,
        found: [unknown, ...others].join(', '),
        hint: 'stop the workers of the other version, or keep the versions apart (docs/production.md), and resume the experiment',
      },
    );
  }
  if (known.size >= knownCountMax) known.clear();
  known.add(ref.sha256);
}

/** Paths of what the schema does not have. */
function unknownFields(recipe: unknown): string[] {
  const { error } = recipeSchema.safeParse(withCurrentNames(recipe));
  return (error?.issues ?? []).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...issue.path, key].join('.'));
    return issue.code === 'invalid_union' ? [issue.path.join('.')] : [];
  });
}
