/**
 * Former names in recipes: `objective: grpo` is now `objective: rl` with `algorithm: grpo`, and `resampling` is
 * `dynamicSampling`. Users have such recipes, and stores hold them in complete form.
 */

type Fields = Readonly<Record<string, unknown>>;

/** The recipe with current names; a value that is not a recipe is left for the schema to reject. */
export function withCurrentNames(recipe: unknown): unknown {
  if (!isFields(recipe) || !isFields(recipe['arms'])) return recipe;
  const arms = Object.entries(recipe['arms']).map(([name, arm]) => [
    name,
    withCurrentSampling(withCurrentObjective(arm)),
  ]);
  return { ...recipe, arms: Object.fromEntries(arms) as unknown };
}

function withCurrentObjective(arm: unknown): unknown {
  if (!isFields(arm) || arm['objective'] !== 'grpo' || arm['algorithm'] !== undefined) return arm;
  return { ...arm, objective: 'rl', algorithm: 'grpo' };
}

function withCurrentSampling(arm: unknown): unknown {
  if (!isFields(arm) || arm['resampling'] === undefined || arm['dynamicSampling'] !== undefined) return arm;
  const { resampling: dynamicSampling, ...others } = arm;
  return { ...others, dynamicSampling };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
